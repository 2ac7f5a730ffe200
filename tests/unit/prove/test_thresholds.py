"""Threshold programmes against enumeration of all values of the variables."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest

from ddcompile.prove import thresholds
from ddcompile.prove.extremes import Profile, combine
from ddcompile.prove.forms import Form
from ddcompile.prove.store import Store
from ddcompile.prove.thresholds import Programmes, Stairs, stairs_of


def variables(store: Store, rng: random.Random, count: int) -> list[int]:
    """Bits, ordered thresholds of one integer, and integers with a range."""
    found: list[int] = []
    while len(found) < count:
        name = f"x{len(store.nodes)}"
        match rng.randrange(4):
            case 0:
                found += store.input(name, -1, 1).terms
            case 1:
                found += store.input(name, 0, 3).terms
            case _:
                found += store.input(name, 0, 1).terms
    return found


def assignments(store: Store, used: list[int]) -> list[dict[int, int]]:
    """All values of variables, those of thresholds of one form in order."""
    rows = []
    ranges = [range(store.nodes[v].low or 0, (store.nodes[v].high or 0) + 1) for v in used]
    for values in product(*ranges):
        row = dict(zip(used, values, strict=True))
        steps = [v for v in used if store.nodes[v].kind == "step"]
        ordered = all(
            row[v] >= row[w]
            for v in steps
            for w in steps
            if store.nodes[v].base == store.nodes[w].base and store.nodes[v].number < store.nodes[w].number
        )
        if ordered:
            rows.append(row)
    return rows


def stairs(rng: random.Random, used: list[int], weights: tuple[int, ...]) -> Stairs:
    form = Form({v: c for v in used if (c := rng.choice(weights))}, 0)
    bounds = sorted(rng.sample(range(-12, 13), rng.randint(1, 2)))
    return Stairs(form, tuple(bounds), tuple(rng.choice((-1, 1)) for _ in bounds))


def value(function: Stairs, row: dict[int, int]) -> int:
    total = sum(c * row[v] for v, c in function.form.terms.items())
    return sum(jump for bound, jump in zip(function.bounds, function.jumps, strict=True) if total >= bound)


@pytest.mark.parametrize("scale", [1, 3**50])
def test_sums_of_step_functions(scale: int) -> None:
    rng = random.Random(scale)
    found_some = 0
    for _ in range(400):
        store = Store()
        used = variables(store, rng, rng.randint(1, 5))
        first = stairs(rng, used, (-2, -1, 0, 1, 2, 3))
        if rng.random() < 0.6:  # nearly the same function
            factor = rng.randint(1, 3)
            form = Form({v: factor * c + rng.choice((0, 0, 0, 1)) for v, c in first.form.terms.items()}, 0)
            form = Form({v: c for v, c in form.terms.items() if c}, 0)
            second = Stairs(form, tuple(factor * b for b in first.bounds), tuple(-j for j in first.jumps))
        else:
            second = stairs(rng, used, (-2, -1, 0, 1, 2, 3))
        second = Stairs(
            Form({v: c * scale for v, c in second.form.terms.items()}, 0),
            tuple(b * scale for b in second.bounds),
            second.jumps,
        )
        sums = {value(first, row) + value(second, row) for row in assignments(store, used)}
        found = Programmes(store).constant_sum(first, second)
        if found is None:
            assert len(sums) > 1
        else:
            assert sums == {found}
            found_some += 1
    assert found_some > 50


def test_one_step_function() -> None:
    store = Store()
    bits = [v for k in range(4) for v in store.input(f"x{k}", 0, 1).terms]
    form = Form(dict.fromkeys(bits, 2), 0)
    programmes = Programmes(store)
    assert programmes.constant_sum(Stairs(form, (9,), (1,)), None) == 0
    assert programmes.constant_sum(Stairs(form, (0,), (1,)), None) == 1
    assert programmes.constant_sum(Stairs(form, (3, 4), (1, -1)), None) == 0
    assert programmes.constant_sum(Stairs(form, (4,), (1,)), None) is None


def test_unbounded_variables_are_declined() -> None:
    store = Store()
    (v,) = store.input("x", None, None).terms
    assert Programmes(store).constant_sum(Stairs(Form({v: 1}, 0), (1,), (1,)), None) is None
    assert stairs_of(store, {v: 1}) is None


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    bits = [v for k in range(12) for v in store.input(f"x{k}", 0, 1).terms]
    form = Form({v: 3**k for k, v in enumerate(bits)}, 0)
    whole = Stairs(form, (sum(form.terms.values()) + 1,), (1,))
    assert Programmes(store).constant_sum(whole, None) == 0
    monkeypatch.setattr(thresholds, "PAIR_LIMIT", 1000)
    assert Programmes(store).constant_sum(whole, None) is None


@pytest.mark.parametrize("dtype", [np.int64, object])
@pytest.mark.parametrize("stretch", [1, 10**7])
def test_profiles(dtype: type, stretch: int) -> None:
    """On the lattice, by sorting, and with Python integers: the same extremes as by enumeration."""
    rng = random.Random(stretch)
    for _ in range(30):
        parts, tables = [], []
        for _ in range(rng.randint(1, 3)):
            rows = sorted({0, *(rng.randint(0, 9) * stretch for _ in range(rng.randint(0, 5)))})
            ends = [sorted(rng.randint(-20, 20) for _ in range(2)) for _ in rows]
            tables.append([(v, low, high) for v, (low, high) in zip(rows, ends, strict=True)])
            parts.append(Profile(*(np.array(column).astype(dtype) for column in zip(*tables[-1], strict=True))))
        wanted: dict[int, tuple[int, int]] = {}
        for combination in product(*tables):
            v, low, high = (sum(column) for column in zip(*combination, strict=True))
            old = wanted.get(v, (low, high))
            wanted[v] = (min(old[0], low), max(old[1], high))
        found = combine(parts, 1 << 20)
        assert found is not None
        assert dict(zip(found.value, zip(found.low, found.high, strict=True), strict=True)) == wanted
