"""Pooling, and the greatest and the least of values: operations that become layers of windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import clamp
from ddcompile.frontends.places import at
from ddcompile.frontends.torch.arithmetic import affine, exact, pair
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.convolutions import each_axis, window_of
from ddcompile.frontends.torch.values import Units, Untold
from ddcompile.frontends.windows import Window
from ddcompile.ir.builder import has_literal
from ddcompile.ir.nodes import Number

__all__ = ["OPERATIONS"]


def _pool_window(
    context: Context,
    place: str,
    x: Any,
    what: str,
    axes: int,
    size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> tuple[np.ndarray, Window]:
    ids = context.numbers(x, what, place)
    if ids.ndim != axes + 1:
        message = f"`{what}` over values of shape {tuple(ids.shape)} a sample"
        raise fail("N410", message, place=place, hint="values of a sample have a channel axis and those of the grid")
    kernel, widths, before = each_axis(size, axes), each_axis(dilation, axes), each_axis(padding, axes)
    steps = kernel if stride is None or stride == [] else each_axis(stride, axes)
    after = list(before)
    for axis, extent in enumerate(ids.shape[1:] if ceil_mode else ()):
        reach = widths[axis] * (kernel[axis] - 1) + 1
        last = -(-(extent + 2 * before[axis] - reach) // steps[axis])
        if last * steps[axis] >= extent + before[axis]:
            last -= 1
        after[axis] = max(before[axis], last * steps[axis] + reach - extent - before[axis])
    return ids, window_of(place, ids.shape[1:], kernel, steps, before, after, widths)


def _max_pool(axes: int) -> Callable[..., Any]:
    def run(
        context: Context,
        place: str,
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Units:
        if return_indices:
            raise fail("N409", "max pooling that gives positions", place=place, hint="return_indices=False")
        what = f"max_pool{axes}d"
        ids, window = _pool_window(context, place, x, what, axes, kernel_size, stride, padding, dilation, ceil_mode)
        return _maximum(context, place, ids, window)

    return run


def _maximum(context: Context, place: str, ids: np.ndarray, window: Window) -> Units:
    try:
        return context.units(context.drafts.maximum(ids, window, place))
    except CompileError as error:
        raise at(error, place) from None


def _average_pool(axes: int) -> Callable[..., Any]:
    def run(
        context: Context,
        place: str,
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Units:
        what = f"avg_pool{axes}d"
        ids, window = _pool_window(context, place, x, what, axes, kernel_size, stride, padding, 1, ceil_mode)
        counts: np.ndarray | None = None
        if divisor_override is not None:
            counts = np.full(window.positions, divisor_override)
        elif count_include_pad:
            counts = np.ones(1, dtype=np.int64)
            for axis, extent in enumerate(window.grid):
                places, _ = window.along(axis)
                counts = np.multiply.outer(counts, (places < extent + window.before[axis]).sum(axis=1)).ravel()
        elif (window.counts() == 0).any():
            raise fail("N410", "an average over no values: a window lies in the padding", place=place)
        return context.units(context.drafts.average(ids, window, place, counts))

    return run


def _adaptive(axes: int, is_maximum: bool) -> Callable[..., Any]:
    def run(context: Context, place: str, x: Any, output_size: Any, return_indices: bool = False) -> Units:
        what = f"adaptive_{'max' if is_maximum else 'avg'}_pool{axes}d"
        ids = context.numbers(x, what, place)
        if ids.ndim != axes + 1 or return_indices:
            raise fail("N410", f"`{what}` over values of shape {tuple(ids.shape)} a sample", place=place)
        sizes = (output_size,) * axes if isinstance(output_size, int) or output_size is None else tuple(output_size)
        kernel, stride = [], []
        for extent, size in zip(ids.shape[1:], sizes, strict=True):
            count = extent if size is None else int(size)
            starts = [k * extent // count for k in range(count)]
            lengths = {-(-(k + 1) * extent // count) - start for k, start in enumerate(starts)}
            steps = {b - a for a, b in pairwise(starts)} or {1}
            if len(lengths) > 1 or len(steps) > 1:
                hint = "choose an output size that divides the input, or pool with a fixed kernel"
                raise fail("N409", f"`{what}` of {extent} to {count}: windows of several sizes", place=place, hint=hint)
            kernel.append(lengths.pop())
            stride.append(steps.pop())
        none = (0,) * axes
        window = window_of(place, ids.shape[1:], kernel, stride, none, none, (1,) * axes)
        if is_maximum:
            return _maximum(context, place, ids, window)
        return context.units(context.drafts.average(ids, window, place))

    return run


def _amax(context: Context, place: str, x: Any, dim: Any = (), keepdim: bool = False) -> Units:
    """`torch.amax(x, dim)` over axes other than the batch."""
    ids = context.numbers(x, "amax", place)
    dims = sorted({d % x.ids.dim() for d in ((dim,) if isinstance(dim, int) else dim)})
    if not dims or 0 in dims:
        hint = "over the axes of a sample: x.amax(dim=1)"
        raise fail("N411", "a maximum over the samples of the batch", place=place, hint=hint)
    kept = [d for d in range(ids.ndim) if d + 1 not in dims]
    moved = ids.transpose(*kept, *(d - 1 for d in dims))
    shape = moved.shape[: len(kept)]
    count = prod(moved.shape[len(kept) :])
    found = _maximum(context, place, moved.reshape(-1, count), Window((count,), (count,))).ids
    found = found.reshape(found.shape[0], *shape)
    for d in dims if keepdim else ():
        found = found.unsqueeze(d)
    return Units(found)


class _Extremes(NamedTuple):
    """What `max` and `min` over an axis give."""

    values: Units
    indices: Untold


def _largest(context: Context, place: str, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """`x.max(dim)`."""
    indices = Untold("where the largest value is", "for the number of the largest value, use argmax(dim=1)")
    return _Extremes(_amax(context, place, x, () if dim is None else dim, keepdim), indices)


def _turned(largest: Callable[..., Any]) -> Callable[..., Any]:
    """The least of values from the greatest of their negatives."""

    def run(context: Context, place: str, x: Any, *args: Any, **kwargs: Any) -> Any:
        def turn(value: Any) -> Any:
            return affine(context, place, value, -1, 0) if isinstance(value, Units) else value

        context.numbers(x, "min", place)
        found = largest(context, place, turn(x), *map(turn, args), **{k: turn(v) for k, v in kwargs.items()})
        return found._replace(values=turn(found.values)) if isinstance(found, _Extremes) else turn(found)

    return run


def _greater(context: Context, place: str, x: Any, y: Any) -> Units:
    """`torch.maximum` of two tensors of values."""
    both = np.stack(pair(context, place, x, y, "maximum", "maximum"), axis=-1)
    found = _maximum(context, place, both.reshape(-1, 2), Window((2,), (2,))).ids
    return Units(found.reshape(found.shape[0], *both.shape[:-1]))


def _extreme(side: int) -> Callable[..., Units]:
    """The greater of two tensors, or the lesser; beside one constant it is a clamp, beside several `relu(x-c)+c`."""
    name = "maximum" if side > 0 else "minimum"
    of_values = _greater if side > 0 else _turned(_greater)

    def run(context: Context, place: str, x: Any, y: Any) -> Any:
        x, y = (x, y) if isinstance(x, Units) else (y, x)
        constants = exact(y, place)
        if constants is None:
            return of_values(context, place, x, y)
        context.numbers(x, name, place)
        values = set(constants.ravel().tolist())
        if len(values) != 1:
            return affine(context, place, affine(context, place, x, side, -side * constants, "relu"), side, constants)
        limit: Number = next(iter(values))
        if not has_literal(limit):
            raise fail("N409", f"`{name}` with {limit}, which is no double", place=place)
        shape = np.broadcast_shapes(tuple(x.ids.shape), constants.shape)
        activation = clamp(limit, None) if side > 0 else clamp(None, limit)
        return affine(context, place, Units(x.ids.broadcast_to(shape)), 1, 0, activation)

    return run


def _along_or_of_two(along: Callable[..., Any], of_two: Callable[..., Any]) -> Callable[..., Any]:
    """`x.max(dim)` and `torch.max(x, y)`."""

    def run(context: Context, place: str, x: Any, *args: Any, **kwargs: Any) -> Any:
        other = kwargs.get("other", args[0] if args else None)
        is_of_two = isinstance(other, Units | torch.Tensor)
        return of_two(context, place, x, other) if is_of_two else along(context, place, x, *args, **kwargs)

    return run


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{f"max_pool{n}d": _max_pool(n) for n in (1, 2, 3)},
        **{f"avg_pool{n}d": _average_pool(n) for n in (1, 2, 3)},
        **{f"adaptive_max_pool{n}d": _adaptive(n, True) for n in (1, 2, 3)},
        **{f"adaptive_avg_pool{n}d": _adaptive(n, False) for n in (1, 2, 3)},
        "amax": _amax,
        "amin": _turned(_amax),
        "max": _along_or_of_two(_largest, _extreme(1)),
        "maximum": _extreme(1),
        "min": _along_or_of_two(_turned(_largest), _extreme(-1)),
        "minimum": _extreme(-1),
    }
)
