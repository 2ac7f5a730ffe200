"""Deep automata of which a few units are others are steps over time, with the units as their exceptions."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.frontends.network import Layer, Network
from ddcompile.passes.combine import Combine
from ddcompile.passes.exact_thresholds import ExactThresholds, Recode
from ddcompile.passes.narrow import Narrow
from ddcompile.passes.options import Turns
from ddcompile.passes.variants import in_ratio, without
from ddcompile.testing.structures import STRUCTURES
from ddcompile.testing.transforms import shuffle_units

_SPEC = (
    "isolate,forward,exact-thresholds{ratio=1},forward,recode{ratio=1},forward,"
    "(combine{odd=64},recode{ratio=1},narrow,exact-thresholds{ratio=1},forward)*,reroll,slice-weights,fold,rebase,roll"
)


def test_units_of_a_deep_automaton_are_exceptions_of_its_steps() -> None:
    structure = STRUCTURES["rule60_minterms"].build(9, 4)
    layers = list(structure.plain.layers)
    others = (
        (0, 13, {2: 1, 5: 1, 7: -1}, -0.5),
        (1, 22, {3: 2, 30: -1, 17: 1}, -1.5),
        (2, 7, {4: 1, 9: 1}, -1.5),
    )
    for number, unit, weights, least in others:
        weight, bias = layers[number].dense_weight().copy(), layers[number].bias.copy()
        weight[unit] = [weights.get(place, 0) for place in range(weight.shape[1])]
        bias[unit] = least
        layers[number] = Layer(weight, bias, layers[number].activation)
    network = replace(structure, plain=Network(tuple(layers))).network(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of steps that are not proved
        text = str(dd.distill(network, structure.inputs, structure.outputs, passes=_SPEC).rule)
    assert "const" not in text
    for step, place in ((0, 3), (2, 5), (2, 1)):
        assert f"if t == {step} and i == {place} then" in text


@pytest.mark.parametrize("name", ["rule30_minterms", "rule110_minterms"])
def test_an_automaton_of_which_one_cell_is_read_is_steps_over_time(name: str) -> None:
    """What the cell depends on is a cone, which was written out layer by layer (479 where it is 112)."""
    structure = STRUCTURES[name].build(14, 5)
    *before, last = structure.plain.layers
    one = Layer(last.dense_weight()[7:8], last.bias[7:8], last.activation)
    network = shuffle_units(Network((*before, one)), np.random.default_rng(3))
    rule = dd.distill(network, structure.inputs, "next: bit").rule
    assert cost(rule) <= 1.3 * structure.written
    assert "state[1 <= t < 5, i < 14]" in str(rule)


def test_units_are_turned_after_each_combination_where_weights_keep_their_ratio() -> None:
    turns = Turns((Combine(), Narrow(), ExactThresholds()))
    kept = in_ratio([Recode(), turns])
    assert kept[0] == Recode(ratio=1)
    assert kept[1] == Turns((Combine(odd=64), Recode(ratio=1), Narrow(), ExactThresholds(ratio=1)))
    assert without(kept, Combine, Recode) == [Turns((Narrow(), ExactThresholds(ratio=1)))]
