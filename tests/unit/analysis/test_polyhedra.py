"""Systems of inequalities: what is proved holds for all integers, and what is kept says no more than needed."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from ddcompile.analysis.polyhedra import equal, implies, is_empty, project
from ddcompile.ir.affine import Affine


def form(constant: int = 0, **terms: int) -> Affine:
    return Affine.of(constant, dict(terms), [name for name in terms if name.isupper()])


N = form(0, N=1)
POSITIVE = [N - 1]


def test_indices_are_bounded_by_sizes() -> None:
    domain = [*POSITIVE, form(i=1), form(-1, N=1, i=-1)]
    assert implies(domain, form(-1, N=1))
    assert not implies(domain, form(-2, N=1, i=-1))
    assert project([*domain, form(3, i=1, N=-1)], ["N"]) == [N - 1]


def test_what_fails_is_a_condition_on_sizes() -> None:
    # x[i + 3] for i < N - 5 of x: bit[N - 1] is outside where there is an i at all and i + 3 >= N - 1.
    outside = [*POSITIVE, form(i=1), form(-6, N=1, i=-1), form(4, i=1, N=-1)]
    assert project(outside, ["N"]) is None
    outside = [*POSITIVE, form(i=1), form(-2, N=1, i=-1), form(4, i=1, N=-1)]
    assert project(outside, ["N"]) == [N - 2]


def test_divisors_are_taken_out_before_rounding() -> None:
    assert is_empty([form(-1, i=2), form(1, i=-2)])  # 2 i = 1
    assert is_empty([form(-1, i=3), form(2, i=-3)])  # 1 <= 3 i <= 2
    assert not is_empty([form(-1, i=3), form(3, i=-3)])


def test_remainders_are_equations_with_a_quotient() -> None:
    # r = i - 4 q with 0 <= r <= 3 and 0 <= i <= 3 leaves q = 0, so r = i.
    system = [*equal(form(r=1, q=4), form(i=1)), form(r=1), form(3, r=-1), form(i=1), form(3, i=-1)]
    assert implies(system, form(r=1, i=-1))
    assert implies(system, form(r=-1, i=1))


@pytest.mark.parametrize("seed", range(300))
def test_emptiness_and_projection_agree_with_enumeration(seed: int) -> None:
    random = Random(seed)
    names = ("i", "j", "N")
    box = [f for name in names for f in (form(3, **{name: 1}), form(3, **{name: -1}))]
    system = [
        Affine.of(random.randint(-4, 4), {name: random.randint(-3, 3) for name in names}, ["N"])
        for _ in range(random.randint(1, 5))
    ]
    points = [dict(zip(names, values, strict=True)) for values in product(range(-3, 4), repeat=3)]
    solutions = [p for p in points if all(f.evaluate(p) >= 0 for f in system)]
    if solutions:
        assert not is_empty([*box, *system])
    kept = project([*box, *system], ["N"])
    assert kept is not None or not solutions
    for solution in solutions:
        assert all(f.evaluate({"N": solution["N"]}) >= 0 for f in kept or ())


def test_a_system_too_large_says_nothing() -> None:
    random = Random(1)
    names = [f"i{k}" for k in range(14)]
    system = [
        Affine.of(random.randint(1, 9), {name: random.choice((-3, -2, 2, 3)) for name in random.sample(names, 5)})
        for _ in range(80)
    ]
    assert project(system, ["i0"]) == []
