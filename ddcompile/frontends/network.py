"""A trained layered network, as read from a file or built in memory: exact weights, checked shapes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import canonical_array

__all__ = ["ACTIVATIONS", "Activation", "Layer", "Network", "Sparse"]

Activation: TypeAlias = Literal["sign", "step", "relu", "identity", "abs", "hardtanh"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)

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
        data, indices = _numbers(self.data, "data"), _integers(self.indices, "indices")
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
        """The matrix in full, in canonical form.

        Raises
        ------
        CompileError
            N110, if it has more than 2**26 entries.
        """
        units, inputs = self.shape
        if units * inputs > _LARGEST_DENSE:
            limit = f"layers are lowered in full, up to {_LARGEST_DENSE} entries"
            raise fail("N110", f"the sparse weight has {units} x {inputs} entries; {limit}")
        full = np.zeros(self.shape, dtype=self.data.dtype)
        full[np.repeat(np.arange(units), np.diff(self.indptr)), self.indices] = self.data
        return canonical_array(full)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """`activation(weight @ x + bias)`, exactly, for every real number in `weight` and `bias`.

    Integers and floats of up to 64 bits are taken as the exact numbers they are. `step(x)` is 1 where x > 0, else 0;
    `sign(0)` is 0; `hardtanh(x)` is x limited to -1..1.

    Parameters
    ----------
    weight : array_like of shape (units, inputs), or Sparse
    bias : array_like of shape (units,)
    activation : {"sign", "step", "relu", "identity", "abs", "hardtanh"}

    Raises
    ------
    CompileError
        N101 to N105: wrong number type, entries that are not finite, wrong shapes, unknown activation.
    """

    weight: np.ndarray | Sparse
    bias: np.ndarray
    activation: Activation = "identity"

    def __post_init__(self) -> None:
        weight = self.weight if isinstance(self.weight, Sparse) else _numbers(self.weight, "weight")
        if len(weight.shape) != 2:
            raise fail("N103", f"the weight has shape {weight.shape}; it must have two axes (units, inputs)")
        if 0 in weight.shape:
            raise fail("N103", f"the weight has shape {weight.shape}; a layer needs units and inputs")
        bias = _numbers(self.bias, "bias")
        if bias.shape != weight.shape[:1]:
            raise fail("N104", f"the bias has shape {bias.shape}, but the weight has {weight.shape[0]} units")
        if self.activation not in ACTIVATIONS:
            known = f"known activations: {', '.join(ACTIVATIONS)}"
            raise fail("N105", f"unknown activation `{self.activation}`", hint=known)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)

    @property
    def units(self) -> int:
        """How many units the layer has."""
        return int(self.weight.shape[0])

    @property
    def inputs(self) -> int:
        """How many values the layer reads."""
        return int(self.weight.shape[1])

    def dense_weight(self) -> np.ndarray:
        """The weight as a full (units, inputs) array in canonical form."""
        return self.weight.dense() if isinstance(self.weight, Sparse) else self.weight


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Layers in order.

    Parameters
    ----------
    layers : sequence of Layer
        Each reads the units of the one before it.
    name : str
        What the network is called; when read from a file, the stem of the file.

    Attributes
    ----------
    sha256 : str
        Hash of the exact content: activations, shapes, weights and biases. It depends neither on how a number is
        stored (float32, int8, sparse, ...) nor on the name.

    Raises
    ------
    CompileError
        N106 if a layer does not read what the layer before it gives, N108 if there is no layer.
    """

    layers: tuple[Layer, ...]
    name: str = "network"
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise fail("N108", "the network has no layers")
        for k, (before, layer) in enumerate(zip(self.layers, self.layers[1:], strict=False), start=1):
            if layer.inputs != before.units:
                raise fail("N106", f"layer {k} reads {layer.inputs} values, but layer {k - 1} has {before.units} units")
        object.__setattr__(self, "sha256", _content_hash(self.layers))

    @property
    def inputs(self) -> int:
        """How many values the network reads."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """How many units the last layer has."""
        return self.layers[-1].units

    @property
    def parameters(self) -> int:
        """How many weights and biases there are; of a sparse weight, the entries that are stored."""
        weights = (w.data if isinstance(w, Sparse) else w for w in (layer.weight for layer in self.layers))
        return sum(w.size for w in weights) + sum(layer.units for layer in self.layers)


def _numbers(values: Any, what: str) -> np.ndarray:
    """Exact numbers in canonical form, or a diagnostic."""
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


def _integers(values: Any, what: str) -> np.ndarray:
    array = _numbers(values, what)
    if array.dtype != np.int64:
        raise fail("N107", f"the {what} of a sparse weight must be integers")
    return array


def _content_hash(layers: tuple[Layer, ...]) -> str:
    """The hash of every layer as sorted sparse rows, whichever way its weight is held."""
    digest = hashlib.sha256(b"ddcompile network 1\n")
    for layer in layers:
        digest.update(f"{layer.activation} {layer.units} {layer.inputs}\n".encode())
        weight = layer.weight
        if isinstance(weight, Sparse):
            parts = (weight.indptr, weight.indices, weight.data)
        else:
            rows, columns = np.nonzero(weight)
            starts = np.searchsorted(rows, np.arange(layer.units + 1))
            parts = (starts, columns, canonical_array(weight[rows, columns]))
        for part in (*parts, layer.bias):
            _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, array: np.ndarray) -> None:
    """Add a canonical array: its element type and its little-endian bytes, or its numbers as text."""
    if array.dtype == object:
        digest.update(f"exact {' '.join(map(str, array.tolist()))}\n".encode())
    else:
        little = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"{little.dtype.str} {little.size}\n".encode())
        digest.update(little.tobytes())
