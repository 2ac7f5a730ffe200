"""What an expression looks like apart from its numbers and names: equal for programs that differ in their size alone.

Left out are literals, factors and constants that are added, the order of operands that commute, the side on which the
terms of a comparison stand and whether it is strict, and the names of indices and tensors. A tensor is known by its
color: an input or a result by its place, others by the signatures of the clauses that define them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Size,
    Softmax,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import chain_operands, children

__all__ = ["Levels", "Signatures", "flat_terms"]

Levels: TypeAlias = Mapping[str, int]
"""The indices in scope, each with the number of indices bound before it."""


def flat_terms(expr: Expr) -> tuple[list[tuple[int, Expr]], int]:
    """The terms of a sum as (factor, expression), and the constant that is added: `2 * x - y + 3`.

    Factors and the constant are integers; what has others is one term.
    """
    terms: list[tuple[int, Expr]] = []
    constant = 0
    stack: list[tuple[int, Expr]] = [(1, expr)]
    while stack:
        factor, node = stack.pop()
        match node:
            case Binary("+", left, right):
                stack += [(factor, right), (factor, left)]
            case Binary("-", left, right):
                stack += [(-factor, right), (factor, left)]
            case Unary("-", operand):
                stack.append((-factor, operand))
            case Binary("*", Literal(int(value)), operand):
                stack.append((factor * value, operand))
            case Literal(int(value)):
                constant += factor * value
            case _:
                terms.append((factor, node))
    return terms, constant


@dataclass(slots=True)
class Signatures:
    """Signatures as numbers, the same for programs that share an instance.

    Attributes
    ----------
    numbers : dict
        Every signature met so far, with its number.
    """

    numbers: dict[Hashable, int] = field(default_factory=dict)

    def number(self, key: Hashable) -> int:
        """The number of a signature."""
        return self.numbers.setdefault(key, len(self.numbers))

    def colors(self, rule: Rule) -> dict[str, int]:
        """The tensors of a rule by name: first by their part in the rule, then by what defines them, until all differ
        that do.
        """
        first: dict[str, Hashable] = {s.target: ("tensor",) for s in rule.statements}
        first |= {d.name: ("result", k) for k, d in enumerate(rule.outputs)}
        first |= {d.name: ("input", k) for k, d in enumerate(rule.inputs)}
        first |= {c.name: ("constant", c.type.kind, c.values.ndim) for c in rule.constants}
        colors = {name: self.number(key) for name, key in first.items()}
        for _ in range(len(rule.statements)):
            clauses: dict[str, list[int]] = {}
            for statement in rule.statements:
                clauses.setdefault(statement.target, []).append(self.of_statement(statement, colors))
            new = colors | {name: self.number((colors[name], *sorted(found))) for name, found in clauses.items()}
            if len(set(new.values())) == len(set(colors.values())):
                return colors
            colors = new
        return colors

    def of_rule(self, rule: Rule) -> tuple[tuple[int, int], ...]:
        """The signatures of all statements, each with how often it occurs."""
        colors = self.colors(rule)
        counts = Counter(self.of_statement(s, colors) for s in rule.statements)
        return tuple(sorted(counts.items()))

    def of_statement(self, statement: Statement, colors: Mapping[str, int]) -> int:
        """The signature of a clause, target and positions included."""
        levels: dict[str, int] = {}
        parts: list[Hashable] = [colors[statement.target]]
        for position in statement.positions:
            if isinstance(position, Binder):
                bounds = (self.of(e, levels, colors) for e in (position.lower, position.upper))
                parts.append(("binder", *bounds))
                levels = {**levels, position.name: len(levels)}
            else:
                parts.append(self.of(position, levels, colors))
        return self.number((*parts, self.of(statement.value, levels, colors)))

    def of(self, expr: Expr, levels: Levels, colors: Mapping[str, int]) -> int:
        """The signature of an expression in its scope."""
        done: list[int] = []
        stack: list[tuple[Expr, Levels, int]] = [(expr, levels, -1)]
        while stack:
            node, scope, count = stack.pop()
            if count < 0:
                kids = _kids(node, scope)
                stack.append((node, scope, len(kids)))
                stack.extend((kid, inner, -1) for kid, inner in reversed(kids))
                continue
            found = done[len(done) - count :]
            del done[len(done) - count :]
            is_same = _is_sum(node) and len(found) == 1
            done.append(found[0] if is_same else self.number(_key(node, scope, found, colors)))
        return done[0]


def _is_sum(node: Expr) -> bool:
    match node:
        case Binary("+" | "-") | Unary("-") | Literal() | Binary("*", Literal(int())):
            return True
    return False


def _kids(node: Expr, scope: Levels) -> list[tuple[Expr, Levels]]:
    """The parts of which a signature is made, each in its scope."""
    if _is_sum(node):
        return [(term, scope) for _, term in flat_terms(node)[0] if term is not node]
    match node:
        case Binary("and" | "or" | "xor" as op):
            return [(operand, scope) for operand in chain_operands(op, node)]
        case Compare((_,), (left, right)):
            return [(term, scope) for side in (left, right) for _, term in flat_terms(side)[0]]
        case Reduce() | Softmax():
            inner: Levels = scope
            kids: list[tuple[Expr, Levels]] = []
            for binder in node.binders:
                kids += [(binder.lower, inner), (binder.upper, inner)]
                inner = {**inner, binder.name: len(inner)}
            rest = children(node)[2 * len(node.binders) :]
            return [*kids, (rest[0], inner), *((e, scope) for e in rest[1:])]
    return [(kid, scope) for kid in children(node)]


def _key(node: Expr, scope: Levels, found: list[int], colors: Mapping[str, int]) -> Hashable:
    """What tells a node from others whose parts have other signatures."""
    if _is_sum(node):
        return ("sum", *sorted(found))
    match node:
        case Index(name):
            return ("index", scope.get(name, -1))
        case Size(name):
            return ("size", name)
        case Read(tensor, _, pad):
            return ("read", colors.get(tensor, -1), pad is not None, *found)
        case Binary("and" | "or" | "xor" | "*" as op):
            return (op, *sorted(found))
        case Compare((op,), _):
            return ("compare", op if op in ("==", "!=") else "<", *sorted(found))
        case Call(function, _):
            return (function, *sorted(found))
        case Binary(op) | Unary(op) | Reduce(op):
            return (type(node).__name__, op, *found)
        case Compare() | If() | Softmax():
            return (type(node).__name__, *found)
        case _:
            raise TypeError(f"not an expression: {type(node).__name__}")
