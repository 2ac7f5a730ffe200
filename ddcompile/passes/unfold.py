"""Write the elements of a small tensor that reads tables where they are read, each at a place of its own.

Before::

    const place: int[3] = [0, 2, 2]
    const bound: rat[3] = [0.5, 18, 20.5]
    above[i < 3] = x[place[i]] > bound[i]
    y = above[0] > above[1] or above[2]

After::

    y = (x[0] > 0.5) > (x[2] > 18) or x[2] > 20.5

Only where that is shorter, and no element is computed more often than before: each is read once at most, and not in a
loop, but for a sum of neighbouring elements, which is written out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import subexpressions
from ddcompile.ir.builder import add_all
from ddcompile.ir.nodes import Expr, Index, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.fold import with_places
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements

__all__ = ["Unfold"]


@dataclass(frozen=True, slots=True)
class Unfold(Pass):
    """Write the elements of a small tensor that reads tables where they are read, each at a place of its own."""

    name: ClassVar[str] = "unfold"
    elements: int = option(16, "how many elements a tensor may have")

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        counts = Counter(s.target for s in rule.statements)
        results = {d.name for d in rule.outputs}
        tables = {c.name for c in rule.constants}
        small = [
            s.target
            for s in rule.statements
            if counts[s.target] == 1 and _is_small(s, self.elements) and not read_names([s]).isdisjoint(tables)
        ]
        found = rule
        for target in small:
            shorter = None if target in results else _without(found, target)
            if shorter is not None and cost(shorter) < cost(found):
                found = shorter
        return unchanged(rule) if found == rule else Rewrite(found)


def _is_small(source: Statement, most: int) -> bool:
    """Whether a clause has one axis with few places, its value no indices of its own, and reads no other elements."""
    bounds = box_bounds(source.binders[0]) if len(source.positions) == len(source.binders) == 1 else None
    if bounds is None or bounds[1] - bounds[0] > most or source.target in read_names([source]):
        return False
    return all(scope == source.binders for _, scope in subexpressions(source))


def _without(rule: Rule, target: str) -> Rule | None:
    """The rule with the elements of a small tensor in the places where they are read."""
    source = next(s for s in rule.statements if s.target == target)
    (binder,) = source.binders
    bounds = box_bounds(binder)
    if bounds is None:
        return None
    tables = {c.name: c for c in rule.constants}
    types = infer(rule)
    whole = Statement(target, (), source.value)
    elements = {
        k: with_places(whole, substitute(source.value, {binder.name: Literal(k)}), tables, types)
        for k in range(*bounds)
    }
    statements: list[Statement] = []
    seen: list[int] = []
    for statement in rule.statements:
        if statement is source:
            continue
        if target in read_names([statement]):
            written = _written(statement, target, elements, seen)
            if written is None:
                return None
            statement = written
        statements.append(statement)
    return with_statements(rule, statements) if len(set(seen)) == len(seen) else None


def _written(statement: Statement, target: str, elements: dict[int, Expr], seen: list[int]) -> Statement | None:
    """The statement with the elements in it, those that it reads added to `seen`; None if that cannot be."""
    if statement.binders:
        return None
    value = rewrite(statement.value, lambda node: _written_out(node, target))
    for node, scope in subexpressions(Statement(statement.target, statement.positions, value)):
        if isinstance(node, Read) and node.tensor == target:
            place = node.positions[0]
            if scope or node.pad is not None or not isinstance(place, Literal) or place.value not in elements:
                return None
            seen.append(int(place.value))
    new = rewrite(value, lambda node: _element(node, target, elements))
    return Statement(statement.target, statement.positions, new, location=statement.location)


def _written_out(node: Expr, target: str) -> Expr:
    """A sum of neighbouring elements as the elements added up."""
    match node:
        case Reduce("sum", (binder,), Read(tensor, (Index(name),), None)) if tensor == target and name == binder.name:
            bounds = box_bounds(binder)
            if bounds is not None and bounds[0] < bounds[1]:
                return add_all([_read(target, k) for k in range(*bounds)])
    return node


def _read(target: str, place: int) -> Read:
    return Read(target, (Literal(place),))


def _element(node: Expr, target: str, elements: dict[int, Expr]) -> Expr:
    match node:
        case Read(tensor, (Literal(place),)) if tensor == target:
            return elements[int(place)]
    return node
