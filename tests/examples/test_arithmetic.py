"""The short version of `examples/arithmetic`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddcompile as dd

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def steps(example: Any) -> Any:
    return example("arithmetic", "steps")


@pytest.fixture(scope="module")
def whole(example: Any) -> Any:
    return example("arithmetic", "whole")


def test_steps_are_what_python_does_with_whole_numbers(steps: Any) -> None:
    """The steps that are learned from, one after the other, by hand."""
    random = np.random.default_rng(0)
    for task in steps.TASKS:
        digits = random.integers(0, 2, (task.operands, 40))
        state, given = (task.start,) * task.width, []
        for column in digits.T[::-1] if task.is_downwards else digits.T:
            y, state = task.step(tuple(column.tolist()), state)
            given += y
        numbers = [int("".join(map(str, reversed(row))), 2) for row in digits.tolist()]
        wanted, last = task.whole(numbers, 40)
        assert int("".join(map(str, reversed(state))), 2) == last
        if wanted is not None:
            assert int("".join(map(str, given if task.is_downwards else given[::-1])), 2) == wanted


@pytest.mark.parametrize("name", ["add", "compare", "gray"])
def test_a_step_becomes_a_rule_for_all_digits(steps: Any, name: str) -> None:
    (task,) = [task for task in steps.TASKS if task.name == name]
    row = steps.examine(task, seeds=2, digits=300)
    assert (row.is_proved, row.is_written, row.is_right) == (True, True, True)
    assert row.cost <= 1.5 * row.written
    assert None not in row.needed


def test_addition_of_whole_numbers_finds_the_carry(whole: Any) -> None:
    (task,) = [task for task in whole.WHOLES if task.name == "add"]
    _, rule = whole.of_digits(task, 300)
    assert rule is not None
    x = np.ones((500, 2), dtype=np.uint8)
    assert rule(x).tolist() == [0] + [1] * 499


def test_gray_code_of_whole_numbers_is_one_rule(whole: Any) -> None:
    (task,) = [task for task in whole.WHOLES if task.name == "from_gray"]
    assert whole.of_sizes(task).split()[:3] == ["from_gray", "yes", "yes"]


def test_majority_is_one_rule_for_any_number(example: Any) -> None:
    many = example("arithmetic", "many")
    program = dd.generalize([many.distilled(k) for k in (3, 5, 7)])
    x = np.random.default_rng(0).integers(0, 2, (50, 21), dtype=np.uint8)
    assert np.array_equal(program.jit()(x), 2 * x.sum(axis=1, dtype=int) > 21)
