"""Which way round a unit is written: itself or its negation, canonically for all disguises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Expr, Literal, Read

__all__ = ["has_opposite", "has_zero", "negated", "oriented", "rank", "signed"]


def has_zero(domain: Domain | None) -> bool:
    """Whether an operand may be 0; so may one of which nothing is known."""
    return domain is None or (domain.low <= 0 <= domain.high and domain.low % domain.step == 0)


def has_opposite(row: Row) -> bool:
    """Whether the negation of a unit, or the complement of a bit, is a unit of its kind: `negated` tells which."""
    is_symmetric = row.kind == "clamp" and row.low is not None and row.high == -row.low
    return row.kind in ("affine", "sign", "positive") or is_symmetric


def negated(row: Row) -> Row:
    """The row of the negation, or of the complement where it is a bit."""
    bias = 1 - row.bias if row.kind == "positive" else -row.bias
    return replace(row, weights=-row.weights, bias=bias)


def rank(weights: np.ndarray, bias: int, *, may_rest: bool) -> tuple[object, ...]:
    """How well a row reads: best if it is silent at 0, so `s >= t` with t >= 1; then with many positive weights.

    Parameters
    ----------
    weights, bias
        Of the row.
    may_rest
        Whether all operands may be 0 at once; where they may not, what the row says there is no part of its function.
    """
    positive = int((weights > 0).sum()) - int((weights < 0).sum())
    return (not may_rest or bias <= 0, positive, -bias)


def oriented(row: Row, ties: Callable[[Row], object], *, may_rest: bool) -> tuple[Row, int]:
    """The row or its negation, whichever reads better, and the sign that was applied.

    Parameters
    ----------
    row
        A row; one without a negation of its kind stays as it is.
    ties
        Decides between rows that read equally well; the greater is taken.
    may_rest
        As for `rank`.
    """
    if row.kind == "affine" or (row.kind != "abs" and not has_opposite(row)):
        return row, 1
    other = negated(row)
    ours, theirs = (rank(r.weights, r.bias, may_rest=may_rest) for r in (row, other))
    if ours > theirs or (ours == theirs and ties(row) >= ties(other)):  # type: ignore[operator]
        return row, 1
    return other, 1 if row.kind == "abs" else -1


def signed(
    source: Expr, signs: Sequence[int], kind: str, shape: tuple[int, ...], own: Sequence[Expr], name: Callable[[], str]
) -> tuple[Expr, list[Constant]]:
    """The value of units of which some are negated, by the old ones, and the constants that it reads.

    Parameters
    ----------
    source
        Reads the old unit.
    signs
        -1 for each unit that is negated, or a bit that is complemented, 1 for others, row-major.
    kind
        Of the old rows: "positive" for bits.
    shape, own
        Of the new tensor, and the indices of its element.
    name
        Makes a name for a table.
    """
    if -1 not in signs:
        return source, []
    tables: list[Constant] = []
    factor: Expr = Literal(-1)
    if 1 in signs:
        tables.append(Constant.of(name(), np.array(signs).reshape(shape)))
        factor = Read(tables[0].name, tuple(own))
    value = builder.mul(factor, source)
    if kind == "positive":
        # A complemented bit is 1 - old: old * factor + (factor < 0).
        value = builder.add(value, builder.compare("<", factor, 0))
    return value, tables
