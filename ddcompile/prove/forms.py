"""Exact affine forms over numbered variables: `(sum of terms[v] * v + const) / 2**exp`.

Every constant of the rule IR is a dyadic rational, so forms carry integers and one common power of two and no
rounding ever happens. Forms are immutable; `key` is a canonical, hashable description: two forms over the same
variables are equal as functions of free variables exactly when their keys are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from operator import floordiv
from typing import Final, TypeAlias

from ddcompile.ir.nodes import Number
from ddcompile.prove.intervals import Interval, meet, plus, times

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
    "bounded",
    "complement",
    "constant",
    "dyadic",
    "exact",
    "key",
    "normal",
    "quotient",
    "scale",
    "spans",
    "subtract",
    "total",
    "variable",
]

FormKey: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int, int]


class Decline(Exception):
    """The checker cannot follow a definition; the message says why. Never means that anything is equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """`(sum of terms[v] * v + const) / 2**exp`; no coefficient is zero and `exp >= 0`.

    How a form came about may bound it better than its variables do: that of `|x| = 2 relu(x) - x` is not negative.
    """

    terms: Mapping[int, int]
    const: int
    exp: int = 0
    low: int | None = None
    """A lower bound of the form times `2**exp`, if one is known beside those of its variables."""
    high: int | None = None
    """An upper bound likewise."""

    @property
    def span(self) -> Interval:
        """What is known of the range of the form times `2**exp`."""
        return (self.low, self.high) if self.terms else (self.const, self.const)


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
    terms = {v: c * number for v, c in form.terms.items()}
    return Form(terms, form.const * number, form.exp + exp, *times(form.span, (number, number)))


def total(items: Iterable[Form]) -> Form:
    """The sum of forms."""
    forms = list(items)
    if len(forms) == 1:
        return forms[0]
    exp = max((f.exp for f in forms), default=0)
    variable_forms = [f for f in forms if f.terms]
    if len(variable_forms) == 1 and variable_forms[0].exp == exp:
        return _moved(variable_forms[0], [f for f in forms if not f.terms])
    terms: dict[int, int] = {}
    const = 0
    span: Interval = (0, 0)
    get = terms.get
    for form in forms:
        shift = exp - form.exp
        const += form.const << shift
        span = plus(span, times(form.span, (1 << shift, 1 << shift)))
        for v, c in form.terms.items():
            terms[v] = get(v, 0) + (c << shift)
    return Form({v: c for v, c in terms.items() if c}, const, exp, *span)


def _moved(form: Form, numbers: Sequence[Form]) -> Form:
    """A form plus numbers, which have no more denominator."""
    offset = sum(f.const << form.exp - f.exp for f in numbers)
    return Form(form.terms, form.const + offset, form.exp, *plus(form.span, (offset, offset)))


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
    low = None if form.low is None else form.low >> shift
    high = None if form.high is None else -(-form.high >> shift)
    return Form({v: c >> shift for v, c in form.terms.items()}, form.const >> shift, form.exp - shift, low, high)


def quotient(form: Form, divisor: int) -> Form:
    """`(form * 2**exp - const) / divisor` of a form whose coefficients the divisor divides."""
    ends = [None if end is None else end - form.const for end in (form.low, form.high)]
    first, last = ends if divisor > 0 else ends[::-1]
    low = None if first is None else first // divisor
    high = None if last is None else -(last // -divisor)
    terms = form.terms
    if divisor != 1:
        terms = dict(zip(terms, map(floordiv, terms.values(), repeat(divisor)), strict=False))
    return Form(terms, 0, 0, low, high)


def spans(forms: Sequence[Form]) -> tuple[list[Interval], int]:
    """What is known of the ranges of forms times `2**exp`, and this `exp`."""
    exp = max(f.exp for f in forms)
    return [times(f.span, (1 << exp - f.exp, 1 << exp - f.exp)) for f in forms], exp


def bounded(form: Form, span: Interval, exp: int) -> Form:
    """The form, known to lie in `span` divided by `2**exp`."""
    low, high = times(span, (1 << max(0, form.exp - exp), 1 << max(0, form.exp - exp)))
    shift = max(0, exp - form.exp)
    span = None if low is None else low >> shift, None if high is None else -(-high >> shift)
    return Form(form.terms, form.const, form.exp, *meet(form.span, span))


def key(form: Form) -> FormKey:
    """The canonical description of a form."""
    form = normal(form)
    terms = form.terms
    ids = tuple(sorted(terms))
    factors = tuple(terms.values()) if ids == tuple(terms) else tuple([terms[v] for v in ids])
    return (ids, factors, form.const, form.exp)
