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
DEEPEST = 3
"""Places that a digit is taken to depend on, at most."""


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
    print("           one rule for each size                          one rule for every size")
    print("task       exact      proved  cost (written)               generalized  from digits  cost  right")
    rules = []
    for task in WHOLES:
        if task.name in given.tasks:
            print(of_sizes(task), end="  ", flush=True)
            text, rule = of_digits(task, given.digits)
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


def of_sizes(task: Whole) -> str:
    """The rules that are learned from all operands of each size, and whether they are one."""
    found, written = [], dd.load(WRITTEN / f"{task.name}.rule")
    are_exact = True
    for size in SIZES:
        x, y = table(task, size)
        flat, given = x.reshape(len(x), -1), y if y.shape[1] > 1 else y[:, 0]
        # Every row is certain: none is to be left contradicted for a shorter description.
        classifier = dd.learn.ENNClassifier(relevance="chained", shared="auto", grid=x.shape[1:], random_state=0)
        classifier.fit(flat, given, sample_weight=np.full(len(flat), 100))
        inputs = f"x: bit[{task.operands}, {size}]" if task.operands > 1 else f"x: bit[{size}]"
        outputs = f"y: bit[{task.width(size)}]" if y.shape[1] > 1 else "y: bit"
        found.append(dd.distill(classifier, inputs=inputs, outputs=outputs, name=task.name))
        shaped = x if task.operands > 1 else x[:, 0]
        are_exact &= np.array_equal(found[-1](shaped), given)
        are_exact &= dd.verify(found[-1], written.at(N=size)).status == "proved"
    try:
        dd.generalize(found)
        generalized = "yes"
    except dd.CompileError as error:
        generalized = f"no, {error.diagnostics[0].code}"
    costs = ", ".join(f"{p.cost} ({written.at(N=size).cost})" for p, size in zip(found, SIZES, strict=True))
    are_proved = all(p.verdict.status == "proved" for p in found)
    flags = ["yes" if flag else "no" for flag in (are_exact, are_proved)]
    return f"{task.name:9}  {flags[0]:9}  {flags[1]:6}  {costs:27}  {generalized:11}"


def of_digits(task: Whole, digits: int) -> tuple[str, dd.Program | None]:
    """One rule for every size, of digits that depend on the places before them: a text for the table, and the rule."""
    for is_downwards in (False, True):
        for depth in range(1, DEEPEST + 1):
            window = None if task.more is None else look(task, depth, is_downwards)
            if window is not None:
                rule = scanned(task, window)
                is_right = agrees(task, rule, digits, is_downwards)
                way = f"{depth} {'higher' if is_downwards else 'lower'}"
                return f"{way:11}  {rule.cost:4}  {'yes' if is_right else 'no'}", rule
    return "no", None


Window = dict[str, np.ndarray]
"""Of all places: `x`, `y`, what they were at places before (`x_1`, `y_1`, `x_2`, ...), and `begun`, 0 at the first."""


def look(task: Whole, depth: int, is_downwards: bool) -> Window | None:
    """The fewest of these that tell the digit of the result at every place of the largest numbers; None if none do."""
    x, y = table(task, SIZES[-1])
    x = np.moveaxis(x, 1, 2)[:, :: -1 if is_downwards else 1]
    y = y[:, : x.shape[1], None][:, :: -1 if is_downwards else 1]
    window = {"x": x, "begun": np.ones_like(y)}
    window["begun"][:, 0] = 0
    for back in range(1, depth + 1):
        for name, values in (("x", x), ("y", y)):
            window[f"{name}_{back}"] = np.zeros_like(values)
            window[f"{name}_{back}"][:, back:] = values[:, :-back]
    window = {name: values.reshape(-1, values.shape[2]) for name, values in window.items()}
    given = y.reshape(-1, 1)
    if not is_function(window, given):
        return None
    for name in ["begun", *(f"{n}_{back}" for back in range(depth, 0, -1) for n in "xy")]:
        fewer = {key: values for key, values in window.items() if key != name}
        is_read = any(key == f"{name[0]}_{int(name[2:]) + 1}" for key in window) if name != "begun" else False
        if not is_read and is_function(fewer, given):
            window = fewer
    return {**window, "y": given}


def is_function(taken: Window, given: np.ndarray) -> bool:
    columns = np.concatenate(list(taken.values()), axis=1)
    return len(np.unique(columns, axis=0)) == len(np.unique(np.concatenate([columns, given], axis=1), axis=0))


def scanned(task: Whole, window: Window) -> dd.Program:
    """Learn one place from a window, and make it a rule for all."""
    states = [name for name in window if name not in ("x", "y")]
    after = [window["y"], *(_next(window, name) for name in states)]
    rows = np.concatenate([window["x"], *(window[name] for name in states), *after], axis=1)
    rows = np.unique(rows, axis=0)
    split = rows.shape[1] - sum(values.shape[1] for values in after)
    classifier = dd.learn.ENNClassifier(random_state=0).fit(rows[:, :split], rows[:, split:])
    inputs = ", ".join(_declared(name, window[name]) for name in ("x", *states))
    outputs = ", ".join(["y: bit", *(_declared(f"next_{name}", window[name]) for name in states)])
    step = dd.distill(classifier, inputs=inputs, outputs=outputs, name=task.name)
    return dd.scan(step, state=states, last=False)


def _next(window: Window, name: str) -> np.ndarray:
    if name == "begun":
        return np.ones_like(window["y"])
    kind, back = name.split("_")
    return window[kind if back == "1" else f"{kind}_{int(back) - 1}"]


def _declared(name: str, values: np.ndarray) -> str:
    return f"{name}: bit" if values.shape[1] == 1 else f"{name}: bit[{values.shape[1]}]"


def agrees(task: Whole, rule: dd.Program, digits: int, is_downwards: bool) -> bool:
    """Whether the rule gives what Python's integers do: on random numbers, and on all ones."""
    run = rule.jit()
    random = np.random.default_rng(0).integers(0, 2, (10, digits, task.operands))
    for x in [*random, np.ones((digits, task.operands), dtype=int)]:
        shown = x[::-1] if is_downwards else x
        y = run(shown if task.operands > 1 else shown[:, 0])
        wanted = task.result([number(column) for column in x.T], digits) % 2**digits
        if number(y[::-1] if is_downwards else y) != wanted:
            return False
    return True


if __name__ == "__main__":
    main()
