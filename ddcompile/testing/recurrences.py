"""Random recurrences: tensors that read their own earlier elements, or one another over time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ddcompile.ir.nodes import Binary, BinaryOp, Binder, Compare, Expr, Index, Literal, Read, Unary
from ddcompile.testing.rule_builder import RuleBuilder
from ddcompile.testing.values import Extent, IndexRange, Scope, Value, hull, join, real

__all__ = ["between", "carry", "cycle", "grid", "history", "steps", "together"]


def carry(rule: RuleBuilder) -> None:
    """A recurrence along the first axis that starts from a constant outside."""
    name = rule.name()
    extent = _line(rule)
    (binder,), scope = rule.scope((extent,))
    if rule.grow.is_real and rule.choose.boolean():
        _filtered(rule, name, extent)
        return
    bit = rule.choose.boolean(0.6)
    outside = Literal(rule.choose.integer(0, 1))
    before = Read(name, (Binary("-", scope.indices[0].expr, Literal(1)),), outside)
    if rule.choose.boolean(0.2):
        _accumulated(rule, name, extent, binder, scope, before)
        return
    leaf = Value(before, "bit", 0, 1) if bit else Value(before, "int", 0, 5)
    value = _advance(rule, replace(scope, leaves=(leaf,)), leaf)
    rule.clause(name, (binder,), value)
    rule.define(name, (extent,), replace(value, low=0, high=leaf.high))


def _filtered(rule: RuleBuilder, name: str, extent: Extent) -> None:
    """A real that decays towards something else, rounded at every step."""
    (binder,), scope = rule.scope((extent,))
    before = Read(name, (_moved(scope.indices[0], -1),), Literal(rule.choose.integer(0, 1)))
    towards = Unary("real", rule.grow.number(scope, rule.limits.fuel // 2).expr)
    value = real(Binary("+", Binary("*", Literal(Fraction(0.3333)), before), towards))
    rule.clause(name, (binder,), value)
    rule.define(name, (extent,), value)


def _accumulated(rule: RuleBuilder, name: str, extent: Extent, binder: Binder, scope: Scope, before: Read) -> None:
    """Running totals: the range grows with every element."""
    term = rule.grow.number(scope, rule.limits.fuel // 2)
    low, high = hull((0, term.low * extent.value, 1 + term.high * extent.value))
    value = Value(Binary("+", before, term.expr), join(term.kind, "int"), low, high, term.exponent)
    rule.clause(name, (binder,), value)
    rule.define(name, (extent,), value)


def steps(rule: RuleBuilder) -> None:
    """Steps in time of a row of elements: the first axis is time, neighbours wrap."""
    name = rule.name()
    times, extent = rule.choose.integer(2, 5), _line(rule)
    time = Extent(Literal(times), times)
    bit = rule.choose.boolean(0.6)
    (_, binder), scope = rule.scope((time, extent))
    t, i = scope.indices
    start = _step_value(rule, replace(scope, indices=(i,)), bit=bit)
    rule.clause(name, (Literal(0), binder), start)
    neighbours = (i.expr, Binary("%", _moved(i, 1), extent.expr), Binary("%", _moved(i, -1), extent.expr))
    reads = [Read(name, (_before(t), neighbour)) for neighbour in neighbours]
    leaves = tuple(Value(read, "bit", 0, 1) if bit else Value(read, "int", 0, 5) for read in reads)
    later = replace(t, low=1, extent=None)
    value = _advance(rule, replace(scope, indices=(later, i), leaves=leaves), rule.choose.choice(leaves))
    rule.clause(name, (between(later), binder), value)
    rule.define(name, (time, extent), start, value)


def together(rule: RuleBuilder) -> None:
    """Two tensors that advance together in time, the second from the first one's present."""
    names = (rule.name(), rule.name(1))
    times = rule.choose.integer(2, 4)
    time = Extent(Literal(times), times)
    _, scope = rule.scope((time,))
    later = replace(scope.indices[0], low=1, extent=None)
    before = tuple(Value(Read(name, (_before(later),)), "bit", 0, 1) for name in names)
    now = Value(Read(names[0], (later.expr,)), "bit", 0, 1)
    clauses: list[tuple[str, Binder | Expr, Value]] = []
    for name, leaves in zip(names, ((before[1], before[0]), (now, before[1])), strict=True):
        clauses.append((name, Literal(0), rule.grow.bit(Scope(rule.limits.trips), 2)))
        inner = Scope(rule.limits.trips, (later,), leaves)
        clauses.append((name, between(later), _advance(rule, inner, leaves[0])))
    rule.is_ordered = True
    for name, position, value in clauses:
        rule.clause(name, (position,), value)
    for name in names:
        rule.define(name, (time,), clauses[0][2])


