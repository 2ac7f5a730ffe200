"""A unit over rows of a table, a few of which are others, is the function of the table and what these change."""

from __future__ import annotations

import numpy as np

import ddcompile as dd
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.passes.collapse_tables import CollapseTables
from ddcompile.prove.checker import check_step
from ddcompile.testing.structures.cones import table
from ddcompile.testing.structures.layers import steps


def _with(network: Network, units: dict[int, tuple[list[int], int]]) -> Network:
    """A network with other units in the first layer, each by its weights and its bound."""
    first, *others = network.layers
    weight, bias = first.dense_weight().copy(), np.array(first.bias, dtype=np.float64)
    for unit, (row, bound) in units.items():
        weight[unit], bias[unit] = row, 0.5 - bound
    return Network((Layer(weight, bias, first.activation), *others))


def _rule(network: Network, count: int) -> Rule:
    return dd.distill(network, f"x: bit[{count}]", "y: bit", passes="exact-thresholds", name="f").rule


_LIFE = table(9, lambda row: 5 <= 2 * sum(row) - row[4] <= 7)


def test_rows_that_are_others_are_taken_away_and_their_units_added() -> None:
    rule = _rule(_with(_LIFE, {20: ([1, 0, 0, 0, -1, 0, 0, 2, 0], 3), 33: ([0, 0, 0, 1, 1, 1, 1, 1, 1], 6)}), 9)
    rewrite = CollapseTables()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    text = str(rewrite.rule)
    assert "usual_y = 5 <= sum_of_usual_y <= 7" in text
    assert "rare_y[i < 4] = " in text
    assert "[-1, -1, 1, 1]" in text


def test_a_row_that_another_unit_covers_is_not_taken_away() -> None:
    units = {}
    for unit in (20, 70):
        row = _LIFE.layers[0].dense_weight()[unit]
        changed = np.where(np.arange(9) == np.flatnonzero(row > 0)[0], 2 * row, row)
        units[unit] = changed.tolist(), int((row > 0).sum())
    rule = _rule(_with(_LIFE, units), 9)
    rewrite = CollapseTables()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert "rare_y[i < 2] = " in str(rewrite.rule)


def test_declines_where_more_than_one_of_the_usual_units_matters() -> None:
    table_of_life = _with(_LIFE, {20: ([1, 0, 0, 0, -1, 0, 0, 2, 0], 3), 33: ([0, 0, 0, 1, 1, 1, 1, 1, 1], 6)})
    first, last = table_of_life.layers
    twice = Layer(np.concatenate([first.dense_weight()] * 2), np.tile(first.bias, 2), first.activation)
    two = steps(np.concatenate([last.dense_weight()] * 2, axis=1), 3)
    rule = _rule(Network((twice, two)), 9)
    assert "usual_y" not in str(CollapseTables()(rule).rule)


def test_declines_where_many_units_are_others() -> None:
    rng = np.random.default_rng(0)
    units = {int(u): (rng.integers(-2, 3, 9).tolist(), 2) for u in rng.choice(140, 60, replace=False)}
    assert "usual_y" not in str(CollapseTables()(_rule(_with(_LIFE, units), 9)).rule)


def test_units_of_tiny_weights_beside_the_usual_ones() -> None:
    majority = table(5, lambda row: sum(row) >= 3)
    first, last = majority.layers
    weight = np.concatenate([first.dense_weight(), [[1, 0, 0, 0, 0]]])
    top = np.append(last.dense_weight(), 2.0**-70)[None]
    layers = (Layer(weight, np.append(first.bias, -0.5), first.activation), Layer(top, last.bias, last.activation))
    program = dd.distill(Network(layers), "x: bit[5]", "y: bit", name="f")
    assert str(program).partition("{\n")[2] == "  y = sum(i < 5: x[i]) >= 3\n}"
