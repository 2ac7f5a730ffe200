"""The types of expressions: one walk with an explicit stack, given the types of the tensors they read."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import reduce
from math import gcd
from typing import TypeAlias, assert_never

import numpy as np

from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Binding,
    Call,
    Compare,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Size,
    Softmax,
    Statement,
    Unary,
)
from ddcompile.ir.points import ONE_POINT, expand, static_value
from ddcompile.ir.ranges import (
    BIT,
    INT,
    REAL,
    SIZE,
    ValueType,
    absolute,
    add,
    exact,
    join,
    make,
    maximum,
    minimum,
    modulo,
    multiply,
    negate,
    repeat,
    sign,
)
from ddcompile.ir.scopes import needed_binders
from ddcompile.ir.traverse import children, free_indices, postorder

__all__ = ["TypeWalker", "affine_range"]

_POINTS = 1 << 22
_FIRST = 1 << 8
_LARGE = 1 << 12
_ZERO = make(0, 0)

Known: TypeAlias = ValueType | None
"""None: nothing is known yet, because a recurrence has not reached it."""


class TypeWalker:
    """Types expressions and remembers the types of all nodes, joined over their occurrences.

    Parameters
    ----------
    tensors
        The types of the tensors known so far; the caller updates it.
    scaled
        Scaled integers of the constants.
    tables
        Values of the constants, which bounds and positions may read.
    """

    def __init__(
        self, tensors: Mapping[str, ValueType], scaled: Mapping[str, np.ndarray], tables: Mapping[str, np.ndarray]
    ) -> None:
        self.types: dict[int, ValueType] = {}
        self._tensors = tensors
        self._scaled = scaled
        self._tables = tables
        self._rows: dict[tuple[int, ...], _RowSums | None] = {}
        self._factors: dict[int, Known] = {}

    def statement(self, statement: Statement, *, record: bool = True) -> Known:
        """The type of a statement's value."""
        indices: dict[str, ValueType] = {}
        binders: list[Binder] = []
        for position in statement.positions:
            if isinstance(position, Binder):
                lower = self._walk(position.lower, indices, binders, record)
                upper = self._walk(position.upper, indices, binders, record)
                indices[position.name] = _index_type(lower, upper)
                binders.append(position)
            else:
                self._walk(position, indices, binders, record)
        return self._walk(statement.value, indices, binders, record)

    def index_types(self, binders: Iterable[Binder]) -> dict[str, ValueType]:
        """The ranges of nested indices, bounded by intervals."""
        indices: dict[str, ValueType] = {}
        for binder in binders:
            lower = self._walk(binder.lower, indices, [], False)
            upper = self._walk(binder.upper, indices, [], False)
            indices[binder.name] = _index_type(lower, upper)
        return indices

    def _walk(self, root: Expr, indices: dict[str, ValueType], binders: list[Binder], record: bool) -> Known:
        results: list[Known] = []
        stack: list[tuple[Expr | Binder, bool]] = [(root, False)]
        while stack:
            node, is_done = stack.pop()
            if isinstance(node, Binder):
                indices[node.name] = _index_type(results[-2], results[-1])
                binders.append(node)
                continue
            kids = children(node)
            if kids and not is_done:
                stack.append((node, True))
                if isinstance(node, Binding):
                    stack += [(kid, False) for kid in kids[: 2 * len(node.binders) : -1]]
                    stack.append((node.body, False))
                    for binder in reversed(node.binders):
                        stack += [(binder, False), (binder.upper, False), (binder.lower, False)]
                else:
                    stack += [(kid, False) for kid in kids[::-1]]
                continue
            split = len(results) - len(kids)
            found = results[split:]
            del results[split:]
            if isinstance(node, Binding):
                value = REAL if isinstance(node, Softmax) else self._reduce(node, found, binders, indices)
                del binders[len(binders) - len(node.binders) :]
            else:
                value = self._node(node, found, indices)
            results.append(value)
            if record:
                known = self.types.get(id(node))
                settled = INT if value is None else value
                self.types[id(node)] = settled if known is None else join(known, settled)
        return results[0]

    def _node(self, node: Expr, kids: list[Known], indices: dict[str, ValueType]) -> Known:
        match node:
            case Literal(value):
                return exact(value)
            case Index(name):
                return indices.get(name, INT)
            case Size():
                return SIZE
            case Read(tensor, _, pad):
                known = self._tensors.get(tensor)
                return known if pad is None else _join_all([kids[0], known])
            case Unary(op, _):
                return _unary(op, kids[0])
            case Binary("and" | "or" | "xor", _, _) | Compare():
                return BIT
            case Binary(op, left, _):
                if op == "*":
                    self._factors[id(node)] = kids[1] if self._is_weight(left) else kids[0]
                return _binary(op, kids[0], kids[1])
            case If():
                return _join_all(kids[1:])
            case Call(function, _):
                combine = minimum if function == "min" else maximum
                known_kids = [kid for kid in kids if kid is not None]
                return reduce(combine, known_kids) if len(known_kids) == len(kids) else None
            case _:
                raise TypeError(f"not an expression: {type(node).__name__}")

    def _reduce(self, node: Reduce, kids: list[Known], scope: list[Binder], indices: Mapping[str, ValueType]) -> Known:
        body = kids[-1]
        match node.op:
            case "any" | "all":
                return BIT
            case "min" | "max":
                return body
            case "argmax":
                return _index_type(kids[0], kids[1])
            case "sum" if body is not None and body.kind == "real":
                return REAL
            case "sum":
                pass
            case _:
                assert_never(node.op)
        fewest, most = 1, 1
        for binder, lower, upper in zip(node.binders, kids[:-1:2], kids[1:-1:2], strict=True):
            counts = _trips(binder, lower, upper, indices)
            if counts is None:
                return INT
            fewest, most = fewest * counts[0], most * counts[1]
        if body is None:
            return _ZERO if fewest == 0 else None
        return self._weighted(node, scope) or repeat(body, fewest, most)

    def _is_weight(self, expr: Expr) -> bool:
        return isinstance(expr, Read) and expr.pad is None and expr.tensor in self._scaled

    def _weighted(self, node: Reduce, scope: list[Binder]) -> Known:
        """The range of a sum of a constant tensor times something of one range, row by row."""
        match node.body:
            case Binary("*", Read() as weight, _) if self._is_weight(weight):
                pass
            case Binary("*", _, Read() as weight) if self._is_weight(weight):
                pass
            case _:
                return None
        factor = self._factors.get(id(node.body))
        if factor is None or factor.low is None or factor.high is None:
            return None
        key = (id(node), *map(id, scope))
        if key not in self._rows:
            outer = scope[: len(scope) - len(node.binders)]
            self._rows[key] = _known_row_sums(node, weight, outer, self._scaled[weight.tensor], self._tables)
        rows = self._rows[key]
        if rows is None:
            return None
        weights = self._tensors[weight.tensor]
        rational = not (factor.is_integral and weights.is_integral)
        return rows.range(factor, weights.exponent + factor.exponent, rational)


