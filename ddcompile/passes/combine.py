"""Make one bit of units that are only ever read together, as a sum that is a bit.

Before::

    some[u < 9] = x[u] + x[(u + 1) % 9] >= 1
    every[u < 9] = x[u] + x[(u + 1) % 9] >= 2
    y[u < 9] = some[u] - every[u] + some[(u + 3) % 9] - every[(u + 3) % 9] >= 1

After::

    some[u < 9] = x[u] + x[(u + 1) % 9] >= 1
    every[u < 9] = x[u] + x[(u + 1) % 9] >= 2
    state[u < 9] = some[u] - every[u]
    y[u < 9] = state[u] + state[(u + 3) % 9] >= 1

Works on layers over tables of weights. Units that have the same readers may belong together; that their sum has two
neighbouring values only, and that it is all that the readers know of them, is shown by tables. Rows of an automaton's
table, thresholds along one sum and digits of a code become the state that they stand for.

One call does one layer, or writes such a sum as the comparison `some[u] - every[u] >= 1`, so that it is a unit like
others for the layers after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.analysis.two_valued import JointValues, two_valued
from ddcompile.ir.nodes import Binder, Constant, Literal, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.passes.groups import Group, groups_of, over_groups, unit_of
from ddcompile.passes.layers import Layer, clause, domain_of, layers_of, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Combine"]


@dataclass(frozen=True, slots=True)
class Combine(Pass):
    """Make one bit of units that are only ever read together, as a sum that is a bit."""

    name: ClassVar[str] = "combine"
    repeats: ClassVar[bool] = True
    rows: int = option(1 << 14, "how many rows times units a table of values may have", high=1 << 20)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        domains = [domain_of(types.tensor[name]) for name in atoms.names]
        domain = partial(_domain, domains, atoms)
        values = JointValues(domain, self.rows)
        narrowed = _narrowed(rule, layers, atoms, values, domain)
        if narrowed is not None:
            return Rewrite(narrowed)
        for number in range(len(layers)):
            groups = groups_of(number, layers, atoms, values, domain)
            if groups:
                return Rewrite(_written(rule, number, layers, atoms, groups))
        return unchanged(rule)


def _domain(domains: Sequence[Domain | None], atoms: Atoms, atom: int) -> Domain | None:
    return domains[int(atoms.tensor_of(np.array([atom]))[0])]


def _narrowed(
    rule: Rule, layers: Sequence[Layer], atoms: Atoms, values: JointValues, domain: Callable[[int], Domain | None]
) -> Rule | None:
    """The rule with the first tensor of sums of units that are bits as comparisons."""
    for layer in layers:
        if layer.rows is None or layer.is_result or layer.rows[0].kind != "affine":
            continue
        if all(
            _is_bit(row, [unit_of(a, layers, atoms, domain) for a in row.atoms.tolist()], values) for row in layer.rows
        ):
            clauses = [s for s in rule.statements if s.target == layer.name]
            rows = [replace(row, kind="positive") for row in layer.rows]
            made, new = clause(layer.name, clauses[0].binders, rows, atoms, names_of(rule), layer.name)
            return with_statements(rule, [new if s is clauses[0] else s for s in rule.statements], made)
    return None


def _is_bit(row: Row, units: Sequence[Row | None], values: JointValues) -> bool:
    known = [unit for unit in units if unit is not None]
    if row.exponent or len(known) < max(len(units), 2) or row.weights.dtype == object:
        return False
    joint = values(known)
    return joint is not None and two_valued(joint, row.weights.tolist()) == -row.bias


def _written(rule: Rule, number: int, layers: Sequence[Layer], atoms: Atoms, groups: Sequence[Group]) -> Rule:
    """The rule with a tensor for the groups of a layer, which later layers read instead."""
    name = layers[number].name
    names = names_of(rule)
    state = names("state")
    target = Atoms({**atoms.shape, state: (len(groups),)})
    new = {
        layer.name: over_groups(layer.rows, groups, atoms.count)
        for layer in layers[number + 1 :]
        if layer.rows is not None
    }
    is_exact = all(group.is_exact for group in groups)
    statements: list[Statement] = []
    constants: list[Constant] = []
    for statement in rule.statements:
        rows = new.get(statement.target)
        if rows is not None:
            made, statement = clause(statement.target, statement.binders, rows, target, names, statement.target)
            constants += made
        statements.append(statement)
        if statement.target == name:
            # Where the readers read the very sum, it is first shown to be that, then to be a bit.
            kind = "affine" if is_exact else "positive"
            sums = [Row(kind, g.members, g.factors, -g.least) for g in groups]  # type: ignore[arg-type]
            binder = Binder(names.indices(1)[0], Literal(0), Literal(len(groups)))
            made, statement = clause(state, (binder,), sums, target, names, state)
            constants += made
            statements.append(statement)
    return with_statements(rule, statements, constants)
