"""ONNX models over grids: what the network imported from a model gives is what onnxruntime gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import ddcompile as dd
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.weights import Convolution, Maximum

FLOAT = TensorProto.FLOAT


def node(op: str, *inputs: str, to: str = "y", **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), [to], f"/{op}.{to}", **attributes)


CONSTANTS: dict[str, tuple[int, ...]] = {
    "K": (4, 2, 3, 3), "b": (4,), "L": (4, 4, 2, 2), "D": (4, 1, 3, 3), "s": (4,), "m": (4,), "F": (4, 3),
    "K1": (2, 12, 3), "T": (2, 3, 1, 1), "W": (120, 3),
}  # fmt: skip

GRAPHS: dict[str, list[Any]] = {
    "padded": [node("Conv", "x", "K", "b", pads=[1, 1, 1, 1])],
    "strided": [node("Conv", "x", "K", "b", strides=[2, 1], auto_pad="SAME_UPPER")],
    "dilated": [node("Conv", "x", "K", "b", dilations=[1, 2], pads=[0, 1, 2, 0])],
    "grouped": [node("Conv", "x", "K", to="h"), node("Relu", "h", to="r"), node("Conv", "r", "D", "b", group=4)],
    "normalised": [
        node("Conv", "x", "K", "b", to="h"),
        node("BatchNormalization", "h", "s", "b", "m", "var", to="n", epsilon=0.0),
        node("Sign", "n"),
    ],
    "residual": [
        node("Conv", "x", "K", "b", to="h", pads=[1, 1, 1, 1]),
        node("Relu", "h", to="r"),
        node("Conv", "r", "L", to="g", pads=[1, 1, 0, 0]),
        node("Add", "g", "h", to="t"),
        node("Mul", "t", "c"),
    ],
    "pooled": [
        node("Conv", "x", "K", "b", to="h", pads=[1, 1, 1, 1]),
        node("MaxPool", "h", to="p", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalMaxPool", "p", to="g"),
        node("Flatten", "g", to="f"),
        node("Gemm", "f", "F"),
    ],
    "averaged": [
        node("AveragePool", "x", to="a", kernel_shape=[2, 2], strides=[1, 2], pads=[0, 1, 0, 1], count_include_pad=1),
        node("Conv", "a", "K", "b"),
    ],
    "upwards": [node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
    "padding written out": [node("Pad", "x", "pads", to="p"), node("Conv", "p", "K", "b")],
    "padding of another number": [node("Pad", "x", "pads", "two", to="p"), node("Conv", "p", "K", "b")],
    "going round": [
        node("Pad", "x", "pads", to="p", mode="wrap"),
        node("Conv", "p", "K", "b"),
    ],
    "a line": [node("Reshape", "x", "line", to="l"), node("Conv", "l", "K1")],
    "wider than its windows": [
        node("ConvTranspose", "x", "T", strides=[3, 2], output_shape=[18, 10], auto_pad="SAME_UPPER"),
    ],
    "wider than its windows, before": [
        node("ConvTranspose", "x", "T", strides=[3, 2], output_shape=[18, 10], auto_pad="SAME_LOWER"),
    ],
    "twice the same": [node("Flatten", "x", to="f"), node("Concat", "f", "f", to="t", axis=1), node("Gemm", "t", "W")],
    "limits that are none": [
        node("Max", "x", "least", to="a"),
        node("Min", "infinite", "a", to="i"),
        node("Max", "i", "most", to="h"),
        node("Min", "h", "x"),
    ],
    "channels last": [
        node("Transpose", "x", to="t", perm=[0, 2, 3, 1]),
        node("Relu", "t", to="r"),
        node("Transpose", "r", to="c1", perm=[0, 3, 1, 2]),
        node("Conv", "c1", "K", "b"),
    ],
}

RANKS = {"a line": 3, "pooled": 2, "twice the same": 2}


def graph(name: str, samples: int | str = "N", seed: int = 0) -> ModelProto:
    rng = np.random.default_rng(seed)
    constants: dict[str, Any] = {key: rng.integers(-2, 3, shape).astype(np.float32) for key, shape in CONSTANTS.items()}
    constants |= {"var": np.float32([1, 4, 0.25, 16]), "c": np.float32([[[2]], [[1]], [[0]], [[-1]]])}
    constants |= {"least": np.float32(-np.inf), "infinite": np.float32([np.inf]), "most": np.finfo(np.float32).max}
    constants |= {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "two": np.float32(2), "line": np.array([0, 12, 5])}
    nodes = GRAPHS[name]
    read = {i for n in nodes for i in n.input}
    made = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", FLOAT, [samples, 2, 6, 5])],
        [helper.make_tensor_value_info("y", FLOAT, [None] * RANKS.get(name, 4))],
        [numpy_helper.from_array(array, key) for key, array in constants.items() if key in read],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(model: ModelProto, X: np.ndarray) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X.astype(np.float32)})[0]


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name: str) -> None:
    model = graph(name)
    X = np.random.default_rng(1).integers(-3, 4, (50, 2, 6, 5))
    network = as_network(model)
    expected = run(model, X)
    found = evaluate(network, X.reshape(len(X), -1)).astype(float).reshape(expected.shape)
    assert np.array_equal(found, expected)
    assert network.shape == expected.shape[1:]
    if name in ("normalised", "averaged", "limits that are none"):
        return
    assert dd.float_safe(network, X).all()
    bits = np.abs(X) % 2
    wanted = evaluate(network, bits.reshape(len(X), -1)).reshape(expected.shape)
    for passes in ("", None) if name in ("padded", "pooled", "upwards") else ("",):
        program = dd.distill(model, "x: bit[2, 6, 5]", passes=passes)
        assert program.verdict
        assert np.array_equal(np.asarray(program(bits)).reshape(expected.shape), wanted)


@pytest.mark.parametrize("name", ["padded", "residual", "pooled"])
def test_samples_in_the_model(name: str) -> None:
    """A model of three samples is one of all of them together."""
    X = np.random.default_rng(1).integers(-3, 4, (1, 3, 2, 6, 5))
    model = graph(name, 3)
    found = evaluate(as_network(model), X.reshape(1, -1)).astype(float)
    assert np.array_equal(found.ravel(), run(model, X[0]).ravel())


def test_padding_of_a_fixed_shape_is_zero() -> None:
    """Whether or not layers come before it."""
    pads = numpy_helper.from_array(np.array([0, 2, 1, 0]), "pads")
    X = np.random.default_rng(1).integers(-3, 4, (20, 2, 3)).astype(np.float32)
    operators: tuple[tuple[str, ...], ...] = ((), ("Relu", "Neg", "Abs"))
    for ops in operators:
        names = ["x", *(op.lower() for op in ops)]
        nodes = [node(op, given, to=to) for op, given, to in zip(ops, names[:-1], names[1:], strict=True)]
        made = helper.make_graph(
            [*nodes, node("Pad", names[-1], "pads")],
            "graph",
            [helper.make_tensor_value_info("x", FLOAT, [2, 3])],
            [helper.make_tensor_value_info("y", FLOAT, [3, 5])],
            [pads],
        )
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        found = evaluate(as_network(model), X.reshape(20, -1)).astype(float)
        assert np.array_equal(found, np.array([run(model, x).ravel() for x in X]))


def test_convolutions_stay_windows() -> None:
    kinds = [type(layer.weight) for layer in as_network(graph("pooled")).layers]
    assert kinds[:3] == [Convolution, Maximum, Maximum]
    for name in ("padding written out", "going round"):
        (layer,) = as_network(graph(name)).layers
        assert isinstance(layer.weight, Convolution)
        assert layer.weight.window.is_circular == (name == "going round")
