"""Fold constants, simplify indices, and write sums, sums of cycles and comparisons in their normal form.

Before::

    y[i < 8] = sum(k < 8: x[(i + k) % 8]) - 2 * x[(i + 8) % 8] - (0 + 3) > 0

After::

    y[i < 8] = sum(k < 8: x[k]) - 2 * x[i] >= 4

What ranges decide is written in: `relu(x[i] + 1)` over bits is `x[i] + 1`. A wrapped index loses its `%` when its range
shows that it does not wrap; a reduction over a whole cycle starts anywhere. Of what computes with reals the exact
parts are folded, and what has the same bits for every real: `1 * r` is `r`, and `r + -1.5` is `r - 1.5`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcompile.analysis.comparisons import integer_terms, normal_comparison
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.scopes import Ranges, index_ranges
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of, simplify
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Binding,
    Call,
    Compare,
    Constant,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Statement,
    Unary,
)
from ddcompile.ir.points import ONE_POINT, expand, static_value
from ddcompile.ir.traverse import children, free_indices, postorder, rewrite, with_children
from ddcompile.ir.types import Types, infer
from ddcompile.passes.decided import decided
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.running import is_inside, running

__all__ = ["Fold", "folded", "with_places"]

_LONG = 256
"""Sums that are nested deeper are joined once, not level by level."""

_ENTRIES = 1 << 12
"""Entries of a table that are looked at for a read."""

_MOST_ROUNDS = 8
"""How often ranges are found again after what they decided was written in."""


@dataclass(frozen=True, slots=True)
class Fold(Pass):
    """Fold constants, simplify indices, and write sums, sums of cycles and comparisons in their normal form."""

    name: ClassVar[str] = "fold"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        new = rule
        for _ in range(_MOST_ROUNDS):
            before, new = new, _folded_once(new)
            if new == before:
                break
        return unchanged(rule) if new == rule else Rewrite(new)


def _folded_once(rule: Rule) -> Rule:
    tables = {c.name: c for c in rule.constants}
    types = infer(rule)
    statements = []
    for statement in rule.statements:
        value = folded(statement, decided(statement.value, types), tables, types)
        statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
    return with_statements(rule, statements)


def folded(statement: Statement, value: Expr, tables: dict[str, Constant], types: Types) -> Expr:
    """The normal form of an expression in the place of a statement's value."""
    reals = Reals(types)
    for _ in range(8):
        ranges = index_ranges(Statement(statement.target, statement.positions, value))
        new = _folded(value, ranges, tables, types, reals)
        if new == value:
            break
        value = new
    return value


def _of_reals(node: Expr, reals: Reals) -> Expr:
    """An operation on reals without a factor of 1, a negative number being taken away."""
    match node:
        case Binary("*", Literal(1), real) | Binary("*", real, Literal(1)) if reals(real):
            return real
        case Binary("+", real, Literal(value)) if reals(real) and value < 0:
            return Binary("-", real, Literal(-value), location=node.location)
    return node


def with_places(statement: Statement, value: Expr, tables: dict[str, Constant], types: Types) -> Expr:
    """An expression in the place of a statement's value with the positions of its reads in their normal form."""
    ranges = index_ranges(Statement(statement.target, statement.positions, value))

    def step(node: Expr) -> Expr:
        if isinstance(node, Reduce):
            return _flat_element(node, ranges, types) or node
        if not isinstance(node, Read):
            return node
        return _entry(_element(node, ranges, types), tables, ranges)

    return rewrite(value, step)


def _folded(value: Expr, ranges: Ranges, tables: dict[str, Constant], types: Types, reals: Reals) -> Expr:
    inner = _within_long_sums(value)

    def step(old: Expr, node: Expr) -> Expr:
        match node:
            case Read():
                read = _element(node, ranges, types)
                return read if reals.tensor(node.tensor) else _entry(read, tables, ranges)
            case _ if reals(node):
                return _of_reals(node, reals)
            case Binary("+", left, right):
                new = builder.add(left, right)
                return new if id(old) in inner else _sum(new)
            case Binary("-", left, right):
                new = builder.sub(left, right)
                return new if id(old) in inner else _sum(new)
            case Binary("*", left, right):
                return builder.mul(left, right)
            case Binary("%", left, right):
                return _modulo(builder.mod(left, right))
            case Binary("and", left, right):
                return builder.conj(left, right)
            case Binary("or", left, right):
                return builder.disj(left, right)
            case Binary("xor", left, right):
                return builder.xor(left, right)
            case Unary(op, operand):
                return builder.unary(op, operand)
            case Call(function, arguments):
                return builder.call(function, arguments)
            case If(condition, then, otherwise):
                return builder.conditional(condition, then, otherwise)
            case Compare((first, second), (Literal() as low, Unary("-", middle), Literal() as high)):
                turned = builder.chain(builder.neg(high), second, middle, first, builder.neg(low))
                return turned if cost(turned) <= cost(node) else node
            case Compare() if _is_integral(node, tables, types):
                return normal_comparison(node)
            case Reduce(op, binders, body):
                node = Reduce(op, binders, body, location=node.location)
                element = _flat_element(node, ranges, types)
                if element is not None:
                    return element
                shape = types.shape.get(body.tensor) if isinstance(body, Read) else None
                return _reduction(running(node, ranges, shape))
        return node

    results: list[Expr] = []
    for node in postorder(value):
        split = len(results) - len(children(node))
        kids = tuple(results[split:])
        del results[split:]
        results.append(step(node, with_children(node, kids)))
    return results[0]


