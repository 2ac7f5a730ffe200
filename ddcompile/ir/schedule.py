"""Evaluation order: statements in topological order, cycles and self-reads as groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Expr, Read, Rule, Statement
from ddcompile.ir.points import ONE_POINT, expand, static_value
from ddcompile.ir.scopes import Scope, binders_of, needed_binders, own_position, scoped
from ddcompile.ir.traverse import free_indices

__all__ = ["Fault", "Group", "Recurrence", "constant_tables", "evaluation_order", "recurrence", "schedule"]

_POINTS = 1 << 22


@dataclass(frozen=True, slots=True)
class Fault:
    """A read or a statement that no evaluation order serves."""

    statement: int
    read: Read | None
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How a group of statements that read themselves or one another is evaluated.

    Attributes
    ----------
    depth
        The number of leading positions that advance one at a time, in lexicographic order; all elements that agree
        in these positions depend only on earlier ones, and on one another in the order of the text.
    faults
        Reads that are not of earlier elements; the rule is illegal if there are any.
    """

    depth: int
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers of statements in text order: all clauses of one tensor, or of all tensors of a cycle.

    `recurrence` is None if they read nothing of the group.
    """

    statements: tuple[int, ...]
    recurrence: Recurrence | None


def constant_tables(rule: Rule) -> dict[str, np.ndarray]:
    """The values of the exact constants of a rule by name."""
    return {constant.name: constant.values for constant in rule.constants if constant.type.kind != "real"}


def schedule(rule: Rule) -> list[Group]:
    """The statements of a rule without sizes in groups, in evaluation order, with their recurrences."""
    return [
        Group(numbers, recurrence(rule, numbers) if is_recurrent else None) for numbers, is_recurrent in _groups(rule)
    ]


def evaluation_order(rule: Rule) -> tuple[tuple[int, ...], ...]:
    """Groups of statement numbers, every group after those it reads; ties are broken by the text."""
    return tuple(numbers for numbers, _ in _groups(rule))


def _groups(rule: Rule) -> list[tuple[tuple[int, ...], bool]]:
    """Groups of statement numbers in evaluation order, and whether they read themselves."""
    clauses: dict[str, list[int]] = {}
    for number, statement in enumerate(rule.statements):
        clauses.setdefault(statement.target, []).append(number)
    reads = {
        target: list(
            dict.fromkeys(
                node.tensor
                for number in numbers
                for node, _ in scoped(rule.statements[number])
                if isinstance(node, Read) and node.tensor in clauses
            )
        )
        for target, numbers in clauses.items()
    }
    groups = []
    for component in _components(reads):
        numbers = tuple(sorted(number for target in component for number in clauses[target]))
        groups.append((numbers, len(component) > 1 or component[0] in reads[component[0]]))
    return groups


def _components(graph: dict[str, list[str]]) -> list[list[str]]:
    """Strongly connected components, successors first (R. Tarjan, 1972), with an explicit stack."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_nodes: list[str] = []
    is_open: set[str] = set()
    components: list[list[str]] = []
    for root in graph:
        if root in order:
            continue
        order[root] = lowest[root] = len(order)
        open_nodes.append(root)
        is_open.add(root)
        work = [(root, iter(graph[root]))]
        while work:
            node, successors = work[-1]
            successor = next(successors, None)
            if successor is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == order[node]:
                    start = _last_index(open_nodes, node)
                    components.append(open_nodes[start:])
                    is_open.difference_update(open_nodes[start:])
                    del open_nodes[start:]
            elif successor not in order:
                order[successor] = lowest[successor] = len(order)
                open_nodes.append(successor)
                is_open.add(successor)
                work.append((successor, iter(graph[successor])))
            elif successor in is_open:
                lowest[node] = min(lowest[node], order[successor])
    return components


def _last_index(items: list[str], item: str) -> int:
    position = len(items) - 1
    while items[position] != item:
        position -= 1
    return position


def recurrence(rule: Rule, group: tuple[int, ...]) -> Recurrence | None:
    """How a group is evaluated step by step; None if its statements read nothing of the group.

    In a rule with sizes, reads whose order depends on the sizes count as faults.
    """
    targets = {rule.statements[number].target for number in group}
    found = [
        (number, node, scope)
        for number in group
        for node, scope in scoped(rule.statements[number])
        if isinstance(node, Read) and node.tensor in targets
    ]
    if not found:
        return None
    tables = constant_tables(rule)
    if len(targets) == 1:
        return _self_reads(rule, found, tables)
    return _cycle(rule, group, found, tables)


