"""A second meaning of rules for unit tests: one sample, element by element, on demand, in plain recursion.

It shares nothing with the interpreter but the nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

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
    Unary,
)

COMPARE = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
REDUCE: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "any": any, "all": all, "min": min, "max": max}


class BruteForce:
    """The values of a rule on one sample, given as nested arrays of exact numbers."""

    def __init__(self, rule: Rule, inputs: list[np.ndarray], sizes: dict[str, int] | None = None) -> None:
        self.rule = rule
        self.sizes = sizes or {}
        self.given = {d.name: a for d, a in zip(rule.inputs, inputs, strict=True)}
        self.given |= {c.name: c.values for c in rule.constants}
        self.known: dict[tuple[Any, ...], Fraction] = {}
        self.where: dict[str, dict[tuple[int, ...], tuple[Expr, dict[str, int]]]] = {}
        for statement in rule.statements:
            elements = self.where.setdefault(statement.target, {})
            for env in self.points(statement.binders, {}):
                element = tuple(
                    env[p.name] if isinstance(p, Binder) else int(self.value(p, env)) for p in statement.positions
                )
                assert element not in elements, "clauses overlap"
                elements[element] = (statement.value, env)

    def results(self) -> list[np.ndarray]:
        """Every result as an array of fractions."""
        found = []
        for declaration in self.rule.outputs:
            elements = self.where[declaration.name]
            shape = tuple(int(self.value(e, {})) for e in declaration.type.shape)
            array = np.empty(shape, dtype=object)
            for element in product(*map(range, shape)):
                array[element] = self.element(declaration.name, element)
            assert len(elements) == array.size
            found.append(array)
        return found

    def extent(self, name: str) -> list[int]:
        if name in self.given:
            return list(np.shape(self.given[name]))
        return [max(column) + 1 for column in zip(*self.where[name], strict=True)]

    def element(self, name: str, element: tuple[int, ...]) -> Fraction:
        if name in self.given:
            assert all(k >= 0 for k in element)
            value = self.given[name][element]
            return Fraction(value if isinstance(value, float | Fraction) else int(value))
        key = (name, element)
        if key not in self.known:
            expr, env = self.where[name][element]
            self.known[key] = Fraction(self.value(expr, env))
        return self.known[key]

    def points(self, binders: tuple[Binder, ...], env: dict[str, int]) -> list[dict[str, int]]:
        if not binders:
            return [env]
        first = binders[0]
        span = range(int(self.value(first.lower, env)), int(self.value(first.upper, env)))
        return [point for k in span for point in self.points(binders[1:], {**env, first.name: k})]

    def value(self, expr: Expr, env: dict[str, int]) -> Any:
        match expr:
            case Literal(value):
                return value
            case Index(name):
                return env[name]
            case Size(name):
                return self.sizes[name]
            case Read(tensor, positions, pad):
                element = tuple(int(self.value(p, env)) for p in positions)
                extent = self.extent(tensor) if pad is not None else []
                if pad is not None and any(not 0 <= k < n for k, n in zip(element, extent, strict=True)):
                    return self.value(pad, env)
                return self.element(tensor, element)
            case Unary(op, operand):
                a = self.value(operand, env)
                return {"-": -a, "not": 1 - a, "sign": (a > 0) - (a < 0), "abs": abs(a), "relu": max(a, 0)}[op]
            case Binary(op, left, right):
                a, b = self.value(left, env), self.value(right, env)
                if op in ("and", "or", "xor"):
                    assert a in (0, 1)
                    assert b in (0, 1)
                    return {"and": a * b, "or": max(a, b), "xor": int(a != b)}[op]
                return a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a % b
            case Compare(ops, operands):
                values = [self.value(operand, env) for operand in operands]
                return int(all(COMPARE[op](values[k], values[k + 1]) for k, op in enumerate(ops)))
            case If(condition, then, otherwise):
                return self.value(then if self.value(condition, env) else otherwise, env)
            case Call(function, arguments):
                return REDUCE[function]([self.value(a, env) for a in arguments])
            case Reduce(op, binders, body):
                points = self.points(binders, env)
                values = [self.value(body, point) for point in points]
                if op == "argmax":
                    return points[values.index(max(values))][binders[0].name]
                return REDUCE[op](values) * 1
        raise AssertionError(type(expr))


@pytest.fixture
def brute_force() -> type[BruteForce]:
    """The class that evaluates a rule on one sample without the interpreter."""
    return BruteForce
