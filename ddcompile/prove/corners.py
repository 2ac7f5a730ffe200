"""Piecewise linear functions of one form P that is no integer: what relus of P, and P itself, add up to.

The relu of such a function is again a sum of relus of P, one for every corner, so that clamps and their negations have
one normal form over rationals, as they have over integers (`ddcompile.prove.ramps`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from ddcompile.prove.forms import Form, scale, total

if TYPE_CHECKING:
    from ddcompile.prove.store import Store

__all__ = ["cornered"]


@dataclass(frozen=True, slots=True)
class _Piece:
    """`slope * P + const` for all numbers P from `start` on; without a start, for all."""

    start: Fraction | None
    slope: int
    const: int


def cornered(store: Store, form: Form) -> Form | None:
    """`max(form, 0)`, times `2**form.exp`, of a form over P and relus of P; None if it is another form."""
    found = _corner_of(store, max(form.terms))
    if found is None:
        return None
    line = found[0]
    corners: list[tuple[Fraction, int]] = []
    rest: dict[int, int] = {}
    for v, c in form.terms.items():
        corner = _corner_of(store, v)
        if corner is None or corner[0] != line:
            rest[v] = c
        else:
            corners.append((corner[1], c * corner[1].denominator))
    slope = 0
    if rest:
        first = next(iter(line))
        slope = rest.get(first, 0) // line[first]
        if rest != {v: slope * c for v, c in line.items()}:
            return None
    pieces = [_Piece(None, slope, form.const)]
    for start, turn in sorted(corners):
        last = pieces[-1]
        offset = last.const - turn * start
        if offset.denominator != 1:
            return None
        pieces.append(_Piece(start, last.slope + turn, int(offset)))
    return _written(store, line, list(_rectified(pieces)))


def _corner_of(store: Store, v: int) -> tuple[Mapping[int, int], Fraction] | None:
    """The form P and the number t, if a variable is a multiple of `max(P - t, 0)`: by the denominator of t."""
    node = store.nodes[v]
    if node.kind != "relu" or node.base >= 0:
        return None
    (inner,) = node.operands
    factor = gcd(*inner.terms.values())
    return {w: c // factor for w, c in inner.terms.items()}, Fraction(-inner.const, factor)


def _rectified(pieces: list[_Piece]) -> Iterator[_Piece]:
    """The positive part of a continuous function."""
    for k, piece in enumerate(pieces):
        first, slope, const = piece.start, piece.slope, piece.const
        last = pieces[k + 1].start if k + 1 < len(pieces) else None
        if slope == 0:
            yield _Piece(first, 0, max(const, 0))
            continue
        root = Fraction(-const, slope)
        if first is None or first < root:
            yield piece if slope < 0 else _Piece(first, 0, 0)
        if last is None or root < last:
            start = root if first is None else max(root, first)
            yield _Piece(start, slope, const) if slope > 0 else _Piece(start, 0, 0)


def _written(store: Store, line: Mapping[int, int], pieces: list[_Piece]) -> Form | None:
    """A continuous function of P as a multiple of P and one relu a corner."""
    slope = pieces[0].slope
    parts = [Form({v: slope * c for v, c in line.items()} if slope else {}, pieces[0].const)]
    for piece in pieces[1:]:
        assert piece.start is not None
        turn, slope = piece.slope - slope, piece.slope
        if turn:
            factor, offset = piece.start.denominator, piece.start.numerator
            if turn % factor:
                return None
            parts.append(scale(store.corner(Form({v: factor * c for v, c in line.items()}, -offset)), turn // factor))
    return total(parts)
