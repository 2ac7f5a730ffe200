"""The short version of `examples/surrogates`."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("torch")


@pytest.fixture(scope="module")
def measure(example: Any) -> Any:
    return example("surrogates", "measure")


@pytest.fixture(scope="module")
def models(example: Any) -> Any:
    return example("surrogates", "models")


def test_more_splits_agree_more_often(measure: Any, models: Any) -> None:
    task = models.iris()
    few, many = measure.surrogate(task, 2), measure.surrogate(task, 20)
    assert (few.verdict.status, many.verdict.status) == ("surrogate", "surrogate")
    assert many.verdict.fidelity.low > few.verdict.fidelity.high
    assert few.cost < many.cost < 300


def test_the_interval_holds_what_is_true(measure: Any, models: Any) -> None:
    task = models.random_network()
    program = measure.surrogate(task, 15)
    true = (program(task.test[0]) == task.test[1]).mean()
    assert program.verdict.fidelity.low <= true <= program.verdict.fidelity.high
    assert 0.4 < task.test[1].mean() < 0.6


def test_a_line_of_the_table(measure: Any, models: Any) -> None:
    cells = measure.line(models.wine(), 7).split()
    assert cells[:3] == ["wine,", "tanh", "7"]
    assert all(50 <= float(share) <= 100 for share in cells[-4:])
