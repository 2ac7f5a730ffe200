"""Transformations change networks, and never their functions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Layer, Network
from ddcompile.testing import transforms
from ddcompile.testing.builders import random_ties, rule30

BITS = [(0, 1)] * 8

Change = Callable[[Network, np.random.Generator], Network]
CHANGES: dict[str, Change] = {
    "shuffle": transforms.shuffle_units,
    "duplicate": transforms.duplicate_units,
    "dead": transforms.add_dead_units,
    "flip": transforms.flip_signs,
    "complement": transforms.complement_steps,
    "signs": lambda network, rng: transforms.signs_for_steps(network),
    "scale": transforms.scale_rows,
    "noise": lambda network, rng: transforms.add_noise(network, rng, BITS),
    "disguise": lambda network, rng: transforms.disguise(network, rng, BITS),
}


# Step units have no sign to flip, sign units are not steps, and noise would break the ties that every unit of
# `random_ties` has.
WITHOUT_EFFECT = {("flip", "step"), ("complement", "sign"), ("signs", "sign"), ("noise", "sign")}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("network", [random_ties(2), rule30(cells=8)], ids=["sign", "step"])
def test_change_keeps_the_function(change: str, network: Network) -> None:
    x = np.array(list(product((0, 1), repeat=8)))
    expected = evaluate(network, x)
    for seed in range(3):
        changed = CHANGES[change](network, np.random.default_rng(seed))
        assert (evaluate(changed, x) == expected).all()
        is_same = changed.sha256 == network.sha256
        assert is_same == ((change, network.layers[0].activation) in WITHOUT_EFFECT)


def test_duplicates_share_odd_integer_weights_exactly() -> None:
    network = Network(
        (Layer(np.eye(2, dtype=int), np.zeros(2), "sign"), Layer(np.array([[3, -5]]), np.zeros(1), "identity"))
    )
    doubled = transforms.duplicate_units(network, np.random.default_rng(0), 3)
    assert doubled.layers[0].units == 5
    assert doubled.layers[1].dense_weight().sum() == -2


def test_noise_leaves_units_with_ties_alone_and_disturbs_the_others() -> None:
    weight = np.array([[1, 1], [1, -1]])
    network = Network((Layer(weight, np.array([-0.5, 0.0]), "sign"), Layer(np.eye(2), np.zeros(2), "identity")))
    noisy = transforms.add_noise(network, np.random.default_rng(0), [(0, 1), (0, 1)])
    assert (noisy.layers[0].dense_weight()[1] == weight[1]).all()
    assert (noisy.layers[0].dense_weight()[0] != weight[0]).all()


@pytest.mark.parametrize(("bias", "moves"), [(-1.5, True), (-2.0, False), (-1.75, True), (-0.0, False)])
def test_noise_stays_below_the_margin_of_the_attained_sums(bias: float, moves: bool) -> None:
    # Sums are -1, 0, 1, 2, 3 and the bias.
    unit = Network((Layer(np.array([[1.0, -1.0, 2.0]]), np.array([bias]), "step"),))
    x = np.array(list(product((0, 1), repeat=3)))
    for seed in range(20):
        noisy = transforms.add_noise(unit, np.random.default_rng(seed), [(0, 1)] * 3, 0.99)
        assert (noisy.sha256 != unit.sha256) == moves
        assert (evaluate(noisy, x) == evaluate(unit, x)).all()


def test_all_hidden_layers_of_steps_become_signs() -> None:
    steps = [Layer(np.eye(3), np.full(3, -0.5), "step") for _ in range(4)]
    signs = transforms.signs_for_steps(Network(tuple(steps)))
    assert [layer.activation for layer in signs.layers] == ["sign", "sign", "sign", "step"]
    x = np.array(list(product((0, 1), repeat=3)))
    assert (evaluate(signs, x) == x).all()


def test_steps_with_ties_are_neither_complemented_nor_made_signs() -> None:
    network = Network((Layer(np.array([[1, 1]] * 9), np.repeat(-1, 9), "step"), Layer(np.ones((1, 9)), np.zeros(1))))
    assert transforms.signs_for_steps(network).sha256 == network.sha256
    assert transforms.complement_steps(network, np.random.default_rng(0)).sha256 == network.sha256


def test_readers_that_would_be_rounded_keep_their_steps() -> None:
    network = Network((Layer(np.array([[1]] * 9), np.repeat(-0.5, 9), "step"), Layer(np.full((1, 9), 0.1), np.ones(1))))
    assert transforms.signs_for_steps(network).sha256 == network.sha256
    assert transforms.complement_steps(network, np.random.default_rng(0)).sha256 == network.sha256


def test_integers_beyond_doubles_are_not_scaled() -> None:
    layer = Layer(np.array([[2**60 + 1]]), np.array([0]), "sign")
    scaled = transforms.scale_rows(Network((layer,)), np.random.default_rng(0))
    assert scaled.layers[0].dense_weight()[0, 0] == 2**60 + 1
