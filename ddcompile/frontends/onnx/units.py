"""Activations, batch normalisation, heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import TensorProto

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.activations import Activation, clamp
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.onnx.arithmetic import Operands, numbers, scaled
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import ANY, Range
from ddcompile.frontends.onnx.values import Head, Units, Value, exact_of, plain, wide
from ddcompile.frontends.places import at
from ddcompile.frontends.rows import row_maxima
from ddcompile.ir.builder import has_literal
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import Number

__all__ = ["OPERATORS"]

Operator = Callable[[Context, Node, Operands], Any]


def _activation(activation: Activation) -> Operator:
    return lambda context, node, operands: context.activated(node, numbers(node, operands[0]), activation)


def _clip(context: Context, node: Node, operands: Operands) -> Value:
    x = numbers(node, operands[0])
    given = (*operands, None, None)[1:3] if node.version >= 11 else (node.attribute("min"), node.attribute("max"))
    low, high = _bound(node, given[0], -1), _bound(node, given[1], 1)
    if low is not None and high is not None and low > high:
        low = high
    return context.activated(node, x, clamp(low, high))


def _bound(node: Node, value: Any, side: int) -> Number | None:
    """A bound of a clip; there is none if it is infinite, or the last number of a type."""
    if value is None:
        return None
    if isinstance(value, Units | Head) or np.size(value) != 1:
        raise node.fail("N505", "a clip whose bounds are not single constants")
    array = np.asarray(value)
    if array.dtype.kind == "f" and side * array.ravel()[0] >= np.finfo(array.dtype).max:
        return None
    number: Number = exact_of(array, "bound", node.place).ravel()[0]
    if not has_literal(number):
        raise node.fail("N506", f"the bound {number} is no double")
    return number


def _leaky(context: Context, node: Node, operands: Operands) -> Value:
    """`relu(x) - slope * relu(-x)`."""
    x = numbers(node, operands[0])
    return _sloped(context, node, x, node.number("alpha", 0.01))


def _thresholded(context: Context, node: Node, operands: Operands) -> Value:
    """`x` where it is above `alpha`, else 0."""
    x = numbers(node, operands[0])
    above = context.affine(node, x, 1, -node.number("alpha", 1.0), "step", TensorProto.BOOL)
    return context.chosen(node, above, x, np.zeros(()), x.type)


def _shrink(context: Context, node: Node, operands: Operands) -> Value:
    """`x - bias` where it is above `lambd`, `x + bias` where it is below `-lambd`, else 0."""
    x, limit, bias = numbers(node, operands[0]), node.number("lambd", 0.5), node.number("bias", 0.0)
    if limit < 0:
        raise node.fail("N506", "`Shrink` with limits that overlap")
    above, below = (context.affine(node, x, side, -limit, "step", TensorProto.BOOL) for side in (1, -1))
    less, more = (context.affine(node, x, 1, shift) for shift in (-bias, bias))
    return context.chosen(node, above, less, context.chosen(node, below, more, np.zeros(()), x.type), x.type)


def _prelu(context: Context, node: Node, operands: Operands) -> Value:
    x, slope = numbers(node, operands[0]), operands[1]
    if not isinstance(slope, np.ndarray):
        raise node.fail("N505", "`PRelu` whose slopes depend on the inputs")
    return _sloped(context, node, x, exact_of(slope, "slope", node.place))


def _sloped(context: Context, node: Node, x: Units, slope: Any) -> Units:
    above = context.activated(node, x, "relu")
    below = context.affine(node, x, -1, 0, "relu")
    return context.combined(node, above, scaled(context, node, below, slope), -1)


def _hard_sigmoid(context: Context, node: Node, operands: Operands) -> Value:
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    return context.affine(node, numbers(node, operands[0]), alpha, beta, clamp(0, 1))


def _extreme(side: int) -> Operator:
    """The greatest of several tensors, or the least; beside one constant it is a clip, beside several `relu(x-c)+c`."""

    def run(context: Context, node: Node, operands: Operands) -> Value:
        constants = [operand for operand in operands if isinstance(operand, np.ndarray)]
        units = [numbers(node, operand) for operand in operands if not isinstance(operand, np.ndarray)]
        found = reduce(lambda x, y: _of_two(context, node, x, y, side), units)
        return reduce(lambda x, y: _beside(context, node, x, y, side), constants, found)

    return run


def _of_two(context: Context, node: Node, x: Units, y: Units, side: int) -> Units:
    parts = np.broadcast_arrays(*(scaled(context, node, wide(part), side).ids for part in (x, y)))
    both = wide(x).moved(np.stack(parts, axis=-1))
    one = context.sample(node, both.ids)
    rows = row_maxima(context.drafts, one.ids.reshape(-1, 2), node.path).reshape(one.ids.shape[:-1])
    reach = x.range.extreme(y.range, side)
    found = Units(context.every(rows, one.axis), both.type, reach * Range(side, side, True))
    return Units(scaled(context, node, found, side).ids, x.type, reach)


def _beside(context: Context, node: Node, x: Units, y: np.ndarray, side: int) -> Units:
    if y.size == 1:
        limit = _bound(node, y, -side)
        found = context.activated(node, wide(x), clamp(limit, None) if side > 0 else clamp(None, limit))
        shape = np.broadcast_shapes(x.ids.shape, y.shape)
        return Units(np.broadcast_to(found.ids, shape), x.type, found.range)
    exact = exact_of(y, "constant", node.place)
    reach = x.range.extreme(Range.of(exact.ravel().tolist()), side)
    shifted = context.affine(node, wide(x), side, -side * exact, "relu")
    return Units(context.affine(node, shifted, side, exact).ids, x.type, reach)


def _batch_norm(context: Context, node: Node, operands: Operands) -> Value:
    x = numbers(node, operands[0])
    if node.attribute("training_mode", 0):
        hint = "export the model in eval mode"
        raise node.fail("N511", "batch norm over the statistics of the batch", hint)
    if not node.attribute("spatial", 1):
        raise node.fail("N506", "batch norm with statistics for every place (spatial=0)")
    parts = [part for part in operands[1:5] if isinstance(part, np.ndarray)]
    if len(parts) < 4:
        raise node.fail("N505", "batch norm whose parameters depend on the inputs")
    one = context.sample(node, x.ids)
    if one.ids.ndim < 2 or one.axis not in (None, 0):
        raise node.fail("N508", "batch norm of a tensor whose first axis is not the batch")
    features = one.ids.shape[1]
    if any(np.shape(part) != (features,) for part in parts):
        raise node.fail("N507", f"batch norm of {np.size(parts[0])} features is applied to shape {one.ids.shape}")
    names = ("scale", "shift", "mean", "variance")
    scale, shift, mean, variance = (
        np.tile(plain(part, name, node.place), len(one.ids)) for part, name in zip(parts, names, strict=True)
    )
    try:
        norm = Norm(mean, variance, scale, shift, float(node.number("epsilon", 1e-5)))
    except CompileError as error:
        raise at(error, node.place) from None
    ids = context.drafts.normalized(one.ids.ravel(), norm, node.path).reshape(one.ids.shape)
    return context.made(node, ids, one.axis, x.type, ANY)


def _argmax(side: int) -> Operator:
    def run(context: Context, node: Node, operands: Operands) -> Value:
        x = operands[0]
        if isinstance(x, Head) and x.kind == "softmax" and x.shape == x.scores.ids.shape:
            if axis_of(node, len(x.shape), 0) != len(x.shape) - 1 or side < 0:
                raise node.fail("N505", f"`{node.op}` follows softmax over another axis")
            x = x.scores
        x = numbers(node, x)
        axis = axis_of(node, x.ids.ndim, 0)
        shape = [*x.ids.shape[:axis], *([1] if node.attribute("keepdims", 1) else []), *x.ids.shape[axis + 1 :]]
        scores = scaled(context, node, x.moved(np.moveaxis(x.ids, axis, -1)), side)
        if not node.attribute("select_last_index", 0):
            return Head("argmax", scores, tuple(shape), TensorProto.INT64)
        labels = np.arange(scores.ids.shape[-1])[::-1]
        return Head("argmax", scores.moved(scores.ids[..., ::-1]), tuple(shape), TensorProto.INT64, labels)

    return run


def axis_of(node: Node, axes: int, default: int) -> int:
    """The axis that a node says, counted from the first.

    Raises
    ------
    CompileError
        N507 if there is none.
    """
    axis = int(node.attribute("axis", default))
    if not -axes <= axis < axes:
        raise node.fail("N507", f"`{node.op}` over axis {axis} of a tensor of {counted(axes, 'axis', 'axes')}")
    return axis % axes


def _softmax(context: Context, node: Node, operands: Operands) -> Value:
    """Before version 13, all axes from the one given on are one."""
    x = numbers(node, operands[0])
    axis = axis_of(node, x.ids.ndim, -1 if node.version >= 13 else 1)
    if node.version < 13:
        scores = x.ids.reshape(*x.ids.shape[:axis], -1)
    else:
        scores = np.moveaxis(x.ids, axis, -1)
        if any(n > 1 for n in x.ids.shape[axis + 1 :]):
            raise node.fail("N506", f"`{node.op}` over axis {axis}, which is not the last")
    return Head("softmax", x.moved(scores), x.ids.shape, x.type)


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "Abs": _activation("abs"),
        "ArgMax": _argmax(1),
        "ArgMin": _argmax(-1),
        "BatchNormalization": _batch_norm,
        "Clip": _clip,
        "HardSigmoid": _hard_sigmoid,
        "LeakyRelu": _leaky,
        "Max": _extreme(1),
        "Min": _extreme(-1),
        "PRelu": _prelu,
        "Relu": _activation("relu"),
        "Sigmoid": _activation("sigmoid"),
        "Sign": _activation("sign"),
        "Shrink": _shrink,
        "Softmax": _softmax,
        "Tanh": _activation("tanh"),
        "ThresholdedRelu": _thresholded,
    }
)
