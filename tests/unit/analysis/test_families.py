"""Families of units over rings: the shape of what a unit reads does not depend on where it lies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ddcompile.analysis.families import UnitClass, fit_fixed, unit_classes

KNIGHT = [(a, b) for a, b in itertools.product((-2, -1, 1, 2), repeat=2) if abs(a) != abs(b)]


def over(extents: tuple[int, int], moves: list[tuple[int, int]]) -> tuple[list[list[UnitClass]], np.ndarray]:
    """The classes of a unit at every place of a torus, and the places."""
    places = np.array(list(itertools.product(*map(range, extents))))
    reads = [(place + np.array(moves)) % np.array(extents) for place in places]
    return [unit_classes(read, np.ones(len(moves), dtype=np.int64), 0, extents) for read in reads], places


@pytest.mark.parametrize("extents", [(6, 7), (7, 6), (5, 6), (6, 8), (7, 7), (9, 6)])
@pytest.mark.parametrize("moves", [KNIGHT, [(0, 1), (2, 3), (4, 5)]])
def test_counts_along_an_axis_may_have_a_period(extents: tuple[int, int], moves: list[tuple[int, int]]) -> None:
    """Two or three places along an axis of 6 look alike from each: which is taken must not depend on the place."""
    units, places = over(extents, moves)
    assert len({unit[0].shape for unit in units}) == 1
    assert len(fit_fixed(units, [extents], places)) == 1


def test_other_moves_are_no_family() -> None:
    units, places = over((6, 7), KNIGHT)
    others, _ = over((6, 7), [*KNIGHT[:-1], (0, 0)])
    assert len(fit_fixed([*others[:20], *units[20:]], [(6, 7)], places)) > 1
