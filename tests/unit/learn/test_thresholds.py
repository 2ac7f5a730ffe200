"""Inputs of many values as bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import ddcompile as dd
from ddcompile.learn import ENNClassifier
from ddcompile.learn.thresholds import even_cuts, informative_cuts, thresholds_of


def test_thresholds_lie_where_labels_change_and_have_few_digits() -> None:
    values = np.array([0.1, 0.2, 0.31, 0.32, 1.9, 2.1, 2.2, 2.3, 3.7, 4.1, 4.2, 4.9] * 3)
    assert informative_cuts(values, ((values > 1) & (values < 3)).astype(int), np.ones(36)) == [1.0, 3.0]
    assert informative_cuts(values, (values > 0.315).astype(int), np.ones(36)) == [0.315]


def test_labels_that_do_not_depend_on_an_input_give_no_threshold() -> None:
    rng = np.random.default_rng(0)
    found = [informative_cuts(rng.normal(size=100), rng.integers(0, 3, 100), np.ones(100)) for _ in range(20)]
    assert sum(map(len, found)) == 0


def test_even_thresholds_have_as_many_samples_between_them() -> None:
    cuts = even_cuts(np.random.default_rng(0).normal(size=1000), np.ones(1000), 3)
    assert np.allclose(cuts, [-0.67, 0, 0.67], atol=0.1)
    assert even_cuts(np.array([0, 1, 1, 1, 1]), np.ones(5), 3) == [0.5]
    assert even_cuts(np.array([1.0, np.nextafter(1, 2)]), np.ones(2), 1) == [1.0]
    assert even_cuts(np.array([2, 2]), np.ones(2), 1) == []


def test_every_input_has_a_threshold_and_constant_ones_have_none() -> None:
    points = np.array([[0, 5, 0.1], [1, 5, 0.2], [0, 5, 0.3], [1, 5, 0.4]])
    found = thresholds_of(points, np.array([[0], [0], [1], [1]]), "auto")
    assert found.columns.tolist() == [0, 2]
    assert found.seen(points).tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert thresholds_of(points[:, 1:2], np.zeros((4, 1), dtype=int), 3).seen(points[:, 1:2]).tolist() == [[0]] * 4


@pytest.mark.parametrize("thresholds", ["auto", 3])
@pytest.mark.parametrize("relevance", [None, "exact"])
def test_network_and_rule_are_what_is_predicted(thresholds: Any, relevance: str | None) -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(150, 4)) * [1, 1000, 1e-9, 1]
    labels = (points[:, 0] > 0.3).astype(int) + (points[:, 1] > 200)
    classifier = ENNClassifier(thresholds=thresholds, relevance=relevance, random_state=0).fit(points, labels)
    program = dd.distill(classifier)
    assert "(x: real[4])" in str(program)
    assert program.verdict.status == "proved"
    unseen = np.concatenate([rng.normal(size=(500, 4)) * [1, 1000, 1e-9, 1], points])
    assert np.array_equal(program.jit()(unseen), classifier.predict(unseen))


def test_only_bits_that_are_read_are_in_the_rule() -> None:
    points = np.random.default_rng(0).normal(size=(300, 5))
    labels = np.where(points[:, 3] > 0, "up", "down")
    classifier = ENNClassifier(thresholds="auto", relevance="exact").fit(points, labels)
    program = dd.distill(classifier, "a: real, b: real, c: real, d: real, e: real", "up: bit")
    assert len(program.rule.statements) == 1
    assert "up = d > " in str(program)


def test_units_of_measurement_do_not_matter() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3))
    labels = points.sum(axis=1) > 0
    scale = np.array([1, 2.0**30, 2.0**-30])
    first = ENNClassifier(thresholds=5, random_state=0).fit(points, labels).predict(points)
    second = ENNClassifier(thresholds=5, random_state=0).fit(points * scale, labels).predict(points * scale)
    assert np.array_equal(first, second)


def test_several_outputs_share_thresholds() -> None:
    points = np.random.default_rng(0).normal(size=(300, 2))
    labels = np.column_stack([points[:, 0] > 0, points[:, 0] > 1, points[:, 1] > 0]).astype(int)
    classifier = ENNClassifier(thresholds="auto", relevance="exact").fit(points, labels)
    assert len(classifier.thresholds_.cuts) == 3
    assert np.array_equal(classifier.predict(points), labels)
    assert np.array_equal(dd.distill(classifier).jit()(points), labels)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"thresholds": 0}, "must be auto, None or a number"), ({"thresholds": 1, "shared": "auto"}, "shared functions")],
)
def test_what_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ENNClassifier(**wrong).fit([[0.5], [1.5]], [0, 1])
