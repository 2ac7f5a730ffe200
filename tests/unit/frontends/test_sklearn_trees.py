"""Trees of scikit-learn: the program is the exact ensemble, and `predict` wherever sums of floats do not tie."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sklearn import clone, ensemble as ensembles, preprocessing as pre, tree as trees
from sklearn.pipeline import make_pipeline

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import Ensemble, as_model, as_network
from ddcompile.frontends.trees.cuts import as_float32, below, largest
from ddcompile.frontends.trees.evaluate import evaluate_ensemble

SAMPLES = 5000
INPUTS = 6


def data(classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(400, INPUTS))
    z = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) - X[:, 3] + 0.3 * random.normal(size=400)
    return X, np.digitize(z, np.quantile(z, np.arange(1, classes) / classes))


def fitted(model: Any, classes: int = 2, is_regression: bool = False) -> Any:
    X, y = data(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2] if is_regression else y)


def reals(ensemble: Ensemble) -> np.ndarray:
    """Samples, most of which have an input at a cut, or at the double next to one."""
    random = np.random.default_rng(2)
    X = random.normal(size=(SAMPLES, INPUTS)) * 1.5
    for row in range(SAMPLES - SAMPLES // 5):
        tree = ensemble.trees[random.integers(len(ensemble.trees))]
        node = random.integers(tree.nodes)
        if tree.feature[node] >= 0 and np.isfinite(tree.cut[node]):
            X[row, tree.feature[node]] = tree.cut[node] if row % 2 else np.nextafter(tree.cut[node], np.inf)
    return X


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "stump": lambda: trees.DecisionTreeClassifier(max_depth=1, random_state=0),
    "small": lambda: trees.DecisionTreeClassifier(max_depth=3, random_state=0),
    "tree": lambda: trees.DecisionTreeClassifier(random_state=0),
    "extra tree": lambda: trees.ExtraTreeClassifier(random_state=0),
    "forest": lambda: ensembles.RandomForestClassifier(12, random_state=0),
    "few": lambda: ensembles.RandomForestClassifier(3, max_depth=2, random_state=0),
    "extra trees": lambda: ensembles.ExtraTreesClassifier(7, max_depth=6, random_state=0),
    "boosted": lambda: ensembles.GradientBoostingClassifier(n_estimators=15, random_state=0),
    "boosted stumps": lambda: ensembles.GradientBoostingClassifier(n_estimators=4, max_depth=1, random_state=0),
    "from zero": lambda: ensembles.GradientBoostingClassifier(n_estimators=6, init="zero", random_state=0),
    "histograms": lambda: ensembles.HistGradientBoostingClassifier(max_iter=12, random_state=0),
    "scaled": lambda: make_pipeline(pre.StandardScaler(), trees.DecisionTreeClassifier(random_state=0)),
    "in parts": lambda: make_pipeline(
        pre.MinMaxScaler((-1, 2), clip=True),
        pre.RobustScaler(),
        pre.MaxAbsScaler(),
        ensembles.RandomForestClassifier(5, random_state=0),
    ),
    "binned after": lambda: make_pipeline(
        pre.StandardScaler(), ensembles.HistGradientBoostingClassifier(max_iter=5, random_state=0)
    ),
    "binarized": lambda: make_pipeline(pre.Binarizer(threshold=0.3), trees.DecisionTreeClassifier(random_state=0)),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "small": lambda: trees.DecisionTreeRegressor(max_depth=2, random_state=0),
    "tree": lambda: trees.DecisionTreeRegressor(random_state=0),
    "forest": lambda: ensembles.RandomForestRegressor(9, random_state=0),
    "extra trees": lambda: ensembles.ExtraTreesRegressor(8, max_depth=5, random_state=0),
    "boosted": lambda: ensembles.GradientBoostingRegressor(n_estimators=20, random_state=0),
    "median": lambda: ensembles.GradientBoostingRegressor(loss="absolute_error", n_estimators=5, random_state=0),
    "histograms": lambda: ensembles.HistGradientBoostingRegressor(max_iter=10, random_state=0),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name: str) -> None:
    model = fitted(CLASSIFIERS[name](), 2 + list(CLASSIFIERS).index(name) % 2)
    ensemble = as_model(model)
    assert isinstance(ensemble, Ensemble)
    X = reals(ensemble)
    exact = evaluate_ensemble(ensemble, X).reshape(SAMPLES)
    program = dd.distill(model)
    assert program.verdict.status == "proved"
    np.testing.assert_array_equal(np.asarray(program(X)), exact)
    np.testing.assert_array_equal(program.jit()(X), exact)
    safe = dd.float_safe(model, X)
    assert safe.mean() > 0.9
    np.testing.assert_array_equal(model.predict(X)[safe], exact[safe])
    assert dd.verify(model, dd.parse(str(program))).status == "proved"


@pytest.mark.parametrize(
    "model", [trees.DecisionTreeClassifier(max_depth=1), ensembles.RandomForestClassifier(5, random_state=0)]
)
def test_verify_refutes_another_model(model: Any) -> None:
    X = np.random.default_rng(0).normal(size=(100, 3))
    first, other = (clone(model).fit(X, X[:, column] > 0) for column in (0, 1))
    program = dd.distill(first)
    assert [dd.verify(*pair).status for pair in ((first, program), (program, first))] == ["proved"] * 2
    assert [dd.verify(*pair).status for pair in ((other, program), (program, other))] == ["refuted"] * 2
    assert program.certificate is not None
    assert [dd.check(program.certificate, network).status for network in (first, other)] == ["proved", "failed"]


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name: str) -> None:
    model = fitted(REGRESSORS[name](), is_regression=True)
    ensemble = as_model(model)
    assert isinstance(ensemble, Ensemble)
    X = reals(ensemble)
    exact = evaluate_ensemble(ensemble, X)[:, 0]
    rational = dd.distill(model, outputs="y: rat")
    assert np.asarray(rational(X)).tolist() == exact.tolist()
    rounded = np.array([float(v) for v in exact])
    np.testing.assert_array_equal(np.asarray(dd.distill(model)(X)), rounded)
    np.testing.assert_array_equal(dd.distill(model).jit()(X), rounded)
    np.testing.assert_allclose(model.predict(X), rounded, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["small", "forest", "extra trees"])
def test_several_numbers_a_sample(name: str) -> None:
    X, y = data(2)
    model = REGRESSORS[name]().fit(X, np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2], y], axis=1))
    ensemble = as_model(model)
    assert isinstance(ensemble, Ensemble)
    X = reals(ensemble)
    exact = evaluate_ensemble(ensemble, X).astype(float)
    np.testing.assert_array_equal(np.asarray(dd.distill(model)(X)), exact)
    np.testing.assert_array_equal(dd.distill(model).jit()(X), exact)
    np.testing.assert_allclose(model.predict(X), exact, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["small", "few", "boosted stumps", "histograms"])
def test_probabilities(name: str, classes: int) -> None:
    model = fitted(CLASSIFIERS[name](), classes)
    X = reals(as_model(model))  # type: ignore[arg-type]
    found = dd.distill(model.predict_proba).jit()(X)
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=1e-11, atol=1e-14)
    if hasattr(model, "decision_function"):
        np.testing.assert_allclose(
            dd.distill(model.decision_function).jit()(X), model.decision_function(X), rtol=1e-11, atol=1e-13
        )
    else:
        with pytest.raises(AttributeError):
            _ = model.decision_function


def test_a_small_tree_is_nested_conditions() -> None:
    X = np.array([[0.0, 5], [1, 5], [2, 5], [2, 7]])
    model = trees.DecisionTreeClassifier(random_state=0).fit(X, [0, 1, 2, 1])
    assert str(dd.distill(model, "length: int[0..9], width: real")) == (
        "rule decision_tree_classifier(length: int[0..9], width: real) -> (class: int[0..2]) {\n"
        "  class = if length <= 0 then 0 else if length <= 1 then 1 else if width <= 6.000000238418579 then 2 else 1\n"
        "}"
    )


INTERFACES = ["x: bit[6]", "x: int[-2..3][2, 3]", "a: bit, b: int[0..3], c: real[2], d: trit[1, 2]"]


@pytest.mark.parametrize("inputs", INTERFACES)
def test_declared_inputs(inputs: str) -> None:
    model = fitted(CLASSIFIERS["forest"]())
    program = dd.distill(model, inputs)
    random = np.random.default_rng(3)
    arrays = []
    for declaration in program.rule.inputs:
        shape = tuple(int(n.value) for n in declaration.type.shape)  # type: ignore[attr-defined]
        low, high = {"bit": (0, 1), "trit": (-1, 1)}.get(declaration.type.kind, (0, 3))
        arrays.append(random.integers(low, high + 1, size=(SAMPLES, *shape)))
    X = np.concatenate([a.reshape(SAMPLES, -1) for a in arrays], axis=1)
    exact = evaluate_ensemble(as_model(model), X)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.asarray(program(*arrays)), exact)
    np.testing.assert_array_equal(program.jit()(*arrays), exact)
    np.testing.assert_array_equal(model.predict(X), exact)


def test_an_exact_tie_goes_to_the_first_class() -> None:
    X, y = data(2)
    model = ensembles.RandomForestClassifier(2, max_depth=1, random_state=0).fit(X, y)
    for part, share in zip(model.estimators_, (0.25, 0.75), strict=True):
        part.tree_.value[:, 0] = [share, 1 - share]
    assert not dd.distill(model)(X).any()
    assert not model.predict(X).any()


def test_certificates_say_what_was_lowered(tmp_path: Any) -> None:
    model = fitted(CLASSIFIERS["forest"]())
    program = dd.distill(model)
    path = tmp_path / "forest.json"
    program.certificate.save(path)
    assert dd.check(path, model).status == "proved"
    assert any("lowering" in part for part in dd.check(path).trusted)
    other = fitted(CLASSIFIERS["extra trees"]())
    assert dd.verify(model, program, certificate=path).status == "proved"
    assert dd.verify(other, program, certificate=path).status == "failed"


def categorical() -> Any:
    X, y = data(2)
    X[:, 0] = np.round(np.abs(X[:, 0]))
    return ensembles.HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]).fit(X, y)


def with_nan() -> Any:
    model = fitted(CLASSIFIERS["tree"]())
    model.tree_.value[0] = np.nan
    model.tree_.threshold[0] = np.nan
    return model


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "unfitted": (
        ensembles.RandomForestClassifier,
        "RandomForestClassifier: error[N701]: `RandomForestClassifier` is not fitted\n"
        "  hint: call fit, then distill it",
    ),
    "targets": (
        lambda: trees.DecisionTreeClassifier().fit(data(2)[0], np.stack([data(2)[1]] * 2, axis=1)),
        "DecisionTreeClassifier: error[N703]: several classes a sample are not imported, but several numbers are\n"
        "  hint: fit a model for each target",
    ),
    "one class": (
        lambda: trees.DecisionTreeClassifier().fit(data(2)[0], np.zeros(400)),
        "DecisionTreeClassifier: error[N703]: there is but one class, so the answer is always that",
    ),
    "categories": (
        categorical,
        "HistGradientBoostingClassifier: error[N703]: categorical features are not imported\n"
        "  hint: encode categories as numbers, and fit without categorical_features",
    ),
    "link": (
        lambda: ensembles.HistGradientBoostingRegressor(loss="poisson", max_iter=2).fit(*data(3)),
        "HistGradientBoostingRegressor: error[N703]: the loss `poisson` is not imported: it ends in exp\n"
        "  hint: fit the logarithm of the targets by squared error",
    ),
    "init": (
        lambda: fitted(ensembles.GradientBoostingClassifier(init=trees.DecisionTreeClassifier(), n_estimators=2)),
        "GradientBoostingClassifier: error[N703]: a start that depends on the inputs (init=`DecisionTreeClassifier`) is"
        " not imported\n  hint: leave init as it is by default, or take 'zero'",
    ),
    "estimator": (
        lambda: fitted(ensembles.AdaBoostRegressor(n_estimators=2)),
        "AdaBoostRegressor: error[N702]: `AdaBoostRegressor` is not imported: it takes a median of answers, or a root"
        " of depths\n  hint: train a forest or boosted trees; or take a tree that stands for it: "
        'dd.distill(model, inputs, via="tree")',
    ),
    "function": (
        lambda: fitted(trees.DecisionTreeRegressor()).apply,
        "DecisionTreeRegressor: error[N702]: the function `apply` is not imported\n"
        "  hint: functions: predict, decision_function, predict_proba",
    ),
    "nan": (with_nan, "DecisionTreeClassifier: error[N705]: the threshold of node 0 is nan"),
    "inputs": (lambda: fitted(CLASSIFIERS["small"]()), "error[N201]: the model reads 6 values, but the inputs hold 7"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    make, expected = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        dd.distill(make(), "x: real[7]")
    assert str(caught.value).replace("the network reads", "the model reads") == expected


def test_layers_are_asked_of_an_ensemble_in_vain() -> None:
    model = fitted(CLASSIFIERS["small"]())
    with pytest.raises(CompileError, match=r"U011.*ensemble of trees"):
        as_network(model)


def test_cuts_are_those_of_the_rounding_to_float32() -> None:
    random = np.random.default_rng(5)
    given = [random.normal(size=200), random.normal(size=50) * 1e-42, [0.0, 1.0, -2.5, 3e38, 1e300]]
    thresholds = np.concatenate(given)
    cuts = largest(as_float32, thresholds, np.zeros(len(thresholds), dtype=int))
    for threshold, cut in zip(thresholds.tolist(), cuts.tolist(), strict=True):
        if cut == np.inf:
            assert threshold > np.finfo(np.float32).max
            continue
        with np.errstate(over="ignore"):
            down = np.float32(threshold)
            down = down if float(down) <= threshold else np.nextafter(down, np.float32(-np.inf))
            up = np.nextafter(down, np.float32(np.inf))
        middle = (Fraction(float(down)) + (Fraction(float(up)) if np.isfinite(up) else Fraction(2) ** 128)) / 2
        is_even = int(down.view(np.uint32)) % 2 == 0
        assert Fraction(cut) == middle if is_even else Fraction(np.nextafter(cut, np.inf)) == middle
    assert (below(np.array([1.0])) < 1.0).all()


@pytest.mark.parametrize(
    ("X", "text"),
    [
        ([["a", 0, 0, 0, 0, 0]], "A002.*the ensemble takes numbers, not <U"),
        ([["1", "0", "0", "0", "0", "0"]], "A002.*the ensemble takes numbers, not <U1"),
        ([[1j, 0, 0, 0, 0, 0]], "A002.*the ensemble takes numbers, not complex128"),
        ([[10**400, 0, 0, 0, 0, 0]], "A002.*the ensemble takes numbers that are doubles"),
        ([[1, 2], [3]], "A002.*`X` is no array"),
        ([[1, 2]], "A004.*the ensemble takes arrays of shape"),
    ],
)
def test_what_float_safe_refuses(X: Any, text: str) -> None:
    with pytest.raises(CompileError, match=text):
        dd.float_safe(fitted(trees.DecisionTreeClassifier(max_depth=1, random_state=0)), X)
