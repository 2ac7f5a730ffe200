"""Which value is the largest, as a number, as the value itself, or as truth values one a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from ddcompile.frontends.onnx.arithmetic import Operands, numbers, scaled
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.heads import settled
from ddcompile.frontends.onnx.logic import equal
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.reductions import extreme, over
from ddcompile.frontends.onnx.units import axis_of
from ddcompile.frontends.onnx.values import Head, Units, Value, exact_of, wide
from ddcompile.frontends.windows import LARGEST

__all__ = ["OPERATORS"]


def _topk(context: Context, node: Node, operands: Operands) -> tuple[Value, Value]:
    """The largest or the smallest value of rows and its number, the first of equal ones."""
    x, given = (*operands, None)[:2]
    if given is not None and not isinstance(given, np.ndarray):
        raise node.fail("N505", "`TopK` of a number of values that depends on the inputs")
    count = int(node.attribute("k", 1) if given is None else given.ravel()[0])
    if count != 1:
        hint = "the first alone is imported, as with ArgMax and ReduceMax"
        raise node.fail("N506", f"`TopK` of the {count} largest values", hint)
    x = numbers(node, x)
    axis, side = axis_of(node, x.ids.ndim, -1), 1 if node.attribute("largest", 1) else -1
    shape = tuple(1 if k == axis else n for k, n in enumerate(x.ids.shape))
    scores = scaled(context, node, x.moved(np.moveaxis(x.ids, axis, -1)), side)
    return over(context, node, x, [axis], True, extreme(side)), Head("argmax", scores, shape, TensorProto.INT64)


def _hardmax(context: Context, node: Node, operands: Operands) -> Value:
    """1 at the largest value of rows, the first of equal ones; before version 13, all axes from the one given on."""
    x = numbers(node, operands[0])
    axis = axis_of(node, x.ids.ndim, -1 if node.version >= 13 else 1)
    batch = context.sample(node, x.ids).axis
    if batch is not None and (batch == axis or (node.version < 13 and batch > axis)):
        raise node.fail("N508", "`Hardmax` over the samples of the batch")
    rows = np.moveaxis(x.ids, axis, -1) if node.version >= 13 else x.ids.reshape(*x.ids.shape[:axis], -1)
    number = settled(context, node, Head("argmax", x.moved(rows), rows.shape[:-1], TensorProto.INT64))
    bits = equal(context, node, number.moved(number.ids[..., None]), np.arange(rows.shape[-1]))
    found = np.moveaxis(bits.ids, -1, axis) if node.version >= 13 else bits.ids.reshape(x.ids.shape)
    return Units(found, x.type, bits.range)


def _onehot(context: Context, node: Node, operands: Operands) -> Value:
    """One value at the place that a number says, counted from the end if it is negative; another elsewhere."""
    x, depth, values = operands
    if not isinstance(depth, np.ndarray) or not isinstance(values, np.ndarray):
        raise node.fail("N505", "`OneHot` whose depth or values depend on the inputs")
    if values.size != 2 or depth.size != 1:
        raise node.fail("N507", f"`OneHot` of {depth.size} depths and {values.size} values; it takes one, and two")
    number = settled(context, node, x) if isinstance(x, Head) else numbers(node, x)
    axis = int(node.attribute("axis", -1))
    if not -number.ids.ndim <= axis + 1 <= number.ids.ndim + 1 or int(depth.ravel()[0]) < 1:
        text = f"`OneHot` of {int(depth.ravel()[0])} places at axis {axis} of a tensor of {number.ids.ndim + 1} axes"
        raise node.fail("N507", text)
    if number.element != "int" and not number.range.is_whole:
        raise node.fail("N509", "`OneHot` at places that may be no whole numbers", "make them integers first")
    number, count = wide(number), int(depth.ravel()[0])
    if number.ids.size * count > LARGEST:
        raise node.fail("N507", f"`OneHot` makes a tensor of {number.ids.size * count} elements, more than {LARGEST}")
    spread = number.moved(number.ids[..., None])
    bits = equal(context, node, spread, np.arange(count))
    if number.range.low is None or number.range.low < 0:
        last = equal(context, node, spread, np.arange(-count, 0))
        bits = Units(context.combined(node, wide(bits), wide(last), 1).ids, bits.type, bits.range)
    off, on = exact_of(values, "value", node.place).ravel().tolist()
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    found = context.affine(node, bits, on - off, off, kind=kind)
    return found.moved(np.moveaxis(found.ids, -1, axis))


OPERATORS: Mapping[str, Callable[[Context, Node, Operands], Any]] = MappingProxyType(
    {"Hardmax": _hardmax, "OneHot": _onehot, "TopK": _topk}
)
