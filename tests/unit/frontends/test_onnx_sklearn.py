"""Models of scikit-learn exported by skl2onnx: labels are those of onnxruntime where floats decide surely."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto
from skl2onnx import to_onnx
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge, RidgeClassifier, SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import ddcompile as dd
from ddcompile.cli import main
from ddcompile.frontends import as_model, as_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.trees import Ensemble
from ddcompile.frontends.trees.evaluate import evaluate_ensemble

FEW, BOTH = load_iris(return_X_y=True), load_breast_cancer(return_X_y=True)
MODELS: dict[str, tuple[Any, Any]] = {
    "logistic regression": (LogisticRegression(max_iter=200), FEW),
    "logistic regression of two": (LogisticRegression(max_iter=50), BOTH),
    "linear svc": (LinearSVC(random_state=0), FEW),
    "linear svc of two": (LinearSVC(random_state=0), BOTH),
    "ridge": (Ridge(), FEW),
    "ridge classifier": (RidgeClassifier(), FEW),
    "perceptron": (Perceptron(random_state=0), FEW),
    "descent": (SGDClassifier(random_state=0), BOTH),
    "mlp": (MLPClassifier((8,), max_iter=60, random_state=0), FEW),
    "mlp of two": (MLPClassifier((8,), max_iter=60, random_state=0), BOTH),
    "mlp for numbers": (MLPRegressor(hidden_layer_sizes=(8,), max_iter=60, random_state=0), FEW),
    "scaled": (make_pipeline(StandardScaler(), LogisticRegression()), FEW),
    "between": (make_pipeline(MinMaxScaler(), MLPClassifier((4,), max_iter=60, random_state=0)), FEW),
    "bits": (make_pipeline(Binarizer(threshold=1.5), LogisticRegression()), FEW),
}


def fitted(name: str) -> tuple[Any, np.ndarray, np.ndarray]:
    model, (X, y) = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    return model, X.astype(np.float32), y


def exported(model: Any, X: np.ndarray, **options: Any) -> ModelProto:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return to_onnx(model, X[:1], options=options or None)


def run(model: ModelProto, X: np.ndarray) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X})[0]


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str) -> None:
    model, X, _ = fitted(name)
    rng = np.random.default_rng(0)
    X = np.concatenate([X, X[rng.integers(0, len(X), 500)] * single(rng.normal(1, 0.2, (500, X.shape[1])))])
    proto = exported(model, X)
    network = as_network(proto)
    expected = np.asarray(run(proto, X)).ravel()
    if not is_classifier(model):
        np.testing.assert_allclose(evaluate(network, X).astype(float).ravel(), expected, rtol=1e-4, atol=1e-5)
        return
    assert network.head == "argmax"
    if any(layer.decides for layer in network.layers):  # floats decide about a sigmoid
        scores = evaluate(network, X, "none").astype(float)
        safe = np.abs(scores[:, 1] - scores[:, 0]) > 1e-4
    else:
        safe = dd.float_safe(network, X)
    assert safe.mean() > 0.9
    assert np.array_equal(evaluate(network, X)[safe], expected[safe])
    names = [result.name for result in proto.graph.output]
    assert len(names) == 2, "the label and the probabilities, of which the label is taken"


TREES = {
    "tree": (DecisionTreeClassifier(max_depth=4, random_state=0), FEW),
    "tree of two": (DecisionTreeClassifier(max_depth=4, random_state=0), BOTH),
    "tree for numbers": (DecisionTreeRegressor(max_depth=4, random_state=0), FEW),
    "forest": (RandomForestClassifier(8, max_depth=4, random_state=0), FEW),
    "forest of two": (RandomForestClassifier(8, max_depth=4, random_state=0), BOTH),
    "forest for numbers": (RandomForestRegressor(8, max_depth=4, random_state=0), FEW),
    "boosted": (GradientBoostingClassifier(n_estimators=5, random_state=0), FEW),
    "boosted of two": (GradientBoostingClassifier(n_estimators=5, random_state=0), BOTH),
    "boosted for numbers": (GradientBoostingRegressor(n_estimators=5, random_state=0), FEW),
}


@pytest.mark.parametrize("name", TREES)
def test_trees(name: str) -> None:
    """Inputs at the thresholds, and numbers next to them."""
    model, (X, y) = TREES[name]
    model.fit(X, y)
    proto = exported(model, single(X))
    ensemble = as_model(proto)
    assert isinstance(ensemble, Ensemble)
    cuts = {k: np.concatenate([t.cut[t.feature == k] for t in ensemble.trees]) for k in range(X.shape[1])}
    rng = np.random.default_rng(0)
    near = single(X[rng.integers(0, len(X), 5000)])
    for k, values in cuts.items():
        if len(values):
            at = single(rng.choice(values, 5000))
            at = np.nextafter(at, at + rng.integers(-1, 2, 5000).astype(np.float32))
            near[:, k] = np.where(rng.random(5000) < 0.5, at, near[:, k])
    expected = np.asarray(run(proto, near)).ravel()
    found = evaluate_ensemble(ensemble, near).astype(np.float64).ravel()
    if is_classifier(model):
        assert (found == expected).mean() > 0.99  # sums of leaves that are equal, or nearly, are rounded apart
        safe = dd.float_safe(proto, near)
        assert np.array_equal(found[safe], expected[safe])
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    program = dd.distill(proto, f"x: real[{X.shape[1]}]")
    wanted = evaluate_ensemble(ensemble, near[:100]).astype(np.float64).ravel()
    assert np.array_equal(np.asarray(program(near[:100].astype(np.float64))).astype(np.float64).ravel(), wanted)


def test_files_of_trees_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = FEW
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    (tmp_path / "tree.onnx").write_bytes(exported(model, single(X)).SerializeToString())
    for command in ("inspect", "distill"):
        assert main([command, str(tmp_path / "tree.onnx")]) == 0
        assert "tree" in capsys.readouterr().out


def single(array: Any) -> np.ndarray:
    return np.asarray(array, dtype=np.float32)


def test_labels_of_any_kind() -> None:
    """Whole numbers are given as they are; texts are numbered."""
    X, y = FEW
    X = single(X)
    for labels in (np.array([3, 1, 7])[y], np.array(["c", "a", "b"])[y]):
        for model in (RidgeClassifier(), MLPClassifier((3,), max_iter=5, random_state=0)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(X, labels)
            proto = exported(model, X)
            network = as_network(proto)
            given = np.asarray(run(proto, X)).ravel()
            known = given if given.dtype.kind == "i" else np.searchsorted(model.classes_, given)
            found = evaluate(network, X).astype(int).ravel()
            assert (found == known).mean() > 0.99
            assert (network.head == "argmax") == (given.dtype.kind != "i")
