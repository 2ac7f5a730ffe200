"""Write sums of units that are bits as comparisons, so that they are units like others.

Before::

    some[u < 9] = x[u] + x[(u + 1) % 9] >= 1
    every[u < 9] = x[u] + x[(u + 1) % 9] >= 2
    state[u < 9] = some[u] - every[u]

After::

    some[u < 9] = x[u] + x[(u + 1) % 9] >= 1
    every[u < 9] = x[u] + x[(u + 1) % 9] >= 2
    state[u < 9] = some[u] - every[u] >= 1

Works on layers over tables of weights. That a sum of units is 0 or 1, whatever the inputs, is shown by tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.two_valued import JointValues, two_valued
from ddcompile.ir.nodes import Constant, Rule
from ddcompile.ir.types import infer
from ddcompile.passes.groups import domains_of, rows_of
from ddcompile.passes.layers import clause, layers_of, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Narrow"]


@dataclass(frozen=True, slots=True)
class Narrow(Pass):
    """Write sums of units that are bits as comparisons."""

    name: ClassVar[str] = "narrow"
    rows: int = option(1 << 14, "how many rows times units a table of values may have", high=1 << 20)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        layers = layers_of(rule, types, atoms)
        domain = domains_of(types, atoms)
        values = JointValues(domain, self.rows)
        names = names_of(rule)
        statements = list(rule.statements)
        constants: list[Constant] = []
        for layer in layers:
            if layer.rows is None or layer.is_result or layer.rows[0].kind != "affine":
                continue
            if all(_is_bit(row, rows_of(row.atoms.tolist(), layers, atoms, domain), values) for row in layer.rows):
                (place,) = (k for k, s in enumerate(statements) if s.target == layer.name)
                rows = [replace(row, kind="positive") for row in layer.rows]
                made, statements[place] = clause(
                    layer.name, statements[place].binders, rows, atoms, names, layer.name
                )
                constants += made
        return Rewrite(with_statements(rule, statements, constants)) if constants else unchanged(rule)


def _is_bit(row: Row, units: Sequence[Row | None], values: JointValues) -> bool:
    known = [unit for unit in units if unit is not None]
    if row.exponent or len(known) < max(len(units), 2) or row.weights.dtype == object:
        return False
    joint = values(known)
    return joint is not None and two_valued(joint, row.weights.tolist()) == -row.bias
