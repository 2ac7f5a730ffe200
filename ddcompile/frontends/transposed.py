"""Transposed convolutions: the turned kernel moves over the values with zeros between them; shared by front ends."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.windows import LARGEST, Window

__all__ = ["transposed", "turned"]


def turned(kernel: np.ndarray, groups: int) -> np.ndarray:
    """A kernel (channels, outputs / groups, *taps) as that of the convolution: (outputs, channels / groups, *taps)."""
    inputs, outputs = kernel.shape[:2]
    parts = kernel.reshape(groups, inputs // groups, *kernel.shape[1:])
    swapped = parts.swapaxes(1, 2).reshape(groups * outputs, inputs // groups, *kernel.shape[2:])
    return np.flip(swapped, tuple(range(2, kernel.ndim)))


def transposed(
    drafts: Drafts,
    ids: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
    stride: Sequence[int],
    dilation: Sequence[int],
    cut: Sequence[tuple[int, int]],
    path: str,
    groups: int = 1,
) -> np.ndarray:
    """The units (outputs, *result) of a transposed convolution.

    Parameters
    ----------
    drafts : Drafts
    ids : array of shape (channels, *grid)
    kernel : array of shape (outputs, channels / groups, *taps)
        As `turned` gives it.
    bias : array of shape (outputs,)
    stride, dilation : sequence of int
        One an axis.
    cut : sequence of pairs of int
        How many places are cut off at both ends of each axis of the result; negative numbers add some.
    path : str
    groups : int

    Raises
    ------
    CompileError
        N103 if nothing is left, or there are no such strides.
    """
    count = prod(step * (n - 1) + 1 for step, n in zip(stride, ids.shape[1:], strict=True))
    if min(stride) < 1 or len(ids) * count > LARGEST:
        raise fail("N103", f"the stride {tuple(stride)} of windows over a grid of {ids.shape[1:]}")
    for axis, step in enumerate(stride):
        if step > 1:
            spread = np.full((*ids.shape[: 1 + axis], step * (ids.shape[1 + axis] - 1) + 1, *ids.shape[2 + axis :]), -1)
            np.moveaxis(spread, 1 + axis, 0)[::step] = np.moveaxis(ids, 1 + axis, 0)
            ids = spread
    reach = [d * (k - 1) for d, k in zip(dilation, kernel.shape[2:], strict=True)]
    margins = [(r - first, r - last) for r, (first, last) in zip(reach, cut, strict=True)]
    kept = [slice(max(0, -b), n - max(0, -a)) for (b, a), n in zip(margins, ids.shape[1:], strict=True)]
    ids = ids[(slice(None), *kept)]
    before, after = (tuple(max(0, side) for side in sides) for sides in zip(*margins, strict=True))
    window = Window(ids.shape[1:], kernel.shape[2:], (1,) * len(before), before, after, tuple(dilation))
    return drafts.convolution(ids, kernel, bias, window, path, groups)
