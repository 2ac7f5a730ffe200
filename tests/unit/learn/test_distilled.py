"""Whatever was asked for, what is learned is distilled, proved, and predicts as before."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import ddcompile as dd
from ddcompile.learn import ENNClassifier

RNG = np.random.default_rng(0)
BITS = np.array(list(product([0, 1], repeat=5)))
TRITS = np.array(list(product([-1, 0, 1], repeat=3)))
DIGITS = np.array(list(product(range(10), repeat=2)))
REALS = RNG.normal(size=(90, 4))
RING = RNG.integers(0, 2, (40, 8))
TORUS = RNG.integers(0, 2, (60, 3, 4))
MAJORITY = (BITS.sum(axis=1) > 2).astype(int)
ELSEWHERE = np.roll(TORUS, 1, 1) ^ np.roll(TORUS, -1, 2)
ODDS = np.stack([1 + 8 * MAJORITY, 3 + 0 * MAJORITY, 2 + BITS[:, 0]], axis=1)
PAIRS = np.stack([np.stack([1 + 3 * bit, 4 - 3 * bit], axis=1) for bit in (MAJORITY, BITS[:, 3])], axis=1)

CASES: dict[str, tuple[dict[str, Any], np.ndarray, np.ndarray]] = {
    "one label of two": ({}, BITS, MAJORITY),
    "labels that are text": ({}, BITS, np.array(["less", "more"])[MAJORITY]),
    "several labels": ({}, BITS, BITS.sum(axis=1) % 4),
    "one subconcept a sample": ({"subconcepts": "samples"}, BITS, MAJORITY),
    "separable subconcepts": ({"subconcepts": "separable"}, BITS, BITS[:, 1] ^ BITS[:, 4]),
    "fewer subconcepts than needed": ({"subconcepts": 2, "C": 0.5}, BITS, BITS[:, 1] ^ BITS[:, 4]),
    "a number of subconcepts": ({"subconcepts": 7}, BITS, BITS.sum(axis=1) % 3),
    "all differentiae kept": ({"subconcepts": 9, "kept_margin": 1.0}, BITS, BITS.sum(axis=1) % 3),
    "as few differentiae as can be": ({"subconcepts": 9, "kept_margin": 0.0}, BITS, BITS.sum(axis=1) % 3),
    "relevant inputs": ({"relevance": "exact"}, BITS, BITS[:, 1] & BITS[:, 4]),
    "balanced labels": ({"class_weight": "balanced"}, BITS[5:25], BITS[5:25].all(axis=1) | BITS[5:25, 0]),
    "dear labels": ({"class_weight": {0: 1, 1: 5}, "subconcepts": "samples"}, BITS[::3], MAJORITY[::3]),
    "trits": ({}, TRITS, np.sign(TRITS.sum(axis=1))),
    "digits": ({"relevance": "exact"}, DIGITS, (DIGITS.sum(axis=1) > 9).astype(int)),
    "booleans": ({}, BITS.astype(bool), MAJORITY.astype(bool)),
    "probabilities": ({"targets": "probabilities"}, BITS, ODDS),
    "probabilities and relevance": ({"targets": "probabilities", "relevance": "exact"}, BITS, ODDS),
    "several bits": ({}, BITS, BITS[:, 1:3] ^ BITS[:, 2:4]),
    "several labels of several outputs": ({}, BITS, np.stack([BITS.sum(axis=1), MAJORITY], axis=1)),
    "several outputs of probabilities": ({"targets": "probabilities"}, BITS, PAIRS),
    "several outputs of one label": ({}, BITS, np.full((32, 2), 1)),
    "a ring": ({"shared": "auto"}, RING, np.roll(RING, 1, 1) & RING),
    "a line": ({"shared": "auto"}, RING, np.pad(RING, ((0, 0), (1, 0)))[:, :-1] | RING),
    "a torus": ({"shared": "auto", "grid": (3, 4)}, TORUS.reshape(60, 12), ELSEWHERE.reshape(60, 12)),
    "a grid not shared": ({"relevance": "exact", "grid": (3, 4)}, TORUS.reshape(60, 12), ELSEWHERE.reshape(60, 12)),
    "thresholds": ({"thresholds": "auto", "relevance": "exact"}, REALS, (REALS[:, 1] > 0.3).astype(int)),
    "even thresholds": ({"thresholds": 2}, REALS, (REALS[:, 1] + REALS[:, 2] > 0.3).astype(int)),
}


@pytest.mark.parametrize("name", CASES)
def test_learned_networks_are_proved(name: str) -> None:
    parameters, points, y = CASES[name]
    classifier = ENNClassifier(random_state=0, **parameters).fit(points, y)
    low, high = int(points.min()), int(points.max())
    whole = {(0, 1): "bit", (-1, 1): "trit"}.get((low, high), f"int[{low}..{high}]")
    kind = "real" if points.dtype.kind == "f" else whole
    program = dd.distill(classifier, inputs=f"x: {kind}[{points.shape[1]}]")
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    answers, expected = np.asarray(program(points)).reshape(len(points), -1), classifier.predict(points)
    if classifier.n_outputs_ == 1:
        answers = classifier.classes_[answers[:, 0]]
    assert np.array_equal(answers, expected.reshape(answers.shape))


@pytest.mark.parametrize("name", ["several labels", "probabilities", "thresholds", "fewer subconcepts than needed"])
def test_probabilities_of_networks_are_proved(name: str) -> None:
    parameters, points, y = CASES[name]
    classifier = ENNClassifier(random_state=0, **parameters).fit(points, y)
    kind = "real" if points.dtype.kind == "f" else "bit"
    program = dd.distill(classifier.to_network("softmax"), inputs=f"x: {kind}[{points.shape[1]}]")
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert np.asarray(program(points)) == pytest.approx(classifier.predict_proba(points), abs=1e-12)


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        (np.random.default_rng(0).integers(0, 2, (60, 3)), "bit"),
        (2 * np.random.default_rng(0).integers(0, 2, (60, 3)) - 1, "spin"),
        (np.random.default_rng(0).integers(-1, 2, (60, 3)), "trit"),
        (np.random.default_rng(0).integers(3, 9, (60, 3)), "int[3..8]"),
        (np.random.default_rng(0).normal(size=(60, 3)), "real"),
    ],
)
def test_inputs_are_what_was_learned_from(points: np.ndarray, kind: str) -> None:
    """Without a declaration, too, the rule is that of the samples."""
    labels = (points[:, 0] > points[:, 1]).astype(int)
    classifier = ENNClassifier(random_state=0).fit(points, labels)
    program = dd.distill(classifier)
    assert f"(x: {kind}[3])" in str(program)
    assert np.array_equal(program(points), classifier.predict(points))


@pytest.mark.parametrize("name", ["thresholds", "several labels", "a ring"])
def test_networks_behind_scalers_are_distilled(name: str) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, MinMaxScaler

    parameters, points, y = CASES[name]
    scaler = MinMaxScaler(feature_range=(0, 4)) if points.dtype.kind == "f" else Binarizer(threshold=0.5)
    model = make_pipeline(scaler, "passthrough", ENNClassifier(random_state=0, **parameters)).fit(points, y)
    program = dd.distill(model, inputs=f"x: {'real' if points.dtype.kind == 'f' else 'bit'}[{points.shape[1]}]")
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert np.array_equal(program(points), model.predict(points))
    if y.ndim == 1:
        assert np.asarray(dd.distill(model.predict_proba)(points)) == pytest.approx(model.predict_proba(points))


def test_what_is_not_distilled_behind_scalers() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, PolynomialFeatures

    unfitted = make_pipeline(Binarizer(), ENNClassifier())
    with pytest.raises(dd.CompileError, match=r"Pipeline.ennclassifier: error\[N701\]: `ENNClassifier` is not fitted"):
        dd.distill(unfitted)
    model = make_pipeline(Binarizer(), ENNClassifier()).fit(BITS, MAJORITY)
    with pytest.raises(dd.CompileError, match=r"error\[N702\]: `decision_function` of `ENNClassifier` is not imported"):
        dd.distill(model.decision_function)
    several = ENNClassifier().fit(BITS, BITS)
    with pytest.raises(dd.CompileError, match=r"error\[N702\]: `predict_proba` of `ENNClassifier` is not imported"):
        dd.distill(several.predict_proba)
    encoded = make_pipeline(PolynomialFeatures(), ENNClassifier()).fit(BITS, MAJORITY)
    with pytest.raises(dd.CompileError, match=r"error\[N704\]: the step `PolynomialFeatures` is not imported"):
        dd.distill(encoded)


def test_the_rule_says_what_labels_are_called() -> None:
    classifier = ENNClassifier().fit(BITS, np.array(["less", "more"])[MAJORITY])
    program = dd.distill(classifier)
    assert program.labels == ("less", "more")
    assert "# class 0 is less\n# class 1 is more\n" in str(program)
    assert dd.distill(ENNClassifier().fit(BITS, MAJORITY)).labels == ()
    assert dd.distill(ENNClassifier().fit(BITS, 3 * MAJORITY - 1)).labels == ("-1", "2")
