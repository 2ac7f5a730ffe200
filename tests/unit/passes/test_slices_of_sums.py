"""Sums over tables that read slices of one tensor are left to `stack`; `absorb` joins the others."""

from __future__ import annotations

import ddcompile as dd
from ddcompile.ir.nodes import Rule
from ddcompile.passes.absorb import Absorb
from ddcompile.passes.stack import Stack

_TABLES = """  const a: int[4] = [1, -2, 0, 1]
  const b: int[4] = [0, 2, 1, 1]
"""


def _rule(first: str, second: str) -> Rule:
    return dd.parse(
        f"rule r(x: bit[2, 4], z: bit[4]) -> (y: bit) {{\n{_TABLES}"
        f"  first = sum(i < 4: a[i] * {first})\n  second = sum(i < 4: b[i] * {second})\n"
        "  y = first - second >= 2\n}\n"
    ).rule


def test_slices_of_one_tensor_are_left_alone_and_become_one_table() -> None:
    rule = _rule("x[0, i]", "x[1, i]")
    assert Absorb()(rule).rule == rule
    assert "sum(j < 2, i < 4: a2[j, i] * x[j, i])" in str(dd.Program(Stack()(rule).rule))


def test_sums_of_different_tensors_become_one() -> None:
    rule = Absorb()(_rule("x[0, i]", "z[i]")).rule
    assert "sum(i < 4: a[i] * x[0, i] - b[i] * z[i])" in str(dd.Program(rule))
