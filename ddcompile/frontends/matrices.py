"""Exact numbers in arrays, and sparse matrices of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import canonical_array

__all__ = ["Sparse", "check_dense", "exact_numbers", "integers", "number_at", "numerators", "objects", "stretched"]

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
        data, indices = exact_numbers(self.data, "data"), integers(self.indices, "indices")
        indptr, shape = integers(self.indptr, "indptr"), integers(self.shape, "shape")
        if shape.shape != (2,) or (shape < 0).any():
            raise fail("N107", "the shape of a sparse weight must be two counts (units, inputs)")
        units, inputs = (int(n) for n in shape)
        if data.ndim != 1 or data.shape != indices.shape:
            raise fail("N107", f"data has shape {data.shape}, but indices has {indices.shape}")
        if indptr.shape != (units + 1,):
            wanted = f"for {counted(units, 'unit')} it must have {(units + 1,)}"
            raise fail("N107", f"indptr has shape {indptr.shape}; {wanted}")
        if indptr[0] != 0 or indptr[-1] != len(data) or (np.diff(indptr) < 0).any():
            raise fail("N107", f"indptr must rise from 0 to {len(data)}, the length of data")
        for bad in indices[(indices < 0) | (indices >= inputs)][:1]:
            raise fail("N107", f"indices hold column {bad}, but the weight has {counted(inputs, 'input')}")
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
        check_dense(self.shape)
        full = np.zeros(self.shape, dtype=self.data.dtype)
        full[np.repeat(np.arange(self.shape[0]), np.diff(self.indptr)), self.indices] = self.data
        return canonical_array(full)


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
    if array.dtype == np.int64:
        return np.asarray(array.astype(object) * (1 << exponent), dtype=object)
    if array.dtype == np.float64:
        if float(np.abs(array).max(initial=0)) < 2.0 ** (62 - exponent):
            return np.asarray(np.ldexp(array, exponent).astype(np.int64), dtype=object)
        mantissa, power = np.frexp(array)
        whole, shift = (mantissa * 2.0**53).astype(np.int64).astype(object), power.astype(np.int64) - 53 + exponent
        counts = (whole << np.maximum(shift, 0).astype(object)) >> np.maximum(-shift, 0).astype(object)
        return np.asarray(counts, dtype=object)
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


def check_dense(shape: tuple[int, int]) -> None:
    """Refuse to write matrices in full that are too large: N110."""
    units, inputs = shape
    if units * inputs > _LARGEST_DENSE:
        limit = f"layers are lowered in full, up to {_LARGEST_DENSE} entries"
        raise fail("N110", f"the sparse weight has {units} x {inputs} entries; {limit}")


def integers(values: Any, what: str) -> np.ndarray:
    """Exact integers; N107 if they are none."""
    array = exact_numbers(values, what)
    if array.dtype != np.int64:
        raise fail("N107", f"the {what} of a sparse weight must be integers")
    return array
