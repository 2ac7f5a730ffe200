"""Join the conditions of an exception that does at its place what is done elsewhere, but for one case, or in all cases.

Before::

    y[i < 4] = if i == 3 then if x[0] then x[6] and x[7] else x[6] or x[7] else x[2 * i] or x[2 * i + 1]

After::

    y[i < 4] = if i == 3 and x[0] then x[6] and x[7] else x[2 * i] or x[2 * i + 1]

What is done elsewhere, with the place of the exception for its indices, and what the exception does have to be the same
text after folding. Where that is so in all cases, at all of a few places, there is no exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.evaluate import evaluated
from ddcompile.analysis.scopes import alpha_key
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Binder, Compare, Constant, Expr, If, Index, Literal, Read, Rule, Statement, Unary
from ddcompile.ir.points import ONE_POINT, expand
from ddcompile.ir.traverse import chain_operands, free_indices, postorder, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.fold import folded
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Branches"]

_FEW, _MANY = 16, 1 << 12
"""Places of one exception that are looked at, of how many."""


@dataclass(frozen=True, slots=True)
class Branches(Pass):
    """Join the conditions of an exception that does at its place what is done elsewhere, but for one case."""

    name: ClassVar[str] = "branches"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        tables = {c.name: c for c in rule.constants}
        types = infer(rule)
        new = with_statements(rule, [_joined(s, tables, types) for s in rule.statements])
        is_shorter = new != rule and cost(new) < cost(rule) and not verify(new)
        return Rewrite(new) if is_shorter else unchanged(rule)


def _joined(statement: Statement, tables: dict[str, Constant], types: Types) -> Statement:
    own = {b.name for b in statement.binders}

    def key(expr: Expr, place: Mapping[str, Expr]) -> Expr:
        there = substitute(expr, dict(place))
        left = tuple(p for p in statement.positions if getattr(p, "name", None) not in place)
        return alpha_key(folded(Statement("x", left, there), there, tables, types), sorted(own))

    def is_same(condition: Expr, one: Expr, other: Expr) -> bool:
        places = _places(condition, statement.binders)
        return places is not None and all(key(one, place) == key(other, place) for place in places)

    def step(node: Expr) -> Expr:
        match node:
            case If(condition, then, elsewhere) if free_indices(node) <= own and is_same(condition, then, elsewhere):
                return elsewhere
            case If(condition, If(case, first, second), elsewhere) if free_indices(node) <= own:
                place = _place(condition)
                expected = key(elsewhere, place)
                if place and key(second, place) == expected:
                    return If(builder.conj(condition, case), first, elsewhere)
                if place and key(first, place) == expected:
                    return If(builder.conj(condition, builder.unary("not", case)), second, elsewhere)
        return node

    value = rewrite(statement.value, step)
    return Statement(statement.target, statement.positions, value, location=statement.location)


def _place(condition: Expr) -> dict[str, Expr]:
    """The indices that a condition says the values of."""
    found: dict[str, Expr] = {}
    for part in chain_operands("and", condition):
        match part:
            case Compare(("==",), (Index(name), Literal() as value)):
                found[name] = value
    return found


def _places(condition: Expr, binders: Sequence[Binder]) -> list[dict[str, Expr]] | None:
    """All values of indices for which a condition holds; None if it says something else, or they are many."""
    names = free_indices(condition)
    if not all(isinstance(n, Index | Literal | Compare | Binary | Unary) for n in postorder(condition)) or not names:
        return None
    every = expand(ONE_POINT, [b for b in binders if b.name in names], {}, _MANY)
    if every is None:
        return None
    index = {name: values.astype(object) for name, values in every[0].index.items()}
    text = rewrite(condition, lambda n: Read(n.name) if isinstance(n, Index) else n)
    holds = evaluated(
        text, {Read(name): values for name, values in index.items()}, np.zeros(every[0].count, dtype=object)
    )
    there = np.flatnonzero(holds).tolist()
    return None if len(there) > _FEW else [{name: Literal(own[k]) for name, own in index.items()} for k in there]
