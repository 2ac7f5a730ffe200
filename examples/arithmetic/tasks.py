"""The tasks: what one step takes and gives, and what all steps make of whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Bits = tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes
    ----------
    name : str
    operands : int
        How many numbers there are: a step takes a digit of each.
    state, width : str, int
        The name of the state, and its bits.
    step : callable
        From digits and state to the digits that are given and the next state.
    whole : callable
        From the numbers and how many digits they have to the number that is given (None if there is none) and the last
        state as a number, by Python's integers.
    states : int
        How many numbers a state may be: all that its bits can be, or fewer.
    start : int
        Each bit of the state before the first step.
    is_downwards : bool
        Whether the highest digit comes first.
    """

    name: str
    operands: int
    state: str
    width: int
    step: Callable[[Bits, Bits], tuple[Bits, Bits]]
    whole: Callable[[list[int], int], tuple[int | None, int]]
    states: int
    start: int = 0
    is_downwards: bool = False

    @property
    def inputs(self) -> str:
        return f"{_declared('x', self.operands)}, {_declared(self.state, self.width)}"

    @property
    def outputs(self) -> str:
        digits, _ = self.step((0,) * self.operands, (self.start,) * self.width)
        given = "y: bit, " if digits else ""
        return f"{given}{_declared(f'next_{self.state}', self.width)}"


def _declared(name: str, count: int) -> str:
    return f"{name}: bit" if count == 1 else f"{name}: bit[{count}]"


def bits(number: int, width: int) -> Bits:
    """The digits of a number, the lowest first."""
    return tuple(number >> k & 1 for k in range(width))


def number(digits: np.ndarray | Bits) -> int:
    """What digits stand for, the lowest first."""
    return int("".join(str(int(d)) for d in digits)[::-1], 2)


def _times(factor: int) -> Task:
    width = (factor - 1).bit_length()

    def step(x: Bits, carry: Bits) -> tuple[Bits, Bits]:
        total = factor * x[0] + number(carry)
        return (total % 2,), bits(total // 2, width)

    def whole(numbers: list[int], digits: int) -> tuple[int, int]:
        product = factor * numbers[0]
        return product % 2**digits, product >> digits

    return Task(f"times_{factor}", 1, "carry", width, step, whole, factor)


def _maximum(count: int) -> Task:
    def step(x: Bits, leads: Bits) -> tuple[Bits, Bits]:
        y = max(a * b for a, b in zip(x, leads, strict=True))
        return (y,), tuple(int(b and a == y) for a, b in zip(x, leads, strict=True))

    def whole(numbers: list[int], digits: int) -> tuple[int, int]:
        return max(numbers), number(tuple(int(n == max(numbers)) for n in numbers))

    return Task(f"maximum_of_{count}", count, "leads", count, step, whole, 2**count, start=1, is_downwards=True)


def _from_gray(numbers: list[int], digits: int) -> tuple[int, int]:
    found, shift = numbers[0], 1
    while shift < digits:
        found ^= found >> shift
        shift *= 2
    return found, found & 1


TASKS = [
    Task(
        "add",
        2,
        "carry",
        1,
        lambda x, carry: ((sum(x + carry) % 2,), (sum(x + carry) // 2,)),
        lambda n, digits: (sum(n) % 2**digits, sum(n) >> digits),
        states=2,
    ),
    Task(
        "subtract",
        2,
        "borrow",
        1,
        lambda x, borrow: (((x[0] - x[1] - borrow[0]) % 2,), (int(x[0] - x[1] - borrow[0] < 0),)),
        lambda n, digits: ((n[0] - n[1]) % 2**digits, int(n[0] < n[1])),
        states=2,
    ),
    Task(
        "compare",
        2,
        "more",
        1,
        lambda x, more: ((), more if x[0] == x[1] else (x[0],)),
        lambda n, digits: (None, int(n[0] > n[1])),
        states=2,
    ),
    Task(
        "increment",
        1,
        "carry",
        1,
        lambda x, carry: ((x[0] ^ carry[0],), (x[0] & carry[0],)),
        lambda n, digits: ((n[0] + 1) % 2**digits, (n[0] + 1) >> digits),
        states=2,
        start=1,
    ),
    Task(
        "parity",
        1,
        "odd",
        1,
        lambda x, odd: ((), (x[0] ^ odd[0],)),
        lambda n, digits: (None, n[0].bit_count() % 2),
        states=2,
    ),
    Task(
        "gray",
        1,
        "above",
        1,
        lambda x, above: ((x[0] ^ above[0],), x),
        lambda n, digits: (n[0] ^ n[0] >> 1, n[0] & 1),
        states=2,
        is_downwards=True,
    ),
    Task(
        "from_gray",
        1,
        "above",
        1,
        lambda x, above: ((x[0] ^ above[0],), (x[0] ^ above[0],)),
        _from_gray,
        states=2,
        is_downwards=True,
    ),
    *(_times(factor) for factor in (3, 5, 10)),
    *(_maximum(count) for count in (2, 3)),
]


def rows(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """All steps: what they take, and what they give."""
    taken, given = [], []
    for state in range(task.states):
        for n in range(2**task.operands):
            x, before = bits(n, task.operands), bits(state, task.width)
            digits, after = task.step(x, before)
            taken.append((*x, *before))
            given.append((*digits, *after))
    return np.array(taken), np.array(given)


def reachable(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """The steps that can come about from the start."""
    taken, given = rows(task)
    after = {}
    for row, answer in zip(taken, given, strict=True):
        state = tuple(answer[len(answer) - task.width :].tolist())
        after.setdefault(tuple(row[task.operands :].tolist()), set()).add(state)
    found, waiting = set(), [(task.start,) * task.width]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += after[state]
    kept = [tuple(row[task.operands :].tolist()) in found for row in taken]
    return taken[kept], given[kept]


def traces(task: Task, count: int, digits: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The steps by which random numbers are worked through, each once, in the order in which they come about."""
    random = np.random.default_rng(seed)
    found = {}
    for _ in range(count):
        state = (task.start,) * task.width
        for _ in range(digits):
            x = tuple(int(b) for b in random.integers(0, 2, task.operands))
            given, after = task.step(x, state)
            found[(*x, *state)] = (*given, *after)
            state = after
    return np.array(list(found)), np.array(list(found.values()))
