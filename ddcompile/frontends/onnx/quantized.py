"""Quantised arithmetic: integers less zero points, and rounding to levels as counts of comparisons.

A level is `zero_point + round(x / scale)`, halves to the even number, limited to the integers of a type. It is taken as
the exact number, and so is the product of scales in `QLinearConv` and `QLinearMatMul`; runtimes round them to single
precision. With L the levels that x can reach, it is the least of them and one for each other level that x comes up to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from ddcompile.frontends import elementwise
from ddcompile.frontends.activations import clamp
from ddcompile.frontends.levels import MOST_COMPARISONS, levels
from ddcompile.frontends.onnx.arithmetic import Operands, numbers, product_with_matrices
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.filters import convolved
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import Range
from ddcompile.frontends.onnx.values import Units, Value, element_of, exact_of, range_of_type, type_name

__all__ = ["OPERATORS"]

_INT32 = TensorProto.INT32


def _constant(node: Node, value: Value | None, what: str) -> np.ndarray | None:
    if value is not None and not isinstance(value, np.ndarray):
        raise node.fail("N505", f"`{node.op}` with a {what} that depends on the inputs")
    return value


def _scale(node: Node, value: Value | None, what: str) -> np.ndarray:
    """Positive exact numbers."""
    array = _constant(node, value, what)
    exact = exact_of(np.zeros(1) if array is None else array, what, node.place)
    if any(number <= 0 for number in exact.ravel().tolist()):
        raise node.fail("N506", f"`{node.op}` with a {what} that is not positive")
    return exact


def _along(node: Node, array: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Numbers of a tensor or of places along an axis, arranged to be broadcast."""
    if array.size == 1:
        return array.reshape(())
    if array.ndim != 1 or not -len(shape) <= axis < len(shape) or array.size != shape[axis]:
        raise node.fail("N507", f"scales or zero points of shape {array.shape} for axis {axis} of a tensor of {shape}")
    return array.reshape(-1, *[1] * (len(shape) - 1 - axis % len(shape)))


def _less_zero(context: Context, node: Node, x: Value | None, zero: Value | None, axis: int) -> Value:
    """`x - zero` in 32 bits."""
    given = _constant(node, zero, "zero point")
    if isinstance(x, np.ndarray):
        point = np.zeros((), dtype=np.int64) if given is None else _along(node, given, x.shape, axis)
        return np.asarray(x.astype(np.int64) - point.astype(np.int64))
    x = numbers(node, x)
    if given is None or not given.any():
        return Units(x.ids, _INT32, x.range)
    point = _along(node, exact_of(given, "zero point", node.place), x.ids.shape, axis)
    return context.affine(node, x, 1, -point, kind=_INT32)


def _matrices(context: Context, node: Node, a: Value, b: Value) -> Units:
    """The product of two tensors of integers, one of which is constant."""
    if isinstance(a, Units) and isinstance(b, np.ndarray):
        return product_with_matrices(context, node, a, b)
    if isinstance(a, np.ndarray) and isinstance(b, Units) and a.ndim > 1 and b.ids.ndim > 1:
        found = product_with_matrices(
            context, node, b.moved(np.swapaxes(b.ids, -1, -2)), np.ascontiguousarray(np.swapaxes(a, -1, -2))
        )
        return found.moved(np.swapaxes(found.ids, -1, -2))
    raise node.fail("N505", f"`{node.op}` of two matrices that depend on the inputs")


def _matmul_integer(context: Context, node: Node, operands: Operands) -> Value:
    a, b, a_zero, b_zero = (*operands, None, None)[:4]
    return _matrices(context, node, _less_zero(context, node, a, a_zero, -2), _less_zero(context, node, b, b_zero, -1))


def _conv_integer(context: Context, node: Node, operands: Operands) -> Value:
    x, w, x_zero, w_zero = (*operands, None, None)[:4]
    return convolved(context, node, (_less_zero(context, node, x, x_zero, 1), _less_zero(context, node, w, w_zero, 0)))


def _levels(
    context: Context, node: Node, x: Units, factor: np.ndarray, step: np.ndarray, zero: np.ndarray, kind: int
) -> Units:
    """`zero + round(factor * x / step)`, limited to the integers of a type; the numbers are broadcast.

    Raises
    ------
    CompileError
        N506 if that takes too many comparisons, N509 if the type is not one of integers.
    """
    if element_of(kind) != "int":
        raise node.fail("N509", f"`{node.op}` to {type_name(kind)}, which are no integers")
    low, high = range_of_type(kind).low, range_of_type(kind).high
    assert low is not None
    assert high is not None
    factor, step, zero = np.broadcast_arrays(factor, step, zero)
    ratios = [Fraction(a) / Fraction(b) for a, b in zip(factor.ravel().tolist(), step.ravel().tolist(), strict=True)]
    least, most = int(low) - int(zero.max()), int(high) - int(zero.min())
    if x.range.low is not None:
        least = max(least, min(round(r * x.range.low) for r in ratios))
    if x.range.high is not None:
        most = min(most, max(round(r * x.range.high) for r in ratios))
    most = max(least, most)
    one = context.sample(node, x.ids)
    if (most - least) * one.ids.size > MOST_COMPARISONS:
        message = f"`{node.op}` of {one.ids.size} values to {most - least + 1} levels is too many comparisons"
        raise node.fail("N506", message, "limit the values by a clip before, or quantise to fewer bits")
    factor, step, zero = (context.shared(node, array, x.ids.shape, one.axis) for array in (factor, step, zero))
    ids = levels(context.drafts, one.ids, (factor, 0, step), (least, most), node.path, is_whole=bool(x.range.is_whole))
    ids = elementwise.affine(context.drafts, ids, 1, zero, node.path, clamp(low, high))
    return context.made(node, ids, one.axis, kind, Range(low, high, True))


