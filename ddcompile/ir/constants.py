"""Data of constants: as text, as JSON, and named by a hash so that it can live outside the rule."""

from __future__ import annotations

import hashlib
import json
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Number, canonical_array
from ddcompile.ir.syntax import integer, number, number_text

__all__ = ["array_from_json", "array_from_text", "array_sha256", "array_text", "array_to_json"]

_EXACT_TEXT = re.compile(r"(-?[0-9]+)(?:/([0-9]*[1-9][0-9]*))?")
_EXACT = 2.0**53
"""Below this magnitude NumPy cannot have rounded an integer on its way to float64."""


def array_text(array: np.ndarray) -> str:
    """The canonical text of an array in canonical form: nested brackets, or one number for a scalar.

    Raises
    ------
    ValueError
        If an entry is neither an integer nor a double.
    """
    if array.dtype == object and array.size:
        return _object_text(array)
    return repr(array.tolist())


def _object_text(array: np.ndarray) -> str:
    texts = [number_text(value) for value in array.ravel().tolist()]
    for extent in reversed(array.shape):
        count = len(texts) // extent
        texts = ["[" + ", ".join(texts[k * extent : (k + 1) * extent]) + "]" for k in range(count)]
    return texts[0]


def array_from_text(text: str) -> np.ndarray:
    """Read nested brackets of numbers, or one number, into canonical form. A point means the nearest double.

    Raises
    ------
    json.JSONDecodeError
        If the text is not well formed; its `pos` tells where.
    ValueError
        If the rows differ in length, or a number is too large for a double.
    """
    if not text.startswith("["):
        try:
            return canonical_array(number(text))
        except OverflowError as error:
            raise ValueError("the number is too large for a double") from error
    try:
        values = json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise ValueError("the brackets are nested too deeply") from error
    except ValueError:  # an integer longer than int() takes
        values = json.loads(text, parse_int=integer)
    return _exact_array(values)


def _exact_array(values: Any) -> np.ndarray:
    """Canonical form of nested lists of int and float, without the rounding of mixed lists by NumPy."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError("the rows differ in length") from error
    except OverflowError:
        array = np.asarray(values, dtype=object)
    if array.dtype == np.float64 and array.size and not bool((np.abs(array) < _EXACT).all()):
        if not bool(np.isfinite(array).all()):
            raise ValueError("a number is too large for a double")
        array = np.asarray(values, dtype=object)
    if array.dtype == object and any(isinstance(v, list) for v in array.flat):
        raise ValueError("the rows differ in length")
    return canonical_array(array)


def array_sha256(array: np.ndarray) -> str:
    """The hash that names an array: SHA-256 of its type, shape and entries in canonical form, on any machine."""
    array = canonical_array(array)
    if array.dtype == object:
        kind, data = "exact", ",".join(_exact_text(value) for value in array.ravel().tolist()).encode()
    else:
        kind, data = array.dtype.name, array.astype(array.dtype.newbyteorder("<")).tobytes()
    digest = hashlib.sha256(f"{kind} {','.join(map(str, array.shape))}\n".encode())
    digest.update(data)
    return digest.hexdigest()


def array_to_json(array: np.ndarray) -> dict[str, Any]:
    """Encode an array in canonical form: its shape, and its entries as numbers or, where JSON would lose, texts."""
    flat = array.ravel().tolist()
    if array.dtype == object:
        return {"shape": list(array.shape), "exact": [_exact_text(value) for value in flat]}
    return {"shape": list(array.shape), "values": flat}


def array_from_json(data: Any) -> np.ndarray:
    """Decode what `array_to_json` made, in canonical form.

    Raises
    ------
    ValueError
        If the data has another layout, or the shape does not fit the entries.
    """
    if not isinstance(data, dict) or not isinstance(data.get("shape"), list):
        raise ValueError("an array needs a shape")
    shape: list[int] = data["shape"]
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("the shape of an array is a list of counts")
    if "exact" in data:
        array = np.empty(len(data["exact"]), dtype=object)
        array[:] = [_exact_value(text) for text in data["exact"]]
    else:
        values = data.get("values")
        if not isinstance(values, list) or not set(map(type, values)) <= {int, float}:
            raise ValueError("the values of an array are numbers")
        array = _exact_array(values)
    if array.size != math.prod(shape):
        raise ValueError(f"{array.size} entries do not fill the shape {shape}")
    return canonical_array(array.reshape(shape))


def _exact_text(value: Number) -> str:
    if isinstance(value, int):
        return number_text(value)
    return f"{number_text(value.numerator)}/{number_text(value.denominator)}"


def _exact_value(text: Any) -> Number:
    if not isinstance(text, str) or (found := _EXACT_TEXT.fullmatch(text)) is None:
        raise ValueError("an exact entry is a text such as 3 or -1/3")
    numerator, denominator = found.groups()
    return Fraction(integer(numerator), integer(denominator or "1"))
