"""Grids of hidden units, with a few that are another function in them."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.borders import ended_rule_184

_PASSES = "isolate,forward,exact-thresholds,forward,exact-thresholds,dce,recode,arrange"
_INNER = "if x[i] then pad(x, 0)[i + 1] else pad(x, 0)[i - 1]"


def _replaced(count: int, places: list[int], weights: dict[int, int], bias: float) -> Network:
    """Traffic on a road of some places, two steps, with other units after the first one."""
    layers = list(ended_rule_184(count, 2).plain.layers)
    weight, biases = layers[1].dense_weight().copy(), layers[1].bias.astype(np.float64)
    for place in places:
        weight[place] = 0
        for operand, value in weights.items():
            weight[place, operand] = value
        biases[place] = bias
    layers[1] = Layer(weight, biases, layers[1].activation)
    return Network(tuple(layers))


@pytest.mark.parametrize("place", range(9))
def test_a_unit_that_is_another_function_has_its_place_in_a_grid(place: int) -> None:
    """Inside and at both ends; what it is stands under a condition."""
    network = _replaced(9, [place], {0: 1, 5: 1, 9: 1}, -1.5)
    found = dd.distill(network, inputs="x: bit[9]", outputs="y: bit[9]", passes=_PASSES)
    text = str(found)
    assert found.verdict.status == "proved"
    assert f"state[i < 9] = if i == {place} then" in text
    assert _INNER in text


def test_a_unit_of_many_inputs_stays_a_sum_of_units() -> None:
    """Its table is too large, or has no short expression."""
    network = _replaced(20, [7], {k: 1 for k in range(0, 38, 2)}, -8.5)
    found = dd.distill(network, inputs="x: bit[20]", outputs="y: bit[20]", passes=_PASSES)
    text = str(found)
    assert found.verdict.status == "proved"
    assert "state[i < 20] = if i == 7 then" in text
    assert _INNER in text


def test_grids_of_which_many_units_are_others_are_left_alone() -> None:
    """A family is most units."""
    network = _replaced(9, [1, 4, 6], {0: 1, 5: 1, 9: 1}, -1.5)
    found = dd.distill(network, inputs="x: bit[9]", outputs="y: bit[9]", passes=_PASSES)
    assert "state" not in str(found)
