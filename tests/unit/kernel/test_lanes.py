"""Kernels are rewritten for lanes, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

import ddcompile as dd
from ddcompile.kernel.dump import dump
from ddcompile.kernel.lanes import Unsuited, in_lanes
from ddcompile.kernel.lower import lower
from ddcompile.kernel.nodes import Function, Kernel, Stmt
from ddcompile.kernel.traverse import Event, walk


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


def test_what_a_chain_gives_depends_on_the_lane_and_is_found_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = 0

    def counted(body: Sequence[Stmt]) -> Iterator[tuple[Event, Stmt]]:
        nonlocal passes
        passes += 1
        return walk(body)

    monkeypatch.setattr("ddcompile.kernel.lanes.walk", counted)
    taken = []
    for depth in 3, 12:
        passes = 0
        made = in_lanes(_kernel(f"y = {'sign(' * depth}x[0] - x[1]{')' * depth} > 0"))
        assert made.varying == {f"t{k + 1}" for k in range(depth)}
        taken.append(passes)
    assert taken[0] == taken[1]


def test_what_lanes_choose_depends_on_them_and_so_does_what_is_made_of_it() -> None:
    made = in_lanes(_kernel("u = argmax(i < 9: x[i])\n  v = u + 3\n  w = v * v\n  y = w % 5 > 2 and v % 3 > 0"))
    assert made.varying == {"t1", "taken", "greatest", "u", "v", "w"}


def test_what_all_lanes_choose_alike_does_not_depend_on_them() -> None:
    made = in_lanes(
        _kernel("s = argmax(i < 9: i * 5 % 9) + sum(i < 9: i * i % 7)\n  y = any(i < 9: x[i]) and s > 3 + x[2]")
    )
    assert made.varying == {"taken", "found"}


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
