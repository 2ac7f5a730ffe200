"""A number of steps that no size tells: layers that are repeated, in programs of 3, 4 and 6 of them.

Only the first index of a recurrence may run up to such a number. It becomes a size of its own, which is given when the
rule is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ddcompile.generalization.holes import Template, hole_of
from ddcompile.ir.nodes import Binder, Expr, Literal, Number, Read, Rule, Statement
from ddcompile.ir.traverse import postorder, reads

__all__ = ["times_of"]


def times_of(template: Template, unsolved: Collection[int]) -> tuple[int, ...] | None:
    """The number of steps in every program, if the holes that no size tells are all such numbers.

    Parameters
    ----------
    template : Template
    unsolved : collection of int
        The holes that are no functions of the sizes.

    Returns
    -------
    tuple of int or None
        Values from which all of these holes differ by constants: those of the hole that occurs most.
    """
    places = list(_firsts(template.rule))
    if not unsolved:
        return None
    counts = {number: sum(number == other for other, _ in places) for number in unsolved}
    if counts != {number: _occurrences(template.rule, number) for number in unsolved}:
        return None
    vectors = {number: template.holes[number].values for number in unsolved}
    gaps = {tuple(v - values[0] for v in values) for values in vectors.values()}
    if len(gaps) != 1:
        return None
    trips = [_less(vectors[number], lower) for number, lower in places if number in vectors and lower is not None]
    best = min(vectors, key=lambda number: (-counts[number], vectors[number] not in trips, vectors[number]))
    chosen = vectors[best]
    whole = tuple(v for v in chosen if isinstance(v, int))
    return whole if len(whole) == len(chosen) and min(whole) > 0 else None


def _less(values: tuple[Number, ...], lower: int) -> tuple[Number, ...]:
    return tuple(v - lower for v in values)


def _occurrences(rule: Rule, number: int) -> int:
    shapes = [extent for d in (*rule.inputs, *rule.outputs) for extent in d.type.shape]
    everything = [*shapes, *(e for s in rule.statements for e in _expressions(s))]
    return sum(hole_of(node) == number for e in everything for node in postorder(e))


def _expressions(statement: Statement) -> Iterator[Expr]:
    for position in statement.positions:
        yield from (position.lower, position.upper) if isinstance(position, Binder) else (position,)
    yield statement.value


def _firsts(rule: Rule) -> Iterator[tuple[int, int | None]]:
    """The holes at first positions of tensors that are recurrences; of ranges that end there, with where they begin."""
    recurrent = _recurrent(rule)
    for statement in rule.statements:
        if statement.target in recurrent and statement.positions:
            match statement.positions[0]:
                case Binder(_, lower, upper):
                    number = hole_of(upper)
                    start = lower.value if isinstance(lower, Literal) and isinstance(lower.value, int) else None
                    if number is not None:
                        yield number, start
                case Expr() as position:
                    number = hole_of(position)
                    if number is not None:
                        yield number, None
        for read in reads(statement.value):
            number = hole_of(read.positions[0]) if read.tensor in recurrent and read.positions else None
            if number is not None:
                yield number, None


def _recurrent(rule: Rule) -> set[str]:
    """The tensors whose elements are made of others of them, by way of some statements."""
    uses: dict[str, set[str]] = {}
    for statement in rule.statements:
        read = {node.tensor for node in postorder(statement.value) if isinstance(node, Read)}
        uses.setdefault(statement.target, set()).update(read)
    found = set()
    for target in uses:
        seen: set[str] = set()
        stack = list(uses[target])
        while stack:
            name = stack.pop()
            if name not in seen:
                seen.add(name)
                stack.extend(uses.get(name, ()))
        if target in seen:
            found.add(target)
    return found
