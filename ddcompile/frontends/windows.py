"""Windows that move over a grid: where each position of the result looks."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.ir.findings import counted

__all__ = ["LARGEST", "Window"]

LARGEST = 2**28
"""Grids of more places are not made out of a few numbers."""


@dataclass(frozen=True, slots=True)
class Window:
    """On each axis, position r of the result looks at `stride * r + dilation * tap - before`, tap by tap of the kernel.

    Parameters
    ----------
    grid : tuple of int
        The extents of what is read, without channels.
    kernel, stride, dilation : tuple of int
        Positive, one an axis.
    before, after : tuple of int
        How far windows reach beyond each end.
    is_circular : bool
        Whether what lies beyond an end is the other end; else there is nothing.

    Raises
    ------
    CompileError
        N103 if the numbers do not describe windows, none fits into the grid, or there are more than `LARGEST`.
    """

    grid: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    is_circular: bool = False

    def __post_init__(self) -> None:
        axes = len(self.grid)
        for name, usual, least in (("stride", 1, 1), ("dilation", 1, 1), ("before", 0, 0), ("after", 0, 0)):
            values = tuple(int(v) for v in getattr(self, name)) or (usual,) * axes
            object.__setattr__(self, name, values)
            if len(values) != axes or min(values, default=least) < least:
                raise fail("N103", f"the {name} {values} of windows over a grid of {counted(axes, 'axis', 'axes')}")
        for name in ("grid", "kernel"):
            values = tuple(int(v) for v in getattr(self, name))
            object.__setattr__(self, name, values)
            if len(values) != axes or min(values, default=1) < 1:
                raise fail("N103", f"windows of {self.kernel} over a grid of {self.grid}")
        if min(self.result, default=1) < 1:
            raise fail("N103", f"windows of {self.kernel} do not fit into a grid of {self.grid}")
        if max(self.positions, self.taps) > LARGEST:
            raise fail("N103", f"{self.positions} windows of {self.taps} places, more than {LARGEST}")

    @property
    def result(self) -> tuple[int, ...]:
        """The extents of what the windows give."""
        sides = zip(self.grid, self.kernel, self.stride, self.before, self.after, self.dilation, strict=True)
        return tuple((n + b + a - d * (k - 1) - 1) // s + 1 for n, k, s, b, a, d in sides)

    @property
    def positions(self) -> int:
        """How many windows there are."""
        return prod(self.result)

    @property
    def taps(self) -> int:
        """How many places a window has."""
        return prod(self.kernel)

    def reaches_outside(self, axis: int) -> bool:
        """Whether a window looks beyond an end of an axis."""
        last = self.stride[axis] * (self.result[axis] - 1) + self.dilation[axis] * (self.kernel[axis] - 1)
        return self.before[axis] > 0 or last - self.before[axis] >= self.grid[axis]

    def places(self) -> np.ndarray:
        """The row-major numbers (positions, taps) of what each window looks at, -1 where there is nothing."""
        found = np.zeros((1, 1), dtype=np.int64)
        outside = np.zeros((1, 1), dtype=bool)
        for axis, extent in enumerate(self.grid):
            at, beyond = self.along(axis)
            found = _crossed(found * extent, at % extent, np.add)
            outside = _crossed(outside, beyond, np.logical_or)
        return np.where(outside, -1, found)

    def along(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """What windows look at on one axis, (results, taps), and whether that is beyond an end and so nothing."""
        at = self.stride[axis] * np.arange(self.result[axis])[:, None]
        at = at + self.dilation[axis] * np.arange(self.kernel[axis]) - self.before[axis]
        beyond = np.zeros(at.shape, dtype=bool) if self.is_circular else (at < 0) | (at >= self.grid[axis])
        return at, beyond

    def counts(self) -> np.ndarray:
        """How many places of the grid each window looks at."""
        found = np.ones(1, dtype=np.int64)
        for axis in range(len(self.grid)):
            found = np.multiply.outer(found, (~self.along(axis)[1]).sum(axis=1)).ravel()
        return found

    def taken(self, values: np.ndarray, nothing: float) -> np.ndarray:
        """Values (samples, channels, grid) as windows see them: (samples, channels, positions, taps)."""
        places = self.places()
        if (places < 0).any():
            beside = np.full((*values.shape[:2], 1), nothing, dtype=values.dtype)
            values = np.concatenate([values, beside], axis=2)
        return values[:, :, places]


def _crossed(outer: np.ndarray, inner: np.ndarray, join: np.ufunc) -> np.ndarray:
    """Every row and column of one with every row and column of the other."""
    joined: np.ndarray = join(outer[:, None, :, None], inner[None, :, None, :])
    return joined.reshape(len(outer) * len(inner), -1)
