"""Units over few operands become loops over tables of operands."""

from __future__ import annotations

import re

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.analysis.units import unit_rows
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.types import infer
from ddcompile.passes.gathers import table_clauses
from ddcompile.passes.layers import Names
from ddcompile.passes.pipeline import PASSES
from ddcompile.prove.checker import check_step
from ddcompile.testing import assert_equivalent


def random_weights(units: int, inputs: int, counts: tuple[int, int], values: tuple[int, ...], seed: int) -> np.ndarray:
    """Rows of between `counts` weights, as often each of `values` as fits."""
    rng = np.random.default_rng(seed)
    weight = np.zeros((units, inputs), dtype=np.int64)
    for row in weight:
        count = int(rng.integers(counts[0], counts[1] + 1))
        first = int(rng.integers(len(values))) if len(values) > count else 0
        row[rng.permutation(inputs)[:count]] = rng.permutation(np.resize(np.roll(values, first), count))
    return weight


def network(weight: np.ndarray, activation: str = "sign", bias: float = 0.0) -> Network:
    return Network((Layer(weight, np.full(len(weight), bias), activation),))


def rewritten(made: Network, inputs: str, passes: str = "reroll") -> tuple[Rule, Rule]:
    """A network as a dense program, and that program after passes; all steps are accepted by the checker."""
    dense = lower(made, inputs, None, None, "net")
    program = dd.distill(made, inputs, name="net", passes=passes)
    assert program.verdict
    assert program.verdict.status == "proved"
    return dense, program.rule


def units(rule: Rule, name: str = "y") -> list[tuple[object, ...]]:
    types = infer(rule)
    rows = unit_rows(rule, types, Atoms.of_rule(rule, types), name)
    assert rows is not None
    return [(r.kind, r.bias, r.atoms.tolist(), r.weights.tolist()) for r in rows]


FORMS = [
    ("as many of one weight in each", (4, 4), (1,), "sum(j < 4: x[at_y[u, j]])"),
    ("one each", (1, 1), (1,), "x[at_y[u]]"),
    ("as many for as against", (4, 4), (1, -1), "sum(j < 4: weight_y[j] * x[at_y[u, j]])"),
    ("filled up", (2, 3), (1,), "sum(j < 3: pad(x, 0)[at_y[u, j]])"),
    ("one after another", (1, 9), (1,), "sum(start_y[u] <= j < start_y[u + 1]: x[at_y[j]])"),
    ("repeated by their weights", (1, 9), (1, 2, 1), "sum(start_y[u] <= j < start_y[u + 1]: x[at_y[j]])"),
    ("many weights", (4, 4), tuple(range(-49, 49, 2)), "sum(j < 4: weight_y[u, j] * x[at_y[u, j]])"),
]


@pytest.mark.parametrize(("counts", "values", "expected"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS])
def test_layout(counts: tuple[int, int], values: tuple[int, ...], expected: str) -> None:
    made = network(random_weights(60, 40, counts, values, seed=1))
    dense, rule = rewritten(made, "x: bit[40]")
    text = re.sub(r"(at|start|weight)_y[0-9]*", r"\1_y", str(rule).splitlines()[-2])
    assert expected.replace("j", "i") in text
    assert cost(rule) < cost(dense)
    assert units(rule) == units(dense)
    assert PASSES["reroll"]()(rule).rule == rule
    assert_equivalent(dense, rule)


@pytest.mark.parametrize("kind", ["bit", "spin", "trit", "int[-3..9]"])
def test_operands_of_a_plane_are_numbered_row_major(kind: str) -> None:
    weight = random_weights(50, 42, (3, 3), (1,), seed=2)
    dense, rule = rewritten(network(weight, "sign", -1), f"x: {kind}[6, 7]")
    assert f"{'any' if kind == 'bit' else 'sum'}(j < 6: pad(x, 0)[j, i - 7 * j])" in str(rule)
    assert_equivalent(dense, rule)


def test_few_operands_of_a_plane_are_read_by_row_and_column() -> None:
    weight = random_weights(2, 42, (2, 2), (1,), seed=3)
    weight[0, :20] = 0
    weight[0, 22:] = 1
    _, rule = rewritten(network(random_weights(3, 42, (3, 3), (1,), seed=3), "sign", -1), "x: bit[6, 7]")
    assert "any" not in str(rule)


