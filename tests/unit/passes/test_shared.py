"""Bits that units make together with operands that other units read as well."""

from __future__ import annotations

from itertools import pairwise

import pytest

import ddcompile as dd
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.passes.pipeline import PASSES, run
from ddcompile.prove.checker import check_step
from ddcompile.testing.networks import network_of
from ddcompile.testing.structures import Structure


def _pairs(count: int, weights: list[list[int]], operands: list[list[int]]) -> Rule:
    """Both of every two neighbours, and readers of these and of the inputs."""
    both = [[int(k in pair) for k in range(count)] for pair in pairwise(range(count))]
    return parse(
        f"rule f(x: bit[{count}], z: bit) -> (y: bit[{len(weights)}]) {{\n"
        f"  const W: int[{count - 1}, {count}] = {both}\n"
        f"  const V: int[{len(weights)}, {count - 1}] = {weights}\n"
        f"  const U: int[{len(weights)}, {count}] = {operands}\n"
        f"  both[u < {count - 1}] = sum(i < {count}: W[u, i] * x[i]) >= 2\n"
        f"  y[v < {len(weights)}] = sum(u < {count - 1}: V[v, u] * both[u]) "
        f"+ sum(i < {count}: U[v, i] * x[i]) + z >= 1\n}}"
    )


def _combined(rule: Rule) -> Rule:
    rewrite = PASSES["combine"]()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    return rewrite.rule


def test_operands_without_weights_left_belong_to_bits_that_cancel() -> None:
    # Differences of neighbours, every other one taken away: only the ends have weights.
    found = str(_combined(_pairs(5, [[-2, 2, -2, 2]], [[1, 0, 0, 0, -1]])))
    negated = "[[-1, -1, 0, 0, 0], [0, -1, -1, 0, 0], [0, 0, -1, -1, 0], [0, 0, 0, -1, -1]]"
    assert f"const weight_state: int[4, 5] = {negated}" in found
    assert "y[v < 1] = weight_y[v] * z + sum(i < 4: weight_y2[v, i] * state[i]) >= " in found


def test_readers_that_read_no_multiple_of_a_bit_read_its_unit() -> None:
    rule = _pairs(2, [[-2], [-2], [-2], [-1]], [[1, 1], [1, 1], [1, 1], [1, 0]])
    found = str(_combined(rule))
    assert "state[i < 1] = sum(j < 2: weight_state[i, j] * x[j]) + sum(j < 1: weight_state2[i, j] * both[j])" in found
    assert "[[0], [0], [0], [-1]]" in found


@pytest.mark.parametrize(
    ("weights", "operands"),
    [
        ([[2, 3, 2]], [[0, 0, 0, 0]]),  # the operands would have to be read
        ([[-2, -2, -2]], [[0, 0, 1, 0]]),
    ],
)
def test_bits_that_leave_more_operands_are_no_gain(weights: list[list[int]], operands: list[list[int]]) -> None:
    rule = _pairs(4, weights, operands)
    assert PASSES["combine"]()(rule).rule == rule


def test_what_is_a_bit_already_is_not_made_one_over_and_over() -> None:
    rule = _pairs(5, [[-2, 2, -2, 2]], [[1, 0, 0, 0, -1]])
    steps = [step.name for step in run(rule, "(combine,narrow,exact-thresholds,forward)*")]
    assert steps.count("combine") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "rule f(x: bit[4, 4]) -> (y: bit) { h = sum(i < 4, j < 3: x[i, j] xor x[i, j + 1])\n"
            " v = sum(i < 3, j < 4: x[i, j] xor x[i + 1, j])\n y = h > v }",
            """rule f(x: bit[4, 4]) -> (y: bit) {
  count[k < 2] = sum(i < 4 - k, j < k + 3: x[i, j] xor x[i + k, j - k + 1])
  y = count[0] > count[1]
}""",
        ),
        (
            "rule f(x: bit[5, 5]) -> (y: bit) { y = sum(i < 5, j < i: x[i, j] xor x[j, i]) <= 2 }",
            """rule f(x: bit[5, 5]) -> (y: bit) {
  count = sum(i < 5, j < i: x[j, i] xor x[i, j])
  y = count <= 2
}""",
        ),
    ],
)
def test_sums_of_differences_are_found(text: str, expected: str) -> None:
    structure = Structure(text, network_of(parse(text)))
    program = dd.distill(structure.network(3), structure.inputs, structure.outputs)
    assert program.verdict.status == "proved"
    assert str(program.rule) == expected
