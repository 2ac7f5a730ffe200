"""Results that are one or two hidden units, read with noise by a threshold over more units than a truth table has."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.ir.nodes import Rule
from ddcompile.passes.rewrite import Witness
from ddcompile.prove.checker import check_step

N = 20


def _network(weights: dict[int, float], bias: float) -> dd.Network:
    """A reader of pairs of neighbours, and of triples, with noise everywhere."""
    rng = np.random.default_rng(0)
    hidden = np.vstack([np.eye(N) + np.eye(N, k=1), np.eye(N) + np.eye(N, k=1) + np.eye(N, k=2)])
    bounds = np.r_[np.full(N, -1.5), np.full(N, -2.5)]
    reader = rng.uniform(-0.005, 0.005, (1, 2 * N))
    for unit, weight in weights.items():
        reader[0, unit] += weight
    noisy = hidden + rng.uniform(-0.005, 0.005, hidden.shape)
    return dd.Network((dd.Layer(noisy, bounds, "step"), dd.Layer(reader, [bias], "step")))


@pytest.mark.parametrize(
    ("weights", "bias", "rule"),
    [
        ({3: 1}, -0.5, "x[3] and x[4]"),
        ({3: -1}, 0.5, "not x[3] * x[4]"),
        ({3: 1, N + 3: -1}, -0.5, "x[3] and x[4] > x[5]"),
        ({3: 1, N + 3: 1}, -1.5, "x[3] and x[4] and x[5]"),
    ],
)
def test_a_noisy_reader_is_what_it_reads(weights: dict[int, float], bias: float, rule: str) -> None:
    program = dd.distill(_network(weights, bias))
    wanted = dd.parse(f"rule r(x: bit[{N}]) -> (y: bit) {{\n  y = {rule}\n}}")
    assert program.verdict
    assert dd.verify(program, wanted).status == "proved"
    assert program.cost <= wanted.cost + 4


def _readers(value: str) -> Rule:
    return dd.parse(
        f"""rule r(x: bit[24]) -> (y: bit) {{
  const w: int[24] = {[3, -2, 5, 1000, -4, 1, 2, 1000, *[1] * 16]}
  u[i < 24] = x[i] + x[(i + 1) % 24] + x[(i + 2) % 24] >= 2
  y = {value}
}}"""
    ).rule


@pytest.mark.parametrize(
    ("old", "new", "is_equal"),
    [
        ("sum(i < 24: w[i] * u[i]) >= 500", "u[3] or u[7]", True),
        ("sum(i < 24: w[i] * u[i]) >= 1500", "u[3] and u[7]", True),
        ("sum(i < 24: w[i] * u[i]) >= 500", "u[3]", False),
        ("sum(i < 24: w[i] * u[i]) >= 1007", "u[3] or u[7]", False),
    ],
)
def test_sums_of_variables_of_one_threshold_are_a_function_of_their_sum(old: str, new: str, is_equal: bool) -> None:
    verdict = check_step(_readers(old), _readers(new), Witness())
    assert bool(verdict) == is_equal
