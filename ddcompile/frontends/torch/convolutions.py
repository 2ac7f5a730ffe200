"""Convolutions, padding, and values that are repeated: operations on channels of a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal as OneOf

import numpy as np
import torch

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.torch.arithmetic import affine, exact
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.values import Units, numbers_of
from ddcompile.frontends.transposed import transposed as transposed_units, turned
from ddcompile.frontends.windows import Window
from ddcompile.ir.findings import counted

__all__ = ["OPERATIONS", "convolution", "each_axis", "pad", "transposed", "window_of"]

_MODES: Mapping[str, OneOf["reflect", "edge", "wrap"]] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""Ways of padding that read elements again, as numpy calls them."""


def convolution(
    context: Context,
    place: str,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    *,
    mode: str = "zeros",
) -> Units:
    """`F.conv1d`, `F.conv2d`, `F.conv3d`, and what their modules do beyond the ends."""
    ids, kernel, offsets = _operands(context, place, x, weight, bias, "convolution")
    axes = kernel.ndim - 2
    _check_channels(ids, kernel.shape[1] * groups, place)
    steps, widths = each_axis(stride, axes), each_axis(dilation, axes)
    before, after = _sides(padding, kernel.shape[2:], widths, place)
    if mode in ("reflect", "replicate"):
        ids = _padded(ids, before, after, mode, place)
        before = after = (0,) * axes
    if kernel.shape[0] % groups:
        raise fail("N410", f"{kernel.shape[0]} channels in {groups} groups", place=place)
    window = window_of(place, ids.shape[1:], kernel.shape[2:], steps, before, after, widths, mode == "circular")
    found = context.drafts.convolution(ids, kernel, offsets, window, place, groups)
    return context.units(found)


