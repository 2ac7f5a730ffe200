"""The conventions of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from ddcompile.learn import ENNClassifier

ESTIMATORS = [
    ENNClassifier(),
    ENNClassifier(6),
    ENNClassifier("samples", kept_margin=1.0),
    ENNClassifier("separable", shared="auto", class_weight="balanced"),
    ENNClassifier(thresholds="auto"),
    ENNClassifier(thresholds=3, relevance="exact", C=10.0),
]


SEPARATING = ("samples", "separable")
"""Ways to split after which all samples of the test data can be told apart."""


def expected_failures(estimator: ENNClassifier) -> dict[str, str]:
    if estimator.subconcepts not in SEPARATING:
        return {}
    reason = "samples that can be told apart are, whatever their labels weigh, as by trees that are grown to the end"
    return {"check_class_weight_classifiers": reason}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_estimator_checks(estimator: ENNClassifier, check: Callable[[Any], None]) -> None:
    check(estimator)
