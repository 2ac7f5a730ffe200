"""Concepts split into subconcepts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("sklearn")

from ddcompile.learn.separators import is_separable
from ddcompile.learn.subconcepts import Parts, separable_parts, single_parts, ward_parts

CUBE = np.array(list(product([0, 1], repeat=9)))


def is_partition(parts: Parts, labels: np.ndarray) -> bool:
    members = np.sort(np.concatenate([samples for _, samples in parts]))
    return members.tolist() == list(range(len(labels))) and all((labels[s] == c).all() for c, s in parts)


def test_one_sample_a_part() -> None:
    assert [(c, s.tolist()) for c, s in single_parts(np.array([1, 0]))] == [(1, [0]), (0, [1])]


def test_the_largest_branch_is_split_first() -> None:
    points = np.array([[0.0], [1.0], [10.0], [100.0], [104.0], [50.0]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    found = [[samples.tolist() for _, samples in ward_parts(points, labels, n)] for n in (1, 3, 4, 6, 9)]
    assert found[0] == [[0, 1, 2], [3, 4, 5]]
    assert found[1] == [[0, 1, 2], [3, 4], [5]]
    assert found[2] == [[0, 1], [2], [3, 4], [5]]
    assert found[3] == found[4] == [[0], [1], [2], [3], [4], [5]]


def test_life_needs_one_part_of_cells_that_live_and_two_of_cells_that_die() -> None:
    total = CUBE.sum(axis=1)
    alive = ((total == 3) | ((total == 4) & (CUBE[:, 4] == 1))).astype(int)
    parts = separable_parts(CUBE, alive)
    assert is_partition(parts, alive)
    assert [concept for concept, _ in parts] == [0, 0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_different_concepts_are_separable(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(0, 2, (40, 6)), axis=0)
    labels = rng.integers(0, 3, len(points))
    parts = separable_parts(points, labels)
    assert is_partition(parts, labels)
    assert all(is_separable(points[s], points[t]) for a, s in parts for b, t in parts if a < b)
