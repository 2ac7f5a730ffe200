"""Groups of units where a few units, or a few readers, are unlike the others."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.types import infer
from ddcompile.passes.combine import Combine
from ddcompile.passes.exact_thresholds import ExactThresholds
from ddcompile.passes.forward import Forward
from ddcompile.passes.groups import Domains
from ddcompile.passes.layers import layers_of
from ddcompile.passes.pipeline import run
from ddcompile.passes.rewrite import read_names
from ddcompile.passes.silent import paired
from ddcompile.prove.checker import check_step

CELLS = 12


def automaton(*, odd_units: int = 0, odd_readers: int = 0, has_ends: bool = False) -> Rule:
    """Two steps of `sum of three cells == 2`: units `at least two` and `three` a cell, some of them others.

    Cells are on a ring, or in a line with nothing outside: at its ends there are never three.
    """
    rng = np.random.default_rng(5)
    near = sum(np.roll(np.eye(CELLS, dtype=int), k, axis=1) for k in (-1, 0, 1))
    inner = range(CELLS)
    if has_ends:
        near[0, -1] = near[-1, 0] = 0
        inner = range(1, CELLS - 1)
    every = [*range(CELLS), *(CELLS + k for k in inner)]
    first, bounds = np.concatenate([near, near]), np.repeat([2, 3], CELLS)
    second = np.concatenate([np.concatenate([near, -near], axis=1)] * 2)
    for unit in range(odd_units):
        first[CELLS + 3 + unit] = rng.permutation([1, 1, -1] + [0] * (CELLS - 3))
        bounds[CELLS + 3 + unit] = 1
    for unit in range(odd_readers):
        second[2 * unit] = 0
        second[2 * unit, [unit, unit + 5]] = [1, 2]
    last = np.concatenate([np.eye(CELLS, dtype=int), -np.eye(CELLS, dtype=int)], axis=1)
    units = rng.permutation(every)
    first, bounds, second = first[units], bounds[units], second[every][:, units]
    count = len(every)
    return parse(
        f"""rule automaton(x: bit[{CELLS}]) -> (y: bit[{CELLS}]) {{
  const A: int[{count}, {CELLS}] = {first.tolist()}
  const s: int[{count}] = {bounds.tolist()}
  const B: int[{count}, {count}] = {second.tolist()}
  const t: int[{count}] = {np.repeat([2, 3], CELLS)[every].tolist()}
  const C: int[{CELLS}, {count}] = {last[:, every].tolist()}
  a[u < {count}] = sum(i < {CELLS}: A[u, i] * x[i]) >= s[u]
  b[u < {count}] = sum(k < {count}: B[u, k] * a[k]) >= t[u]
  y[i < {CELLS}] = sum(k < {count}: C[i, k] * b[k]) >= 1
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


def test_cells_of_one_unit_are_among_the_others() -> None:
    rule = automaton(odd_units=1, has_ends=True)
    found = Combine()(rule)
    assert state_of(found.rule) == (CELLS, {"state"})
    assert check_step(rule, found.rule, found.witness).status == "proved"
    assert {s.target for s in Forward()(found.rule).rule.statements} >= {"state"}


def test_units_that_are_always_0_make_others_alike() -> None:
    atoms = Atoms({"a": (2, 3), "b": (2, 3), "c": (6,)})
    rows = [Row("affine", np.array([k, 6 + k]), np.array([2, -2]), 0) for k in range(1, 5)]
    rows += [Row("affine", np.array([0, 12]), np.array([1, 5]), 0), Row("affine", np.array([5]), np.array([3]), 0)]
    found = paired(rows, atoms, {"b": (0,)})
    assert found[:4] == rows[:4]
    assert (found[4].atoms.tolist(), found[4].weights.tolist()) == ([0, 6, 12], [1, -1, 5])
    assert found[5] is rows[5]  # nothing says that this one is always 0
    assert paired(rows[2:], atoms, {"b": (0, 4)}) == rows[2:]  # one of three is read together


def test_cells_of_one_unit_stay_units_where_all_sums_are_bits() -> None:
    assert state_of(Combine()(automaton(has_ends=True)).rule)[0] == CELLS - 2


def test_a_few_readers_go_on_reading_the_units() -> None:
    rule = automaton(odd_readers=1)
    found = Combine()(rule)
    assert state_of(found.rule) == (CELLS, {"a", "state"})
    assert check_step(rule, found.rule, found.witness).status == "proved"


@pytest.mark.parametrize("readers", [2, 4])
def test_readers_that_are_like_one_another_but_no_others_are_not_the_usual_ones(readers: int) -> None:
    rule = automaton(odd_readers=readers)
    found = Combine()(rule)
    assert state_of(found.rule) == (CELLS, {"a", "state"})
    assert check_step(rule, found.rule, found.witness).status == "proved"


@pytest.mark.parametrize("units", [5, 8])
def test_sums_that_are_no_bits_are_no_cells_where_they_are_many(units: int) -> None:
    assert state_of(Combine()(automaton(odd_units=units)).rule) == (CELLS - units, {"a", "state"})


@pytest.mark.parametrize("units", [5, 8])
def test_many_sums_that_are_no_bits_are_cells_where_that_is_allowed(units: int) -> None:
    rule = automaton(odd_units=units)
    found = Combine(odd=8)(rule)
    assert state_of(found.rule) == (CELLS, {"state"})
    assert check_step(rule, found.rule, found.witness).status == "proved"


@pytest.mark.parametrize("turned", [(0,), (0, 1), (0, 1, 2), (0, 1, 2, 3)])
def test_odd_sums_are_the_way_round_in_which_their_units_look_like_others(turned: tuple[int, ...]) -> None:
    """`x[i] xor x[i + 1]` by its rows over three cells; of one cell, a unit is another, and some are negated."""
    first, bounds = [], []
    for cell in range(CELLS):
        for ones in ((1, 0, 0), (1, 0, 1), (0, 1, 0), (0, 1, 1)):
            first.append(np.roll([2 * b - 1 for b in ones] + [0] * (CELLS - 3), cell))
            bounds.append(sum(ones))
    sums = np.kron(np.eye(CELLS, dtype=int), np.ones(4, dtype=int))
    second = np.array(first) @ sums
    limits = np.array(bounds)
    first[15] = -first[15]  # unit 3 of cell 3 is on far more often
    bounds[15] = -1
    for unit in (12 + k for k in turned):
        first[unit], bounds[unit] = -first[unit], 1 - bounds[unit]
        limits = limits - second[:, unit]
        second[:, unit] = -second[:, unit]
    count = 4 * CELLS
    rule = parse(
        f"""rule automaton(x: bit[{CELLS}]) -> (y: bit[{count}]) {{
  const A: int[{count}, {CELLS}] = {np.array(first).tolist()}
  const s: int[{count}] = {bounds}
  const B: int[{count}, {count}] = {second.tolist()}
  const t: int[{count}] = {limits.tolist()}
  a[u < {count}] = sum(i < {CELLS}: A[u, i] * x[i]) >= s[u]
  y[u < {count}] = sum(k < {count}: B[u, k] * a[k]) >= t[u]
}}"""
    )
    found = Combine()(rule)
    assert check_step(rule, found.rule, found.witness).status == "proved"
    (reader,) = [s for s in found.rule.statements if s.target == "y"]
    tables = {c.name: c.values for c in found.rule.constants}
    bound = next(tables[n] for n in read_names([reader]) & tables.keys() if tables[n].ndim == 1)
    assert set(bound.tolist()) == {1, 2}, "readers of the odd cell are not like others"


def test_units_that_many_read_in_other_ways_are_no_cells() -> None:
    rule = automaton(odd_readers=9)
    assert Combine()(rule).rule is rule


def test_sums_that_many_read_stay_sums() -> None:
    rule = Combine()(automaton(odd_units=1)).rule
    for each in (ExactThresholds(), Forward()):
        rule = each(rule).rule
    assert state_of(rule) == (CELLS, {"state"})


def minterms_of_22(*, is_copied: bool, is_dense: bool) -> Rule:
    """Two steps of `l + c + r == 1`: three units a cell, one of them another one; a reader is a copy, or reads many."""
    cells = np.kron(np.eye(8, dtype=int), [1, 1, 1])
    around = np.stack([np.roll(np.eye(8, dtype=int), k, axis=1) for k in (-1, 0, 1)])
    first = (2 * around - around.sum(axis=0)).swapaxes(0, 1).reshape(24, 8)
    second = first @ cells
    first[10] = [1, 0, 0, 1, 0, 0, -1, 0]
    if is_copied:
        second[4] = np.eye(24, dtype=int)[19]
    if is_dense:
        second[13] = np.random.default_rng(3).integers(-2, 3, 24)
    return parse(
        f"""rule minterms(x: bit[8]) -> (y: bit[8]) {{
  const A: int[24, 8] = {first.tolist()}
  const B: int[24, 24] = {second.tolist()}
  const C: int[8, 24] = {cells.tolist()}
  a[u < 24] = sum(i < 8: A[u, i] * x[i]) >= 1
  b[u < 24] = sum(k < 24: B[u, k] * a[k]) >= 1
  y[i < 8] = sum(k < 24: C[i, k] * b[k]) >= 1
}}"""
    )


@pytest.mark.parametrize("is_copied", [False, True])
@pytest.mark.parametrize("is_dense", [False, True])
def test_units_of_a_cell_are_one_sum_whatever_else_reads_some_of_them(is_copied: bool, is_dense: bool) -> None:
    rule = Forward()(minterms_of_22(is_copied=is_copied, is_dense=is_dense)).rule
    steps = run(rule, "(combine,narrow,exact-thresholds,forward)*")
    found = steps[-1].new
    assert [s.target for s in found.statements][:3] == ["a", "state", "b"]
    assert state_of(found)[0] == 8
    assert all(check_step(step.old, step.new, step.witness).status == "proved" for step in steps)


def test_families_at_all_places_of_a_window_are_rolled_before_each_is_shortened() -> None:
    found = str(run(minterms_of_22(is_copied=True, is_dense=False))[-1].new)
    assert "if j == 1 and i == 3 then x[0] + x[3] > x[6] else 2 * x[(i + j - 1) % 8] > neighbours[i]" in found
    assert found.count("\n") == 6


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


def test_sums_of_units_have_the_values_that_these_have_together() -> None:
    rule = parse(
        """rule f(x: bit[6]) -> (y: bit[2]) {
  const A: int[4, 6] = [[1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, -1, 0]]
  const s: int[4] = [1, 3, 2, 1]
  const B: int[2, 4] = [[1, -1, 0, 0], [0, 0, 1, -1]]
  const C: int[2, 2] = [[1, 1], [1, -1]]
  a[u < 4] = sum(i < 6: A[u, i] * x[i]) >= s[u]
  b[v < 2] = sum(u < 4: B[v, u] * a[u])
  y[w < 2] = sum(v < 2: C[w, v] * b[v]) >= 1
}"""
    )
    types = infer(rule)
    atoms = Atoms.of_rule(rule, types)
    domain = Domains(types, atoms, layers_of(rule, types, atoms), 1 << 10)
    assert [domain(atoms.offset["b"] + k) for k in range(2)] == [Domain(0, 1), Domain(-1, 1)]
    few = Domains(types, atoms, layers_of(rule, types, atoms), 2)
    assert few(atoms.offset["b"]) == Domain(-1, 1)
