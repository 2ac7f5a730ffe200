from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ddcompile.ir.constants import array_sha256
from ddcompile.ir.nodes import (
    Binary,
    BinaryOp,
    Binder,
    Call,
    Compare,
    Constant,
    Declaration,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Size,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.parser import parse, parse_expression
from ddcompile.ir.printer import (
    describe,
    print_constant,
    print_expression,
    print_rule,
    print_statement,
    print_type,
)
from ddcompile.ir.traverse import children, with_children

RULES = Path(__file__).parents[2] / "golden" / "syntax"
A, B, C = (Read(name) for name in "abc")
BRACKETS = """
    a  ((a))  (a)[0]  -(3)  --3  -(-3)  -(-(-a))  -(a)  -(a + b)  -(a * b)  (-a) * b  -3 * a  (-3) * a
    a - (-3)  a - -(3)
    (a + b) + c  a + (b + c)  a - (b - c)  (a - b) - c  (a + b) * c  a + (b * c)  a * (b * c)  (a * b) % c  a * (b % c)
    (a + b) < c  a < (b + c)  (a < b) < c  a < (b < c)  a <= b < c  (a <= b) <= c  a < (b == c)  (a == b) + 1
    not (a < b)  (not a) < b  not (not a)  not (a and b)  (not a) and b
    (a and b) and c  a and (b and c)  (a and b) or c  a and (b or c)  (a or b) and c  a or (b and c)  a or (b or c)
    a xor b and c  (a xor b) and c  a and b xor c  a xor b or c  (a xor b) xor c  a xor (b xor c)  a or b xor c
    a xor (b or c)  a xor not b  not (a xor b)  (not a and b) xor c
    if (a) then (b) else (c)  if (if a then b else c) then a else b  if a then b else (if a then b else c)
    (if a then b else c) + 1  1 + (if a then b else c)  not (if a then b else c)  sum(i < 3: (if a then b else c))
    sum(i < (3): (i))  sum(0 <= i < 3: i)  sum(-1 <= i < 2: i)  sum(i in 0..2: i)  sum(i in 1..2: i)
    sum(i in -2..-1: i)
    sum(i in -1..a: i)  sum((a < b) <= i < (b < c): i)  sum(i < (if a then b else c): i)  any(i < 3, j < i: i)
    min((a), (b + c))  max(a < b, c)  max(i < 3: i)  sign((a))  pad(x, (0))[(a - 1)]  x[(a < b)]  x[(a + b) % c]
    softmax(i < 3: (i))[(a)]  softmax(0 <= i < 3: i)[0]  softmax(i in -1..1: (i))[(a + b)]
    -(softmax(i < 3: i)[0])  real((a))  exp((a + b))  log(-(a))  tanh((if a then b else c))  (sigmoid(a)) * b
    1.0  0.10  1e3  1E-7  123456789012345678901234567890  0.1e1  5e-324  1.7976931348623157e308  12345678.9
"""


def test_canonical_brackets_and_numbers(golden: Callable[[str, str], None]) -> None:
    texts = [text for line in BRACKETS.split("\n") for text in line.strip().split("  ") if text]
    texts.remove("(a)[0]")  # brackets around a name are not part of the language
    printed = [print_expression(parse_expression(text)) for text in texts]
    width = max(map(len, texts))
    golden("syntax/canonical.txt", "\n".join(f"{t:{width}}  {p}" for t, p in zip(texts, printed, strict=True)))
    assert [print_expression(parse_expression(p)) for p in printed] == printed


@pytest.mark.parametrize("path", sorted(RULES.glob("*.rule")), ids=lambda path: path.stem)
def test_golden_rules_print_as_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert print_rule(parse(text, path.name)) + "\n" == text
    assert str(parse(text)) + "\n" == text


def test_there_are_golden_rules() -> None:
    assert len(list(RULES.glob("*.rule"))) >= 5


def test_types() -> None:
    assert print_type(Type("bit")) == "bit"
    assert print_type(Type("int", (), -3, 12)) == "int[-3..12]"
    extents = (Literal(2), Binary("*", Literal(2), Size("N")))
    assert print_type(Type("int", extents, 0, 9)) == "int[0..9][2, 2 * N]"


def test_statements() -> None:
    scalar = Statement("y", (), Literal(3))
    assert print_statement(scalar) == "y = 3"
    ranges = (Binder("i", Literal(0), Size("N")), Literal(2), Binder("t", Literal(1), Index("i")))
    assert print_statement(Statement("y", ranges, Index("t"))) == "y[i < N, 2, 1 <= t < i] = t"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([[1, -2], [3, 4]], "int[2, 2] = [[1, -2], [3, 4]]"),
        ([0.5, 1.0, 1e-7], "rat[3] = [0.5, 1.0, 1e-07]"),
        (7, "int = 7"),
        (-0.25, "rat = -0.25"),
        ([], "int[0] = []"),
        ([[2**70], [-1]], "int[2, 1] = [[1180591620717411303424], [-1]]"),
        ([2**70 + 1, Fraction(1, 2)], "rat[2] = [1180591620717411303425, 0.5]"),
        (np.array([2**53 + 1, 1]), "int[2] = [9007199254740993, 1]"),
    ],
)
def test_constants(values: object, text: str) -> None:
    constant = Constant.of("w", values)
    assert print_constant(constant) == "const w: " + text
    rule = Rule("f", (), (), (), (constant,))
    assert (
        parse(print_rule(Rule("f", (), (Declaration("y", Type("bit")),), (), (constant,)))).constants == rule.constants
    )


