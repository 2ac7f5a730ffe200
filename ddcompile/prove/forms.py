"""Exact affine forms over numbered variables: `(sum of terms[v] * v + const) / 2**exp`.

Every constant of the rule IR is a dyadic rational, so forms carry integers and one common power of two and no
rounding ever happens. Forms are immutable; `key` is a canonical, hashable description: two forms over the same
variables are equal as functions of free variables exactly when their keys are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

from ddcompile.ir.nodes import Number

__all__ = [
    "ONE",
    "ZERO",
    "Decline",
    "Form",
    "FormKey",
    "Value",
    "add",
    "as_form",
    "as_number",
    "complement",
    "constant",
    "dyadic",
    "exact",
    "key",
    "normal",
    "scale",
    "subtract",
    "total",
    "variable",
]

FormKey: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int, int]


class Decline(Exception):
    """The checker cannot follow a definition; the message says why. Never means that anything is equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """`(sum of terms[v] * v + const) / 2**exp`; no coefficient is zero and `exp >= 0`."""

    terms: Mapping[int, int]
    const: int
    exp: int = 0


Value: TypeAlias = Number | Form

ZERO: Final = Form({}, 0)
ONE: Final = Form({}, 1)


def exact(value: Number) -> Number:
    """The same number as a plain int if it is one, else a fraction of plain ints."""
    if type(value) is int:
        return value
    numerator, denominator = int(value.numerator), int(value.denominator)
    return numerator if denominator == 1 else Fraction(numerator, denominator)


def dyadic(value: Number) -> tuple[int, int]:
    """`(n, e)` with `value == n / 2**e`."""
    value = exact(value)
    if isinstance(value, int):
        return value, 0
    bits = value.denominator.bit_length() - 1
    if value.denominator != 1 << bits:
        raise Decline(f"{value} is no dyadic rational")
    return value.numerator, bits


def constant(value: Number) -> Form:
    """The form of a number."""
    number, exp = dyadic(value)
    return Form({}, number, exp)


def variable(index: int) -> Form:
    """The form of one variable."""
    return Form({index: 1}, 0)


def as_form(value: Value) -> Form:
    """A number or a form as a form."""
    return value if isinstance(value, Form) else constant(value)


def as_number(form: Form) -> Number | None:
    """The value of a constant form, None for others."""
    if form.terms:
        return None
    return exact(Fraction(form.const, 1 << form.exp)) if form.exp else form.const


def scale(form: Form, factor: Number) -> Form:
    """`factor * form`."""
    number, exp = dyadic(factor)
    if number == 0:
        return ZERO
    return Form({v: c * number for v, c in form.terms.items()}, form.const * number, form.exp + exp)


def total(items: Iterable[Form]) -> Form:
    """The sum of forms."""
    forms = list(items)
    if len(forms) == 1:
        return forms[0]
    exp = max((f.exp for f in forms), default=0)
    terms: dict[int, int] = {}
    const = 0
    get = terms.get
    for form in forms:
        shift = exp - form.exp
        const += form.const << shift
        for v, c in form.terms.items():
            terms[v] = get(v, 0) + (c << shift)
    return Form({v: c for v, c in terms.items() if c}, const, exp)


def add(left: Form, right: Form) -> Form:
    """`left + right`."""
    return total((left, right))


def subtract(left: Form, right: Form) -> Form:
    """`left - right`."""
    return total((left, scale(right, -1)))


def complement(bit: Form) -> Form:
    """`1 - bit`."""
    return subtract(ONE, bit)


def normal(form: Form) -> Form:
    """The same form with the least `exp`."""
    if form.exp == 0:
        return form
    bits = form.const
    for c in form.terms.values():
        bits |= c
    if bits == 0:
        return ZERO
    shift = min(form.exp, (bits & -bits).bit_length() - 1)
    if shift == 0:
        return form
    return Form({v: c >> shift for v, c in form.terms.items()}, form.const >> shift, form.exp - shift)


def key(form: Form) -> FormKey:
    """The canonical description of a form."""
    form = normal(form)
    ids = sorted(form.terms)
    return (tuple(ids), tuple([form.terms[v] for v in ids]), form.const, form.exp)


def keys(forms: Sequence[Form]) -> tuple[FormKey, ...]:
    """The descriptions of several forms."""
    return tuple(key(f) for f in forms)
