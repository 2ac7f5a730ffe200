"""Layers whose sums are what is hardest to be right about: 0, next to 0, equal to others, or always on one side.

What a layer reads is known for all inputs, so that biases can be put exactly on attained sums, or next to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from ddcompile.frontends.network import Activation, Layer
from ddcompile.testing.attack.exact import Exact, layer_sums

__all__ = ["BIASES", "WEIGHTS", "biased", "copied", "craft"]

Random = np.random.Generator
Shape = tuple[int, int]


def _noisy_ones(rng: Random, shape: Shape) -> np.ndarray:
    """Signs with noise of one unit in the last place up to a tenth."""
    scale = 2.0 ** -rng.integers(3, 53)
    return np.asarray(rng.choice([-1.0, 1.0], shape) * (1 + scale * rng.integers(-2, 3, shape)))


def _scattered(rng: Random, shape: Shape) -> np.ndarray:
    """Numbers of very different sizes."""
    return np.asarray(rng.standard_normal(shape) * 2.0 ** rng.integers(-60, 60, shape))


def _few(rng: Random, shape: Shape) -> np.ndarray:
    """Two or three different numbers, each often."""
    return np.asarray(rng.choice(rng.integers(-5, 6, int(rng.integers(2, 4))), shape).astype(np.float64))


WEIGHTS: Mapping[str, Callable[[Random, Shape], np.ndarray]] = {
    "ones": lambda rng, shape: rng.integers(-1, 2, shape).astype(np.float64),
    "small": lambda rng, shape: rng.integers(-3, 4, shape).astype(np.float64),
    "few": _few,
    "dyadic": lambda rng, shape: rng.integers(-9, 10, shape) / 8,
    "powers": lambda rng, shape: rng.choice([-1.0, 1.0], shape) * 2.0 ** rng.integers(0, 7, shape),
    "half": lambda rng, shape: rng.standard_normal(shape).astype(np.float16).astype(np.float64),
    "single": lambda rng, shape: rng.standard_normal(shape).astype(np.float32).astype(np.float64),
    "double": lambda rng, shape: rng.standard_normal(shape),
    "noisy ones": _noisy_ones,
    "huge": lambda rng, shape: rng.integers(-(2**52), 2**52, shape) * 2.0 ** int(rng.integers(0, 300)),
    "tiny": lambda rng, shape: rng.integers(-9, 10, shape) * 5e-324,
    "scattered": _scattered,
}
PLAIN = ("ones", "small", "few", "dyadic", "powers")
BIASES = ("zero", "near", "far", "tie", "ulp", "hair", "between")


def craft(
    rng: Random,
    below: Exact,
    units: int,
    activation: Activation,
    styles: Sequence[str] = tuple(WEIGHTS),
    biases: Sequence[str] = BIASES,
    copies: float = 0.15,
) -> Layer:
    """A random layer over known values.

    Parameters
    ----------
    rng
    below
        What the layer reads, for all inputs.
    units, activation
    styles, biases
        What to choose from; a style is for the layer, a bias for a unit.
    copies
        The share of units that become copies of others, or multiples, or next to copies.
    """
    shape = (units, below.array.shape[1])
    weight = WEIGHTS[str(rng.choice(styles))](rng, shape)
    if rng.random() < 0.3:
        weight[rng.random(shape) < 0.5] = 0
    if rng.random() < 0.05:
        weight[int(rng.integers(0, units))] = 0
    bias = biased(rng, weight, below, [str(rng.choice(biases)) for _ in range(units)])
    weight, bias = copied(rng, weight, bias, copies)
    return Layer(weight, bias, activation)


def biased(rng: Random, weight: np.ndarray, below: Exact, kinds: Sequence[str]) -> np.ndarray:
    """A bias for every unit: 0, near 0, beyond all sums, minus an attained sum, next to one, between two."""
    sums = layer_sums(weight, np.zeros(len(weight)), below)
    return np.array([_bias(rng, kind, sums, unit) for unit, kind in enumerate(kinds)])


def _bias(rng: Random, kind: str, sums: Exact, unit: int) -> float:
    column = sums.array[:, unit]
    attained = _double(Fraction(-int(column[int(rng.integers(0, len(column)))]), 1 << sums.exp))
    match kind:
        case "near":
            return float(rng.integers(-8, 9)) / 4
        case "far":
            span = Fraction(int(column.max()) - int(column.min()) + 1, 1 << sums.exp)
            return _double(rng.choice([-1, 1]) * span - Fraction(int(column.min()), 1 << sums.exp))
        case "tie":
            return attained
        case "ulp":
            return float(np.nextafter(attained, rng.choice([-np.inf, np.inf])))
        case "hair":
            return attained + float(rng.choice([-1, 1])) * 10.0 ** -int(rng.integers(3, 14))
        case "between":
            different = sorted({int(v) for v in column})
            k = int(rng.integers(0, len(different)))
            pair = different[k], different[min(k + 1, len(different) - 1)]
            return _double(Fraction(-sum(pair), 2 << sums.exp))
    return 0.0


def _double(value: Fraction) -> float:
    """The nearest double; the largest where there is none."""
    try:
        return float(value)
    except OverflowError:
        return float(np.copysign(1.7e308, float(value > 0) - 0.5))


def copied(rng: Random, weight: np.ndarray, bias: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Some units become copies, negations, multiples, sums of other ones, or differ from them in one number."""
    weight, bias = weight.copy(), bias.copy()
    for unit in range(1, len(weight)):
        if rng.random() >= share:
            continue
        source, other = (int(k) for k in rng.integers(0, unit, 2))
        factor = float(rng.choice([1, 1, -1, 2, 0.5, -4, 3]))
        with np.errstate(over="ignore", invalid="ignore"):
            row, offset = factor * weight[source], factor * bias[source]
            match int(rng.integers(0, 6)):
                case 0:
                    offset = offset + float(rng.integers(-2, 3))
                case 1:
                    k = int(rng.integers(0, len(row)))
                    row[k] = np.nextafter(row[k], np.inf)
                case 2:
                    row, offset = row + weight[other], offset + bias[other]
                case 3:
                    row[int(rng.integers(0, len(row)))] += float(rng.choice([-1, 1]))
        if np.isfinite(row).all() and np.isfinite(offset):
            weight[unit], bias[unit] = row, offset
    return weight, bias
