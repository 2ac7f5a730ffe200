"""Values of reductions from the values of their bodies: one for each outer point, over the points that extend it.

Bodies have shape (samples or 1, inner points). `owner` gives the number of the outer point of every inner one; those of
one outer point are neighbours, in lexicographic order of the indices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddcompile.ir.nodes import Reduce, ReduceOp
from ddcompile.ir.points import Points
from ddcompile.ir.ranges import ValueType, add, negate
from ddcompile.ir.types import Types
from ddcompile.runtime.elementary import elementary
from ddcompile.runtime.exact import dtype_of, narrowed, roomy
from ddcompile.runtime.reals import real_best, real_sum, to_real

__all__ = ["folded", "powers_and_sums"]

_FOLD: dict[ReduceOp, Any] = {
    "sum": np.add,
    "any": np.maximum,
    "all": np.minimum,
    "min": np.minimum,
    "max": np.maximum,
    "argmax": np.maximum,
}


def folded(node: Reduce, types: Types, body: np.ndarray, inner: Points, owner: np.ndarray, count: int) -> np.ndarray:
    """The values of a reduction at `count` outer points, of shape (samples or 1, count)."""
    result = types.of(node)
    kind = types.of(node.body)
    if node.op == "sum" and kind.kind == "real":
        return real_sum(body, owner, count)
    neutral = int(node.op == "all")
    starts = _starts(owner)
    if len(starts) == 0:
        return np.full((1, count), neutral, dtype=dtype_of(result))
    if kind.kind == "real":
        values, first = real_best(node.op, body, starts)
    else:
        if node.op == "sum":
            body = roomy([body], [kind, result])[0]
        values = _FOLD[node.op].reduceat(body, starts, axis=1)
        if node.op == "argmax":
            is_best = body == values[:, _groups(owner)]
            columns = np.where(is_best, np.arange(inner.count), inner.count)
            first = np.minimum.reduceat(columns, starts, axis=1)
    if node.op == "argmax":
        values = inner.index[node.binders[0].name][first]
    values = narrowed(values, result)
    if len(starts) == count:
        return values
    full = np.full((values.shape[0], count), neutral, dtype=values.dtype)
    full[:, owner[starts]] = values
    return full


def powers_and_sums(body: np.ndarray, kind: ValueType, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp(body - greatest) at every inner point, and its sum at every outer one; none of these is without inner points.

    The difference is exact if the body is, and rounded before the exponential function is taken.
    """
    starts, groups = _starts(owner), _groups(owner)
    if kind.kind == "real":
        difference = body - real_best("max", body, starts)[0][:, groups]
    else:
        spread = add(kind, negate(kind))
        wide = body if spread.fits() else body.astype(object)
        difference = to_real(wide - np.maximum.reduceat(wide, starts, axis=1)[:, groups], spread)
    powers = elementary("exp", difference)
    return powers, real_sum(powers, groups, len(starts))


def _starts(owner: np.ndarray) -> np.ndarray:
    """The first inner point of every outer one that has any."""
    return np.flatnonzero(np.diff(owner, prepend=-1))


def _groups(owner: np.ndarray) -> np.ndarray:
    """The outer points that have inner ones, numbered without gaps."""
    return np.cumsum(np.diff(owner, prepend=owner[0]) != 0)
