"""Many numbers: their majority, digit by digit, from 3, 5 and 7 digits; their maximum, by the rule for two of them.

`python many.py [--numbers 101] [--digits 4096]`
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from pathlib import Path

import numpy as np
from steps import distilled as step_of
from tasks import TASKS, number

import ddcompile as dd

WRITTEN = Path(__file__).parent / "written" / "majority.rule"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=101, help="how many the rules are run on (101)")
    parser.add_argument("--digits", type=int, default=4096, help="of each (4096)")
    given = parser.parse_args()
    start = time.process_time()
    x = np.random.default_rng(0).integers(0, 2, (given.digits, given.numbers), dtype=np.uint8)
    program = dd.generalize([distilled(k) for k in (3, 5, 7)], hold_out=[distilled(9)])
    written = dd.load(WRITTEN)
    is_right = np.array_equal(program.jit()(x), 2 * x.sum(axis=1, dtype=int) > given.numbers)
    print(program)
    print(f"{program.generalization}\ncost {program.cost}, written {written.cost}")
    print(f"majority of {given.numbers} numbers, {given.digits:,} digits: {'right' if is_right else 'wrong'}")
    is_right = largest(x) == max(number(column[::-1]) for column in x.T)
    print(f"maximum of {given.numbers} numbers, {given.digits:,} digits: {'right' if is_right else 'wrong'}")
    print(f"{time.process_time() - start:.0f} s of processor time")


def largest(x: np.ndarray) -> int:
    """The largest number, (digits, numbers), the highest digits first: by the rule that is learned for two."""
    task = next(task for task in TASKS if task.name == "maximum_of_2")
    of_two = dd.scan(step_of(task), state=task.state, initial=task.start, last=False).jit()
    found = x[:, 0]
    for column in x.T[1:]:
        found = of_two(np.stack([found, column], axis=1))
    return number(found[::-1])


def distilled(voters: int) -> dd.Program:
    taken = np.array(list(product((0, 1), repeat=voters)))
    classifier = dd.learn.ENNClassifier(random_state=0).fit(taken, (2 * taken.sum(axis=1) > voters).astype(int))
    return dd.distill(classifier, inputs=f"x: bit[{voters}]", outputs="y: bit", name="majority")


if __name__ == "__main__":
    main()
