"""Layers without structure: the rule is one loop over constant tables, and costs no more than the network."""

from __future__ import annotations

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.structure import Case, Structure, rule_text

__all__ = ["IRREGULAR"]


def sparse(units: int = 1000, inputs: int = 1000, each: int = 4) -> Structure:
    """Sign units over a few random inputs each, half of which count against."""
    rng = np.random.default_rng(9)
    places = np.array([rng.permutation(inputs)[:each] for _ in range(units)])
    signs = np.repeat([1, -1], each // 2)
    weight = np.zeros((units, inputs), dtype=np.int64)
    np.put_along_axis(weight, places, np.broadcast_to(signs, places.shape), axis=1)
    text = rule_text(
        f"sparse(x: bit[{inputs}]) -> (y: trit[{units}])",
        f"const at: int[{units}, 2, {each // 2}] = {places.reshape(units, 2, -1).tolist()}",
        f"y[i < {units}] = sign(sum(j < {each // 2}: x[at[i, 0, j]] - x[at[i, 1, j]]))",
    )
    return Structure(text, Network((Layer(weight, np.zeros(units, dtype=np.int64), "sign"),)))


def sparse_hidden(units: int = 120, inputs: int = 60, each: int = 3) -> Structure:
    """How many of some step units over random inputs are 1."""
    rng = np.random.default_rng(10)
    places = np.array([np.sort(rng.permutation(inputs)[:each]) for _ in range(units)])
    weight = np.zeros((units, inputs), dtype=np.int64)
    np.put_along_axis(weight, places, 1, axis=1)
    hidden = Layer(weight, np.full(units, 0.5 - each // 2 - 1), "step")
    last = Layer(np.ones((1, units), dtype=np.int64), np.array([0.5 - units // 2]), "step")
    text = rule_text(
        f"sparse_hidden(x: bit[{inputs}]) -> (y: bit)",
        f"const at: int[{units}, {each}] = {places.tolist()}",
        f"y = sum(i < {units}: sum(j < {each}: x[at[i, j]]) >= {each // 2 + 1}) >= {units // 2}",
    )
    return Structure(text, Network((hidden, last)))


def dense(units: int = 30, inputs: int = 50) -> Structure:
    """Sign units with random weights."""
    rng = np.random.default_rng(11)
    weight = rng.integers(-3, 4, (units, inputs))
    text = rule_text(
        f"dense(x: bit[{inputs}]) -> (y: trit[{units}])",
        f"const w: int[{units}, {inputs}] = {weight.tolist()}",
        f"y[i < {units}] = sign(sum(j < {inputs}: w[i, j] * x[j]))",
    )
    return Structure(text, Network((Layer(weight, np.zeros(units, dtype=np.int64), "sign"),)))


def dense_hidden(inputs: int = 12, units: int = 10) -> Structure:
    """Two layers of step units with random weights."""
    rng = np.random.default_rng(12)
    first, second = rng.integers(-3, 4, (units, inputs)), rng.integers(-3, 4, (1, units))
    text = rule_text(
        f"dense_hidden(x: bit[{inputs}]) -> (y: bit)",
        f"const w: int[{units}, {inputs}] = {first.tolist()}",
        f"const v: int[{units}] = {second[0].tolist()}",
        f"y = sum(i < {units}: v[i] * (sum(j < {inputs}: w[i, j] * x[j]) >= 1)) >= 1",
    )
    bias = np.full(units, -0.5)
    return Structure(text, Network((Layer(first, bias, "step"), Layer(second, bias[:1], "step"))))


IRREGULAR = tuple(
    Case("irregular", build, small)
    for build, small in ((sparse, (6, 8, 4)), (sparse_hidden, (6, 8, 3)), (dense, (3, 5)), (dense_hidden, (5, 4)))
)
