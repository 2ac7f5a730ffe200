"""Compute a reduction once where a loop would repeat it.

Before::

    longer[i < 9, j < 9] = sum(k < 9: x[k, i]) > sum(k < 9: x[j, k])

After::

    column[i < 9] = sum(k < 9: x[k, i])
    row[j < 9] = sum(k < 9: x[j, k])
    longer[i < 9, j < 9] = column[i] > row[j]

A reduction becomes a tensor over the indices it uses when indices in scope that it does not use repeat it. Reductions
that are equal up to the names of indices, and numbers added to them, share one tensor where its places are theirs.
What a statement of a recurrence reads of that stays where it is: it belongs to a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, TypeAlias

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ordered_free, subexpressions
from ddcompile.ir import builder
from ddcompile.ir.affine import affine_of, simplify
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Number, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import children, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.places import has_values
from ddcompile.passes.recurrences import cycles
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements

__all__ = ["Hoist"]

_Box: TypeAlias = list[tuple[int, int]]
"""The first place and the one after the last, by axis."""


@dataclass(frozen=True, slots=True)
class Hoist(Pass):
    """Compute a reduction once where a loop would repeat it."""

    name: ClassVar[str] = "hoist"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        state = _State(names_of(rule), dict(types.shape), cycles(rule, types))
        statements, count = list(rule.statements), 0
        # Tensors that are new hold reductions as well.
        while count < len(statements):
            count = len(statements)
            statements = state.hoisted(statements)
        if not state.made:
            return unchanged(rule)
        return Rewrite(with_statements(rule, statements), Witness())


def _repeated(
    statement: Statement, shape: Mapping[str, tuple[int, ...]], cycle: frozenset[str]
) -> tuple[Expr, tuple[Binder, ...]] | None:
    """The first reduction that a loop repeats, with binders over boxes of the indices that it uses."""
    for expr, scope in subexpressions(statement):
        if not isinstance(expr, Reduce) or not cycle.isdisjoint(read_names([expr])):
            continue
        free = ordered_free(expr)
        idle = [box_bounds(b) for b in scope if b.name not in free]
        if prod(b[1] - b[0] if b is not None else 2 for b in idle) < 2:
            continue
        boxes = _boxes(scope)
        binders = tuple(boxes[b.name] for n in free for b in scope if b.name == n and b.name in boxes)
        is_moving = any(box_bounds(b) is None for b in scope if b.name in free)
        if len(binders) == len(free) and not (is_moving and not has_values(Statement("box", binders, expr), shape)):
            return expr, binders
    return None


def _boxes(scope: Sequence[Binder]) -> dict[str, Binder]:
    """The indices over the ranges in which they lie, where these are known."""
    found: dict[str, Binder] = {}
    ranges: dict[str, tuple[Number, Number]] = {}
    for binder in scope:
        low, high = affine_of(binder.lower), affine_of(binder.upper)
        if low is None or high is None or not low.names | high.names <= ranges.keys():
            continue
        first, end = int(low.bounds(ranges)[0]), int(high.bounds(ranges)[1])
        if first < end:
            ranges[binder.name] = first, end - 1
            found[binder.name] = Binder(binder.name, Literal(first), Literal(end))
    return found


@dataclass(slots=True)
class _Made:
    """A tensor that holds a reduction, and the box of the places that are read, as they are in the reduction."""

    name: str
    box: _Box
    base: list[int] | None = None
    """The first place of the tensor, when its box is settled."""

    def joined(self, box: _Box) -> _Box | None:
        """The box with another one taken in; None if it cannot be."""
        hull = _hull(self.box, box)
        return hull if self.base is None or hull == self.box else None


class _State:
    """The tensors made so far."""

    def __init__(self, names: Names, shape: dict[str, tuple[int, ...]], cycles: Mapping[str, frozenset[str]]) -> None:
        self.names = names
        self.shape = shape
        self.cycles = cycles
        self.made: dict[Expr, list[_Made]] = {}

    def hoisted(self, statements: Sequence[Statement]) -> list[Statement]:
        """The statements without repeated reductions, and those of the tensors that hold them."""
        done: list[Statement] = []
        for statement in statements:
            new: list[Statement] = []
            cycle = self.cycles.get(statement.target, frozenset())
            while True:
                repeated = _repeated(statement, self.shape, cycle)
                if repeated is None:
                    break
                read = self._tensor(*repeated, new)
                value = rewrite(statement.value, lambda n, e=repeated[0], r=read: r if n == e else n)  # type: ignore[misc]
                statement = Statement(statement.target, statement.positions, value, location=statement.location)
            done += [*new, statement]
        return self._settled(done)

    def _tensor(self, expr: Expr, binders: tuple[Binder, ...], new: list[Statement]) -> Expr:
        """The read of the tensor that holds a reduction; its statement is new if it is not there yet."""
        own = [b.name for b in binders]
        starts = _starts(expr, own)
        back = {n: builder.sub(Index(n), start) for n, start in starts.items() if start}
        body = simplify(substitute(expr, back)) if back else expr
        bounds = [box_bounds(b) or (0, 0) for b in binders]
        box = [(low + starts[n], high + starts[n]) for n, (low, high) in zip(own, bounds, strict=True)]
        found = self.made.setdefault(alpha_key(body, own), [])
        fits = next((m for m in found if m.joined(box) is not None), None)
        if fits is None:
            fits = _Made(self.names("partial"), box)
            found.append(fits)
            new.append(Statement(fits.name, tuple(Binder(n, Literal(0), Literal(1)) for n in own), body))
        fits.box = fits.joined(box) or box
        bases = fits.base or [0] * len(own)
        return Read(fits.name, tuple(builder.add(Index(n), starts[n] - b) for n, b in zip(own, bases, strict=True)))

    def _settled(self, statements: Sequence[Statement]) -> list[Statement]:
        """The statements, where tensors begin at 0 and have the places that are read."""
        made = {m.name: m for found in self.made.values() for m in found if m.base is None}
        result = []
        for statement in statements:
            value, positions = rewrite(statement.value, lambda n: _moved(n, made)), statement.positions
            if statement.target in made:
                own = made[statement.target]
                names = [b.name for b in statement.binders]
                own.base = _bases(value, names, own.box, self.shape)
                places = {n: builder.add(Index(n), low) for n, low in zip(names, own.base, strict=True) if low}
                value = simplify(substitute(value, places)) if places else value
                ends = [high - low for (_, high), low in zip(own.box, own.base, strict=True)]
                positions = tuple(Binder(n, Literal(0), Literal(end)) for n, end in zip(names, ends, strict=True))
                self.shape[own.name] = tuple(ends)
            result.append(Statement(statement.target, positions, value, location=statement.location))
        return result


def _starts(expr: Expr, own: Sequence[str]) -> dict[str, int]:
    """For every index the number that is first added to it."""
    starts: dict[str, int] = {}
    stack = [expr]
    while stack:
        node = stack.pop()
        form = affine_of(node)
        if form is None:
            stack += reversed(children(node))
            continue
        for name in own:
            factor = form.coefficient(name)
            if name not in starts and factor in (1, -1) and isinstance(form.constant, int):
                starts[name] = int(form.constant * factor)
    return {n: starts.get(n, 0) for n in own}


def _hull(a: _Box, b: _Box) -> _Box | None:
    """The box of two boxes that has no other places; None if there is none."""
    apart = [k for k, (mine, other) in enumerate(zip(a, b, strict=True)) if mine != other]
    if len(apart) > 1 or any(max(a[k][0], b[k][0]) > min(a[k][1], b[k][1]) for k in apart):
        return None
    return [(min(p[0], q[0]), max(p[1], q[1])) for p, q in zip(a, b, strict=True)]


def _moved(node: Expr, made: Mapping[str, _Made]) -> Expr:
    own = made.get(node.tensor) if isinstance(node, Read) else None
    if not isinstance(node, Read) or own is None or not own.base or not any(own.base):
        return node
    places = zip(node.positions, own.base, strict=True)
    return Read(node.tensor, tuple(simplify(builder.sub(p, base)) for p, base in places), location=node.location)


def _bases(value: Expr, names: Sequence[str], box: _Box, shape: Mapping[str, tuple[int, ...]]) -> list[int]:
    """Where a tensor begins, axis by axis: at 0 if the few places before the first one have values."""
    bases = [low for low, _ in box]
    for k, (low, high) in enumerate(box):
        if not 0 < low <= high - low:
            continue
        ends = [*bases[:k], 0, *bases[k + 1 :]]
        binders = [Binder(n, Literal(b), Literal(h)) for n, b, (_, h) in zip(names, ends, box, strict=True)]
        if has_values(Statement("value", tuple(binders), value), shape):
            bases = ends
    return bases
