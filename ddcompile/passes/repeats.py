"""Let results read hidden units that say the same.

Before::

    unit[u < 3] = sum(i < 6: W[u, i] * x[i]) >= bound[u]
    y[v < 4] = sum(i < 6: V[v, i] * x[i]) + sum(u < 3: U[v, u] * unit[u]) >= limit[v]    # y[1] decides like unit[0]

After::

    unit[u < 3] = sum(i < 6: W[u, i] * x[i]) >= bound[u]
    y[v < 4] = sum(i < 6: weight[v, i] * x[i]) + sum(u < 3: weight2[v, u] * unit[u]) >= bound2[v]    # y[1] is unit[0]

So a result that is also carried on is computed once, and families whose edges repeat hidden units have no edges. Hidden
units that repeat others are gone before (`forward`). Works on layers over tables of weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ddcompile.analysis.exact import integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Constant, Rule
from ddcompile.ir.types import infer
from ddcompile.passes.aliases import Alias, RepeatedUnits
from ddcompile.passes.layers import clause, layers_of, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Repeats"]


@dataclass(frozen=True, slots=True)
class Repeats(Pass):
    """Let results read hidden units that say the same."""

    name: ClassVar[str] = "repeats"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        names = names_of(rule)
        hidden = RepeatedUnits()
        statements = list(rule.statements)
        constants: list[Constant] = []
        for layer in layers_of(rule, types, atoms):
            if layer.rows is None:
                continue
            start = atoms.offset[layer.name]
            if not layer.is_result:
                for k, row in enumerate(layer.rows):
                    hidden.find(row, start + k)
                continue
            rows = [_read(row, hidden.known(row)) for row in layer.rows]
            if any(a is not b for a, b in zip(rows, layer.rows, strict=True)):
                (place,) = (k for k, s in enumerate(statements) if s.target == layer.name)
                made, statements[place] = clause(layer.name, statements[place].binders, rows, atoms, names, layer.name)
                constants += made
        return Rewrite(with_statements(rule, statements, constants)) if constants else unchanged(rule)


def _read(row: Row, alias: Alias | None) -> Row:
    """A decision as a read of the unit that it is, or of what that is not."""
    if alias is None or row.has_scale or len(row.atoms) < 2:
        return row
    atoms, weights = np.array([alias.atom], dtype=np.int64), integers([int(alias.factor)])
    return replace(row, atoms=atoms, weights=weights, bias=int(alias.offset))
