"""Results over a few operands that move each in its own way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.passes import pipeline
from ddcompile.passes.reroll import Reroll
from ddcompile.prove.checker import check_step

SIZE = 6

Unit = Callable[[int, int], dict[int, float]]


def _rule(
    unit: Unit, bias: float, inputs: str = "x: int[0..9][6]", odd: dict[tuple[int, int], float] | None = None
) -> Rule:
    """A result of one unit for each pair of places: its weights by input, and a bias, which may be another for some."""
    weight, biases = np.zeros((SIZE * SIZE, SIZE * (1 + inputs.count(","))), dtype=float), np.full(SIZE * SIZE, bias)
    for k, (i, j) in enumerate(np.ndindex(SIZE, SIZE)):
        for place, value in unit(i, j).items():
            weight[k, place] += value
        biases[k] = (odd or {}).get((i, j), bias)
    rule = lower(Network((Layer(weight, biases, "step"),)), inputs, "y: bit[6, 6]", None, "f")
    steps = pipeline.run(rule, "forward,exact-thresholds,forward")
    return steps[-1].new if steps else rule


def _both(i: int, j: int) -> dict[int, float]:
    return {i: 2.0} if i == j else {i: 1.0, j: 1.0}


@pytest.mark.parametrize(
    ("rule", "clause"),
    [
        (lambda: _rule(_both, -8.5), "y[i < 6, j < 6] = x[i] + x[j] >= 9"),
        (lambda: _rule(_both, -1.5, "x: bit[6]"), "y[i < 6, j < 6] = x[i] + x[j] >= 2"),
        (
            lambda: _rule(lambda i, j: _both(i, 5 - j), -8.5),
            "y[i < 6, j < 6] = x[i] + x[5 - j] >= 9",
        ),
        (
            lambda: _rule(lambda i, j: _both(i, j) | {6 + j: 3.0}, -8.5, "x: int[0..9][6], z: bit[6]"),
            "y[i < 6, j < 6] = x[i] + x[j] + 3 * z[j] >= 9",
        ),
        (
            lambda: _rule(_both, -8.5, odd={(3, 3): -8.1}),
            "y[i < 6, j < 6] = x[i] + x[j] >= 9",
        ),
        (
            lambda: _rule(_both, -8.5, odd={(3, 3): -5.5}),
            "y[i < 6, j < 6] = if i == 3 and j == 3 then x[3] >= 3 else x[i] + x[j] >= 9",
        ),
        (
            lambda: _rule(_both, -8.5, odd={(2, j): -3.5 for j in range(6) if j != 2}),
            "y[i < 6, j < 6] = x[i] + x[j] >= (if i == 2 and j < 2 or i == 2 and j >= 3 then 4 else 9)",
        ),
        (
            lambda: _rule(_both, -8.5, odd={(2, 4): -3.5}),
            "y[i < 6, j < 6] = x[i] + x[j] >= (if i == 2 and j == 4 then 4 else 9)",
        ),
    ],
)
def test_applies(rule: Callable[[], Rule], clause: str) -> None:
    old = rule()
    rewrite = Reroll()(old)
    assert str(rewrite.rule).splitlines()[1:] == [f"  {clause}", "}"]
    assert check_step(old, rewrite.rule, rewrite.witness).status == "proved"


@pytest.mark.parametrize(
    "rule",
    [
        lambda: _rule(lambda i, j: {(i * j + i) % 6: 1.0, (i + j * j + 1) % 6: 1.0}, -8.5),
        lambda: _rule(lambda i, j: {k: 1.0 for k in range(6)}, -8.5),
        lambda: _rule(lambda i, j: {i: 1.0} if j == 5 else {i: 1.0, j + 1: 1.0}, -8.5),
        lambda: _rule(lambda i, j: {i: 1.0}, -4.5),
    ],
)
def test_declines(rule: Callable[[], Rule]) -> None:
    assert "x[i] + x[j]" not in str(Reroll()(rule()).rule)
