"""Patterns of statements that random rules are made of; each defines a tensor or two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ddcompile.ir.nodes import Binary, BinaryOp, Binder, Compare, Expr, Index, Kind, Literal, Read, Reduce, Unary
from ddcompile.testing.rule_builder import RuleBuilder, over
from ddcompile.testing.values import Extent, IndexRange, Scope, Value, hull, join

__all__ = ["PATTERNS"]


def pointwise(rule: RuleBuilder) -> None:
    """One clause over the whole box."""
    name, shape = rule.name(), rule.shape()
    binders, scope = rule.scope(shape)
    value = rule.value(scope)
    rule.clause(name, binders, value)
    rule.define(name, shape, value)


def clauses(rule: RuleBuilder) -> None:
    """Clauses that split the first axis at a number or into elements, or a square along its diagonal."""
    name, shape = rule.name(), rule.shape(least=1)
    first = shape[0]
    if not first.is_known or first.value < 2:
        first = Extent(Literal(3), 3)
        shape = (first, *(Extent(Literal(1), 1) for _ in shape[1:]))
    what = rule.choose.choice(("halves", "halves", "elements", "triangles"))
    if what == "triangles":
        _triangles(rule, name, first)
        return
    binders, scope = rule.scope(shape)
    index, *others = scope.indices
    cut = rule.choose.integer(1, first.value - 1)
    kind: Kind | None = rule.choose.choice((None, "bit"))
    parts = [replace(index, high=cut - 1, extent=None)]
    if what == "halves":
        parts.append(replace(index, low=cut, extent=None))
    values = []
    for part in parts:
        values.append(rule.value(replace(scope, indices=(part, *others)), kind))
        rule.clause(name, (_between(part), *binders[1:]), values[-1])
    for k in range(cut, first.value) if what == "elements" else ():
        values.append(rule.value(replace(scope, indices=tuple(others)), kind))
        rule.clause(name, (Literal(k), *binders[1:]), values[-1])
    rule.define(name, shape, *values)


def _triangles(rule: RuleBuilder, name: str, extent: Extent) -> None:
    """The lower triangle with the diagonal, and the rest, of a square."""
    (row, _), scope = rule.scope((extent, extent))
    i, j = scope.indices
    kind: Kind | None = rule.choose.choice((None, "bit"))
    inner = replace(scope, indices=(i, replace(j, extent=None)))
    values = [rule.value(inner, kind), rule.value(inner, kind)]
    after = Binary("+", i.expr, Literal(1))
    rule.clause(name, (row, Binder(j.name, Literal(0), after)), values[0])
    rule.clause(name, (row, Binder(j.name, after, extent.expr)), values[1])
    rule.define(name, (extent, extent), *values)


def dense(rule: RuleBuilder) -> None:
    """A layer of threshold units over a whole tensor: a constant matrix and a bias."""
    name = rule.name()
    source = rule.choose.choice(rule.grow.tensors)
    if not all(extent.is_known for extent in source.shape):
        pointwise(rule)
        return
    count = rule.choose.integer(1, 5)
    unit = Extent(Literal(count), count)
    (binder,), scope = rule.scope((unit,))
    inner = scope
    for extent in source.shape:
        inner = replace(inner, indices=(*inner.indices, rule.grow.index(inner, extent)))
    u, *rest = (index.expr for index in inner.indices)
    weight = rule.grow.constant((count, *(extent.value for extent in source.shape)))
    bias = rule.grow.constant((count,))
    rule.grow.unread.discard(source.name)
    product: Expr = Binary("*", Read(weight.name, (u, *rest)), Read(source.name, tuple(rest)))
    if rest:
        binders = tuple(over(index.name, extent) for index, extent in zip(inner.indices[1:], source.shape, strict=True))
        product = Reduce("sum", binders, product)
    form = Binary("+", product, Read(bias.name, (u,)))
    if rule.choose.boolean():
        value = Value(Compare((">",), (form, Literal(0))), "bit", 0, 1)
    else:
        value = Value(Unary("sign", form), "trit", -1, 1)
    rule.clause(name, (binder,), value)
    rule.define(name, (unit,), value)


def stencil(rule: RuleBuilder) -> None:
    """A window around every element of a bit tensor, wrapped or clipped, counted and compared."""
    name = rule.name()
    sources = [tensor for tensor in rule.grow.tensors if tensor.shape and tensor.kind in ("bit", "spin", "trit")]
    if not sources:
        pointwise(rule)
        return
    source = rule.choose.choice(sources)
    rule.grow.unread.discard(source.name)
    binders, scope = rule.scope(source.shape)
    positions: list[Expr] = []
    offsets: list[Binder] = []
    inner = scope
    wrap = rule.choose.boolean(0.6)
    for index, extent in zip(scope.indices, source.shape, strict=True):
        offset = replace(rule.grow.index(inner, Extent(Literal(2), 2)), low=-1, extent=None)
        inner = replace(inner, indices=(*inner.indices, offset))
        offsets.append(Binder(offset.name, Literal(-1), Literal(2)))
        moved = Binary("+", index.expr, offset.expr)
        positions.append(Binary("%", moved, extent.expr) if wrap else moved)
    read = Read(source.name, tuple(positions), None if wrap else Literal(0))
    low = rule.choose.integer(-2, 3)
    ends = (Literal(low), Literal(low + rule.choose.integer(0, 3)))
    count = Reduce("sum", tuple(offsets), read)
    value = Value(Compare(("<=", "<="), (ends[0], count, ends[1])), "bit", 0, 1)
    rule.clause(name, binders, value)
    rule.define(name, source.shape, value)


def carry(rule: RuleBuilder) -> None:
    """A recurrence along the first axis that starts from a constant outside."""
    name = rule.name()
    extent = _line(rule)
    (binder,), scope = rule.scope((extent,))
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
    rule.clause(name, (_between(later), binder), value)
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
        clauses.append((name, _between(later), _advance(rule, inner, leaves[0])))
    rule.is_ordered = True
    for name, position, value in clauses:
        rule.clause(name, (position,), value)
    for name in names:
        rule.define(name, (time,), clauses[0][2])


def _line(rule: RuleBuilder) -> Extent:
    """The extent of a recurrence."""
    if rule.size is not None and rule.choose.boolean():
        return rule.size
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


def _between(index: IndexRange) -> Binder:
    return Binder(index.name, Literal(index.low), Literal(index.high + 1))


def _before(time: IndexRange) -> Expr:
    return Binary("-", Index(time.name), Literal(1))


def _moved(index: IndexRange, offset: int) -> Expr:
    return Binary("+" if offset > 0 else "-", index.expr, Literal(abs(offset)))


PATTERNS: dict[str, Callable[[RuleBuilder], None]] = {
    pattern.__name__: pattern for pattern in (pointwise, clauses, dense, stencil, carry, steps, together)
}
