"""Random layered networks of every exact activation, distilled: equal on all inputs, proved, and no longer."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.analysis.reals import differing
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Layer, Network
from ddcompile.interpreter import interpret
from ddcompile.testing import assert_engines_agree
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.inputs import all_inputs
from ddcompile.testing.layered import layered_network

SEEDS = 240
GROUPS = 8


@pytest.mark.parametrize("group", range(GROUPS))
def test_distilled_network_is_the_network(group: int) -> None:
    longer = shorter = 0
    for seed in range(group, SEEDS, GROUPS):
        layered = layered_network(RandomChoose(seed))
        dense = layered.dense()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # every step that a pass takes is proved
            program = dd.distill(layered.network, layered.inputs, None, layered.head, "network")
        assert program.verdict
        arrays = all_inputs(dense)
        assert arrays is not None
        flat = arrays[0].reshape(len(arrays[0]), -1)
        expected = layered.expected(flat)
        found = np.asarray(program(*arrays)).reshape(expected.shape)
        assert (found == expected).all(), f"seed {seed}\n{dense}\n{program}"
        longer += program.cost > cost(dense)
        shorter += program.cost < cost(dense)
    assert longer == 0
    assert shorter > SEEDS // GROUPS // 2


@pytest.mark.parametrize("smooth", ["softmax", "sigmoid", "tanh"])
def test_smooth_heads_are_the_same_bits(smooth: str) -> None:
    """What is exact before a softmax, sigmoid or tanh is shortened and proved; what is rounded stays as it was."""
    shorter = 0
    for seed in range(40):
        layered = layered_network(RandomChoose(seed))
        last = layered.network.layers[-1]
        activation, head = ("identity", "softmax") if smooth == "softmax" else (smooth, None)
        layers = (*layered.network.layers[:-1], Layer(last.weight, last.bias, activation))
        if head and last.units == 1:
            continue
        network = Network(layers)
        dense = lower(network, layered.inputs, None, head, "network")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            program = dd.distill(network, layered.inputs, None, head, "network")
        assert program.verdict
        arrays = all_inputs(dense)
        assert arrays is not None
        pairs = zip(interpret(dense, arrays), interpret(program.rule, arrays), strict=True)
        assert not any(differing(a, b).any() for a, b in pairs), f"seed {seed}\n{dense}\n{program}"
        assert program.cost <= cost(dense)
        shorter += program.cost < cost(dense)
    assert shorter > 10


def test_engines() -> None:
    for seed in range(0, 60, 4):
        layered = layered_network(RandomChoose(seed))
        assert_engines_agree(dd.distill(layered.network, layered.inputs, None, layered.head, "network"))
