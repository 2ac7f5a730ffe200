"""What is too long for the checker is declined, with a reason."""

from __future__ import annotations

import pytest

from ddcompile.ir.parser import parse
from ddcompile.prove import machine
from ddcompile.prove.checker import check_step

_LIMIT = 400


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rounds are many."""
    monkeypatch.setattr(machine, "ROUND_LIMIT", _LIMIT)
    monkeypatch.setattr(machine, "TOTAL_LIMIT", 2 * _LIMIT)


def _step(count: int, side: int) -> str:
    """Why a sum of products is not shown to be that with the indices the other way round, for some elements."""
    head = f"rule r(x: bit[{side}]) -> (y: int[{count}]) {{"
    axes = (f"i < {side}, j < {side}", f"j < {side}, i < {side}")
    old, new = (parse(f"{head}\n  y[u < {count}] = sum({own}: x[i] * x[j])\n}}\n") for own in axes)
    verdict = check_step(old, new)
    return "" if verdict.failure is None else verdict.failure.reason


def test_a_loop_of_too_many_rounds_is_declined() -> None:
    """A sum of products of elements is followed round by round."""
    assert _step(1, 10) == ""
    assert "the loops of an element take more than 400 rounds" in _step(1, 21)


def test_many_loops_of_too_many_rounds_in_all_are_declined() -> None:
    """Each of the elements takes few enough."""
    assert "the loops of all elements together take more than 800 rounds" in _step(9, 10)


def test_a_long_sum_of_weighted_elements_has_no_rounds() -> None:
    """It is evaluated with whole arrays, so that the limit says nothing about it."""
    head = "rule r(x: bit[8]) -> (y: int) {"
    old = parse(f"{head}\n  y = sum(i < {8 * _LIMIT}: x[i % 8])\n}}\n")
    new = parse(f"{head}\n  y = {_LIMIT} * sum(i < 8: x[i])\n}}\n")
    assert check_step(old, new)
