from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ddcompile.ir import builder as b
from ddcompile.ir.nodes import Binary, Call, Compare, Expr, If, Index, Literal, Number, Read, Reduce, Unary
from ddcompile.ir.printer import print_expression

IX, JX, X, Y = Index("i"), Index("j"), Read("x"), Read("y")


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (b.add(X, 0), "x"),
        (b.add(0, X), "x"),
        (b.add(IX, -1), "i - 1"),
        (b.add(3, IX), "i + 3"),
        (b.add(b.add(IX, 2), 3), "i + 5"),
        (b.add(b.add(IX, 2), -2), "i"),
        (b.add(b.sub(IX, 2), 3), "i + 1"),
        (b.add(IX, b.neg(JX)), "i - j"),
        (b.add(b.neg(IX), JX), "j - i"),
        (b.add(b.neg(IX), 27), "27 - i"),
        (b.add(b.neg(IX), -1), "-i - 1"),
        (b.add(b.neg(IX), b.neg(JX)), "-i - j"),
        (b.add(IX, b.mul(-3, JX)), "i - 3 * j"),
        (b.add(b.mul(-3, JX), IX), "i - 3 * j"),
        (b.add(Fraction(1, 2), Fraction(1, 2)), "1"),
        (b.add_all([1, X, Y, -1]), "x + 1 + y - 1"),
        (b.add_all([]), "0"),
        (b.sub(X, 0), "x"),
        (b.sub(0, X), "-x"),
        (b.sub(5, X), "5 - x"),
        (b.sub(X, -1), "x + 1"),
        (b.sub(X, b.neg(Y)), "x + y"),
        (b.sub(X, b.mul(-2, Y)), "x + 2 * y"),
        (b.sub(4, b.neg(X)), "x + 4"),
        (b.sub(7, 9), "-2"),
        (b.mul(X, 1), "x"),
        (b.mul(X, 0), "0"),
        (b.mul(X, -1), "-x"),
        (b.mul(X, 3), "3 * x"),
        (b.mul(2, b.mul(3, X)), "6 * x"),
        (b.mul(2, b.neg(X)), "-2 * x"),
        (b.mul(Fraction(1, 2), b.mul(2, X)), "x"),
        (b.mul(X, Y), "x * y"),
        (b.neg(5), "-5"),
        (b.neg(b.neg(X)), "x"),
        (b.neg(b.sub(X, Y)), "y - x"),
        (b.neg(b.mul(3, X)), "-3 * x"),
        (b.neg(b.mul(-3, X)), "3 * x"),
        (b.mod(-3, 28), "25"),
        (b.mod(X, 1), "0"),
        (b.mod(b.sub(IX, 1), 28), "(i - 1) % 28"),
        (b.unary("sign", -7), "-1"),
        (b.unary("abs", -7), "7"),
        (b.unary("relu", -7), "0"),
        (b.unary("relu", X), "relu(x)"),
        (b.unary("-", X), "-x"),
        (b.unary("not", X), "not x"),
        (b.unary("exp", 1), "exp(1)"),
        (b.call("min", [3, X, 5]), "min(x, 3)"),
        (b.call("max", [3, 5]), "5"),
        (b.compare("<", 3, 5), "1"),
        (b.compare(">=", X, 5), "x >= 5"),
        (b.chain(3, "<=", X, "<", 5), "3 <= x < 5"),
        (b.chain(3, "<=", 4, "<", X), "4 < x"),
        (b.chain(3, "<=", 2, "<", X), "0"),
        (b.conj(), "1"),
        (b.conj(X, 1, Y), "x and y"),
        (b.conj(X, 0, Y), "0"),
        (b.conj(X, Y, X), "x and y"),
        (b.disj(), "0"),
        (b.disj(X, 0), "x"),
        (b.disj(X, 1), "1"),
        (b.xor(X, 0), "x"),
        (b.xor(1, X), "not x"),
        (b.xor(X, X), "0"),
        (b.xor(1, 1), "0"),
        (b.xor(X, Y), "x xor y"),
        (b.negate(b.compare("<", X, Y)), "x >= y"),
        (b.negate(b.negate(X)), "x"),
        (b.negate(b.chain(1, "<", X, "<", Y)), "not 1 < x < y"),
        (b.conditional(1, X, Y), "x"),
        (b.conditional(0, X, Y), "y"),
        (b.conditional(X, Y, Y), "y"),
        (b.conditional(X, 1, Y), "if x then 1 else y"),
        (b.summation([b.binder("i", 3)], b.summation([b.binder("j", IX, -1)], JX)), "sum(i < 3, -1 <= j < i: j)"),
        (b.summation([b.binder("i", 3)], 0), "0"),
        (b.summation([], X), "x"),
        (b.reduction("any", [b.binder("i", 3)], b.read("x", IX)), "any(i < 3: x[i])"),
        (b.read("x", 0, IX, pad=0), "pad(x, 0)[0, i]"),
        (b.index("i"), "i"),
    ],
)
def test_folding(built: Expr, text: str) -> None:
    assert print_expression(built) == text