def transposed(
    context: Context,
    place: str,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Units:
    """`F.conv_transpose1d` to `3d`: the turned kernel moves over the values with zeros between them."""
    ids, kernel, offsets = _operands(context, place, x, weight, bias, "transposed convolution", transpose=groups)
    axes = kernel.ndim - 2
    _check_channels(ids, kernel.shape[1] * groups, place)
    steps, widths, extra = each_axis(stride, axes), each_axis(dilation, axes), each_axis(output_padding, axes)
    ends = zip(each_axis(padding, axes), extra, strict=True)
    cut = [(side, side - more) for side, more in ends]
    try:
        found = transposed_units(context.drafts, ids, kernel, offsets, steps, widths, cut, place, groups)
    except CompileError as error:
        raise fail("N410", error.diagnostics[0].message, place=place) from None
    return context.units(found)


def _operands(
    context: Context, place: str, x: Any, weight: Any, bias: Any, what: str, transpose: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The units (channels, grid), the kernel (outputs, channels of a group, taps), the biases."""
    ids = context.numbers(x, what, place)
    if not isinstance(weight, torch.Tensor) or not (bias is None or isinstance(bias, torch.Tensor)):
        raise fail("N402", f"a {what} with a weight or bias that depends on the inputs", place=place)
    kernel = numbers_of(weight, "weight", place)
    if transpose:
        kernel = turned(kernel, transpose)
    if ids.ndim != kernel.ndim - 1:
        message = f"a kernel of shape {tuple(weight.shape)} moves over values of shape {tuple(ids.shape)} a sample"
        hint = "values of a sample have a channel axis and those of the grid: x.unsqueeze(1)"
        raise fail("N410", message, place=place, hint=hint)
    count = len(kernel)
    offsets = np.zeros(count, dtype=np.int64) if bias is None else numbers_of(bias, "bias", place)
    return ids, kernel, offsets


def _check_channels(ids: np.ndarray, channels: int, place: str) -> None:
    if len(ids) != channels:
        message = f"a kernel for {counted(channels, 'channel')} moves over values of shape {tuple(ids.shape)} a sample"
        raise fail("N410", message, place=place, hint="inputs= gives the shape of one sample, without the batch")


def each_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number an axis."""
    if isinstance(value, int | float):
        return (int(value),) * axes
    values = tuple(int(v) for v in value)
    return values * axes if len(values) == 1 else values


def _sides(
    padding: Any, kernel: Sequence[int], widths: Sequence[int], place: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How much is added before and after."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(widths, kernel, strict=True)]
        return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    if isinstance(padding, str):
        raise fail("N409", f"a convolution with padding `{padding}`", place=place)
    each = each_axis(padding, len(kernel))
    return each, each


def window_of(
    place: str,
    grid: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
    dilation: Sequence[int],
    is_circular: bool = False,
) -> Window:
    """Windows out of any integers; N410 if they are none."""
    try:
        parts = (grid, kernel, stride, before, after, dilation)
        return Window(*(tuple(map(int, part)) for part in parts), is_circular)  # type: ignore[call-arg,arg-type]
    except CompileError as error:
        raise fail("N410", error.diagnostics[0].message, place=place) from None


def _padded(ids: np.ndarray, before: Sequence[int], after: Sequence[int], mode: str, place: str) -> np.ndarray:
    """Units with copies of others around them."""
    width = [(0, 0)] * (ids.ndim - len(before)) + list(zip(before, after, strict=True))
    for (first, last), extent in zip(width, ids.shape, strict=True):
        most = {"reflect": extent - 1, "circular": extent}.get(mode)
        if most is not None and max(first, last) > most:
            raise fail("N410", f"{mode} padding of {max(first, last)} around {extent} values", place=place)
    return np.pad(ids, width, mode=_MODES[mode])


def pad(context: Context, place: str, x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Units:
    """`F.pad`; negative numbers cut off."""
    ids = context.numbers(x, "pad", place)
    pairs = [(int(a), int(b)) for a, b in zip(pad[::2], pad[1::2], strict=True)][::-1]
    if len(pairs) > ids.ndim:
        raise fail("N411", "padding of the axis of the batch", place=place)
    width = [(0, 0)] * (ids.ndim - len(pairs)) + pairs
    kept = tuple(slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(width, ids.shape, strict=True))
    before, after = ([max(0, side) for side in sides] for sides in zip(*width, strict=True))
    if mode != "constant":
        if mode not in _MODES:
            raise fail("N409", f"padding of mode `{mode}`", place=place, hint=f"modes: constant, {', '.join(_MODES)}")
        if kept != tuple(slice(0, n) for n in ids.shape):
            raise fail("N409", f"{mode} padding by a negative number", place=place, hint="cut off with x[..., 1:]")
        return context.units(_padded(ids, before, after, mode, place))
    shift = exact(0 if value is None else value, place)
    assert shift is not None
    if not any(before) and not any(after):
        return context.units(ids[kept])
    low = x if (shift == 0).all() else affine(context, place, context.units(ids), 1, -shift)
    around = np.pad(context.sample(low, place)[kept], list(zip(before, after, strict=True)), constant_values=-1)
    found = context.units(context.drafts.arranged(around, place))
    return found if (shift == 0).all() else affine(context, place, found, 1, shift)


def _interpolate(
    context: Context,
    place: str,
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: bool = False,
) -> Units:
    """`F.interpolate` that repeats values a whole number of times."""
    ids = context.numbers(x, "interpolate", place)
    axes = ids.ndim - 1
    if mode not in ("nearest", "nearest-exact"):
        raise fail(
            "N409", f"interpolation of mode `{mode}`", place=place, hint="mode='nearest', or a fixed convolution"
        )
    factors = each_axis(scale_factor, axes) if size is None and _is_whole(scale_factor) else None
    if size is not None:
        sizes = each_axis(size, axes)
        if all(s % n == 0 for s, n in zip(sizes, ids.shape[1:], strict=True)):
            factors = tuple(s // n for s, n in zip(sizes, ids.shape[1:], strict=True))
    if factors is None:
        raise fail("N409", "an interpolation by a factor that is not whole", place=place)
    for axis, factor in enumerate(factors):
        ids = np.repeat(ids, factor, axis=1 + axis)
    return context.units(ids)


def _is_whole(value: Any) -> bool:
    values = value if isinstance(value, tuple | list) else [value]
    return all(isinstance(v, int | float) and v >= 1 and v == int(v) for v in values)


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{f"conv{n}d": convolution for n in (1, 2, 3)},
        **{f"conv_transpose{n}d": transposed for n in (1, 2, 3)},
        "interpolate": _interpolate,
        "pad": pad,
    }
)
