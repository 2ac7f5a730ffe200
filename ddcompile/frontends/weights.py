"""The forms in which a layer holds its weight: full, sparse rows, one factor a unit, windows on a grid; all exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.gates import Gates
from ddcompile.frontends.windows import Window
from ddcompile.ir.nodes import canonical_array

__all__ = [
    "Convolution", "Gates", "Gather", "Maximum", "Pointwise", "Sparse", "Weight", "dense_of", "exact_numbers",
    "number_at", "numerators", "objects", "positions_of", "stored_of", "stretched",
]  # fmt: skip

_LARGEST_DENSE = 2**26


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """A weight matrix in compressed sparse rows.

    Row `r` holds `data[indptr[r]:indptr[r + 1]]` at the columns `indices[indptr[r]:indptr[r + 1]]`.

    Parameters
    ----------
    data : array_like
        The entries: exact numbers, see `Layer`.
    indices, indptr : array_like of int
        Columns, each at most once in a row, and row starts, `shape[0] + 1` of them.
    shape : pair of int
        (units, inputs).

    Raises
    ------
    CompileError
        N101, N102 as for `Layer`; N107 if the parts do not describe a matrix.

    Notes
    -----
    Entries are kept sorted by row and column, without zeros.
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        data, indices = exact_numbers(self.data, "data"), _integers(self.indices, "indices")
        indptr, shape = _integers(self.indptr, "indptr"), _integers(self.shape, "shape")
        if shape.shape != (2,) or (shape < 0).any():
            raise fail("N107", "the shape of a sparse weight must be two counts (units, inputs)")
        units, inputs = (int(n) for n in shape)
        if data.ndim != 1 or data.shape != indices.shape:
            raise fail("N107", f"data has shape {data.shape}, but indices has {indices.shape}")
        if indptr.shape != (units + 1,):
            raise fail("N107", f"indptr has shape {indptr.shape}, but {units} units need {(units + 1,)}")
        if indptr[0] != 0 or indptr[-1] != len(data) or (np.diff(indptr) < 0).any():
            raise fail("N107", f"indptr must rise from 0 to {len(data)}, the length of data")
        for bad in indices[(indices < 0) | (indices >= inputs)][:1]:
            raise fail("N107", f"indices hold column {bad}, but the weight has {inputs} inputs")
        rows = np.repeat(np.arange(units), np.diff(indptr))
        order = np.lexsort((indices, rows))
        rows, indices, data = rows[order], indices[order], data[order]
        for twice in np.flatnonzero((np.diff(rows) == 0) & (np.diff(indices) == 0))[:1]:
            raise fail("N107", f"row {rows[twice]} has column {indices[twice]} twice")
        keep = data != 0
        object.__setattr__(self, "data", canonical_array(data[keep]))
        object.__setattr__(self, "indices", indices[keep])
        object.__setattr__(self, "indptr", np.searchsorted(rows[keep], np.arange(units + 1)))
        object.__setattr__(self, "shape", (units, inputs))

    def dense(self) -> np.ndarray:
        """The matrix in full, in canonical form; N110 if it has more than 2**26 entries."""
        _check_dense(self.shape)
        full = np.zeros(self.shape, dtype=self.data.dtype)
        full[np.repeat(np.arange(self.shape[0]), np.diff(self.indptr)), self.indices] = self.data
        return canonical_array(full)


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
        columns = _integers(self.columns, "columns")
        for bad in columns[(columns < -1) | (columns >= self.inputs)].ravel()[:1]:
            raise fail("N107", f"column {bad} is read, but there are {self.inputs} inputs")
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


Weight: TypeAlias = np.ndarray | Sparse | Pointwise | Convolution | Maximum | Gather | Gates


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
        case Maximum() | Gather() | Gates():
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
            _check_dense(weight.shape)
            return weight.sparse().dense()
        case Maximum():
            raise fail("N112", "a maximum over windows has no matrix")
        case Gates():
            raise fail("N112", "logic gates have no matrix")
        case _:
            return weight


def exact_numbers(values: Any, what: str) -> np.ndarray:
    """Exact numbers in canonical form.

    Raises
    ------
    CompileError
        N101 to N103, named after `what`, if they are not integers and doubles.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise fail("N103", f"the {what} is ragged") from error
    if array.dtype.kind not in "biufO" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
        raise fail("N101", f"the {what} has type {array.dtype}; integers and floats of up to 64 bits are read")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        position = np.argwhere(~np.isfinite(array))[0].tolist()
        raise fail("N102", f"the {what} is {array[tuple(position)]} at {position}; every entry must be finite")
    try:
        exact = canonical_array(array)
    except (TypeError, ValueError, OverflowError) as error:
        raise fail("N101", f"the {what} has entries that are not exact finite numbers") from error
    for value in exact.flat if exact.dtype == object else ():
        if isinstance(value, Fraction) and Fraction(float(value)) != value:
            raise fail("N101", f"the {what} has the entry {value}; every entry must be an integer or a double")
    return exact


def number_at(array: np.ndarray, position: int) -> Fraction:
    """An entry of a flat exact array."""
    value = array[position]
    return Fraction(value.item() if isinstance(value, np.generic) else value)


def objects(array: np.ndarray) -> np.ndarray:
    """Exact numbers as Python ints and fractions."""
    found = np.empty(array.shape, dtype=object)
    found.reshape(-1)[:] = [v if isinstance(v, int) else Fraction(v) for v in array.ravel().tolist()]
    return found


def numerators(array: np.ndarray, exponent: int) -> np.ndarray:
    """Exact numbers as Python integers that count `2**-exponent`, which all are multiples of."""
    counts = np.empty(array.shape, dtype=object)
    counts.reshape(-1)[:] = [int(Fraction(v) * (1 << exponent)) for v in array.ravel().tolist()]
    return counts


def stretched(values: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Exact numbers times integers, however large; in canonical form."""
    if (abs(factors) <= 1).all():
        return canonical_array(values * factors.astype(np.int64))
    exact = np.empty(values.shape, dtype=object)
    exact.reshape(-1)[:] = [Fraction(v) for v in values.ravel().tolist()]
    return canonical_array(exact * factors)


def _check_dense(shape: tuple[int, int]) -> None:
    units, inputs = shape
    if units * inputs > _LARGEST_DENSE:
        limit = f"layers are lowered in full, up to {_LARGEST_DENSE} entries"
        raise fail("N110", f"the sparse weight has {units} x {inputs} entries; {limit}")


def _integers(values: Any, what: str) -> np.ndarray:
    array = exact_numbers(values, what)
    if array.dtype != np.int64:
        raise fail("N107", f"the {what} of a sparse weight must be integers")
    return array
