"""Loop nests of statements: one nest a clause, or one nest for a recurrence, in the order that its reads need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise

from ddcompile.analysis.regions import form_of
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Statement
from ddcompile.kernel.context import Context
from ddcompile.kernel.expressions import lower_exact
from ddcompile.kernel.values import Value, add, as_bit, compare, constant, extreme, logic

__all__ = ["lower_clause", "lower_recurrence"]


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause of a recurrence, the values of its leading indices, and when it takes part."""

    statement: Statement
    indices: dict[str, Value] = field(default_factory=dict)
    guard: Value = field(default_factory=lambda: as_bit(constant(1)))

    def bind(self, depth: int, index: Value) -> _Clause:
        """The clause with its position number `depth` at a value."""
        position = self.statement.positions[depth]
        if not isinstance(position, Binder):
            return self
        return replace(self, indices={**self.indices, position.name: index})


def lower_clause(context: Context, statement: Statement, store: Callable[[Statement], None], start: int = 0) -> None:
    """Loop over the positions of a clause from number `start` on, in lexicographic order, and store every element."""
    with ExitStack() as stack:
        for position in statement.positions[start:]:
            if not isinstance(position, Binder):
                continue
            lower, upper = lower_exact(context, position.lower), lower_exact(context, position.upper)
            if upper.high <= lower.low:
                return
            index = stack.enter_context(context.builder.loop(position.name, lower, upper))
            context.indices[position.name] = index
        store(statement)


def lower_recurrence(
    context: Context, statements: Sequence[Statement], depth: int, store: Callable[[Statement], None]
) -> None:
    """Advance the first `depth` positions of all clauses together; below them, one nest a clause in text order."""
    _advance(context, [_Clause(s) for s in statements], 0, depth, store)


def _advance(
    context: Context, clauses: Sequence[_Clause], level: int, depth: int, store: Callable[[Statement], None]
) -> None:
    """Loop over position number `level`; a recursion as deep as a tensor has axes, which the builder limits."""
    if level == depth:
        for clause in clauses:
            context.indices = dict(clause.indices)
            if clause.guard.number == 1:
                lower_clause(context, clause.statement, store, level)
            else:
                with context.builder.branch(clause.guard):
                    lower_clause(context, clause.statement, store, level)
        return
    ranges = [_range(context, clause, level) for clause in clauses]
    if len(clauses) == 1:
        _steps(context, clauses, level, depth, store, *ranges[0])
        return
    ordered = _ordered(context, clauses, ranges, level)
    if ordered is None:
        begin, end = _hull(context, ranges)
        if begin.low < end.high:
            _steps(context, clauses, level, depth, store, begin, end, ranges)
        return
    ends, places = ordered
    between: list[list[_Clause]] = [[] for _ in ends]
    for clause, (low, high) in zip(clauses, places, strict=True):
        for number in range(low, high):
            between[number].append(clause)
    for active, (begin, end) in zip(between, pairwise(ends), strict=False):
        if active:
            _steps(context, active, level, depth, store, begin, end)


def _hull(context: Context, ranges: Sequence[tuple[Value, Value]]) -> tuple[Value, Value]:
    """The least and the greatest end of several ranges: as numbers, or computed if they depend on sizes."""
    if context.sized is None:
        return constant(min(low.low for low, _ in ranges)), constant(max(high.high for _, high in ranges))
    least = reduce(lambda a, b: extreme("min", a, b), (context.builder.atom(low) for low, _ in ranges))
    greatest = reduce(lambda a, b: extreme("max", a, b), (context.builder.atom(high) for _, high in ranges))
    return least, greatest


def _ordered(
    context: Context, clauses: Sequence[_Clause], ranges: Sequence[tuple[Value, Value]], level: int
) -> tuple[list[Value], list[tuple[int, int]]] | None:
    """The ends of all ranges in ascending order, and the numbers of each range's own; None if they are not ordered."""
    forms: list[Affine] = []
    for clause, (low, high) in zip(clauses, ranges, strict=True):
        position = clause.statement.positions[level]
        if low.number is not None and high.number is not None:
            forms += [Affine(low.number), Affine(high.number)]
        elif context.sized is None:
            return None
        elif isinstance(position, Binder):
            forms += [form_of(position.lower), form_of(position.upper)]
        else:
            forms += [form_of(position), form_of(position) + 1]
    ordered = _ascending(context, forms)
    if ordered is None:
        return None
    number = {form: k for k, form in enumerate(ordered)}
    values = dict(zip(forms, (end for pair in ranges for end in pair), strict=True))
    places = [(number[low], number[high]) for low, high in zip(forms[::2], forms[1::2], strict=True)]
    return [values[form] for form in ordered], places


def _ascending(context: Context, forms: Sequence[Affine]) -> list[Affine] | None:
    """Different forms in an order that holds for all sizes; None if there is none."""
    left = sorted(set(forms), key=lambda form: (form.terms, form.constant))
    if all(form.is_constant for form in left):
        return left
    if context.sized is None or any(form.names - form.sizes for form in left):
        return None
    ordered: list[Affine] = []
    while left:
        least = next((f for f in left if all(context.sized.is_at_most(f, other) for other in left)), None)
        if least is None:
            return None
        ordered.append(least)
        left.remove(least)
    return ordered


def _range(context: Context, clause: _Clause, level: int) -> tuple[Value, Value]:
    """The half-open range of a position of a clause."""
    context.indices = dict(clause.indices)
    position = clause.statement.positions[level]
    if isinstance(position, Binder):
        return lower_exact(context, position.lower), lower_exact(context, position.upper)
    value = lower_exact(context, position)
    return value, add(value, constant(1))


def _steps(
    context: Context,
    clauses: Sequence[_Clause],
    level: int,
    depth: int,
    store: Callable[[Statement], None],
    lower: Value,
    upper: Value,
    ranges: Sequence[tuple[Value, Value]] = (),
) -> None:
    """One loop for several clauses, each guarded by its own range if `ranges` are given."""
    if upper.high <= lower.low:
        return
    names = [p.name for c in clauses if isinstance(p := c.statement.positions[level], Binder)]
    with context.builder.loop(names[0] if names else "step", lower, upper) as index:
        _advance(context, _bound(context, clauses, level, index, ranges), level + 1, depth, store)


def _bound(
    context: Context, clauses: Sequence[_Clause], level: int, index: Value, ranges: Sequence[tuple[Value, Value]]
) -> list[_Clause]:
    bound = [clause.bind(level, index) for clause in clauses]
    if not ranges:
        return bound
    guarded = []
    for clause, (low, high) in zip(bound, ranges, strict=True):
        inside = logic("and", compare("<=", low, index), compare("<", index, high))
        guard = context.builder.atom(logic("and", clause.guard, inside))
        if guard.number != 0:
            guarded.append(replace(clause, guard=guard))
    return guarded
