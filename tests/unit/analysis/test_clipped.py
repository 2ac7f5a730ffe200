"""Clipped kernels are found whatever the order of the units, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from ddcompile.analysis.bounds import fit_bounds
from ddcompile.analysis.clipped import Operands, fit_clipped, fit_clipped_at, unrolled


def _clip(kernel: Operands, move: np.ndarray, extents: tuple[int, ...]) -> Operands:
    places = kernel.positions + move
    inside = ((places >= 0) & (places < np.array(extents))).all(axis=1)
    return Operands(places[inside], kernel.weights[inside])


def _same(first: Operands, second: Operands) -> bool:
    return first.key() == second.key()


@st.composite
def _padded(draw: st.DrawFn) -> tuple[list[Operands], tuple[int, ...]]:
    """All places of a grid with one kernel that fits into it, clipped, shuffled."""
    extents = tuple(draw(st.lists(st.integers(4, 6), min_size=1, max_size=2)))
    width = 3 ** len(extents)
    weights = np.array(draw(st.lists(st.integers(-2, 2), min_size=width, max_size=width)))
    weights[width // 2] = 5
    offsets = np.indices((3,) * len(extents)).reshape(len(extents), -1).T - 1
    kernel = Operands(offsets[weights != 0], weights[weights != 0])
    grid = np.indices(extents).reshape(len(extents), -1).T
    order = draw(st.permutations(range(len(grid))))
    return [_clip(kernel, grid[k], extents) for k in order], extents


@given(_padded())
def test_a_padded_stencil_is_one_family(case: tuple[list[Operands], tuple[int, ...]]) -> None:
    units, extents = case
    family = fit_clipped(units, extents)[0]
    assert sorted(u for u in family.units if u is not None) == list(range(len(units)))
    grid = np.indices(family.counts).reshape(len(family.counts), -1).T
    for unit, place in zip(family.units, grid, strict=True):
        move = np.array([constant + place @ np.array(slopes) for constant, slopes in family.moves])
        assert unit is not None
        assert _same(_clip(units[family.kernel], move, extents), units[unit])


@given(_padded(), st.integers(0, 35), st.integers(0, 8))
def test_a_unit_with_another_weight_is_no_member(
    case: tuple[list[Operands], tuple[int, ...]], unit: int, operand: int
) -> None:
    units, extents = case
    unit %= len(units)
    weights = units[unit].weights.copy()
    weights[operand % len(weights)] = 7
    units[unit] = Operands(units[unit].positions, weights)
    for family in fit_clipped(units, extents):
        grid = np.indices(family.counts).reshape(len(family.counts), -1).T
        for member, place in zip(family.units, grid, strict=True):
            move = np.array([constant + place @ np.array(slopes) for constant, slopes in family.moves])
            assert member is None or _same(_clip(units[family.kernel], move, extents), units[member])
            assert member != unit or family.kernel == unit


def test_a_padded_stencil_at_given_coordinates() -> None:
    kernel = Operands(np.array([[-1], [0], [1]]), np.array([1, -2, 1]))
    units = [_clip(kernel, np.array([k]), (6,)) for k in range(6)]
    units[4] = Operands(np.array([[0], [5]]), np.array([1, 1]))
    fit = fit_clipped_at(units, (6,), np.arange(6).reshape(-1, 1))
    assert fit is not None
    assert (fit.moves, fit.members, fit.rings) == (((-1, (1,)),), [0, 1, 2, 3, 5], ())


@given(
    st.integers(1, 4),
    st.integers(-9, 9),
    st.lists(st.integers(-5, 5), min_size=1, max_size=2),
    st.lists(st.integers(2, 5), min_size=2, max_size=2),
)
def test_rounded_bounds_are_found(factor: int, constant: int, slopes: list[int], counts: list[int]) -> None:
    grid = np.indices(counts[: len(slopes)]).reshape(len(slopes), -1).T
    bounds = [-(-int(constant + x @ np.array(slopes)) // factor) for x in grid]
    found = fit_bounds(bounds, grid)
    assert found is not None
    assert found[0] <= factor
    assert bounds == [-(-int(found[1] + x @ np.array(found[2])) // found[0]) for x in grid]


def test_bounds_that_bend_are_not_affine() -> None:
    grid = np.arange(6).reshape(-1, 1)
    assert fit_bounds([0, 1, 4, 9, 16, 25], grid) is None
    assert fit_bounds([0, 1, 1], grid[:3], 1) is None
    assert fit_bounds([2**50, 0], grid[:2]) is None


def test_a_kernel_that_is_cut_off_on_one_axis_and_goes_around_the_other() -> None:
    extents = (4, 7)
    kernel = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 2)])
    weights = np.arange(1, 10)
    units = []
    for i, j in np.random.default_rng(0).permutation([(i, j) for i in range(4) for j in range(7)]).tolist():
        places = (kernel + np.array([i, j])) % (99, 7)
        inside = places[:, 0] < 4
        places, own = places[inside], weights[inside]
        order = np.lexsort(places.T[::-1])
        units.append(Operands(places[order], own[order]))
    (family,) = fit_clipped(units, extents)
    assert family.rings == (1,)
    assert family.counts == (4, 7)
    assert sorted(u for u in family.units if u is not None) == list(range(28))
    own = unrolled(units[family.kernel], extents, family.rings)
    grid = np.indices(family.counts).reshape(2, -1).T
    for unit, place in zip(family.units, grid, strict=True):
        move = np.array([constant + place @ np.array(slopes) for constant, slopes in family.moves])
        places = own.positions + move
        places[:, 1] %= 7
        inside = (places[:, 0] >= 0) & (places[:, 0] < 4)
        order = np.lexsort(places[inside].T[::-1])
        assert unit is not None
        assert _same(Operands(places[inside][order], own.weights[inside][order]), units[unit])


def test_a_kernel_that_no_unit_has_all_of() -> None:
    """The row up to a place, and the column from there on."""
    units = []
    for k in range(5):
        places = [(k, j) for j in range(k)] + [(j, k) for j in range(k + 1, 5)]
        units.append(Operands(np.array(sorted(places)), np.ones(4, dtype=np.int64)))
    coordinates = np.arange(5)[:, None]
    fit = fit_clipped_at(units, (5, 5), coordinates)
    assert fit is not None
    assert fit.members == [0, 1, 2, 3, 4]
    assert fit.moves == ((0, (1,)), (0, (1,)))
    assert sorted(map(tuple, fit.kernel.positions.tolist())) == [(0, -k) for k in (4, 3, 2, 1)] + [
        (k, 0) for k in range(1, 5)
    ]


def test_a_kernel_that_no_unit_has_all_of_and_one_unit_does_not_follow() -> None:
    """Any of the units may be the other one, the first and the last one, too; what only it could read is left out."""
    for odd in range(6):
        units = []
        for k in range(6):
            places = [(k, j) for j in range(k)] + [(j, k) for j in range(k + 1, 6)]
            units.append(Operands(np.array(sorted(places)), np.ones(5, dtype=np.int64)))
        units[odd] = Operands(np.array([(1, 3), (4, 3)]), np.array([1, -2]))
        fit = fit_clipped_at(units, (6, 6), np.arange(6)[:, None])
        assert fit is not None
        assert fit.members == [k for k in range(6) if k != odd]
        assert fit.moves == ((0, (1,)), (0, (1,)))
        assert set(fit.kernel.weights.tolist()) == {1}
        column, row = (5 if odd else 4), (5 if odd < 5 else 4)
        assert sorted(map(tuple, fit.kernel.positions.tolist())) == [(0, -k) for k in range(row, 0, -1)] + [
            (k, 0) for k in range(1, column + 1)
        ]


def test_units_of_which_many_read_other_things_have_no_kernel() -> None:
    """Three of six are at places of their own."""
    units = []
    for k in range(6):
        places = [(k, j) for j in range(k)] + [(j, k) for j in range(k + 1, 6)]
        units.append(Operands(np.array(sorted(places)), np.ones(5, dtype=np.int64)))
    for k, places in ((0, [(1, 3), (4, 4)]), (2, [(0, 1), (5, 0)]), (4, [(2, 2), (3, 0)])):
        units[k] = Operands(np.array(places), np.array([1, 2]))
    fit = fit_clipped_at(units, (6, 6), np.arange(6)[:, None])
    assert fit is None or len(fit.members) < 3
