"""Least expressions have the table they were asked for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ddcompile.analysis.boolean import least_expression
from ddcompile.analysis.cost import cost
from ddcompile.interpreter import interpret
from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr, Literal, Rule, Statement
from ddcompile.ir.parser import parse_declarations
from ddcompile.ir.printer import print_expression


def table_of(expr: Expr, count: int) -> int:
    rule = Rule("f", parse_declarations(f"x: bit[{count}]"), parse_declarations("y: bit"), (Statement("y", (), expr),))
    inputs = np.array([[a >> j & 1 for j in range(count)] for a in range(1 << count)], dtype=np.uint8)
    (values,) = interpret(rule, [inputs])
    return sum(int(v) << a for a, v in enumerate(values))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_function_of_few_inputs(count: int) -> None:
    inputs = [builder.read("x", j) for j in range(count)]
    for table in range(1 << (1 << count)):
        expr = least_expression(table, inputs, [cost(x) for x in inputs], limit=200)
        assert expr is not None
        assert table_of(expr, count) == table


def test_known_least_forms() -> None:
    left, centre, right = inputs = [builder.read("x", j) for j in range(3)]
    values = [a ^ (b | c) for c, b, a in product((0, 1), repeat=3)]
    table = sum(v << a for a, v in enumerate(values))
    assert least_expression(table, inputs, [4, 4, 4], 100) == builder.xor(left, builder.disj(centre, right))
    majority = sum((sum(bits) >= 2) << a for a, bits in enumerate(product((0, 1), repeat=3)))
    assert str(least_expression(majority, inputs, [4, 4, 4], 100)).count("x[") == 3


def test_nothing_dearer_than_the_limit() -> None:
    inputs = [builder.read("x", j) for j in range(2)]
    assert least_expression(0b0110, inputs, [4, 4], limit=9) is None
    assert least_expression(0b0110, inputs, [4, 4], limit=10) is not None


def test_constants() -> None:
    assert least_expression(0b1111, [builder.read("x", 0), builder.read("x", 1)], [4, 4], 10) == Literal(1)


GOLDEN = Path(__file__).parents[2] / "golden" / "least_of_four.txt"
"""Least costs by a separate exhaustive search: tests/benchmarks/least_of_four.py makes it, and compares all of it."""


def least_costs() -> dict[int, int]:
    """By the least table of each class of functions that differ in the order of their inputs."""
    lines = (line.split() for line in GOLDEN.read_text(encoding="utf-8").splitlines())
    return {int(number, 16): int(price) for number, price in lines}


def found_cost(number: int) -> int:
    # The golden tables have the first input as the highest bit of a row.
    expr = least_expression(number, [builder.read(name) for name in "dcba"], [1, 1, 1, 1], 100)
    assert expr is not None
    return cost(expr)


def matters(number: int, step: int) -> bool:
    """Whether a function changes when bit `step` of a row does."""
    return any((number >> row ^ number >> (row ^ step)) & 1 for row in range(16))


def test_short_functions_and_functions_of_three_inputs_are_at_their_least_cost() -> None:
    chosen = {
        number: price
        for number, price in least_costs().items()
        if price <= 8 or not all(matters(number, step) for step in (1, 2, 4, 8))
    }
    assert len(chosen) > 200
    assert {number: found_cost(number) for number in chosen} == chosen


def test_functions_of_four_inputs_are_at_their_least_cost_but_for_few() -> None:
    golden = least_costs()
    numbers = np.random.default_rng(0).choice(sorted(golden), 400, replace=False).tolist()
    more = [found_cost(number) - golden[number] for number in numbers]
    assert min(more) == 0, "the golden file is not of least costs"
    assert max(more) <= 2
    assert sum(d > 0 for d in more) <= 8


def test_functions_of_four_inputs_have_their_tables() -> None:
    rng = np.random.default_rng(0)
    inputs = [builder.read("x", j) for j in range(4)]
    for table in rng.integers(1, (1 << 16) - 1, size=200).tolist():
        expr = least_expression(table, inputs, [4, 4, 4, 4], 200)
        assert expr is not None
        assert table_of(expr, 4) == table
        assert least_expression(table, inputs, [4, 4, 4, 4], cost(expr)) is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("if a then b else c xor d", lambda a, b, c, d: b if a else c ^ d),
        ("a + b + c + d == 2", lambda a, b, c, d: a + b + c + d == 2),
        ("a == b and c == d", lambda a, b, c, d: a == b and c == d),
        ("2 <= a + b + c + d <= 3", lambda a, b, c, d: 2 <= a + b + c + d <= 3),
        ("a xor b xor c xor d", lambda a, b, c, d: a ^ b ^ c ^ d),
    ],
)
def test_every_kind_of_operator(text: str, values: Callable[[int, int, int, int], int]) -> None:
    table = sum(int(values(*(a >> j & 1 for j in range(4)))) << a for a in range(16))
    expr = least_expression(table, [builder.read(name) for name in "abcd"], [1, 1, 1, 1], 100)
    assert expr is not None
    assert print_expression(expr) == text
