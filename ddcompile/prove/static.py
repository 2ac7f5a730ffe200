"""Whole-array evaluation of expressions over indices and constants only, exact.

A value is an integer array (int64, or Python integers where those do not suffice) over `2**exp`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Binary, Call, Compare, Expr, If, Index, Literal, Number, Read, Unary
from ddcompile.ir.scaled import scaled_integers
from ddcompile.ir.traverse import children, postorder
from ddcompile.prove.forms import Decline, dyadic, exact

__all__ = ["Static", "evaluate", "flat_positions", "is_static", "magnitude", "product", "scalar", "scaled"]

SAFE = 1 << 62


@dataclass(frozen=True, slots=True)
class Static:
    """`array / 2**exp`, elementwise; scalars are arrays without axes."""

    array: np.ndarray
    exp: int = 0

    def number(self) -> Number:
        """The value of a scalar."""
        value = int(self.array[()])
        return exact(Fraction(value, 1 << self.exp)) if self.exp else value


def magnitude(array: np.ndarray) -> int:
    """The greatest absolute value."""
    if array.size == 0:
        return 0
    return max(abs(int(array.max())), abs(int(array.min())))


def _wrap(value: Any) -> np.ndarray:
    """An operation's result as an array; an operation on arrays without axes gives a bare scalar."""
    if isinstance(value, int) and not isinstance(value, bool):
        return scalar(value)
    return np.asarray(value)


def _compact(array: np.ndarray) -> np.ndarray:
    if array.dtype == object and magnitude(array) < SAFE:
        return array.astype(np.int64)
    return array


def scaled(array: np.ndarray) -> Static:
    """A canonical constant array as integers over a power of two."""
    if array.dtype == np.float64 and not np.isfinite(array).all():
        raise Decline("a constant that is not finite")
    try:
        integers, exponent = scaled_integers(array)
    except ValueError as error:
        raise Decline(str(error)) from None
    return Static(_roomy(integers), exponent)


def is_static(expr: Expr, constants: Mapping[str, object]) -> bool:
    """Whether `evaluate` may apply: only indices, literals, constants, arithmetic and comparisons."""
    for node in postorder(expr):
        match node:
            case Literal() | Index() | Compare() | If() | Call() | Unary("-", _) | Binary("+" | "-" | "*" | "%", _, _):
                pass
            case Read(tensor, _, _) if tensor in constants:
                pass
            case _:
                return False
    return True


def evaluate(
    nodes: Sequence[Expr], indices: Mapping[str, Static], constants: Mapping[str, tuple[tuple[int, ...], Static]]
) -> Static:
    """The value of the last of the nodes, which are in post-order.

    Raises
    ------
    Decline
        If a node is outside `is_static`, or a constant is read outside its extent.
    """
    stack: list[Static] = []
    for node in nodes:
        count = len(children(node))
        kids = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        stack.append(_apply(node, kids, indices, constants))
    return stack[0]


def _apply(
    node: Expr,
    kids: list[Static],
    indices: Mapping[str, Static],
    constants: Mapping[str, tuple[tuple[int, ...], Static]],
) -> Static:
    match node:
        case Literal(value):
            number, exp = dyadic(value)
            return Static(scalar(number), exp)
        case Index(name) if name in indices:
            return indices[name]
        case Read(tensor, _, pad) if tensor in constants:
            shape, table = constants[tensor]
            positions = kids if pad is None else kids[1:]
            flat, inside = flat_positions(positions, shape, padded=pad is not None)
            entries = Static(_wrap(table.array.ravel()[flat]), table.exp)
            return entries if pad is None else _where(inside, entries, kids[0])
        case Unary("-", _):
            return Static(_wrap(-_roomy(kids[0].array)), kids[0].exp)
        case Binary("+", _, _):
            return plus(kids[0], kids[1])
        case Binary("-", _, _):
            return plus(kids[0], Static(_wrap(-_roomy(kids[1].array)), kids[1].exp))
        case Binary("*", _, _):
            return product(kids[0], kids[1])
        case Binary("%", _, _):
            if kids[0].exp or kids[1].exp or (kids[1].array <= 0).any():
                raise Decline("a modulus that is no positive integer")
            return Static(_compact(_wrap(kids[0].array % kids[1].array)))
        case Compare(ops, _):
            result: np.ndarray | None = None
            for op, left, right in zip(ops, kids, kids[1:], strict=False):
                a, b, _ = _aligned(left, right)
                bit = _wrap(COMPARE[op](a, b)).astype(np.int64)
                result = bit if result is None else _wrap(result & bit)
            return Static(scalar(1) if result is None else result)
        case If():
            return _where(_wrap(kids[0].array != 0), kids[1], kids[2])
        case Call(function, _):
            result_of = np.minimum if function == "min" else np.maximum
            best = kids[0]
            for kid in kids[1:]:
                a, b, exp = _aligned(best, kid)
                best = Static(_wrap(result_of(a, b)), exp)
            return best
        case _:
            raise Decline("a position or bound that is not static")


COMPARE: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def flat_positions(
    positions: Sequence[Static], shape: Sequence[int], *, padded: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Row-major positions, and which of them lie inside; those outside are 0 if `padded`, else an error."""
    if len(positions) != len(shape):
        raise Decline("a read with the wrong number of positions")
    flat: np.ndarray = np.zeros((), dtype=np.int64)
    inside: np.ndarray = np.ones((), dtype=bool)
    for p, extent in zip(positions, shape, strict=True):
        if p.exp or p.array.dtype == object:
            raise Decline("a position that is no small integer")
        places = p.array
        if not places.size or places.min() < 0 or places.max() >= extent:
            inside = _wrap(inside & (places >= 0) & (places < extent))
            places = np.clip(places, 0, max(extent - 1, 0))
        flat = _wrap(flat * extent + places)
    if not inside.all() and not padded:
        raise Decline("a read outside the extent")
    if 0 in shape and inside.size:
        raise Decline("a read of an empty tensor")
    return flat, inside


def plus(left: Static, right: Static) -> Static:
    """The sum."""
    a, b, exp = _aligned(left, right)
    if a.dtype != object and magnitude(a) + magnitude(b) >= SAFE:
        a = a.astype(object)
    return Static(_wrap(a + b), exp)


def product(left: Static, right: Static) -> Static:
    """The product."""
    a, b = left.array, right.array
    if object not in (a.dtype, b.dtype) and magnitude(a) * magnitude(b) >= SAFE:
        a = a.astype(object)
    return Static(_wrap(a * b), left.exp + right.exp)


def _aligned(left: Static, right: Static) -> tuple[np.ndarray, np.ndarray, int]:
    exp = max(left.exp, right.exp)
    return _shifted(left.array, exp - left.exp), _shifted(right.array, exp - right.exp), exp


def _shifted(array: np.ndarray, shift: int) -> np.ndarray:
    if shift == 0:
        return array
    if array.dtype != object and max(magnitude(array), 1) << shift >= SAFE:
        array = array.astype(object)
    return _wrap(array * (1 << shift))


def _where(condition: np.ndarray, then: Static, otherwise: Static) -> Static:
    a, b, exp = _aligned(then, otherwise)
    return Static(_wrap(np.where(condition, a, b)), exp)


def _roomy(array: np.ndarray) -> np.ndarray:
    return array.astype(object) if array.dtype != object and magnitude(array) >= SAFE else array


def scalar(number: int) -> np.ndarray:
    """An array without axes."""
    return np.array(number, dtype=np.int64 if abs(number) < SAFE else object)
