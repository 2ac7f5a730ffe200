"""What can be learned from, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy.sparse import coo_array, csc_matrix, csr_array

from ddcompile.learn import ENNClassifier

SQUARE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = [0, 1, 1, 0]

BAD: dict[str, tuple[dict[str, Any], Any, Any, str]] = {
    "NaN": ({}, np.where(SQUARE, np.nan, 0), XOR, "Input X contains NaN."),
    "NaN in labels": ({}, SQUARE, [0, 1, np.nan, 0], "Input y contains NaN."),
    "infinity": ({}, np.where(SQUARE, np.inf, 0), XOR, "Input X contains infinity"),
    "one class": ({}, SQUARE, [1, 1, 1, 1], "needs two labels to tell apart; y has one class, 1"),
    "no samples": ({}, SQUARE[:0], [], "Found array with 0 sample(s)"),
    "no features": ({}, SQUARE[:, :0], XOR, "Found array with 0 feature(s)"),
    "no labels": ({}, SQUARE, None, "requires y to be passed, but the target y is None"),
    "samples without labels": ({}, SQUARE, [0, 1], "inconsistent numbers of samples: [4, 2]"),
    "samples of one axis": ({}, SQUARE[0], [0, 1], "Expected 2D array, got 1D array instead"),
    "samples of three axes": ({}, SQUARE[:, None], XOR, "Found array with dim 3"),
    "labels that are measurements": ({}, SQUARE, [0.1, 0.7, 0.8, 0.2], "Unknown label type: continuous."),
    "texts for inputs": ({}, [["1", "2"], ["3", "b"]], [0, 1], "inputs must be numbers; column 1 holds 'b'"),
    "dates for inputs": ({}, np.arange(4).astype("datetime64[D]")[:, None], XOR, "numbers; X holds datetime64"),
    "texts and numbers for labels": ({}, SQUARE, np.array(["a", 1, "b", "a"], dtype=object), "y holds int, str"),
    "labels that are missing": ({}, SQUARE, np.array(["a", None, "b", "a"], dtype=object), "y holds NoneType, str"),
    "complex inputs": ({}, SQUARE * 1j, XOR, "Complex data not supported"),
    "probabilities of one axis": ({"targets": "probabilities"}, SQUARE, XOR, "y has shape (4,)"),
    "probabilities of other samples": ({"targets": "probabilities"}, SQUARE, np.ones((3, 2)), "inconsistent numbers"),
    "negative weights": ({"class_weight": {0: 1, 1: -1}}, SQUARE, XOR, "class_weight must be numbers above 0"),
    "weights of other labels": ({"class_weight": {0: 1, 2: 1}}, SQUARE, XOR, "are not in class_weight"),
    "an option that there is not": ({"relevance": "most"}, SQUARE, XOR, "relevance must be exact, chained or None"),
    "relevance of reals": ({"relevance": "exact"}, SQUARE / 3, XOR, "for inputs that are whole numbers"),
    "functions of reals": ({"shared": "auto"}, SQUARE / 3, SQUARE, "for inputs that are whole numbers"),
    "a grid that is a number": ({"grid": 2}, SQUARE, SQUARE, "grid must be a tuple of numbers above 0, not 2"),
    "a grid of texts": ({"grid": "ab"}, SQUARE, SQUARE, "grid must be a tuple of numbers above 0, not 'ab'"),
    "a grid without cells": ({"grid": (0, 2)}, SQUARE, SQUARE, "grid must be a tuple of numbers above 0, not (0, 2)"),
    "a grid of another size": ({"grid": (3, 2)}, SQUARE, SQUARE, "the grid (3, 2) does not hold 2 inputs"),
}

RNG = np.random.default_rng(0)
POINTS = RNG.integers(0, 2, (60, 5))
LABELS = POINTS[:, 1] & POINTS[:, 3]
REALS = RNG.normal(size=(60, 3))
UNUSUAL: dict[str, tuple[Any, Any]] = {
    "constant features": (np.column_stack([np.full(60, 7), POINTS, np.zeros(60, dtype=int)]), LABELS),
    "constant features alone": (np.ones((60, 2)), LABELS),
    "rows that are sparse": (csr_array(POINTS), LABELS),
    "columns that are sparse": (csc_matrix(POINTS), LABELS),
    "sparse booleans": (coo_array(POINTS.astype(bool)), LABELS),
    "sparse reals": (csr_array(np.where(POINTS[:, :3], REALS, 0)), (np.where(POINTS[:, 0], REALS[:, 0], 0) > 0)),
    "booleans": (POINTS.astype(bool), LABELS.astype(bool)),
    "lists": (POINTS.tolist(), LABELS.tolist()),
    "objects": (POINTS.astype(object), LABELS),
    "digits as text": (POINTS.astype(str), LABELS),
    "labels that are text": (POINTS, np.array(["no", "yes"])[LABELS]),
    "labels in a column": (POINTS, POINTS[:, :2]),
    "one feature": (POINTS[:, 1:2], POINTS[:, 1]),
    "outputs that never change": (POINTS, np.stack([LABELS, 0 * LABELS, 1 + 0 * LABELS], axis=1)),
    "very large whole numbers": (POINTS * 2**40, LABELS),
    "small types of numbers": (POINTS.astype(np.int8), LABELS.astype(np.int8)),
    "halves": (POINTS.astype(np.float16) / 2, LABELS),
    "reals of all sizes": (REALS * np.array([1e-9, 1, 1e9]), (REALS[:, 0] > 0).astype(int)),
    "a single sample of a label": (POINTS, (np.arange(60) == 7).astype(int)),
    "two samples": (POINTS[:2], [0, 1]),
    "duplicates in conflict, one to one": (np.concatenate([POINTS, POINTS]), np.concatenate([LABELS, 1 - LABELS])),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    parameters, points, labels, message = BAD[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        ENNClassifier(**parameters).fit(points, labels)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual(name: str) -> None:
    points, labels = UNUSUAL[name]
    classifier = ENNClassifier(random_state=0).fit(points, labels)
    answers, wanted = classifier.predict(points), np.asarray(labels)
    wrong = (answers != wanted).reshape(len(wanted), -1).any(axis=1).sum()
    assert wrong == classifier.contradicted_
    assert answers.dtype.kind == wanted.dtype.kind


@pytest.mark.parametrize("kind", [csr_array, csc_matrix, coo_array])
def test_labels_may_be_sparse(kind: Any) -> None:
    classifier = ENNClassifier().fit(kind(POINTS), kind(POINTS[:, 1:4]))
    assert np.array_equal(classifier.predict(POINTS), POINTS[:, 1:4])


def test_a_single_one_class_output_among_several() -> None:
    classifier = ENNClassifier().fit(SQUARE, np.array([["a", "b"], ["a", "c"], ["a", "c"], ["a", "b"]]))
    assert classifier.predict(SQUARE).tolist() == [["a", "b"], ["a", "c"], ["a", "c"], ["a", "b"]]


def test_other_samples_than_learned_from() -> None:
    classifier = ENNClassifier().fit(SQUARE, XOR)
    with pytest.raises(ValueError, match="X has 3 features, but ENNClassifier is expecting 2 features as input"):
        classifier.predict(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier.predict([[np.nan, 0]])
    assert classifier.predict(csr_array(SQUARE)).tolist() == XOR
    assert classifier.predict(SQUARE + 0.25).shape == (4,)


def test_what_is_not_fitted() -> None:
    from sklearn.exceptions import NotFittedError

    for method in ("predict", "predict_proba", "decision_function", "scores"):
        with pytest.raises(NotFittedError):
            getattr(ENNClassifier(), method)(SQUARE)
    with pytest.raises(NotFittedError):
        ENNClassifier().to_network()


def test_names_of_features_are_kept() -> None:
    pandas: Any = pytest.importorskip("pandas")
    table = pandas.DataFrame(POINTS, columns=["a", "b", "c", "d", "e"])
    classifier = ENNClassifier().fit(table, LABELS)
    assert classifier.feature_names_in_.tolist() == ["a", "b", "c", "d", "e"]
    assert np.array_equal(classifier.predict(table), LABELS)
    with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
        classifier.predict(table[["a", "c", "b", "d", "e"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        classifier.predict(POINTS)
    assert not hasattr(ENNClassifier().fit(POINTS, LABELS), "feature_names_in_")
    with pytest.raises(ValueError, match=r"inputs must be numbers; `b` holds 'red' \(OneHotEncoder makes bits"):
        ENNClassifier().fit(table.assign(b="red"), LABELS)


@pytest.mark.parametrize("kind", [int, np.random.RandomState])
def test_what_is_drawn_is_drawn_from_the_random_state(kind: Any) -> None:
    points = RNG.normal(size=(80, 3))
    labels = (points.sum(axis=1) + RNG.normal(size=80) > 0).astype(int)
    networks = {ENNClassifier(random_state=kind(5)).fit(points, labels).to_network().sha256 for _ in range(2)}
    assert len(networks) == 1


def test_a_head_that_there_is_not() -> None:
    fitted = ENNClassifier().fit(SQUARE, XOR)
    with pytest.raises(ValueError, match="head must be argmax, softmax or none, not 'most'"):
        fitted.to_network("most")
