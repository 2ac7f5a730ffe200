"""The parameters of the classifier, checked when it is fitted."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddcompile.learn.estimator import ENNClassifier

__all__ = ["check_parameters"]


def check_parameters(estimator: ENNClassifier) -> None:
    """Refuse parameters that mean nothing, or nothing together.

    Raises
    ------
    ValueError
    """
    kind: Any = estimator.subconcepts
    kept: Any = estimator.kept_margin
    price: Any = estimator.C
    least: Any = estimator.min_weight_fraction_leaf
    cuts: Any = estimator.thresholds
    if not _is_positive(cuts) and cuts not in (None, "auto"):
        raise ValueError(f"thresholds must be auto, None or a number above 0, not {cuts!r}")
    if estimator.shared and cuts is not None:
        raise ValueError("shared functions are of inputs as they are, without thresholds")
    if not _is_positive(kind) and kind not in ("auto", "separable", "samples"):
        raise ValueError(f"subconcepts must be auto, separable, samples or a number above 0, not {kind!r}")
    if estimator.relevance not in (None, "exact", "chained"):
        raise ValueError(f"relevance must be exact, chained or None, not {estimator.relevance!r}")
    if estimator.relevance == "chained" and (cuts is not None or estimator.targets == "probabilities"):
        raise ValueError("chained outputs are labels of inputs as they are, without thresholds or probabilities")
    if estimator.shared not in (None, "auto"):
        raise ValueError(f"shared must be auto or None, not {estimator.shared!r}")
    if estimator.targets not in ("labels", "probabilities"):
        raise ValueError(f"targets must be labels or probabilities, not {estimator.targets!r}")
    if not isinstance(kept, Real) or not 0 <= float(kept) <= 1:
        raise ValueError(f"kept_margin must be a number from 0 to 1, not {kept!r}")
    if not isinstance(least, Real) or not 0 <= float(least) <= 1:
        raise ValueError(f"min_weight_fraction_leaf must be a number from 0 to 1, not {least!r}")
    if not isinstance(price, Real) or not float(price) > 0:
        raise ValueError(f"C must be a number above 0, not {price!r}")


def _is_positive(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1
