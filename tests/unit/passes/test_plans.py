"""Ways to write units as families: what is taken for the negation of another unit, and what fills a line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir.printer import print_expression
from ddcompile.passes.layers import Names
from ddcompile.passes.plans import cheapest
from ddcompile.passes.silent import filled


def _differences(n: int, bias: int) -> list[Row]:
    """Signs of x[i] - x[j] + bias for j < i."""
    pairs = [(i, j) for i in range(n) for j in range(i)]
    return [Row("sign", np.array([j, i]), np.array([-1, 1]), bias) for i, j in pairs]


@pytest.mark.parametrize("bias", [0, 1])
def test_signs_have_mirrors_only_without_a_bias(bias: int) -> None:
    rows = _differences(7, bias)
    chosen, _ = cheapest(rows, 16, Atoms({"x": (7,)}), Names(set()), "h")
    mirrors = [w.mirrors for w in chosen]
    if bias:
        assert not any(mirrors)
    else:
        assert len(mirrors) == 1
        assert sorted(mirrors[0]) == list(range(len(rows)))
        assert chosen[0].silent == tuple(8 * k for k in range(7))


def test_silent_elements_complete_lines_of_equal_weights() -> None:
    atoms = Atoms({"x": (2,), "d": (3, 3)})
    row = {2 + 3: 2, 2 + 5: 2}  # d[1, 0] and d[1, 2]
    assert filled(row, atoms, "d", [0, 4, 8]) == {2 + 4: 2}
    assert filled({2 + 3: 2, 2 + 5: 1}, atoms, "d", [0, 4, 8]) == {}
    assert filled({0: 1}, atoms, "d", [0, 4, 8]) == {}


def _ring_but_one(n: int, missing: int) -> list[Row]:
    """More at a place of a ring than at the two places after it, for all places but one."""
    places = [k for k in range(n) if k != missing]
    found = []
    for k in places:
        order = sorted([(k, 1), ((k + 1) % n, -1), ((k + 2) % n, -1)])
        found.append(Row("positive", np.array([a for a, _ in order]), np.array([w for _, w in order]), -1))
    return found


@pytest.mark.parametrize("sums_up", [False, True])
def test_a_family_closes_a_ring_where_readers_take_few_units(sums_up: bool) -> None:
    rows = _ring_but_one(12, 5)
    all_units = dict.fromkeys(range(11), 1)
    few = [{k: 1, (k + 1) % 11: 1} for k in range(11)]

    def readers() -> list[dict[int, int]]:
        return [*few, all_units] if sums_up else few

    (found,), _ = cheapest(rows, 16, Atoms({"x": (12,)}), Names(set()), "h", readers)
    assert len(found.units) == (11 if sums_up else 12)
    assert sorted(found.members) == list(range(11))


def _intervals(n: int, odd: int) -> list[Row]:
    """Two of the places from j to i for j < i, but for one unit, which has other operands."""
    ends = [(j, i + 1) for i in range(n) for j in range(i)]
    rows = [Row("positive", np.arange(*e), np.ones(e[1] - e[0], dtype=np.int64), -1) for e in ends]
    rows[odd] = Row("positive", np.array([0, 2, 5]), np.array([2, -1, 1]), -1)
    return rows


@pytest.mark.parametrize("sums_up", [True, False])
def test_a_unit_of_another_kind_completes_a_triangle_where_readers_do_not_care(sums_up: bool) -> None:
    rows = _intervals(7, 9)
    weights = range(1, len(rows) + 1)

    def readers() -> list[dict[int, int]]:
        return [dict.fromkeys(range(len(rows)), 1) if sums_up else dict(enumerate(weights))]

    chosen, _ = cheapest(rows, 16, Atoms({"x": (7,)}), Names(set()), "h", readers)
    assert sorted(len(w.members) for w in chosen) == ([len(rows)] if sums_up else [1, len(rows) - 1])
    assert max(w.gaps for w in chosen) == (2 if sums_up else 3)


@pytest.mark.parametrize("ranks", [True, False])
def test_a_unit_of_another_kind_takes_two_mirrored_places_where_readers_add_up_rows(ranks: bool) -> None:
    rows = _differences(7, 0)
    pairs = [(i, j) for i in range(7) for j in range(i)]
    rows[9] = Row("sign", np.array([0, 2, 5]), np.array([2, -1, 1]), -1)

    def readers() -> list[dict[int, int]]:
        more = [1] * 7 if ranks else list(range(1, 8))
        return [
            {u: more[sum(p) - k] * (1 if k == p[0] else -1) for u, p in enumerate(pairs) if k in p} for k in range(7)
        ]

    chosen, _ = cheapest(rows, 16, Atoms({"x": (7,)}), Names(set()), "h", readers)
    mirrored = next(w for w in chosen if w.mirrors)
    assert (9 in mirrored.mirrors) == ranks
    assert mirrored.gaps == (0 if ranks else 2)
    text = print_expression(mirrored.value)
    assert text.count("sign(x[5] + 2 * x[0] - x[2] - 1)") + text.count("sign(2 * x[0] + x[5] - x[2] - 1)") == 2 * ranks


def test_families_that_are_known_have_names_that_are_free_here() -> None:
    weights = np.array([3, 1, 4, 1, 5], dtype=np.int64)
    rows = [Row("positive", np.arange(k, k + 5), weights, -7) for k in range(6)]
    (first,), names = cheapest(rows, 16, Atoms({"x": (10,)}), Names(set()), "h")
    (again,), _ = cheapest(rows, 16, Atoms({"x": (10,)}), names, "h")
    moved = [Row("positive", row.atoms + 2, weights, -7) for row in rows]
    (later,), _ = cheapest(moved, 16, Atoms({"other": (2,), "x": (10,)}), Names({"i", "other"}, {"i", "other"}), "h")
    assert first.constants
    assert {c.name for c in first.constants}.isdisjoint(c.name for c in again.constants)
    assert [c.values for c in first.constants] == [c.values for c in again.constants]
    assert first.units == again.units == later.units
    assert "i" in print_expression(first.value)
    assert [b.name for b in later.binders] == ["j"]


def test_families_that_are_known_are_not_those_of_units_with_another_bias_or_other_readers() -> None:
    rows = _ring_but_one(12, 5)
    asked = [
        cheapest(each, 16, Atoms({"x": (12,)}), Names(set()), "h", lambda read=read: read)[0]
        for each in (rows, [replace(row, bias=-2) for row in rows])
        for read in ([], [dict.fromkeys(range(11), 1)])
    ]
    texts = [[(print_expression(w.value), w.units) for w in found] for found in asked]
    assert len({str(t) for t in texts}) == 4
