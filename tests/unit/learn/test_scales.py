"""Reals of very different sizes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

import ddcompile as dd
from ddcompile.learn import ENNClassifier
from ddcompile.learn.scales import scales_of


def test_factors_are_powers_of_two() -> None:
    points = np.random.default_rng(0).normal(size=(500, 5)) * [1, 8, 1e-9, 1e200, 0] + [0, 0, 0, 0, 7]
    factors = scales_of(points, None).factors
    assert factors[:2].tolist() == [1, 0.125]
    assert factors[4] == 1
    assert np.array_equal(np.log2(factors), np.rint(np.log2(factors)))
    assert (points * factors)[:, :4].std(axis=0) == pytest.approx(1, rel=0.5)


def test_weights_count() -> None:
    points = np.array([[0.0], [1], [1000]])
    assert scales_of(points, np.array([1, 1, 1e-12])).factors[0] == 2
    assert scales_of(points, np.ones(3)).factors[0] == 2**-9


@pytest.mark.parametrize("labels", [2, 3])
def test_what_is_small_counts_as_much_as_what_is_large(labels: int) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 3))
    kinds = np.digitize(points[:, 0] + points[:, 1], np.linspace(-1, 1, labels + 1)[1:-1])
    sizes = np.array([2.0**-30, 2.0**40, 2.0**10])
    plain = ENNClassifier(random_state=0).fit(points[:200], kinds[:200])
    scaled = ENNClassifier(random_state=0).fit((points * sizes)[:200], kinds[:200])
    assert plain.score(points[200:], kinds[200:]) > 0.9
    assert np.array_equal(scaled.predict(points * sizes), plain.predict(points))
    program = dd.distill(scaled, inputs="x: real[3]")
    assert np.array_equal(program(points * sizes), plain.predict(points))


def test_very_large_numbers() -> None:
    points = np.array([[1e270, -1.5], [-1e270, 1.5], [1e270, 0.5], [-1e270, -0.5]])
    classifier = ENNClassifier(2).fit(points, [0, 1, 0, 1])
    assert classifier.predict(points).tolist() == [0, 1, 0, 1]
