"""Random layered networks of every activation over discrete inputs, with everything that makes units special.

Units are often dead, constant, always on one side, copies or multiples of one another; biases often make a sum that is
exactly 0 for some input; weights are small integers, dyadic fractions, or random floats of 16 and 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Activation, Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.testing.choose import Choose

__all__ = ["Layered", "layered_network"]

KINDS: dict[str, tuple[int, ...]] = {
    "bit": (0, 1),
    "spin": (-1, 1),
    "trit": (-1, 0, 1),
    "int[-1..2]": (-1, 0, 1, 2),
    "int[3..9]": tuple(range(3, 10)),
}
LARGEST = 4096
"""Inputs in all, so that they can be enumerated."""
EXACT: tuple[Activation, ...] = ("sign", "step", "relu", "identity", "abs", "hardtanh")
FAVOURED: tuple[Activation, ...] = ("relu", "hardtanh", "abs", "relu", "hardtanh")


@dataclass(frozen=True, slots=True)
class Layered:
    """A network, the declaration of its input, and its head."""

    network: Network
    inputs: str
    head: str | None

    def dense(self) -> Rule:
        """Its dense program."""
        return lower(self.network, self.inputs, None, self.head, "network")

    def expected(self, flat: np.ndarray) -> np.ndarray:
        """What it gives, exactly, for inputs of shape (batch, inputs)."""
        return evaluate(self.network, flat, self.head)


def layered_network(choose: Choose) -> Layered:
    """A random network of one to four layers with at most 12 inputs."""
    kind = choose.choice(list(KINDS))
    values = KINDS[kind]
    most = max(k for k in range(1, 13) if len(values) ** k <= LARGEST)
    inputs = choose.integer(1, most)
    rng = np.random.default_rng(choose.integer(0, 2**32 - 1))
    layers: list[Layer] = []
    width = inputs
    for _ in range(choose.integer(1, 4)):
        units = choose.integer(1, 8)
        activation = choose.choice(FAVOURED if choose.boolean(0.8) else EXACT)
        weight = _weights(choose, rng, (units, width))
        bias = _biases(choose, rng, weight, layers, values)
        layers.append(_with_special_units(choose, weight, bias, activation))
        width = units
    if choose.boolean(0.7):
        last = layers[-1]
        layers[-1] = Layer(last.weight, last.bias, "identity")
    heads: Sequence[str | None] = ("argmax", "sign", None) if width > 1 else ("sign", None)
    return Layered(Network(tuple(layers)), f"x: {kind}[{inputs}]", choose.choice(heads))


def _weights(choose: Choose, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    styles: dict[str, Callable[[], np.ndarray]] = {
        "ones": lambda: rng.integers(-1, 2, shape).astype(np.float64),
        "small": lambda: rng.integers(-3, 4, shape).astype(np.float64),
        "dyadic": lambda: rng.integers(-9, 10, shape) / 8,
        "half": lambda: rng.standard_normal(shape).astype(np.float16).astype(np.float64),
        "single": lambda: rng.standard_normal(shape).astype(np.float32).astype(np.float64),
    }
    weight = styles[choose.choice(list(styles))]()
    if choose.boolean(0.3):
        weight[rng.random(shape) < 0.5] = 0
    if choose.boolean(0.1):
        weight[:, choose.integer(0, shape[1] - 1)] = 0  # what is read there is dead
    return weight


def _biases(
    choose: Choose, rng: np.random.Generator, weight: np.ndarray, layers: Sequence[Layer], values: Sequence[int]
) -> np.ndarray:
    """One bias a unit: 0, near 0, far out to either side, or such that the sum is 0 for some input."""
    bias = np.zeros(len(weight))
    for unit, row in enumerate(weight):
        match choose.choice(("zero", "near", "high", "low", "tie", "tie")):
            case "near":
                bias[unit] = rng.integers(-8, 9) / 4
            case "high":
                bias[unit] = np.abs(row).sum() * 4 + 1
            case "low":
                bias[unit] = -np.abs(row).sum() * 4 - 1
            case "tie":
                bias[unit] = _tie(rng, row, layers, values)
    return bias


def _tie(rng: np.random.Generator, row: np.ndarray, layers: Sequence[Layer], values: Sequence[int]) -> float:
    """A bias that makes a sum 0, or exactly 1 or -1, for one input; a rounded one where no double does."""
    count = layers[0].inputs if layers else len(row)
    sample = rng.choice(np.array(values), (1, count))
    below = [float(v) for v in evaluate(Network(tuple(layers)), sample)[0]] if layers else sample[0].tolist()
    return float(rng.integers(-1, 2) - sum(w * v for w, v in zip(row.tolist(), below, strict=True)))


def _with_special_units(choose: Choose, weight: np.ndarray, bias: np.ndarray, activation: Activation) -> Layer:
    """Some units become copies of an earlier one, or multiples of it."""
    for unit in range(1, len(weight)):
        if choose.boolean(0.15):
            factor = choose.choice((1.0, -1.0, 2.0, 0.5, -4.0))
            source = choose.integer(0, unit - 1)
            weight[unit], bias[unit] = factor * weight[source], factor * bias[source]
    return Layer(weight, bias, activation)
