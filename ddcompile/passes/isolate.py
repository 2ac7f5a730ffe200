"""Give an exact layer inside an expression over reals a tensor of its own, so that other passes see a layer.

Before::

    y[u < 3] = sigmoid(sum(v < 8: W[u, v] * hidden[v]) + b[u])

After::

    score[u < 3] = sum(v < 8: W[u, v] * hidden[v]) + b[u]
    y[u < 3] = sigmoid(score[u])

Rounding happens where it did: the whole exact operand is evaluated exactly and then rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir.nodes import Binder, Expr, Index, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import children, free_indices, postorder, reads, rewrite
from ddcompile.ir.types import Types, infer
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements

__all__ = ["Isolate"]


@dataclass(frozen=True, slots=True)
class Isolate(Pass):
    """Give an exact layer inside an expression over reals a tensor of its own, so that other passes see a layer."""

    name: ClassVar[str] = "isolate"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        types = infer(rule)
        names = names_of(rule)
        statements: list[Statement] = []
        for statement in rule.statements:
            statements += _isolated(statement, rule, types, names)
        if len(statements) == len(rule.statements):
            return unchanged(rule)
        return Rewrite(with_statements(rule, statements))


def _isolated(statement: Statement, rule: Rule, types: Types, names: Names) -> list[Statement]:
    """The statement, after those of the layers that were taken out of it."""
    reals = Reals(types)
    if not reals(statement.value) or statement.target in read_names([statement]):
        return [statement]
    if not all(_starts_at_zero(p) for p in statement.positions):
        return [statement]
    own = tuple(b.name for b in statement.binders)
    tables = {c.name for c in rule.constants}
    found: dict[Expr, Read] = {}
    new: list[Statement] = []
    work = [statement.value]
    while work:
        node = work.pop()
        if reals(node):
            work += reversed(children(node))
        elif node not in found and _is_layer(node, tables) and free_indices(node) <= set(own):
            target = names("score")
            found[node] = Read(target, tuple(Index(name) for name in own))
            new.append(Statement(target, statement.binders, node))
    if not new:
        return [statement]
    value = rewrite(statement.value, lambda node: found.get(node, node))
    return [*new, Statement(statement.target, statement.positions, value, location=statement.location)]


def _starts_at_zero(position: Binder | Expr) -> bool:
    bounds = box_bounds(position) if isinstance(position, Binder) else None
    return bounds is not None and bounds[0] == 0


def _is_layer(node: Expr, tables: set[str]) -> bool:
    """Whether an expression sums over a table of weights."""
    return any(
        isinstance(part, Reduce) and part.op == "sum" and any(r.tensor in tables for r in reads(part.body))
        for part in postorder(node)
    )