def test_more_than_half_of_the_weights_stay_a_table() -> None:
    rng = np.random.default_rng(4)
    _, rule = rewritten(network(rng.integers(-1, 2, (20, 30))), "x: bit[30]")
    assert [c.values.shape for c in rule.constants] == [(20, 30)]


@pytest.mark.parametrize("regular", [True, False])
def test_a_triangle_but_for_one_place_is_no_list_of_places(regular: bool) -> None:
    present = np.tril(np.ones((12, 12), dtype=np.int64), -1).ravel()
    present[6 * 12 + 2] = 0
    if not regular:
        present = np.random.default_rng(0).permutation(present)
    places = np.flatnonzero(present)
    row = Row("positive", places, np.ones(len(places), dtype=np.int64), -8)
    constants, _ = table_clauses("y", [], [row], Atoms({"x": (12, 12)}), Names(set()), "y")
    assert any(c.values.shape == (12, 12) for c in constants) == regular


def test_weights_that_are_no_integers_are_a_table_beside_the_operands() -> None:
    weight = random_weights(40, 30, (2, 5), (1, -1), seed=5) * np.random.default_rng(5).normal(size=(40, 30))
    dense, rule = rewritten(network(weight, "relu", 0.25), "x: bit[30]")
    assert cost(rule) < 0.6 * cost(dense)
    assert units(rule) == units(dense)
    assert_equivalent(dense, rule)


