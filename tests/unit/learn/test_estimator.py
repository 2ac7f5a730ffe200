"""Essence networks: what they learn, and that network and rule are what they predict."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_digits

import ddcompile as dd
from ddcompile.learn import ENNClassifier


def automaton(rule: int, cells: np.ndarray) -> np.ndarray:
    return (rule >> (4 * np.roll(cells, 1, -1) + 2 * cells + np.roll(cells, -1, -1))) & 1


def all_bits(n: int) -> np.ndarray:
    return np.array(list(product([0, 1], repeat=n)))


@pytest.mark.parametrize("splitting", ["separable", "samples", 4])
def test_exclusive_or(splitting: str | int) -> None:
    points = all_bits(2)
    classifier = ENNClassifier(splitting).fit(points, points.sum(axis=1) % 2)
    assert classifier.predict(points).tolist() == [0, 1, 1, 0]
    program = dd.distill(classifier, head="argmax")
    assert str(program.verdict).startswith("proved")
    assert np.array_equal(program(points), [0, 1, 1, 0])


@pytest.mark.parametrize("rule", [0, 30, 90, 110, 150, 170, 184, 232, 255])
def test_automata_from_twelve_transitions(rule: int) -> None:
    cells = np.random.default_rng(rule).integers(0, 2, (12, 20))
    classifier = ENNClassifier(shared="auto").fit(cells, automaton(rule, cells))
    unseen = np.random.default_rng(999).integers(0, 2, (2000, 20))
    assert np.array_equal(classifier.predict(unseen), automaton(rule, unseen))


def test_automaton_without_sharing_becomes_one_statement() -> None:
    cells = np.random.default_rng(0).integers(0, 2, (200, 12))
    classifier = ENNClassifier(relevance="exact").fit(cells, automaton(30, cells))
    assert [len(columns) for columns in classifier.columns_] == [3] * 12
    program = dd.distill(classifier, inputs="cell: bit[12]", outputs="next: bit[12]", name="rule30")
    assert len(program.rule.statements) == 1
    assert np.array_equal(program(all_bits(12)), automaton(30, all_bits(12)))


@pytest.mark.parametrize("seed", range(8))
def test_network_and_rule_are_what_is_predicted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = all_bits(5)
    labels: Any = rng.integers(0, 3, 32) if seed % 2 else rng.integers(0, 2, (32, 3))
    used = rng.permutation(32)[:20]
    kind = ["auto", "separable", "samples", 6][seed % 4]
    classifier = ENNClassifier(kind, kept_margin=rng.random(), relevance="exact" if seed > 3 else None, random_state=0)
    classifier.fit(points[used], labels[used])
    program = dd.distill(classifier)
    assert np.array_equal(program(points).reshape(32, -1), classifier.predict(points).reshape(32, -1))


def test_digits() -> None:
    points, labels = load_digits(return_X_y=True)
    points = (points > 7).astype(int)
    classifier = ENNClassifier(20).fit(points[:1200], labels[:1200])
    assert classifier.score(points[:1200], labels[:1200]) == 1
    assert classifier.score(points[1200:], labels[1200:]) > 0.86


def test_samples_that_look_the_same_get_the_label_that_weighs_most() -> None:
    points, labels = [[0], [0], [0], [1]], [0, 0, 1, 0]
    assert ENNClassifier().fit(points, labels).predict([[0], [1]]).tolist() == [0, 0]
    weighted = ENNClassifier(class_weight={0: 1, 1: 3}).fit(points, labels)
    assert weighted.predict([[0], [1]]).tolist() == [1, 0]
    assert weighted.contradicted_ == 2


def test_wrong_labels_do_not_make_many_subconcepts() -> None:
    rng = np.random.default_rng(0)
    points, unseen = rng.integers(0, 2, (200, 12)), rng.integers(0, 2, (2000, 12))
    labels = (points[:, :7].sum(axis=1) > 3) ^ (rng.random(200) < 0.1)
    classifier = ENNClassifier(random_state=0).fit(points, labels)
    assert len(classifier.essences_[0].subconcepts[1]) == 2
    assert classifier.score(unseen, unseen[:, :7].sum(axis=1) > 3) > 0.9
    separable = ENNClassifier("separable").fit(points, labels)
    assert separable.score(unseen, unseen[:, :7].sum(axis=1) > 3) < 0.85


def test_what_is_seen_whole_is_not_validated() -> None:
    points = all_bits(7)
    labels = points[:, :5].sum(axis=1) % 2
    assert ENNClassifier(random_state=0).fit(points, labels).score(points, labels) == 1
    part = np.random.default_rng(0).permutation(128)[:80]
    assert ENNClassifier(random_state=0).fit(points[part], labels[part]).score(points[part], labels[part]) == 1


def test_softmax_of_the_network_is_predict_proba() -> None:
    points = all_bits(4)
    labels = np.minimum(points.sum(axis=1), 2)
    classifier = ENNClassifier().fit(points, labels)
    program = dd.distill(classifier.to_network("softmax"))
    assert np.allclose(program(points), classifier.predict_proba(points))


def test_samples_that_are_outvoted_are_counted() -> None:
    points = np.concatenate([all_bits(3)] * 3)
    labels = (points.sum(axis=1) > 1).astype(int)
    expected = labels[:8].copy()
    labels[0] = 1
    classifier = ENNClassifier().fit(points, labels)
    assert classifier.contradicted_ == 1
    assert np.array_equal(classifier.predict(points[:8]), expected)


def test_names_of_labels_are_kept() -> None:
    points = all_bits(3)
    labels = np.where(points.any(axis=1), "some", "none")
    assert ENNClassifier().fit(points, labels).predict(points).tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"subconcepts": "few"}, "subconcepts must be auto, separable, samples or a number above 0, not 'few'"),
        ({"subconcepts": 0}, "subconcepts must be auto, separable, samples or a number above 0, not 0"),
        ({"relevance": "most"}, "relevance must be exact, chained or None, not 'most'"),
        ({"shared": "all"}, "shared must be auto or None, not 'all'"),
        ({"targets": "votes"}, "targets must be labels or probabilities, not 'votes'"),
        ({"kept_margin": 2}, "kept_margin must be a number from 0 to 1, not 2"),
        ({"C": 0}, "C must be a number above 0, not 0"),
        ({"shared": "auto", "grid": (2, 2)}, r"the grid \(2, 2\) does not hold 3 inputs"),
    ],
)
def test_parameters_that_make_no_sense(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ENNClassifier(**parameters).fit(all_bits(3), all_bits(3))


def test_what_cannot_be_learned_from() -> None:
    with pytest.raises(ValueError, match="y has one class"):
        ENNClassifier().fit(all_bits(2), np.zeros(4))
    with pytest.raises(ValueError, match="relevance and shared are for inputs that are whole numbers"):
        ENNClassifier(relevance="exact").fit(all_bits(2) + 0.5, [0, 0, 0, 1])


def test_a_weight_is_how_often_a_sample_counts() -> None:
    rng = np.random.default_rng(0)
    points = rng.integers(0, 2, (60, 4))
    labels = (points.sum(axis=1) > 1) ^ (rng.random(60) < 0.3)
    weights = rng.integers(0, 4, 60)
    weighted = ENNClassifier(relevance="exact", class_weight="balanced").fit(points, labels, sample_weight=weights)
    repeated = clone(weighted).fit(np.repeat(points, weights, axis=0), np.repeat(labels, weights))
    assert weighted.to_network().sha256 == repeated.to_network().sha256
    assert weighted.predict_proba(points) == pytest.approx(repeated.predict_proba(points))
    assert weighted.relevance_[0].bits == pytest.approx(repeated.relevance_[0].bits)


def test_samples_that_are_trusted_more_outvote_others() -> None:
    points = np.concatenate([all_bits(2)] * 3)
    labels = np.concatenate([all_bits(2).all(axis=1), all_bits(2).any(axis=1), all_bits(2).any(axis=1)])
    trust = np.repeat([5, 2, 2], 4)
    assert ENNClassifier().fit(points, labels).predict(all_bits(2)).tolist() == [False, True, True, True]
    trusting = ENNClassifier().fit(points, labels, sample_weight=trust)
    assert trusting.predict(all_bits(2)).tolist() == [False, False, False, True]
    assert trusting.contradicted_ == 4


def test_weights_of_shared_functions_and_probabilities() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 2, (16, 12))
    wrong = rng.integers(0, 2, (8, 12))
    after = np.concatenate([automaton(30, cells[:8]), wrong])
    weights = np.repeat([1, 1e-6], 8)
    classifier = ENNClassifier(shared="auto").fit(cells, after, sample_weight=weights)
    assert np.array_equal(classifier.predict(cells), automaton(30, cells))
    y = np.array([[1.0, 0], [0, 1], [1, 0]])
    soft = ENNClassifier(targets="probabilities").fit([[0], [0], [1]], y, sample_weight=[3, 1, 1])
    assert soft.predict_proba([[0]]) == pytest.approx(np.array([[0.75, 0.25]]), abs=1e-3)


@pytest.mark.parametrize("outputs", [1, 3])
def test_processes_make_no_difference(outputs: int) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(90, 3))
    labels = (points @ rng.normal(size=(3, outputs)) > 0).astype(int).squeeze()
    alone = ENNClassifier(random_state=3).fit(points, labels)
    together = ENNClassifier(random_state=3, n_jobs=2).fit(points, labels)
    assert alone.to_network().sha256 == together.to_network().sha256


def test_steps_are_timed_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    points = np.random.default_rng(0).normal(size=(300, 3))
    labels = (points.sum(axis=1) > 0).astype(int)
    told: list[str] = []
    classifier = ENNClassifier(20, verbose=told.append).fit(points, labels)
    steps = ["thresholds", "shared function", "relevant inputs", "subconcepts", "network", "probabilities"]
    assert list(classifier.timings_) == steps
    assert [text for text in told if ":" not in text] == steps
    assert capsys.readouterr().out == ""
    ENNClassifier(20, verbose=True).fit(points, labels)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in printed] == [f"[ENNClassifier] {step}" for step in steps]


def test_balanced_weights_of_labels_that_never_occur() -> None:
    points = all_bits(3)
    y = np.stack([np.zeros(8, dtype=int), points[:, 0]], axis=1)
    classifier = ENNClassifier(class_weight="balanced").fit(points, y)
    assert np.array_equal(classifier.predict(points), y)


def test_the_dearer_label_gets_more_room_also_with_one_subconcept_a_sample() -> None:
    points = np.array([[0], [16]])
    unseen = np.arange(17)[:, None]
    borders = [
        int(ENNClassifier("samples", class_weight=weights).fit(points, [0, 1]).predict(unseen).argmax())
        for weights in ({0: 1, 1: 1}, {0: 1, 1: 3}, {0: 3, 1: 1})
    ]
    assert borders == [9, 4, 13]


@pytest.mark.parametrize(
    ("parameters", "fitting", "message"),
    [
        ({}, {"sample_weight": [1, 1, 1, -1]}, "sample_weight must be numbers from 0, and one of them above 0"),
        ({}, {"sample_weight": [0, 0, 0, 0]}, "one of them above 0|at least one non-zero number"),
        ({}, {"sample_weight": [1, 1]}, "sample_weight.shape"),
        ({"class_weight": {0: 0, 1: 1}}, {}, "class_weight must be numbers above 0, not {0: 0, 1: 1}"),
        ({"class_weight": [{0: 1}, {0: 1}]}, {}, "class_weight must be one for each of 1 output, not 2"),
    ],
)
def test_weights_that_make_no_sense(parameters: dict[str, Any], fitting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ENNClassifier(**parameters).fit(all_bits(2), [0, 0, 0, 1], **fitting)


def test_of_equally_near_subconcepts_those_with_nearer_inputs_tell_a_part_apart() -> None:
    """One of two bits of one of four rows: all rivals are equally near, and those of the same row are taken."""
    points = np.eye(8, dtype=int)
    classifier = ENNClassifier("samples", kept_margin=0).fit(points, np.arange(8) % 2)
    weights, _ = classifier.essences_[0].differentiae
    assert all(len(np.flatnonzero(row)) == 2 and abs(np.diff(np.flatnonzero(row))) == 1 for row in weights)


def test_subconcepts_of_little_weight_are_left_out() -> None:
    """One sample in twenty says otherwise, each by itself."""
    points = np.arange(40)[:, None]
    labels = (points[:, 0] >= 20).astype(int)
    labels[[5, 30]] = 1 - labels[[5, 30]]
    every = ENNClassifier("separable").fit(points, labels)
    assert np.array_equal(every.predict(points), labels)
    few = ENNClassifier("separable", min_weight_fraction_leaf=0.1).fit(points, labels)
    assert np.array_equal(few.predict(points[[5, 30]]), [0, 1])
    assert len(few.essences_[0].subconcepts[1]) < len(every.essences_[0].subconcepts[1])
    none = ENNClassifier("samples", min_weight_fraction_leaf=0.5).fit(points, labels, np.where(points[:, 0] == 3, 2, 1))
    assert set(none.predict(points).tolist()) == {0}
    dear = ENNClassifier("samples", class_weight={0: 1, 1: 1e-6}, min_weight_fraction_leaf=0.01).fit(points, labels)
    assert set(dear.predict(points).tolist()) == {0}
    with pytest.raises(ValueError, match="min_weight_fraction_leaf must be a number from 0 to 1, not 2"):
        ENNClassifier(min_weight_fraction_leaf=2).fit(points, labels)
