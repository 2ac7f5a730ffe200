"""Networks over doubles: what is exact on them stays so, and what rounds rounds alike."""

from __future__ import annotations

from itertools import product

import numpy as np

from ddcompile.frontends.network import Layer
from ddcompile.testing.attack.crafted import EXACT, STEPS, finished, stack
from ddcompile.testing.attack.exact import layer_values, numbers
from ddcompile.testing.attack.target import Input, Target
from ddcompile.testing.attack.units import PLAIN, biased, craft

__all__ = ["over_rationals", "over_reals"]

Random = np.random.Generator
POOL = (0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, -2.5, 3.0, 5e-324, -(2.0**-1022), 2.0**53 + 2, 1e16, 1e300, -1.7e308)
STYLES = (*PLAIN, "half", "single", "double", "scattered")
MOST_ROWS = 400


def over_reals(rng: Random) -> Target:
    """Units that compare one value with a constant, most times; the others add up rounded numbers."""
    inputs, flat = _declared(rng, "real")
    below = numbers(flat)
    units = int(rng.integers(1, 9))
    first = craft(rng, below, units, str(rng.choice(STEPS)), STYLES)
    weight = first.dense_weight().astype(np.float64)
    if rng.random() < 0.8:
        column = rng.integers(0, flat.shape[1], units)
        weight = np.where(np.arange(flat.shape[1]) == column[:, None], weight, 0)
    bias = biased(rng, weight, below, [str(rng.choice(["zero", "near", "tie", "tie", "ulp"])) for _ in range(units)])
    layers = [Layer(weight, bias, first.activation)]
    more, _ = stack(rng, layer_values(layers[0], below), EXACT, int(rng.integers(0, 3)), PLAIN)
    return finished(rng, "over reals", [*layers, *more], (inputs, flat))


def over_rationals(rng: Random) -> Target:
    """Any units: sums of rationals are exact."""
    inputs, flat = _declared(rng, "rat")
    layers, _ = stack(rng, numbers(flat), EXACT, int(rng.integers(1, 4)), STYLES)
    return finished(rng, "over rationals", layers, (inputs, flat))


def _declared(rng: Random, kind: str) -> tuple[tuple[Input, ...], np.ndarray]:
    """One to three numbers, perhaps with bits beside them, and inputs that are at and next to a few doubles."""
    inputs = [Input("x", kind, (int(rng.integers(1, 4)),))]
    if rng.random() < 0.3:
        inputs.append(Input("y", "bit", (int(rng.integers(1, 3)),)))
    count = inputs[0].shape[0]
    most = int((MOST_ROWS / 2 ** sum(i.shape[0] for i in inputs[1:])) ** (1 / count))
    columns = [_near(rng, min(most, 12)) for _ in range(count)]
    columns += [np.array([0.0, 1.0])] * sum(i.shape[0] for i in inputs[1:])
    return tuple(inputs), np.array(list(product(*columns)))


def _near(rng: Random, most: int) -> np.ndarray:
    """Some doubles and their neighbours, each once."""
    chosen = rng.choice(POOL, max(1, most // 2))
    with np.errstate(over="ignore"):
        scaled = chosen * np.where(rng.random(len(chosen)) < 0.3, float(rng.standard_normal()), 1)
    chosen = np.where(np.isfinite(scaled), scaled, chosen)
    found = np.concatenate([chosen, np.nextafter(chosen, rng.choice([-np.inf, np.inf]))])
    _, first = np.unique(found[np.isfinite(found)], return_index=True)
    return np.asarray(found[np.isfinite(found)][np.sort(first)][:most])
