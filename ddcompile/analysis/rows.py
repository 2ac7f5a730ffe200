"""Units: what is done with a weighted sum, read from the text of a clause and written back.

A unit is an affine form as it is, its sign, whether it is positive, its absolute value, or the form limited to a range:
a relu is limited below by 0, a hardtanh to -1..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal as OneOf, TypeAlias

import numpy as np

from ddcompile.analysis.exact import integers
from ddcompile.ir import builder
from ddcompile.ir.nodes import Call, Compare, Expr, Literal, Number, Reduce, Unary
from ddcompile.ir.traverse import substitute

__all__ = ["Activation", "Row", "RowKind", "activated", "activation_of", "limited", "value_of", "with_limits"]

RowKind: TypeAlias = OneOf["affine", "sign", "positive", "abs", "clamp"]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One element: a function of `weights . x + bias` over atoms `x`.

    The form of a sign or a positive row is an integer; that of others is scaled: divide by `2 ** exponent`. Atoms are
    sorted and distinct, weights are not zero.
    """

    kind: RowKind
    atoms: np.ndarray
    weights: np.ndarray
    bias: int
    exponent: int = 0
    low: Number | None = None
    """What a clamp gives at least."""
    high: Number | None = None
    """What a clamp gives at most."""
    is_inclusive: bool = False
    """Whether a positive row is 1 where its form is 0; not over integers, where 1 is added to the form."""

    @property
    def has_scale(self) -> bool:
        """Whether the size of the form matters, not only its sign."""
        return self.kind not in ("sign", "positive")

    def renumbered(self, moved: np.ndarray) -> Row:
        """The row over other atoms: `moved` says where each one went."""
        places = moved[self.atoms]
        order = np.argsort(places)
        return replace(self, atoms=places[order], weights=self.weights[order])

    def over(self, weights: Mapping[int, int], bias: int) -> Row:
        """The row with another form; atoms whose weight is 0 are left out."""
        kept = sorted(a for a, w in weights.items() if w)
        atoms = np.array(kept, dtype=np.int64)
        return replace(self, atoms=atoms, weights=integers([weights[a] for a in kept]), bias=bias)


@dataclass(frozen=True, slots=True)
class Activation:
    """How a clause is a unit: a function of `positive - negative`."""

    kind: RowKind
    positive: Expr
    negative: Expr | None = None
    strict: bool = True
    """Whether a positive unit excludes 0."""
    low: Number | None = None
    high: Number | None = None


def activation_of(value: Expr) -> Activation:
    """Split the value of a clause into what is done and the sum it is done to; an affine unit where nothing is."""
    match value:
        case Unary("sign" | "abs" as op, operand):
            return Activation(op, operand)
        case Compare((">" | ">=" as op,), (left, right)):
            return Activation("positive", left, right, strict=op == ">")
        case Compare(("<" | "<=" as op,), (left, right)):
            return Activation("positive", right, left, strict=op == "<")
        case Reduce("argmax", (binder,), body) if (binder.lower, binder.upper) == (Literal(0), Literal(2)):
            first, second = (substitute(body, {binder.name: Literal(k)}) for k in (0, 1))
            return Activation("positive", second, first)
    limits: tuple[Number | None, Number | None] = None, None
    inner = value
    while True:
        peeled = _peeled(inner)
        if peeled is None:
            break
        low, high, inner = peeled
        # What the inner limits become when the outer ones are applied to them.
        limits = (
            limits[0] if low is None else limited(low, *limits),
            limits[1] if high is None else limited(high, *limits),
        )
    return Activation("affine" if limits == (None, None) else "clamp", inner, low=limits[0], high=limits[1])


def _peeled(value: Expr) -> tuple[Number | None, Number | None, Expr] | None:
    """The limits that a relu, min or max with a literal puts on its operand."""
    match value:
        case Unary("relu", operand):
            return 0, None, operand
        case Call(function, (Literal(limit), operand) | (operand, Literal(limit))):
            return (limit, None, operand) if function == "max" else (None, limit, operand)
    return None


def limited(value: Number, low: Number | None, high: Number | None) -> Number:
    """The number of a range next to a number."""
    if low is not None and value < low:
        return low
    return high if high is not None and value > high else value


def value_of(row: Row, total: Fraction) -> Fraction:
    """The value of a unit where its form, divided by its scale, is `total`."""
    match row.kind:
        case "affine":
            return total
        case "sign":
            return Fraction((total > 0) - (total < 0))
        case "positive":
            return Fraction(total >= 0 if row.is_inclusive else total > 0)
        case "abs":
            return abs(total)
        case "clamp":
            return Fraction(limited(total, row.low, row.high))


def activated(row: Row, total: Expr, offset: Expr) -> Expr:
    """The text of a unit like `row` with this sum; a positive one is `total >= offset`, others add the offset."""
    if row.kind == "positive":
        return builder.compare(">=", total, offset)
    value = builder.add(total, offset)
    if row.kind in ("sign", "abs"):
        return builder.unary("sign" if row.kind == "sign" else "abs", value)
    if (row.low, row.high) == (0, None):
        return builder.unary("relu", value)
    if row.high is not None:
        value = builder.call("min", (value, row.high))
    return value if row.low is None else builder.call("max", (value, row.low))


def with_limits(row: Row, low: Number | None, high: Number | None) -> Row:
    """A clamp with other limits; an affine row without any."""
    return replace(row, kind="affine" if low is None and high is None else "clamp", low=low, high=high)
