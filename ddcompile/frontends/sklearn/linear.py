"""Linear models and multi-layer perceptrons as layers.

The class of a linear classifier is that of the largest score, the first of equal ones; of two classes it is the second
where the one score is above 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import discriminant_analysis as discriminant, linear_model as linear, neural_network as neural, svm

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import Activation
from ddcompile.frontends.float_types import FLOAT_TYPES
from ddcompile.frontends.network import Layer
from ddcompile.frontends.sklearn.chain import Chain, checked_fit, kind_of, no_function, renamed
from ddcompile.frontends.sklearn.machines import (
    BAYES,
    SEVERAL,
    VECTORS,
    bayes_layers,
    several_scores,
    vector_layers,
)

__all__ = ["NETWORKS", "PERCEPTRONS", "Layers", "layers_of"]

_CLASSIFIERS = (
    linear.LogisticRegression,
    linear.LogisticRegressionCV,
    linear.Perceptron,
    linear.RidgeClassifier,
    linear.RidgeClassifierCV,
    linear.SGDClassifier,
    svm.LinearSVC,
    discriminant.LinearDiscriminantAnalysis,
    *(getattr(linear, name) for name in ("PassiveAggressiveClassifier",) if hasattr(linear, name)),
)
_REGRESSORS = (
    linear.ARDRegression,
    linear.BayesianRidge,
    linear.ElasticNet,
    linear.ElasticNetCV,
    linear.HuberRegressor,
    linear.Lars,
    linear.LarsCV,
    linear.Lasso,
    linear.LassoCV,
    linear.LassoLars,
    linear.LinearRegression,
    linear.OrthogonalMatchingPursuit,
    linear.QuantileRegressor,
    *(getattr(linear, name) for name in ("PassiveAggressiveRegressor",) if hasattr(linear, name)),
    linear.Ridge,
    linear.RidgeCV,
    linear.SGDRegressor,
    linear.TheilSenRegressor,
    svm.LinearSVR,
)
PERCEPTRONS = (neural.MLPClassifier, neural.MLPRegressor)
NETWORKS = (*_CLASSIFIERS, *_REGRESSORS, *PERCEPTRONS, *VECTORS, *BAYES, *SEVERAL)
"""The estimators that are imported, themselves; those derived from them may predict in another way."""

_ACTIVATIONS: dict[str, Activation] = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Layers, what is done with the last, and the type in which the framework computes them."""

    layers: tuple[Layer, ...]
    head: str
    dtype: str


def layers_of(chain: Chain) -> Layers:
    """The layers of an estimator out of `NETWORKS`.

    Raises
    ------
    CompileError
        N701 if it is not fitted, N702, N703 for functions and settings that are not imported, N705 if its arrays do not
        fit together or are not finite.
    """
    model, place = chain.last, chain.place
    try:
        if type(model) in _CLASSIFIERS:
            return _classifier(model, chain)
        if type(model) in _REGRESSORS:
            checked_fit(model, place, "coef_")
            if chain.method != "predict":
                raise no_function(chain)
            return _linear(model, *_scores(model), "none")
        if type(model) in VECTORS:
            made, head = vector_layers(model, chain)
            return Layers(tuple(made), head, "float64")
        if type(model) in BAYES:
            made, head = bayes_layers(model, chain)
            return Layers(tuple(made), head, "float64")
        if type(model) in SEVERAL:
            weight, bias, how = several_scores(model, chain, (*_CLASSIFIERS, *_REGRESSORS))
            if how == "argmax":
                return _linear(model, weight, bias, "argmax")
            return _linear(model, weight, bias, "none", "step" if how == "step" else "identity")
        return _perceptron(model, chain)
    except CompileError as error:
        raise renamed(error, place) from None


def _classifier(model: Any, chain: Chain) -> Layers:
    checked_fit(model, chain.place, "coef_")
    labels = getattr(model, "_label_binarizer", None)
    if labels is not None and labels.y_type_.startswith("multilabel"):
        hint = "fit one classifier a label, or take its decision_function"
        if chain.method == "predict":
            raise fail("N703", "several labels a sample are not imported", place=chain.place, hint=hint)
    weight, bias = _scores(model)
    classes = len(model.classes_)
    if chain.method == "decision_function":
        return _linear(model, weight, bias, "none")
    if chain.method == "predict":
        if len(weight) == 1:
            return _linear(model, weight, bias, "none", "step")
        return _linear(model, weight, bias, "argmax")
    is_logistic = type(model) in (linear.LogisticRegression, linear.LogisticRegressionCV)
    is_discriminant = type(model) is discriminant.LinearDiscriminantAnalysis
    if not (is_logistic or is_discriminant) or (is_logistic and model.solver == "liblinear" and classes > 2):
        raise no_function(chain)
    if len(weight) == 1:
        weight, bias = np.vstack([np.zeros_like(weight), weight]), np.append(np.zeros_like(bias), bias)
    return _linear(model, weight, bias, "softmax")


def _scores(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """The weights (scores, inputs) and biases of a linear model."""
    weight = model.coef_.toarray() if hasattr(model.coef_, "toarray") else np.asarray(model.coef_)
    weight = np.atleast_2d(weight)
    bias = np.broadcast_to(np.ravel(model.intercept_), len(weight))
    return weight, bias


def _linear(model: Any, weight: np.ndarray, bias: np.ndarray, head: str, activation: Activation = "identity") -> Layers:
    return Layers((Layer(weight, bias, activation, path=kind_of(model)),), head, _type(weight))


def _type(weight: np.ndarray) -> str:
    return str(weight.dtype) if str(weight.dtype) in FLOAT_TYPES else "float64"


def _perceptron(model: Any, chain: Chain) -> Layers:
    checked_fit(model, chain.place, "coefs_")
    is_classifier = type(model) is neural.MLPClassifier
    if chain.method == "decision_function" or (chain.method == "predict_proba" and not is_classifier):
        raise no_function(chain)
    hidden, out = _ACTIVATIONS.get(model.activation), model.out_activation_
    if hidden is None or out not in ("identity", "logistic", "softmax"):
        name = out if hidden is not None else model.activation
        raise fail("N703", f"the activation `{name}` is not imported", place=chain.place)
    last = len(model.coefs_) - 1
    layers = [
        Layer(weight.T, bias, "identity" if k == last else hidden, path=f"{kind_of(model)}.coefs_[{k}]")
        for k, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True))
    ]
    dtype = _type(model.coefs_[0])
    if out == "identity":
        return Layers(tuple(layers), "none", dtype)
    score = layers[last]
    if out == "logistic" and model._label_binarizer.y_type_.startswith("multilabel"):
        decided: Activation = "step" if chain.method == "predict" else "sigmoid"
        layers[last] = Layer(score.weight, score.bias, decided, path=score.path)
        return Layers(tuple(layers), "none", dtype)
    if out == "logistic":  # 1 / (1 + exp(-s)) is the second of softmax(0, s)
        weight, bias = score.dense_weight(), score.bias
        weight, bias = np.vstack([np.zeros_like(weight), weight]), np.append(np.zeros_like(bias), bias)
        layers[last] = Layer(weight, bias, path=score.path)
    return Layers(tuple(layers), "argmax" if chain.method == "predict" else "softmax", dtype)
