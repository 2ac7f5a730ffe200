"""Counts of inputs that can stand in for one another."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pysat")

import ddcompile as dd
from ddcompile.learn import ENNClassifier
from ddcompile.learn.codes import over_inputs
from ddcompile.learn.lengths import Lengths
from ddcompile.learn.relevance import relevant_inputs
from ddcompile.learn.tallies import tallied, tallies


def inputs_of(parts: tuple[tuple[tuple[int, int], ...], ...]) -> list[list[int]]:
    return [[i for i, _ in part] for part in parts]


def test_inputs_that_can_stand_in_for_one_another_are_counted_together() -> None:
    points = np.random.default_rng(0).integers(0, 2, (300, 20))
    labels = np.where(points[:, 3], points[:, 5:11].sum(axis=1) >= 4, points[:, 5:11].sum(axis=1) == 2).astype(int)
    found = tallies(points, labels)
    assert found is not None
    assert inputs_of(found.parts) == [[3], [5, 6, 7, 8, 9, 10]]
    assert tallied(points, found.parts).tolist() == np.stack([points[:, 3], points[:, 5:11].sum(1)], 1).tolist()
    relevance = relevant_inputs(points, labels)
    assert relevance.inputs == (3, 5, 6, 7, 8, 9, 10)
    assert relevance.is_consistent
    assert relevance.tallies == found.parts


def test_inputs_that_tell_too_little_by_themselves_are_counted_at_once() -> None:
    points = np.random.default_rng(0).integers(0, 2, (2000, 40))
    labels = np.isin(points[:, 4:12].sum(axis=1), (3, 6, 7, 8)).astype(int)
    found = tallies(points, labels)
    assert found is not None
    assert inputs_of(found.parts) == [list(range(4, 12))]


def test_inputs_of_which_each_matters_in_its_own_way_are_not_counted() -> None:
    points = np.random.default_rng(0).integers(0, 2, (200, 12))
    labels = np.where(points[:, 2], points[:, 4], points[:, 9])
    found = relevant_inputs(points, labels)
    assert (found.inputs, found.tallies) == ((2, 4, 9), ())


def test_labels_that_depend_on_nothing_have_no_counts() -> None:
    points, labels = np.random.default_rng(0).integers(0, 2, (2, 400, 12))
    found = tallies(points, labels[:, 0])
    assert found is not None
    assert found.parts == ()


def test_inputs_of_many_values_are_not_counted() -> None:
    points = np.random.default_rng(0).integers(0, 3, (60, 12))
    assert tallies(points, points[:, 0] % 2) is None
    found = tallies(points, points[:, 0] % 2, most_values=3)
    assert found is not None
    assert found.parts == (((0, 1),),)


def test_weights_are_repetitions() -> None:
    rng = np.random.default_rng(0)
    points, weights = rng.integers(0, 2, (150, 10)), rng.integers(1, 4, 150)
    labels = (points[:, :5].sum(axis=1) >= 3).astype(int)
    repeated = tallies(np.repeat(points, weights, axis=0), np.repeat(labels, weights))
    weighted = tallies(points, labels, weights.astype(float))
    assert weighted is not None
    assert repeated is not None
    assert weighted.parts == repeated.parts
    assert weighted.bits == pytest.approx(repeated.bits)


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (2, 5), (0, 1, 2), (-1, 0, 3)])
def test_a_network_over_counts_says_the_same_over_inputs(values: tuple[int, ...]) -> None:
    points = np.random.default_rng(0).choice(values, (400, 8))
    parts = (((0, values[1]),), tuple((i, values[-1]) for i in range(1, 6)))
    counts = tallied(points, parts)
    labels = np.where(counts[:, 0], counts[:, 1] >= 3, counts[:, 1] == 1).astype(int)
    network = ENNClassifier().fit(counts, labels)
    essence = over_inputs(network.essences_[0], parts, points)
    assert np.array_equal(essence.scores(points), network.scores(counts)[0])
    assert len(essence.codes) == (0 if len(values) == 2 else 2)


def test_three_states_are_told_apart_and_counted() -> None:
    """A ring of three states: 1 becomes 2, 2 becomes 0, and 0 becomes 1 beside one or two cells of four that are 1."""

    def after(cells: np.ndarray) -> np.ndarray:
        ones = sum(np.roll(cells == 1, shift, axis=1).astype(int) for shift in (-2, -1, 1, 2))
        return np.where(cells == 0, (ones == 1) | (ones == 2), 2 * (cells == 1)).astype(int)

    cells = np.random.default_rng(0).choice(3, (60, 9), p=(0.6, 0.3, 0.1))
    network = ENNClassifier(shared="auto").fit(cells, after(cells))
    assert network.shared_ is not None
    assert sorted(map(len, network.shared_.relevance.tallies)) == [1, 1, 4]
    unseen = np.random.default_rng(1).integers(0, 3, (500, 9))
    assert np.array_equal(network.predict(unseen), after(unseen))
    program = dd.distill(network, inputs="cell: int[0..2][9]", outputs="next: int[0..2][9]")
    assert program.verdict.status == "proved"
    assert np.array_equal(program(unseen), after(unseen))


def test_outputs_with_other_labels_share_a_function_all_the_same() -> None:
    cells = np.zeros((40, 9), dtype=int)
    cells[:, 4:] = np.random.default_rng(0).integers(0, 3, (40, 5))
    after = (np.roll(cells, 1, axis=1) + 1) % 3
    network = ENNClassifier(shared="auto").fit(cells, after)
    assert network.shared_ is not None
    assert [classes.tolist() for classes in network.classes_] == [[0, 1, 2]] * 9


def test_inputs_that_tell_nothing_by_themselves_are_counted_together_once_they_are_found() -> None:
    points = np.random.default_rng(0).integers(0, 2, (200, 14))
    labels = points[:, 3:8].sum(axis=1) % 2
    found = relevant_inputs(points, labels)
    assert inputs_of(found.tallies) == [[3, 4, 5, 6, 7]]
    assert found.is_consistent
    network = ENNClassifier(relevance="exact").fit(points, labels)
    assert np.array_equal(network.predict(points), labels)
    assert str(dd.distill(network, inputs="x: bit[14]", outputs="y: bit")).splitlines()[1].endswith("% 2")


@pytest.mark.parametrize("seed", range(8))
def test_the_length_is_that_of_what_is_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 2, (200, 9))
    labels = (points[:, 1:4].sum(axis=1) + points[:, 5 : 5 + seed % 4].sum(axis=1) >= 2).astype(int)
    weights = rng.random(200) + 0.5 if seed % 2 else None
    found = tallies(points, labels, weights)
    assert found is not None
    lengths = Lengths(points, labels, weights)
    codes = np.unique(tallied(points, found.parts), axis=0, return_inverse=True)[1].reshape(-1)
    members = sum(map(len, found.parts))
    ways = {1: 1, 2: 2 ** (members - 1) - 1, members: 1}[len(found.parts)]
    told = lengths.bits_of(lengths.counts_of(codes), members)[0]
    assert found.bits == pytest.approx(told + np.log2(members) + np.log2(ways))