class _RowSums:
    """For every row of weights: the sums of the positive and of the negative ones; and the divisor of all weights."""

    def __init__(self, positive: np.ndarray, negative: np.ndarray, divisor: int) -> None:
        self.positive = positive
        self.negative = negative
        self.divisor = divisor

    def range(self, factor: ValueType, exponent: int, rational: bool) -> ValueType:
        """The values of all rows if every weight meets a value of the factor."""
        assert factor.low is not None
        assert factor.high is not None
        least = factor.low * self.positive + factor.high * self.negative
        most = factor.high * self.positive + factor.low * self.negative
        offsets = least - least[0]
        step = gcd(factor.step * self.divisor, int(np.gcd.reduce(offsets)))
        return make(int(least.min()), int(most.max()), step, exponent, rational=rational, is_dense=factor.is_dense)


_seen: dict[Hashable, tuple[weakref.ref[np.ndarray], _RowSums | None]] = {}
"""Row sums of large arrays that are still alive; constants are read-only and shared by all versions of a rule."""


def _known_row_sums(
    node: Reduce, weight: Read, outer: list[Binder], integers: np.ndarray, tables: Mapping[str, np.ndarray]
) -> _RowSums | None:
    """`_row_sums`, once for a large array that is read at the same places."""
    places = [*weight.positions, *(end for b in (*outer, *node.binders) for end in (b.lower, b.upper))]
    if integers.size < _LARGE or any(isinstance(part, Read) for place in places for part in postorder(place)):
        return _row_sums(node, weight, outer, integers, tables)
    key = (id(integers), weight.positions, node.binders, tuple(outer))
    known = _seen.get(key)
    if known is None or known[0]() is not integers:
        found = _row_sums(node, weight, outer, integers, tables)
        known = _seen[key] = weakref.ref(integers, lambda _: _seen.pop(key, None)), found
    return known[1]


