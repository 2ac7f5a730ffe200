"""Kernels are rewritten for lanes, or refused with a reason."""

from __future__ import annotations

import pytest

import ddcompile as dd
from ddcompile.kernel.dump import dump
from ddcompile.kernel.lanes import Unsuited, in_lanes
from ddcompile.kernel.lower import lower
from ddcompile.kernel.nodes import Function, Kernel


def _kernel(body: str) -> Kernel:
    return lower(dd.parse(f"rule r(x: bit[9]) -> (y: bit) {{\n  {body}\n}}\n").rule)


def _text(body: str) -> str:
    kernel = _kernel(body)
    made = in_lanes(kernel)
    return dump(Kernel("r", kernel.buffers, (Function("r", (), made.body),)))


def test_a_loop_that_lanes_leave_early_goes_on() -> None:
    text = _text("y = any(i < 9: x[i])")
    assert "break" not in text
    assert "found = 1 if taken else found" in text


def test_arms_are_chosen_between() -> None:
    text = _text("y = argmax(i < 9: x[i] + x[(i + 1) % 9]) > 3")
    assert "greatest = t2 if taken else greatest" in text
    assert "where = i if taken else where" in text


def test_what_every_lane_does_stays() -> None:
    kernel = _kernel("y = sum(i < 9: x[i]) > 3")
    made = in_lanes(kernel)
    assert made.body == kernel.sample.body
    assert made.varying == {"sum"}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (
            "rule r(x: bit[9], k: int[0..8]) -> (y: bit) {\n  y = x[k]\n}\n",
            "which element is read depends on the sample",
        ),
        ("rule r(x: real) -> (y: real) {\n  y = tanh(x)\n}\n", "it uses functions of reals"),
        (
            "rule r(x: int[0..1000000000000]) -> (y: bit) {\n  y = x * x * x * x > 3\n}\n",
            "its numbers have more than 64 bits",
        ),
    ],
)
def test_refusals(rule: str, reason: str) -> None:
    with pytest.raises(Unsuited, match=reason):
        in_lanes(lower(dd.parse(rule).rule))
