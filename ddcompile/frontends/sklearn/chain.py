"""What a scikit-learn model is made of: steps of a pipeline, an estimator at the end, and which of its functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import linear_model, model_selection, semi_supervised
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ddcompile.diagnostics import CompileError, Diagnostic, fail

__all__ = ["METHODS", "Chain", "chain_of", "checked_fit", "kind_of", "labels_of", "no_function", "renamed"]

_WRAPPED = {
    model_selection.GridSearchCV: "best_estimator_",
    model_selection.RandomizedSearchCV: "best_estimator_",
    linear_model.RANSACRegressor: "estimator_",
    semi_supervised.SelfTrainingClassifier: "estimator_",
}
"""Estimators that answer as another does which they hold."""
METHODS = ("predict", "decision_function", "predict_proba")


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Steps, in order, with their places for messages; the estimator; which function of it is meant."""

    steps: tuple[tuple[str, Any], ...]
    last: Any
    place: str
    method: str

    @property
    def name(self) -> str:
        """What the model is called: `random_forest_classifier`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind_of(self.last)).lower()


def kind_of(estimator: object) -> str:
    """The name of the class of an estimator."""
    return type(estimator).__name__


def chain_of(model: Any) -> Chain:
    """Take a model apart.

    Parameters
    ----------
    model : sklearn.base.BaseEstimator or a bound method of one

    Raises
    ------
    CompileError
        N702 for other functions than `METHODS`.
    """
    method = "predict"
    if not isinstance(model, BaseEstimator):
        model, method = model.__self__, model.__name__
    place = kind_of(model)
    if method not in METHODS:
        hint = f"functions: {', '.join(METHODS)}"
        raise fail("N702", f"the function `{method}` is not imported", place=place, hint=hint)
    steps: list[tuple[str, Any]] = []
    while type(model) is Pipeline or type(model) in _WRAPPED:
        if type(model) in _WRAPPED:
            inner = _WRAPPED[type(model)]
            checked_fit(model, place, inner)
            place, model = f"{place}.{inner}", getattr(model, inner)
            continue
        parts = [(f"{place}.{label}", part) for label, part in model.steps if part not in (None, "passthrough")]
        if not parts:
            raise fail("N702", "a pipeline without an estimator predicts nothing", place=place)
        *before, (place, model) = parts
        steps += before
    return Chain(tuple(steps), model, place, method)


def checked_fit(estimator: Any, place: str, *attributes: str) -> None:
    """Refuse what is not fitted.

    Raises
    ------
    CompileError
        N701.
    """
    try:
        check_is_fitted(estimator, attributes or None)
    except (NotFittedError, TypeError) as error:
        message = f"`{kind_of(estimator)}` is not fitted"
        raise fail("N701", message, place=place, hint="call fit, then distill it") from error


def labels_of(chain: Chain, outputs: int) -> tuple[str, ...]:
    """What the classes are called that a model decides between; none if they are the numbers 0, 1, ..., or unknown."""
    classes = getattr(chain.last, "classes_", None)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        return ()
    if len(classes) != outputs and (len(classes), outputs, chain.method) != (2, 1, "predict"):
        return ()
    if classes.dtype.kind in "biuf" and np.array_equal(classes, np.arange(len(classes))):
        return ()
    return tuple(map(str, classes.tolist()))


def no_function(chain: Chain) -> CompileError:
    """The refusal of a function of an estimator: N702."""
    message = f"`{chain.method}` of `{kind_of(chain.last)}` is not imported"
    return fail("N702", message, place=chain.place, hint="give the model itself, for predict")


def renamed(error: CompileError, place: str) -> CompileError:
    """Faults of layers and trees as those of the model that they come from: N705."""
    found = error.diagnostics
    return CompileError(d if d.code.startswith("N7") else Diagnostic("N705", d.message, place=place) for d in found)