def _self_reads(rule: Rule, found: list[tuple[int, Read, Scope | None]], tables: dict[str, np.ndarray]) -> Recurrence:
    depth = 1
    faults: list[Fault] = []
    for number, read, scope in found:
        statement = rule.statements[number]
        needed = _earlier(statement, read, scope, tables)
        if needed is None:
            faults.append(
                Fault(
                    number,
                    read,
                    f"`{statement.target}` reads an element of itself that is not lexicographically earlier",
                    "an element may only use elements of its own tensor that come before it in row-major order",
                )
            )
        else:
            depth = max(depth, needed)
    return Recurrence(depth, tuple(faults))


def _earlier(statement: Statement, read: Read, scope: Scope | None, tables: dict[str, np.ndarray]) -> int | None:
    """The number of leading positions in which a self-read is lexicographically earlier; None if it may not be."""
    undecided: np.ndarray | None = None
    for depth, (own, where) in enumerate(zip(statement.positions, read.positions, strict=False), 1):
        if undecided is None:
            offset = _constant_offset(own_position(own), where)
            if offset is not None:
                if offset < 0:
                    return depth
                if offset > 0:
                    return None
                continue
        distance = _distances(statement, read, scope, tables, depth - 1)
        if distance is None:
            return None
        if undecided is None:
            undecided = np.ones(distance.shape, dtype=bool)
        if bool((distance[undecided] > 0).any()):
            return None
        undecided &= distance == 0
        if not undecided.any():
            return depth
    return None


def _distances(
    statement: Statement, read: Read, scope: Scope | None, tables: dict[str, np.ndarray], axis: int
) -> np.ndarray | None:
    """Position read minus own position along an axis, at every point of the read's scope; None if not static."""
    binders = binders_of(scope)
    names = {b.name for b in statement.binders}.union(*(free_indices(p) for p in read.positions))
    enumerated = expand(ONE_POINT, needed_binders(names, binders), tables, _POINTS)
    if enumerated is None:
        return None
    points = enumerated[0]
    where = static_value(read.positions[axis], points, tables)
    own = static_value(own_position(statement.positions[axis]), points, tables)
    if where is None or own is None:
        return None
    return np.broadcast_to(where - own, points.count)


def _cycle(
    rule: Rule,
    group: tuple[int, ...],
    found: list[tuple[int, Read, Scope | None]],
    tables: dict[str, np.ndarray],
) -> Recurrence:
    last_clause = {rule.statements[number].target: number for number in group}
    names = ", ".join(f"`{name}`" for name in last_clause)
    faults = [
        Fault(
            number,
            None,
            f"{names} read one another, but `{rule.statements[number].target}` has no first index to advance",
            "tensors of a cycle share a first index, and read one another at earlier values of it",
        )
        for number in group
        if not rule.statements[number].positions
    ]
    for number, read, scope in found:
        statement = rule.statements[number]
        if not statement.positions or not read.positions:
            continue
        latest = _latest(statement, read, scope, tables)
        if latest is not None and (latest < 0 or (latest == 0 and last_clause[read.tensor] < number)):
            continue
        hint = "read it at an earlier first index"
        if latest == 0 and read.tensor != statement.target:
            hint = f"write the statements of `{read.tensor}` before those of `{statement.target}`"
        reason = f"`{statement.target}` and `{read.tensor}` read one another, and this read is not of an earlier step"
        faults.append(Fault(number, read, reason, hint))
    return Recurrence(1, tuple(faults))


def _latest(statement: Statement, read: Read, scope: Scope | None, tables: dict[str, np.ndarray]) -> int | None:
    """The greatest first position read minus own first position; None if unknown, -1 if nothing is ever read."""
    offset = _constant_offset(own_position(statement.positions[0]), read.positions[0])
    if offset is not None:
        return offset
    distance = _distances(statement, read, scope, tables, 0)
    if distance is None:
        return None
    return int(distance.max()) if distance.size else -1


def _constant_offset(own: Expr, where: Expr) -> int | None:
    """`where - own` if it is one integer for all indices; else None."""
    left, right = affine_of(where), affine_of(own)
    if left is None or right is None:
        return None
    offset = left - right
    return offset.constant if offset.is_constant and isinstance(offset.constant, int) else None
