"""`TreeEnsemble`, version 5 of ai.onnx.ml: sums of leaves are those of onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_model
from ddcompile.frontends.trees import Ensemble
from ddcompile.frontends.trees.evaluate import evaluate_ensemble

FEATURES = 4


def grown(modes: tuple[int, ...], trees: int, depth: int, targets: int, **options: Any) -> ModelProto:
    """Full trees of a depth, drawn by a seed; comparisons are of multiples of a half, and leaves too."""
    rng = np.random.default_rng(0)
    each = 2**depth - 1
    inner = np.arange(trees * each)
    own = inner % each
    last = own >= each // 2
    children = [np.where(last, 0, inner - own + 2 * own + k) for k in (1, 2)]
    leaves = [(inner // each) * (each + 1) + 2 * (own - each // 2) + k for k in (0, 1)]
    sides = [np.where(last, leaf, child).tolist() for leaf, child in zip(leaves, children, strict=True)]
    count = trees * (each + 1)
    node = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=targets,
        tree_roots=(np.arange(trees) * each).tolist(),
        nodes_featureids=rng.integers(0, FEATURES, len(inner)).tolist(),
        nodes_modes=numpy_helper.from_array(rng.choice(modes, len(inner)).astype(np.uint8), "modes"),
        nodes_splits=numpy_helper.from_array((rng.integers(-4, 5, len(inner)) / 2).astype(np.float32), "splits"),
        nodes_truenodeids=sides[0],
        nodes_trueleafs=last.astype(int).tolist(),
        nodes_falsenodeids=sides[1],
        nodes_falseleafs=last.astype(int).tolist(),
        leaf_targetids=rng.integers(0, targets, count).tolist(),
        leaf_weights=numpy_helper.from_array((rng.integers(-9, 10, count) / 2).astype(np.float32), "weights"),
        **options,
    )
    return model_of([node], targets)


def model_of(nodes: list[Any], targets: int, kind: int = TensorProto.FLOAT) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", FEATURES])],
        [helper.make_tensor_value_info(nodes[-1].output[0], kind, ["N", targets] if targets else ["N"])],
    )
    versions = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, opset_imports=versions, ir_version=10)


def run(model: ModelProto, X: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": X.astype(np.float32)})[0])


def samples() -> np.ndarray:
    return np.random.default_rng(1).integers(-5, 6, (400, FEATURES)) / 2


@pytest.mark.parametrize("mode", range(4))
@pytest.mark.parametrize(("trees", "depth", "targets"), [(1, 1, 1), (5, 3, 1), (6, 4, 3)])
def test_sums(mode: int, trees: int, depth: int, targets: int) -> None:
    model = grown((mode,), trees, depth, targets)
    ensemble = as_model(model)
    assert isinstance(ensemble, Ensemble)
    found = evaluate_ensemble(ensemble, samples()).reshape(-1, targets)
    assert np.array_equal(found.astype(np.float64), run(model, samples()))


def test_the_largest_sum() -> None:
    """Comparisons of all kinds; the program is that of the model."""
    model = grown((0, 1, 2, 3), 4, 3, 3)
    choice = helper.make_node("ArgMax", ["y"], ["label"], axis=1, keepdims=0)
    model = model_of([*model.graph.node, choice], 0, TensorProto.INT64)
    program = dd.distill(model, f"x: real[{FEATURES}]", name="trees")
    assert program.known == "proved"
    assert np.array_equal(program(samples()), run(model, samples()))


def shared(**changes: Any) -> ModelProto:
    """Both branches of the first node lead to the second."""
    node = grown((0,), 1, 1, 1).graph.node[0]
    attributes = {
        "tree_roots": [0],
        "nodes_featureids": [0, 1],
        "nodes_modes": numpy_helper.from_array(np.zeros(2, dtype=np.uint8), "modes"),
        "nodes_splits": numpy_helper.from_array(np.array([0.5, 1.5], dtype=np.float32), "splits"),
        "nodes_truenodeids": [1, 0],
        "nodes_trueleafs": [0, 1],
        "nodes_falsenodeids": [1, 1],
        "nodes_falseleafs": [0, 1],
        "leaf_targetids": [0, 0],
        "leaf_weights": numpy_helper.from_array(np.array([1, 2], dtype=np.float32), "weights"),
    }
    made = helper.make_node("TreeEnsemble", ["x"], ["y"], domain=node.domain, n_targets=1, **{**attributes, **changes})
    return model_of([made], 1)


def test_branches_that_meet_again() -> None:
    ensemble = as_model(shared())
    assert isinstance(ensemble, Ensemble)
    assert ensemble.trees[0].nodes == 7
    assert np.array_equal(evaluate_ensemble(ensemble, samples()).ravel() == 2, samples()[:, 1] > 1.5)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nodes_modes": numpy_helper.from_array(np.full(2, 6, dtype=np.uint8), "modes")}, "N506"),
        ({"nodes_truenodeids": [0, 0]}, "N506"),
        ({"nodes_truenodeids": [2, 0]}, "N502"),
        ({"nodes_featureids": [0]}, "N502"),
        ({"nodes_featureids": [0, -1]}, "N502"),
        ({"nodes_truenodeids": [-1, 0]}, "N502"),
        ({"nodes_truenodeids": [1, -1]}, "N502"),
        ({"leaf_targetids": [0, 1]}, "N502"),
        ({"aggregate_function": 2}, "N506"),
    ],
)
def test_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(CompileError, match=code):
        as_model(shared(**changes))


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL])
def test_sums_are_not_cut_to_integers(kind: int) -> None:
    """But the number of a class is one."""
    model = grown((0,), 2, 2, 3)
    cut = helper.make_node("Cast", ["y"], ["c"], to=kind)
    with pytest.raises(CompileError, match=r"N509.*`Cast` of what an ensemble of trees gives"):
        as_model(model_of([*model.graph.node, cut], 3, kind))
    choice = helper.make_node("ArgMax", ["y"], ["label"], axis=1, keepdims=0)
    cut = helper.make_node("Cast", ["label"], ["c"], to=kind)
    whole = model_of([*model.graph.node, choice, cut], 0, kind)
    if kind == TensorProto.BOOL:
        with pytest.raises(CompileError, match="N509"):
            as_model(whole)
    else:
        ensemble = as_model(whole)
        assert isinstance(ensemble, Ensemble)
        assert np.array_equal(evaluate_ensemble(ensemble, samples()).ravel(), run(whole, samples()))
