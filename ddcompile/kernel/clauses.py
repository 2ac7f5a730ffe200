"""Loop nests of statements: one nest a clause, or one nest for a recurrence, in the order that its reads need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ddcompile.ir.nodes import Binder, Statement
from ddcompile.kernel.context import Context
from ddcompile.kernel.expressions import lower_exact
from ddcompile.kernel.values import Value, add, as_bit, compare, constant, logic

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
    if all(low.number is not None and high.number is not None for low, high in ranges):
        static = [(low.low, high.low) for low, high in ranges]
        ends = sorted({end for pair in static for end in pair})
        for begin, end in pairwise(ends):
            active = [c for c, (low, high) in zip(clauses, static, strict=True) if low <= begin and end <= high]
            if active:
                _steps(context, active, level, depth, store, constant(begin), constant(end))
        return
    if len(clauses) == 1:
        _steps(context, clauses, level, depth, store, *ranges[0])
        return
    begin, end = min(low.low for low, _ in ranges), max(high.high for _, high in ranges)
    if begin < end:
        _steps(context, clauses, level, depth, store, constant(begin), constant(end), ranges)


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
