"""Structures of which 3 % of the units are replaced at random, drawn by a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.types import extents
from ddcompile.testing.structures.composed import PARTS, part
from ddcompile.testing.structures.structure import Structure

__all__ = ["corrupted"]

_SHARE = 0.03
_TABLE = 25
"""What a table of weights costs besides its entries: declared, and read in a sum."""
_NAMED = 12
"""What it costs to name a hidden tensor that an exception reads."""


def corrupted(seed: int) -> Structure:
    """A structure with 3 % of its units, at least one, replaced by units that have nothing to do with it.

    A replaced unit has a few weights of the old one changed, or few weights, or as many as there are operands. The cost
    is that of the structure and of every exception: its sum, or what is added to the old one, where an `if` puts it.
    """
    rng = np.random.default_rng([seed, 1])
    structure = part(int(rng.integers(len(PARTS))))
    layers = list(structure.plain.layers)
    units = [(k, u) for k, layer in enumerate(layers) for u in range(layer.units)]
    count = max(1, round(_SHARE * len(units)))
    extra = 0
    named: set[int] = set()
    rank = len(extents(structure.rule.inputs[0].type))
    for place in sorted(rng.choice(len(units), count, replace=False).tolist()):
        k, u = units[place]
        layer = layers[k]
        weight, bias = layer.dense_weight().copy(), layer.bias.astype(np.float64)
        old = weight[u].copy()
        weight[u], bias[u] = _replaced(old, bias[u], rng)
        layers[k] = Layer(weight, bias, layer.activation)
        extra += _price(weight[u], old, rank) + (_NAMED if k and k not in named else 0)
        named.add(k)
    return replace(structure, plain=Network(tuple(layers)), extra=extra)


def _replaced(old: np.ndarray, bias: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The weights and the bias of another unit."""
    kind = rng.choice(["changed", "few", "all"], p=[0.4, 0.4, 0.2])
    if kind == "changed":
        new = old.copy()
        for place in rng.choice(len(old), min(len(old), int(rng.integers(1, 3))), replace=False):
            new[place] += rng.choice([-2, -1, 1, 2])
        return new, bias
    new = np.zeros_like(old)
    if kind == "few":
        chosen = rng.choice(len(old), min(len(old), int(rng.integers(2, 5))), replace=False)
        new[chosen] = rng.choice([-2, -1, 1, 2], len(chosen))
    else:
        new[:] = rng.integers(-2, 3, len(old))
    return new, 0.5 - int(np.floor(new.sum() / 2 + 1))


def _price(new: np.ndarray, old: np.ndarray, rank: int) -> int:
    """The cost of a sum, or of what is added to the old one, under a condition for every coordinate."""
    whole = min(_terms(new, rank), _TABLE + len(new)) + 2
    added = _terms(new - old, rank) + 2
    return min(whole, added) + 4 * rank + 4


def _terms(weights: np.ndarray, rank: int) -> int:
    """The cost of a sum of operands by their places."""
    used = weights[weights != 0]
    return int((2 * rank + 3) * len(used) + 2 * (np.abs(used) != 1).sum())
