"""Learn arithmetic from whole numbers, in and out: all numbers of 3, 4 and 5 digits.

`python whole.py [--tasks add gray ...] [--digits 4096]`
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tasks import bits, number

import ddcompile as dd

WRITTEN = Path(__file__).parent / "written" / "whole"
SIZES = (3, 4, 5)
LARGER = (5, 6, 7)
"""Of one operand, where smaller ones are not enough to see what all sizes have in common."""


@dataclass(frozen=True)
class Whole:
    """A function of whole numbers: of how many, its result, and the digits of that beyond those of the operands."""

    name: str
    operands: int
    result: Callable[[list[int], int], int]
    more: int | None = 0

    def width(self, size: int) -> int:
        return 1 if self.more is None else size + self.more


def _from_gray(code: int) -> int:
    found, shift = code, 1
    while found >> shift:
        found ^= found >> shift
        shift *= 2
    return found


WHOLES = [
    Whole("add", 2, lambda n, size: n[0] + n[1], 1),
    Whole("subtract", 2, lambda n, size: (n[0] - n[1]) % 2**size),
    Whole("compare", 2, lambda n, size: int(n[0] > n[1]), None),
    Whole("maximum", 2, lambda n, size: max(n)),
    Whole("increment", 1, lambda n, size: n[0] + 1, 1),
    Whole("parity", 1, lambda n, size: n[0].bit_count() % 2, None),
    Whole("gray", 1, lambda n, size: n[0] ^ n[0] >> 1),
    Whole("from_gray", 1, lambda n, size: _from_gray(n[0])),
    Whole("times_3", 1, lambda n, size: 3 * n[0], 2),
]


def main() -> None:
    names = [task.name for task in WHOLES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="*", default=names, choices=names, help="all")
    parser.add_argument("--digits", type=int, default=4096, help="of the numbers that the rules are run on (4096)")
    given = parser.parse_args()
    start = time.process_time()
    print("           one rule for each size                           one rule for every size")
    print("task       exact  proved  cost (written)                    sizes    cost (written)  right")
    rules = []
    for task in WHOLES:
        if task.name in given.tasks:
            programs = [learned(task, size) for size in SIZES]
            print(of_sizes(task, programs), end="  ", flush=True)
            text, rule = of_every_size(task, programs, given.digits)
            print(text, flush=True)
            rules += [] if rule is None else [rule]
    for rule in rules:
        print(f"\n{rule}")
    print(f"\n{time.process_time() - start:.0f} s of processor time")


def table(task: Whole, size: int) -> tuple[np.ndarray, np.ndarray]:
    """All operands of a size, (samples, operands, digits), and their results, (samples, digits)."""
    operands = [[n >> size * k & 2**size - 1 for k in range(task.operands)] for n in range(2 ** (task.operands * size))]
    x = np.array([[bits(n, size) for n in numbers] for numbers in operands])
    return x, np.array([bits(task.result(numbers, size), task.width(size)) for numbers in operands])


def learned(task: Whole, size: int) -> dd.Program:
    """The rule that is learned from all operands of a size."""
    x, y = table(task, size)
    # Every row is certain: none is to be left contradicted for a shorter description.
    classifier = dd.learn.ENNClassifier(relevance="chained", shared="auto", grid=x.shape[1:], random_state=0)
    given = y if y.shape[1] > 1 else y[:, 0]
    classifier.fit(x.reshape(len(x), -1), given, sample_weight=np.full(len(x), 100))
    inputs = f"x: bit[{task.operands}, {size}]" if task.operands > 1 else f"x: bit[{size}]"
    outputs = f"y: bit[{task.width(size)}]" if y.shape[1] > 1 else "y: bit"
    return dd.distill(classifier, inputs=inputs, outputs=outputs, name=task.name)


def of_sizes(task: Whole, programs: list[dd.Program]) -> str:
    """Whether rules are right and proved, and how long they are."""
    written = dd.load(WRITTEN / f"{task.name}.rule")
    is_exact = True
    for size, program in zip(SIZES, programs, strict=True):
        x, y = table(task, size)
        given = program(x if task.operands > 1 else x[:, 0])
        is_exact &= np.array_equal(given.reshape(y.shape), y)
        is_exact &= dd.verify(program, written.at(N=size)).status == "proved"
    costs = ", ".join(f"{p.cost} ({written.at(N=size).cost})" for p, size in zip(programs, SIZES, strict=True))
    are_proved = all(program.verdict.status == "proved" for program in programs)
    flags = ["yes" if flag else "no" for flag in (is_exact, are_proved)]
    return f"{task.name:9}  {flags[0]:5}  {flags[1]:6}  {costs:32}"


def of_every_size(task: Whole, programs: list[dd.Program], digits: int) -> tuple[str, dd.Program | None]:
    """One rule of those for some sizes, or why there is none: a text for the table, and the rule."""
    for sizes in (SIZES, LARGER) if task.operands == 1 else (SIZES,):
        try:
            rule = dd.generalize(programs if sizes == SIZES else [learned(task, size) for size in sizes])
            break
        except dd.CompileError as error:
            why = error.diagnostics[0].code
    else:
        return f"no, {why}", None
    cost = f"{rule.cost} ({dd.load(WRITTEN / f'{task.name}.rule').cost})"
    where = ", ".join(map(str, sizes))
    return f"{where}  {cost:14}  {'yes' if agrees(task, rule, digits) else 'no'}", rule


def agrees(task: Whole, rule: dd.Program, digits: int) -> bool:
    """Whether the rule gives what Python's integers do: on random numbers, and on all ones."""
    run = rule.jit()
    random = np.random.default_rng(0).integers(0, 2, (10, task.operands, digits))
    for x in [*random, np.ones((task.operands, digits), dtype=int)]:
        y = np.atleast_1d(run(x if task.operands > 1 else x[0]))
        if number(y) != task.result([number(row) for row in x], digits):
            return False
    return True


if __name__ == "__main__":
    main()