def _quantize(context: Context, node: Node, operands: Operands) -> Value:
    x, scale, zero = (*operands, None)[:3]
    _whole_axes(node)
    axis, shape = int(node.attribute("axis", 1)), numbers(node, x).ids.shape
    step = _along(node, _scale(node, scale, "scale"), shape, axis)
    given = _constant(node, zero, "zero point")
    kind = int(node.attribute("output_dtype", 0)) or TensorProto.UINT8
    if given is not None:
        kind = helper.np_dtype_to_tensor_dtype(given.dtype)
        if element_of(kind) != "int":
            raise node.fail("N509", f"`{node.op}` to {type_name(kind)}, which are no integers")
    point = np.zeros((), dtype=np.int64) if given is None else _along(node, given.astype(np.int64), shape, axis)
    return _levels(context, node, numbers(node, x), np.array(1, dtype=object), step, point, kind)


def _whole_axes(node: Node) -> None:
    if node.attribute("block_size", 0):
        raise node.fail("N506", f"`{node.op}` with scales for blocks of values (block_size)")


def _dequantize(context: Context, node: Node, operands: Operands) -> Value:
    """`(x - zero) * scale`."""
    x, scale, zero = (*operands, None)[:3]
    _whole_axes(node)
    x, axis = numbers(node, x), int(node.attribute("axis", 1))
    array, given = _constant(node, scale, "scale"), _constant(node, zero, "zero point")
    step = _along(node, _scale(node, array, "scale"), x.ids.shape, axis)
    point = np.zeros((), dtype=np.int64) if given is None else _along(node, given.astype(np.int64), x.ids.shape, axis)
    assert array is not None
    kind = int(node.attribute("output_dtype", 0)) or helper.np_dtype_to_tensor_dtype(array.dtype)
    return context.affine(node, x, step, -step * point, kind=kind)


def _rescaled(
    context: Context, node: Node, x: Units, scales: Sequence[tuple[np.ndarray, int]], result: Sequence[Value | None]
) -> Units:
    """Sums in units of a product of scales, each along an axis, as levels of another scale with a zero point."""
    factor = np.array(1, dtype=object)
    for scale, axis in scales:
        factor = factor * _along(node, scale, x.ids.shape, axis)
    step, zero = _scale(node, result[0], "scale"), _constant(node, result[1], "zero point")
    if step.size != 1 or zero is None or zero.size != 1:
        raise node.fail("N506", f"`{node.op}` with several scales or zero points of the result")
    kind = helper.np_dtype_to_tensor_dtype(zero.dtype)
    return _levels(context, node, x, factor, step.reshape(()), zero.astype(np.int64).reshape(()), kind)


def _qlinear_matmul(context: Context, node: Node, operands: Operands) -> Value:
    a, a_scale, a_zero, b, b_scale, b_zero, *result = operands
    left, right = _less_zero(context, node, a, a_zero, -2), _less_zero(context, node, b, b_zero, -1)
    scales = [(_scale(node, a_scale, "scale"), -2), (_scale(node, b_scale, "scale"), -1)]
    return _rescaled(context, node, _matrices(context, node, left, right), scales, result)


def _qlinear_conv(context: Context, node: Node, operands: Operands) -> Value:
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias = (*operands, None)[:9]
    left, right = _less_zero(context, node, x, x_zero, 1), _less_zero(context, node, w, w_zero, 0)
    found = convolved(context, node, (left, right, bias))
    scales = [(_scale(node, x_scale, "scale"), 1), (_scale(node, w_scale, "scale"), 1)]
    return _rescaled(context, node, found, scales, (y_scale, y_zero))


OPERATORS: Mapping[str, Callable[[Context, Node, Operands], Any]] = MappingProxyType(
    {
        "ConvInteger": _conv_integer,
        "DequantizeLinear": _dequantize,
        "MatMulInteger": _matmul_integer,
        "QLinearConv": _qlinear_conv,
        "QLinearMatMul": _qlinear_matmul,
        "QuantizeLinear": _quantize,
    }
)
