"""Write sums of units that are bits as comparisons, and signs as signs, so that they are units like others.

Before::

    some[u < 9] = x[u] + x[(u + 1) % 9] >= 1
    every[u < 9] = x[u] + x[(u + 1) % 9] >= 2
    state[u < 9] = some[u] - every[u]

After::

    some[u < 9] = x[u] + x[(u + 1) % 9] >= 1
    every[u < 9] = x[u] + x[(u + 1) % 9] >= 2
    state[u < 9] = some[u] - every[u] >= 1

The difference of what is more than a number and what is less is a sign, such as `sign(s)` for `(s > 0) - (s < 0)`.
Works on layers over tables of weights. That a sum of units is 0 or 1, whatever the inputs, is shown by tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.two_valued import JointValues, two_valued
from ddcompile.ir.nodes import Constant, Rule
from ddcompile.ir.types import infer
from ddcompile.passes.groups import Domains, rows_of
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
        domain = Domains(types, atoms, layers, self.rows)
        values = domain.values
        names = names_of(rule)
        statements = list(rule.statements)
        constants: list[Constant] = []
        for layer in layers:
            if layer.rows is None or layer.rows[0].kind != "affine":
                continue
            units = [rows_of(row.atoms.tolist(), layers, atoms, domain) for row in layer.rows]
            signs = [_sign(row, own) for row, own in zip(layer.rows, units, strict=True)]
            rows = [row for row in signs if row is not None]
            if len(rows) < len(signs):
                if layer.is_result or not all(map(partial(_is_bit, values), layer.rows, units)):
                    continue
                rows = [replace(row, kind="positive") for row in layer.rows]
            (place,) = (k for k, s in enumerate(statements) if s.target == layer.name)
            made, statements[place] = clause(layer.name, statements[place].binders, rows, atoms, names, layer.name)
            constants += made
        return Rewrite(with_statements(rule, statements, constants)) if constants else unchanged(rule)


def _sign(row: Row, units: Sequence[Row | None]) -> Row | None:
    """The sign of a sum that is 1 where this is more than 0, less 1 where it is less; None for other sums of units."""
    known = [unit for unit in units if unit is not None and unit.kind == "positive"]
    if len(known) != 2 or row.exponent or len(units) != 2:
        return None
    first, second = known
    match (*row.weights.tolist(), row.bias):
        case (1, -1, 0):
            ways = [(first, second)]
        case (-1, 1, 0):
            ways = [(second, first)]
        case (1, 1, -1):
            ways = [(first, _negated(second)), (second, _negated(first))]
        case (-1, -1, 1):
            ways = [(_negated(first), second), (_negated(second), first)]
        case _:
            return None
    return next((replace(more, kind="sign") for more, less in ways if _are_opposite(more, less)), None)


def _negated(row: Row) -> Row:
    return replace(row, weights=-row.weights, bias=1 - row.bias)


def _are_opposite(row: Row, other: Row) -> bool:
    """Whether one sum is the other one times -1."""
    is_same = np.array_equal(row.atoms, other.atoms) and np.array_equal(row.weights, -other.weights)
    return is_same and row.bias == -other.bias


def _is_bit(values: JointValues, row: Row, units: Sequence[Row | None]) -> bool:
    """Whether a sum of units is 0 or 1, whatever these are together."""
    known = [unit for unit in units if unit is not None]
    if row.exponent or len(known) < max(len(units), 2) or row.weights.dtype == object:
        return False
    joint = values(known)
    return joint is not None and two_valued(joint, row.weights.tolist()) == -row.bias
