"""Labels, and probabilities as what is to be learned."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("sklearn")

import ddcompile as dd
from ddcompile.learn import ENNClassifier
from ddcompile.learn.targets import of_labels, of_probabilities


def all_bits(n: int) -> np.ndarray:
    return np.array(list(product([0, 1], repeat=n)))


def test_equal_labels_are_one_kind() -> None:
    (target,) = of_labels(np.array(["b", "a", "b"]))
    assert target.classes.tolist() == ["a", "b"]
    assert target.kinds.tolist() == [1, 0, 1]
    assert target.strengths.tolist() == [[1, 0], [0, 1]]


def test_log_odds_are_whole_multiples_of_a_unit() -> None:
    (target,) = of_probabilities(all_bits(2), np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.5, 0.5]]))
    assert target.kinds.tolist() == [2, 0, 0, 1]
    assert target.strengths.tolist() == [[0, 1], [0, 0], [1, 0]]
    assert target.unit == pytest.approx(np.log(9))


def test_certainty_is_a_power_of_ten() -> None:
    (target,) = of_probabilities(all_bits(2), np.array([[1, 0], [1, 0.99], [0, 1], [0.99, 1]]))
    assert target.strengths[target.kinds].tolist() == [[1000, 0], [1, 0], [0, 1000], [0, 1]]
    assert target.unit == pytest.approx(-np.log(0.99))


def test_probabilities_of_zero_and_one_alone_are_labels() -> None:
    (target,) = of_probabilities(all_bits(1), np.array([[0, 3], [2, 0]]))
    assert target.strengths[target.kinds].tolist() == [[0, 1], [1, 0]]


def test_equal_samples_have_the_mean_of_their_probabilities() -> None:
    points = np.array([[0], [1], [1], [1], [1]])
    (target,) = of_probabilities(points, np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]))
    assert target.probabilities()[target.kinds[1:]] == pytest.approx(np.tile([0.25, 0.75], (4, 1)), abs=1e-3)


def test_very_many_probabilities_are_taken_as_few() -> None:
    wanted = np.linspace(0.05, 0.95, 400)
    points = np.arange(400)[:, None]
    (target,) = of_probabilities(points, np.stack([wanted, 1 - wanted], axis=1))
    assert len(target.strengths) <= 32
    assert target.probabilities()[target.kinds, 0] == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize("seed", range(5))
def test_predicted_probabilities_are_those_given(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = 2 + seed % 3
    kinds = rng.dirichlet(np.ones(classes), 3)
    kinds[0, 0] = 0
    points = all_bits(5)
    y = kinds[rng.integers(0, 3, 32)]
    classifier = ENNClassifier(["auto", "samples"][seed % 2], targets="probabilities").fit(points, y)
    assert classifier.predict_proba(points) == pytest.approx(y / y.sum(axis=1, keepdims=True), abs=2e-3)
    assert classifier.classes_.tolist() == list(range(classes))
    program = dd.distill(classifier.to_network("softmax"))
    assert program(points) == pytest.approx(classifier.predict_proba(points))


def test_several_outputs_of_probabilities() -> None:
    points = all_bits(4)
    first, second = points[:, 0] ^ points[:, 1], points[:, 2]
    y = np.stack([np.stack([1 - 0.8 * bit, 0.2 + 0.6 * bit], axis=1) for bit in (first, second)], axis=1)
    classifier = ENNClassifier(targets="probabilities", relevance="exact").fit(points, y)
    assert np.array_equal(classifier.predict(points), np.stack([first, second], axis=1))
    assert [columns.tolist() for columns in classifier.columns_] == [[0, 1], [2]]
    expected = y[..., 1] / y.sum(axis=2)
    assert classifier.predict_proba(points) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(4), r"\(samples, outputs, classes\), with two classes or more; y has shape \(4,\)"),
        (np.ones((4, 1)), r"y has shape \(4, 1\)"),
        (np.ones((3, 2)), "inconsistent numbers of samples"),
        (np.full((4, 2), np.nan), "y contains NaN"),
        (np.array([[1, -1]] * 4), "are numbers from 0, and one of each row is above 0"),
        (np.zeros((4, 2)), "one of each row is above 0"),
    ],
)
def test_what_is_no_probability(y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ENNClassifier(targets="probabilities").fit(all_bits(2), y)


def test_a_win_as_clear_as_most_is_as_likely_as_those_were_right() -> None:
    rng = np.random.default_rng(0)
    points = rng.integers(0, 2, (200, 6))
    labels = (points[:, 0] & points[:, 1]) ^ (rng.random(200) < 0.1)
    classifier = ENNClassifier(2).fit(points, labels)
    right = (classifier.predict(points) == labels).sum()
    sure = classifier.predict_proba(points).max(axis=1)
    assert sure == pytest.approx((right + 1) / 202, abs=0.02)


def test_probabilities_keep_the_order_of_scores_where_many_subconcepts_agree() -> None:
    points = np.random.default_rng(0).normal(size=(60, 3))
    classifier = ENNClassifier("samples").fit(points, points.sum(axis=1) > 0)
    scores, sure = classifier.decision_function(points), classifier.predict_proba(points)[:, 1]
    assert np.array_equal(np.unique(scores, return_inverse=True)[1], np.unique(sure, return_inverse=True)[1])
