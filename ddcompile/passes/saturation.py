"""Layers whose activation does less than it could: what ranges say of all units at once.

A relu that never cuts is its sum, a clamp may lose a side, and over integers a clamp to -1..1 is the sign, one to 0..1
whether the sum is positive; the sign of a sum that is -1, 0 or 1 is the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from ddcompile.analysis.rows import Row, with_limits
from ddcompile.passes.aliases import Range, reduced

__all__ = ["settled"]


def settled(rows: Sequence[Row], spans: Sequence[Range | None], *, integral: bool, sums: bool) -> list[Row]:
    """The rows of a layer, equal in value, with the simplest activation that all of them can have.

    Parameters
    ----------
    rows
        Rows of one kind with the same limits.
    spans
        The range of the form of each.
    integral
        Whether all forms have integer values only.
    sums
        Whether signs may become sums.
    """
    known = [span for span in spans if span is not None]
    if not known or len(known) != len(rows):
        return list(rows)
    match rows[0].kind:
        case "abs":
            turned = [_upright(row, span) for row, span in zip(rows, known, strict=True)]
            if all(low >= 0 or high <= 0 for low, high in known):
                return [replace(row, kind="affine") for row in turned]
        case "sign" if sums and integral and all(low >= -1 and high <= 1 for low, high in known):
            return [replace(row, kind="affine") for row in rows]
        case "clamp":
            return _clamped(rows, known, integral=integral)
    return list(rows)


def _upright(row: Row, span: Range) -> Row:
    """An absolute value of what is not negative, if it has one sign."""
    return replace(row, weights=-row.weights, bias=-row.bias) if span[0] < 0 and span[1] <= 0 else row


def _clamped(rows: Sequence[Row], spans: Sequence[Range], *, integral: bool) -> list[Row]:
    low, high = rows[0].low, rows[0].high
    if low is not None and all(span[0] >= low for span in spans):
        low = None
    if high is not None and all(span[1] <= high for span in spans):
        high = None
    least = min(span[0] for span in spans) if low is None else Fraction(low)
    most = max(span[1] for span in spans) if high is None else Fraction(high)
    if integral and (low, high) != (None, None):
        if low in (None, 0) and high in (None, 1) and least >= 0 and most <= 1:
            return [replace(reduced(row), kind="positive", low=None, high=None) for row in rows]
        if low in (None, -1) and high in (None, 1) and least >= -1 and most <= 1:
            return [replace(reduced(row), kind="sign", low=None, high=None) for row in rows]
    if (low, high) == (rows[0].low, rows[0].high):
        return list(rows)
    return [with_limits(row, low, high) for row in rows]
