"""The order of evaluation of a rule with sizes, where positions must be compared for all sizes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from ddcompile.analysis.cases import Cases, System
from ddcompile.analysis.conditions import Conditions
from ddcompile.analysis.polyhedra import equal
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Read, Rule, Statement
from ddcompile.ir.schedule import Group, Recurrence
from ddcompile.ir.scopes import Scope, binders_of, needed_binders, own_position, scoped
from ddcompile.ir.traverse import free_indices

__all__ = ["ordered"]


def ordered(
    rule: Rule, group: Group, cases: Cases, conditions: Conditions, fault: Callable[[Read, Statement], None]
) -> Group:
    """A group whose recurrence could not be decided, with the number of positions that advance one at a time.

    Calls `fault` with every read that cannot be shown to be of an earlier element, for all sizes that are left.
    """
    numbers = group.statements
    targets = {rule.statements[number].target for number in numbers}
    last = {rule.statements[number].target: number for number in numbers}
    depth = 1
    for number in numbers:
        statement = rule.statements[number]
        for node, scope in scoped(statement):
            if not isinstance(node, Read) or node.tensor not in targets:
                continue
            if len(targets) == 1:
                needed = _earlier(statement, node, scope, cases, conditions)
                depth = max(depth, needed or 0)
            else:
                least = 0 if last[node.tensor] < number else 1
                needed = _is_before(statement, node, scope, least, cases, conditions)
            if not needed:
                fault(node, statement)
    return Group(numbers, Recurrence(depth))


def _earlier(statement: Statement, read: Read, scope: Scope | None, cases: Cases, conditions: Conditions) -> int | None:
    """The number of leading positions in which a read is lexicographically earlier; None if that is not shown."""
    systems = cases.domain(_binders(statement, read, scope))
    for axis in range(len(read.positions)):
        gaps = list(_gaps(statement, read, axis, systems, cases))
        if not conditions.exclude(*([*system, -gap - 1] for system, gap in gaps)):
            return None
        same = [(*system, *equal(gap, Affine())) for system, gap in gaps]
        systems = [system for system in same if not conditions.is_impossible(system)]
        if not systems:
            return axis + 1
    return None


def _is_before(
    statement: Statement, read: Read, scope: Scope | None, least: int, cases: Cases, conditions: Conditions
) -> bool:
    """Whether the first position of a read is at least so many steps before the statement's own."""
    systems = cases.domain(_binders(statement, read, scope))
    gaps = _gaps(statement, read, 0, systems, cases)
    return conditions.exclude(*([*system, -gap + (least - 1)] for system, gap in gaps))


def _binders(statement: Statement, read: Read, scope: Scope | None) -> tuple[Binder, ...]:
    """The binders on which the places of a statement and of a read in it depend."""
    names = {b.name for b in statement.binders}.union(*(free_indices(p) for p in read.positions))
    return needed_binders(names, binders_of(scope))


def _gaps(
    statement: Statement, read: Read, axis: int, systems: list[System], cases: Cases
) -> Iterator[tuple[System, Affine]]:
    """Own position minus position read along an axis, in all cases."""
    own = own_position(statement.positions[axis])
    for system, mine, where in product(systems, cases.of(own), cases.of(read.positions[axis])):
        yield (*system, *mine.given, *where.given), mine.form - where.form
