"""The inputs that an output depends on."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("pysat")

from ddcompile.learn.relevance import description_length, relevant_inputs


def is_consistent(points: np.ndarray, labels: np.ndarray, inputs: tuple[int, ...]) -> bool:
    seen: dict[tuple[int, ...], int] = {}
    pairs = zip(points[:, list(inputs)].tolist(), labels.tolist(), strict=True)
    return all(seen.setdefault(tuple(row), label) == label for row, label in pairs)


@pytest.mark.parametrize("seed", range(20))
def test_no_smaller_set_is_consistent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(-1, 2, (14, 7)), axis=0)
    labels = rng.integers(0, 2, len(points))
    found = relevant_inputs(points, labels)
    if found.is_consistent:
        assert is_consistent(points, labels, found.inputs)
        smaller = combinations(range(7), max(len(found.inputs) - 1, 0))
        assert found.is_smallest
        assert not found.inputs or not any(is_consistent(points, labels, inputs) for inputs in smaller)
    else:
        full = tuple(range(7))
        assert found.bits < description_length(points, labels, full)


def test_exclusive_ors_are_found_though_no_input_tells_anything_by_itself() -> None:
    points = np.random.default_rng(0).integers(0, 2, (60, 30))
    labels = points[:, 3] ^ points[:, 17]
    assert relevant_inputs(points, labels).inputs == (3, 17)


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.15])
def test_wrong_labels_are_left_contradicted(noise: float) -> None:
    rng = np.random.default_rng(1)
    points = rng.integers(0, 2, (300, 20))
    labels = points[:, 3] ^ (points[:, 4] | points[:, 5]) ^ (rng.random(300) < noise)
    found = relevant_inputs(points, labels)
    assert found.inputs == (3, 4, 5)
    assert not found.is_consistent


def test_equal_samples_with_different_labels_are_no_obstacle() -> None:
    points = np.repeat(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), 20, axis=0)
    labels = points[:, 1].copy()
    labels[0] = 1
    found = relevant_inputs(points, labels)
    assert found.inputs == (1,)
    assert not found.is_consistent


def test_a_constant_output_depends_on_nothing() -> None:
    points = np.random.default_rng(0).integers(0, 2, (10, 5))
    found = relevant_inputs(points, np.zeros(10, dtype=np.int64))
    assert found.inputs == ()
    assert found.is_smallest


def test_numbers_beyond_bits_and_below_zero() -> None:
    points = np.random.default_rng(0).integers(-3, 4, (200, 8))
    labels = (points[:, 2] + points[:, 5] > 1).astype(np.int64)
    assert relevant_inputs(points, labels).inputs == (2, 5)


def test_inputs_that_change_how_sure_a_label_is_but_not_which_is_likelier() -> None:
    grids = np.random.default_rng(0).integers(0, 2, (1000, 12, 12))
    turned = [np.roll(grids, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    counts = np.sum(turned, axis=0)
    alive = (counts == 3) | ((counts == 4) & (grids == 1))
    found = relevant_inputs(grids.reshape(1000, -1), alive.reshape(1000, -1)[:, 77].astype(np.int64))
    assert found.inputs == tuple(12 * i + j for i in (5, 6, 7) for j in (4, 5, 6))
    assert found.is_consistent


def test_inputs_of_very_many_values() -> None:
    points = np.random.default_rng(0).integers(0, 10**6, (300, 5))
    points[:, 3] %= 7
    found = relevant_inputs(points, (points[:, 3] > 2).astype(np.int64))
    assert found.inputs == (3,)


def test_samples_that_count_more_outvote_others() -> None:
    rng = np.random.default_rng(2)
    points = rng.integers(0, 2, (200, 12))
    is_wrong = rng.random(200) < 0.4
    labels = points[:, 5] ^ is_wrong
    assert relevant_inputs(points, labels).inputs != (5,)
    assert relevant_inputs(points, labels, np.where(is_wrong, 0.05, 1)).inputs == (5,)
    assert relevant_inputs(points, labels, np.where(is_wrong, 0, 1)).is_consistent


@pytest.mark.parametrize("seed", range(5))
def test_weights_are_repetitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, labels = rng.integers(-1, 2, (40, 6)), rng.integers(0, 3, 40)
    weights = rng.integers(0, 4, 40)
    repeated = relevant_inputs(points.repeat(weights, axis=0), labels.repeat(weights))
    weighted = relevant_inputs(points, labels, weights.astype(float))
    assert weighted.inputs == repeated.inputs
    assert weighted.bits == pytest.approx(repeated.bits)


def test_consistent_sets_that_are_too_long_are_not_looked_for() -> None:
    points = np.random.default_rng(0).integers(0, 2, (60, 30))
    labels = points[:, :5].sum(axis=1) % 2
    found = relevant_inputs(points, labels)
    assert found.inputs == tuple(range(5))
    assert relevant_inputs(points, labels, at_most=60.0) == found
    assert not relevant_inputs(points, labels, at_most=1.0).is_consistent


@pytest.mark.parametrize("mattering", [[1, 4], [0, 2, 5], [1, 3, 4, 6, 8]])
def test_tallies_of_as_few_inputs_as_can_be_are_proved_to_be(mattering: list[int]) -> None:
    points = np.random.default_rng(0).integers(0, 2, (300, 9))
    found = relevant_inputs(points, points[:, mattering].sum(axis=1) % 2)
    assert found.tallies
    assert found.inputs == tuple(mattering)
    assert found.is_smallest


def test_tallies_are_not_said_to_be_smallest_where_the_solver_gives_up() -> None:
    points = np.random.default_rng(1).integers(0, 2, (1000, 40))
    found = relevant_inputs(points, (points[:, :12].sum(axis=1) > 6).astype(int))
    assert found.inputs == tuple(range(12))
    assert found.is_consistent
    assert not found.is_smallest
