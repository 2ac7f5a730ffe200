"""Formulas in conjunctive normal form: of one clause to learn from, random and structured ones to try the rule on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Formula", "matrix", "one_clause", "random_3sat", "shuffled", "structured"]


@dataclass(frozen=True)
class Formula:
    """Clauses of literals: `v` for a variable, `-v` for its negation, from 1 to `variables`."""

    variables: int
    clauses: tuple[tuple[int, ...], ...]


def matrix(formula: Formula) -> np.ndarray:
    """Of shape (clauses, 2 * variables): which literals x1, not x1, x2, not x2, ... each clause has."""
    rows = np.zeros((len(formula.clauses), 2 * formula.variables), dtype=np.uint8)
    for i, clause in enumerate(formula.clauses):
        for literal in clause:
            rows[i, 2 * abs(literal) - 2 + (literal < 0)] = 1
    return rows


def one_clause(clauses: int, variables: int) -> tuple[np.ndarray, np.ndarray]:
    """All formulas whose one clause holds x1 or not x1, alone or with one more literal; all other rows are blank.

    Returns
    -------
    ndarray of shape (formulas, clauses, 2 * variables)
    ndarray of shape (formulas, 2)
        How much speaks for x1 and for not x1: a clause of two literals may come true by the other one, too.
    """
    formulas, answers = [], []
    for row in range(clauses):
        for own in (0, 1):
            for other in (own, *range(2, 2 * variables)):
                formula = np.zeros((clauses, 2 * variables), dtype=np.uint8)
                formula[row, [own, other]] = 1
                formulas.append(formula)
                answer = (1, 0) if other == own else (1, 0.99)
                answers.append(answer if own == 0 else answer[::-1])
    return np.array(formulas), np.array(answers)


def random_3sat(variables: int, clauses: int, seed: int) -> Formula:
    """Each clause has three different variables, each negated or not, with equal chances."""
    random = np.random.default_rng((variables, clauses, seed))
    found = []
    for _ in range(clauses):
        chosen = random.choice(variables, 3, replace=False) + 1
        found.append(tuple((chosen * random.choice((-1, 1), 3)).tolist()))
    return Formula(variables, tuple(found))


def shuffled(formula: Formula, seed: int) -> Formula:
    """The same formula, its variables in another order and some of them negated throughout."""
    random = np.random.default_rng(seed)
    names = (random.permutation(formula.variables) + 1) * random.choice((-1, 1), formula.variables)
    signed = [0, *names.tolist()]
    return Formula(
        formula.variables,
        tuple(tuple(signed[x] if x > 0 else -signed[-x] for x in clause) for clause in formula.clauses),
    )


def structured() -> dict[str, Formula]:
    """One formula of each of some families, made by cnfgen."""
    import cnfgen
    import networkx
    from cnfgen.graphs import dag_pyramid

    made = {
        "pigeonholes": cnfgen.PigeonholePrinciple(7, 6),
        "colouring": cnfgen.GraphColoringFormula(networkx.gnm_random_graph(40, 92, seed=1), 3),
        "parity": cnfgen.TseitinFormula(networkx.random_regular_graph(4, 16, seed=1), [1] + [0] * 15),
        "order": cnfgen.OrderingPrinciple(9),
        "pebbles": cnfgen.PebblingFormula(dag_pyramid(12)),
        "ramsey": cnfgen.RamseyNumber(3, 4, 9),
        "progressions": cnfgen.VanDerWaerden(35, 4, 4),
        "matching": cnfgen.PerfectMatchingPrinciple(networkx.complete_graph(9)),
    }
    return {
        name: Formula(cnf.number_of_variables(), tuple(tuple(map(int, clause)) for clause in cnf.clauses()))
        for name, cnf in made.items()
    }
