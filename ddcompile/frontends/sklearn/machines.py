"""Models that are linear by another way than a row of weights a class: support vectors, naive Bayes, several in one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from sklearn import multiclass, multioutput, naive_bayes as bayes, svm

from ddcompile.diagnostics import fail
from ddcompile.frontends.network import Layer
from ddcompile.frontends.sklearn.chain import Chain, checked_fit, kind_of, no_function
from ddcompile.frontends.weights import Pointwise

__all__ = ["BAYES", "SEVERAL", "VECTORS", "bayes_layers", "several_scores", "vector_layers"]

_MACHINES = (svm.SVC, svm.NuSVC)
VECTORS = (*_MACHINES, svm.SVR, svm.NuSVR)
BAYES = (bayes.BernoulliNB, bayes.ComplementNB, bayes.MultinomialNB)
SEVERAL = (multiclass.OneVsRestClassifier, multioutput.MultiOutputClassifier, multioutput.MultiOutputRegressor)


def vector_layers(model: Any, chain: Chain) -> tuple[list[Layer], str]:
    """Products with support vectors, sums of these for every pair of classes, and votes; the head.

    Of two classes i < j, i has the vote where the sum is above 0, j where it is not. The most votes win, of the first
    class if there are several.
    """
    checked_fit(model, chain.place)
    if model.kernel != "linear":
        hint = "take kernel='linear', or an approximation: dd.distill(model, inputs, via=\"tree\")"
        message = f"the kernel `{model.kernel}` of `{kind_of(model)}` is not imported"
        raise fail("N703", message, place=chain.place, hint=hint)
    path = kind_of(model)
    dual = model.dual_coef_.toarray() if hasattr(model.dual_coef_, "toarray") else np.asarray(model.dual_coef_)
    vectors = model.support_vectors_
    vectors = vectors.toarray() if hasattr(vectors, "toarray") else np.asarray(vectors)
    products = Layer(vectors, np.zeros(len(vectors)), path=f"{path}.support_vectors_")
    if type(model) not in _MACHINES:
        if chain.method != "predict":
            raise no_function(chain)
        return [products, Layer(dual, np.ravel(model.intercept_), path=path)], "none"
    classes = len(model.classes_)
    if chain.method == "predict_proba" or (classes > 2 and chain.method != "predict"):
        raise no_function(chain)
    if classes == 2:
        decides = "nonnegative" if chain.method == "predict" else "identity"
        return [products, Layer(dual, np.ravel(model.intercept_), decides, path=path)], "none"
    if model.break_ties:
        hint = "leave break_ties as it is by default"
        raise fail("N703", "ties that are broken by confidences are not imported", place=chain.place, hint=hint)
    ends = np.cumsum([0, *model.n_support_.tolist()])
    pairs = list(combinations(range(classes), 2))
    weight, votes = np.zeros((len(pairs), len(vectors))), np.zeros((classes, len(pairs)), dtype=np.int64)
    for p, (i, j) in enumerate(pairs):
        first, second = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        weight[p, first], weight[p, second] = dual[j - 1, first], dual[i, second]
        votes[i, p], votes[j, p] = 1, -1
    sums = Layer(weight, np.ravel(model.intercept_), "step", path=path)
    return [products, sums, Layer(votes, np.arange(classes), path=path)], "argmax"


def bayes_layers(model: Any, chain: Chain) -> tuple[list[Layer], str]:
    """Joint logarithms, which are sums of those that scikit-learn keeps, and the head."""
    checked_fit(model, chain.place)
    if chain.method == "decision_function":
        raise no_function(chain)
    weight, path = np.asarray(model.feature_log_prob_), kind_of(model)
    bias = np.zeros(len(weight)) if type(model) is bayes.ComplementNB else np.asarray(model.class_log_prior_)
    before = []
    if type(model) is bayes.BernoulliNB:
        others = np.log(1 - np.exp(weight))
        weight, bias = weight - others, bias + others.sum(axis=1)
        if model.binarize is not None:
            width = weight.shape[1]
            threshold = np.full(width, -float(model.binarize))
            before = [Layer(Pointwise(np.ones((1, width), dtype=np.int64)), threshold, "step", path=f"{path}.binarize")]
    if len(weight) < 2:
        raise fail("N703", "there is but one class, so the answer is always that", place=chain.place)
    return [*before, Layer(weight, bias, path=path)], "argmax" if chain.method == "predict" else "softmax"


def several_scores(model: Any, chain: Chain, known: Sequence[type]) -> tuple[np.ndarray, np.ndarray, str]:
    """The weights and biases of linear models side by side, and how classes follow: `step`, `argmax` or `identity`."""
    checked_fit(model, chain.place)
    parts = list(model.estimators_)
    for part in parts:
        if type(part) not in known:
            hint = "of linear models, without steps before them"
            message = f"`{kind_of(model)}` of `{kind_of(part)}` is not imported"
            raise fail("N702", message, place=chain.place, hint=hint)
    weight = np.vstack([np.atleast_2d(part.coef_) for part in parts])
    bias = np.concatenate(
        [np.broadcast_to(np.ravel(part.intercept_), len(np.atleast_2d(part.coef_))) for part in parts]
    )
    if type(model) is multioutput.MultiOutputRegressor:
        if chain.method != "predict":
            raise no_function(chain)
        return weight, bias, "identity"
    if type(model) is multiclass.OneVsRestClassifier:
        if model.label_binarizer_.y_type_.startswith("multilabel") and chain.method == "predict":
            hint = "fit one classifier a label, or take its decision_function"
            raise fail("N703", "several labels a sample are not imported", place=chain.place, hint=hint)
        if chain.method == "predict_proba":
            raise no_function(chain)
        if chain.method == "decision_function":
            return weight, bias, "identity"
        return weight, bias, "step" if len(parts) == 1 else "argmax"
    if chain.method != "predict":
        raise no_function(chain)
    if any(len(part.classes_) != 2 or not np.array_equal(part.classes_, [0, 1]) for part in parts):
        hint = "targets are 0 and 1, or fit a model for each"
        raise fail("N703", f"`{kind_of(model)}` of other classes than 0 and 1", place=chain.place, hint=hint)
    return weight, bias, "step"
