"""Sums, means, largest and smallest values over axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.frontends.onnx.arithmetic import Operands, linear, numbers, scaled
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.units import larger
from ddcompile.frontends.onnx.values import Units, Value
from ddcompile.ir.builder import has_literal

__all__ = ["OPERATORS", "axes_of", "mean_over", "sum_over"]

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
        raise node.fail("N507", f"`{node.op}` over axes {said} of a tensor of {axes} axes")
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


def sum_over(context: Context, node: Node, rows: Units) -> Units:
    """The sum of every row."""
    found = linear(context, node, rows, np.ones((rows.ids.shape[-1], 1), dtype=np.int64))
    return found.moved(found.ids[..., 0])


def mean_over(context: Context, node: Node, rows: Units) -> Units:
    """The mean of every row.

    Raises
    ------
    CompileError
        N506 if there are not as many values as a power of two.
    """
    factor = Fraction(1, rows.ids.shape[-1])
    if not has_literal(factor):
        raise node.fail("N506", f"a mean of {rows.ids.shape[-1]} values is not exact", "use a sum")
    return scaled(context, node, sum_over(context, node, rows), factor)


def _extreme_over(side: int) -> Callable[[Context, Node, Units], Units]:
    """Pairs of values, then pairs of the larger of them, and so on."""

    def run(context: Context, node: Node, rows: Units) -> Units:
        while rows.ids.shape[-1] > 1:
            half = rows.ids.shape[-1] // 2
            first, second = rows.moved(rows.ids[..., :half]), rows.moved(rows.ids[..., half : 2 * half])
            found = larger(context, node, first, second, side)
            rest = rows.ids[..., 2 * half :]
            rows = replace(found, ids=np.concatenate([found.ids, rest], axis=-1), range=found.range.join(rows.range))
        return rows.moved(rows.ids[..., 0])

    return run


def _sizes(context: Context, node: Node, rows: Units) -> Units:
    return sum_over(context, node, context.activated(node, rows, "abs"))


OPERATORS: Mapping[str, Any] = MappingProxyType(
    {
        "ReduceL1": _reduced(_sizes),
        "ReduceMax": _reduced(_extreme_over(1)),
        "ReduceMean": _reduced(mean_over),
        "ReduceMin": _reduced(_extreme_over(-1)),
        "ReduceSum": _reduced(sum_over),
    }
)
