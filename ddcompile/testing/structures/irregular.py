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


def sparse_counts(units: int = 150, inputs: int = 80, most: int = 6) -> Structure:
    """Sign units over a few random inputs, as many for as against or not."""
    rng = np.random.default_rng(13)
    weight = np.zeros((units, inputs), dtype=np.int64)
    for row in weight:
        places = rng.permutation(inputs)[: rng.integers(2, most + 1)]
        row[places] = rng.choice([-1, 1], len(places))
    tables = []
    for name, sign in (("plus", 1), ("minus", -1)):
        starts = np.cumsum([0, *(weight == sign).sum(axis=1)])
        tables.append(f"const {name}_start: int[{units + 1}] = {starts.tolist()}")
        tables.append(f"const {name}: int[{starts[-1]}] = {np.nonzero(weight == sign)[1].tolist()}")
    plus, minus = (f"sum({n}_start[i] <= k < {n}_start[i + 1]: x[{n}[k]])" for n in ("plus", "minus"))
    text = rule_text(
        f"sparse_counts(x: bit[{inputs}]) -> (y: trit[{units}])", *tables, f"y[i < {units}] = sign({plus} - {minus})"
    )
    return Structure(text, Network((Layer(weight, np.zeros(units, dtype=np.int64), "sign"),)))


def sparse_plane(units: int = 120, height: int = 9, width: int = 12, each: int = 4) -> Structure:
    """Step units with thresholds of their own over random pixels."""
    rng = np.random.default_rng(14)
    places = np.array([np.sort(rng.permutation(height * width)[:each]) for _ in range(units)])
    bounds = rng.integers(1, each + 1, units)
    weight = np.zeros((units, height * width), dtype=np.int64)
    np.put_along_axis(weight, places, 1, axis=1)
    text = rule_text(
        f"sparse_plane(x: bit[{height}, {width}]) -> (y: bit[{units}])",
        f"const at: int[{units}, {each}] = {places.tolist()}",
        f"const bound: int[{units}] = {bounds.tolist()}",
        f"flat[k < {height * width}] = any(i < {height}: pad(x, 0)[i, k - {width} * i])",
        f"y[u < {units}] = sum(j < {each}: flat[at[u, j]]) >= bound[u]",
    )
    return Structure(text, Network((Layer(weight, 0.5 - bounds, "step"),)))


def half_sparse(length: int = 100, each: int = 4) -> Structure:
    """Signs of differences of neighbours, and as many over random inputs."""
    rng = np.random.default_rng(15)
    places = np.array([rng.permutation(length)[:each] for _ in range(length)])
    signs = np.repeat([1, -1], each // 2)
    random = np.zeros((length, length), dtype=np.int64)
    np.put_along_axis(random, places, np.broadcast_to(signs, places.shape), axis=1)
    own = np.arange(length)
    ring = np.zeros((length, length), dtype=np.int64)
    ring[own, own], ring[own, (own + 1) % length] = 1, -1
    text = rule_text(
        f"half_sparse(x: bit[{length}]) -> (y: trit[{2 * length}])",
        f"const at: int[{length}, 2, {each // 2}] = {places.reshape(length, 2, -1).tolist()}",
        f"y[i < {length}] = sign(x[i] - x[(i + 1) % {length}])",
        f"y[{length} <= i < {2 * length}] = "
        f"sign(sum(j < {each // 2}: x[at[i - {length}, 0, j]] - x[at[i - {length}, 1, j]]))",
    )
    weight = np.concatenate([ring, random])
    return Structure(text, Network((Layer(weight, np.zeros(2 * length, dtype=np.int64), "sign"),)))


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
    for build, small in (
        (sparse, (6, 8, 4)),
        (sparse_hidden, (6, 8, 3)),
        (sparse_counts, (6, 8, 4)),
        (sparse_plane, (6, 3, 4, 3)),
        (half_sparse, (6, 4)),
        (dense, (3, 5)),
        (dense_hidden, (5, 4)),
    )
)
