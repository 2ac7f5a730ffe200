"""Units over bits that imply one another."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.passes.pipeline import run
from ddcompile.passes.unary import Unary
from ddcompile.prove.checker import check_step
from ddcompile.testing.inputs import all_inputs
from ddcompile.testing.structures import STRUCTURES

BITS = "rule f(x: bit[6], z: bit[2]) -> (y: bit[2]) {\n"
COUNT = """  const A: int[3, 6] = [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]
  const a: int[3] = [1, 2, 3]
"""
HIDDEN = "  h[u < 3] = sum(i < 6: A[u, i] * x[i]) >= a[u]\n"


def _unary(text: str) -> Rule:
    """What the pass makes of a rule, without what nothing reads then; every step is checked."""
    steps = run(parse(text), "unary, forward")
    for step in steps:
        assert check_step(step.old, step.new, step.witness).status == "proved"
    rule = steps[-1].new if steps else parse(text)
    inputs = all_inputs(rule, 1 << 12)
    assert inputs is not None
    for old, new in zip(interpret(parse(text), inputs), interpret(rule, inputs), strict=True):
        assert np.array_equal(old, new)
    return rule


def test_a_counter_up_to_a_most() -> None:
    text = (
        BITS + COUNT + "  const B: int[2, 3] = [[1, 1, 1], [1, 1, 1]]\n  const C: int[2, 2] = [[1, 0], [1, 0]]\n"
        "  const b: int[2] = [1, 3]\n"
        + HIDDEN
        + "  y[u < 2] = sum(k < 3: B[u, k] * h[k]) + sum(i < 2: C[u, i] * z[i]) >= b[u]\n}"
    )
    rule = _unary(text)
    assert [s.target for s in rule.statements] == ["y"]
    # Beyond the most of the counter nothing is known of the sum.
    assert str(_unary(text.replace("[1, 3]", "[1, 4]"))).count(">=") == 2


def test_one_of_the_bits_is_enough() -> None:
    """With z, any of the bits; the others imply the first."""
    text = (
        BITS + "  const A: int[3, 6] = [[1, 1, 1, 1, 1, 1], [2, 1, 1, 1, 1, 1], [2, 2, 1, 1, 1, 1]]\n"
        "  const a: int[3] = [2, 5, 8]\n  const B: int[2, 3] = [[1, 1, 1], [1, 1, 1]]\n"
        "  const C: int[2, 2] = [[3, 0], [0, 3]]\n"
        + HIDDEN
        + "  y[u < 2] = sum(k < 3: B[u, k] * h[k]) + sum(i < 2: C[u, i] * z[i]) >= 4\n}"
    )
    assert str(_unary(text)) == (
        BITS + "  const weight_h: int[1, 6] = [[1, 1, 1, 1, 1, 1]]\n"
        "  const weight_y3: int[2, 2] = [[1, 0], [0, 1]]\n"
        "  const weight_y4: int[2, 1] = [[1], [1]]\n"
        "  h[u < 1] = sum(i < 6: weight_h[u, i] * x[i]) >= 2\n"
        "  y[u < 2] = sum(i < 2: weight_y3[u, i] * z[i]) + sum(i < 1: weight_y4[u, i] * h[i]) >= 2\n}"
    )


def test_implied_by_another_sum() -> None:
    """The second unit is 1 only where the first is, which its weights show; the first is an input."""
    text = (
        BITS + "  const A: int[2, 6] = [[3, 1, 1, 1, 0, 0], [2, 1, 1, 0, 1, 0]]\n  const a: int[2] = [5, 5]\n"
        "  const B: int[2, 2] = [[1, 1], [1, 1]]\n  const C: int[2, 6] = [[1, 0, 0, 0, 0, 4], [1, 0, 0, 0, 0, 0]]\n"
        "  const b: int[2] = [5, 2]\n  h[u < 2] = sum(i < 6: A[u, i] * x[i]) >= a[u]\n"
        "  y[u < 2] = sum(k < 2: B[u, k] * h[k]) + sum(i < 6: C[u, i] * x[i]) >= b[u]\n}"
    )
    rule = _unary(text)
    assert "[[1, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0]]" in str(rule)


@pytest.mark.parametrize("size", [1 << 40, 1 << 62, 1 << 70])
@pytest.mark.parametrize(("low", "factor"), [(0, 1), (1 << 50, 1 << 20), (-(1 << 80), 1)])
def test_numbers_beyond_words(size: int, low: int, factor: int) -> None:
    text = (
        f"rule f(x: bit[6], z: int[{low}..{low + 1}][2]) -> (y: bit[2]) {{\n"
        + COUNT
        + f"  const B: int[2, 3] = [[{size}, 1, 1], [1, {-size}, {factor}]]\n"
        f"  const C: int[2, 2] = [[{factor}, 0], [0, {factor}]]\n"
        f"  const b: int[2] = [{factor * low + size + 1}, {factor * (low + 1)}]\n"
        + HIDDEN
        + "  y[u < 2] = sum(k < 3: B[u, k] * h[k]) + sum(i < 2: C[u, i] * z[i]) >= b[u]\n}"
    )
    for step in run(parse(text), "unary, forward"):
        assert check_step(step.old, step.new, step.witness)


UNTOUCHED = {
    # A carry is no sum of both places without greater weights.
    "a carry": (
        "const A: int[1, 6] = [[1, 1, 0, 0, 0, 0]]\n  const B: int[2, 1] = [[1], [1]]\n"
        "  const C: int[2, 6] = [[0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0]]\n  const b: int[2] = [2, 3]\n"
        "  h[u < 1] = sum(i < 6: A[u, i] * x[i]) >= 2\n"
        "  y[u < 2] = sum(k < 1: B[u, k] * h[k]) + sum(i < 6: C[u, i] * x[i]) >= b[u]"
    ),
    # None of these implies another.
    "different sums": (
        "const A: int[2, 6] = [[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0]]\n  const B: int[2, 2] = [[1, 1], [1, 1]]\n"
        "  const C: int[2, 2] = [[1, 0], [1, 1]]\n  const b: int[2] = [2, 3]\n"
        "  h[u < 2] = sum(i < 6: A[u, i] * x[i]) >= 2\n"
        "  y[u < 2] = sum(k < 2: B[u, k] * h[k]) + sum(i < 2: C[u, i] * z[i]) >= b[u]"
    ),
    # Between the bounds the function of the sum is no line.
    "every other sum": (
        "const A: int[3, 6] = [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]\n"
        "  const a: int[3] = [1, 2, 3]\n  const B: int[2, 3] = [[1, -1, 1], [1, -1, 1]]\n"
        "  const C: int[2, 2] = [[1, 0], [0, 1]]\n  h[u < 3] = sum(i < 6: A[u, i] * x[i]) >= a[u]\n"
        "  y[u < 2] = sum(k < 3: B[u, k] * h[k]) + sum(i < 2: C[u, i] * z[i]) >= 2"
    ),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_declines(name: str) -> None:
    rule = parse(f"{BITS}  {UNTOUCHED[name]}\n}}")
    assert Unary()(rule).rule == rule


@pytest.mark.parametrize(("name", "sizes"), [("saturating_counter", (18, 4)), ("resetting_counter", (14, 4))])
def test_longer_counters(name: str, sizes: tuple[int, int]) -> None:
    """Every step is proved by a count, however many inputs have been counted."""
    structure = STRUCTURES[name].build(*sizes)
    program = dd.distill(structure.network(1), structure.inputs, structure.outputs)
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert program.cost <= 1.1 * structure.written
