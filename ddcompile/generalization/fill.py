"""A rule with sizes from a template: the functions of the sizes take the places of the holes.

Fractions are multiplied through: `sum(i < N: x[i]) >= 1/2 * N` is `2 * sum(i < N: x[i]) >= N`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from ddcompile.generalization.holes import Template, hole_of
from ddcompile.generalization.polynomials import Polynomial
from ddcompile.ir.builder import add, mul, sub
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Compare,
    CompareOp,
    Declaration,
    Expr,
    Literal,
    Number,
    Rule,
    Size,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.traverse import postorder, rewrite

__all__ = ["Fraction", "filled"]


@dataclass(frozen=True, slots=True)
class Fraction:
    """A hole whose function has fractions that nothing multiplies through; `place` is that of the hole."""

    number: int
    place: int


def filled(
    template: Template, polynomials: Sequence[Polynomial], names: Sequence[str], *, is_integral: bool
) -> Rule | list[Fraction]:
    """The rule with sizes.

    Parameters
    ----------
    template : Template
    polynomials : sequence of Polynomial
        By the numbers of the holes.
    names : sequence of str
        The sizes, in order.
    is_integral : bool
        Whether all values are integers; then comparisons may become strict or stop being so, and sums may be
        written in another order.
    """
    filler = _Filler(tuple(polynomials), is_integral)
    rule = template.rule
    inputs = tuple(filler.declaration(d) for d in rule.inputs)
    outputs = tuple(filler.declaration(d) for d in rule.outputs)
    left = [Fraction(k, -1) for d in (*inputs, *outputs) for e in d.type.shape for k in _holes(e)]
    statements = []
    for place, statement in enumerate(rule.statements):
        made = filler.statement(statement)
        parts = [e for p in made.positions for e in ((p.lower, p.upper) if isinstance(p, Binder) else (p,))]
        left += [Fraction(k, place) for e in (*parts, made.value) for k in _holes(e)]
        statements.append(made)
    if left:
        return list(dict.fromkeys(left))
    return Rule(rule.name, inputs, outputs, tuple(statements), rule.constants, tuple(names))


def _holes(expr: Expr) -> list[int]:
    return [k for node in postorder(expr) if (k := hole_of(node)) is not None]


@dataclass(frozen=True, slots=True)
class _Filler:
    polynomials: tuple[Polynomial, ...]
    is_integral: bool

    def declaration(self, declared: Declaration) -> Declaration:
        shape = tuple(self.expression(extent) for extent in declared.type.shape)
        return Declaration(declared.name, Type(declared.type.kind, shape, declared.type.low, declared.type.high))

    def statement(self, statement: Statement) -> Statement:
        positions = tuple(
            Binder(p.name, self.expression(p.lower), self.expression(p.upper))
            if isinstance(p, Binder)
            else self.expression(p)
            for p in statement.positions
        )
        return Statement(statement.target, positions, self.expression(statement.value))

    def expression(self, expr: Expr) -> Expr:
        return rewrite(expr, self._step)

    def _step(self, node: Expr) -> Expr:
        match node:
            case Size():
                polynomial = self._of(node)
                if polynomial is not None and polynomial.denominator == 1:
                    return polynomial.to_expr()
            case Binary("*", Literal(1), operand) | Binary("*", operand, Literal(1)):
                return operand
            case Binary("+" | "-", left, Literal(0)):
                return left
            case Binary("+" | "-", left, right) if self.is_integral and _is_of_sizes(right):
                return _joined(left, right, 1 if node.op == "+" else -1)
            case Compare(ops, operands):
                factor = lcm(*(self._factor(operand) for operand in operands))
                if factor > 1:
                    operands = tuple(self._scaled(operand, factor) for operand in operands)
                    node = Compare(ops, operands, location=node.location)
                return _without_step(node) if self.is_integral else node
            case Unary("sign", operand) if (factor := self._factor(operand)) > 1:
                return Unary("sign", self._scaled(operand, factor))
        return node

    def _of(self, node: Expr) -> Polynomial | None:
        """The function of a hole."""
        number = hole_of(node)
        return None if number is None else self.polynomials[number]

    def _factor(self, expr: Expr) -> int:
        """What a sum must be multiplied by."""
        found = 1
        for _, factor, _ in self._terms(expr):
            if isinstance(factor, Polynomial):
                found = lcm(found, factor.denominator)
        return found

    def _scaled(self, expr: Expr, by: int) -> Expr:
        """A sum times a number that leaves no fraction."""
        result: Expr = Literal(0)
        for sign, factor, term in self._terms(expr):
            if isinstance(factor, Polynomial):
                times = factor.scale(by).to_expr()
                made = times if term is None else mul(times, term)
            else:
                made = mul(factor * by, Literal(1) if term is None else term)
            if term is None and isinstance(factor, Polynomial):
                result = _joined(result, made, sign)
            else:
                result = add(result, made) if sign > 0 else sub(result, made)
        return result

    def _terms(self, expr: Expr) -> list[tuple[int, Number | Polynomial, Expr | None]]:
        """The terms of a sum: a sign, a factor, and what it multiplies if there is anything."""
        found: list[tuple[int, Number | Polynomial, Expr | None]] = []
        stack = [(1, expr)]
        while stack:
            sign, node = stack.pop()
            match node:
                case Binary("+", left, right):
                    stack += [(sign, right), (sign, left)]
                case Binary("-", left, right):
                    stack += [(-sign, right), (sign, left)]
                case Unary("-", operand):
                    stack.append((-sign, operand))
                case Literal(value):
                    found.append((sign, value, None))
                case Binary("*", Literal(value), operand):
                    found.append((sign, value, operand))
                case Binary("*", Size() as size, operand):
                    polynomial = self._of(size)
                    found.append((sign, 1, node) if polynomial is None else (sign, polynomial, operand))
                case Size():
                    polynomial = self._of(node)
                    found.append((sign, 1, node) if polynomial is None else (sign, polynomial, None))
                case _:
                    found.append((sign, 1, node))
        return found


def _is_of_sizes(expr: Expr) -> bool:
    """Whether an expression is a sum of several terms made of sizes and numbers."""
    if not isinstance(expr, Binary) or expr.op not in ("+", "-"):
        return False
    return all(
        isinstance(node, Size | Literal) or (isinstance(node, Binary) and node.op in ("+", "-", "*"))
        for node in postorder(expr)
    )


def _joined(left: Expr, right: Expr, sign: int) -> Expr:
    """`left + right` or `left - right` without brackets around the right side."""
    terms: list[tuple[int, Expr]] = []
    stack = [(sign, right)]
    while stack:
        own, node = stack.pop()
        match node:
            case Binary("+", a, b):
                stack += [(own, b), (own, a)]
            case Binary("-", a, b):
                stack += [(-own, b), (own, a)]
            case _:
                terms.append((own, node))
    for own, term in terms:
        left = add(left, term) if own > 0 else sub(left, term)
    return left


_SHORTER: dict[tuple[CompareOp, int], CompareOp] = {(">=", 1): ">", (">", -1): ">=", ("<", 1): "<=", ("<=", -1): "<"}
"""`s >= N + 1` is `s > N` between integers: operators by what is added on the right and then left out."""


def _without_step(node: Compare) -> Compare:
    """A comparison with sizes on the right, without the 1 that is added to them, if strictness can say it."""
    if len(node.ops) != 1:
        return node
    match node.operands[1]:
        case Binary("+" | "-" as op, rest, Literal(1)) if any(isinstance(e, Size) for e in postorder(rest)):
            shorter = _SHORTER.get((node.ops[0], 1 if op == "+" else -1))
            if shorter is not None:
                return Compare((shorter,), (node.operands[0], rest), location=node.location)
    return node
