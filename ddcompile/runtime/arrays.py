"""NumPy arrays in and out of rules: validation, canonical layout, batch axes.

Every engine takes its inputs from `prepare` and gives its results through `results`, so that they accept and refuse the
same arrays with the same messages.

| code | says |
|---|---|
| A001 | wrong number of inputs |
| A002 | an input is no numeric array |
| A003 | an input has too few axes, or the batch axes of two inputs differ |
| A004 | an input has another shape than the rule declares |
| A005 | a value is not of the declared type |
| A006 | a value is NaN or infinite |
| A007 | an input is given by a name that is none, or twice |
| A008 | a rational is no double, which compiled C needs |
| A009 | words are no packed bits, or something is no bit and cannot be packed |
| A010 | there are more or fewer shapes or axes than the rule has inputs or axes |
| A011 | no sizes give the inputs their shapes |
| A013 | a size is missing, or no positive whole number |
| A014 | sizes that code compiled for all sizes does not take |
| A015 | a size that the shapes do not tell is not given |
| A016 | a size is given that the rule does not have |
"""

from __future__ import annotations

import keyword
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import prod
from numbers import Integral, Rational
from typing import Any, Protocol

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.ir.nodes import Declaration, Kind, Rule
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.scaled import double
from ddcompile.ir.types import declared_type
from ddcompile.runtime.shapes import check_number, matched

__all__ = [
    "Prepared", "ResultTypes", "bundle", "canonical", "canonical_dtype", "canonical_results", "holds", "prepare",
    "result_field", "results",
]  # fmt: skip

