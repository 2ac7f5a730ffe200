"""Layers of crafted units, one on top of the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcompile.frontends.network import Activation, Layer
from ddcompile.testing.attack.exact import Exact, layer_sums, with_activation
from ddcompile.testing.attack.target import Input, Target, declare
from ddcompile.testing.attack.units import BIASES, PLAIN, WEIGHTS, craft

__all__ = [
    "anything",
    "copies",
    "finished",
    "heads",
    "near_ties",
    "ramps",
    "scales",
    "several_results",
    "stack",
    "ties",
    "unreachable",
]

Random = np.random.Generator

STEPS: tuple[Activation, ...] = ("sign", "step", "nonnegative")
RAMPS: tuple[Activation, ...] = ("relu", "hardtanh", "abs")
EXACT: tuple[Activation, ...] = (*STEPS, *RAMPS, "identity")
KINDS_OF = {"step": "bit", "nonnegative": "bit", "sign": "trit"}
MOST_SCORES = 5


def stack(
    rng: Random,
    below: Exact,
    activations: Sequence[Activation],
    depth: int,
    styles: Sequence[str] = tuple(WEIGHTS),
    biases: Sequence[str] = BIASES,
    copies: float = 0.15,
    most: int = 6,
) -> tuple[list[Layer], Exact]:
    """Some layers, and what the last one gives."""
    layers: list[Layer] = []
    for _ in range(depth):
        units = int(rng.integers(1, most + 1))
        layer = craft(rng, below, units, str(rng.choice(activations)), styles, biases, copies)
        layers.append(layer)
        below = with_activation(layer.activation, layer_sums(layer.dense_weight(), layer.bias, below))
    return layers, below


def finished(
    rng: Random,
    family: str,
    layers: Sequence[Layer],
    inputs: tuple[tuple[Input, ...], np.ndarray],
    heads: Sequence[str | None] = (None, None, "sign", "argmax", "softmax"),
) -> Target:
    """A target with a last layer of any activation, and a head that fits it."""
    last = layers[-1]
    head = rng.choice(np.array(heads, dtype=object))
    if head in ("argmax", "softmax") and last.units == 1:
        head = None
    if head is not None and rng.random() < 0.7:
        last = Layer(last.weight, last.bias, "identity")
    return Target(family, (*layers[:-1], last), inputs[0], inputs[1], None, head)


def _made(
    rng: Random,
    family: str,
    activations: Sequence[Activation],
    styles: Sequence[str] = tuple(WEIGHTS),
    biases: Sequence[str] = BIASES,
    copies: float = 0.15,
) -> Target:
    inputs = declare(rng)
    depth = int(rng.choice([1, 2, 3, 4], p=[0.3, 0.4, 0.2, 0.1]))
    layers, _ = stack(rng, Exact(inputs[1]), activations, depth, styles, biases, copies)
    return finished(rng, family, layers, inputs)


def anything(rng: Random) -> Target:
    """Every activation, every style of weights, every kind of bias."""
    return _made(rng, "random", EXACT)


def ties(rng: Random) -> Target:
    """Sums that are 0 for some inputs."""
    return _made(rng, "ties", STEPS, (*PLAIN, "noisy ones"), ("zero", "tie", "tie"))


def near_ties(rng: Random) -> Target:
    """Sums that are next to 0 for some inputs, and 0 for others."""
    return _made(rng, "near ties", STEPS, (*PLAIN, "single", "noisy ones"), ("ulp", "hair", "ulp", "hair", "tie"))


def copies(rng: Random) -> Target:
    """Units that are copies, negations or multiples of others, or nearly so."""
    return _made(rng, "copies", EXACT, (*PLAIN, "single"), BIASES, 0.7)


def ramps(rng: Random) -> Target:
    """Piecewise linear units whose corners are where sums are."""
    return _made(rng, "ramps", RAMPS, (*PLAIN, "half"), BIASES, 0.25)


def scales(rng: Random) -> Target:
    """Numbers beyond 64 bits, and so small that they have few digits left."""
    return _made(rng, "scales", EXACT, ("huge", "tiny", "scattered", "double"))


def unreachable(rng: Random) -> Target:
    """Several thresholds of a few sums: most combinations of hidden values never occur."""
    inputs = declare(rng)
    below = Exact(inputs[1])
    first = craft(rng, below, int(rng.integers(1, 3)), "sign", PLAIN, ("zero",), 0)
    times = int(rng.integers(2, 6))
    weight = np.repeat(first.dense_weight().astype(np.float64), times, axis=0)
    weight = weight * rng.choice([-1, 1, 1, 2], (len(weight), 1))
    chosen = craft(rng, below, len(weight), str(rng.choice(EXACT[:6])), PLAIN, ("tie", "between", "ulp"), 0)
    sums = layer_sums(weight, np.zeros(len(weight)), below).array
    rows = rng.integers(0, len(sums), len(weight))
    offset = rng.choice([0, 0.5, -0.5, 2.0**-40], len(weight))
    scaled = layer_sums(weight, np.zeros(len(weight)), below)
    bias = np.array([-float(scaled.fractions()[r, u]) for u, r in enumerate(rows)]) + offset
    layers = [Layer(weight, bias, chosen.activation)]
    below = with_activation(chosen.activation, layer_sums(weight, bias, below))
    more, _ = stack(rng, below, EXACT, int(rng.integers(1, 4)), PLAIN)
    return finished(rng, "unreachable", [*layers, *more], inputs)


def heads(rng: Random) -> Target:
    """Scores with common parts, common factors, mirrored or nearly equal, before an argmax or a softmax."""
    inputs = declare(rng)
    layers, below = stack(rng, Exact(inputs[1]), EXACT, int(rng.integers(0, 3)))
    scores = int(rng.integers(2, MOST_SCORES + 1))
    last = craft(rng, below, scores, "identity", (*PLAIN, "single"), BIASES, 0.4)
    weight, bias = last.dense_weight().astype(np.float64), last.bias.astype(np.float64)
    match int(rng.integers(0, 4)):
        case 0:
            weight, bias = weight + rng.integers(-4, 5, weight.shape[1]), bias + float(rng.integers(-9, 10))
        case 1:
            factor = float(rng.choice([3, 0.25, 2.0**40, 2.0**-60]))
            weight, bias = weight * factor, bias * factor
        case 2:
            weight[1], bias[1] = -weight[0], -bias[0]
        case _:
            weight[-1], bias[-1] = weight[0], float(np.nextafter(bias[0], rng.choice([-np.inf, np.inf])))
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        weight, bias = last.dense_weight(), last.bias
    return finished(rng, "heads", [*layers, Layer(weight, bias, "identity")], inputs, ("argmax", "softmax"))


def several_results(rng: Random) -> Target:
    """Results of several names and kinds."""
    inputs = declare(rng)
    layers, _ = stack(rng, Exact(inputs[1]), EXACT, int(rng.integers(1, 4)))
    last = layers[-1]
    kind = KINDS_OF.get(last.activation, "rat")
    wider = {"bit": ("bit", "int", "rat"), "trit": ("trit", "int", "rat"), "rat": ("rat",)}[kind]
    parts: list[str] = []
    left = last.units
    while left:
        size = int(rng.integers(1, left + 1))
        shape = "" if size == 1 and rng.random() < 0.5 else f"[{size}]"
        parts.append(f"{'abcdef'[len(parts)]}: {rng.choice(wider)}{shape}")
        left -= size
    return Target("several results", tuple(layers), *inputs, ", ".join(parts))
