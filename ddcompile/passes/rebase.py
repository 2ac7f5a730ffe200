"""Let the indices of sums begin where they read.

Before::

    rows = sum(i < 6: sum(j < i + 2: x[i + 2, j]) >= 2)

After::

    rows = sum(i < 8: sum(j < i: x[i, j]) >= 2)

An index is moved by a number that is added to it, so that it is what is read. A range that then begins behind 0 begins
at 0 when the terms before it are known to change nothing, by their ranges or because an inner range is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir import builder
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Reduce, Rule, Statement
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import children, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.decided import settled
from ddcompile.passes.fold import folded
from ddcompile.passes.options import Pass, option
from ddcompile.passes.places import has_values
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Rebase", "at", "shifted", "shifts"]

_MOST_SHIFTS = 4


@dataclass(frozen=True, slots=True)
class Rebase(Pass):
    """Let the indices of sums begin where they read."""

    name: ClassVar[str] = "rebase"
    size: int = option(200, "the largest cost of a sum", high=100_000)
    empty: int = option(4, "how many terms that are 0 a sum may take in", high=64)
    sums: int = option(256, "how many sums are looked at", high=1_000_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        state = _State(rule, self)
        statements = [state.moved(s) for s in rule.statements]
        if any(a.value is not b.value for a, b in zip(statements, rule.statements, strict=True)):
            rule = with_statements(rule, statements)
        if rule is state.rule or verify(rule):
            return unchanged(state.rule)
        return Rewrite(rule)


class _State:
    """A program, and how many sums may still be looked at."""

    def __init__(self, rule: Rule, options: Rebase) -> None:
        self.rule, self.options = rule, options
        self.types = infer(rule)
        self.reals = Reals(self.types)
        self.tables = {c.name: c for c in rule.constants}
        self.left = options.sums

    def moved(self, statement: Statement) -> Statement:
        """A statement with its sums where they read best."""

        def step(node: Expr) -> Expr:
            match node:
                case Reduce("sum" | "any" | "all") if self.left > 0 and cost(node) <= self.options.size:
                    self.left -= 1
                    return self._best(statement, node)
            return node

        if self.reals(statement.value):
            return statement
        value = rewrite(statement.value, step)
        return Statement(statement.target, statement.positions, value, location=statement.location)

    def _best(self, statement: Statement, node: Reduce) -> Expr:
        """The shortest way to write a reduction."""
        best: Expr = node
        for k in range(len(node.binders)):
            if not isinstance(best, Reduce) or k >= len(best.binders):
                break
            ways = list(self._ways(statement, best, k))
            shortest = min(ways, key=lambda e: (cost(e), print_expression(e)), default=best)
            if cost(shortest) < cost(best):
                best = shortest
        return best

    def _ways(self, statement: Statement, node: Reduce, k: int) -> Iterator[Expr]:
        """The reduction with one index moved, also so that it begins at 0, and with a longer range."""
        bounds = box_bounds(node.binders[k])
        first = () if bounds is None or not bounds[0] else (-bounds[0],)
        for shift in (0, *first, *shifts(node, node.binders[k].name)):
            new = shifted(node, k, shift)
            if new is not None:
                for each in (new, self._extended(statement, new, k)):
                    if each is not None:
                        yield folded(statement, each, self.tables, self.types)

    def _extended(self, statement: Statement, node: Reduce, k: int) -> Reduce | None:
        """The reduction from 0 on, if what that adds to it changes nothing."""
        bounds = box_bounds(node.binders[k])
        if bounds is None or not 0 < bounds[0] <= self.options.empty:
            return None
        neutral = Literal(int(node.op == "all"))
        if any(self._term(statement, node, k, value) != neutral for value in range(bounds[0])):
            return None
        return _ranging(node, k, 0, bounds[1])

    def _term(self, statement: Statement, node: Reduce, k: int, value: int) -> Expr | None:
        """What a reduction has at a value of one of its indices; None if it reads what is not there."""
        term = folded(statement, at(node, k, value), self.tables, self.types)
        return settled(term, self.types) if has_values(Statement("term", (), term), self.types.shape) else None


def shifts(node: Reduce, name: str) -> list[int]:
    """Numbers that are added to an index."""
    found: dict[int, None] = {}
    stack = list(reversed(children(node)))
    while stack:
        expr = stack.pop()
        form = affine_of(expr)
        if form is None:
            stack += reversed(children(expr))
        elif form.coefficient(name) == 1 and isinstance(form.constant, int) and form.constant:
            found[form.constant] = None
    return list(found)[:_MOST_SHIFTS]


def shifted(node: Reduce, k: int, shift: int) -> Reduce | None:
    """The reduction over an index that is greater by a number, or None if its range is not known."""
    binder, bounds = node.binders[k], box_bounds(node.binders[k])
    if bounds is None:
        return None
    if not shift:
        return node
    moved: dict[str, Expr] = {binder.name: builder.sub(Index(binder.name), shift)}
    later = tuple(Binder(b.name, substitute(b.lower, moved), substitute(b.upper, moved)) for b in node.binders[k + 1 :])
    own = Binder(binder.name, Literal(bounds[0] + shift), Literal(bounds[1] + shift))
    return Reduce(node.op, (*node.binders[:k], own, *later), substitute(node.body, moved))


def _ranging(node: Reduce, k: int, low: int, high: int) -> Reduce:
    binders = list(node.binders)
    binders[k] = Binder(binders[k].name, Literal(low), Literal(high))
    return Reduce(node.op, tuple(binders), node.body)


def at(node: Reduce, k: int, value: int) -> Expr:
    """What a reduction has at a value of one of its indices."""
    place: dict[str, Expr] = {node.binders[k].name: Literal(value)}
    kept = [
        Binder(b.name, substitute(b.lower, place), substitute(b.upper, place))
        for m, b in enumerate(node.binders)
        if m != k
    ]
    return builder.reduction(node.op, kept, substitute(node.body, place))
