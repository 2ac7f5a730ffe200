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


@pytest.mark.parametrize("name", ["maximum", "from_gray"])
def test_whole_numbers_give_one_rule_for_every_size(whole: Any, name: str) -> None:
    (task,) = [task for task in whole.WHOLES if task.name == name]
    programs = [whole.learned(task, size) for size in whole.SIZES]
    assert whole.of_sizes(task, programs).split()[:3] == [name, "yes", "yes"]
    _, rule = whole.of_every_size(task, programs, 300)
    assert rule is not None
    assert whole.agrees(task, rule, 300)
    written = dd.load(whole.WRITTEN / f"{name}.rule")
    assert all(p.cost <= 1.5 * written.at(N=size).cost for p, size in zip(programs, whole.SIZES, strict=True))


def test_whole_numbers_that_are_added_have_a_carry(whole: Any) -> None:
    (task,) = [task for task in whole.WHOLES if task.name == "add"]
    program = whole.learned(task, 4)
    assert program.cost <= 1.5 * dd.load(whole.WRITTEN / "add.rule").at(N=4).cost
    assert "carry" in str(program)


def test_majority_is_one_rule_for_any_number(example: Any) -> None:
    many = example("arithmetic", "many")
    program = dd.generalize([many.distilled(k) for k in (3, 5, 7)])
    x = np.random.default_rng(0).integers(0, 2, (50, 21), dtype=np.uint8)
    assert np.array_equal(program.jit()(x), 2 * x.sum(axis=1, dtype=int) > 21)