def history(rule: RuleBuilder) -> None:
    """A row of elements over time that reads several steps back, also before the beginning."""
    name = rule.name()
    times, extent = rule.choose.integer(1, 5), _line(rule)
    time = Extent(Literal(times), times)
    binders, scope = rule.scope((time, extent))
    t, i = scope.indices
    bit, outside = rule.choose.boolean(0.6), rule.choose.integer(0, 1)
    moved = Binary("%", _moved(i, rule.choose.choice((1, -1, 2))), extent.expr)
    leaves = tuple(
        _bit_or_digit(Read(name, (_moved(t, -back), place), Literal(outside)), bit=bit)
        for back, place in ((1, i.expr), (rule.choose.integer(1, 3), moved))
    )
    value = _advance(rule, replace(scope, leaves=leaves), rule.choose.choice(leaves))
    rule.clause(name, binders, value)
    rule.define(name, (time, extent), value)


def grid(rule: RuleBuilder) -> None:
    """Every element from those above, on its left, and between them."""
    name = rule.name()
    binders, scope = rule.scope((_line(rule), _line(rule)))
    i, j = scope.indices
    bit, outside = rule.choose.boolean(0.6), rule.choose.integer(0, 1)
    leaves = tuple(
        _bit_or_digit(Read(name, place, Literal(outside)), bit=bit)
        for place in ((_moved(i, -1), j.expr), (i.expr, _moved(j, -1)), (_moved(i, -1), _moved(j, -1)))
    )
    value = _advance(rule, replace(scope, leaves=leaves), rule.choose.choice(leaves))
    rule.clause(name, binders, value)
    rule.define(name, tuple(index.extent for index in scope.indices if index.extent is not None), value)


def cycle(rule: RuleBuilder) -> None:
    """Two or three tensors over one time, of different other axes, each from the present of those before it."""
    count = rule.choose.choice((2, 2, 3))
    names = [rule.name(ahead) for ahead in range(count)]
    times = rule.choose.integer(1, 4)
    lines = [_line(rule) if rule.choose.boolean() else None for _ in names]
    shapes = [
        tuple(extent for extent in (Extent(Literal(n), n), line) if extent is not None)
        for n, line in ((times + rule.choose.integer(0, 1), line) for line in lines)
    ]
    bit = rule.choose.boolean(0.6)
    rule.is_ordered = True
    values = []
    for number, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        binders, scope = rule.scope(shape)
        leaves = []
        for other in range(count):
            back = 0 if other < number else rule.choose.choice((1, 1, 2))
            place: list[Expr] = [_moved(scope.indices[0], -back)]
            line = lines[other]
            if line is not None:
                mine = scope.indices[-1] if len(shape) > 1 else None
                place.append(Literal(0) if mine is None else Binary("%", mine.expr, line.expr))
            outside = Literal(rule.choose.integer(0, 1))
            leaves.append(_bit_or_digit(Read(names[other], tuple(place), outside), bit=bit))
        values.append(_advance(rule, replace(scope, leaves=tuple(leaves)), leaves[number - 1]))
        rule.clause(name, binders, values[-1])
    for name, shape, value in zip(names, shapes, values, strict=True):
        rule.define(name, shape, value)


def _bit_or_digit(read: Read, *, bit: bool) -> Value:
    """A read of a recurrence that keeps bits, or 0 to 5."""
    return Value(read, "bit", 0, 1) if bit else Value(read, "int", 0, 5)


def _line(rule: RuleBuilder) -> Extent:
    """The extent of a recurrence."""
    if rule.extents and rule.choose.boolean():
        return rule.choose.choice(rule.extents)
    count = rule.choose.integer(2, 6)
    return Extent(Literal(count), count)


def _step_value(rule: RuleBuilder, scope: Scope, *, bit: bool) -> Value:
    """A value of the range that a recurrence keeps: a bit, or 0 to 5."""
    if bit:
        return rule.grow.bit(scope, 2)
    value = rule.grow.integer(scope, rule.limits.fuel)
    return Value(Binary("%", value.expr, Literal(6)), "int", 0, 5)


def _advance(rule: RuleBuilder, scope: Scope, leaf: Value) -> Value:
    """A next value of the same range as `leaf`, which it uses."""
    if leaf.kind == "bit":
        other = rule.grow.bit(scope, rule.limits.fuel // 2)
        op: BinaryOp = rule.choose.choice(("xor", "or", "and"))
        if rule.choose.boolean():
            return Value(Binary(op, leaf.expr, other.expr), "bit", 0, 1)
        number = rule.grow.number(scope, rule.limits.fuel // 2)
        total = Binary("+", number.expr, leaf.expr)
        return Value(Compare((">=",), (total, Literal(rule.choose.integer(0, 3)))), "bit", 0, 1)
    number = rule.grow.integer(scope, rule.limits.fuel // 2)
    total = Binary("+", leaf.expr, number.expr)
    return Value(Binary("%", total, Literal(6)), "int", 0, 5)


def between(index: IndexRange) -> Binder:
    """The binder of an index over its range."""
    return Binder(index.name, Literal(index.low), Literal(index.high + 1))


def _before(time: IndexRange) -> Expr:
    return Binary("-", Index(time.name), Literal(1))


def _moved(index: IndexRange, offset: int) -> Expr:
    if offset == 0:
        return index.expr
    return Binary("+" if offset > 0 else "-", index.expr, Literal(abs(offset)))
