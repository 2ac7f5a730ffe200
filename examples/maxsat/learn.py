"""Learn from formulas of one clause which value a variable should have, distil it, and solve MAX-SAT with the rule.

`python learn.py [--formulas 1000 1000 30 5] [--shuffles 20] [--seconds 20] [--only random structured]`
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from compiled import Rule, compiled
from formulas import Formula, matrix, one_clause, random_3sat, shuffled, structured
from peers import PEERS, least_violated, satisfied

import ddcompile as dd

SIZES = ((4, 3), (6, 3), (6, 4), (8, 4))
HELD_OUT = (12, 6)
RANDOM = ((10, 50), (20, 100), (200, 850), (2000, 8500))
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Results:
    """What the rule (`own`) and its peers satisfy of some formulas, in percent of the clauses, and take, in seconds."""

    name: str
    shares: dict[str, np.ndarray]
    seconds: dict[str, float]
    best: np.ndarray
    """The optimum of each formula, NaN where it is not known."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formulas", type=int, nargs=4, default=[1000, 1000, 30, 5], help="random ones, of each size")
    parser.add_argument("--shuffles", type=int, default=20, help="of each structured formula (20)")
    parser.add_argument("--seconds", type=float, default=20, help="for each optimum, of processor time (20)")
    parser.add_argument("--only", choices=("random", "structured"), help="formulas of one sort")
    given = parser.parse_args()
    start = time.process_time()
    program, general = distilled(*SIZES[-1]), generalized()
    hand = dd.load(FOLDER / "hand.rule")
    print(program)
    equality = dd.verify(hand, program).status
    print(f"{program.verdict.status}; cost {program.cost}; by hand {hand.cost}, {equality} to be the same")
    orders = {str(distilled(*SIZES[-1], order)) for order in range(10)}
    print(f"ten orders of the samples: {len(orders)} rule")
    print(general)
    print(general.generalization)
    run = compiled(general)
    print(f"formulas of one clause, many times: {extremes(run)}")
    found = []
    if given.only != "structured":
        for (variables, clauses), count in zip(RANDOM, given.formulas, strict=True):
            formulas = [random_3sat(variables, clauses, seed) for seed in range(count)]
            best: list[int | None] = [None] * count
            if variables < 2000:
                best = [least_violated(formula, given.seconds) for formula in formulas]
            found.append(compared(f"{variables}, {clauses}", run, formulas, best))
    if given.only != "random":
        for name, formula in structured().items():
            best = [least_violated(formula, given.seconds)] * given.shuffles
            found.append(compared(name, run, [shuffled(formula, seed) for seed in range(given.shuffles)], best))
    report(found)
    print(f"{time.process_time() - start:.0f} s of processor time")


def learned(clauses: int, variables: int, order: int = 0) -> dd.learn.ENNClassifier:
    """An essence network with a subconcept for each row, and for each of the four kinds of clauses."""
    formulas, answers = one_clause(clauses, variables)
    chosen = np.random.default_rng(order).permutation(len(formulas))
    classifier = dd.learn.ENNClassifier(4 * clauses, targets="probabilities")
    return classifier.fit(formulas[chosen].reshape(len(formulas), -1), answers[chosen])


def distilled(clauses: int, variables: int, order: int = 0) -> dd.Program:
    """The rule that gives the probabilities of true and false for the first variable."""
    network = learned(clauses, variables, order).to_network("softmax")
    return dd.distill(network, f"clauses: bit[{clauses}, {2 * variables}]", name="maxsat")


def generalized() -> dd.Program:
    """The rule for formulas of every size."""
    return dd.generalize([distilled(*size) for size in SIZES], hold_out=[distilled(*HELD_OUT)])


def assignment(run: Rule, formula: Formula) -> list[bool]:
    """Decide one variable after the other by the rule: its columns come first, satisfied clauses are blank.

    The columns of decided variables and the rows of satisfied clauses are blank in every further formula; they are
    left out, since the rule is one for every size and blank ones do not change what it says.
    """
    left = matrix(formula)
    values = [True] * formula.variables
    for variable in range(formula.variables):
        if not len(left):
            break
        for_true, for_false = run(left)
        if not np.isfinite(for_true + for_false):
            raise ArithmeticError(f"the probabilities of a formula with {len(left)} clauses are no numbers")
        values[variable] = bool(for_true >= for_false)
        is_open = left[:, 0 if values[variable] else 1] == 0
        left = left[is_open, 2:]
    return values


def extremes(run: Rule) -> str:
    """The probabilities where all clauses say the same, at each size."""
    told = []
    for variables, clauses in RANDOM:
        formula = np.zeros((clauses, 2 * variables), dtype=np.uint8)
        formula[:, 1] = 1
        told.append(" ".join(f"{p:.3g}" for p in run(formula)))
    return ", ".join(told)


def compared(name: str, run: Rule, formulas: list[Formula], best: Iterable[int | None]) -> Results:
    solvers = {"rule": lambda formula, _: assignment(run, formula), **PEERS}
    shares, seconds = {}, {}
    counts = np.array([len(formula.clauses) for formula in formulas])
    for solver, solve in solvers.items():
        start = time.process_time()
        found = [solve(formula, seed) for seed, formula in enumerate(formulas)]
        seconds[solver] = (time.process_time() - start) / len(formulas)
        right = [satisfied(formula, values) for formula, values in zip(formulas, found, strict=True)]
        shares[solver] = 100 * np.array(right) / counts
    least = np.array([np.nan if violated is None else violated for violated in best])
    return Results(name, shares, seconds, 100 * (1 - least / counts))


def report(found: list[Results]) -> None:
    names = ["rule", *PEERS]
    print("\nclauses satisfied, in percent")
    print(f"{'':14}" + "".join(f"{name:15}" for name in names) + "optimum")
    for results in found:
        is_known = ~np.isnan(results.best)
        cells = [mean(results.shares[name]) for name in names]
        cells.append(f"{mean(results.best[is_known])} of {is_known.sum()}" if is_known.any() else "")
        print(f"{results.name:14}" + "".join(f"{cell:15}" for cell in cells).rstrip())
    print("\nwhat the rule satisfies more, on the same formulas")
    print(f"{'':14}" + "".join(f"{name:15}" for name in PEERS) + "optimum")
    for results in found:
        own, is_known = results.shares["rule"], ~np.isnan(results.best)
        cells = [mean(own - results.shares[name], "+") for name in PEERS]
        cells.append(mean((own - results.best)[is_known], "+") if is_known.any() else "")
        print(f"{results.name:14}" + "".join(f"{cell:15}" for cell in cells).rstrip())
    print("\nmilliseconds of processor time for a formula")
    print(f"{'':14}" + "".join(f"{name:15}" for name in names).rstrip())
    for results in found:
        cells = [f"{1000 * results.seconds[name]:.3g}" for name in names]
        print(f"{results.name:14}" + "".join(f"{cell:15}" for cell in cells).rstrip())


def mean(values: np.ndarray, sign: str = "-") -> str:
    """With the standard error, where there is more than one value."""
    error = f" ±{values.std(ddof=1) / np.sqrt(len(values)):.2f}" if len(values) > 1 else ""
    return f"{values.mean():{sign}.2f}{error}"


if __name__ == "__main__":
    main()
