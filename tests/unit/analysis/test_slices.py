"""Sums of slices are exact, and short where a person sees a short one."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.analysis.slices import Slice, decompose


def total(pieces: list[Slice], shape: tuple[int, ...]) -> np.ndarray:
    array = np.zeros(shape, dtype=object)
    for piece in pieces:
        box = tuple(slice(start, start + (count - 1) * step + 1, step) for start, count, step in piece.axes)
        array[box] += piece.coefficient
    return array


def test_random_sums_of_boxes_are_exact() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        shape = tuple(rng.integers(1, 7, rng.integers(1, 4)))
        weights = np.zeros(shape, dtype=np.int64)
        for _ in range(rng.integers(1, 4)):
            box = []
            for extent in shape:
                a, b = sorted(rng.integers(0, extent + 1, 2))
                box.append(slice(a, max(b, a + 1)))
            weights[tuple(box)] += rng.integers(-3, 4)
        pieces = decompose(weights)
        if pieces is not None:
            assert (total(pieces, shape) == weights).all()


def cross() -> np.ndarray:
    weights = np.zeros((7, 7), dtype=np.int64)
    weights[:, 3] += 1
    weights[2] -= 1
    return weights


def all_but() -> np.ndarray:
    weights = np.full((6, 6), -5)
    weights[4] += 6
    return weights


def ring() -> np.ndarray:
    weights = np.full((3, 3), 2)
    weights[1, 1] = 1
    return weights


def strided() -> np.ndarray:
    weights = np.zeros(12, dtype=np.int64)
    weights[2::3] = 4
    return weights


@pytest.mark.parametrize(("make", "count"), [(cross, 2), (all_but, 2), (ring, 2), (strided, 1)])
def test_known_shapes(make: object, count: int) -> None:
    weights = make()  # type: ignore[operator]
    pieces = decompose(weights)
    assert pieces is not None
    assert len(pieces) == count
    assert (total(pieces, weights.shape) == weights).all()


def test_noise_has_no_short_sum() -> None:
    assert decompose(np.random.default_rng(0).integers(-9, 10, (9, 9))) is None


def test_nothing_is_no_slices() -> None:
    assert decompose(np.zeros((3, 3), dtype=np.int64)) == []


def test_the_background_may_be_the_rarer_of_two_values() -> None:
    weights = -np.ones((8, 8), dtype=np.int64)
    weights[2:6, 2:6] = 1
    assert decompose(weights) == [Slice(-1, ((0, 8, 1), (0, 8, 1))), Slice(2, ((2, 4, 1), (2, 4, 1)))]
    weights = np.ones((7, 7), dtype=np.int64)
    weights[[0, -1]] = weights[:, [0, -1]] = -1
    assert decompose(weights) == [Slice(-1, ((0, 7, 1), (0, 7, 1))), Slice(2, ((1, 5, 1), (1, 5, 1)))]
