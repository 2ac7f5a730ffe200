"""Ladders go on beyond a rung that is no step, and beyond times without a rung."""

from __future__ import annotations

import pytest

import ddcompile as dd
from ddcompile.passes.ladder import Ladder
from ddcompile.prove.checker import check_step

_STEPS = "{after} = x[{k}] + z[{k}] + {before} >= 2", "{after} = {before} + x[{k}] + z[{k}] >= 2"
"""A step with its operands in two orders, which only this pass takes for the same."""


def _chain(lines: dict[int, str], count: int = 8) -> str:
    """A chain of carries with other lines at some times."""
    steps = {0: "a0 = x[0] and z[0]"}
    steps |= {k: _STEPS[k % 2].format(after=f"a{k}", before=f"a{k - 1}", k=k) for k in range(1, count)}
    steps |= lines
    text = "\n".join(f"  {line}" for line in steps.values() if line)
    return f"rule f(x: bit[{count}], z: bit[{count}]) -> (y: bit, w: bit) {{\n{text}\n  y = a{count - 1}\n  w = a2\n}}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            {4: "a4 = x[4] + z[1] + a3 >= 1"},
            [
                "state[i < 4] = x[i] + z[i] + pad(state, 0)[i - 1] >= 2",
                "state[4] = x[4] + z[1] + state[3] >= 1",
                "state[5 <= i < 8] = x[i] + z[i] + pad(state, 0)[i - 1] >= 2",
            ],
        ),
        (
            {3: "", 4: "", 5: "a5 = x[1] and z[3]"},
            [
                "state[i < 5] = x[i] + z[i] + pad(state, 0)[i - 1] >= 2",
                "state[5] = x[1] and z[3]",
                "state[6 <= i < 8] = x[i] + z[i] + pad(state, 0)[i - 1] >= 2",
            ],
        ),
        (
            {1: "a1 = x[5] + z[1] + a0 >= 2"},
            [
                "state[i < 1] = x[i] + z[i] + pad(state, 0)[i - 1] >= 2",
                "state[1] = x[5] + z[1] + state[0] >= 2",
                "state[2 <= i < 8] = x[i] + z[i] + pad(state, 0)[i - 1] >= 2",
            ],
        ),
    ],
)
def test_applies(lines: dict[int, str], expected: list[str]) -> None:
    rule = dd.parse(_chain(lines)).rule
    rewrite = Ladder()(rule)
    assert [str(line).strip() for line in str(rewrite.rule).split("\n") if "  state[" in line] == expected
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_a_rung_that_needs_a_later_reader_of_the_ladder_stays_outside() -> None:
    text = _chain({4: "b = a1 xor a2\n  a4 = x[4] + b + a3 >= 2"})
    rule = dd.parse(text).rule
    rewrite = Ladder()(rule)
    assert "state[4] = " not in str(rewrite.rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_declines_where_no_step_follows() -> None:
    rule = dd.parse(
        _chain({4: "a4 = x[4] xor a3", 5: "a5 = z[5] or a4", 6: "a6 = a5 > z[0]", 7: "a7 = a6 > x[1]"})
    ).rule
    assert "state[4]" not in str(Ladder()(rule).rule)
