"""Points of iteration domains, and the values of expressions over indices and constants at all of them at once.

A domain is a tuple of binders, each bound possibly depending on earlier indices or on constant tables. Its points are
enumerated in lexicographic order as one array per index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Binary, Binder, Expr, Index, Literal, Read, Unary
from ddcompile.ir.traverse import children, postorder

__all__ = ["ONE_POINT", "Points", "expand", "flat_index", "literal_box", "static_value"]

_EXACT = 2**62
_MOST = 2**40
"""Points beyond all memory."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points of a domain: `index[name][p]` is the value of that index at point p."""

    count: int
    index: dict[str, np.ndarray]

    def select(self, which: np.ndarray | slice) -> Points:
        """Some of the points, by a mask, an array of numbers, or a slice."""
        if isinstance(which, slice):
            count = len(range(*which.indices(self.count)))
        else:
            count = int(which.sum()) if which.dtype == np.bool_ else len(which)
        return Points(count, {name: values[which] for name, values in self.index.items()})


ONE_POINT = Points(1, {})
"""The domain without indices."""


def literal_box(binders: Iterable[Binder]) -> list[tuple[int, int]] | None:
    """The half-open ranges of binders whose bounds are all integer literals; else None."""
    box: list[tuple[int, int]] = []
    for binder in binders:
        match binder.lower, binder.upper:
            case Literal(int() as lower), Literal(int() as upper):
                box.append((lower, upper))
            case _:
                return None
    return box


def expand(
    points: Points, binders: Iterable[Binder], constants: Mapping[str, np.ndarray], limit: int | None = None
) -> tuple[Points, np.ndarray] | None:
    """Every point extended by every value of the binders' indices.

    Parameters
    ----------
    points
        The outer points, at which the bounds are evaluated.
    limit
        Give up beyond this number of points.

    Returns
    -------
    tuple of Points and ndarray, or None
        The new points and, for each, the number of the outer point it extends, in ascending order. None if there are
        more than `limit` points, or a bound is no function of indices and constants, or reads outside of a constant.
    """
    owner = np.arange(points.count)
    for binder in binders:
        lower = static_value(binder.lower, points, constants)
        upper = static_value(binder.upper, points, constants)
        if lower is None or upper is None:
            return None
        lower = np.broadcast_to(lower, points.count)
        lengths = np.maximum(np.broadcast_to(upper, points.count) - lower, 0)
        total = sum(lengths.tolist())
        if total > (_MOST if limit is None else limit):
            return None
        lengths = lengths.astype(np.int64)
        rows = np.repeat(np.arange(points.count), lengths)
        first = np.cumsum(lengths) - lengths
        values = np.arange(total) - (first - lower)[rows]
        index = {name: column[rows] for name, column in points.index.items()}
        index[binder.name] = values
        points = Points(total, index)
        owner = owner[rows]
    return points, owner


def static_value(expr: Expr, points: Points, constants: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Integer values of an expression of indices, literals and integer constants at all points.

    Returns
    -------
    ndarray or None
        An array of shape () or (points.count,), exact; None if the expression has other parts or leaves a constant.
    """
    stack: list[np.ndarray] = []
    for node in postorder(expr):
        count = len(children(node))
        kids = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        value = _static_node(node, kids, points, constants)
        if value is None:
            return None
        stack.append(value)
    return stack[0]


def _static_node(
    node: Expr, kids: list[np.ndarray], points: Points, constants: Mapping[str, np.ndarray]
) -> np.ndarray | None:
    match node:
        case Literal(int() as value):
            return np.array(value, dtype=np.int64 if abs(value) < _EXACT else object)
        case Index(name):
            return points.index.get(name)
        case Unary("-", _):
            return _array(-_roomy(kids[0]))
        case Binary("+", _, _):
            return _array(_roomy(kids[0]) + _roomy(kids[1]))
        case Binary("-", _, _):
            return _array(_roomy(kids[0]) - _roomy(kids[1]))
        case Binary("*", _, _):
            bound = _magnitude(kids[0]) * _magnitude(kids[1])
            left = kids[0] if bound < _EXACT else kids[0].astype(object)
            return _array(left * kids[1])
        case Binary("%", _, _) if bool((kids[1] > 0).all()):
            return _array(kids[0] % kids[1])
        case Read(tensor, _, None) if tensor in constants and constants[tensor].dtype != np.float64:
            where = flat_index(kids, constants[tensor].shape)
            return None if where is None else constants[tensor].reshape(-1)[where]
        case _:
            return None


def _array(value: Any) -> np.ndarray:
    """NumPy answers operations on arrays of shape () by scalars, those on objects by Python integers."""
    return np.asarray(value) if isinstance(value, np.ndarray | np.generic) else np.array(value, dtype=object)


def _magnitude(array: np.ndarray) -> int:
    return max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0


def _roomy(array: np.ndarray) -> np.ndarray:
    """The array, as objects if a sum of two such could leave int64."""
    if array.dtype == object or _magnitude(array) < _EXACT:
        return array
    return array.astype(object)


def flat_index(positions: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray | None:
    """Row-major element numbers of positions; None if some lie outside of the shape."""
    if len(positions) != len(shape):
        return None
    where = np.zeros((), dtype=np.int64)
    for position, extent in zip(positions, shape, strict=True):
        if position.size and (int(position.min()) < 0 or int(position.max()) >= extent):
            return None
        where = where * extent + position.astype(np.int64)
    return np.asarray(where)
