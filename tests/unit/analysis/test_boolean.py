"""Least expressions have the table they were asked for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ddcompile.analysis.boolean import least_expression
from ddcompile.analysis.cost import cost
from ddcompile.interpreter import interpret
from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr, Literal, Rule, Statement
from ddcompile.ir.parser import parse_declarations


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
