"""Steps of a fit: times, words on how far it is, processes."""

from __future__ import annotations

from collections.abc import Iterator
from operator import add

import pytest

pytest.importorskip("sklearn")

from ddcompile.learn import steps as module
from ddcompile.learn.steps import Steps


def test_problems_are_made_when_their_turn_comes() -> None:
    asked = []

    def problems() -> Iterator[tuple[int, int]]:
        for k in range(5):
            asked.append(k)
            yield k, 1

    results = Steps().each(add, problems(), 5, "sums")
    assert [next(results), next(results)] == [1, 2]
    assert asked == [0, 1]


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_results_are_in_order(n_jobs: int | None) -> None:
    assert list(Steps(n_jobs).each(add, ((k, k) for k in range(40)), 40, "sums")) == list(range(0, 80, 2))


def test_how_far_it_is_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", -1)
    told: list[str] = []
    steps = Steps(verbose=told.append)
    with steps.step("adding"):
        list(steps.each(add, [(1, 1), (2, 2)], 2, "sums"))
    assert told == ["adding", "adding: sums 1 of 2", "adding: sums 2 of 2"]
    assert list(steps.seconds) == ["adding"]