def _within_long_sums(value: Expr) -> set[int]:
    """By identity the sums whose summands are joined in a longer one around them, where it is very long."""
    found: set[int] = set()
    depths: dict[int, int] = {}
    for node in postorder(value):
        match node:
            case Binary("+" | "-", left, right):
                depths[id(node)] = 1 + max(depths.get(id(left), 0), depths.get(id(right), 0))
                if depths[id(node)] > _LONG:
                    found |= {id(kid) for kid in (left, right) if id(kid) in depths}
    return found


def _modulo(expr: Expr) -> Expr:
    """`(i + 9) % 4` over indices as `(i + 1) % 4`; anything else as it is."""
    return simplify(expr) if isinstance(expr, Binary) and affine_of(expr.left) is not None else expr


def _position(expr: Expr, ranges: Ranges) -> Expr:
    """An index without needless `%`."""
    expr = simplify(expr)
    match expr:
        case Binary("%", inner, Literal(int(extent))):
            form = affine_of(inner)
            if form is not None and form.names <= ranges.keys():
                low, high = form.bounds(ranges)
                turn = int(low // extent) * extent
                if high - turn < extent:
                    return (form - turn).to_expr()
    return expr


def _element(read: Read, ranges: Ranges, types: Types) -> Expr:
    """A read with simple places; without its pad where it is seen to be inside, and the pad where it is not."""
    if read.pad is None and all(isinstance(p, Literal | Index) for p in read.positions):
        return read
    places = tuple(_position(p, ranges) for p in read.positions)
    extents = types.shape.get(read.tensor, ())
    if read.pad is None or not extents:
        return Read(read.tensor, places, read.pad, location=read.location)
    forms = [affine_of(p) for p in places]
    if all(is_inside(form, n, ranges) for form, n in zip(forms, extents, strict=True)):
        return Read(read.tensor, places, location=read.location)
    for form, extent in zip(forms, extents, strict=True):
        if form is not None and form.names <= ranges.keys():
            low, high = form.bounds(ranges)
            if high < 0 or low >= extent:
                return read.pad
    return Read(read.tensor, places, read.pad, location=read.location)


def _entry(read: Expr, tables: dict[str, Constant], ranges: Ranges) -> Expr:
    """The entry of a constant at literal positions, or where its entries are an affine function of indices."""
    if not isinstance(read, Read) or read.tensor not in tables:
        return read
    values = tables[read.tensor].values
    if all(isinstance(p, Literal) for p in read.positions):
        places = tuple(p.value for p in read.positions)  # type: ignore[attr-defined]
        return Literal(values[places]) if all(0 <= p < n for p, n in zip(places, values.shape, strict=True)) else read
    forms = [affine_of(p) for p in read.positions]
    names = sorted({name for form in forms if form is not None for name in form.names})
    if read.pad is not None or values.dtype != np.int64 or None in forms or not names or not ranges.keys() >= {*names}:
        return read
    spans = [range(int(ranges[n][0]), int(ranges[n][1]) + 1) for n in names]
    binders = (Binder(n, Literal(s.start), Literal(s.stop)) for n, s in zip(names, spans, strict=True))
    points = expand(ONE_POINT, binders, {}, _ENTRIES)
    entries = None if points is None else static_value(read, points[0], {read.tensor: values})
    if points is None or entries is None:
        return read
    found = entries.reshape([len(s) for s in spans])
    slopes = [int(found.take(1, axis=k).flat[0]) - int(found.flat[0]) if len(s) > 1 else 0 for k, s in enumerate(spans)]
    start = int(found.flat[0]) - sum(c * s[0] for c, s in zip(slopes, spans, strict=True))
    line = Affine.of(start, dict(zip(names, slopes, strict=True))).to_expr()
    wanted = static_value(line, points[0], {})
    return line if wanted is not None and (entries == wanted).all() else read


def _sum(expr: Expr) -> Expr:
    """A sum with equal summands joined; as it is when all differ."""
    form = integer_terms(expr)
    if form is None or len(form[0]) + (form[1] != 0) == _summands(expr):
        return expr
    terms, constant = form
    ordered = sorted(terms.items(), key=lambda t: t[1] < 0)
    return builder.add(builder.add_all(builder.mul(c, e) for e, c in ordered), constant)


def _summands(expr: Expr) -> int:
    count, work = 0, [expr]
    while work:
        match work.pop():
            case Binary("+" | "-", left, right):
                work += [left, right]
            case _:
                count += 1
    return count


def _is_integral(expr: Expr, tables: dict[str, Constant], types: Types) -> bool:
    """Whether everything in an expression without reals is an integer, literals included."""
    for node in postorder(expr):
        match node:
            case Literal(value) if not isinstance(value, int):
                return False
            case Read(name, _, _):
                kind = tables[name].type.kind if name in tables else types.tensor[name].kind
                if kind == "rat":
                    return False
    return True


def _reduction(node: Reduce) -> Expr:
    """Start whole cycles at 0, take out what does not depend on the indices, and drop ranges of one or none."""
    binders, body = node.binders, node.body
    if node.op in ("sum", "any", "all") and any(b is not None and b[0] >= b[1] for b in map(box_bounds, binders)):
        return Literal(int(node.op == "all"))
    for k, binder in enumerate(binders if node.op != "argmax" else ()):
        body, bounds = _uncycled(binder, body)
        if bounds is not None:
            binders = (*binders[:k], bounds, *binders[k + 1 :])
    for k, binder in enumerate(binders):
        bounds_of = box_bounds(binder)
        if bounds_of is not None and bounds_of[1] - bounds_of[0] == 1 and node.op != "argmax":
            low = Literal(bounds_of[0])
            later = tuple(
                Binder(b.name, _at(b.lower, binder.name, low), _at(b.upper, binder.name, low)) for b in binders[k + 1 :]
            )
            return builder.reduction(node.op, (*binders[:k], *later), _at(body, binder.name, low))
    if node.op == "sum":
        match body:
            case Binary("*", Literal(factor), inner):
                return builder.mul(factor, builder.summation(binders, inner))
            case Unary("-", inner):
                return builder.neg(builder.summation(binders, inner))
        return builder.summation(binders, body)
    return Reduce(node.op, binders, body, location=node.location)


def _flat_element(node: Reduce, ranges: Ranges, types: Types) -> Expr | None:
    """The element that `any(j < 6: pad(x, 0)[j, i - 8 * j])` is of a tensor with rows of 8, where its row is seen.

    Only the term counts whose last place is inside: that of the row `i // 8`, at `i % 8`.
    """
    read = node.body
    if node.op not in ("any", "sum") or not isinstance(read, Read) or read.pad != Literal(0):
        return None
    extents = types.shape.get(read.tensor, ())
    forms = [affine_of(p) for p in read.positions]
    if len(extents) != len(node.binders) + 1 or None in forms:
        return None
    *rows, last = (form for form in forms if form is not None)
    strides = np.multiply.accumulate([1, *extents[:0:-1]])[::-1].tolist()[:-1]
    for binder, row, extent, stride in zip(node.binders, rows, extents, strides, strict=False):
        if row != Affine.of(0, {binder.name: 1}) or box_bounds(binder) != (0, extent):
            return None
        last = last + Affine.of(0, {binder.name: stride})
    if not last.names <= ranges.keys() - {b.name for b in node.binders} or not last.is_integral:
        return None
    places: list[Affine] = []
    for extent, stride in zip(extents, [*strides, 1], strict=True):
        whole = Affine.of(0, {n: last.coefficient(n) // stride for n in last.names if not last.coefficient(n) % stride})
        rest = last - whole.scale(stride)
        whole = whole + int(rest.bounds(ranges)[0] // stride)
        last = last - whole.scale(stride)
        low, high = whole.bounds(ranges)
        if low < 0 or high >= extent or last.bounds(ranges)[1] >= stride:
            return None
        places.append(whole)
    return Read(read.tensor, tuple(place.to_expr() for place in places), location=read.location)


def _at(expr: Expr, name: str, value: Expr) -> Expr:
    return rewrite(expr, lambda n: value if n == Index(name) else n)


def _uncycled(binder: Binder, body: Expr) -> tuple[Expr, Binder | None]:
    """Write `(f + k) % n` as `k` where k runs over a whole cycle and occurs in this way only."""
    bounds = box_bounds(binder)
    if bounds is None:
        return body, None
    extent = bounds[1] - bounds[0]
    wrapped: set[Expr] = set()
    inner_names = {b.name for n in postorder(body) if isinstance(n, Binding) for b in n.binders}
    outside = rewrite(body, lambda n: _cut(n, binder.name, extent, wrapped))
    if binder.name in free_indices(outside) or len(wrapped) != 1:
        return body, None
    (target,) = wrapped
    form = affine_of(target.left) if isinstance(target, Binary) else None
    if form is None or form.names & inner_names:
        return body, None
    if form == Affine.of(0, {binder.name: 1}) and bounds[0] == 0:
        return body, None
    new = rewrite(body, lambda n: Index(binder.name) if n == target else n)
    return new, Binder(binder.name, Literal(0), Literal(extent))


def _cut(node: Expr, name: str, extent: int, found: set[Expr]) -> Expr:
    """Replace `(... + name) % extent` by a literal and remember it."""
    match node:
        case Binary("%", inner, Literal(modulus)) if modulus == extent:
            form = affine_of(inner)
            if form is not None and form.is_integral and abs(form.coefficient(name)) == 1:
                found.add(node)
                return Literal(0)
    return node
