"""Write running results as reductions over a beginning, where that is shorter.

Before::

    every[0] = x[0] and x[1]
    every[1 <= i < 8] = x[i + 1] and every[i - 1]
    some[i < 8] = x[i] or pad(some, 0)[i - 1]

After::

    every[i < 8] = all(j < i + 2: x[j])
    some[i < 8] = any(j < i + 1: x[j])

A statement that joins the element before it with something else, by `and`, `or`, `xor`, `+`, `max` or `min`, joins all
of this up to its own place; what it begins with are earlier ones of the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of, simplify
from ddcompile.ir.nodes import Binder, Binding, Expr, Index, Literal, Read, Reduce, ReduceOp, Rule, Statement
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.traverse import postorder, reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.collect import operands_under, operator_of
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, Witness, unchanged, with_statements

__all__ = ["Prefixes"]

_REDUCTIONS: dict[str, ReduceOp] = {
    "and": "all",
    "or": "any",
    "xor": "sum",
    "+": "sum",
    "max": "max",
    "min": "min",
}
_NEUTRAL = {"and": 1, "or": 0, "xor": 0, "+": 0}


@dataclass(frozen=True, slots=True)
class Prefixes(Pass):
    """Write running results as reductions over a beginning, where that is shorter."""

    name: ClassVar[str] = "prefixes"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        clauses: dict[str, list[int]] = {}
        for number, statement in enumerate(rule.statements):
            clauses.setdefault(statement.target, []).append(number)
        new = rule
        for target, numbers in clauses.items():
            own = [rule.statements[n] for n in numbers]
            if len(own) > 2 or not any(n.tensor == target for s in own for n in reads(s.value)):
                continue
            types = infer(rule)
            if any(map(Reals(types), (s.value for s in own))):
                continue
            closed = _closed(own, names_of(rule), types)
            if closed is None or cost(closed) >= sum(map(cost, own)):
                continue
            kept = [s for s in new.statements if s not in own[1:]]
            trial = with_statements(new, [closed if s == own[0] else s for s in kept])
            new = new if verify(trial) else trial
        if new is not rule:
            return Rewrite(new)
        for statement in rule.statements:
            longer = _from_nothing(statement, rule) if len(clauses[statement.target]) == 1 else None
            if longer is not None and cost(longer.rule) < cost(rule) and not verify(longer.rule):
                return longer
        return unchanged(rule)


def _from_nothing(statement: Statement, rule: Rule) -> Rewrite | None:
    """A beginning that is read one before its own place, with what nothing is for a pad, as that up to each place."""
    value, positions = statement.value, statement.positions
    if not isinstance(value, Reduce) or len(value.binders) != 1 or value.binders[0].lower != Literal(0):
        return None
    neutral = next((_NEUTRAL[op] for op, name in _REDUCTIONS.items() if name == value.op and op in _NEUTRAL), None)
    over = positions[0] if len(positions) == 1 else None
    if neutral is None or not isinstance(over, Binder):
        return None
    if affine_of(value.binders[0].upper) != Affine.of(1, {over.name: 1}) or over.lower != Literal(0):
        return None
    if statement.target in {d.name for d in rule.outputs}:
        return None

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.tensor != statement.target:
            return node
        place = affine_of(node.positions[0])
        if place is None:
            return node
        return Read(node.tensor, ((place + Affine.of(1, {})).to_expr(),), location=node.location)

    every = [n for s in rule.statements for n in reads(s.value) if n.tensor == statement.target]
    if any(n.pad not in (None, Literal(neutral)) or affine_of(n.positions[0]) is None for n in every):
        return None
    bounds = box_bounds(over)
    if bounds is None:
        return None
    count = bounds[1]
    longer = Binder(over.name, Literal(0), Literal(count + 1))
    shorter = replace(value, binders=(replace(value.binders[0], upper=Index(over.name)),))
    made = Statement(statement.target, (longer,), shorter, location=statement.location)
    others = [s if s is statement else replace(s, value=rewrite(s.value, step)) for s in rule.statements]
    meaning = (
        Statement(statement.target, (Literal(0),), Literal(neutral)),
        Statement(
            statement.target,
            (Binder(over.name, Literal(1), Literal(count + 1)),),
            Read(statement.target, (Affine.of(-1, {over.name: 1}).to_expr(),)),
        ),
    )
    return Rewrite(with_statements(rule, [made if s is statement else s for s in others]), Witness(meaning))


def _closed(clauses: Sequence[Statement], names: Names, types: Types) -> Statement | None:
    """One clause for a running result; None if its clauses are none."""
    target = clauses[0].target
    running = [s for s in clauses if any(n.tensor == target for n in reads(s.value))]
    if len(running) != 1:
        return None
    (main,) = running
    op = operator_of(main.value)
    own = [o for o in operands_under(op, main.value) if isinstance(o, Read) and o.tensor == target]
    others = [o for o in operands_under(op, main.value) if o not in own]
    if op not in _REDUCTIONS or len(own) != 1 or len(others) != 1:
        return None
    if sum(n.tensor == target for n in reads(main.value)) != 1:
        return None
    axis = _axis(main, own[0])
    if axis is None:
        return None
    index = main.positions[axis]
    assert isinstance(index, Binder)
    bounds = box_bounds(index)
    if bounds is None:
        return None
    (term,) = others
    if len(clauses) == 1:
        if bounds[0] != 0 or not _is_neutral(own[0].pad, op, types.of(term)):
            return None
        first = start = 0
    else:
        base = next(s for s in clauses if s is not main)
        first = bounds[0] - 1
        count = _beginning(base, main, axis, op, term, first)
        if own[0].pad is not None or count is None:
            return None
        start = bounds[0] - count
    used = {b.name for b in main.binders}
    used |= {b.name for n in postorder(main.value) if isinstance(n, Binding) for b in n.binders}
    name = names.indices(1, avoid=used)[0]
    last = Affine.of(1 - start, {index.name: 1}).to_expr()
    body = _at(term, index.name, Affine.of(start, {name: 1}).to_expr())
    value = builder.reduction(_REDUCTIONS[op], (Binder(name, Literal(0), last),), body)
    value = builder.mod(value, 2) if op == "xor" else value
    over = Binder(index.name, Literal(first), index.upper, location=index.location)
    positions = (*main.positions[:axis], over, *main.positions[axis + 1 :])
    return Statement(target, positions, value, location=main.location)


def _is_neutral(pad: Expr | None, op: str, term: ValueType) -> bool:
    """Whether what a pad is joined with stays what it is."""
    if not isinstance(pad, Literal):
        return False
    match op:
        case "max":
            return term.low is not None and pad.value <= Fraction(term.low, 1 << term.exponent)
        case "min":
            return term.high is not None and pad.value >= Fraction(term.high, 1 << term.exponent)
    return pad.value == _NEUTRAL[op]


def _axis(main: Statement, own: Read) -> int | None:
    """The axis along which a statement reads the element before its own."""
    found: list[int] = []
    for axis, (position, place) in enumerate(zip(main.positions, own.positions, strict=True)):
        if isinstance(position, Binder) and affine_of(place) == Affine.of(-1, {position.name: 1}):
            found.append(axis)
        elif place != (Index(position.name) if isinstance(position, Binder) else position):
            return None
    return found[0] if len(found) == 1 else None


def _beginning(base: Statement, main: Statement, axis: int, op: str, term: Expr, first: int) -> int | None:
    """How many of what a statement joins its first element is made of; None if it is made of something else."""
    names: dict[str, str] = {}
    for k, (mine, theirs) in enumerate(zip(base.positions, main.positions, strict=True)):
        if k == axis:
            if mine != Literal(first):
                return None
        elif isinstance(mine, Binder) and isinstance(theirs, Binder):
            if (mine.lower, mine.upper) != (theirs.lower, theirs.upper):
                return None
            names[mine.name] = theirs.name
        elif mine != theirs:
            return None
    index = main.positions[axis]
    assert isinstance(index, Binder)
    parts = [_simplified(rename_indices(o, names)) for o in operands_under(op, base.value)]
    wanted = [_at(term, index.name, Literal(first - k)) for k in range(len(parts))]
    return len(parts) if Counter(parts) == Counter(wanted) else None


def _at(term: Expr, name: str, place: Expr) -> Expr:
    return _simplified(substitute(term, {name: place}))


def _simplified(expr: Expr) -> Expr:
    """An expression with the positions of its reads in their normal form."""

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read):
            return node
        return Read(node.tensor, tuple(simplify(p) for p in node.positions), node.pad, location=node.location)

    return rewrite(expr, step)
