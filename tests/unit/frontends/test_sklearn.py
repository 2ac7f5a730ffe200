"""Linear models of scikit-learn: the program is the exact network, and `predict` where floating point is safe."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import clone, linear_model as linear, neural_network as neural, preprocessing as pre, svm, tree
from sklearn.pipeline import make_pipeline

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate

SAMPLES = 5000
INPUTS = 6


def data(classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples of reals, and labels that a plane or two tell apart, mostly."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(300, INPUTS))
    z = X @ random.normal(size=INPUTS) + 0.3 * random.normal(size=300)
    return X, np.digitize(z, np.quantile(z, np.arange(1, classes) / classes))


def fitted(model: Any, classes: int = 2, is_regression: bool = False) -> Any:
    X, y = data(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, X @ np.arange(INPUTS) + 1 if is_regression else y)


def bits() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2, size=(SAMPLES, INPUTS))


def reals() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(SAMPLES, INPUTS)) * 2


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic": linear.LogisticRegression,
    "perceptron": linear.Perceptron,
    "ridge": linear.RidgeClassifier,
    "sgd": lambda: linear.SGDClassifier(random_state=0),
    "svc": lambda: svm.LinearSVC(random_state=0),
    "mlp": lambda: neural.MLPClassifier((7,), max_iter=50, random_state=0),
    "deep": lambda: neural.MLPClassifier((5, 4), max_iter=50, random_state=0),
    "identity": lambda: neural.MLPClassifier((4,), activation="identity", max_iter=50, random_state=0),
    "scaled": lambda: make_pipeline(pre.MinMaxScaler(), linear.LogisticRegression()),
    "clipped": lambda: make_pipeline(pre.MinMaxScaler((-1, 1), clip=True), linear.LogisticRegression()),
    "binarized": lambda: make_pipeline(pre.Binarizer(threshold=0.25), linear.LogisticRegression()),
    "standard": lambda: make_pipeline(pre.StandardScaler(), linear.LogisticRegression()),
    "robust": lambda: make_pipeline(pre.RobustScaler(), svm.LinearSVC(random_state=0)),
    "maximal": lambda: make_pipeline(pre.MaxAbsScaler(), pre.StandardScaler(), linear.RidgeClassifier()),
    "standard mlp": lambda: make_pipeline(
        pre.StandardScaler(), neural.MLPClassifier((7,), max_iter=50, random_state=0)
    ),
    "centred": lambda: make_pipeline(pre.StandardScaler(with_std=False), "passthrough", linear.RidgeClassifier()),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "linear": linear.LinearRegression,
    "ridge": linear.Ridge,
    "lasso": linear.Lasso,
    "sgd": lambda: linear.SGDRegressor(random_state=0),
    "svr": lambda: svm.LinearSVR(random_state=0),
    "mlp": lambda: neural.MLPRegressor(hidden_layer_sizes=(6,), max_iter=50, random_state=0),
    "scaled": lambda: make_pipeline(pre.MinMaxScaler(), linear.LinearRegression()),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_on_bits(name: str, classes: int) -> None:
    model, X = fitted(CLASSIFIERS[name](), classes), bits()
    network = as_network(model)
    program = dd.distill(model, f"x: bit[{INPUTS}]")
    assert program.verdict.status == "proved"
    exact = evaluate(network, X).reshape(SAMPLES)
    np.testing.assert_array_equal(np.asarray(program(X)), exact)
    safe = dd.float_safe(model, X)
    assert safe.mean() > 0.9
    np.testing.assert_array_equal(model.predict(X)[safe], model.classes_[exact[safe]])


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_on_reals(name: str) -> None:
    model, X = fitted(CLASSIFIERS[name](), 3), reals()
    exact, safe = evaluate(as_network(model), X), dd.float_safe(model, X)
    assert safe.mean() > 0.99
    np.testing.assert_array_equal(np.asarray(dd.distill(model, passes="")(X))[safe], exact[safe])
    np.testing.assert_array_equal(model.predict(X)[safe], exact[safe])


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name: str) -> None:
    model, X = fitted(REGRESSORS[name](), is_regression=True), bits()
    program = dd.distill(model, f"x: bit[{INPUTS}]", "y: rat")
    exact = evaluate(as_network(model), X)[:, 0]
    assert [v for v in np.asarray(program(X))] == list(exact)
    np.testing.assert_allclose(model.predict(X), exact.astype(float), rtol=1e-9)


def test_the_result_of_two_classes_is_whether_the_score_is_above_0() -> None:
    model = fitted(linear.LogisticRegression())
    model.coef_, model.intercept_ = np.array([[2.0, -1, 0, 0, 0, 0]]), np.array([0.0])
    program = dd.distill(model, "x: bit[6]")
    assert program([0, 0, 0, 0, 0, 0]) == model.predict([[0] * 6])[0] == 0
    assert str(program) == "rule logistic_regression(x: bit[6]) -> (y: bit) {\n  y = x[0]\n}"


def test_the_first_of_equal_scores_wins() -> None:
    model = fitted(linear.LogisticRegression(), 3)
    model.coef_, model.intercept_ = np.zeros((3, INPUTS)), np.array([1.0, 2, 2])
    assert dd.distill(model, "x: bit[6]")([0] * 6) == model.predict([[0] * 6])[0] == 1


def test_a_bound_method_says_which_function_is_meant() -> None:
    for model in (fitted(linear.LogisticRegression()), fitted(linear.LogisticRegression(), 3)):
        X = bits()
        scores = np.asarray(dd.distill(model.decision_function, "x: bit[6]", passes="")(X)).astype(float)
        np.testing.assert_allclose(scores, model.decision_function(X), rtol=1e-12)
        np.testing.assert_allclose(
            np.asarray(dd.distill(model.predict_proba, "x: bit[6]", passes="")(X)), model.predict_proba(X), rtol=1e-12
        )
    model = fitted(neural.MLPClassifier((5,), max_iter=20, random_state=0))
    np.testing.assert_allclose(
        np.asarray(dd.distill(model.predict_proba, "x: bit[6]", passes="")(X)), model.predict_proba(X), rtol=1e-12
    )


def test_scales_that_are_powers_of_two_are_folded() -> None:
    X, y = data(2)
    scaler = pre.StandardScaler().fit(X)
    scaler.scale_ = 2.0 ** np.round(np.log2(scaler.scale_))
    model = make_pipeline(scaler, linear.LogisticRegression())
    model[-1].fit(scaler.transform(X), y)
    X, program = bits(), dd.distill(model, "x: bit[6]")
    np.testing.assert_array_equal(np.asarray(program(X)), model.predict(X))


def test_scalers_that_divide_are_exact_for_every_double() -> None:
    """Reals would be rounded; rationals hold every double. Behind few bits, the large integers become small ones."""
    model = fitted(make_pipeline(pre.StandardScaler(), linear.LogisticRegression()))
    program = dd.distill(model)
    assert str(program).startswith("rule logistic_regression(x: rat[6]) -> (y: bit) {")
    assert program.verdict.status == "proved"
    X = reals()
    np.testing.assert_array_equal(program.jit()(X), evaluate(as_network(model), X)[:, 0])
    with pytest.raises(CompileError, match=r"standardscaler: error\[N212\]: values are divided by numbers that are no"):
        dd.distill(model, "x: real[6]")
    assert dd.distill(model, "x: bit[6]").cost < 100


def test_scalers_that_divide_near_a_tie() -> None:
    """(x - 1) / 3 + (y - 2) / 5 - 1 at its zeros: 5 x + 3 y = 26, of which x = 4, y = 2 is one."""
    model = fitted(make_pipeline(pre.StandardScaler(), linear.LogisticRegression()))
    model[0].mean_, model[0].scale_ = np.array([1.0, 2, 0, 0, 0, 0]), np.array([3.0, 5, 1, 1, 1, 1])
    model[1].coef_, model[1].intercept_ = np.array([[1.0, 1, 0, 0, 0, 0]]), np.array([-1.0])
    program = dd.distill(model, "x: int[0..9][6]")
    assert [program([x, y, 0, 0, 0, 0]) for x, y in ((4, 2), (5, 1), (4, 3), (3, 3), (2, 6))] == [0, 1, 1, 0, 1]
    ups = np.nextafter(4.0, [0.0, 9.0])
    assert list(dd.distill(model)([[x, 2.0, 0, 0, 0, 0] for x in ups])) == [0, 1]


def test_several_targets_and_labels() -> None:
    X, y = data(2)
    several = linear.LinearRegression().fit(X, np.stack([y, 1 - y], axis=1))
    assert dd.distill(several, "x: bit[6]").rule.outputs[0].type.shape
    labels = neural.MLPClassifier((4,), max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels.fit(X, np.stack([y, X[:, 0] > 0], axis=1))
    np.testing.assert_array_equal(np.asarray(dd.distill(labels, "x: bit[6]")(bits())), labels.predict(bits()))


def with_nan() -> Any:
    model = fitted(linear.Ridge(), is_regression=True)
    model.coef_[2] = np.nan
    return model


class Derived(linear.LogisticRegression):
    def predict(self, X: Any) -> Any:
        return 1 - super().predict(X)


def multilabel() -> Any:
    X, y = data(2)
    return linear.RidgeClassifier().fit(X, np.stack([y, 1 - y], axis=1))


def many() -> Any:
    X = np.random.default_rng(0).normal(size=(120, 100))
    model = make_pipeline(pre.StandardScaler(), linear.RidgeClassifier()).fit(X, X[:, 0] > 0)
    model[0].scale_ = 1 + np.arange(1, 200, 2) * 2.0**-52
    return model


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "unfitted": (
        linear.LogisticRegression,
        "LogisticRegression: error[N701]: `LogisticRegression` is not fitted\n  hint: call fit, then distill it",
    ),
    "derived": (
        lambda: fitted(Derived()),
        "Derived: error[N702]: `Derived` is not imported\n"
        "  hint: imported are linear models, perceptrons, trees and ensembles of trees, not what is derived from them",
    ),
    "function": (
        lambda: fitted(svm.LinearSVC(random_state=0)).score,
        "LinearSVC: error[N702]: the function `score` is not imported\n"
        "  hint: functions: predict, decision_function, predict_proba",
    ),
    "probabilities": (
        lambda: fitted(linear.SGDClassifier(loss="log_loss", random_state=0)).predict_proba,
        "SGDClassifier: error[N702]: `predict_proba` of `SGDClassifier` is not imported\n"
        "  hint: give the model itself, for predict",
    ),
    "labels": (
        multilabel,
        "RidgeClassifier: error[N703]: several labels a sample are not imported\n"
        "  hint: fit one classifier a label, or take its decision_function",
    ),
    "quotients": (
        lambda: fitted(make_pipeline(pre.StandardScaler(), linear.Ridge()), is_regression=True),
        "Pipeline.standardscaler: error[N704]: numbers that are divided by others than powers of two, and then"
        " `predict` of `Ridge`: quotients are no doubles\n"
        "  hint: fold the scaler into the model, which rounds: model.intercept_ -= model.coef_ @ (mean / scale);"
        " model.coef_ /= scale; then distill the model alone; or, before the model is fitted, set scaler.scale_ = 2.0"
        " ** numpy.round(numpy.log2(scaler.scale_)); or take MinMaxScaler, which multiplies",
    ),
    "smooth": (
        lambda: fitted(make_pipeline(pre.RobustScaler(), neural.MLPClassifier((4,), "tanh", max_iter=9))),
        "Pipeline.robustscaler: error[N704]: numbers that are divided by others than powers of two, and then tanh:"
        " quotients are no doubles\n  hint: fold the scaler into the model, which rounds: model.intercepts_[0] -="
        " (mean / scale) @ model.coefs_[0]; model.coefs_[0] /= scale.reshape(-1, 1); then distill the model alone; or,"
        " before the model is fitted, set scaler.scale_ = 2.0 ** numpy.round(numpy.log2(scaler.scale_)); or take"
        " MinMaxScaler, which multiplies",
    ),
    "long": (
        many,
        "Pipeline.standardscaler: error[N704]: `StandardScaler` divides by numbers with a common multiple of 4869 bits,"
        " more than 4096\n  hint: before the model is fitted, set scaler.scale_ = 2.0 **"
        " numpy.round(numpy.log2(scaler.scale_)); or take MinMaxScaler, which multiplies",
    ),
    "step": (
        lambda: fitted(make_pipeline(pre.PolynomialFeatures(), linear.LogisticRegression())),
        "Pipeline.polynomialfeatures: error[N704]: the step `PolynomialFeatures` is not imported\n"
        "  hint: steps: StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Binarizer, KBinsDiscretizer,"
        " OrdinalEncoder, OneHotEncoder, PCA, TruncatedSVD, and what only chooses columns",
    ),
    "nan": (with_nan, "Ridge: error[N705]: the weight is nan at [0, 2]; every entry must be finite"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    make, expected = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        dd.distill(make(), "x: bit[6]")
    assert str(caught.value) == expected


@pytest.mark.parametrize("last", [linear.LogisticRegression(), tree.DecisionTreeClassifier()])
@pytest.mark.parametrize(
    ("scaler", "name", "value", "given"),
    [
        (pre.StandardScaler(), "scale_", np.ones(5), "float64 (5,)"),
        (pre.StandardScaler(), "mean_", np.ones(7), "float64 (7,)"),
        (pre.RobustScaler(), "center_", np.ones((6, 1)), "float64 (6, 1)"),
        (pre.MaxAbsScaler(), "scale_", 2.0, "float"),
        (pre.MinMaxScaler(), "scale_", np.ones(1), "float64 (1,)"),
        (pre.MinMaxScaler(), "min_", None, "NoneType"),
        (pre.MinMaxScaler(), "scale_", np.array(list("abcdef")), "<U1 (6,)"),
    ],
)
def test_overwritten_scalers_are_refused(last: Any, scaler: Any, name: str, value: Any, given: str) -> None:
    model = fitted(make_pipeline(clone(scaler), clone(last)))
    setattr(model[0], name, value)
    message = f"error[N705]: `{name}` of `{type(scaler).__name__}` must be an array of 6 numbers, not {given}"
    with pytest.raises(CompileError, match=re.escape(message)):
        dd.distill(model)
