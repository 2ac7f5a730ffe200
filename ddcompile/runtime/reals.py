"""Arithmetic on arrays of reals (float64), operation by operation as the language defines it.

Rows are samples, columns points. NumPy's own sums and extremes are not used: they regroup, and treat NaN and the sign
of zero in other ways.
"""

from __future__ import annotations

from functools import reduce
from typing import TypeAlias

import numpy as np

from ddcompile.ir.nodes import CallName, ReduceOp, UnaryOp
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.scaled import double
from ddcompile.runtime.elementary import elementary

__all__ = ["Groups", "real_best", "real_extreme", "real_sum", "real_unary", "to_real"]

Groups: TypeAlias = np.ndarray
"""For every column the number of the group that it belongs to, ascending."""

_SHALLOW = 1000
"""An int64 other than 0 with so many fraction bits is no subnormal number yet."""


def to_real(values: np.ndarray, kind: ValueType) -> np.ndarray:
    """Scaled integers of a type rounded to the nearest doubles, ties to even; reals as they are."""
    if kind.kind == "real":
        return values
    if values.dtype != object and kind.exponent <= _SHALLOW:
        return np.asarray(np.ldexp(values.astype(np.float64), -kind.exponent))
    scale = 1 << kind.exponent
    flat = [double(int(n), scale) for n in values.ravel().tolist()]
    return np.array(flat, dtype=np.float64).reshape(values.shape)


def real_unary(op: UnaryOp, x: np.ndarray) -> np.ndarray:
    """A function of reals; int64 for `sign`."""
    match op:
        case "real":
            return x
        case "-":
            return np.asarray(np.negative(x))
        case "abs":
            return np.where(x <= 0, 0.0 - x, x)
        case "relu":
            return np.where(x > 0, x, 0.0)
        case "sign":
            return (x > 0).astype(np.int64) - (x < 0).astype(np.int64)
        case "exp" | "log" | "tanh" | "sigmoid":
            return elementary(op, x)
        case _:
            raise ValueError(f"`{op}` takes no reals")


def real_extreme(function: CallName, values: list[np.ndarray]) -> np.ndarray:
    """`min` or `max` of several arrays: from left to right, one that is strictly beyond the best so far replaces it."""
    if function == "min":
        return reduce(lambda a, b: np.where(b < a, b, a), values)
    return reduce(lambda a, b: np.where(b > a, b, a), values)


def real_sum(body: np.ndarray, owner: Groups, count: int) -> np.ndarray:
    """The sum of every group from left to right, beginning with 0.0; of shape (rows, count)."""
    rows = body.shape[0]
    where = np.arange(rows).reshape(-1, 1) * count + owner
    # bincount adds one weight after the other, in order, to zeros.
    sums = np.bincount(where.ravel(), weights=body.ravel(), minlength=rows * count)
    return sums.reshape(rows, count)


def real_best(op: ReduceOp, body: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least value of every group (`min`) or the greatest (`max`, `argmax`), and the column of the first such.

    NaN is passed over: a search that starts from infinity never moves to it. So if nothing is better than that
    infinity, the value is the infinity and the column the first one. The groups are not empty; `starts` are their
    first columns.
    """
    worst = np.inf if op == "min" else -np.inf
    pick = np.minimum if op == "min" else np.maximum
    clean = np.where(np.isnan(body), worst, body)
    lengths = np.diff(starts, append=body.shape[1])
    best = np.repeat(pick.reduceat(clean, starts, axis=1), lengths, axis=1)
    columns = np.where(clean == best, np.arange(body.shape[1]), body.shape[1])
    first = np.minimum.reduceat(columns, starts, axis=1)
    return np.take_along_axis(clean, first, axis=1), first