_DTYPES: dict[Kind, type] = {"bit": np.uint8, "spin": np.int8, "trit": np.int8, "real": np.float64}
_WORDS: dict[Kind, str] = {"bit": "0 or 1", "spin": "-1 or +1", "trit": "-1, 0 or +1", "real": "a finite double"}
_SAFE = 2.0**62
_EXACT = 2.0**53
"""Integers below are doubles."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Inputs in canonical form.

    Attributes
    ----------
    rule
        The rule without sizes.
    arrays
        One C-contiguous array an input, of shape (batch, *shape), to be read only. The dtype follows from the declared
        kind: bit uint8, spin and trit int8, int int64 (objects, Python integers, if the declared range is wider), rat
        objects (`Fraction`), real float64.
    batch_shape
        The batch axes as they were; their product is the first extent of every array.
    unchecked
        The arrays, flat, of which values have not been compared with their types yet, and these.
    """

    rule: Rule
    arrays: tuple[np.ndarray, ...]
    batch_shape: tuple[int, ...]
    unchecked: tuple[tuple[np.ndarray, ValueType], ...] = ()

    def holds(self, start: int, stop: int, parts: int) -> bool:
        """Whether all values of parts `start` to `stop - 1` are of their types, if arrays are divided into parts."""
        return all(
            holds(array[array.size * start // parts : array.size * stop // parts], declared)
            for array, declared in self.unchecked
        )

    def but(self, kind: Kind) -> Prepared | None:
        """The same, for code that compares values of this kind itself; None if that leaves nothing unchecked."""
        rest = tuple((array, declared) for array, declared in self.unchecked if declared.kind != kind)
        return replace(self, unchecked=rest) if rest else None


def prepare(rule: Rule, arrays: Sequence[Any], *, is_deferred: bool = False) -> Prepared:
    """Validate the inputs of a rule and bring them into canonical form.

    Parameters
    ----------
    rule
        A verified rule, possibly with sizes.
    arrays
        One array an input in declared order, of any integer, bool, float or object dtype, in which every value is
        exactly one of the declared type. Leading axes beyond the declared ones are batch axes, the same for all inputs.
    is_deferred
        Whether values may stay unchecked where they are taken as they are: whoever reads them first checks them, by
        `Prepared.holds`, while they are in the processor's cache.

    Raises
    ------
    CompileError
        Naming the input and, for a value at fault, its position: codes A###.
    """
    check_number(rule, len(arrays))
    given = [_as_array(array, declaration) for array, declaration in zip(arrays, rule.inputs, strict=True)]
    rule, batch_shape = matched(rule, [array.shape for array in given])
    prepared, unchecked = [], []
    for array, declaration in zip(given, rule.inputs, strict=True):
        flat = array.reshape((prod(batch_shape), *array.shape[len(batch_shape) :]))
        as_it_is = _as_it_is(flat, declaration) if is_deferred else None
        if as_it_is is None:
            prepared.append(_canonical(flat, declaration, batch_shape))
        else:
            prepared.append(as_it_is)
            unchecked.append((as_it_is.reshape(-1), declared_type(declaration.type, is_input=True)))
    return Prepared(rule, tuple(prepared), batch_shape, tuple(unchecked))


def _as_it_is(array: np.ndarray, declaration: Declaration) -> np.ndarray | None:
    """An array whose values need no conversion, in canonical form; None if they do."""
    kind = declaration.type.kind
    dtype = canonical_dtype(kind, declared_type(declaration.type, is_input=True))
    if kind in ("rat", "real") or dtype is object:
        return None
    if array.dtype != dtype and not (dtype == np.uint8 and array.dtype in (np.bool_, np.int8)):
        return None
    return np.ascontiguousarray(array).view(dtype)


def canonical_dtype(kind: Kind, declared: ValueType) -> type:
    """The dtype of the canonical form."""
    return _DTYPES.get(kind, np.int64 if declared.fits(64) else object)


def _as_array(value: Any, declaration: Declaration) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise fail("A002", f"`{declaration.name}` is no array: {error}", place=declaration.name) from error
    except OverflowError:
        array = np.asarray(value, dtype=object)
    if array.dtype.kind in "biuO" or (array.dtype.kind == "f" and array.dtype.itemsize <= 8):
        return array
    raise fail(
        "A002",
        f"`{declaration.name}` has dtype {array.dtype}, which holds no exact numbers",
        place=declaration.name,
        hint="give an integer, bool or float64 array",
    )


def _canonical(array: np.ndarray, declaration: Declaration, batch_shape: tuple[int, ...]) -> np.ndarray:
    """Values checked against the declared type; `array` has one batch axis."""
    kind = declaration.type.kind
    declared = declared_type(declaration.type, is_input=True)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _value_error(array, ~np.isfinite(array), declaration, batch_shape, "A006")
    if kind == "real":
        return _doubles(array, declaration, batch_shape)
    if array.dtype == object or kind == "rat":
        array = _exact_objects(array, declaration, batch_shape)
    if kind == "rat":
        return array
    integers = _integers(array, declaration, batch_shape)
    bad = _outside(integers, declared)
    if bad is not None:
        raise _value_error(array, bad, declaration, batch_shape)
    return np.ascontiguousarray(integers, dtype=canonical_dtype(kind, declared))


def _doubles(array: np.ndarray, declaration: Declaration, batch_shape: tuple[int, ...]) -> np.ndarray:
    """The same numbers as doubles."""
    if array.dtype == object:
        given = array.ravel().tolist()
        array = _exact_objects(array, declaration, batch_shape)
        pairs = zip(given, array.flat, strict=True)
        nearest = [v if isinstance(v, float) else double(e.numerator, e.denominator) for v, e in pairs]
        found = np.array(nearest, dtype=np.float64).reshape(array.shape)
    else:
        found = array.astype(np.float64)
    if array.dtype == object or (array.dtype.kind != "f" and bool((np.abs(found) >= _EXACT).any())):
        both = zip(found.ravel().tolist(), array.ravel().tolist(), strict=True)
        bad = np.array([x != v for x, v in both], dtype=bool).reshape(array.shape)
        if bad.any():
            raise _value_error(array, bad, declaration, batch_shape)
    return np.ascontiguousarray(found)


def _integers(array: np.ndarray, declaration: Declaration, batch_shape: tuple[int, ...]) -> np.ndarray:
    """The same numbers as integers."""
    if array.dtype == object:
        bad = np.array([v.denominator != 1 for v in array.flat], dtype=bool).reshape(array.shape)
        if bad.any():
            raise _value_error(array, bad, declaration, batch_shape)
        return array
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype.kind != "f":
        return array
    array = array.astype(np.float64)
    bad = array != np.rint(array)
    if bad.any():
        raise _value_error(array, bad, declaration, batch_shape)
    if bool((np.abs(array) < _SAFE).all()):
        return array.astype(np.int64)
    return _objects([int(v) for v in array.ravel().tolist()], array.shape)


def holds(array: np.ndarray, declared: ValueType) -> bool:
    """Whether all values of an array, of the canonical dtype, are of the declared type of an input, which is no rat."""
    if declared.kind == "real":
        return bool(np.isfinite(array).all())
    return _outside(array, declared) is None


def _outside(integers: np.ndarray, declared: ValueType) -> np.ndarray | None:
    """Where integers are not of the declared type; None if nowhere."""
    if declared.kind == "spin":
        bad = (integers != 1) & (integers != -1)
    else:
        assert declared.low is not None, "inputs are bounded"
        assert declared.high is not None, "inputs are bounded"
        if integers.size:
            is_above = (integers.dtype.kind == "u" and declared.low <= 0) or bool(declared.low <= integers.min())
            if is_above and bool(integers.max() <= declared.high):
                return None
        bad = np.asarray((integers < declared.low) | (integers > declared.high), dtype=bool)
    return bad if bool(bad.any()) else None


def _exact_objects(array: np.ndarray, declaration: Declaration, batch_shape: tuple[int, ...]) -> np.ndarray:
    """Python integers and, for rat, `Fraction`s; refuses what is no number or, for rat, has no binary expansion."""
    values: list[Any] = []
    for number, value in enumerate(array.ravel().tolist()):
        is_number = isinstance(value, Integral | Rational) or (isinstance(value, float) and np.isfinite(value))
        exact = Fraction(int(value) if isinstance(value, Integral) else value) if is_number else Fraction(0)
        if not is_number or (declaration.type.kind == "rat" and exact.denominator & (exact.denominator - 1)):
            bad = np.zeros(array.size, dtype=bool)
            bad[number] = True
            code = "A006" if isinstance(value, float) else "A005"
            raise _value_error(array, bad.reshape(array.shape), declaration, batch_shape, code)
        is_fraction = declaration.type.kind == "rat" or exact.denominator != 1
        values.append(exact if is_fraction else exact.numerator)
    return _objects(values, array.shape)


def _objects(values: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def _value_error(
    array: np.ndarray, bad: np.ndarray, declaration: Declaration, batch_shape: tuple[int, ...], code: str = "A005"
) -> CompileError:
    first = np.unravel_index(int(np.argmax(bad)), bad.shape)
    value = array[first]
    element = ", ".join(str(int(k)) for k in first[1:])
    where = f"`{declaration.name}[{element}]`" if element else f"`{declaration.name}`"
    if batch_shape:
        sample = ", ".join(str(int(k)) for k in np.unravel_index(int(first[0]), batch_shape))
        where += f" of sample {sample}"
    others = int(bad.sum()) - 1
    more = f" ({others} more)" if others else ""
    declared = declaration.type
    wanted = _WORDS.get(declared.kind, declared.kind)
    if declared.kind == "int":
        bounds = declared_type(declared, is_input=True)
        wanted = f"an integer in {bounds.low}..{bounds.high}"
    elif declared.kind == "rat":
        wanted = "an integer over a power of two"
    return fail(code, f"{where} is {_value_text(value)}, not {wanted}{more}", place=declaration.name)


def _value_text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


class ResultTypes(Protocol):
    """The exponents and ranges of results, and their shapes, by name."""

    @property
    def tensor(self) -> Mapping[str, ValueType]:
        """The types."""

    @property
    def shape(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes."""


def canonical_results(
    rule: Rule, types: ResultTypes, arrays: Sequence[np.ndarray], batch_shape: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """Raw results as arrays of their declared kinds.

    Parameters
    ----------
    rule
        The rule without sizes.
    types
        The types of its results, if not of all tensors.
    arrays
        One array a result of shape (batch, *shape): scaled integers of any integer dtype or objects; float64 for real.

    Returns
    -------
    tuple of ndarray
        Of shape (*batch_shape, *shape): bit uint8, spin and trit int8, int int64 (objects if the inferred range is
        wider), rat objects (`Fraction`), real float64.
    """
    pairs = zip(rule.outputs, arrays, strict=True)
    return tuple(canonical(declaration, types, array, batch_shape) for declaration, array in pairs)


def canonical(
    declaration: Declaration, types: ResultTypes, array: np.ndarray, batch_shape: tuple[int, ...]
) -> np.ndarray:
    """One raw result as `canonical_results` gives it."""
    value_type = types.tensor[declaration.name]
    kind = declaration.type.kind
    if kind == "rat":
        scale = 1 << value_type.exponent
        result = _objects([Fraction(int(n), scale) for n in array.ravel().tolist()], array.shape)
    else:
        result = array.astype(canonical_dtype(kind, value_type), copy=False)
    reshaped: np.ndarray = result.reshape((*batch_shape, *types.shape[declaration.name]))
    return reshaped


def results(rule: Rule, types: ResultTypes, arrays: Sequence[np.ndarray], batch_shape: tuple[int, ...]) -> Any:
    """What a call of a rule gives: a bare array for one result, a NamedTuple for several.

    The parameters are those of `canonical_results`. Fields are named like the results (see `result_field`).
    """
    return bundle(rule, canonical_results(rule, types, arrays, batch_shape))


def bundle(rule: Rule, found: Sequence[Any]) -> Any:
    """Canonical results as a call gives them: a bare array for one result, a NamedTuple for several."""
    if len(found) == 1:
        return found[0]
    return _result_class(rule.name, tuple(d.name for d in rule.outputs))(*found)


def result_field(name: str) -> str:
    """The field of a result: its name; `class_` for `class`, `u_x` for `_x`, which Python does not allow."""
    if keyword.iskeyword(name):
        return name + "_"
    return "u" + name if name.startswith("_") else name


@lru_cache(maxsize=256)
def _result_class(rule_name: str, names: tuple[str, ...]) -> Any:
    fields: list[str] = []
    for name in names:
        field = result_field(name)
        while field in fields:
            field += "_"
        fields.append(field)
    return namedtuple(f"{rule_name}_result".title().replace("_", ""), fields)
