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
    ENNClassifier("separable"),
    ENNClassifier(6),
    ENNClassifier("samples", kept_margin=1.0),
    ENNClassifier("separable", shared="auto", class_weight="balanced"),
    ENNClassifier(thresholds="auto"),
    ENNClassifier(thresholds=3, relevance="exact", C=10.0),
]


@parametrize_with_checks(ESTIMATORS)
def test_estimator_checks(estimator: ENNClassifier, check: Callable[[Any], None]) -> None:
    check(estimator)
