"""Learn arithmetic digit by digit, and run it on numbers of 4,096 digits.

`python steps.py [--tasks add gray ...] [--seeds 10] [--digits 4096]`
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from tasks import TASKS, Task, number, reachable, rows, traces

import ddcompile as dd

HERE = Path(__file__).parent
COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128)
TRACED = 8
"""Digits of the numbers in traces."""


@dataclass
class Row:
    """What was found out about one task."""

    task: Task
    rows: int
    needed: list[int | None]
    cost: int
    written: int
    is_proved: bool
    is_written: bool
    is_right: bool
    rule: str


def main() -> None:
    names = [task.name for task in TASKS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="*", default=names, choices=names, help="all")
    parser.add_argument("--seeds", type=int, default=10, help="draws of traces (10)")
    parser.add_argument("--digits", type=int, default=4096, help="of the numbers that the rules are run on (4096)")
    given = parser.parse_args()
    start = time.process_time()
    print("task          rows  traces  seeds  cost  written  ratio  proved  same  right")
    found = []
    for task in TASKS:
        if task.name in given.tasks:
            found.append(examine(task, given.seeds, given.digits))
            print(line(found[-1], given.seeds), flush=True)
    for row in found:
        print(f"\n{row.rule}")
    print(f"\n{time.process_time() - start:.0f} s of processor time")


def examine(task: Task, seeds: int, digits: int) -> Row:
    count = len(rows(task)[0])
    needed = [traces_needed(task, seed) for seed in range(seeds)]
    step = distilled(task)
    program = dd.scan(step, state=task.state, initial=task.start)
    written = dd.load(HERE / "written" / f"{task.name}.rule")
    few = 12 // task.operands
    verdict = dd.verify(program.at(N=few), written.at(N=few))
    is_right = all(agrees(task, program, digits, seed) for seed in range(seeds))
    is_proved = step.verdict.status == "proved"
    is_same = verdict.status == "proved"
    return Row(task, count, needed, program.cost, written.cost, is_proved, is_same, is_right, str(program))


def learned(taken: np.ndarray, given: np.ndarray) -> dd.learn.ENNClassifier:
    """Each digit of the result and the state from what is taken, and from those before it where that says more."""
    network = dd.learn.ENNClassifier(relevance="chained", random_state=0)
    # Every row is certain: none is to be left contradicted for a shorter description.
    return network.fit(taken, given if given.shape[1] > 1 else given[:, 0], sample_weight=np.full(len(taken), 100))


def traces_needed(task: Task, seed: int) -> int | None:
    """The least of the counts from which the step that is learned is right wherever it can be used."""
    taken, given = reachable(task)
    for count in COUNTS:
        some, answers = traces(task, count, TRACED, seed)
        if any(len(set(column)) < 2 for column in answers.T):
            continue
        if np.array_equal(learned(some, answers).predict(taken).reshape(given.shape), given):
            return count
    return None


@cache
def distilled(task: Task) -> dd.Program:
    """The rule of one step, learned from all its rows."""
    return dd.distill(learned(*rows(task)), inputs=task.inputs, outputs=task.outputs, name=task.name)


def agrees(task: Task, program: dd.Program, digits: int, seed: int) -> bool:
    """Whether the rule gives what Python's integers do: on random numbers, or all ones where the seed is 0."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 2, (digits, task.operands)) if seed else np.ones((digits, task.operands), dtype=int)
    shown = x[::-1] if task.is_downwards else x
    found = run(program)(shown if task.operands > 1 else shown[:, 0])
    y, last = found if isinstance(found, tuple) else (None, found)
    if y is not None:
        y = number(y[::-1] if task.is_downwards else y)
    return (y, number(np.atleast_1d(last))) == task.whole([number(column) for column in x.T], digits)


@cache
def run(program: dd.Program) -> object:
    return program.jit()


def line(row: Row, seeds: int) -> str:
    known = [count for count in row.needed if count is not None]
    summary = f"{statistics.median_low(known)}, {max(known)}" if known else "none"
    flags = [f"{'yes' if flag else 'no':6}" for flag in (row.is_proved, row.is_written, row.is_right)]
    return (
        f"{row.task.name:12}  {row.rows:4}  {summary:6}  {f'{len(known)}/{seeds}':5}  {row.cost:4}  {row.written:7}  "
        f"{row.cost / row.written:5.2f}  {flags[0]}  {flags[1].strip():4}  {flags[2].strip()}"
    )


if __name__ == "__main__":
    main()
