"""Networks from circuits: gates by name, one layer a level, and copies of what later levels read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import Unit, steps

__all__ = ["levelled", "rectified"]


def _levels(inputs: Sequence[str], gates: Mapping[str, Unit]) -> dict[str, int]:
    """The level of every wire; a gate stands after what it reads in the mapping."""
    level = dict.fromkeys(inputs, 0)
    for name, (weights, _) in gates.items():
        level[name] = 1 + max(level[operand] for operand in weights)
    return level


def _rows(
    inputs: Sequence[str], gates: Mapping[str, Unit], results: Sequence[str], depth: int
) -> list[tuple[np.ndarray, list[int | None]]]:
    """For every level the weights, and the numbers of the gates; a copy has None."""
    level = _levels(inputs, gates)
    last = dict.fromkeys(level, 0)
    for name, (weights, _) in gates.items():
        for operand in weights:
            last[operand] = max(last[operand], level[name])
    last |= dict.fromkeys(results, depth + 1)
    before = list(inputs)
    layers = []
    for k in range(1, depth + 1):
        wires = [name for name in level if level[name] == k or (level[name] < k < last[name])]
        wires = list(results) if k == depth else wires
        weight = np.zeros((len(wires), len(before)), dtype=np.int64)
        numbers: list[int | None] = []
        for row, name in zip(weight, wires, strict=True):
            own, number = gates[name] if level[name] == k else ({name: 1}, None)
            for operand, value in own.items():
                row[before.index(operand)] += value
            numbers.append(number)
        layers.append((weight, numbers))
        before = wires
    return layers


def levelled(inputs: Sequence[str], gates: Mapping[str, Unit], results: Sequence[str]) -> Network:
    """A network of step units: a gate is 1 where its weighted sum is at least its bound."""
    depth = max(_levels(inputs, gates).values())
    layers = _rows(inputs, gates, results, depth)
    return Network(tuple(steps(weight, [1 if n is None else n for n in bounds]) for weight, bounds in layers))


def rectified(inputs: Sequence[str], gates: Mapping[str, Unit], results: Mapping[str, Mapping[str, int]]) -> Network:
    """A network of relus over numbers that are not negative: a gate is its weighted sum plus its number, or 0.

    The results are sums of gates and inputs.
    """
    operands = list(dict.fromkeys(operand for weights in results.values() for operand in weights))
    level = _levels(inputs, gates)
    layers = [
        Layer(weight, np.array([number or 0 for number in numbers]), "relu")
        for weight, numbers in _rows(inputs, gates, operands, max(level[operand] for operand in operands))
    ]
    last = np.zeros((len(results), len(operands)), dtype=np.int64)
    for row, weights in zip(last, results.values(), strict=True):
        for operand, value in weights.items():
            row[operands.index(operand)] += value
    return Network((*layers, Layer(last, np.zeros(len(results), dtype=np.int64), "identity")))
