"""Bounds of long recurrences: how far a step goes, times the number of steps."""

from __future__ import annotations

import pytest

from ddcompile.ir.parser import parse
from ddcompile.ir.types import infer

MOST = 2**31 - 1

BOUNDS = {
    "pad(a, 0)[i - 1] + x[i]": (0, MOST),
    "pad(a, 0)[i - 1] + 2 * x[i] - 1": (-MOST, MOST),
    "x[i] - pad(a, 0)[i - 1]": (None, None),
    "pad(a, 5)[i - 1] - x[i]": (5 - MOST, 5),
    "min(pad(a, 0)[i - 1] + 2, 1000)": (2, 1000),
    "min(2 * pad(a, 0)[i - 1] + 2, 1000)": (2, 1000),
    "(pad(a, 0)[i - 1] + 5 * x[i]) % 7": (0, 6),
    "(pad(a, 0)[i - 1] + x[i]) % N": (0, MOST - 1),
    "relu(pad(a, 0)[i - 1] + 2 * x[i] - 1)": (0, MOST),
    "if x[i] == 1 then pad(a, 0)[i - 1] + 1 else 0": (0, MOST),
    "max(j in i - 1..i - 1: pad(a, 0)[j]) + x[i]": (0, MOST),
    "pad(a, 1)[i - 1] + pad(a, 1)[i - 2]": (2, None),
    "2 * pad(a, 1)[i - 1]": (2, None),
    "sum(j < i: a[j]) + 1": (1, None),
    "sign(pad(a, 0)[i - 1] - x[i]) + pad(a, 0)[i - 1]": (-MOST, MOST),
    "(pad(a, 0)[i - 1] % 4) * 3 + x[i]": None,
}


@pytest.mark.parametrize("value", BOUNDS)
def test_bound_of_a_recurrence_along_a_size(value: str) -> None:
    rule = parse(f"rule r<N>(x: bit[N]) -> (y: int[N]) {{ a[i < N] = {value}  y[i < N] = a[i] }}")
    found = infer(rule).tensor["a"]
    expected = BOUNDS[value]
    if expected is None:
        assert found.low == 0
        assert found.high is None or found.high >= 10
    else:
        assert (found.low, found.high) == expected


def test_long_recurrence_without_sizes_is_bounded_too() -> None:
    text = "rule r(x: bit[250000]) -> (y: int) { a[i < 250000] = pad(a, 0)[i - 1] + x[i]  y = a[249999] }"
    assert infer(parse(text)).tensor["a"].high == 250000


def test_steps_of_two_axes_are_counted() -> None:
    text = """rule r<N, M>(x: bit[N, M]) -> (y: int[N, M]) {
      a[0, 0] = 0
      a[0, 1 <= j < M] = a[0, j - 1] + x[0, j]
      a[1 <= i < N, 0] = a[i - 1, M - 1] + 1
      a[1 <= i < N, 1 <= j < M] = a[i, j - 1] + x[i, j]
      y[i < N, j < M] = a[i, j]
    }"""
    found = infer(parse(text)).tensor["a"]
    assert found.low == 0
    assert found.high is not None
    assert found.high >= MOST


def test_tensors_of_a_cycle_grow_together() -> None:
    text = """rule r<N>(x: bit[N]) -> (y: int[N]) {
      a[0] = 0
      b[0] = 0
      a[1 <= t < N] = b[t - 1] + x[t]
      b[1 <= t < N] = a[t] + 1
      y[t < N] = b[t]
    }"""
    found = infer(parse(text)).tensor["b"]
    assert found.low == 0
    assert found.high is not None
    assert 2 * MOST - 2 <= found.high <= 2 * MOST
