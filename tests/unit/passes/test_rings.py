"""Statements that are alike up to how positions on a ring, and operands that may change places, are written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_statement
from ddcompile.ir.types import infer
from ddcompile.passes.ordered import in_order
from ddcompile.passes.rings import around, in_range
from ddcompile.passes.roll import Roll
from ddcompile.prove.checker import check_step

CASES = {
    "one of three reads where it stands": (
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = 2 * x[(i - 1) % 8] > sum(j < 3: x[(i + j - 1) % 8])
  b[i < 8] = 2 * x[i] > sum(j < 3: x[(i + j - 1) % 8])
  c[i < 8] = if i == 2 then x[5] else 2 * x[(i + 1) % 8] > sum(j < 3: x[(i + j - 1) % 8])
  y[i < 8] = c[i] + a[i] + b[i] >= 1
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  state[t < 3, i < 8] = if t == 2 and i == 2 then x[5] else 2 * x[(i + t - 1) % 8] > sum(j < 3: x[(i + j - 1) % 8])
  y[i < 8] = state[0, i] + state[1, i] + state[2, i] >= 1
}""",
    ),
    "layers whose families were found in another order": (
        """rule f(x: int[0..9][8]) -> (y: int[8]) {
  a1[i < 8] = max(x[(i - 1) % 8] - x[i], 0)
  b1[i < 8] = min(x[i] - 2 * x[(i + 1) % 8], 3)
  c1[i < 8] = a1[i] + b1[i]
  a2[i < 8] = min(c1[i] - 2 * c1[(i + 1) % 8], 3)
  b2[i < 8] = max(c1[(i - 1) % 8] - c1[i], 0)
  c2[i < 8] = a2[i] + b2[i]
  a3[i < 8] = max(c2[(i - 1) % 8] - c2[i], 0)
  b3[i < 8] = min(c2[i] - 2 * c2[(i + 1) % 8], 3)
  y[i < 8] = a3[i] + b3[i]
}""",
        """rule f(x: int[0..9][8]) -> (y: int[8]) {
  state[0, i < 8] = x[i]
  state[1 <= t < 4, i < 8] = state2[t - 1, i] + state3[t - 1, i]
  state2[t < 3, i < 8] = max(state[t, (i - 1) % 8] - state[t, i], 0)
  state3[t < 3, i < 8] = min(state[t, i] - 2 * state[t, (i + 1) % 8], 3)
  y[i < 8] = state[3, i]
}""",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_statements_are_alike_however_they_are_written(case: str) -> None:
    rule, expected = map(parse, CASES[case])
    found = Roll()(rule)
    assert str(found.rule) == str(expected)
    assert check_step(rule, found.rule, found.witness).status == "proved"


def test_only_positions_on_a_ring_that_something_wraps_are_wrapped() -> None:
    rule = parse(
        """rule f(x: bit[8], z: bit[9], v: bit[8]) -> (y: bit[7]) {
  y[i < 7] = x[(i + 2) % 8] > x[i + 1] + x[3] + z[i] + pad(v, 0)[i - 1] + sum(j < 2: v[i + j])
}"""
    )
    (statement,) = rule.statements
    wrapped = replace(statement, value=around(statement, infer(rule)))
    assert print_statement(wrapped) == (
        "y[i < 7] = x[(i + 2) % 8] > x[(i + 1) % 8] + x[3] + z[i] + pad(v, 0)[i - 1] + sum(j < 2: v[(i + j) % 8])"
    )
    assert in_range(wrapped) == statement


def test_nothing_is_wrapped_where_no_position_is() -> None:
    rule = parse("rule f(x: bit[8]) -> (y: bit[7]) {\n  y[i < 7] = x[i] > x[i + 1]\n}")
    assert around(rule.statements[0], infer(rule)) is rule.statements[0].value


def test_operands_that_are_defined_alike_are_in_the_order_of_their_positions() -> None:
    text = """rule f(x: real[8], w: bit[8]) -> (y: bit[8], z: real[8]) {{
  a[k < 2, i < 8] = x[(i + k) % 8] > 0
  b[i < 8] = 2 * x[i]
  c[i < 8] = 3 * x[i]
  y[i < 8] = {}
  z[i < 8] = c[i] + a[1, i] + b[i] + a[0, i]
}}"""
    rule = parse(text.format("a[1, i] and w[i] and a[0, i]"))
    assert str(in_order(rule, infer(rule), 200)) == str(parse(text.format("a[0, i] and w[i] and a[1, i]")))
