"""Statements in words: one sentence for every kind of expression, and whole rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import ddcompile as dd
from ddcompile.ir.nodes import Binary, Expr, Read, Rule, Statement
from ddcompile.ir.parser import parse
from ddcompile.ir.traverse import reads
from ddcompile.ir.types import infer
from ddcompile.reading.sentences import Sentences
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import random_rule

RULES = sorted((Path(__file__).parents[2] / "golden" / "kernel").glob("*.rule"))
DECLARED = (
    "a: bit, b: bit, c: bit, x: bit[8], image: bit[4, 5], cube: bit[3, 4, 5], n: int[0..9], w: int[-5..5][8], "
    "place: int[0..7][3], q: rat"
)


def said(value: str, target: str = "y") -> str:
    """The sentence of a statement whose target reads as in the rule language."""
    rule = parse(f"rule r({DECLARED}) -> (z: bit) {{\n  {target} = {value}\n  z = a\n}}")
    return Sentences(rule, infer(rule)).sentence(rule.statements[0])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "`y` is `a`."),
        ("not a", "`y` is 1 if `a` is 0, else 0."),
        ("a and b", "`y` is 1 if `a` and `b` are both 1, else 0."),
        ("a and b and not c", "`y` is 1 if `a` and `b` are both 1 and `c` is 0, else 0."),
        ("a or b or c", "`y` is 1 if `a`, `b` or `c` is 1, else 0."),
        ("a and (b or c)", "`y` is 1 if `a` is 1 and (`b` or `c` is 1), else 0."),
        ("a xor b", "`y` is 1 if `a` differs from `b`, else 0."),
        ("a xor b xor c", "`y` is 1 if an odd number of `a`, `b` and `c` are 1, else 0."),
        ("a xor (b or c)", "`y` is 1 if exactly one of these holds: `a` is 1; `b` or `c` is 1, else 0."),
        ("not (a xor b or c)", "`y` is 1 if `c` is 0 and `a` equals `b`, else 0."),
        ("a > b", "`y` is 1 if `a` is 1 and `b` is 0, else 0."),
        ("a + b + c >= 2", "`y` is 1 if at least 2 of `a`, `b` and `c` are 1, else 0."),
        ("n != 3", "`y` is 1 if `n` differs from 3, else 0."),
        ("2 < n", "`y` is 1 if `n` is more than 2, else 0."),
        ("2 < n <= 5", "`y` is 1 if `n` is more than 2 and at most 5, else 0."),
        ("2 <= n <= 5", "`y` is 1 if `n` is from 2 to 5, else 0."),
        ("if a then n else 7", "`y` is `n` if `a` is 1, else 7."),
        ("if a then n else sum(i < 8: w[i])", "If `a` is 1, `y` is `n`; else `y` is the sum of `w`."),
        ("if a then b else b xor c", "If `a` is 1, `y` is `b`; else `y` is 1 if `b` differs from `c`, else 0."),
        ("sum(i < 8: x[i])", "`y` is the number of ones in `x`."),
        ("sum(i < 8: w[i])", "`y` is the sum of `w`."),
        ("sum(i < 8: w[i] * x[i])", "`y` is the sum of `w[i] * x[i]` over `i < 8`."),
        ("sum(i < 4, j < 5: image[i, j])", "`y` is the number of ones in `image`."),
        ("sum(j < 5: image[2, j]) > n", "`y` is 1 if row 2 of `image` has more than `n` ones, else 0."),
        ("sum(i < 4: image[i, 3]) < 2", "`y` is 1 if column 3 of `image` has fewer than 2 ones, else 0."),
        ("sum(i < 3: x[i + 2]) == 3", "`y` is 1 if the 3 elements from `x[2]` to `x[4]` have exactly 3 ones, else 0."),
        ("sum(i < 3: x[i + 2]) == 1", "`y` is 1 if the 3 elements from `x[2]` to `x[4]` have exactly 1 one, else 0."),
        ("sum(i < 8: x[i]) > 1", "`y` is 1 if `x` has more than 1 one, else 0."),
        ("0 <= sum(i < 8: x[i]) <= 1", "`y` is 1 if `x` has 0 to 1 ones, else 0."),
        ("a + b + c == 1", "`y` is 1 if exactly 1 of `a`, `b` and `c` is 1, else 0."),
        (
            "sum(i < 4, j < i: x[i] and x[j]) == 1",
            "`y` is 1 if for exactly 1 pair (`i < 4`, `j < i`), `x[i]` and `x[j]` are both 1, else 0.",
        ),
        (
            "sum(j < 9: any(i < j: x[i]))",
            "`y` is the number of `j < 9` for which for some `i < j`, `x[i]` is 1.",
        ),
        (
            "sum(j < 8: w[j] * max(i < j + 1: x[i]))",
            "`y` is the sum of `w[j] * k` over `j < 8`, where `k` is the "
            "greatest of the elements from `x[0]` to `x[j]`.",
        ),
        ("sum(i < 2: x[i])", "`y` is the number of ones in `x[0]` and `x[1]`."),
        ("sum(i < 3: w[2 * i])", "`y` is the sum of the 3 elements from `w[0]` to `w[4]` in steps of 2."),
        (
            "sum(i < 4: image[i, 3 - i])",
            "`y` is the number of ones in the diagonal from `image[0, 3]` to `image[3, 0]`.",
        ),
        (
            "sum(i < 3, j < 5: cube[i, 2, j])",
            "`y` is the number of ones in the 3 x 5 block from `cube[0, 2, 0]` to `cube[2, 2, 4]`.",
        ),
        (
            "sum(i < 8: x[i] and w[i] > 2)",
            "`y` is the number of `i < 8` for which `x[i]` is 1 and `w[i]` is more than 2.",
        ),
        (
            "sum(i < 8, j < i: w[j] > w[i]) >= 4",
            "`y` is 1 if for at least 4 pairs (`i < 8`, `j < i`), `w[j]` is more than `w[i]`, else 0.",
        ),
        ("sum(i < 8: if x[i] then w[i] else 0)", "`y` is the sum of `w[i]` over those `i < 8` for which `x[i]` is 1."),
        ("any(i < 8: x[i])", "`y` is 1 if `x` has a one, else 0."),
        ("all(i < 8: w[i] == n)", "`y` is 1 if for every `i < 8`, `w[i]` equals `n`, else 0."),
        (
            "not all(i < 4, j < 5: image[i, j] and a)",
            "`y` is 1 if for some pair (`i < 4`, `j < 5`), `image[i, j]` or `a` is 0, else 0.",
        ),
        ("all(i < 2: x[i + 3])", "`y` is 1 if `x[3]` and `x[4]` are both 1, else 0."),
        ("a and any(i < 2: x[i])", "`y` is 1 if `a` is 1 and (`x[0]` or `x[1]` is 1), else 0."),
        ("sum(i < 8: x[i]) % 2", "`y` is 1 if `x` has an odd number of ones, else 0."),
        ("(a + b + c) % 2", "`y` is 1 if an odd number of `a`, `b` and `c` are 1, else 0."),
        ("q % 2", "`y` is `q % 2`."),
        ("n % 2 == 0", "`y` is 1 if `n` is even, else 0."),
        ("max(i < 8: w[i])", "`y` is the greatest of `w`."),
        ("min(i < 8: w[i] * w[i])", "`y` is the least `w[i] * w[i]` over `i < 8`."),
        ("argmax(i < 8: w[i])", "`y` is the `i < 8` with the greatest `w[i]` (the lowest on a tie)."),
        ("argmax(1 <= i < 8: x[i])", "`y` is the lowest `i` from 1 to 7 for which `x[i]` is 1, or 1 if there is none."),
        (
            "w[argmax(i < 3: place[i])]",
            "`y` is `w[k]`, where `k` is the `i < 3` with the greatest `place[i]` (the lowest on a tie).",
        ),
        ("x[place[1]]", "`y` is `x[place[1]]`."),
        ("sign(n - 3)", "`y` is the sign (1, 0 or -1) of `n - 3`."),
        ("relu(n - 3)", "`y` is the larger of 0 and `n - 3`."),
        ("abs(n - 3)", "`y` is the absolute value of `n - 3`."),
        ("max(n, 3, w[0])", "`y` is the greatest of `n`, 3 and `w[0]`."),
        ("exp(0.5 * q)", "`y` is the exp of `0.5 * q`."),
        ("softmax(v < 8: w[v])[3]", "`y` is the softmax of `w[v]` over `v < 8`, at 3."),
        ("(n + 3) % 5", "`y` is `(n + 3) % 5`."),
        ("2 * sum(i < 8: x[i]) - n", "`y` is `2 * n2 - n`, where `n2` is the number of ones in `x`."),
        ("pad(x, 1)[n - 3]", "`y` is `x[n - 3]`. What lies outside of `x` counts as 1."),
        ("pad(x, 0)[n] xor pad(x, 1)[n]", "`y` is 1 if `pad(x, 0)[n]` differs from `pad(x, 1)[n]`, else 0."),
    ],
)
def test_an_expression(value: str, text: str) -> None:
    assert said(value) == text


@pytest.mark.parametrize(
    ("target", "value", "text"),
    [
        ("y[i < 8]", "x[(i + 1) % 8]", "For each `i < 8`, `y[i]` is `x[i + 1]`. `x` wraps around."),
        ("y[i < 4]", "x[(i + 1) % 4]", "For each `i < 4`, `y[i]` is `x[(i + 1) % 4]`."),
        (
            "y[2 <= i < 8]",
            "x[i] xor x[i - 2]",
            "For each `i` from 2 to 7, `y[i]` is 1 if `x[i]` differs from `x[i - 2]`, else 0.",
        ),
        (
            "y[i < 4, j < 5]",
            "sum(di in -1..1, dj in -1..1: image[(i + di) % 4, (j + dj) % 5]) >= 3",
            "For each `i < 4` and `j < 5`, `y[i, j]` is 1 if the 3 x 3 block around `image[i, j]` has at least 3 ones, "
            "else 0. `image` wraps around on all sides.",
        ),
        (
            "y[i < 4, j < 5]",
            "sum(dj in -1..1: pad(image, 0)[i, j + dj]) >= 2",
            "For each `i < 4` and `j < 5`, `y[i, j]` is 1 if the 3 elements from `image[i, j - 1]` to "
            "`image[i, j + 1]` have at least 2 ones, else 0. What lies outside of `image` counts as 0.",
        ),
        (
            "y[i < 8]",
            "x[i] xor pad(y, 0)[i - 1]",
            "For `i` from 0 to 7 in turn, `y[i]` is 1 if `x[i]` differs from `y[i - 1]`, else 0. "
            "What lies outside of `y` counts as 0.",
        ),
    ],
)
def test_positions(target: str, value: str, text: str) -> None:
    assert said(value, target) == text


def test_steps_over_time() -> None:
    rule = parse(
        "rule r(x: bit[8]) -> (y: bit[8]) {\n  s[0, i < 8] = x[i]\n"
        "  s[1 <= t < 4, i < 8] = s[t - 1, i] or s[t - 1, (i + 1) % 8]\n  y[i < 8] = s[3, i]\n}"
    )
    sentences = Sentences(rule, infer(rule))
    assert [sentences.sentence(s) for s in rule.statements] == [
        "To start, for each `i < 8`, `s[0, i]` is `x[i]`.",
        "For `t` from 1 to 3 in turn, and each `i < 8`, `s[t, i]` is 1 if `s[t - 1, i]` or `s[t - 1, i + 1]` is 1, "
        "else 0. `s` wraps around along axis 1.",
        "For each `i < 8`, `y[i]` is `s[3, i]`.",
    ]


def chain(op: str, count: int) -> Expr:
    """A long chain of one operator over one vector."""
    value: Expr = Read("a")
    for _ in range(count):
        value = Binary(op, value, Read("b"))  # type: ignore[arg-type]
    return value


def test_what_is_long_stays_notation() -> None:
    rule = parse("rule r(a: bit, b: bit) -> (y: bit) {\n  y = a\n}")
    sentences = Sentences(rule, infer(rule))
    assert sentences.sentence(Statement("y", (), chain("or", 60))) == f"`y` is `a{' or b' * 60}`."
    text = sentences.sentence(Statement("y", (), chain("or", 100_000)))
    assert len(text) < 1000
    assert text.startswith("`y` is `a or b or ")
    assert " ... " in text
    assert text.endswith(" or b`.")


def test_deep_expressions_take_few_calls() -> None:
    rule = parse("rule r(a: bit, b: bit) -> (y: bit) {\n  y = a\n}")
    value: Expr = Read("a")
    for k in range(44):
        value = Binary(("and", "xor")[k % 2], Read("b"), value)  # type: ignore[arg-type]
    assert Sentences(rule, infer(rule)).sentence(Statement("y", (), value))


@pytest.mark.parametrize("path", RULES, ids=lambda p: p.stem)
def test_whole_rules(path: Path, golden: Callable[[str, str], None]) -> None:
    golden(f"reading/{path.stem}.txt", str(dd.load(path).explain()))


@pytest.mark.parametrize("seed", range(40))
def test_sentences_name_all_that_is_read(seed: int) -> None:
    rule: Rule = random_rule(RandomChoose(seed))
    sentences = Sentences(rule, infer(rule))
    for statement in rule.statements:
        text = sentences.sentence(statement)
        named = {statement.target, *(read.tensor for read in reads(statement.value))}
        assert all(re.search(rf"\b{name}\b", text) for name in named)
        assert text.endswith(".")
        assert text.count("`") % 2 == 0
