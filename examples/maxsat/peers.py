"""What the rule is compared with: greedy rules, Johnson's algorithm, a randomised one, and the optimum."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import TypeAlias

import numpy as np
from formulas import Formula
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

__all__ = ["PEERS", "Decide", "in_turn", "least_violated", "satisfied"]

Decide: TypeAlias = Callable[[list[int], list[int]], bool]
"""Whether a variable becomes true; from how many literals are left in open clauses with it, and with its negation."""


DECIDED = 10**9
"""More than there are clauses."""


class Partial:
    """A formula some of whose variables are decided."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula
        self._left = [len(clause) for clause in formula.clauses]
        self._is_open = [True] * len(formula.clauses)
        self._holders: dict[int, list[int]] = {}
        for number, clause in enumerate(formula.clauses):
            for literal in clause:
                self._holders.setdefault(literal, []).append(number)

    def open_clauses(self, literal: int) -> list[int]:
        """Those not yet satisfied that have the literal."""
        return [number for number in self._holders.get(literal, ()) if self._is_open[number]]

    def lengths(self, literal: int) -> list[int]:
        return [self._left[number] for number in self.open_clauses(literal)]

    def set_true(self, literal: int) -> list[int]:
        """Decide a variable; the clauses that this satisfies."""
        done = self.open_clauses(literal)
        for number in done:
            self._is_open[number] = False
        for number in self.open_clauses(-literal):
            self._left[number] -= 1
        return done

    def literals(self, number: int) -> tuple[int, ...]:
        return self._formula.clauses[number]


def satisfied(formula: Formula, values: list[bool]) -> int:
    """How many clauses come true; `values[0]` is that of the variable 1."""
    return sum(any(values[abs(x) - 1] == (x > 0) for x in clause) for clause in formula.clauses)


def in_turn(formula: Formula, decide: Decide) -> list[bool]:
    """Decide one variable after the other."""
    partial = Partial(formula)
    values = []
    for variable in range(1, formula.variables + 1):
        values.append(decide(partial.lengths(variable), partial.lengths(-variable)))
        partial.set_true(variable if values[-1] else -variable)
    return values


def majority(formula: Formula, seed: int) -> list[bool]:
    """The greedy rule: each variable in turn satisfies as many of the open clauses as it can."""
    return in_turn(formula, lambda own, negated: len(own) >= len(negated))


def most_frequent(formula: Formula, seed: int) -> list[bool]:
    """The literal that is in most open clauses becomes true, again and again (Johnson 1974, his first algorithm)."""
    partial = Partial(formula)
    n = formula.variables
    counts = np.zeros(2 * n + 1, dtype=np.int64)
    for clause in formula.clauses:
        np.add.at(counts, [n + x for x in clause], 1)
    counts[n] = -DECIDED
    values = [True] * n
    for _ in range(n):
        best = int(counts.argmax()) - n
        values[abs(best) - 1] = best > 0
        for number in partial.set_true(best):
            np.add.at(counts, [n + x for x in partial.literals(number)], -1)
        # Decided literals count no more, even where clauses with their negations are open.
        counts[[n + best, n - best]] = -DECIDED
    return values


def johnson(formula: Formula, seed: int) -> list[bool]:
    """A clause with k literals left weighs 2**-k; the heavier side wins (Johnson 1974, his second algorithm)."""
    return in_turn(formula, lambda own, negated: _weight(own) >= _weight(negated))


def randomised(formula: Formula, seed: int) -> list[bool]:
    """True or false by chance, in proportion to what each does for a bound: 3/4 of the optimum, expected.

    Poloczek, Schnitger, Williamson and van Zuylen, Greedy algorithms for the maximum satisfiability problem (2017).
    """
    random = np.random.default_rng(seed)

    def decide(own: list[int], negated: list[int]) -> bool:
        for_true, for_false = len(own) - negated.count(1), len(negated) - own.count(1)
        if for_true <= 0 or for_false <= 0:
            return for_true > 0 or for_false <= 0
        return bool(random.random() * (for_true + for_false) < for_true)

    return in_turn(formula, decide)


PEERS: dict[str, Callable[[Formula, int], list[bool]]] = {
    "greedy": majority,
    "frequent": most_frequent,
    "random 3/4": randomised,
    "Johnson": johnson,
}


def least_violated(formula: Formula, seconds: float) -> int | None:
    """How many clauses stay false at least, proved by RC2; None if that takes more processor time than given.

    Ignatiev, Morgado and Marques-Silva, RC2: an efficient MaxSAT solver (2019).
    """
    weighted = WCNF()
    for clause in formula.clauses:
        weighted.append(list(clause), weight=1)
    end = time.process_time() + seconds
    is_done = Event()
    with RC2(weighted, solver="g4", adapt=True, exhaust=True, minz=True) as solver:

        def watch() -> None:
            while not is_done.wait(0.05):
                if time.process_time() > end:
                    solver.interrupt()

        watcher = Thread(target=watch)
        watcher.start()
        try:
            found = solver.compute(expect_interrupt=True)
        finally:
            is_done.set()
            watcher.join()
        return None if found is None else int(solver.cost)


def _weight(lengths: list[int]) -> float:
    return sum(2.0**-length for length in lengths)
