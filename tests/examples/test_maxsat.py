"""The short version of `examples/maxsat`."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import ddcompile as dd

pytest.importorskip("sklearn")
pytest.importorskip("pysat")


@pytest.fixture(scope="module")
def learn(example: Any) -> Any:
    return example("maxsat", "learn")


@pytest.fixture(scope="module")
def formulas(example: Any) -> Any:
    return example("maxsat", "formulas")


@pytest.fixture(scope="module")
def peers(example: Any) -> Any:
    return example("maxsat", "peers")


@pytest.fixture(scope="module")
def general(learn: Any) -> dd.Program:
    return learn.generalized()


def test_the_rule_is_proved_and_short(learn: Any) -> None:
    hand = dd.load(learn.FOLDER / "hand.rule")
    program = learn.distilled(8, 4)
    assert program.verdict.status == "proved"
    assert program.cost <= 1.5 * hand.cost
    assert dd.verify(hand, program).status == "proved"


def test_the_order_of_samples_does_not_show(learn: Any) -> None:
    assert len({str(learn.distilled(4, 3, order)) for order in range(10)}) == 1


def test_samples_have_one_clause(formulas: Any) -> None:
    samples, answers = formulas.one_clause(3, 2)
    assert samples.shape == (18, 3, 4)
    assert all((sample.any(axis=1).sum(), sample[:, :2].sum()) == (1, 1) for sample in samples)
    assert [tuple(answer) for answer in answers[:6]] == [(1, 0), (1, 0.99), (1, 0.99), (0, 1), (0.99, 1), (0.99, 1)]


def as_learned(lengths: list[int]) -> int:
    """What the rule makes of clauses: one that has no other literal counts a thousand times."""
    return sum(1000 if length == 1 else 1 for length in lengths)


@pytest.mark.parametrize("seed", range(3))
def test_the_rule_at_other_sizes(seed: int, learn: Any, formulas: Any, peers: Any, general: dd.Program) -> None:
    formula = formulas.random_3sat(11, 40, seed)
    found = learn.assignment(general, formula)
    assert found == peers.in_turn(formula, lambda own, negated: as_learned(own) >= as_learned(negated))


def test_blank_rows_and_columns_do_not_count(learn: Any, formulas: Any, general: dd.Program) -> None:
    """As in training, satisfied clauses stay as blank rows, and columns rotate."""
    formula = formulas.random_3sat(8, 30, 0)
    left = formulas.matrix(formula)
    values = []
    for _ in range(8):
        for_true, for_false = general(left)
        values.append(bool(for_true >= for_false))
        left[left[:, 0 if values[-1] else 1] == 1] = 0
        left[:, :2] = 0
        left = np.roll(left, -2, axis=1)
    assert values == learn.assignment(general, formula)


def test_probabilities_are_numbers_where_all_clauses_agree(learn: Any, general: dd.Program) -> None:
    for clauses in (50, 850, 8500):
        left = np.zeros((clauses, 4), dtype=np.uint8)
        left[:, 1] = 1
        assert np.isfinite(general(left)).all()
        assert general(left)[1] == 1
        assert np.array_equal(general(np.zeros_like(left)), [0.5, 0.5])


def test_all_solvers_against_every_assignment(formulas: Any, peers: Any) -> None:
    for seed in range(5):
        formula = formulas.random_3sat(8, 50, seed)
        best = max(peers.satisfied(formula, list(values)) for values in product((False, True), repeat=8))
        assert peers.least_violated(formula, 60) == 50 - best
        for solve in peers.PEERS.values():
            assert 35 <= peers.satisfied(formula, solve(formula, seed)) <= best


def test_peers_differ_where_they_should(formulas: Any, peers: Any) -> None:
    formula = formulas.Formula(4, ((1, 2, 3), (1, 2, 4), (-1,), (-2, 4)))
    assert peers.PEERS["greedy"](formula, 0)[0]
    assert not peers.PEERS["Johnson"](formula, 0)[0]
    assert peers.PEERS["frequent"](formula, 0)[:2] == [True, False]
    chances = [peers.PEERS["random 3/4"](formula, seed)[0] for seed in range(40)]
    assert 0 < sum(chances) < 40


def test_shuffled_formulas_have_the_same_optimum(formulas: Any, peers: Any) -> None:
    formula = formulas.Formula(2, ((1, 2), (1, -2), (-1, 2), (-1, -2)))
    for seed in range(4):
        other = formulas.shuffled(formula, seed)
        assert sorted(map(sorted, other.clauses)) == sorted(map(sorted, formula.clauses))
        assert peers.least_violated(other, 60) == 1


def test_structured_formulas(learn: Any, formulas: Any, peers: Any, general: dd.Program) -> None:
    pytest.importorskip("cnfgen")
    made = formulas.structured()
    assert (made["pigeonholes"].variables, len(made["pigeonholes"].clauses)) == (42, 133)
    for formula in made.values():
        assert {abs(x) for clause in formula.clauses for x in clause} == set(range(1, formula.variables + 1))
    found = learn.assignment(general.jit(), made["matching"])
    assert found == peers.in_turn(made["matching"], lambda own, negated: as_learned(own) >= as_learned(negated))
