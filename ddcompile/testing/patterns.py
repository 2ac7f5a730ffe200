"""Patterns of statements that random rules are made of; each defines a tensor or two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ddcompile.ir.nodes import Binary, Binder, Compare, Expr, Index, Kind, Literal, Read, Reduce, Unary
from ddcompile.testing.recurrences import between, carry, cycle, grid, history, steps, together
from ddcompile.testing.rule_builder import RuleBuilder, over
from ddcompile.testing.values import Extent, Scope, Value, hull, join

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
    if not first.is_known:
        _head_and_tail(rule, name, shape)
        return
    if first.value < 2:
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
        rule.clause(name, (between(part), *binders[1:]), values[-1])
    for k in range(cut, first.value) if what == "elements" else ():
        values.append(rule.value(replace(scope, indices=tuple(others)), kind))
        rule.clause(name, (Literal(k), *binders[1:]), values[-1])
    rule.define(name, shape, *values)


def _head_and_tail(rule: RuleBuilder, name: str, shape: tuple[Extent, ...]) -> None:
    """The first element along a size, and the others, which may be none."""
    (_, *binders), scope = rule.scope(shape)
    index, *others = scope.indices
    kind: Kind | None = rule.choose.choice((None, "bit"))
    first = rule.value(replace(scope, indices=tuple(others)), kind)
    rule.clause(name, (Literal(0), *binders), first)
    rest = rule.value(replace(scope, indices=(replace(index, low=1, extent=None), *others)), kind)
    rule.clause(name, (Binder(index.name, Literal(1), shape[0].expr), *binders), rest)
    rule.define(name, shape, first, rest)


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


def gaps(rule: RuleBuilder) -> None:
    """A tensor with elements that no clause defines, and one that reads the others."""
    hidden = rule.hide()
    count = rule.choose.integer(2, 5)
    extent = Extent(Literal(count), count)
    what = rule.choose.choice(("window", "even", "triangle"))
    kind: Kind | None = rule.choose.choice((None, "bit"))
    if what == "triangle":
        (row, _), scope = rule.scope((extent, extent))
        i, j = scope.indices
        inner = replace(scope, indices=(i, replace(j, extent=None)))
        values = [rule.value(inner, kind)]
        column = Binder(j.name, Literal(0), i.expr)
        rule.clause(hidden, (row, column), values[0])
        sums = Reduce("sum", (column,), Read(hidden, (i.expr, j.expr)))
        _reader(rule, extent, sums, values, count - 1)
    elif what == "window":
        low = rule.choose.integer(1, 3)
        (_,), scope = rule.scope((extent,))
        (index,) = scope.indices
        moved = replace(index, low=low, high=low + count - 1, extent=None)
        values = [rule.value(replace(scope, indices=(moved,)), kind)]
        rule.clause(hidden, (between(moved),), values[0])
        outside = None if rule.sizes or rule.choose.boolean() else Literal(0)
        ahead = low if outside is None else low + rule.choose.integer(0, 2)
        _reader(rule, extent, Read(hidden, (Binary("+", index.expr, Literal(ahead)),), outside), values, 1)
    else:
        values = [rule.value(Scope(rule.limits.trips), kind) for _ in range(count)]
        for k, value in enumerate(values):
            rule.clause(hidden, (Literal(2 * k),), value)
        _reader(rule, extent, Read(hidden, (Binary("*", Literal(2), Index("i")),)), values, 1)


def _reader(rule: RuleBuilder, extent: Extent, read: Expr, values: list[Value], most: int) -> None:
    """A tensor whose element is what `read` gives at index i, a sum of at most so many values, and a bit."""
    name = rule.name()
    (binder,), scope = rule.scope((extent,))
    low, high = hull((0, *(bound * most for value in values for bound in (value.low, value.high))))
    kind = join(*(value.kind for value in values), "int")
    other = rule.grow.bit(scope, 1)
    total = Value(Binary("+", read, other.expr), kind, low, high + 1, max(value.exponent for value in values))
    rule.clause(name, (binder,), total)
    rule.define(name, (extent,), total)


_ALL = (pointwise, clauses, dense, stencil, carry, steps, together, gaps, history, grid, cycle)
PATTERNS: dict[str, Callable[[RuleBuilder], None]] = {pattern.__name__: pattern for pattern in _ALL}
