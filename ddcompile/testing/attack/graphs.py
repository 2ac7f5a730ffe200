"""Networks whose layers read several earlier ones, are sparse or pointwise, clamp, or are normalised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ddcompile.frontends.network import INPUTS, Layer, Pointwise, Sparse
from ddcompile.frontends.normalization import Norm
from ddcompile.testing.attack.crafted import EXACT, STEPS, finished
from ddcompile.testing.attack.exact import Exact, joined, layer_values
from ddcompile.testing.attack.target import Target, declare
from ddcompile.testing.attack.units import PLAIN, WEIGHTS, biased, craft

__all__ = ["graphs", "sparse"]

Random = np.random.Generator
BIASES = ("zero", "near", "tie", "ulp", "between")
CLAMPS = ("clamp[-1..2]", "clamp[0..1]", "clamp[-0.5..0.75]", "clamp[1..3]", "clamp[..2]", "clamp[-2..]", "clamp[1..1]")
VARIANCES = (1.0, 4.0, 0.25, 2.0, 0.1, 1e-12)


def graphs(rng: Random) -> Target:
    """Layers that read the inputs and each other, by full, sparse and pointwise weights."""
    inputs = declare(rng)
    values = [Exact(inputs[1])]
    layers: list[Layer] = []
    for number in range(int(rng.integers(2, 6))):
        reads = _reads(rng, number)
        below = [values[other - INPUTS] for other in reads]
        layer = replace(_layer(rng, below), reads=reads)
        layers.append(layer)
        values.append(layer_values(layer, joined(below)))
    last = layers[-1]
    target = finished(rng, "graphs", layers, inputs)
    return replace(target, layers=(*layers[:-1], replace(last, activation=target.layers[-1].activation, norm=None)))


def _reads(rng: Random, number: int) -> tuple[int, ...]:
    """The layer before, most times, and others."""
    others = rng.permutation(np.arange(INPUTS, number)).tolist()[: int(rng.choice([1, 1, 2, 3]))]
    found = [number - 1, *others] if rng.random() < 0.8 else others
    return tuple(dict.fromkeys(found))


def _layer(rng: Random, below: list[Exact]) -> Layer:
    activation = str(rng.choice(CLAMPS if rng.random() < 0.25 else EXACT))
    together = joined(below)
    widths = {each.array.shape[1] for each in below}
    if len(widths) == 1 and rng.random() < 0.5:
        (units,) = widths
        weight = Pointwise(WEIGHTS[str(rng.choice(PLAIN))](rng, (len(below), units)))
        kinds = [str(rng.choice(BIASES)) for _ in range(units)]
        layer = Layer(weight, biased(rng, weight.sparse().dense(), together, kinds), activation)
    else:
        layer = craft(rng, together, int(rng.integers(1, 7)), activation, (*PLAIN, "single"), BIASES, 0.2)
        if rng.random() < 0.3:
            layer = replace(layer, weight=thin(rng, layer.dense_weight(), 0.5))
    return replace(layer, norm=_norm(rng, layer.units)) if activation in STEPS and rng.random() < 0.3 else layer


def _norm(rng: Random, units: int) -> Norm:
    """Statistics of which some make values 0 that a sum attains."""
    return Norm(
        rng.integers(-4, 5, units) / 2,
        rng.choice(VARIANCES, units),
        rng.choice([1.0, -1.0, 0.5, 0.0, 3.0], units),
        rng.choice([0.0, 1.0, -1.0, 0.5, 0.1], units),
        float(rng.choice([0.0, 1e-5])),
    )


def thin(rng: Random, weight: np.ndarray, share: float) -> Sparse:
    """Some of the entries, as sparse rows."""
    rows, columns = np.nonzero((rng.random(weight.shape) < share) & (weight != 0))
    return Sparse(weight[rows, columns], columns, np.searchsorted(rows, np.arange(len(weight) + 1)), weight.shape)


def sparse(rng: Random) -> Target:
    """Many units that read a few others each, anywhere."""
    inputs = declare(rng)
    below = Exact(inputs[1])
    layers: list[Layer] = []
    activations = STEPS if rng.random() < 0.7 else EXACT
    for _ in range(int(rng.integers(1, 4))):
        units, width = int(rng.integers(4, 33)), below.array.shape[1]
        weight = WEIGHTS[str(rng.choice(PLAIN))](rng, (units, width))
        read = min(width, int(rng.integers(1, 5)))
        kept = rng.permuted(np.tile(np.arange(width), (units, 1)), axis=1) < read
        weight[~kept] = 0
        bias = biased(rng, weight, below, [str(rng.choice(BIASES)) for _ in range(units)])
        layers.append(Layer(thin(rng, weight, 1.0), bias, str(rng.choice(activations))))
        below = layer_values(layers[-1], below)
    if rng.random() < 0.5:
        layers.append(craft(rng, below, int(rng.integers(1, 4)), str(rng.choice(EXACT)), ("ones", "small"), BIASES))
    return finished(rng, "sparse", layers, inputs)
