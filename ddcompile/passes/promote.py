"""Where results are steps of one chain, read the results instead of hidden elements that they repeat.

Before::

    a = x[0] or x[1]
    b = a or x[2]
    y[0] = x[0]
    y[1] = a
    y[2] = b
    y[3] = b or x[3]

After::

    y[0] = x[0]
    y[1] = x[0] or x[1]
    y[2] = y[1] or x[2]
    y[3] = y[2] or x[3]

Only hidden scalars that read, or are read by, others that results repeat as well: clauses of one tensor that read its
earlier elements may become a recurrence (see `ddcompile.passes.roll`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcompile.ir.nodes import Expr, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import rewrite
from ddcompile.ir.verifier import verify
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements

__all__ = ["Promote"]


@dataclass(frozen=True, slots=True)
class Promote(Pass):
    """Where results are steps of one chain, read the results instead of hidden elements that they repeat."""

    name: ClassVar[str] = "promote"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        results = {d.name for d in rule.outputs}
        repeated: dict[str, Statement] = {}
        for statement in rule.statements:
            value = statement.value
            if statement.target not in results or not all(isinstance(p, Literal) for p in statement.positions):
                continue
            if isinstance(value, Read) and not value.positions and statement.positions:
                repeated.setdefault(value.tensor, statement)
        own = {s.target: s for s in rule.statements if s.target in repeated and not s.positions}
        chained = {name for name in own if repeated.keys() & read_names([own[name]])}
        chained |= {read for name in chained for read in read_names([own[name]]) & own.keys()}
        if len(chained) < 2:
            return unchanged(rule)
        places = {name: repeated[name] for name in chained}
        statements: list[Statement] = []
        for statement in rule.statements:
            if statement.target in places:
                continue
            if places.get(getattr(statement.value, "tensor", "")) is statement:
                statement = Statement(statement.target, statement.positions, own[statement.value.tensor].value)  # type: ignore[attr-defined]
            if places.keys() & read_names([statement]):
                value = rewrite(statement.value, lambda n: _promoted(n, places))
                statement = Statement(statement.target, statement.positions, value, location=statement.location)
            statements.append(statement)
        new = with_statements(rule, statements)
        return unchanged(rule) if verify(new) else Rewrite(new)


def _promoted(node: Expr, places: dict[str, Statement]) -> Expr:
    if isinstance(node, Read) and node.tensor in places:
        place = places[node.tensor]
        positions = tuple(p for p in place.positions if isinstance(p, Literal))
        return Read(place.target, positions, location=node.location)
    return node
