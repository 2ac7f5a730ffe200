"""Groups of units where a few units, or a few readers, are unlike the others."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.analysis.cost import cost
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.passes.combine import Combine
from ddcompile.passes.exact_thresholds import ExactThresholds
from ddcompile.passes.forward import Forward
from ddcompile.passes.pipeline import run
from ddcompile.passes.rewrite import read_names
from ddcompile.prove.checker import check_step

CELLS = 12


def automaton(*, odd_units: int = 0, odd_readers: int = 0) -> Rule:
    """Two steps of `2 <= sum of three cells <= 2` on a ring: units `some` and `many` a cell, some of them others."""
    rng = np.random.default_rng(5)
    ring = sum(np.roll(np.eye(CELLS, dtype=int), k, axis=1) for k in (-1, 0, 1))
    first, bounds = np.concatenate([ring, ring]), np.repeat([2, 3], CELLS)
    second = np.concatenate([np.concatenate([ring, -ring], axis=1)] * 2)
    for unit in range(odd_units):
        first[CELLS + unit] = rng.permutation([1, 1, -1] + [0] * (CELLS - 3))
        bounds[CELLS + unit] = 1
    for unit in range(odd_readers):
        second[2 * unit] = 0
        second[2 * unit, [unit, unit + 5]] = [1, 2]
    last = np.concatenate([np.eye(CELLS, dtype=int), -np.eye(CELLS, dtype=int)], axis=1)
    units = rng.permutation(2 * CELLS)
    first, bounds, second = first[units], bounds[units], second[:, units]
    return parse(
        f"""rule automaton(x: bit[{CELLS}]) -> (y: bit[{CELLS}]) {{
  const A: int[{2 * CELLS}, {CELLS}] = {first.tolist()}
  const s: int[{2 * CELLS}] = {bounds.tolist()}
  const B: int[{2 * CELLS}, {2 * CELLS}] = {second.tolist()}
  const t: int[{2 * CELLS}] = {np.repeat([2, 3], CELLS).tolist()}
  const C: int[{CELLS}, {2 * CELLS}] = {last.tolist()}
  a[u < {2 * CELLS}] = sum(i < {CELLS}: A[u, i] * x[i]) >= s[u]
  b[u < {2 * CELLS}] = sum(k < {2 * CELLS}: B[u, k] * a[k]) >= t[u]
  y[i < {CELLS}] = sum(k < {2 * CELLS}: C[i, k] * b[k]) >= 1
}}"""
    )


def state_of(rule: Rule) -> tuple[int, set[str]]:
    """How many elements a tensor of states has, and what the second layer reads."""
    (state,) = (s for s in rule.statements if s.target == "state")
    (reader,) = (s for s in rule.statements if s.target == "b")
    tables = {c.name for c in rule.constants}
    (binder,) = state.binders
    return binder.upper.value, read_names([reader]) - tables  # type: ignore[attr-defined]


def test_a_sum_that_is_no_bit_is_a_cell_where_the_others_are_bits() -> None:
    rule = automaton(odd_units=1)
    found = Combine()(rule)
    assert state_of(found.rule) == (CELLS, {"state"})
    assert check_step(rule, found.rule, found.witness).status == "proved"


def test_a_few_readers_go_on_reading_the_units() -> None:
    rule = automaton(odd_readers=1)
    found = Combine()(rule)
    assert state_of(found.rule) == (CELLS, {"a", "state"})
    assert check_step(rule, found.rule, found.witness).status == "proved"


@pytest.mark.parametrize(("units", "readers"), [(4, 0), (8, 0), (0, 9)])
def test_sums_that_are_no_bits_are_no_cells_where_they_are_many(units: int, readers: int) -> None:
    rule = automaton(odd_units=units, odd_readers=readers)
    found = Combine()(rule)
    for statement in found.rule.statements:
        if statement.target.startswith("state"):
            assert state_of(found.rule)[0] <= CELLS - units


def test_sums_that_many_read_stay_sums() -> None:
    rule = Combine()(automaton(odd_units=1)).rule
    for each in (ExactThresholds(), Forward()):
        rule = each(rule).rule
    assert state_of(rule) == (CELLS, {"state"})


def test_sums_that_are_read_once_are_written_into_their_readers() -> None:
    rule = parse(
        """rule f(x: bit[6]) -> (y: bit[2]) {
  const A: int[2, 6] = [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
  const B: int[2, 2] = [[1, -1], [0, 1]]
  a[u < 2] = sum(i < 6: A[u, i] * x[i])
  y[v < 2] = sum(u < 2: B[v, u] * a[u]) >= 2
}"""
    )
    assert "a" not in {s.target for s in run(rule, "exact-thresholds,dce")[-1].new.statements}


def test_an_automaton_with_odd_units_is_itself_with_exceptions() -> None:
    plain = run(automaton())[-1].new
    odd = run(automaton(odd_units=1, odd_readers=1))[-1].new
    assert cost(odd) < cost(plain) + 150
    assert len(odd.constants) == 0
