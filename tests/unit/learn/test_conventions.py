"""The conventions of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from ddcompile.learn import ENNClassifier


@parametrize_with_checks([ENNClassifier(), ENNClassifier(6), ENNClassifier(thresholds="auto")])
def test_estimator_checks(estimator: ENNClassifier, check: Callable[[Any], None]) -> None:
    check(estimator)
