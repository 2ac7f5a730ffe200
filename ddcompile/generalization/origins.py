"""Reductions whose indices begin at 0: `sum(di in -1..1: x[i + di])` is `sum(di < 3: x[i + di - 1])`."""

from __future__ import annotations

from ddcompile.ir.affine import simplify
from ddcompile.ir.builder import add
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Reduce, Rule, Statement
from ddcompile.ir.traverse import rewrite, substitute

__all__ = ["from_zero"]


def from_zero(rule: Rule) -> Rule:
    """The rule with all ranges of reductions that begin at another number moved to 0, argmax apart."""
    statements = tuple(
        Statement(s.target, s.positions, rewrite(s.value, _moved), location=s.location) for s in rule.statements
    )
    return rule if statements == rule.statements else _with(rule, statements)


def _with(rule: Rule, statements: tuple[Statement, ...]) -> Rule:
    return Rule(rule.name, rule.inputs, rule.outputs, statements, rule.constants, rule.sizes, location=rule.location)


def _moved(node: Expr) -> Expr:
    if not isinstance(node, Reduce) or node.op == "argmax":
        return node
    moved: dict[str, Expr] = {}
    binders: list[Binder] = []
    for binder in node.binders:
        lower, upper = (substitute(bound, moved) for bound in (binder.lower, binder.upper))
        match lower, upper:
            case Literal(int(low)), Literal(int(high)) if low:
                moved[binder.name] = add(Index(binder.name), low)
                lower, upper = Literal(0), Literal(high - low)
        binders.append(Binder(binder.name, lower, upper, location=binder.location))
    if not moved:
        return node
    return Reduce(node.op, tuple(binders), simplify(substitute(node.body, moved)), location=node.location)
