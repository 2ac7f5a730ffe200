"""The short version of `examples/limits`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def curves(example: Any) -> Any:
    return example("limits", "curves")


@pytest.mark.parametrize(
    ("axis", "place", "count", "ones", "wrong"),
    [("samples", 50, 50, 25, 0), ("wrong labels", 0.2, 150, 75, 30), ("share of label 1", 0.1, 150, 15, 0)],
)
def test_samples_are_what_the_axis_says(
    curves: Any, axis: str, place: float, count: int, ones: int, wrong: int
) -> None:
    for function in curves.TASKS.values():
        points, labels, unseen, wanted = curves.drawn(function, axis, place, 0)
        assert points.shape == (count, curves.INPUTS)
        assert function(points).sum() == ones
        assert abs((function(points) != labels).sum() - wrong) <= wrong / 3
        assert wanted.sum() == len(unseen) / 2


@pytest.mark.filterwarnings("ignore")
def test_what_is_learned(curves: Any) -> None:
    found = curves.measured("majority", "wrong labels", (0.1,), 2)
    assert found["essence network"].mean() > found["decision tree"].mean() + 5
    assert found["with fewest inputs"].min() > 95
    exact = curves.measured("choice", "samples", (200,), 2)
    assert exact["with fewest inputs"].tolist() == [[100, 100]]
    lines = list(curves.table("choice", "samples", (200,), exact))
    assert len(lines) == 2 + len(curves.MODELS)


def test_real_weights_are_no_whole_numbers(curves: Any) -> None:
    points, labels, _, _ = curves.drawn(curves.TASKS["choice"], "samples", 100, 0)
    classifier = curves.Reals().fit(points, labels)
    assert classifier.essences_[0].differentiae[0].dtype == np.float64
    assert set(classifier.predict(points)) == {0, 1}
