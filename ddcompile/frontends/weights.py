"""The forms in which a layer holds its weight: full, sparse rows, one factor a unit, windows on a grid; all exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TypeAlias

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.gates import Gates
from ddcompile.frontends.matrices import (
    Sparse,
    check_dense,
    exact_numbers,
    integers,
    number_at,
    numerators,
    objects,
    stretched,
)
from ddcompile.frontends.windows import Window
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import canonical_array

__all__ = [
    "Choice", "Convolution", "Gates", "Gather", "Maximum", "Pointwise", "Sparse", "Weight", "dense_of", "exact_numbers",
    "number_at", "numerators", "objects", "positions_of", "stored_of", "stretched",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Pointwise:
    """Unit `u` is the sum over k of `factors[k, u]` times unit `u` of the k-th thing that the layer reads.

    As a matrix: diagonal blocks side by side.

    Parameters
    ----------
    factors : array_like of shape (reads, channels)
        Exact numbers, see `Layer`.
    positions : int
        How many neighbouring units have the factors of one channel.

    Raises
    ------
    CompileError
        N101, N102 as for `Layer`; N103 if the shape is another.
    """

    factors: np.ndarray
    positions: int = 1

    def __post_init__(self) -> None:
        factors = exact_numbers(self.factors, "weight")
        if factors.ndim != 2:
            raise fail("N103", f"the factors have shape {factors.shape}; they must have two axes (reads, units)")
        object.__setattr__(self, "factors", factors)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (units, inputs) of the matrix."""
        reads, channels = self.factors.shape
        return channels * self.positions, reads * channels * self.positions

    def sparse(self) -> Sparse:
        """The same matrix as sparse rows."""
        units, reads = self.shape[0], len(self.factors)
        columns = np.arange(units)[:, None] + units * np.arange(reads)
        starts = reads * np.arange(units + 1)
        return Sparse(np.repeat(self.factors, self.positions, axis=1).T.ravel(), columns.ravel(), starts, self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A kernel that moves over a grid: units are (channels, positions), inputs (input channels, grid), row-major.

    Parameters
    ----------
    kernel : array_like of shape (channels, input channels / groups, *window.kernel)
        Exact numbers, see `Layer`.
    window : Window
        What lies beyond an end counts as 0 if it is not circular.
    groups : int
        Channels of each group read the input channels of that group alone.

    Raises
    ------
    CompileError
        N101, N102 as for `Layer`; N103 if the shapes do not fit.
    """

    kernel: np.ndarray
    window: Window
    groups: int = 1

    def __post_init__(self) -> None:
        kernel = exact_numbers(self.kernel, "weight")
        if kernel.shape[2:] != self.window.kernel or kernel.ndim < 3 or 0 in kernel.shape:
            raise fail("N103", f"a kernel of shape {kernel.shape} for windows of {self.window.kernel}")
        if self.groups < 1 or len(kernel) % self.groups:
            raise fail("N103", f"{len(kernel)} channels are not {self.groups} equal groups")
        object.__setattr__(self, "kernel", kernel)

    @property
    def positions(self) -> int:
        """How many units a channel has."""
        return self.window.positions

    @property
    def channels(self) -> int:
        """How many channels are read."""
        return int(self.kernel.shape[1]) * self.groups

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (units, inputs) of the matrix."""
        return len(self.kernel) * self.positions, self.channels * prod(self.window.grid)

    def sparse(self) -> Sparse:
        """The same matrix as sparse rows."""
        outputs, inner = self.kernel.shape[:2]
        positions, taps, cells = self.positions, self.window.taps, prod(self.window.grid)
        places = self.window.places()
        first = inner * (np.arange(outputs) // (outputs // self.groups))
        channel = first[:, None] + np.arange(inner)
        columns = channel[:, None, :, None] * cells + places[None, :, None, :]
        data = np.broadcast_to(self.kernel.reshape(outputs, 1, inner, taps), columns.shape)
        kept = np.broadcast_to(places[None, :, None, :] >= 0, columns.shape)
        units = np.arange(outputs * positions).reshape(outputs, positions, 1, 1)
        rows = np.broadcast_to(units, columns.shape)
        return _summed(rows[kept], columns[kept], data[kept], self.shape)


def _summed(rows: np.ndarray, columns: np.ndarray, data: np.ndarray, shape: tuple[int, int]) -> Sparse:
    """Sparse rows out of entries, of which several may stand at one place: a window that goes round a small grid."""
    keys, place = np.unique(rows * shape[1] + columns, return_inverse=True)
    total = np.zeros(len(keys), dtype=object)
    np.add.at(total, place, np.array([Fraction(v) for v in data.tolist()], dtype=object))
    starts = np.searchsorted(keys // shape[1], np.arange(shape[0] + 1))
    return Sparse(canonical_array(total), keys % shape[1], starts, shape)


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """The greatest value in each window, channel by channel; what lies beyond an end does not count.

    Parameters
    ----------
    window : Window
    channels : int

    Raises
    ------
    CompileError
        N103 if a window holds no place of the grid.
    """

    window: Window
    channels: int

    def __post_init__(self) -> None:
        if (self.window.counts() == 0).any():
            raise fail("N103", "a window of a maximum lies beyond the grid")

    @property
    def positions(self) -> int:
        """How many units a channel has."""
        return self.window.positions

    @property
    def shape(self) -> tuple[int, int]:
        """How many units there are, and how many inputs."""
        return self.channels * self.positions, self.channels * prod(self.window.grid)


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """Values moved about: unit `u` is what stands at `columns.ravel()[u]`, or 0 where that is -1.

    Parameters
    ----------
    columns : array of int
        Its shape is that of the tensor that is made.
    inputs : int
        How many values are read.

    Raises
    ------
    CompileError
        N107 if a column is not there.
    """

    columns: np.ndarray
    inputs: int

    def __post_init__(self) -> None:
        columns = integers(self.columns, "columns")
        for bad in columns[(columns < -1) | (columns >= self.inputs)].ravel()[:1]:
            raise fail("N107", f"column {bad} is read, but the layer has {counted(self.inputs, 'input')}")
        object.__setattr__(self, "columns", columns)

    @property
    def shape(self) -> tuple[int, int]:
        """How many units there are, and how many inputs."""
        return int(self.columns.size), self.inputs

    def sparse(self) -> Sparse:
        """The same as a matrix of sparse rows."""
        flat = self.columns.ravel()
        kept = flat[flat >= 0]
        return Sparse(np.ones(len(kept), dtype=np.int64), kept, np.cumsum([0, *(flat >= 0)]), self.shape)

    def taken(self, values: np.ndarray) -> np.ndarray:
        """The units (samples, units) from values (samples, inputs)."""
        found: np.ndarray = values[:, self.columns.ravel()]
        found[:, self.columns.ravel() < 0] = 0
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Unit `u` is that of the second thing that the layer reads where that of the first is above 0, else of the third.

    Parameters
    ----------
    units : int
    """

    units: int

    @property
    def shape(self) -> tuple[int, int]:
        """How many units there are, and how many inputs."""
        return self.units, 3 * self.units

    def taken(self, values: np.ndarray) -> np.ndarray:
        """The units (samples, units) from values (samples, inputs)."""
        condition, then, otherwise = np.split(values, 3, axis=1)
        found: np.ndarray = np.where(condition > 0, then, otherwise)
        return found


Weight: TypeAlias = np.ndarray | Sparse | Pointwise | Convolution | Maximum | Gather | Gates | Choice


def positions_of(weight: Weight) -> int:
    """How many neighbouring units share a bias."""
    return weight.positions if isinstance(weight, Pointwise | Convolution | Maximum) else 1


def stored_of(weight: Weight) -> np.ndarray:
    """The numbers that are stored, in the shape that they have; those of a maximum are none."""
    match weight:
        case Sparse(data):
            return data
        case Pointwise(factors):
            return factors
        case Convolution(kernel):
            return kernel
        case Maximum() | Gather() | Gates() | Choice():
            return np.zeros(0, dtype=np.int64)
    return weight


def dense_of(weight: Weight) -> np.ndarray:
    """The matrix in full, in canonical form.

    Raises
    ------
    CompileError
        N110, if it has more than 2**26 entries and is not held in full; N112 if there is none.
    """
    match weight:
        case Sparse():
            return weight.dense()
        case Pointwise() | Convolution() | Gather():
            check_dense(weight.shape)
            return weight.sparse().dense()
        case Maximum():
            raise fail("N112", "a maximum over windows has no matrix")
        case Gates():
            raise fail("N112", "logic gates have no matrix")
        case Choice():
            raise fail("N112", "a choice between values has no matrix")
        case _:
            return weight