def test_constants_may_live_elsewhere() -> None:
    constant = Constant.of("w", [[1, 2], [3, 4]])
    rule = Rule("f", (), (Declaration("y", Type("bit")),), (), (constant, Constant.of("v", [5])))
    digest = array_sha256(constant.values)
    text = print_rule(rule, {"w": digest})
    assert f"const w: int[2, 2] = sha256:{digest}\n  const v: int[1] = [5]\n" in text
    assert parse(text, constants={digest: constant.values}) == rule


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(2**60 + 1, 2), Fraction(1, 2**2000), Fraction(10**400, 3)])
def test_a_number_that_is_no_double_has_no_text(value: Fraction) -> None:
    with pytest.raises(ValueError, match=r"a literal is an integer or a double"):
        print_expression(Literal(value))
    with pytest.raises(ValueError, match=r"a literal is an integer or a double"):
        print_constant(Constant.of("w", [value]))


def test_mixed_bit_operators_have_brackets() -> None:
    ops: tuple[BinaryOp, ...] = ("and", "or", "xor")
    for outer in ops:
        for inner in ops:
            for left in (True, False):
                piece = Binary(inner, A, B)
                expr = Binary(outer, piece, C) if left else Binary(outer, C, piece)
                is_mixed = outer != inner and "xor" in (outer, inner)
                needs = (outer == "and" and inner != "and") or (outer == inner and not left)
                assert ("(" in print_expression(expr)) == (is_mixed or needs)


RANGE = (Binder("i", Literal(0), Literal(3)),)
OPERATORS: tuple[BinaryOp, ...] = ("+", "-", "*", "%", "and", "or", "xor")
CONSTRUCTS: list[Expr] = [
    *(Literal(value) for value in (0, 7, -7, Fraction(1, 2), Fraction(-1, 2))),
    Read("x"),
    Size("N"),
    Read("x", (A, B)),
    Read("x", (A,), B),
    Unary("-", A),
    Unary("not", A),
    Unary("sign", A),
    *(Binary(op, A, B) for op in OPERATORS),
    *(Compare((op,), (A, B)) for op in ("<", "<=", ">", ">=", "==", "!=")),
    Compare(("<", "<="), (A, B, C)),
    If(A, B, C),
    Call("min", (A, B)),
    Reduce("sum", RANGE, A),
    Reduce("max", (Binder("i", A, B), Binder("j", Literal(-1), Literal(3))), C),
]


def with_child(expr: Expr, place: int, child: Expr) -> Expr:
    kids = list(children(expr))
    kids[place] = child
    return with_children(expr, tuple(kids))


def test_every_construct_in_every_place_of_every_other() -> None:
    for outer in CONSTRUCTS:
        for place in range(len(children(outer))):
            for inner in CONSTRUCTS:
                expr = with_child(outer, place, inner)
                text = print_expression(expr)
                assert parse_expression(text, sizes=("N",)) == expr, text
                for around in (
                    Unary("-", expr),
                    Binary("*", A, expr),
                    Binary("and", expr, A),
                    Compare(("<",), (expr, A)),
                ):
                    text = print_expression(around)
                    assert parse_expression(text, sizes=("N",)) == around, text


DEPTH = 100_000


def deep(step: Callable[[Expr], Expr]) -> Expr:
    expr: Expr = A
    for _ in range(DEPTH):
        expr = step(expr)
    return expr


@pytest.mark.parametrize(
    ("step", "opening", "core", "closing"),
    [
        (lambda e: Unary("-", e), "-", "-a", ""),
        (lambda e: Unary("not", e), "not ", "not a", ""),
        (lambda e: Unary("sign", e), "sign(", "sign(a)", ")"),
        (lambda e: Binary("-", e, B), "", "a - b", " - b"),
        (lambda e: Binary("-", B, e), "b - (", "b - a", ")"),
        (lambda e: If(B, C, e), "if b then c else ", "if b then c else a", ""),
        (lambda e: Read("x", (e,)), "x[", "x[a]", "]"),
        (lambda e: Reduce("sum", (Binder("i", Literal(0), Literal(3)),), e), "sum(i < 3: ", "sum(i < 3: a)", ")"),
        (lambda e: Compare(("<",), (e, B)), "(", "a < b", ") < b"),
    ],
)
def test_depth_takes_no_recursion(step: Callable[[Expr], Expr], opening: str, core: str, closing: str) -> None:
    assert print_expression(deep(step)) == opening * (DEPTH - 1) + core + closing * (DEPTH - 1)


def test_large_constants_print_fast() -> None:
    constant = Constant.of("w", np.arange(784 * 784).reshape(784, 784) % 19 - 9)
    started = time.process_time()
    text = print_constant(constant)
    assert time.process_time() - started < 1
    assert text.startswith("const w: int[784, 784] = [[-9, -8, -7")


def test_describe_is_short_and_never_fails() -> None:
    assert describe(Binder("i", Literal(0), Literal(3))) == "i < 3"
    assert describe(Literal(Fraction(1, 3))) == "1/3"
    assert describe(Type("bit", (Literal(3),))) == "bit[3]"
    assert describe(Declaration("x", Type("bit"))) == "x: bit"
    assert describe(Constant.of("w", np.zeros((1000, 1000), int))) == "w: int[1000, 1000]"
    assert describe(Rule("f", (), (Declaration("y", Type("bit")),), ())) == "f() -> (y: bit)"
    long = describe(deep(lambda e: Binary("+", e, B)))
    assert long == "a" + " + b" * 19 + "..."
    assert repr(Statement("y", (), A)) == "<Statement y = a>"
