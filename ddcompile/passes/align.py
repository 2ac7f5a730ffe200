"""Move the origins of tensors on rings so that statements that are alike read at the same offsets, for `roll`.

Before::

    a[i < 8] = x[(i - 1) % 8] and x[i]
    b[i < 8] = a[(i - 1) % 8] and a[i]
    y[i < 8] = b[(i + 2) % 8] and b[(i + 3) % 8]

After::

    a[i < 8] = x[i] and x[(i + 1) % 8]
    b[i < 8] = a[i] and a[(i + 1) % 8]
    y[i < 8] = b[i] and b[(i + 1) % 8]

The position at which a hidden element stands is free wherever all reads of its tensor wrap around: moving the origin of
an axis by s adds s to what the tensor reads and takes it from where it is read, and from where `i == 3` says that an
element is another one. Statements that differ in such offsets
only, all by one number, form a class; its offset is free up to what inputs and results demand. The offset of one class
after the other is set to what makes most statements agree; the program is changed when it can then be rolled shorter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import Ranges, index_ranges
from ddcompile.ir.affine import Affine
from ddcompile.ir.builder import compare, mod
from ddcompile.ir.nodes import Binary, Binder, Compare, Expr, If, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import chain_operands, children, free_indices, reads, rewrite
from ddcompile.ir.types import Types, infer
from ddcompile.passes.fold import folded
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, unchanged, with_statements
from ddcompile.passes.rings import ring_form
from ddcompile.passes.roll import Roll
from ddcompile.passes.set_apart import set_apart
from ddcompile.passes.templates import shape_of

__all__ = ["Align"]

Axis: TypeAlias = tuple[str, int]
"""A tensor and one of its axes."""


@dataclass(frozen=True, slots=True)
class Align(Pass):
    """Move the origins of tensors on rings so that statements that are alike read at the same offsets, for `roll`."""

    name: ClassVar[str] = "align"
    size: int = option(200, "how many nodes a statement may have", high=100_000)
    extent: int = option(1024, "the longest ring", high=1_000_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        free = _movable(rule, types, self.extent)
        ordered = [_ordered(s, types) for s in rule.statements] if free else []
        lines = [line for s in ordered for line in _lines(s, types, free, self.size)]
        shifts = _shifts(lines, free)
        if not any(shifts.values()):
            return unchanged(rule)
        tables = {c.name: c for c in rule.constants}
        statements = []
        for statement in ordered:
            value = folded(statement, _moved(statement, types, shifts), tables, types)
            statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
        new = with_statements(rule, statements)
        if cost(Roll()(new).rule) >= cost(Roll()(rule).rule):
            return unchanged(rule)
        return Rewrite(new, Witness(tuple(_witness(rule, types, shifts))))


@dataclass(frozen=True, slots=True)
class _Line:
    """The reads of a statement along one ring: offsets, and how they change with the origins of both tensors."""

    key: object
    """What statements of one class have in common."""
    target: str
    source: Axis
    offset: int
    factors: tuple[tuple[Axis, int], ...]
    """By axis of the target, the coefficient of its index."""
    extent: int

    def moved(self, shifts: Mapping[Axis, int]) -> int:
        """The offset after origins have moved."""
        added = sum(factor * shifts.get(axis, 0) for axis, factor in self.factors)
        return (self.offset + added - shifts.get(self.source, 0)) % self.extent


def _movable(rule: Rule, types: Types, longest: int) -> dict[Axis, int]:
    """Axes of hidden tensors whose origin is free, with their extents."""
    results = {d.name for d in rule.outputs}
    clauses: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        clauses.setdefault(statement.target, []).append(statement)
    free: dict[Axis, int] = {}
    for name, (first, *others) in clauses.items():
        for axis, extent in enumerate(types.shape[name]):
            binder = first.positions[axis]
            is_whole = isinstance(binder, Binder) and box_bounds(binder) == (0, extent)
            if name not in results and not others and is_whole and 1 < extent <= longest:
                free[name, axis] = extent
    for statement in rule.statements:
        ranges = index_ranges(statement)
        fixed = _fixed(statement, types, ranges)
        for axis, position in enumerate(statement.positions):
            if isinstance(position, Binder) and position.name in fixed:
                free.pop((statement.target, axis), None)
            bounds = (position.lower, position.upper) if isinstance(position, Binder) else (position,)
            for other, binder in enumerate(statement.positions):
                if isinstance(binder, Binder) and any(binder.name in free_indices(e) for e in bounds):
                    free.pop((statement.target, other), None)
        for node in reads(statement.value):
            for axis, position in enumerate(node.positions):
                if node.pad is not None or ring_form(position, types.shape[node.tensor][axis], ranges) is None:
                    free.pop((node.tensor, axis), None)
    return free


def _fixed(statement: Statement, types: Types, ranges: Ranges) -> set[str]:
    """Indices of a statement that are used other than in positions that wrap with them."""
    extents = {b.name: bounds[1] for b in statement.binders if (bounds := box_bounds(b)) is not None}
    fixed = {b.name for b in statement.binders} - extents.keys()
    stack: list[Expr] = [statement.value]
    while stack:
        node = stack.pop()
        if isinstance(node, Index):
            fixed.add(node.name)
        if isinstance(node, If) and all(_place(p) is not None for p in chain_operands("and", node.condition)):
            stack += (node.then, node.otherwise)
            continue
        if not isinstance(node, Read) or node.pad is not None:
            stack += children(node)
            continue
        for position, extent in zip(node.positions, types.shape[node.tensor], strict=True):
            form = ring_form(position, extent, ranges)
            if form is None:
                stack.append(position)
                continue
            fixed |= {n for n in form.names & extents.keys() if int(form.coefficient(n)) * extents[n] % extent}
    return fixed


def _place(condition: Expr) -> tuple[str, int] | None:
    """The index and the only value at which a condition holds, `i == 3`; None for another one."""
    match condition:
        case Compare(("==",), (Index(name), Literal(int(value)))):
            return name, value
    return None


def _ordered(statement: Statement, types: Types) -> Statement:
    """Reads of one tensor that may change places, `a[i] and a[(i + 3) % 8]`, in an order that moves with the origin."""
    ranges = index_ranges(statement)

    def offsets(read: Expr) -> tuple[Expr, tuple[int, ...]] | None:
        if not isinstance(read, Read) or read.pad is not None or types.tensor[read.tensor].kind == "real":
            return None
        forms = [ring_form(p, e, ranges) for p, e in zip(read.positions, types.shape[read.tensor], strict=True)]
        if not forms or any(form is None for form in forms):
            return None
        plain = tuple((form - form.constant).to_expr() for form in forms if form is not None)
        return Read(read.tensor, plain), tuple(int(form.constant) for form in forms if form is not None)

    def step(node: Expr) -> Expr:
        if not isinstance(node, Binary) or node.op not in ("and", "or", "xor", "+"):
            return node
        terms: list[Expr] = []
        rest: Expr = node
        while isinstance(rest, Binary) and rest.op == node.op:
            terms.append(rest.right)
            rest = rest.left
        terms.append(rest)
        found = [offsets(term) for term in terms]
        plain = {f[0] for f in found if f is not None}
        if None in found or len(plain) != 1:
            return node
        places = {f[1]: term for f, term in zip(found, terms, strict=True) if f is not None}
        extents = types.shape[next(r.tensor for r in plain if isinstance(r, Read))]

        def seen_from(base: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
            apart = [tuple((a - b) % e for a, b, e in zip(p, base, extents, strict=True)) for p in places]
            return sorted(zip(apart, places, strict=True))

        if len(places) < len(terms):
            return node
        order = min((seen_from(base) for base in places), key=lambda pairs: [apart for apart, _ in pairs])
        result = places[order[0][1]]
        for _, place in order[1:]:
            result = Binary(node.op, result, places[place])
        return result

    return Statement(statement.target, statement.positions, rewrite(statement.value, step), location=statement.location)


def _lines(statement: Statement, types: Types, free: Mapping[Axis, int], size: int) -> list[_Line]:
    """The first read along every axis that could move; the others of a class keep their distance to it."""
    ranges = index_ranges(statement)
    own = {b.name: (statement.target, k) for k, b in enumerate(statement.positions) if isinstance(b, Binder)}
    offsets: list[tuple[Axis, int, int, tuple[tuple[Axis, int], ...]]] = []

    def plain(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.pad is not None:
            return node
        positions = []
        for axis, position in enumerate(node.positions):
            extent = types.shape[node.tensor][axis]
            form = ring_form(position, extent, ranges)
            if form is not None and form.names:
                factors = tuple((own[n], int(form.coefficient(n))) for n in sorted(form.names & own.keys()))
                offsets.append(((node.tensor, axis), int(form.constant), extent, factors))
                position = Binary("%", (form - form.constant).to_expr(), Literal(extent))
            positions.append(position)
        return Read(node.tensor, tuple(positions))

    usual, _ = set_apart(statement.value)
    shape = shape_of(Statement(statement.target, statement.positions, rewrite(usual, plain)), size)
    if shape is None or not offsets:
        return []
    firsts: dict[tuple[Axis, tuple[tuple[Axis, int], ...]], int] = {}
    for axis, offset, _, factors in offsets:
        firsts.setdefault((axis, factors), offset)
    apart = tuple((offset - firsts[axis, factors]) % extent for axis, offset, extent, factors in offsets)
    lines = []
    for place, (axis, offset, extent, factors) in enumerate(offsets):
        if firsts.pop((axis, factors), None) is not None and (factors or axis in free):
            lines.append(_Line((shape.key, apart, place), statement.target, axis, offset % extent, factors, extent))
    return lines


def _shifts(lines: Sequence[_Line], free: Mapping[Axis, int]) -> dict[Axis, int]:
    """New origins of all axes that can move, so that most reads agree with their class."""
    wanted: dict[object, int] = {}
    counts: dict[object, int] = {}
    extents: dict[object, int] = {}
    for line in lines:
        wanted.setdefault(line.key, line.offset)
        counts[line.key] = counts.get(line.key, 0) + 1
        extents[line.key] = line.extent
    keys = [k for k, count in counts.items() if count > 1 and extents[k] * len(lines) <= _WORK]
    best, chosen = _score(lines, {}, wanted), dict[Axis, int]()
    grows = True
    while grows:
        grows = False
        start = wanted
        for key in keys:
            for offset in range(extents[key]):
                trial = {**start, key: offset}
                shifts = _propagated(lines, free, trial)
                score = _score(lines, shifts, trial)
                if score > best:
                    best, wanted, chosen, grows = score, trial, shifts, True
    return chosen


_WORK = 1 << 18
"""Reads looked at for one class at most."""


def _propagated(lines: Sequence[_Line], free: Mapping[Axis, int], wanted: Mapping[object, int]) -> dict[Axis, int]:
    """Origins by which the first read of every tensor has the offset of its class; the program is in order."""
    shifts: dict[Axis, int] = {}
    for line in lines:
        movable = [(axis, factor) for axis, factor in line.factors if axis in free and axis not in shifts]
        if len(movable) == 1 and movable[0][1] == 1:
            shifts[movable[0][0]] = (wanted[line.key] - line.moved(shifts)) % free[movable[0][0]]
    return shifts


def _score(lines: Sequence[_Line], shifts: Mapping[Axis, int], wanted: Mapping[object, int]) -> tuple[int, int, int]:
    """How many reads agree with their class; of several such, how many have no offset, and how small the others are."""
    offsets = [line.moved(shifts) for line in lines]
    agree = sum(offset == wanted[line.key] for line, offset in zip(lines, offsets, strict=True))
    away = sum(min(offset, line.extent - offset) for line, offset in zip(lines, offsets, strict=True))
    return agree, sum(offset == 0 for offset in offsets), -away


def _moved(statement: Statement, types: Types, shifts: Mapping[Axis, int]) -> Expr:
    """The value with all origins moved."""
    ranges = index_ranges(statement)
    own = {
        b.name: Affine.of(shifts[statement.target, k], {b.name: 1})
        for k, b in enumerate(statement.positions)
        if isinstance(b, Binder) and shifts.get((statement.target, k))
    }

    extents = {
        b.name: types.shape[statement.target][k] for k, b in enumerate(statement.positions) if isinstance(b, Binder)
    }

    def step(node: Expr) -> Expr:
        at = _place(node)
        if at is not None and at[0] in own:
            name, value = at
            return compare("==", Index(name), (value - int(own[name].constant)) % extents[name])
        if not isinstance(node, Read) or node.pad is not None:
            return node
        positions = []
        for axis, position in enumerate(node.positions):
            extent, shift = types.shape[node.tensor][axis], shifts.get((node.tensor, axis), 0)
            form = ring_form(position, extent, ranges)
            if form is not None and (shift or form.names & own.keys()):
                position = mod((form.substitute(own) - shift).to_expr(), extent)
            positions.append(position)
        return Read(node.tensor, tuple(positions), location=node.location)

    return rewrite(statement.value, step)


def _witness(rule: Rule, types: Types, shifts: Mapping[Axis, int]) -> list[Statement]:
    """Every moved tensor as the old one around its ring."""
    names = names_of(rule)
    clauses = []
    for target in dict.fromkeys(s.target for s in rule.statements):
        extents = types.shape[target]
        moves = [shifts.get((target, axis), 0) for axis in range(len(extents))]
        if any(moves):
            letters = names.indices(len(extents))
            binders = tuple(Binder(n, Literal(0), Literal(e)) for n, e in zip(letters, extents, strict=True))
            places = [
                mod(Affine.of(move, {n: 1}).to_expr(), e) if move else Index(n)
                for n, e, move in zip(letters, extents, moves, strict=True)
            ]
            clauses.append(Statement(target, binders, Read(target, tuple(places))))
    return clauses
