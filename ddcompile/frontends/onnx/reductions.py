"""Sums, means, largest and smallest values over axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.frontends.onnx.arithmetic import Operands, numbers, scaled
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import Range
from ddcompile.frontends.onnx.values import Units, Value, wide
from ddcompile.frontends.rows import row_maxima, row_sums
from ddcompile.ir.findings import counted

__all__ = ["OPERATORS", "extreme", "over", "sums"]

Operator = Callable[[Context, Node, Operands], Value]


def axes_of(node: Node, x: Units, given: Value | None) -> list[int]:
    """The axes that are reduced, in order; all of them if none is said.

    Raises
    ------
    CompileError
        N505, N507 if they are no constants, or no axes of the tensor.
    """
    if given is not None and not isinstance(given, np.ndarray):
        raise node.fail("N505", f"`{node.op}` over axes that depend on the inputs")
    said = node.attribute("axes") if given is None else given.ravel().tolist()
    axes = x.ids.ndim
    if not said:
        return [] if node.attribute("noop_with_empty_axes", 0) else list(range(axes))
    if any(not -axes <= axis < axes for axis in said):
        raise node.fail("N507", f"`{node.op}` over axes {said} of a tensor of {counted(axes, 'axis', 'axes')}")
    return sorted({axis % axes for axis in said})


def _reduced(function: Callable[[Context, Node, Units], Units]) -> Operator:
    """A function of rows, which are the axes that are reduced put together."""

    def run(context: Context, node: Node, operands: Operands) -> Value:
        x, given = (*operands, None)[:2]
        x = x if isinstance(x, Units) and node.op in ("ReduceMax", "ReduceMin") else numbers(node, x)
        axes = axes_of(node, x, given)
        return over(context, node, x, axes, bool(node.attribute("keepdims", 1)), function)

    return run


def over(
    context: Context,
    node: Node,
    x: Units,
    axes: list[int],
    keepdims: bool,
    function: Callable[[Context, Node, Units], Units],
) -> Units:
    """A function of rows along axes of a tensor."""
    if not axes:
        return function(context, node, x.moved(x.ids[..., None]))
    count = x.ids.ndim - len(axes)
    rows = np.moveaxis(x.ids, axes, range(count, x.ids.ndim))
    rows = rows.reshape(*rows.shape[:count], -1)
    found = function(context, node, x.moved(rows))
    return found.moved(np.expand_dims(found.ids, axes)) if keepdims else found


def _by_rows(
    context: Context, node: Node, x: Units, reach: Range, function: Callable[[np.ndarray], np.ndarray]
) -> Units:
    """A function of the units (rows, places) of a sample."""
    one = context.sample(node, x.ids)
    if one.axis == one.ids.ndim - 1:
        raise node.fail("N508", f"`{node.op}` over the samples of the batch")
    found = function(one.ids.reshape(-1, one.ids.shape[-1])).reshape(one.ids.shape[:-1])
    return context.made(node, found, one.axis, x.type, reach)


def sums(context: Context, node: Node, rows: Units) -> Units:
    """The sum of each row."""
    count = rows.ids.shape[-1]
    reach = rows.range * Range(count, count, True)
    return _by_rows(context, node, rows, reach, lambda ids: row_sums(context.drafts, ids, node.path))


def _mean(context: Context, node: Node, rows: Units) -> Units:
    if rows.element == "int":
        raise node.fail("N509", "a mean of integers, which drops the rest", "cast to a float type first")
    return context.divided(node, sums(context, node, rows), Fraction(rows.ids.shape[-1]))


def extreme(side: int) -> Callable[[Context, Node, Units], Units]:
    """The greatest value of each row, or the least if `side` is -1.

    The least value is the negative of the greatest of the negatives.
    """

    def run(context: Context, node: Node, rows: Units) -> Units:
        turned = scaled(context, node, wide(rows), side)
        found = _by_rows(context, node, turned, turned.range, lambda ids: row_maxima(context.drafts, ids, node.path))
        return replace(scaled(context, node, found, side), type=rows.type, range=rows.range)

    return run


def _sizes(context: Context, node: Node, rows: Units) -> Units:
    return sums(context, node, context.activated(node, rows, "abs"))


OPERATORS: Mapping[str, Any] = MappingProxyType(
    {
        "ReduceL1": _reduced(_sizes),
        "ReduceMax": _reduced(extreme(1)),
        "ReduceMean": _reduced(_mean),
        "ReduceMin": _reduced(extreme(-1)),
        "ReduceSum": _reduced(sums),
    }
)
