"""What the range of a value decides: comparisons that always hold, relus that never cut, arguments that never win.

Comparisons that tell whether a sum is at an end of its range, and have summands that tell the same of theirs, are one::

    a + b + (c + d + e >= 3) >= 3    # becomes a + b + c + d + e >= 5

Used by `fold`. The ranges are those that type inference finds; operators over reals are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

from ddcompile.analysis.comparisons import integer_terms, normal_comparison
from ddcompile.ir import builder
from ddcompile.ir.infer import TypeWalker
from ddcompile.ir.nodes import Binary, Binder, Call, Compare, CompareOp, Expr, Index, Literal, Read, Statement, Unary
from ddcompile.ir.traverse import children, postorder, with_children
from ddcompile.ir.types import Types

__all__ = ["End", "decided", "ends", "settled", "span_of"]

_Range: TypeAlias = tuple[Fraction | None, Fraction | None]


def decided(value: Expr, types: Types) -> Expr:
    """The value of a statement with what its ranges decide written in; `value` is a part of the rule of `types`."""
    results: list[Expr] = []
    for node in postorder(value):
        count = len(children(node))
        kids = tuple(results[len(results) - count :])
        del results[len(results) - count :]
        results.append(_decided(node, with_children(node, kids), types))
    return results[0]


def settled(value: Expr, types: Types, binders: Sequence[Binder] = ()) -> Expr:
    """As `decided`, for an expression over elements of the rule that is no part of it, and over some indices.

    Indices that are not among `binders` may be anything.
    """
    walker = TypeWalker(types.tensor, types.scaled, {})
    walker.statement(Statement("value", tuple(binders), value))
    return decided(value, replace(types, _of=walker.types))


def _decided(old: Expr, new: Expr, types: Types) -> Expr:
    """A node over simplified operands; `old` is the node that has a type."""
    if isinstance(old, Literal | Index) or any(types.of(node).kind == "real" for node in (old, *children(old))):
        return new
    ranges = [_range(kid, types) for kid in children(old)]
    own = _range(old, types)
    if own[0] is not None and own[0] == own[1] and not isinstance(old, Read) and builder.has_literal(own[0]):
        return Literal(own[0])
    match new:
        case Unary("relu", operand) if _reaches(ranges[0], 0):
            return operand
        case Unary("abs", operand) if _reaches(ranges[0], 0):
            return operand
        case Unary("abs", operand) if _stays(ranges[0], 0):
            return builder.neg(operand)
        case Unary("sign", _) if _always(">", ranges[0], (Fraction(0), Fraction(0))):
            return Literal(1)
        case Unary("sign", _) if _always("<", ranges[0], (Fraction(0), Fraction(0))):
            return Literal(-1)
        case Compare((op,), _):
            if _always(op, *ranges):
                return Literal(1)
            if _always(_OPPOSITE[op], *ranges):
                return Literal(0)
            if new == old:
                new = _joined(new, types) or new
            return _as_bit(op, old, new, types) if new == old else new
        case Call(function, arguments):
            kept = _contenders(function, ranges)
            return builder.call(function, [arguments[k] for k in kept]) if len(kept) < len(arguments) else new
    return new


def _as_bit(op: CompareOp, old: Expr, new: Expr, types: Types) -> Expr:
    """A comparison of a bit with a constant that it decides: the bit, or its negation."""
    (left, right), (first, _) = children(new), children(old)
    if not isinstance(right, Literal) or types.of(first).kind != "bit" or op in ("==", "!="):
        return new
    at = [_always(op, (value, value), (Fraction(right.value), Fraction(right.value))) for value in _BITS]
    if at[0] == at[1]:
        return new
    return left if at[1] else builder.negate(left)


@dataclass(frozen=True, slots=True)
class End:
    """A comparison that tells whether a sum of integers is at the high end of its range (1), or at the low one (-1)."""

    side: int
    terms: dict[Expr, int]
    low: int
    high: int


def ends(node: Expr, types: Types) -> list[End]:
    """What a comparison says of the ends of a sum; it holds at the high one and does not at the low one."""
    if not isinstance(node, Compare) or len(node.ops) != 1 or node.ops[0] in ("==", "!="):
        return []
    if any(types.of(side).kind == "real" for side in node.operands):
        return []  # 0 times a real is not 0, nor is the difference of one and itself
    op, (left, right) = node.ops[0], node.operands
    if op in ("<", "<="):
        left, right = right, left
    form = integer_terms(Binary("-", left, right))
    span = None if form is None else span_of(form[0], types)
    if form is None or span is None:
        return []
    bound = -form[1] + (op in ("<", ">"))
    return [End(side, form[0], *span) for side, number in ((1, span[1]), (-1, span[0] + 1)) if bound == number]


def span_of(terms: Mapping[Expr, int], types: Types) -> tuple[int, int] | None:
    """The range of a sum of independent integers."""
    low = high = 0
    for term, factor in terms.items():
        value = types.of(term)
        if not value.is_integral or value.low is None or value.high is None:
            return None
        sides = factor * value.low, factor * value.high
        low, high = low + min(sides), high + max(sides)
    return low, high


def _joined(node: Expr, types: Types) -> Expr | None:
    """A comparison that tells whether a sum is at an end, over the sums of summands that tell the same of theirs."""
    for end in ends(node, types):
        total: Expr = Literal(0)
        bound = 0
        is_joined = False
        for term, factor in end.terms.items():
            side = end.side if factor > 0 else -end.side
            inner = next((e for e in ends(term, types) if e.side == side), None)
            own, span = (inner.terms, (inner.low, inner.high)) if inner else ({term: factor}, None)
            sign = side * end.side if inner else 1
            span = span or span_of(own, types)
            if span is None:
                return None
            is_joined |= inner is not None
            bound += sign * span[(end.side * sign > 0)]
            total = builder.add(total, builder.add_all(builder.mul(sign * c, e) for e, c in own.items()))
        if is_joined:
            return normal_comparison(Compare((">=",), (total, Literal(bound + (end.side < 0)))))
    return None


_BITS = Fraction(0), Fraction(1)

_OPPOSITE: dict[CompareOp, CompareOp] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def _range(expr: Expr, types: Types) -> _Range:
    """The least and the greatest value of an exact expression, as far as they are known."""
    value = types.of(expr)
    low = None if value.low is None else Fraction(value.low, 1 << value.exponent)
    return low, None if value.high is None else Fraction(value.high, 1 << value.exponent)


def _reaches(range_: _Range, bound: int) -> bool:
    return range_[0] is not None and range_[0] >= bound


def _stays(range_: _Range, bound: int) -> bool:
    return range_[1] is not None and range_[1] <= bound


def _always(op: CompareOp, left: _Range, right: _Range) -> bool:
    """Whether a comparison holds for all values of two ranges."""
    match op:
        case "<":
            return left[1] is not None and right[0] is not None and left[1] < right[0]
        case "<=":
            return left[1] is not None and right[0] is not None and left[1] <= right[0]
        case ">" | ">=":
            return _always("<" if op == ">" else "<=", right, left)
        case "!=":
            return _always("<", left, right) or _always("<", right, left)
        case "==":
            return left[0] is not None and left[0] == left[1] and left == right


def _contenders(function: str, ranges: list[_Range]) -> list[int]:
    """The arguments of a minimum or maximum that may be its value where no earlier one is."""
    kept: list[int] = []
    op: CompareOp = ">=" if function == "max" else "<="
    for k, range_ in enumerate(ranges):
        if any(_always(op, ranges[j], range_) for j in kept):
            continue
        kept = [j for j in kept if not _always(op, range_, ranges[j])]
        kept.append(k)
    return kept
