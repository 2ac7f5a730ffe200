from __future__ import annotations

import random
import re
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ddcompile.analysis.cost import cost, data_cost
from ddcompile.ir.nodes import Constant, Statement
from ddcompile.ir.parser import parse, parse_expression, parse_statements
from ddcompile.ir.printer import print_statement

RULES = Path(__file__).parents[2] / "golden" / "syntax"


@pytest.mark.parametrize(("name", "expected"), [("life", 89), ("orientation", 167), ("add", 98), ("steps", 100)])
def test_rules(name: str, expected: int) -> None:
    assert cost(parse((RULES / f"{name}.rule").read_text(encoding="utf-8"))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", 1),
        ("-1", 2),
        ("a - 1", 3),
        ("999", 1),
        ("1000", 2),
        ("1000000", 3),
        ("-1000", 3),
        ("0.5", 1),
        ("0.333", 1),
        ("0.3333", 2),
        ("1e-07", 1),
        ("12.345", 2),
        ("0.30000001192092896", 6),
        ("x[i, 0]", 6),
        ("sum(di in -1..1: x[di])", 14),
        ("a <= b < c", 5),
        ("a != b", 3),
        ("if a then b else not c", 7),
        ("pad(x, 0)[i]", 9),
    ],
)
def test_expressions(text: str, expected: int) -> None:
    assert cost(parse_expression(text)) == expected


def test_statements_and_constants_add_up() -> None:
    text = "rule f(x: bit[2]) -> (y: int) { const w: int[2] = [5, 1000] y = w[0] * x[1] }"
    rule = parse(text)
    assert cost(rule.constants[0]) == 9 + 2 + 1
    assert cost(rule.statements[0]) == 11
    header = "rule f(x: bit[2]) -> (y: int) { }"
    assert cost(rule) == cost(parse(header)) + 12 + 11


def test_data_cost_the_same_wherever_they_are() -> None:
    (scalar,), _ = parse_statements("const w: int = -5")
    assert cost(scalar) == 6 + 1
    assert cost(Constant.of("w", [[-5] * 10] * 10)) == cost(Constant.of("w", [[5] * 10] * 10))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 999, -999], 3),
        ([1000, -1000], 4),
        ([999999, -1000000], 2 + 1 + 2),
        ([-(2**63)], 1 + 6),
        ([2**70], 1 + 7),
        ([0.5, 0.3333], 3),
        ([1500000.0, 0.5], 2 + 2),
        ([1e22, 0.5], 2 + 7),
        ([0.1 + 0.2, 5e-324], 1 + 5 + 1),
        ([Fraction(1, 3)], 1),
        ([], 0),
    ],
)
def test_digits(values: list[float], expected: int) -> None:
    assert data_cost(Constant.of("w", values).values) == expected


def digits_by_text(value: float) -> int:
    mantissa = repr(abs(value)).partition("e")[0].replace(".", "").lstrip("0")
    return (len(mantissa) - 1) // 3


def test_digits_of_doubles_are_those_of_their_shortest_text() -> None:
    choose = random.Random(1)
    values = [choose.randrange(1, 10 ** choose.randrange(1, 17)) / 10 ** choose.randrange(20) for _ in range(3000)]
    values += [float(f"{10 ** choose.randrange(1, 16) - 1}e-{choose.randrange(1, 25)}") for _ in range(1000)]
    values += [choose.gauss(0, 1) for _ in range(1000)] + [float(np.float32(choose.gauss(0, 1))) for _ in range(1000)]
    values = [v for v in values if v != int(v)]
    assert len(values) > 4000
    for value in values:
        assert data_cost(np.array([value])) == 1 + digits_by_text(value), value


def test_large_constants_are_fast() -> None:
    rng = np.random.default_rng(1)
    for values in (rng.integers(-5000, 5000, 10**6), rng.standard_normal(10**6)):
        constant = Constant.of("w", values)
        started = time.process_time()
        assert cost(constant) > 10**6
        assert time.process_time() - started < 2


def test_many_statements_are_fast() -> None:
    _, (statement,) = parse_statements("y[0] = x[0] + x[1] > 3")
    assert isinstance(statement, Statement)
    started = time.process_time()
    assert sum(cost(statement) for _ in range(10_000)) == 160_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize("path", sorted(RULES.glob("*.rule")), ids=lambda path: path.stem)
def test_that_of_statements_is_the_number_of_tokens_of_their_text(path: Path) -> None:
    for statement in parse(path.read_text(encoding="utf-8")).statements:
        text = print_statement(statement)
        tokens = re.findall(r"[A-Za-z_]\w*|[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?|\.\.|[<>=!]=|\S", text)
        numbers = [t.split("e")[0].replace(".", "").lstrip("0") for t in tokens if t[0].isdigit()]
        assert cost(statement) == len(tokens) + sum((max(len(n), 1) - 1) // 3 for n in numbers), text
