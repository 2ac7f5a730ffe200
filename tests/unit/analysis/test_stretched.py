"""Boxes with ends that move and points that move are read back as the units, and nothing else is taken for them."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from ddcompile.analysis.clipped import Operands
from ddcompile.analysis.stretched import Line, fit_points, fit_stretched


def _unit(places: set[tuple[int, ...]], weight: int = 1) -> Operands:
    positions = np.array(sorted(places), dtype=np.int64)
    return Operands(positions, np.full(len(positions), weight))


def _shuffled(units: list[Operands], seed: int = 0) -> list[Operands]:
    order = np.random.default_rng(seed).permutation(len(units))
    return [units[k] for k in order]


def _at(line: Line, place: tuple[int, ...]) -> int:
    return line[0] + sum(s * p for s, p in zip(line[1], place, strict=True))


def _intervals(n: int) -> list[set[tuple[int, ...]]]:
    return [{(k,) for k in range(j, i + 1)} for i in range(n) for j in range(i)]


def _arcs(n: int) -> list[set[tuple[int, ...]]]:
    return [{((i + k) % n,) for k in range(j)} for i in range(n) for j in range(2, n)]


def _rectangles(n: int) -> list[set[tuple[int, ...]]]:
    return [{(*a, *b) for a, b in product(p, q)} for p, q in product(_intervals(n), repeat=2)]


def _corners(h: int, w: int) -> list[set[tuple[int, ...]]]:
    return [set(product(range(i + 1), range(j + 1))) for i in range(h) for j in range(w)]


@pytest.mark.parametrize(
    ("sets", "extents"),
    [(_intervals(6), (6,)), (_arcs(7), (7,)), (_rectangles(4), (4, 4)), (_corners(3, 5), (3, 5))],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_boxes_are_read_back(sets: list[set[tuple[int, ...]]], extents: tuple[int, ...], seed: int) -> None:
    units = _shuffled([_unit(s) for s in sets], seed)
    (family,) = fit_stretched(units, extents)
    assert sorted(u for u in family.units if u is not None) == list(range(len(units)))
    for unit, place in zip(family.units, np.ndindex(*family.counts), strict=True):
        runs = []
        for ends, extent in zip(family.axes, extents, strict=True):
            start, length = _at(ends.start, place), _at(ends.length, place)
            run = range(start, start + length)
            assert ends.is_ring or not run or 0 <= start <= start + length <= extent
            runs.append([p % extent for p in run])
        if unit is not None:
            assert set(product(*runs)) == {tuple(p) for p in units[unit].positions.tolist()}


def test_boxes_of_one_size_and_ends_that_jump_are_left() -> None:
    windows = [_unit({(i + k,) for k in range(3)}) for i in range(5)]
    assert list(fit_stretched(windows, (7,))) == []
    jumping = [_unit({(k,) for k in range(n)}) for n in (1, 2, 5, 11)]
    assert list(fit_stretched(jumping, (12,))) == []
    assert list(fit_stretched([_unit({(0,), (2,)}), _unit({(0,), (1,)})], (5,))) == []


@pytest.mark.parametrize(("count", "weight"), [(2, 1), (3, -2)])
def test_all_choices_of_points_are_read_back(count: int, weight: int) -> None:
    units = _shuffled([_unit({(p,) for p in points}, weight) for points in combinations(range(7), count)])
    family = fit_points([[unit] for unit in units], [(7,)])
    assert family is not None
    assert sorted(u for u in family.units if u is not None) == list(range(len(units)))
    for unit, place in zip(family.units, np.ndindex(*family.counts), strict=True):
        found = [(_at(position[0], place), own) for own, _, position in family.operands]
        assert all(0 <= p < 7 for p, _ in found)
        if unit is not None:
            expected = zip(units[unit].positions[:, 0].tolist(), units[unit].weights.tolist(), strict=True)
            assert sorted(found) == sorted(expected)


def test_points_without_order_are_left() -> None:
    apart = [_unit({(a,), (b,)}) for a, b in ((0, 1), (3, 9), (4, 6), (2, 8))]
    assert fit_points([[unit] for unit in apart], [(10,)]) is None
    assert fit_points([[_unit({(p,) for p in range(k, k + 6)})] for k in range(2)], [(7,)]) is None


def test_points_of_several_tensors_are_one_family() -> None:
    places = [(i, j) for i in range(5) for j in range(i + 1)]
    units = [
        [
            _unit({(i, j)}, -2),
            _unit({(i + 1, j), (j, i + 1)}),
            Operands(np.zeros((1, 0), dtype=np.int64), np.array([3])),
        ]
        for i, j in places
    ]
    family = fit_points(units, [(5, 5), (6, 6), ()])
    assert family is not None
    assert sorted(u for u in family.units if u is not None) == list(range(len(units)))
    for unit, place in zip(family.units, np.ndindex(*family.counts), strict=True):
        if unit is not None:
            i, j = places[unit]
            found = sorted((k, own, *(_at(line, place) for line in position)) for own, k, position in family.operands)
            assert found == sorted([(0, -2, i, j), (1, 1, i + 1, j), (1, 1, j, i + 1), (2, 3)])
    apart = [[*unit[:1], _unit({(j, j), (0, i)}), unit[2]] for unit, (i, j) in zip(units, places, strict=True) if i]
    assert fit_points(apart[::2], [(5, 5), (6, 6), ()]) is None
