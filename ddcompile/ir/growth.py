"""How far one step of a recurrence can go beyond the range of what it reads: the bound of running sums and counts.

    run[i < N] = pad(run, 0)[i - 1] + x[i]

Let l..h hold every element of a recurrence that has been computed. Then each expression lies in a range that does not
depend on l and h, or in l + a .. h + b, or in one of the two; `+` of something bounded moves all four ends, and `if`,
`min` and `max` give one of their operands. Let the values of all clauses be of that form. Then the first element is in
the fixed range, and n steps later all are at most n min(a, 0) below and n max(b, 0) above it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import reduce

from ddcompile.ir.nodes import Binary, Call, Compare, Expr, If, Read, Reduce, Unary
from ddcompile.ir.ranges import BIT, TRIT, ValueType, add, join, make, negate
from ddcompile.ir.traverse import children, postorder

__all__ = ["growth"]


@dataclass(frozen=True, slots=True)
class _Reach:
    """A set of values within `fixed`, or within l + shift.low .. h + shift.high; None is no value.

    `is_given` says that the inferred type does not depend on the recurrence, so that it may be used.
    """

    fixed: ValueType | None = None
    shift: ValueType | None = None
    is_given: bool = False


def growth(
    values: Iterable[Expr], targets: Collection[str], type_of: Callable[[Expr], ValueType]
) -> tuple[ValueType, ValueType] | None:
    """Where a recurrence starts, and how far a step can go: the fixed range, and the hull of 0 and all shifts a..b.

    Parameters
    ----------
    values
        The values of all clauses.
    targets
        The tensors of the recurrence.
    type_of
        The type of an expression that reads none of them.

    Returns
    -------
    tuple of ValueType, or None
        None if the values are not of that form, or nothing is bounded.
    """
    step = make(0, 0)
    start: ValueType | None = None
    for value in values:
        found = _reach(value, targets, type_of)
        if found is None:
            return None
        if found.shift is not None:
            step = join(step, found.shift)
        if found.fixed is not None:
            start = found.fixed if start is None else join(start, found.fixed)
    if start is None or not (start.is_bounded and step.is_bounded):
        return None
    return start, step


def _reach(root: Expr, targets: Collection[str], type_of: Callable[[Expr], ValueType]) -> _Reach | None:
    stack: list[_Reach | None] = []
    for node in postorder(root):
        count = len(children(node))
        kids = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        stack.append(_node(node, kids, targets, type_of))
    return stack[0]


def _node(
    node: Expr, kids: list[_Reach | None], targets: Collection[str], type_of: Callable[[Expr], ValueType]
) -> _Reach | None:
    match node:
        case Read(tensor, _, pad) if tensor in targets:
            return _union([_Reach(shift=make(0, 0)), *([] if pad is None else kids[:1])])
        case Read() | Reduce("argmax"):
            return _Reach(type_of(node), is_given=True)
        case Compare() | Unary("not") | Binary("and" | "or" | "xor") | Reduce("any" | "all"):
            return _Reach(BIT, is_given=True)
    if all(kid is not None and kid.is_given for kid in kids):
        return _Reach(type_of(node), is_given=True)
    match node, kids:
        case Unary("sign"), _:
            return _Reach(TRIT)
        case ((If() | Call()), _):
            return _union(kids[isinstance(node, If) :])
        case Reduce("min" | "max"), _:
            return kids[-1]
        case Unary("relu"), _:
            return _union([kids[0], _Reach(make(0, 0))])
        case Binary("%"), [_, _Reach(ValueType() as modulus)]:
            return _Reach(make(0, modulus.high - 1)) if modulus.high is not None and modulus.high > 0 else None
        case Binary("+" | "-" as op), [_Reach() as left, _Reach(_, None) as right]:
            return _moved(left, right, op)
        case Binary("+"), [_Reach(_, None) as left, _Reach() as right]:
            return _moved(right, left, "+")
    return None


def _union(parts: Iterable[_Reach | None]) -> _Reach | None:
    fixed: list[ValueType] = []
    shifts: list[ValueType] = []
    for part in parts:
        if part is None:
            return None
        fixed += [] if part.fixed is None else [part.fixed]
        shifts += [] if part.shift is None else [part.shift]
    return _Reach(reduce(join, fixed) if fixed else None, reduce(join, shifts) if shifts else None)


def _moved(value: _Reach, amount: _Reach, op: str) -> _Reach:
    """The sum or difference of anything and something fixed."""
    assert amount.fixed is not None
    step = amount.fixed if op == "+" else negate(amount.fixed)
    return _Reach(
        None if value.fixed is None else add(value.fixed, step), None if value.shift is None else add(value.shift, step)
    )
