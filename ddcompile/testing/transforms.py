"""Changes to a network that keep its function exactly: what training leaves behind, and a distiller must see through.

All of them take a network and a seeded generator of random numbers, and give another network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import floor, gcd, lcm

import numpy as np

from ddcompile.frontends.network import Layer, Network

__all__ = [
    "add_dead_units",
    "add_noise",
    "complement_steps",
    "disguise",
    "duplicate_units",
    "flip_signs",
    "scale_rows",
    "shuffle_units",
    "signs_for_steps",
]

_LARGEST = 2**17
"""How far the attainable sums of a unit may reach, in steps, to be listed to find its margin."""


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


def complement_steps(network: Network, rng: np.random.Generator) -> Network:
    """Make random units of the hidden step layers 1 where they were 0, where no sum is 0 and no reader is rounded."""
    layers = list(network.layers)
    for k in range(len(layers) - 1):
        layer, after = layers[k], layers[k + 1]
        if layer.activation != "step" or not _is_short(after):
            continue
        chosen = (rng.random(layer.units) < 0.5) & _is_never_tied(layers[: k + 1])
        signs = np.where(chosen, -1, 1)
        layers[k] = Layer(layer.dense_weight() * signs[:, None], layer.bias * signs, "step")
        outgoing = after.dense_weight()
        layers[k + 1] = Layer(outgoing * signs, after.bias + outgoing @ chosen, after.activation)
    return Network(tuple(layers), network.name)


def signs_for_steps(network: Network) -> Network:
    """Make sign units of the hidden step layers in which no sum is 0 and which sign or step units read unrounded."""
    layers = list(network.layers)
    for k in range(len(layers) - 1):
        layer, after = layers[k], layers[k + 1]
        is_read_exactly = after.activation in ("sign", "step") and _is_short(after)
        if layer.activation != "step" or not is_read_exactly or not _is_never_tied(network.layers[: k + 1]).all():
            continue
        layers[k] = Layer(layer.weight, layer.bias, "sign")
        # A bit is half of 1 + its sign, so the reader is doubled.
        weight = after.dense_weight()
        layers[k + 1] = Layer(weight, 2 * after.bias + weight.sum(axis=1), after.activation)
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
            margin = _margin(layer.dense_weight()[unit], Fraction(layer.bias[unit].item()), values)
            is_safe = margin > 0
            if is_safe:
                _disturb(weight[unit], bias[unit : unit + 1], margin, rng, values, scale)
            values_after.append((0, 1) if layer.activation == "step" else (-1, 1) if is_safe else (-1, 0, 1))
        layers[k] = Layer(weight, bias, layer.activation)
        values = values_after
    return Network(tuple(layers), network.name)


def disguise(network: Network, rng: np.random.Generator, values: Sequence[Sequence[int]]) -> Network:
    """All of the changes, in an order in which each sees the ones before."""
    steps: tuple[Callable[[Network, np.random.Generator], Network], ...]
    steps = (duplicate_units, add_dead_units, flip_signs, complement_steps, scale_rows)
    for step in steps:
        network = step(network, rng)
    return shuffle_units(add_noise(network, rng, values), rng)


def _is_never_tied(layers: Sequence[Layer]) -> np.ndarray:
    """Which units of the last layer have sums half way between integers, if the network reads integers."""
    *before, last = layers
    if any(layer.activation not in ("sign", "step") for layer in before) or not _is_short(last):
        return np.zeros(last.units, dtype=bool)
    weight, twice = last.dense_weight(), 2 * last.bias
    return np.asarray((weight == np.rint(weight)).all(axis=1) & (twice == np.rint(twice)) & (np.rint(twice) % 2 == 1))


def _is_short(layer: Layer) -> bool:
    """Whether weights and biases are few-digit binary fractions, which small sums and halves of them still are."""
    doubles = _doubles(layer)
    if doubles is None:
        return False
    return all((np.abs(a) < 2**20).all() and (a * 2**20 == np.rint(a * 2**20)).all() for a in doubles)


def _doubles(layer: Layer) -> tuple[np.ndarray, np.ndarray] | None:
    """Copies of the weight and the bias as doubles, if all of them are doubles."""
    weight, bias = layer.dense_weight().astype(np.float64), layer.bias.astype(np.float64)
    largest = max(np.abs(weight).max(initial=0), np.abs(bias).max(initial=0))
    integers = layer.dense_weight().dtype == np.int64 or layer.bias.dtype == np.int64
    return None if integers and largest >= 2**53 else (weight, bias)


def _margin(weight: np.ndarray, bias: Fraction, values: Sequence[Sequence[int]]) -> Fraction:
    """The least size of a sum of a unit over the product of the values of its inputs; 0 if they reach too far."""
    used = [(Fraction(factor), choices) for factor, choices in zip(weight.tolist(), values, strict=True) if factor]
    scale = lcm(1, *(factor.denominator for factor, _ in used))
    unit = Fraction(gcd(*(int(factor * scale) for factor, _ in used)) or 1, scale)
    low, sums = 0, 1  # bit k of `sums` says whether (low + k) * unit is a sum
    for factor, choices in used:
        terms = [int(factor / unit) * value for value in choices]
        if sums.bit_length() + max(terms) - min(terms) > _LARGEST:
            return Fraction(0)
        reached = 0
        for term in terms:
            reached |= sums << (term - min(terms))
        low, sums = low + min(terms), reached
    at = Fraction(-bias) / unit - low
    first = max(floor(at) + 1, 0)
    above, below = sums >> first, sums & ((1 << first) - 1)
    near = [first + (above & -above).bit_length() - 1] if above else []
    near += [below.bit_length() - 1] if below else []
    return min(abs(place - at) for place in near) * unit


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
