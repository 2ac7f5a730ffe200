"""What flows through a graph: constants as arrays of numpy, and units of layers, arranged in tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal as OneOf, TypeAlias

import numpy as np
from onnx import TensorProto, helper

from ddcompile.diagnostics import fail
from ddcompile.frontends.onnx.ranges import ANY, BIT, Range
from ddcompile.frontends.weights import objects
from ddcompile.ir.nodes import canonical_array

__all__ = [
    "SAMPLE",
    "Head",
    "Units",
    "Value",
    "element_of",
    "exact_of",
    "is_number_type",
    "plain",
    "range_of_type",
    "type_name",
    "wide",
]

SAMPLE = 1 << 40
"""How far the numbers of the same unit in neighbouring samples are apart."""

Element: TypeAlias = OneOf["bool", "int", "float"]

_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
_INTEGERS: Mapping[int, tuple[int, bool]] = {
    TensorProto.INT4: (4, True),
    TensorProto.INT8: (8, True),
    TensorProto.INT16: (16, True),
    TensorProto.INT32: (32, True),
    TensorProto.INT64: (64, True),
    TensorProto.UINT4: (4, False),
    TensorProto.UINT8: (8, False),
    TensorProto.UINT16: (16, False),
    TensorProto.UINT32: (32, False),
    TensorProto.UINT64: (64, False),
}


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """A tensor of units, with a small batch if there is one.

    The id of a unit in sample s is its number plus `s * SAMPLE`, so whoever moves elements about moves ids about.

    Attributes
    ----------
    ids : array of int
        Of the shape that the tensor has in the graph.
    type : int
        The element type, as ONNX numbers them.
    range : Range
        What is known of all values.
    """

    ids: np.ndarray
    type: int
    range: Range = ANY

    @property
    def element(self) -> Element:
        """Truth values, integers or floats."""
        return element_of(self.type)

    def moved(self, ids: np.ndarray) -> Units:
        """Other elements of the same tensors."""
        return replace(self, ids=ids)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What argmax or softmax gives; argmax becomes comparisons if anything but the end of the network reads it.

    Attributes
    ----------
    scores : Units
        The last axis is that which is decided over.
    shape : tuple of int
        Of the result.
    type : int
        The element type of the result, as ONNX numbers them.
    labels : array, optional
        What argmax gives in place of the numbers of the scores.
    names : tuple of str
        What the classes are called, where they have names.
    """

    kind: OneOf["argmax", "softmax"]
    scores: Units
    shape: tuple[int, ...]
    type: int
    labels: np.ndarray | None = None
    names: tuple[str, ...] = ()


Value: TypeAlias = np.ndarray | Units | Head


def element_of(kind: int) -> Element:
    """Whether an element type is of truth values, integers or floats."""
    return "bool" if kind == TensorProto.BOOL else "int" if kind in _INTEGERS else "float"


def type_name(kind: int) -> str:
    """`float32` and so on."""
    found = str(helper.tensor_dtype_to_np_dtype(kind))
    return TensorProto.DataType.Name(kind).lower() if found == "object" else found


def wide(x: Units) -> Units:
    """The same values with room for sums: integers of 64 bits in place of others and of truth values."""
    return x if x.element == "float" else replace(x, type=TensorProto.INT64)


def range_of_type(kind: int) -> Range:
    """The values that an element type has."""
    if kind == TensorProto.BOOL:
        return BIT
    if kind in _INTEGERS:
        bits, is_signed = _INTEGERS[kind]
        return Range(-(1 << (bits - 1)), (1 << (bits - 1)) - 1, True) if is_signed else Range(0, (1 << bits) - 1, True)
    return ANY


def is_number_type(kind: int) -> bool:
    """Whether values of an element type are imported."""
    return kind in _FLOATS or kind in _INTEGERS or kind == TensorProto.BOOL


def exact_of(array: np.ndarray, what: str, place: str) -> np.ndarray:
    """The exact numbers of a constant, as Python ints and fractions.

    Raises
    ------
    CompileError
        N101, N102 if they are not finite numbers.
    """
    return objects(plain(array, what, place))


def plain(array: np.ndarray, what: str, place: str) -> np.ndarray:
    """The exact numbers of a constant in canonical form.

    Raises
    ------
    CompileError
        N101 if they are not integers or floats, N102 if one is not finite.
    """
    if array.dtype.kind == "V" or (array.dtype.kind == "f" and array.dtype.itemsize < 8):
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise fail("N101", f"the {what} has type {array.dtype}; integers and floats are read", place=place)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        position = np.argwhere(~np.isfinite(array))[0].tolist()
        where = f" at {position}" if position else ""
        message = f"the {what} is {array[tuple(position)]}{where}; every number must be finite"
        raise fail("N102", message, place=place)
    return canonical_array(array)