def _row_sums(
    node: Reduce, weight: Read, outer: list[Binder], integers: np.ndarray, tables: Mapping[str, np.ndarray]
) -> _RowSums | None:
    """Sum the weights of each row; None if the rows cannot be enumerated."""
    names: set[str] = set().union(*(free_indices(p) for p in weight.positions))
    for binder in node.binders:
        names |= free_indices(binder.lower) | free_indices(binder.upper)
    rows = expand(ONE_POINT, needed_binders(names, tuple(outer)), tables, _POINTS)
    if rows is None or rows[0].count == 0:
        return None
    entries = expand(rows[0], node.binders, tables, _POINTS)
    if entries is None or entries[0].count == 0:
        return None
    points, owner = entries
    where = np.zeros((), dtype=np.int64)
    for position, extent in zip(weight.positions, integers.shape, strict=False):
        value = static_value(position, points, tables)
        if value is None or int(value.min()) < 0 or int(value.max()) >= extent:
            return None
        where = where * extent + value.astype(np.int64)
    values = np.broadcast_to(integers.reshape(-1)[where], points.count)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    positive = _sums(np.maximum(values, 0), starts)
    negative = _sums(np.minimum(values, 0), starts)
    if len(starts) < rows[0].count:
        positive, negative = np.append(positive, 0), np.append(negative, 0)
    some = int(np.gcd.reduce(values[:_FIRST]))
    return _RowSums(positive, negative, some if some == 1 else int(np.gcd.reduce(values)))


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The exact sums of the runs of values that begin at given places; words are added in halves."""
    if values.dtype == object:
        return np.add.reduceat(values, starts)
    high = np.add.reduceat(values >> 32, starts).astype(object)
    return np.asarray((high << 32) + np.add.reduceat(values & 0xFFFFFFFF, starts))


def _trips(binder: Binder, lower: Known, upper: Known, indices: Mapping[str, ValueType]) -> tuple[int, int] | None:
    """The fewest and the most values of an index; None if they are not bounded."""
    if lower is None or upper is None:
        return None
    if lower.low is None or lower.high is None or upper.low is None or upper.high is None:
        return None
    fewest, most = upper.low - lower.high, upper.high - lower.low
    if fewest != most:
        # Bounds that move together, as those of a window.
        first, last = affine_of(binder.lower), affine_of(binder.upper)
        if first is not None and last is not None:
            span = affine_range(last - first, indices)
            if span is not None:
                fewest, most = max(fewest, span[0]), min(most, span[1])
    return max(0, fewest), max(0, most)


def affine_range(form: Affine, indices: Mapping[str, ValueType]) -> tuple[int, int] | None:
    """The least and the greatest value of an integer form over the ranges of its indices and sizes, if they are known.

    The bounds are exact if all of these vary independently.
    """
    ranges: dict[str, tuple[int, int]] = {}
    for name in form.names:
        found = SIZE if name in form.sizes else indices.get(name, INT)
        if found.low is None or found.high is None:
            return None
        ranges[name] = found.low, found.high
    low, high = form.bounds(ranges)
    return int(low), int(high)


def _index_type(lower: Known, upper: Known) -> ValueType:
    low = None if lower is None else lower.low
    high = None if upper is None or upper.high is None else upper.high - 1
    if low is not None and high is not None and high < low:
        high = low  # no point at all
    return make(low, high)


def _join_all(kids: Iterable[Known]) -> Known:
    known = [kid for kid in kids if kid is not None]
    return reduce(join, known) if known else None


def _unary(op: str, operand: Known) -> Known:
    if op == "not":
        return BIT
    if operand is None:
        return None
    simple: dict[str, Callable[[ValueType], ValueType]] = {"-": negate, "sign": sign, "abs": absolute}
    if op in simple:
        return simple[op](operand)
    return maximum(operand, _ZERO) if op == "relu" else REAL


def _binary(op: str, left: Known, right: Known) -> Known:
    if left is None or right is None:
        return None
    match op:
        case "+":
            return add(left, right)
        case "-":
            return add(left, negate(right))
        case "*":
            return multiply(left, right)
        case _:
            modulus = right.constant
            return modulo(left, modulus) if isinstance(modulus, int) and modulus > 0 else _wrapped(left, right)


def _wrapped(left: ValueType, right: ValueType) -> ValueType:
    """All remainders of integers by something positive that is no constant."""
    if right.high is None or right.high < 1 or not (left.is_integral and right.is_integral):
        return INT
    high = right.high - 1
    if left.low is not None and left.low >= 0 and left.high is not None:
        high = min(high, left.high)
    return make(0, high)
