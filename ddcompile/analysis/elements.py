"""What is known of the elements of tensors in terms of sizes, beyond a range that holds for all sizes.

best[i < M] = argmax(j < N: score[i, j])        0 <= $ <= N - 1
"""

from __future__ import annotations

from ddcompile.analysis.cases import VALUE, Cases, System
from ddcompile.analysis.conditions import Conditions
from ddcompile.analysis.polyhedra import equal, implies, project
from ddcompile.analysis.regions import region_of
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Read, Rule, Statement
from ddcompile.ir.scopes import scoped
from ddcompile.ir.traverse import reads
from ddcompile.ir.types import Types

__all__ = ["known_elements"]


def known_elements(types: Types, conditions: Conditions) -> dict[str, System]:
    """For tensors on which positions depend: a system over `VALUE` and sizes that all elements satisfy."""
    rule = types.rule
    wanted = _positional(rule)
    known: dict[str, System] = {}
    for number, group in enumerate(types.order):
        statements = [rule.statements[k] for k in group]
        target = statements[0].target
        if number not in types.recurrences and target in wanted and types.tensor[target].is_integral:
            found = _of(statements, Cases(types, known), conditions, rule.sizes)
            if found:
                known[target] = found
    return known


def _positional(rule: Rule) -> set[str]:
    """The tensors on which positions of reads depend, directly or by way of others."""
    values: dict[str, list[Statement]] = {}
    found: list[str] = []
    for statement in rule.statements:
        values.setdefault(statement.target, []).append(statement)
        for node, _ in scoped(statement):
            if isinstance(node, Read):
                found += (read.tensor for position in node.positions for read in reads(position))
    wanted: set[str] = set()
    while found:
        name = found.pop()
        if name not in wanted:
            wanted.add(name)
            found += (read.tensor for statement in values.get(name, ()) for read in reads(statement.value))
    return wanted


def _of(statements: list[Statement], cases: Cases, conditions: Conditions, sizes: tuple[str, ...]) -> System:
    """What holds for the values of all clauses."""
    value = Affine(0, ((VALUE, 1),))
    systems = []
    for statement in statements:
        for case in cases.of(statement.value):
            system = [*region_of(statement).domain, *case.given, *equal(value, case.form)]
            if not conditions.is_impossible(system):
                systems.append(project(system, (VALUE, *sizes)) or [])
    bounds = [form for system in systems for form in system if VALUE in form.names]
    return tuple(form for form in dict.fromkeys(bounds) if all(implies(system, form) for system in systems))
