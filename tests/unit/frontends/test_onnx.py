"""ONNX models: the network imported from a model gives what the model gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper, save_model

import ddcompile as dd
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate

Nodes = Callable[[np.random.Generator], tuple[list[Any], dict[str, np.ndarray]]]
FLOAT = TensorProto.FLOAT


def node(op: str, inputs: Sequence[str], outputs: Sequence[str] = ("y",), **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def model_of(
    nodes: Sequence[Any],
    constants: dict[str, Any],
    shape: Sequence[int | str] = ("N", 6),
    results: Sequence[str] = ("y",),
    kind: int = FLOAT,
    result_kind: int = FLOAT,
    version: int = 21,
    rank: int = 2,
) -> ModelProto:
    """A model of one input `x`."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_tensor_value_info(name, result_kind, [None] * rank) for name in results],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=10)


def single(array: Any) -> np.ndarray:
    return np.asarray(array, dtype=np.float32)


def weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Small integers, so that ties are frequent and floats exact."""
    sizes = {"W": (6, 5), "V": (5, 3), "B": (6, 5), "b": (5,), "c": (3,), "s": (5,)}
    return {name: single(rng.integers(-2, 3, size)) for name, size in sizes.items()}


HIDDEN = node("Gemm", ["x", "W", "b"], ["h"])
OTHER = node("MatMul", ["x", "B"], ["g"])


def then(*nodes: Any) -> list[Any]:
    return [HIDDEN, OTHER, *nodes]


def branch(op: str) -> Any:
    """A branch of one node."""
    return helper.make_graph([node(op, ["h"], ["t"])], op, [], [helper.make_tensor_value_info("t", FLOAT, [None, 5])])


GRAPHS: dict[str, list[Any]] = {
    "gemm": then(node("Relu", ["h"], ["r"]), node("Gemm", ["r", "V", "c"], alpha=2.0, beta=0.5)),
    "clip": then(node("Clip", ["h", "low", "high"])),
    "sign": then(node("Sign", ["h"])),
    "abs": then(node("Abs", ["h"], ["a"]), node("Neg", ["a"])),
    "leaky": then(node("LeakyRelu", ["h"], alpha=0.25)),
    "prelu": then(node("PRelu", ["h", "s"])),
    "hard sigmoid": then(node("HardSigmoid", ["h"], alpha=0.25, beta=0.5)),
    "residual": then(node("Relu", ["h"], ["r"]), node("Add", ["r", "g"], ["t"]), node("Sub", ["t", "b"])),
    "sum": then(node("Sum", ["h", "b", "g", "h"])),
    "max": then(node("Max", ["h", "g", "b"])),
    "min": then(node("Min", ["b", "h", "g"])),
    "where constants": then(node("Greater", ["h", "zero"], ["m"]), node("Where", ["m", "high", "low"])),
    "where values": then(
        node("GreaterOrEqual", ["h", "g"], ["m"]),
        node("Clip", ["h", "low", "high"], ["k"]),
        node("Where", ["m", "k", "b"]),
    ),
    "logic": then(
        node("Greater", ["h", "zero"], ["p"]),
        node("LessOrEqual", ["g", "zero"], ["q"]),
        node("And", ["p", "q"], ["a"]),
        node("Or", ["p", "q"], ["o"]),
        node("Xor", ["a", "o"], ["z"]),
        node("Not", ["z"], ["n"]),
        node("Equal", ["n", "p"], ["e"]),
        node("Cast", ["e"], to=FLOAT),
    ),
    "equal": then(node("Equal", ["h", "g"], ["e"]), node("Cast", ["e"], to=FLOAT)),
    "truth of numbers": then(node("Cast", ["h"], ["e"], to=TensorProto.BOOL), node("Cast", ["e"], to=FLOAT)),
    "products of signs": then(node("Sign", ["h"], ["p"]), node("Sign", ["g"], ["q"]), node("Mul", ["p", "q"])),
    "concat with constants": then(
        node("Shape", ["h"], ["n"], end=1),
        node("Concat", ["n", "one"], ["shape"], axis=0),
        node("Expand", ["c1", "shape"], ["k"]),
        node("Concat", ["h", "k", "g"], axis=1),
    ),
    "reshape by the shape": then(
        node("Shape", ["x"], ["n"], start=0, end=1),
        node("Concat", ["n", "three", "two"], ["shape"], axis=0),
        node("Reshape", ["x", "shape"], ["t"]),
        node("ReduceSum", ["t", "two"], keepdims=0),
    ),
    "rows": [
        node("Reshape", ["x", "rows"], ["t"]),
        node("MatMul", ["t", "K"], ["u"]),
        node("Relu", ["u"], ["v"]),
        node("Flatten", ["v"]),
    ],
    "samples last": [node("Transpose", ["x"], ["t"]), node("Relu", ["t"], ["u"]), node("Transpose", ["u"])],
    "samples in rows": [
        node("Reshape", ["x", "flat"], ["t"]),
        node("Gemm", ["t", "K"], ["u"]),
        node("Sign", ["u"], ["v"]),
        node("Reshape", ["v", "wide"]),
    ],
    "pad": then(node("Pad", ["h", "pads", "high"])),
    "reduced": then(
        node("ReduceMax", ["h", "two1"], ["m"]), node("ReduceMin", ["g", "two1"], ["n"]), node("Add", ["m", "n"])
    ),
    "split": [
        node("Split", ["x"], ["p", "q"], axis=1, num_outputs=2),
        node("Relu", ["p"], ["r"]),
        node("Sub", ["q", "r"]),
    ],
    "pieces": then(node("Slice", ["h", "one", "three", "one"], ["t"]), node("Gather", ["t", "turn"], axis=1)),
    "argmax inside": then(
        node("ArgMax", ["h"], ["k"], axis=1), node("Cast", ["k"], ["f"], to=FLOAT), node("Add", ["f", "g"])
    ),
    "last of the largest": then(
        node("ArgMax", ["h"], ["k"], axis=1, select_last_index=1), node("Cast", ["k"], to=FLOAT)
    ),
    "batch norm": then(node("BatchNormalization", ["h", "s", "b", "b", "var"], ["n"]), node("Sign", ["n"])),
    "dropout": then(node("Dropout", ["h"])),
    "known branch": then(node("If", ["yes"], then_branch=branch("Relu"), else_branch=branch("Neg"))),
    "folded": then(
        node("Mul", ["b", "s"], ["k"]),
        node("Sqrt", ["var"], ["v"]),
        node("Add", ["k", "v"], ["l"]),
        node("Add", ["h", "l"]),
    ),
}

EXTRA: dict[str, Any] = {
    "low": single(-1), "high": single(2), "zero": single(0), "one": np.array([1]), "two": np.array([2]),
    "two1": np.array([1]), "three": np.array([3]), "c1": single([[7]]), "rows": np.array([0, 3, 2]),
    "flat": np.array([-1, 2]), "wide": np.array([-1, 6]), "K": single([[1, -1], [2, 1]]),
    "pads": np.array([0, 1, 0, 2]), "turn": np.array([1, 0]), "var": single([1, 4, 4, 0.25, 9]),
    "yes": np.array(True),
}  # fmt: skip


def graph(name: str) -> ModelProto:
    nodes = GRAPHS[name]
    constants = {**weights(np.random.default_rng(0)), **EXTRA}
    read = {i for n in nodes for i in n.input} | ({"h"} if name == "known branch" else set())
    return model_of(nodes, {k: v for k, v in constants.items() if k in read})


def run(model: ModelProto, X: np.ndarray) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X})[0]


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name: str) -> None:
    """The import against onnxruntime, on values for which floats are exact; the programs against the import."""
    model = graph(name)
    X = np.random.default_rng(1).integers(-3, 4, (200, 6))
    network = as_network(model)
    expected = run(model, single(X)).reshape(len(X), -1)
    found = evaluate(network, X)
    assert np.array_equal(found.astype(float).reshape(expected.shape), expected)
    assert name == "batch norm" or dd.float_safe(network, X).all()
    bits = np.abs(X) % 2
    wanted = evaluate(network, bits)
    for passes in ("", None):
        program = dd.distill(model, "x: bit[6]", passes=passes)
        assert program.verdict
        assert np.array_equal(np.asarray(program(bits)).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("last", ["ArgMax", "ArgMin", "Softmax"])
def test_heads(last: str) -> None:
    kind = FLOAT if last == "Softmax" else TensorProto.INT64
    model = model_of(then(node(last, ["h"], axis=1)), weights(np.random.default_rng(0)), result_kind=kind)
    X = np.random.default_rng(1).integers(-3, 4, (200, 6))
    network = as_network(model)
    assert network.head == ("softmax" if last == "Softmax" else "argmax")
    expected = run(model, single(X))
    if last == "Softmax":
        program = dd.distill(model, "x: int[-3..3][6]")
        np.testing.assert_allclose(np.asarray(program(X)), expected, rtol=1e-6)
    else:
        assert np.array_equal(evaluate(network, X), expected.ravel())


def test_files(tmp_path: Path) -> None:
    """Files by extension and by content, with numbers inside or beside, give the network of the model."""
    model = graph("clip")
    network = as_network(model)
    save_model(model, tmp_path / "net.onnx")
    save_model(model, tmp_path / "large.onnx", save_as_external_data=True, location="large.bin", size_threshold=0)
    (tmp_path / "other.pb").write_bytes((tmp_path / "net.onnx").read_bytes())
    for name in ("net.onnx", "large.onnx", "other.pb"):
        read = dd.load_network(tmp_path / name)
        assert (read.sha256, read.name) == (network.sha256, Path(name).stem)
    assert network.dtype == "float32"
    assert [layer.path for layer in network.layers] == ["Gemm(h)"]


def test_integers_of_a_camera_are_taken_exactly() -> None:
    nodes = [node("Cast", ["x"], ["f"], to=FLOAT), node("Gemm", ["f", "W", "b"])]
    model = model_of(nodes, weights(np.random.default_rng(0)), kind=TensorProto.UINT8)
    X = np.random.default_rng(1).integers(0, 256, (50, 6)).astype(np.uint8)
    assert np.array_equal(evaluate(as_network(model), X), run(model, X))


def test_several_results_follow_one_another() -> None:
    constants = weights(np.random.default_rng(0))
    model = model_of(then(node("Relu", ["h"], ["r"])), constants, results=("r", "g"))
    X = np.random.default_rng(1).integers(0, 2, (20, 6))
    found = evaluate(as_network(model), X)
    assert np.array_equal(found[:, 5:], X @ constants["B"].astype(int))
    program = dd.distill(model, "x: bit[6]", "r: int[5], g: int[5]")
    assert program.verdict


def test_fixed_shapes_are_one_sample() -> None:
    constants = weights(np.random.default_rng(0))
    assert as_network(model_of(then(node("Relu", ["h"])), constants, shape=(1, 6))).shape == (5,)
    whole = as_network(model_of(then(node("Relu", ["h"])), constants, shape=(4, 6)))
    assert (whole.inputs, whole.shape) == (24, (4, 5))
    nodes = [node("Squeeze", ["x"], ["t"]), node("MatMul", ["t", "W"])]
    flat = model_of(nodes, constants, shape=(1, 6), rank=1)
    assert as_network(flat).shape == (5,)
