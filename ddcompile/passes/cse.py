"""Give an expression that occurs more than once a name, where that makes the text shorter.

Before::

    a[i < 9] = 9 * sum(j < 9: x[i, j]) > sum(k < 9, l < 9: x[k, l])
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > sum(i < 9, j < 9: x[i, j])

After::

    shared = sum(k < 9, l < 9: x[k, l])
    a[i < 9] = 9 * sum(j < 9: x[i, j]) > shared
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > shared

Expressions are compared up to the names of indices, across statements; the ranges of their free indices must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ordered_free, subexpressions
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Rule, Size, Statement
from ddcompile.ir.traverse import children, rewrite
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements

__all__ = ["Cse"]

_Key = tuple[Expr, tuple[tuple[int, int], ...]]
_Use = tuple[int, Expr, tuple[Binder, ...]]


@dataclass(frozen=True, slots=True)
class Cse(Pass):
    """Give an expression that occurs more than once a name, where that makes the text shorter."""

    name: ClassVar[str] = "cse"
    nodes: int = option(20_000, "how many nodes a program may have; larger ones are left alone")

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        names = names_of(rule)
        changed = False
        while True:
            best = _best(_groups(rule, self.nodes))
            if best is None:
                return Rewrite(rule) if changed else unchanged(rule)
            name = names("shared")
            rule = _named(rule, best, name)
            changed = True


def _groups(rule: Rule, limit: int) -> dict[_Key, list[_Use]]:
    """Uses of equal expressions: the statement, the expression there, and the binders of its free indices.

    None of a program with more nodes than `limit`.
    """
    groups: dict[_Key, list[_Use]] = {}
    seen = 0
    for number, statement in enumerate(rule.statements):
        if statement.target in read_names([statement]):
            continue
        for expr, scope in subexpressions(statement):
            seen += 1
            if seen > limit:
                return {}
            if not children(expr) or isinstance(expr, Literal | Index | Size | Read):
                continue
            own = ordered_free(expr)
            binders = tuple(next(b for b in scope if b.name == n) for n in own)
            bounds = [box_bounds(b) for b in binders]
            if any(b is None for b in bounds):
                continue
            key = (alpha_key(expr, own), tuple(b for b in bounds if b is not None))
            groups.setdefault(key, []).append((number, expr, binders))
    return {key: uses for key, uses in groups.items() if len(uses) > 1}


def _best(groups: dict[_Key, list[_Use]]) -> list[_Use] | None:
    """The group whose naming saves most; None if none saves."""
    best: tuple[int, list[_Use]] | None = None
    for uses in groups.values():
        _, expr, binders = uses[0]
        read = Read("x", tuple(Index(b.name) for b in binders))
        saved = len(uses) * (cost(expr) - cost(read)) - cost(Statement("x", binders, expr))
        if saved > 0 and (best is None or saved > best[0]):
            best = (saved, uses)
    return None if best is None else best[1]


def _named(rule: Rule, uses: list[_Use], name: str) -> Rule:
    """Put the expression of `uses` into its own statement, before the first that needs it."""
    values = {number: rule.statements[number].value for number, _, _ in uses}
    for number, expr, binders in uses:
        read = Read(name, tuple(Index(b.name) for b in binders))
        values[number] = rewrite(values[number], lambda n, e=expr, r=read: r if n == e else n)  # type: ignore[misc]
    _, expr, binders = uses[0]
    statements = []
    for number, statement in enumerate(rule.statements):
        if number == uses[0][0]:
            statements.append(Statement(name, binders, expr))
        value = values.get(number, statement.value)
        statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
    return with_statements(rule, statements)
