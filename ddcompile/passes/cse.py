"""Give an expression that occurs more than once a name, where that makes the text shorter.

Before::

    a[i < 9] = 9 * sum(j < 9: x[i, j]) > sum(k < 9, l < 9: x[k, l])
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > sum(i < 9, j < 9: x[i, j])

After::

    shared = sum(k < 9, l < 9: x[k, l])
    a[i < 9] = 9 * sum(j < 9: x[i, j]) > shared
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > shared

Expressions are compared up to the names of indices, across statements; the ranges of their free indices must agree.
A range of a reduction may begin below 0, where tensors have no elements: it is moved to begin there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ambiguous_indices, ordered_free, subexpressions
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Rule, Size, Statement
from ddcompile.ir.traverse import children, rewrite, substitute
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
        ambiguous = ambiguous_indices(statement)
        for expr, scope in subexpressions(statement):
            seen += 1
            if seen > limit:
                return {}
            if not children(expr) or isinstance(expr, Literal | Index | Size | Read):
                continue
            own = ordered_free(expr)
            if not ambiguous.isdisjoint(own):
                continue
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
        saved = len(uses) * (cost(expr) - cost(_read("x", binders))) - cost(_statement("x", binders, expr))
        if saved > 0 and (best is None or saved > best[0]):
            best = (saved, uses)
    return None if best is None else best[1]


def _start(binder: Binder) -> int:
    """The first element of an index, if it is below 0."""
    bounds = box_bounds(binder)
    return 0 if bounds is None else min(bounds[0], 0)


def _read(name: str, binders: tuple[Binder, ...]) -> Read:
    """The element of the named expression for the indices in scope."""
    return Read(name, tuple(builder.sub(Index(b.name), _start(b)) for b in binders))


def _statement(name: str, binders: tuple[Binder, ...], expr: Expr) -> Statement:
    """The expression under its name, over ranges that do not begin below 0."""
    starts = {b.name: _start(b) for b in binders if _start(b)}
    moved = tuple(
        Binder(b.name, *(builder.sub(end, starts[b.name]) for end in (b.lower, b.upper))) if b.name in starts else b
        for b in binders
    )
    back: dict[str, Expr] = {n: builder.add(Index(n), start) for n, start in starts.items()}
    return Statement(name, moved, substitute(expr, back) if back else expr)


def _named(rule: Rule, uses: list[_Use], name: str) -> Rule:
    """Put the expression of `uses` into its own statement, before the first that needs it."""
    values = {number: rule.statements[number].value for number, _, _ in uses}
    for number, expr, binders in uses:
        read = _read(name, binders)
        values[number] = rewrite(values[number], lambda n, e=expr, r=read: r if n == e else n)  # type: ignore[misc]
    _, expr, binders = uses[0]
    statements = []
    for number, statement in enumerate(rule.statements):
        if number == uses[0][0]:
            statements.append(_statement(name, binders, expr))
        value = values.get(number, statement.value)
        statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
    return with_statements(rule, statements)
