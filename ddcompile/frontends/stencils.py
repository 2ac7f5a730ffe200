"""Write layers of windows as stencils.

    layer1[o < 8, i < 14, j < 14] = relu(
      sum(c < 3, di < 3, dj < 3: weight1[o, c, di, dj] * pad(image, 0)[c, 2 * i + di - 1, 2 * j + dj - 1]) + bias1[o])
    layer2[o < 8, i < 7, j < 7] = max(di < 2, dj < 2: layer1[o, 2 * i + di, 2 * j + dj])

Axes of extent 1 are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ddcompile.frontends.forms import Tensor
from ddcompile.frontends.weights import Convolution, Maximum
from ddcompile.frontends.windows import Window
from ddcompile.frontends.writer import Writer
from ddcompile.ir.builder import add, call, mod, mul, reduction, summation
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Number, Read

__all__ = ["Source", "Stencil", "shape_read"]


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor that is read as so many channels of a grid."""

    tensor: Tensor
    channels: int


@dataclass(frozen=True, slots=True)
class Stencil:
    """What the statement of a layer of windows needs.

    `channels` of the result and positions of its grid have the index names `at`; `sources` are read one after the
    other. `least` is a number below which no value is; None if there is none.
    """

    writer: Writer
    suffix: str
    weight: Convolution | Maximum
    sources: Sequence[Source]
    at: Sequence[Expr]
    least: Number | None

    def value(self, kernel: np.ndarray | None, bias: np.ndarray | None) -> Expr:
        """The sum with a kernel and biases, or the greatest value without."""
        weight, names = self.weight, self.writer.names
        window = weight.window
        used = {i.name for i in self.at if isinstance(i, Index)}
        taps = [names.unused(f"d{letter}", used) for letter in "ijklmn"[: len(window.kernel)]]
        binders = [Binder(t, Literal(0), Literal(k)) for t, k in zip(taps, window.kernel, strict=True) if k > 1]
        steps = [Index(t) if k > 1 else Literal(0) for t, k in zip(taps, window.kernel, strict=True)]
        if isinstance(weight, Maximum):
            (source,) = self.sources
            return reduction("max", binders, self._read(source, self.at[0], steps))
        assert kernel is not None
        assert bias is not None
        inner = kernel.shape[1]
        terms, start = [], 0
        for source in self.sources:
            part = kernel if len(self.sources) == 1 else kernel[:, start : start + source.channels]
            start += source.channels
            label = f"weight{self.suffix}" if len(self.sources) == 1 else f"weight{self.suffix}_{source.tensor.name}"
            extent = part.shape[1]
            inside = names.unused("c", used)
            channel: Expr = Index(inside) if extent > 1 else Literal(0)
            around = [Binder(inside, Literal(0), Literal(extent))] if extent > 1 else []
            places = [self.at[0], channel, *steps]
            factor = self.writer.entry(label, part, places)
            read = self._read(source, add(self._first(inner), channel), steps)
            terms.append(summation([*around, *binders], mul(factor, read)))
        total = terms[0]
        for term in terms[1:]:
            total = add(total, term)
        return add(total, self.writer.entry(f"bias{self.suffix}", bias, [self.at[0]]))

    def _first(self, inner: int) -> Expr:
        """The first channel that the group of a channel reads."""
        assert isinstance(self.weight, Convolution)
        groups, outputs = self.weight.groups, len(self.weight.kernel)
        if groups == 1:
            return Literal(0)
        if groups == outputs:
            return mul(inner, self.at[0])
        first = inner * (np.arange(outputs) // (outputs // groups))
        return self.writer.entry(f"first{self.suffix}", first, [self.at[0]])

    def _read(self, source: Source, channel: Expr, steps: Sequence[Expr]) -> Expr:
        """An element of a source: `pad(x, 0)[c, i + di - 1]`."""
        window = self.weight.window
        positions: list[Expr] = [channel] if source.channels > 1 else []
        is_padded = False
        for axis, step in enumerate(steps):
            place = add(mul(window.stride[axis], self.at[1 + axis]), mul(window.dilation[axis], step))
            place = add(place, -window.before[axis])
            if window.reaches_outside(axis):
                if window.is_circular:
                    place = mod(place, window.grid[axis])
                elif isinstance(self.weight, Maximum) and self.least is None:
                    place = self._inside(axis, place, step)
                else:
                    is_padded = True
            if _is_kept(window, axis):
                positions.append(place)
        if len(positions) < len(source.tensor.shape):
            rest = iter(positions)
            positions = [Literal(0) if extent == 1 else next(rest) for extent in source.tensor.shape]
        read = Read(source.tensor.name, tuple(positions))
        if not is_padded:
            return read
        fill: Number = 0
        if isinstance(self.weight, Maximum):
            assert self.least is not None
            fill = self.least
        return Read(read.tensor, read.positions, Literal(fill))

    def _inside(self, axis: int, place: Expr, step: Expr) -> Expr:
        """A place of the same window that lies in the grid."""
        window = self.weight.window
        if window.dilation[axis] == 1:
            return call("max", (0, call("min", (place, window.grid[axis] - 1))))
        at, beyond = window.along(axis)
        first = at[np.arange(len(at)), (~beyond).argmax(axis=1)]
        table = np.where(beyond, first[:, None], at)
        return self.writer.entry(f"place{self.suffix}_{axis}", table, [self.at[1 + axis], step])


def shape_read(window: Window, channels: int) -> tuple[int, ...]:
    """The shape in which windows read a tensor: without axes of one element, unless they look beyond its ends."""
    axes = [extent for axis, extent in enumerate(window.grid) if _is_kept(window, axis)]
    return (*([channels] if channels > 1 else []), *axes)


def _is_kept(window: Window, axis: int) -> bool:
    return window.grid[axis] > 1 or (window.reaches_outside(axis) and not window.is_circular)
