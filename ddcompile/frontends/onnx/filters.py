"""Windows over grids: convolutions, largest values and averages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.onnx.arithmetic import Operands, numbers, reach_of_sums
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import ANY, Range
from ddcompile.frontends.onnx.values import Units, Value, plain
from ddcompile.frontends.places import at
from ddcompile.frontends.transposed import transposed, turned
from ddcompile.frontends.windows import Window
from ddcompile.ir.findings import counted

__all__ = ["OPERATORS", "convolved"]

Operator = Callable[[Context, Node, Operands], Any]


@dataclass(frozen=True, slots=True)
class _Sides:
    """Windows on one axis: how far they reach beyond each end, and how far the padding that a node says does."""

    before: int
    after: int
    padded: int


def _grid(node: Node, x: Units) -> tuple[int, ...]:
    if x.ids.ndim < 3:
        raise node.fail("N507", f"`{node.op}` of values of shape {x.ids.shape}; it takes (samples, channels, grid)")
    return x.ids.shape[2:]


def _each(node: Node, name: str, axes: int, default: int) -> list[int]:
    """One number an axis."""
    found = list(node.attribute(name) or [default] * axes)
    if len(found) != axes or min(found) < (name != "output_padding"):
        raise node.fail("N507", f"{name} {found} of windows over a grid of {counted(axes, 'axis', 'axes')}")
    return found


def _window(node: Node, grid: tuple[int, ...], kernel: Sequence[int]) -> tuple[Window, list[_Sides]]:
    """The windows of a node, and where they reach beyond the grid.

    Raises
    ------
    CompileError
        N507 if there are none.
    """
    axes = len(grid)
    stride, dilation = _each(node, "strides", axes, 1), _each(node, "dilations", axes, 1)
    pads = list(node.attribute("pads") or [0] * (2 * axes))
    if len(pads) != 2 * axes or len(kernel) != axes:
        over = counted(axes, "axis", "axes")
        raise node.fail("N507", f"windows of {tuple(kernel)} with pads {pads} over a grid of {over}")
    sides = [
        _sides(node, n, k, s, d, pads[axis], pads[axis + axes])
        for axis, (n, k, s, d) in enumerate(zip(grid, kernel, stride, dilation, strict=True))
    ]
    before, after = [side.before for side in sides], [side.after for side in sides]
    try:
        return Window(grid, tuple(kernel), tuple(stride), tuple(before), tuple(after), tuple(dilation)), sides
    except CompileError as error:
        raise node.fail("N507", error.diagnostics[0].message) from None


def _sides(node: Node, extent: int, kernel: int, stride: int, dilation: int, begin: int, end: int) -> _Sides:
    """How far windows reach on one axis.

    Rounded up, there is one window more where the last would otherwise end before the padding does, unless it began
    beyond the grid and its first padding.
    """
    reach = dilation * (kernel - 1) + 1
    auto = node.attribute("auto_pad", "NOTSET")
    if auto == "VALID":
        begin = end = 0
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        total = max(0, (-(-extent // stride) - 1) * stride + reach - extent)
        begin = total // 2 if auto == "SAME_UPPER" else total - total // 2
        end = total - begin
    elif auto != "NOTSET":
        raise node.fail("N506", f"`{node.op}` with auto_pad {auto}")
    if not node.attribute("ceil_mode", 0):
        return _Sides(begin, end, end)
    count = -(-(extent + begin + end - reach) // stride) + 1
    if (count - 1) * stride >= extent + begin:
        count -= 1
    return _Sides(begin, max(0, (count - 1) * stride + reach - extent - begin), end)


def _by_sample(
    context: Context,
    node: Node,
    x: Units,
    reach: Range,
    function: Callable[[np.ndarray], np.ndarray],
    is_padded: bool = False,
) -> Units:
    """A function of the units (channels, *grid) of each sample; its values are of the range given."""
    one = context.sample(node, x.ids, is_padded)
    if one.axis not in (None, 0):
        raise node.fail("N508", f"`{node.op}` of a tensor whose first axis is not the batch")
    try:
        found = np.stack([function(ids) for ids in one.ids])
    except CompileError as error:
        raise at(error, node.place) from None
    return context.made(node, found, one.axis, x.type, reach)


def _operands(node: Node, operands: Operands) -> tuple[Units, np.ndarray, np.ndarray | None]:
    """The values, the kernel and the biases of a convolution."""
    x, weight, bias = (*operands, None)[:3]
    x = numbers(node, x)
    if not isinstance(weight, np.ndarray) or not (bias is None or isinstance(bias, np.ndarray)):
        raise node.fail("N505", f"`{node.op}` with a kernel that depends on the inputs")
    groups = int(node.attribute("group", 1))
    of_group = weight.shape[:1] if node.op == "ConvTranspose" else [n * groups for n in weight.shape[1:2]]
    if groups < 1 or weight.ndim != len(_grid(node, x)) + 2 or of_group[0] != x.ids.shape[1] or len(weight) % groups:
        message = f"a kernel of shape {weight.shape} in {groups} groups is applied to values of shape {x.ids.shape}"
        raise node.fail("N507", message)
    return x, plain(weight, "weight", node.place), None if bias is None else plain(bias, "bias", node.place)


def convolved(context: Context, node: Node, operands: Operands) -> Units:
    """The convolution of values with a kernel, and biases if there are any."""
    x, kernel, bias = _operands(node, operands)
    window, _ = _window(node, _grid(node, x), kernel.shape[2:])
    offsets = np.zeros(len(kernel), dtype=np.int64) if bias is None else bias
    groups = int(node.attribute("group", 1))

    def run(ids: np.ndarray) -> np.ndarray:
        return context.drafts.convolution(ids, kernel, offsets, window, node.path, groups)

    reach = reach_of_sums(x.range.join(Range(0, 0, True)), kernel.reshape(len(kernel), -1)) + _range(offsets)
    return _by_sample(context, node, x, reach, run, is_padded=True)


def _range(biases: np.ndarray) -> Range:
    return Range.of([biases.min(), biases.max()]) if biases.dtype == np.int64 else ANY


def _conv_transpose(context: Context, node: Node, operands: Operands) -> Value:
    x, weight, bias = _operands(node, operands)
    groups = int(node.attribute("group", 1))
    kernel = turned(weight, groups)
    grid, taps = _grid(node, x), kernel.shape[2:]
    axes = len(grid)
    stride, dilation = _each(node, "strides", axes, 1), _each(node, "dilations", axes, 1)
    offsets = np.zeros(len(kernel), dtype=np.int64) if bias is None else bias
    cut = _cut(node, grid, taps, stride, dilation)

    def run(ids: np.ndarray) -> np.ndarray:
        return transposed(context.drafts, ids, kernel, offsets, stride, dilation, cut, node.path, groups)

    return _by_sample(context, node, x, ANY, run, is_padded=True)


def _cut(
    node: Node, grid: Sequence[int], taps: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """How many places of the result are cut off at both ends of each axis; what is missing follows the last."""
    axes = len(grid)
    extra, auto = _each(node, "output_padding", axes, 0), node.attribute("auto_pad", "NOTSET")
    wanted = node.attribute("output_shape")
    if auto in ("SAME_UPPER", "SAME_LOWER") and not wanted:
        wanted = [n * s for n, s in zip(grid, stride, strict=True)]
    if not wanted:
        pads = list(node.attribute("pads") or [0] * (2 * axes)) if auto == "NOTSET" else [0] * (2 * axes)
        return [(pads[k], pads[k + axes] - extra[k]) for k in range(axes)]
    found = []
    for axis, (n, k, s, d) in enumerate(zip(grid, taps, stride, dilation, strict=True)):
        total = s * (n - 1) + extra[axis] + d * (k - 1) + 1 - wanted[len(wanted) - axes + axis]
        both = max(0, total)
        first = both // 2 if auto == "SAME_UPPER" else both - both // 2
        found.append((first, total - first - extra[axis]))
    return found


def _kernel(node: Node, grid: tuple[int, ...]) -> tuple[int, ...]:
    return grid if node.op.startswith("Global") else tuple(_each(node, "kernel_shape", len(grid), 1))


def _max_pool(context: Context, node: Node, operands: Operands) -> Any:
    x = numbers(node, operands[0])
    grid = _grid(node, x)
    window, _ = _window(node, grid, _kernel(node, grid))
    return _by_sample(context, node, x, x.range, lambda ids: context.drafts.maximum(ids, window, node.path)), None


def _average_pool(context: Context, node: Node, operands: Operands) -> Value:
    x = numbers(node, operands[0])
    grid = _grid(node, x)
    window, sides = _window(node, grid, _kernel(node, grid))
    counts = _counts(window, sides) if node.attribute("count_include_pad", 0) else None
    return _by_sample(context, node, x, ANY, lambda ids: context.drafts.average(ids, window, node.path, counts))


def _counts(window: Window, sides: Sequence[_Sides]) -> np.ndarray:
    """How many places each window sees, those of the padding included."""
    found = np.ones(1, dtype=np.int64)
    for axis, side in enumerate(sides):
        places = window.along(axis)[0]
        seen = (places >= -side.before) & (places < window.grid[axis] + side.padded)
        found = np.multiply.outer(found, seen.sum(axis=1)).ravel()
    return found


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "AveragePool": _average_pool,
        "Conv": convolved,
        "ConvTranspose": _conv_transpose,
        "GlobalAveragePool": _average_pool,
        "GlobalMaxPool": _max_pool,
        "MaxPool": _max_pool,
    }
)