def test_a_layer_may_read_some_tensors_through_tables_only() -> None:
    rng = np.random.default_rng(6)
    first = random_weights(20, 15, (3, 3), (1,), seed=7)
    second = np.concatenate([rng.integers(1, 4, (12, 6)), random_weights(12, 24, (2, 2), (1,), seed=8)], axis=1)
    text = f"""rule f(a: bit[15], b: bit[6], c: bit[4]) -> (y: trit[12]) {{
  const W: int[20, 15] = {first.tolist()}
  const V: int[12, 6] = {second[:, :6].tolist()}
  const U: int[12, 24] = {np.pad(second[:, 6:26], ((0, 0), (0, 4))).tolist()}
  h[u < 20] = sum(i < 15: W[u, i] * a[i]) >= 2
  y[u < 12] = sign(sum(i < 6: V[u, i] * b[i]) + sum(j < 20: U[u, j] * h[j]) - 4)
}}"""
    rule = parse(text)
    rewrite = PASSES["reroll"]()(rule)
    assert "weight_y" in str(rewrite.rule)
    assert "at_y" in str(rewrite.rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert_equivalent(rule, rewrite.rule)


def test_hidden_units_are_in_the_order_of_their_operands() -> None:
    weight = random_weights(60, 40, (1, 5), (1, -1), seed=9)
    texts = set()
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(60)
        hidden = Layer(weight[order], np.zeros(60), "sign")
        last = Layer(np.ones((1, 60)), np.zeros(1), "sign")
        texts.add(str(rewritten(Network((hidden, last)), "x: bit[40]", "forward,reroll")[1]))
    assert len(texts) == 1


def _hidden(weight: np.ndarray, seed: int) -> Network:
    """Units in some order, and one that counts them."""
    order = np.random.default_rng(seed).permutation(len(weight))
    last = Layer(np.ones((1, len(weight)), dtype=np.int64), np.full(1, -9.5), "step")
    return Network((Layer(weight[order], np.full(len(weight), -1.5), "step"), last))


def test_a_few_hidden_units_of_other_kinds_have_tables_of_their_own() -> None:
    weight = random_weights(60, 40, (3, 3), (1,), seed=16)
    weight[7] = random_weights(1, 40, (30, 30), (1, 2), seed=17)
    weight[20] = random_weights(1, 40, (2, 2), (1,), seed=18)
    found = [rewritten(_hidden(weight, seed), "x: bit[40]")[1] for seed in range(3)]
    assert len(set(map(str, found))) == 1
    assert "layer1_3[u < 58] = 2 * sum(i < 3: x[at_layer1[u, i]]) >= 4" in str(found[0])
    assert "layer1_4 = sum(i < 40: weight_layer1[i] * x[i]) >= 4" in str(found[0])
    assert PASSES["reroll"]()(found[0]).rule == found[0], "not idempotent"
    one_kind = rewritten(_hidden(random_weights(60, 40, (3, 3), (1,), seed=16), 0), "x: bit[40]")[1]
    assert cost(found[0]) < cost(one_kind) + 130


def test_hidden_units_of_many_kinds_are_one_table() -> None:
    weight = random_weights(60, 40, (3, 3), (1,), seed=16)
    weight[:20] = random_weights(20, 40, (6, 6), (1,), seed=17)
    text = str(rewritten(_hidden(weight, 0), "x: bit[40]")[1])
    assert "[u < 60] = " in text


def ring(length: int) -> np.ndarray:
    own = np.arange(length)
    weight = np.zeros((length, length), dtype=np.int64)
    weight[own, own], weight[own, (own + 1) % length] = 1, -1
    return weight


def test_results_beside_a_family_are_a_table_of_their_own() -> None:
    weight = np.concatenate([ring(40), random_weights(40, 40, (4, 4), (1, -1), seed=10)])
    dense, rule = rewritten(network(weight), "x: bit[40]", "reroll,slice-weights,fold")
    assert "y[i < 40] = sign(x[i] - x[(i + 1) % 40])" in str(rule)
    assert "y[40 <= i < 80] = sign(sum(j < 4: weight_y2[j] * x[at_y2[i - 40, j]]))" in str(rule)
    assert PASSES["reroll"]()(rule).rule == rule
    assert_equivalent(dense, rule)


def test_results_here_and_there_are_read_from_one_table() -> None:
    weight = np.concatenate([ring(60), random_weights(12, 60, (9, 9), (1, 1, -1), seed=11), ring(60)])
    weight = np.concatenate([weight, random_weights(12, 60, (9, 9), (1, 1, -1), seed=12), ring(60)])
    weight = np.concatenate([weight, random_weights(12, 60, (9, 9), (1, 1, -1), seed=13), ring(60)])
    weight = np.concatenate([random_weights(12, 60, (9, 9), (1, 1, -1), seed=14), weight])
    weight = np.concatenate([weight, random_weights(12, 60, (9, 9), (1, 1, -1), seed=15)])
    dense, rule = rewritten(network(weight), "x: bit[60]", "reroll,slice-weights,fold")
    assert "y[i < 12] = y_rest[i]" in str(rule)
    assert "y[72 <= i < 84] = y_rest[i - 60]" in str(rule)
    assert "y[12 <= i < 72] = sign(x[i - 12] - x[(i - 11) % 60])" in str(rule)
    assert_equivalent(dense, rule)


def test_ranges_from_tables_are_read_as_units() -> None:
    rule = parse("""rule f(x: bit[6]) -> (y: trit[4]) {
  const start: int[5] = [0, 2, 2, 5, 6]
  const at: int[6] = [0, 3, 1, 2, 1, 5]
  const weight: int[6] = [1, 2, 3, 4, 5, 6]
  y[u < 4] = sign(sum(start[u] <= k < start[u + 1]: weight[k] * x[at[k]]) - 1)
}""")
    assert units(rule) == [
        ("sign", -1, [0, 3], [1, 2]),
        ("sign", -1, [], []),
        ("sign", -1, [1, 2], [8, 4]),
        ("sign", -1, [5], [6]),
    ]


@pytest.mark.parametrize(("first", "last"), [("0", "end[u]"), ("end[u]", "4"), ("end[0]", "end[3]"), ("4", "end[u]")])
def test_ranges_that_begin_or_end_at_one_place_are_read_as_units(first: str, last: str) -> None:
    rule = parse(f"""rule f(x: bit[6]) -> (y: int[4]) {{
  const end: int[4] = [0, 3, 1, 4]
  y[u < 4] = sum({first} <= k < {last}: x[k])
}}""")
    places = {"end[u]": [0, 3, 1, 4], "end[0]": [0] * 4, "end[3]": [4] * 4, "0": [0] * 4, "4": [4] * 4}
    ranges = zip(places[first], places[last], strict=True)
    assert [r[2] for r in units(rule)] == [list(range(low, high)) for low, high in ranges]
