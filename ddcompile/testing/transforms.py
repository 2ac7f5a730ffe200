"""Changes to a network that keep its function exactly: what training leaves behind, and a distiller must see through.

All of them take a network and a seeded generator of random numbers, and give another network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from ddcompile.frontends.network import Layer, Network

__all__ = ["add_dead_units", "add_noise", "disguise", "duplicate_units", "flip_signs", "scale_rows", "shuffle_units"]

_LARGEST = 50_000
"""Attainable sums of a unit that are listed to find its margin."""


def shuffle_units(network: Network, rng: np.random.Generator) -> Network:
    """Put the units of every hidden layer into random order."""
    layers = list(network.layers)
    for k in range(len(layers) - 1):
        order = rng.permutation(layers[k].units)
        layers[k] = Layer(layers[k].dense_weight()[order], layers[k].bias[order], layers[k].activation)
        after = layers[k + 1]
        layers[k + 1] = Layer(after.dense_weight()[:, order], after.bias, after.activation)
    return Network(tuple(layers), network.name)


def duplicate_units(network: Network, rng: np.random.Generator, count: int = 2) -> Network:
    """Split `count` units of every hidden layer into two equal units that share the outgoing weights."""
    layers = list(network.layers)
    for k in range(len(layers) - 1):
        layer, after = layers[k], layers[k + 1]
        chosen = rng.integers(0, layer.units, count)
        weight = np.concatenate([layer.dense_weight(), layer.dense_weight()[chosen]])
        bias = np.concatenate([layer.bias, layer.bias[chosen]])
        outgoing = after.dense_weight().copy()
        for unit in chosen:
            # Integers split into integers, floats into halves: no rounding.
            share = outgoing[:, unit] // 2 if outgoing.dtype == np.int64 else outgoing[:, unit] / 2
            outgoing[:, unit] = outgoing[:, unit] - share
            outgoing = np.concatenate([outgoing, share[:, None]], axis=1)
        layers[k] = Layer(weight, bias, layer.activation)
        layers[k + 1] = Layer(outgoing, after.bias, after.activation)
    return Network(tuple(layers), network.name)


def add_dead_units(network: Network, rng: np.random.Generator, count: int = 2) -> Network:
    """Add `count` units to every hidden layer that nothing reads."""
    layers = list(network.layers)
    for k in range(len(layers) - 1):
        layer, after = layers[k], layers[k + 1]
        weight = np.concatenate([layer.dense_weight(), rng.integers(-3, 4, (count, layer.inputs))])
        bias = np.concatenate([layer.bias, rng.integers(-3, 4, count)])
        outgoing = after.dense_weight()
        silent = np.zeros((after.units, count), dtype=outgoing.dtype)
        layers[k] = Layer(weight, bias, layer.activation)
        layers[k + 1] = Layer(np.concatenate([outgoing, silent], axis=1), after.bias, after.activation)
    return Network(tuple(layers), network.name)


def flip_signs(network: Network, rng: np.random.Generator) -> Network:
    """Negate random units of the hidden sign layers, and their outgoing weights."""
    layers = list(network.layers)
    for k in range(len(layers) - 1):
        layer, after = layers[k], layers[k + 1]
        if layer.activation == "sign":
            signs = rng.choice([-1, 1], layer.units)
            layers[k] = Layer(layer.dense_weight() * signs[:, None], layer.bias * signs, "sign")
            layers[k + 1] = Layer(after.dense_weight() * signs, after.bias, after.activation)
    return Network(tuple(layers), network.name)


def scale_rows(network: Network, rng: np.random.Generator) -> Network:
    """Multiply the weights and the bias of every sign or step unit by its own power of two, from 1/4 to 4."""
    layers = []
    for layer in network.layers:
        doubles = _doubles(layer)
        if layer.activation in ("sign", "step") and doubles is not None:
            weight, bias = doubles
            factors = 2.0 ** rng.integers(-2, 3, layer.units)
            layer = Layer(weight * factors[:, None], bias * factors, layer.activation)
        layers.append(layer)
    return Network(tuple(layers), network.name)


def add_noise(
    network: Network, rng: np.random.Generator, values: Sequence[Sequence[int]], scale: float = 0.5
) -> Network:
    """Disturb the weights of sign and step units by less than would change any sign of any attainable sum.

    Units whose sum can be 0 stay as they are: there, noise would make another function.

    Parameters
    ----------
    network : Network
    rng : numpy.random.Generator
    values : sequence of sequence of int
        The values of each input.
    scale : float
        How much of the margin the noise may use up at most; below 1.
    """
    layers = list(network.layers)
    for k, layer in enumerate(layers):
        doubles = _doubles(layer)
        if layer.activation not in ("sign", "step") or doubles is None:
            break
        weight, bias = doubles
        values_after: list[Sequence[int]] = []
        for unit in range(layer.units):
            sums = _attainable(layer.dense_weight()[unit], layer.bias[unit], values)
            is_safe = bool(sums) and 0 not in sums
            if is_safe:
                _disturb(weight[unit], bias[unit : unit + 1], min(map(abs, sums)), rng, values, scale)
            values_after.append((0, 1) if layer.activation == "step" else (-1, 1) if is_safe else (-1, 0, 1))
        layers[k] = Layer(weight, bias, layer.activation)
        values = values_after
    return Network(tuple(layers), network.name)


def disguise(network: Network, rng: np.random.Generator, values: Sequence[Sequence[int]]) -> Network:
    """All of the changes, in an order in which each sees the ones before."""
    steps: list[Callable[[Network, np.random.Generator], Network]] = [duplicate_units, add_dead_units, flip_signs]
    for step in (*steps, scale_rows):
        network = step(network, rng)
    return shuffle_units(add_noise(network, rng, values), rng)


def _doubles(layer: Layer) -> tuple[np.ndarray, np.ndarray] | None:
    """Copies of the weight and the bias as doubles, if all of them are doubles."""
    weight, bias = layer.dense_weight().astype(np.float64), layer.bias.astype(np.float64)
    largest = max(np.abs(weight).max(initial=0), np.abs(bias).max(initial=0))
    integers = layer.dense_weight().dtype == np.int64 or layer.bias.dtype == np.int64
    return None if integers and largest >= 2**53 else (weight, bias)


def _attainable(weight: np.ndarray, bias: Fraction, values: Sequence[Sequence[int]]) -> set[Fraction]:
    """All sums of a unit over the product of the values of its inputs; empty if they are too many to list."""
    sums = {Fraction(bias)}
    for factor, choices in zip(weight, values, strict=True):
        if factor:
            sums = {total + Fraction(factor) * value for total in sums for value in choices}
        if len(sums) > _LARGEST:
            return set()
    return sums


def _disturb(
    weight: np.ndarray,
    bias: np.ndarray,
    margin: Fraction,
    rng: np.random.Generator,
    values: Sequence[Sequence[int]],
    scale: float,
) -> None:
    """Add noise to the weights of one unit in place, if what it can add up to stays below the margin."""
    reach = [max(map(abs, choices)) for choices in values]
    used = np.flatnonzero(weight)
    room = float(margin) * scale / (1 + sum(reach[k] for k in used))
    new = weight[used] + rng.uniform(-room, room, len(used))
    new_bias = bias[0] + rng.uniform(-room, room)
    moved = abs(Fraction(new_bias) - Fraction(bias[0]))
    moved += sum(abs(Fraction(a) - Fraction(weight[k])) * reach[k] for a, k in zip(new, used, strict=True))
    if moved < margin:
        weight[used], bias[0] = new, new_bias
