"""Why estimators are not imported, and what to do instead."""

from __future__ import annotations

from typing import Any

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.sklearn.chain import kind_of

__all__ = ["refusal"]

_SURROGATE = 'or take a tree that stands for it: dd.distill(model, inputs, via="tree")'
_WHY = {
    "it compares distances to samples": (
        f"train a linear model, a perceptron or trees; {_SURROGATE}",
        "KNeighborsClassifier KNeighborsRegressor RadiusNeighborsClassifier RadiusNeighborsRegressor NearestCentroid "
        "KMeans MiniBatchKMeans BisectingKMeans LabelPropagation LabelSpreading",
    ),
    "it takes products of the inputs, or exponentials of them": (
        f"train a linear model, a perceptron or trees; {_SURROGATE}",
        "GaussianNB QuadraticDiscriminantAnalysis GaussianProcessClassifier GaussianProcessRegressor "
        "KernelRidge GaussianMixture BayesianGaussianMixture OneClassSVM PoissonRegressor GammaRegressor",
    ),
    "it maps scores through functions that were fitted after them": (
        f"distill the classifier inside; {_SURROGATE}",
        "CalibratedClassifierCV TunedThresholdClassifierCV FixedThresholdClassifier TransformedTargetRegressor "
        "IsotonicRegression",
    ),
    "its answers go into a second model": (
        f"distill the parts one by one; {_SURROGATE}",
        "StackingClassifier StackingRegressor ClassifierChain RegressorChain OutputCodeClassifier OneVsOneClassifier",
    ),
    "it takes a median of answers, or a root of depths": (
        f"train a forest or boosted trees; {_SURROGATE}",
        "AdaBoostRegressor IsolationForest",
    ),
    "its answer does not depend on the inputs": ("train a model that reads them", "DummyClassifier DummyRegressor"),
}
_REASONS = {name: (why, hint) for why, (hint, names) in _WHY.items() for name in names.split()}
_ANY = "imported are linear models, perceptrons, trees and ensembles of trees, not what is derived from them"


def refusal(model: Any, place: str) -> CompileError:
    """The refusal of an estimator: N702."""
    why, hint = _REASONS.get(kind_of(model), ("", _ANY))
    return fail("N702", f"`{kind_of(model)}` is not imported{why and ': '}{why}", place=place, hint=hint)
