"""Take out of the scores of a head what decides nothing: a part common to all of them, and a common factor.

Before::

    score[u < 3] = sum(i < 3: W[u, i] * x[i]) + 0.7      # W = 2.5 1.25 1.25, 1.25 2.5 1.25, 1.25 1.25 2.5
    class = argmax(u < 3: score[u])

After::

    score[u < 3] = sum(i < 3: weight[u, i] * x[i])       # weight = 1 0 0, 0 1 0, 0 0 1
    class = argmax(u < 3: score[u])

The common part has, for every operand, the weight that most scores give it. A softmax, too, reads differences of exact
scores, but not up to a factor. The new scores are what they are written to
be; that the largest stays where it was follows from the linear forms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.exact import integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.ir.nodes import Constant, Expr, Read, Rule, Statement
from ddcompile.ir.traverse import reads, rewrite
from ddcompile.ir.types import infer
from ddcompile.passes.aliases import reduced
from ddcompile.passes.layers import clause, heads_of, layers_of, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Scores"]


@dataclass(frozen=True, slots=True)
class Scores(Pass):
    """Take out of the scores of a head what decides nothing: a part common to all of them, and a common factor."""

    name: ClassVar[str] = "scores"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        atoms = Atoms.of_rule(rule, types)
        old = rule
        for layer in layers_of(rule, types, atoms):
            heads = heads_of(rule, layer)
            if layer.rows is None or layer.is_result or not heads or any(r.kind != "affine" for r in layer.rows):
                continue
            plain = _without_common(layer.rows, divide="softmax" not in heads)
            if any(_differs(a, b) for a, b in zip(plain, layer.rows, strict=True)):
                rule = _shorter(rule, layer.name, plain, atoms)
        return unchanged(old) if rule is old else Rewrite(rule)


def _without_common(rows: Sequence[Row], *, divide: bool) -> list[Row]:
    """Rows with the same differences; in least integers if their sizes do not matter."""
    top = max(r.exponent for r in rows)
    tables = [
        dict(zip(r.atoms.tolist(), (int(w) << top - r.exponent for w in r.weights.tolist()), strict=True)) for r in rows
    ]
    biases = [r.bias << top - r.exponent for r in rows]
    for atom in sorted({a for table in tables for a in table}):
        common = _mode([table.get(atom, 0) for table in tables])
        for table in tables:
            table[atom] = table.get(atom, 0) - common
    least = _mode(biases)
    biases = [b - least for b in biases]
    factor = (gcd(*biases, *(w for table in tables for w in table.values())) or 1) if divide else 1
    found = []
    for table, bias in zip(tables, biases, strict=True):
        kept = [a for a in sorted(table) if table[a]]
        weights = integers([table[a] // factor for a in kept])
        row = Row("affine", np.array(kept, dtype=np.int64), weights, bias // factor, 0 if divide else top)
        found.append(reduced(row))
    return found


def _mode(values: Sequence[int]) -> int:
    """The most frequent number, the least of several: what is added to all is added to it."""
    counts = Counter(values)
    return min(counts, key=lambda v: (-counts[v], v))


def _differs(a: Row, b: Row) -> bool:
    ours, theirs = ((r.exponent, r.bias, r.atoms.tolist(), r.weights.tolist()) for r in map(reduced, (a, b)))
    return ours != theirs


def _shorter(rule: Rule, name: str, rows: list[Row], atoms: Atoms) -> Rule:
    """The rule with other scores under a new name, if it is no longer than before."""
    names = names_of(rule)
    fresh = names(name)
    statements: list[Statement] = []
    constants: list[Constant] = []
    for statement in rule.statements:
        if statement.target == name:
            constants, statement = clause(fresh, statement.binders, rows, atoms, names, name)
        elif any(r.tensor == name for r in reads(statement.value)):
            value = rewrite(statement.value, lambda n: _renamed(n, name, fresh))
            statement = Statement(statement.target, statement.positions, value, location=statement.location)
        statements.append(statement)
    new = with_statements(rule, statements, constants)
    return new if cost(new) <= cost(rule) else rule


def _renamed(node: Expr, old: str, new: str) -> Expr:
    match node:
        case Read(tensor, positions, pad) if tensor == old:
            return Read(new, positions, pad, location=node.location)
    return node
