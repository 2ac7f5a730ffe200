"""What the parser says about mistakes: code, line, column, text and hint, pinned as golden texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.ir.parser import parse, parse_declarations, parse_expression

HEADER = [
    "",
    "# just a comment",
    "x = 3",
    "rule",
    "rule f",
    "rule f()",
    "rule sum() -> (y: bit) {}",
    "rule f(x) -> (y: bit) {}",
    "rule f(x: bool) -> (y: bit) {}",
    "rule f(x: bit) (y: bit) {}",
    "rule f(x: bit[3) -> (y: bit) {}",
    "rule f<3>(x: bit) -> (y: bit) {}",
    "rule f(x: bit, ) -> (y: bit) {}",
    "rule f(bit: bit) -> (y: bit) {}",
    "rule f(x: int[0..a]) -> (y: bit) {}",
    "rule f(x: bit y: bit) -> (y: bit) {}",
    "rule f(x: bit) -> y: bit {}",
    "rule f(x: bit) -> (y: bit) = y",
    "rule f(x: bit) -> (y: bit) { y = x",
    "rule f(x: bit) -> (y: bit) { y = x } rule g",
]
STATEMENTS = [
    "y == 3",
    "y := 3",
    "y",
    "y[0]",
    "y = a = x[0]",
    "sum = 3",
    "y = sum + 1",
    "y = sum(max < 3: x[max])",
    "y = 3 const w: int = 3",
    "y = a else 3",
    "y = in",
]
OPERATORS = [
    "y = a / 2",
    "y = a && x[0]",
    "y = a || x[0]",
    "y = !a",
    "y = a ** 2",
    "y = a ^ 2",
    "y = a ? 1 : 2",
    "y = a \N{LESS-THAN OR EQUAL TO} 3",
    "y = a;",
    "y = a @ 3",
    "y = 'b'",
    "y = a +",
    "y = a + * 3",
    "y = a + then",
    "y = not",
    "y = 2 a",
    "y = 2 (a + 1)",
    "y = x[0] x[1]",
    "y = min(a x[0])",
    "y = if a then 3",
    "y = if a 3 else 4",
    "y = a + if a then 1 else 2",
    "y = a < x[0] < x[1] < x[2]",
    "y = a == x[0] == x[1]",
    "y = a < x[0] > x[1]",
]
BRACKETS = [
    "y = (a + 1",
    "y = (a + x[0]\n  z[1 <= i < 3] = 3",
    "y = sum(i < 3: x[i]\n  z = 3",
    "y[i < 3 = 4",
    "y = a)",
    "y = (a]",
    "y = x[(a]",
    "y = ()",
    "y = {a}",
    "y = x[1, ]",
]
RANGES = [
    "y = sum(i < 3 x[i])",
    "y = sum(i < 3)",
    "y = sum(i in 0..2, x[i])",
    "y = min(a)",
    "y[i <= 5] = 3",
    "y = sum(i <= a + 1: x[i])",
    "y = sum(1 <= i <= 3: x[i])",
    "y = sum(0 < i < 3: x[i])",
    "y = sum(a + 1: x[i])",
    "y = sum(3 > i: x[i])",
    "y = sum(i in 0: 3)",
    "y = x[0, i in 0..3]",
    "y = min(i in 0..3, a)",
    "y = sign(a, a)",
    "y = sign(i < 3: 3)",
    "y = softmax(i < 3: x[i])",
    "y = softmax(i < 3, j < 3: x[i])[0]",
    "y = softmax(x[0])[0]",
    "y = softmax(a)",
    "y = softmax[0]",
    "y = softmax(i < 3: x[i])[0, 1]",
    "y = softmax(i < 3: x[i])[]",
    "y = sum(i < 3: x[i])[0]",
    "y = pad(x)[3]",
    "y = pad(x, 0)",
]
DATA = [
    "y = 1.",
    "y = .5",
    "y = 1e999",
    "const w = 3",
    "const w: int = 1e999",
    "const w: int = 3.",
    "const w: int[2] = a",
    "const w: int[2] = [1, x]",
    "const w: int[2] = [1, 2 # the end\n  ]",
    "const w: int[2] = [1, 2",
    "const w: int[2] = [1, 2\n  y = a",
    "const w: int[2] = [1 2]",
    "const w: int[2] = [1,\n    , 2]",
    "const w: int[2] = [01, 2]",
    "const w: int[2] = [[1, 2], [3]]",
    "const w: int[2] = [1, [2]]",
    "const w: int[2] = [1, 1e999]",
    "const w: int[2] = sha256:00",
    f"const w: int[2] = sha256:{'0' * 64}",
    "const w: int[2] = " + "[" * 100_000 + "]" * 100_000,
]


def report(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(CompileError) as error:
        read(text)
    shown = text if len(text) < 200 else text[:40] + "..."
    return f"{shown}\n---\n{error.value}\n"


def in_rule(body: str) -> Callable[[str], object]:
    """The text with the body in a rule; the golden file shows the body only."""
    return lambda _: parse(f"rule f(x: bit[3], a: bit) -> (y: bit) {{\n  {body}\n}}", "f.rule")


@pytest.mark.parametrize("name", ["statements", "operators", "brackets", "ranges", "data"])
def test_mistakes_in_the_body_of_a_rule(name: str, golden: Callable[[str, str], None]) -> None:
    cases = {"statements": STATEMENTS, "operators": OPERATORS, "brackets": BRACKETS, "ranges": RANGES, "data": DATA}
    golden(f"syntax/mistakes_{name}.txt", "\n".join(report(in_rule(body), body) for body in cases[name]))


def test_mistakes_in_the_header_of_a_rule(golden: Callable[[str, str], None]) -> None:
    golden("syntax/mistakes_header.txt", "\n".join(report(parse, text) for text in HEADER))


def test_mistakes_in_other_texts(golden: Callable[[str, str], None]) -> None:
    reports = [report(parse_expression, text) for text in ("", "a b", "y = 3", "a +", "x[i < 3")]
    reports += [report(parse_declarations, text) for text in ("image", "image: bit[28", "image: bit; y: bit", "3")]
    golden("syntax/mistakes_pieces.txt", "\n".join(reports))


def test_tabs_and_returns_do_not_move_the_caret() -> None:
    with pytest.raises(CompileError) as error:
        parse("rule f(x: bit) -> (y: bit) {\r\n\ty = x /\t2\r\n}", "f.rule")
    assert str(error.value).split("\n")[1:3] == ["   y = x / 2", "         ^"]


def test_lines_too_long_to_read_are_not_shown() -> None:
    with pytest.raises(CompileError) as error:
        parse_expression("a + " * 1000 + "/")
    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.code, diagnostic.source) == ("S009", "")
    assert diagnostic.location is not None
    assert diagnostic.location.column == 4001