def test_what_has_no_literal_is_not_folded() -> None:
    tenth = Literal(0.1)  # type: ignore[arg-type]
    assert print_expression(b.mul(b.mul(tenth, X), tenth)) == "0.1 * (0.1 * x)"
    huge = b.add(Literal(2**80), Literal(0.5))  # type: ignore[arg-type]
    assert print_expression(huge) == "1208925819614629174706176 + 0.5"


@pytest.mark.parametrize("step", [lambda e: b.add(e, 1), lambda e: b.neg(e), lambda e: b.mul(2, e), b.negate])
def test_long_chains_are_folded_one_step_at_a_time(step: Callable[[Expr], Expr]) -> None:
    raw: Expr = X
    for _ in range(20_000):
        raw = Binary("+", Unary("-", Binary("*", Literal(2), raw)), Literal(1))
    assert isinstance(step(raw), Expr)


BINARY: dict[str, tuple[Callable[..., Expr], Callable[[Any, Any], Any]]] = {
    "+": (b.add, operator.add),
    "-": (b.sub, operator.sub),
    "*": (b.mul, operator.mul),
    "<": (lambda x, y: b.compare("<", x, y), operator.lt),
    "==": (lambda x, y: b.compare("==", x, y), operator.eq),
    "min": (lambda x, y: b.call("min", (x, y)), min),
    "max": (lambda x, y: b.call("max", (x, y)), max),
    "and": (b.conj, lambda x, y: x & y),
    "or": (b.disj, lambda x, y: x | y),
    "xor": (b.xor, lambda x, y: x ^ y),
}
UNARY: dict[str, tuple[Callable[..., Expr], Callable[[Any], Any]]] = {
    "-": (b.neg, operator.neg),
    "not": (b.negate, lambda x: int(not x)),
    "mod": (lambda x: b.mod(x, 3), lambda x: x % 3),
    "abs": (lambda x: b.unary("abs", x), abs),
    "relu": (lambda x: b.unary("relu", x), lambda x: max(x, 0)),
    "sign": (lambda x: b.unary("sign", x), lambda x: (x > 0) - (x < 0)),
}
ARITHMETIC = ["+", "-", "*", "min", "max"]


def value(expr: Expr, env: dict[str, int]) -> Number:
    """Evaluate what the builder makes of integers and bits."""
    match expr:
        case Literal(number):
            return number
        case Read(name):
            return env[name]
        case Binary("%", left, right):
            return value(left, env) % value(right, env)
        case Compare((">=" | "!=" as op,), (left, right)):
            return 1 - int(BINARY["<" if op == ">=" else "=="][1](value(left, env), value(right, env)))
        case Binary(op, left, right) | Compare((op,), (left, right)) | Call(op, (left, right)):
            return int(BINARY[op][1](value(left, env), value(right, env)))
        case Unary(op, operand):
            return int(UNARY[op][1](value(operand, env)))
        case If(condition, then, otherwise):
            return value(then if value(condition, env) else otherwise, env)
    raise AssertionError(expr)


@st.composite
def numbers(draw: st.DrawFn) -> tuple[Expr, int, dict[str, int]]:
    """An integer expression that the builder made, its value, and the values of its reads."""
    env = {"x": draw(st.integers(-3, 3)), "y": draw(st.integers(-3, 3))}
    made: list[tuple[Expr, int]] = [(X, env["x"]), (Y, env["y"])]
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from([*ARITHMETIC, "literal", "-1", "mod", "abs", "relu", "sign"]))
        left, right = draw(st.sampled_from(made)), draw(st.sampled_from(made))
        if kind == "literal":
            number = draw(st.integers(-3, 3))
            made.append((Literal(number), number))
        elif kind in BINARY:
            made.append((BINARY[kind][0](left[0], right[0]), BINARY[kind][1](left[1], right[1])))
        else:
            kind = "-" if kind == "-1" else kind
            made.append((UNARY[kind][0](left[0]), UNARY[kind][1](left[1])))
    return (*made[-1], env)


@given(numbers())
@settings(max_examples=300, deadline=None)
def test_arithmetic_keeps_its_value(made: tuple[Expr, int, dict[str, int]]) -> None:
    expr, expected, env = made
    assert value(expr, env) == expected


@given(st.lists(st.tuples(st.sampled_from(["and", "or", "xor", "not", "<", "==", "if"]), st.integers(), st.integers())))
@settings(max_examples=300, deadline=None)
def test_logic_keeps_its_value(steps: list[tuple[str, int, int]]) -> None:
    for bits in range(4):
        env = {"x": bits & 1, "y": bits >> 1}
        made: list[tuple[Expr, int]] = [(X, env["x"]), (Y, env["y"]), (Literal(0), 0), (Literal(1), 1)]
        for op, first, second in steps:
            (left, p), (right, q) = made[first % len(made)], made[second % len(made)]
            if op == "not":
                made.append((b.negate(left), 1 - p))
            elif op == "if":
                made.append((b.conditional(left, right, X), q if p else env["x"]))
            else:
                made.append((BINARY[op][0](left, right), int(BINARY[op][1](p, q))))
        assert all(value(expr, env) == expected for expr, expected in made)


def test_reductions_without_indices_are_their_bodies() -> None:
    assert b.reduction("max", (), X) is X
    assert isinstance(b.reduction("max", (b.binder("i", 3),), X), Reduce)
