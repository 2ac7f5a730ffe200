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

Where there are no such units, bits may share operands (`ddcompile.passes.shared`): `x[u] + x[u + 2] - 2 * both[u]`.

One call does one layer: units of the next one may be equal, or have smaller weights, as functions of the bits. Where
the readers read the very sum, it is shown to be that, and `narrow` makes it a unit like others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeAlias

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Binder, Constant, Literal, Rule, Statement
from ddcompile.ir.types import infer
from ddcompile.passes.group_reading import Group, over_groups
from ddcompile.passes.groups import Domains, groups_of
from ddcompile.passes.layers import Layer, clause, layers_of, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements
from ddcompile.passes.shared import over_shared, shared_groups_of

__all__ = ["Combine"]

_Over: TypeAlias = Callable[[Sequence[Row], Sequence[Group], int], list[Row] | None]


@dataclass(frozen=True, slots=True)
class Combine(Pass):
    """Make one bit of units that are only ever read together, as a sum that is a bit."""

    name: ClassVar[str] = "combine"
    rows: int = option(1 << 14, "how many rows times units a table of values may have", high=1 << 20)
    odd: int = option(1, "how many sums may be no bits where two are", high=64)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        domain = Domains(types, atoms, layers, self.rows)
        values = domain.values
        ways = (
            (partial(groups_of, most_odd=self.odd), partial(over_groups, domain=domain)),
            (shared_groups_of, over_shared),
        )
        for find, over in ways:
            for number in range(len(layers)):
                groups = find(number, layers, atoms, values, domain)
                if groups:
                    return Rewrite(_written(rule, number, layers, atoms, groups, over))
        return unchanged(rule)


def _written(
    rule: Rule, number: int, layers: Sequence[Layer], atoms: Atoms, groups: Sequence[Group], over: _Over
) -> Rule:
    """The rule with a tensor for the groups of a layer, which later layers read instead."""
    name = layers[number].name
    names = names_of(rule)
    state = names("state")
    target = Atoms({**atoms.shape, state: (len(groups),)})
    new = {
        layer.name: over(layer.rows, groups, atoms.count) for layer in layers[number + 1 :] if layer.rows is not None
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
            kind = "affine" if is_exact else "positive"
            sums = [Row(kind, g.members, g.factors, -g.least) for g in groups]  # type: ignore[arg-type]
            binder = Binder(names.indices(1)[0], Literal(0), Literal(len(groups)))
            made, statement = clause(state, (binder,), sums, target, names, state)
            constants += made
            statements.append(statement)
    return with_statements(rule, statements, constants)
