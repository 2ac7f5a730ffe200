"""Quantised ONNX models: integers are those of onnxruntime, ties and limits included."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate


def made(nodes: list[Any], shape: tuple[int, ...], kind: int, out: int, **constants: np.ndarray) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "quantised",
        [helper.make_tensor_value_info("x", kind, ["N", *shape])],
        [helper.make_tensor_value_info("y", out, ["N", *"abc"[: len(shape)]])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(model: ModelProto, X: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": X})[0])


def array(values: Any, kind: Any) -> np.ndarray:
    return np.array(values, dtype=kind)


def test_levels_of_reals() -> None:
    """Halves go to the even level, on both sides of 0; beyond the limits there is the limit."""
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    model = made([node], (6,), TensorProto.FLOAT, TensorProto.INT8, s=array(0.25, "float32"), z=array(3, "int8"))
    X = np.arange(-50, 50, 0.125).astype(np.float32)
    X = np.concatenate([X, np.nextafter(X, np.float32(99)), np.nextafter(X, np.float32(-99))]).reshape(-1, 6)
    assert np.array_equal(evaluate(as_network(model), X.astype(np.float64)), run(model, X))


def test_levels_along_an_axis() -> None:
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], axis=1)
    scale, zero = array([0.5, 1, 4], "float32"), array([0, 7, 200], "uint8")
    model = made([node], (3,), TensorProto.FLOAT, TensorProto.UINT8, s=scale, z=zero)
    X = np.random.default_rng(0).integers(-2000, 2000, (500, 3)).astype(np.float32) / 4
    assert np.array_equal(evaluate(as_network(model), X.astype(np.float64)), run(model, X))


@pytest.mark.parametrize("scale", [0.5, 0.0078125])
def test_convolution(scale: float) -> None:
    """With scales for channels that are powers of two, floats round nothing."""
    rng = np.random.default_rng(0)
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"]
    model = made(
        [helper.make_node("QLinearConv", names, ["y"], pads=[1, 1, 1, 1])],
        (2, 4, 4),
        TensorProto.UINT8,
        TensorProto.UINT8,
        xs=array(scale, "float32"),
        xz=array(3, "uint8"),
        w=rng.integers(-8, 8, (3, 2, 3, 3)).astype("int8"),
        ws=array([1, 0.25, 0.0625], "float32"),
        wz=array([0, 0, 0], "int8"),
        ys=array(8, "float32"),
        yz=array(100, "uint8"),
        b=rng.integers(-99, 99, 3).astype("int32"),
    )
    X = rng.integers(0, 256, (60, 2, 4, 4)).astype(np.uint8)
    found = evaluate(as_network(model), X.reshape(60, -1).astype(np.int64))
    assert np.array_equal(found.reshape(60, 3, 4, 4), run(model, X))


def test_matrices_and_scales_of_any_kind() -> None:
    """0.1 is taken as the float that it is; no sum here is near enough to a half for runtimes to differ."""
    rng = np.random.default_rng(1)
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    model = made(
        [helper.make_node("QLinearMatMul", names, ["y"])],
        (5,),
        TensorProto.UINT8,
        TensorProto.UINT8,
        xs=array(0.1, "float32"),
        xz=array(3, "uint8"),
        w=rng.integers(-8, 8, (5, 3)).astype("int8"),
        ws=array(0.3, "float32"),
        wz=array(1, "int8"),
        ys=array(0.77, "float32"),
        yz=array(90, "uint8"),
    )
    X = rng.integers(0, 256, (400, 5)).astype(np.uint8)
    assert np.array_equal(evaluate(as_network(model), X.astype(np.int64)), run(model, X))


def integers() -> ModelProto:
    """Two layers of integers with zero points, then signs."""
    rng = np.random.default_rng(2)
    return made(
        [
            helper.make_node("MatMulInteger", ["x", "w", "xz", "wz"], ["a"]),
            helper.make_node("Clip", ["a", "low", "high"], ["b"]),
            helper.make_node("Cast", ["b"], ["c"], to=TensorProto.INT8),
            helper.make_node("MatMulInteger", ["c", "v"], ["d"]),
            helper.make_node("Cast", ["d"], ["e"], to=TensorProto.FLOAT),
            helper.make_node("Sign", ["e"], ["y"]),
        ],
        (6,),
        TensorProto.UINT8,
        TensorProto.FLOAT,
        w=rng.integers(0, 9, (6, 4)).astype("uint8"),
        xz=array(1, "uint8"),
        wz=array([4, 4, 5, 3], "uint8"),
        low=array(-4, "int32"),
        high=array(4, "int32"),
        v=rng.integers(-3, 4, (4, 2)).astype("int8"),
    )


def test_integers_are_exact() -> None:
    X = np.random.default_rng(0).integers(0, 256, (500, 6)).astype(np.uint8)
    assert np.array_equal(evaluate(as_network(integers()), X.astype(np.int64)), run(integers(), X))


def test_a_quantised_network_is_distilled_and_proved() -> None:
    program = dd.distill(integers(), "x: bit[6]", name="integers")
    X = (np.arange(64)[:, None] >> np.arange(6) & 1).astype(np.uint8)
    assert program.known == "proved"
    assert np.array_equal(program(X), run(integers(), X))


def levels_between(kind: str) -> ModelProto:
    """Real layers between levels, as tools for quantisation write them; weights are integers with a scale."""
    rng = np.random.default_rng(3)
    scale = {f"s{k}": array(v, "float32") for k, v in enumerate((0.5, 0.125, 2))}
    zero = {f"z{k}": np.zeros((), dtype=kind) for k in range(2)}
    return made(
        [
            helper.make_node("QuantizeLinear", ["x", "s0", "z0"], ["a"]),
            helper.make_node("DequantizeLinear", ["a", "s0", "z0"], ["b"]),
            helper.make_node("DequantizeLinear", ["w", "s1"], ["v"]),
            helper.make_node("MatMul", ["b", "v"], ["c"]),
            helper.make_node("Relu", ["c"], ["d"]),
            helper.make_node("QuantizeLinear", ["d", "s2", "z1"], ["e"]),
            helper.make_node("DequantizeLinear", ["e", "s2", "z1"], ["y"]),
        ],
        (4,),
        TensorProto.FLOAT,
        TensorProto.FLOAT,
        w=rng.integers(-90, 90, (4, 3)).astype("int8"),
        **scale,
        **zero,
    )


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_levels_between_layers(kind: str) -> None:
    model = levels_between(kind)
    X = np.random.default_rng(0).integers(-300, 300, (200, 4)).astype(np.float32) / 8
    assert np.array_equal(evaluate(as_network(model), X.astype(np.float64)), run(model, X))


def refused(model: ModelProto) -> CompileError:
    with pytest.raises(CompileError) as error:
        as_network(model)
    return error.value


def test_too_many_comparisons_are_refused() -> None:
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    constants = {"s": array(0.25, "float32"), "z": array(3, "int8")}
    model = made([node], (3, 64, 64), TensorProto.FLOAT, TensorProto.INT8, **constants)
    text = str(refused(model))
    assert "N506" in text
    assert "12288 values to 256 levels" in text
    assert "fewer bits" in text


def test_scales_that_depend_on_the_inputs_are_refused() -> None:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["a", "s", "z"]),
        helper.make_node("DequantizeLinear", ["a", "s", "z"], ["y"]),
    ]
    text = str(refused(made(nodes, (3,), TensorProto.FLOAT, TensorProto.FLOAT)))
    assert "N505" in text
    assert "static" in text


@pytest.mark.parametrize("limits", [(100, 200), (-300, -200)])
def test_levels_of_what_is_beyond_the_limits(limits: tuple[int, int]) -> None:
    """All values are the same level, which other levels are then made of."""
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["a"]),
        helper.make_node("QuantizeLinear", ["a", "s0", "z"], ["b"]),
        helper.make_node("DequantizeLinear", ["b", "s0", "z"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "s1", "z"], ["y"]),
    ]
    numbers = {"s0": 0.5, "s1": 2, "low": limits[0], "high": limits[1]}
    constants = {name: array(number, "float32") for name, number in numbers.items()}
    model = made(nodes, (4,), TensorProto.FLOAT, TensorProto.INT8, z=array(-3, "int8"), **constants)
    X = np.arange(-400, 400, dtype=np.float32).reshape(-1, 4)
    assert np.array_equal(evaluate(as_network(model), X.astype(np.float64)), run(model, X))
