"""Sums over tables that read slices of one tensor are left to `stack`; `absorb` joins the others."""

from __future__ import annotations

import ddcompile as dd
from ddcompile.ir.nodes import Rule
from ddcompile.passes.absorb import Absorb
from ddcompile.passes.stack import Stack
from ddcompile.prove.checker import check_step

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


def test_sums_over_fewer_places_have_zeros_for_the_others() -> None:
    rule = dd.parse(
        """rule r(x: bit[3, 6]) -> (y: bit) {
  const a: int[5] = [1, -2, 0, 1, 2]
  const b: int[4] = [2, 1, 1, 3]
  const c: int[6] = [1, 2, 3, 4, 5, 6]
  first = sum(i < 5: a[i] * x[2, i])
  second = sum(i < 4: b[i] * x[0, i + 1])
  third = sum(i < 6: c[i] * x[1, i])
  y = first + third - second >= 2
}"""
    ).rule
    found = Stack()(rule)
    assert str(dd.Program(found.rule)).splitlines()[1:3] == [
        "  const b2: int[3, 6] = [[0, -2, -1, -1, -3, 0], [1, 2, 3, 4, 5, 6], [1, -2, 0, 1, 2, 0]]",
        "  second2 = sum(j < 3, i < 6: b2[j, i] * x[j, i])",
    ]
    assert check_step(rule, found.rule, found.witness).status == "proved"


def test_sums_that_would_read_what_is_not_there_stay_apart() -> None:
    rule = dd.parse(
        """rule r(x: bit[2, 4], z: bit[4]) -> (y: bit) {
  const a: int[4] = [1, -2, 0, 1]
  const b: int[3] = [3, 2, 1]
  first = sum(i < 4: a[i] * x[0, i])
  second = sum(i < 3: b[i] * x[i + 1, i])
  y = first - second >= 2
}""".replace("x[i + 1, i]", "x[1, i + 1] * x[0, i]")
    ).rule
    assert Stack()(rule).rule == rule
