"""Steps before models of scikit-learn: the program is the exact network, and `predict` where floating point is safe."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import (
    compose,
    decomposition,
    ensemble,
    feature_selection as choice,
    impute,
    linear_model as linear,
    neural_network as neural,
    preprocessing as pre,
    tree,
)
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_model, as_network
from ddcompile.frontends.evaluate import evaluate

SAMPLES, INPUTS = 1000, 6


def mixed(samples: int, seed: int) -> np.ndarray:
    """Three columns of reals, three of the whole numbers 0 to 4, of which the last are 3, 4, 7 and so on."""
    random = np.random.default_rng(seed)
    numbers = random.integers(0, 5, size=(samples, 3)) * [1, 1, 2]
    return np.concatenate([random.normal(size=(samples, 3)) * [1, 5, 0.1], numbers], axis=1)


def fitted(model: Any, classes: int = 3) -> Any:
    X = mixed(400, 0)
    z = X @ [1, -0.3, 2, 0.4, -0.5, 0.2] + (X[:, 3] == 2) + 0.1 * np.random.default_rng(1).normal(size=400)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, np.digitize(z, np.quantile(z, np.arange(1, classes) / classes)))


def split(*parts: Any, rest: str = "drop") -> Any:
    """Steps for columns of a table."""
    return compose.ColumnTransformer([(f"part{k}", *part) for k, part in enumerate(parts)], remainder=rest)


STEPS: dict[str, Callable[[], Any]] = {
    "scalers": lambda: make_pipeline(pre.StandardScaler(), pre.MinMaxScaler((-1, 1))),
    "selected": lambda: make_pipeline(choice.SelectKBest(k=4), pre.MaxAbsScaler(), choice.VarianceThreshold(0.01)),
    "from a model": lambda: choice.SelectFromModel(linear.LogisticRegression(C=0.1)),
    "imputed": lambda: make_pipeline(impute.SimpleImputer(), pre.FunctionTransformer(), pre.RobustScaler()),
    "bins": lambda: pre.KBinsDiscretizer(4, encode="ordinal", quantile_method="linear"),
    "codes": lambda: split((pre.OrdinalEncoder(), [3, 5]), (pre.StandardScaler(), slice(0, 3))),
    "rest": lambda: split((pre.Binarizer(threshold=0.5), [1, 4]), ("passthrough", [0]), rest="passthrough"),
    "branches": lambda: make_union(pre.StandardScaler(), make_pipeline(choice.SelectKBest(k=2), pre.Binarizer())),
}
LINEAR: dict[str, Callable[[], Any]] = {
    "bits of bins": lambda: pre.KBinsDiscretizer(3, encode="onehot-dense", quantile_method="linear"),
    "one hot": lambda: split((pre.OneHotEncoder(), [3, 4]), (pre.StandardScaler(), [0, 1, 2]), rest="passthrough"),
    "one hot but the first": lambda: split((pre.OneHotEncoder(drop="first", handle_unknown="ignore"), [3, 4, 5])),
    "unknown codes": lambda: split(
        (pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), [3, 5]), ("passthrough", [0])
    ),
    "projected": lambda: decomposition.PCA(3, random_state=0),
    "scaled and projected": lambda: make_pipeline(pre.StandardScaler(), decomposition.PCA(2, random_state=0)),
    "projected without a mean": lambda: decomposition.TruncatedSVD(2, random_state=0),
}
ONE_HOT: dict[str, Callable[[], Any]] = {
    "bits of bins": LINEAR["bits of bins"],
    "one hot": LINEAR["one hot"],
    "one hot but the first": lambda: split(
        (pre.OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False), [3, 4, 5])
    ),
    "one hot, scaled": lambda: make_pipeline(
        split((pre.OneHotEncoder(sparse_output=False), [3, 4])), pre.StandardScaler()
    ),
    "scaled, one hot": lambda: make_pipeline(
        split((pre.MaxAbsScaler(), [3, 4])),
        pre.OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        choice.SelectKBest(k=6),
    ),
}
"""Columns that are bits, which trees take for whether an input lies in an interval."""
TREES: dict[str, Callable[[], Any]] = {
    "tree": lambda: tree.DecisionTreeClassifier(max_depth=5, random_state=0),
    "forest": lambda: ensemble.RandomForestClassifier(5, max_depth=6, random_state=0),
    "histograms": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3, random_state=0),
}


@pytest.mark.parametrize("name", [*STEPS, *LINEAR])
def test_steps_before_linear_models(name: str) -> None:
    X = mixed(SAMPLES, 2)
    is_deep = name in ("codes", "one hot", "scaled and projected")
    last = neural.MLPClassifier((3,), max_iter=20, random_state=0) if is_deep else linear.LogisticRegression()
    model = fitted(make_pipeline(({**STEPS, **LINEAR})[name](), last))
    exact, safe = evaluate(as_network(model), X), dd.float_safe(model, X)
    assert safe.mean() > 0.99
    np.testing.assert_array_equal(model.predict(X)[safe], exact[safe])
    program = dd.distill(model, f"x: rat[{INPUTS}]", passes="")
    np.testing.assert_array_equal(program.jit()(X), exact)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        *((name, "tree") for name in STEPS),
        *((name, last) for name in ONE_HOT for last in TREES),
        ("selected", "forest"),
        ("codes", "histograms"),
    ],
)
def test_steps_before_trees(name: str, last: str) -> None:
    model, X = fitted(make_pipeline(({**STEPS, **ONE_HOT})[name](), TREES[last]())), mixed(SAMPLES, 2)
    program = dd.distill(model, passes="")
    assert program.rule.inputs[0].type.shape
    safe = dd.float_safe(model, X)
    assert safe.mean() > 0.9
    np.testing.assert_array_equal(program.jit()(X)[safe], model.predict(X)[safe])


@pytest.mark.parametrize("name", ["codes", "bins", "scalers", "bits of bins"])
def test_edges_are_exact_before_trees(name: str) -> None:
    """Doubles next to where a decision changes are decided as scikit-learn decides them."""
    model = fitted(make_pipeline(({**STEPS, **ONE_HOT})[name](), TREES["tree"]()))
    (found,) = as_model(model).trees  # type: ignore[union-attr]
    program, base = dd.distill(model, passes=""), mixed(1, 3)[0]
    base[3:] = [2, 2, 4]
    for feature, cut in zip(found.feature.tolist(), found.cut.tolist(), strict=True):
        if feature < 0 or not np.isfinite(cut) or (name == "codes" and feature > 2):
            continue
        X = np.tile(base, (3, 1))
        X[:, feature] = np.nextafter(cut, -np.inf), cut, np.nextafter(cut, np.inf)
        np.testing.assert_array_equal(program(X), model.predict(X))


def test_columns_of_integers() -> None:
    """Declared as what they are, categories become small integers."""
    model = fitted(make_pipeline(split((pre.OneHotEncoder(), [3])), linear.LogisticRegression()), 2)
    program = dd.distill(model, "x: int[0..4][6]")
    assert program.verdict.status == "proved"
    X = np.tile(np.arange(5)[:, None], (1, 6))
    np.testing.assert_array_equal(program(X), model.predict(X))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "normalizer": (
        pre.Normalizer,
        "Pipeline.normalizer: error[N704]: the step `Normalizer` is not imported\n  hint: it divides by a root of a sum"
        " of squares: take a scaler, which divides each column by its own number",
    ),
    "function": (
        lambda: pre.FunctionTransformer(np.abs),
        "Pipeline.functiontransformer: error[N704]: the step `FunctionTransformer` is not imported\n"
        "  hint: a function may do anything: use a step of scikit-learn itself",
    ),
    "whitened": (
        lambda: decomposition.PCA(2, whiten=True),
        "Pipeline.pca: error[N703]: `PCA` that whitens is not imported\n  hint: put a StandardScaler behind it",
    ),
    "weighted": (
        lambda: FeatureUnion([("a", pre.StandardScaler())], transformer_weights={"a": 2.0}),
        "Pipeline.featureunion: error[N703]: weights of the parts of `FeatureUnion` are not imported\n"
        "  hint: leave transformer_weights out",
    ),
    "missing": (
        lambda: impute.SimpleImputer(missing_values=0),
        "Pipeline.simpleimputer: error[N703]: `SimpleImputer` of 0 as missing values is not imported\n"
        "  hint: inputs are finite numbers: leave the step as it is by default, or out",
    ),
    "rare": (
        lambda: split((pre.OneHotEncoder(max_categories=2), [3])),
        "Pipeline.columntransformer.part0: error[N703]: rare categories that are taken together are not imported\n"
        "  hint: leave min_frequency and max_categories out",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    make, expected = REFUSED[name]
    model = fitted(make_pipeline(make(), linear.RidgeClassifier()))
    with pytest.raises(CompileError) as caught:
        dd.distill(model)
    assert str(caught.value) == expected


def test_steps_that_trees_cannot_see_through_are_refused() -> None:
    model = make_pipeline(decomposition.PCA(2), tree.DecisionTreeClassifier(max_depth=3))
    model.fit(mixed(50, 0)[:, 3:], np.arange(50) % 2)
    with pytest.raises(CompileError, match=r"Pipeline\.pca: error\[N704\]: the step `PCA` is not imported"):
        dd.distill(model)


def test_strings_are_refused_as_categories() -> None:
    model = make_pipeline(pre.OneHotEncoder(), linear.LogisticRegression())
    model.fit(np.array([["a"], ["b"]], dtype=object), [0, 1])
    with pytest.raises(CompileError, match=r"onehotencoder: error\[N703\]: the categories of column 0 are no numbers"):
        dd.distill(model)
