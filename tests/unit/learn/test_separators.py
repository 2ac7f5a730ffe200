"""Separators of two sets of points."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("sklearn")

from ddcompile.learn.separators import is_separable, separate

CUBE = np.array(list(product([0, 1], repeat=4)))


def halves(labels: np.ndarray, points: np.ndarray = CUBE) -> tuple[np.ndarray, np.ndarray]:
    return points[labels == 1], points[labels == 0]


def test_one_point_a_side_is_the_plane_halfway() -> None:
    found = separate(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
    assert found.weights.tolist() == [1, 0, -1]
    assert found.bias == 0
    assert found.weights.dtype == np.int64


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_thresholds_of_a_count_have_weights_one(count: int) -> None:
    ones, others = halves((CUBE.sum(axis=1) >= count).astype(int))
    found = separate(ones, others)
    assert found.weights.tolist() == [2] * 4
    assert found.bias == 1 - 2 * count


@pytest.mark.parametrize("seed", range(30))
def test_integer_points_are_separated_by_small_integers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(-1, 2, (60, 6))
    values = points @ rng.integers(-3, 4, 6) + rng.integers(-2, 3)
    ones, others = points[values > 0], points[values < 0]
    found = separate(ones, others)
    assert found.weights.dtype == np.int64
    assert (ones @ found.weights + int(found.bias)).min() > 0 > (others @ found.weights + int(found.bias)).max()
    assert np.abs(found.weights).max() <= 2 * 2**12


@pytest.mark.parametrize("seed", range(10))
def test_the_margin_is_the_largest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(20, 2))
    side = points[:, 0] + points[:, 1] > 0
    found = separate(points[side], points[~side])
    length = np.linalg.norm(found.weights)
    margin = min(found.values(points[side]).min(), -found.values(points[~side]).max()) / length
    # In two dimensions the largest margin is found by turning the plane.
    angles = np.linspace(0, 2 * np.pi, 20_001)
    directions = np.stack([np.cos(angles), np.sin(angles)])
    gaps = (points[side] @ directions).min(axis=0) - (points[~side] @ directions).max(axis=0)
    assert margin == pytest.approx(gaps.max() / 2, rel=1e-3)


def test_points_that_cannot_be_separated_are_mostly_on_their_side() -> None:
    labels = (CUBE.sum(axis=1) >= 2).astype(int)
    labels[0] = 1
    ones, others = halves(labels)
    assert not is_separable(ones, others)
    found = separate(ones, others, C=10.0)
    assert (found.values(ones) <= 0).sum() + (found.values(others) >= 0).sum() == 1
    assert found.weights.dtype == np.int64


def test_dearer_points_get_more_of_the_strip() -> None:
    ones, others = np.array([[0.0]]), np.array([[1.0]])
    even, dear = separate(ones, others), separate(ones, others, prices=(3.0, 1.0))
    assert even.values(np.array([[0.5]]))[0] == 0
    assert dear.values(np.array([[0.7]]))[0] > 0 > dear.values(np.array([[0.8]]))[0]


def test_exclusive_or_cannot_be_separated() -> None:
    square = np.array(list(product([0, 1], repeat=2)))
    assert not is_separable(*halves(square.sum(axis=1) % 2, square))
    assert is_separable(*halves((square.sum(axis=1) > 0).astype(int), square))
