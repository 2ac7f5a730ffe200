"""Networks that have a structure, most of them disturbed in a few places: what passes look for, nearly there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import extents
from ddcompile.testing.attack.crafted import finished, stack
from ddcompile.testing.attack.exact import outputs
from ddcompile.testing.attack.target import MOST_ROWS, Input, Target, declare, grid
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.disguised import disguised_network
from ddcompile.testing.inputs import input_values
from ddcompile.testing.operands import THRESHOLD
from ddcompile.testing.structures import STRUCTURES
from ddcompile.testing.transforms import add_dead_units, duplicate_units, flip_signs, scale_rows, shuffle_units

__all__ = ["families", "repeated", "rules", "scans", "side_by_side", "structures", "tables"]

Random = np.random.Generator
MOST_PARAMETERS = 4000
ACTIVATIONS = ("step", "sign", "nonnegative", "relu")


def disturbed(rng: Random, layers: Sequence[Layer], share: float = 0.6) -> list[Layer]:
    """In most cases a few weights or biases become others: off by one, negated, 0, a hair off, swapped."""
    changed = list(layers)
    if rng.random() >= share:
        return changed
    for _ in range(int(rng.integers(1, 4))):
        k = int(rng.integers(0, len(changed)))
        layer = changed[k]
        table = np.concatenate([layer.dense_weight(), layer.bias[:, None]], axis=1).astype(np.float64)
        u, v = (int(n) for n in rng.integers(0, table.shape, 2))
        match int(rng.integers(0, 6)):
            case 0:
                table[u, v] += float(rng.choice([-1, 1]))
            case 1:
                table[u, v] = -table[u, v]
            case 2:
                table[u, v] = 0
            case 3:
                table[u, v] = np.nextafter(table[u, v], rng.choice([-np.inf, np.inf]))
            case 4:
                table[u, [v, 0]] = table[u, [0, v]]
            case _:
                table[u] = -table[u]
        changed[k] = Layer(table[:, :-1], table[:, -1], layer.activation)
    return changed


def shuffled(rng: Random, layers: Sequence[Layer]) -> list[Layer]:
    """Units in another order, doubled, negated, scaled, among dead ones."""
    network = Network(tuple(layers))
    for change in (duplicate_units, add_dead_units, flip_signs, scale_rows):
        if rng.random() < 0.3:
            network = change(network, rng)
    return list(shuffle_units(network, rng).layers)


def structures(rng: Random) -> Target:
    """The networks of known structure, small, disguised and disturbed."""
    while True:
        case = STRUCTURES[str(rng.choice(list(STRUCTURES)))]
        structure = case.build(*case.small)
        found = _of_rule(structure.rule)
        if found is None:
            continue
        seed = None if rng.random() < 0.2 else int(rng.integers(0, 1000))
        network = structure.network(seed)
        if network.parameters <= MOST_PARAMETERS:
            layers = disturbed(rng, network.layers)
            return Target("structures", tuple(layers), *found, None, structure.head)


def rules(rng: Random) -> Target:
    """Random rules, unrolled and disguised, and disturbed."""
    while True:
        made = disguised_network(RandomChoose(int(rng.integers(0, 2**31))), THRESHOLD, plain=bool(rng.random() < 0.3))
        if made is None or made.network.parameters > MOST_PARAMETERS:
            continue
        found = _of_rule(made.rule)
        if found is not None:
            return Target("rules", tuple(disturbed(rng, made.network.layers)), *found)


def _of_rule(rule: Rule) -> tuple[tuple[Input, ...], np.ndarray] | None:
    """The inputs of a rule, and all of their values; None where they are too many."""
    values = input_values(rule)
    if values is None or prod(map(len, values)) > MOST_ROWS:
        return None
    inputs = []
    for d in rule.inputs:
        ends = f"[{d.type.low}..{d.type.high}]" if d.type.kind == "int" else ""
        inputs.append(Input(d.name, f"{d.type.kind}{ends}", extents(d.type)))
    axes = np.meshgrid(*(np.array(v, dtype=np.int64) for v in values), indexing="ij")
    return tuple(inputs), np.stack([a.ravel() for a in axes], axis=1)


def tables(rng: Random) -> Target:
    """A unit for each row of a truth table, then their sum: any function of few inputs, some nearly symmetric."""
    count = int(rng.integers(1, 6))
    inputs = (Input("x", str(rng.choice(["bit", "spin"])), (count,)),)
    flat = grid(inputs)
    assert flat is not None
    low = int(flat.min())
    ones = flat.sum(axis=1)
    match int(rng.integers(0, 3)):
        case 0:
            truth = rng.random(len(flat)) < rng.random()
        case 1:
            truth = rng.random(2 * count + 1)[ones + count] < 0.5
        case _:
            truth = (rng.random(2 * count + 1)[ones + count] < 0.5) ^ (rng.random(len(flat)) < 0.05)
    rows = np.flatnonzero(truth)
    if not len(rows):
        rows = np.array([0])
    signs = np.where(flat[rows] > low, 1, -1)
    reached = (signs * flat[rows]).sum(axis=1)
    activation = str(rng.choice(["step", "sign"]))
    layers = [Layer(signs, 0.5 - reached, activation)]
    offset = 0.5 if activation == "step" else float(len(rows)) - 1
    layers.append(Layer(np.ones((1, len(rows))), np.array([-0.5 if activation == "step" else offset]), "step"))
    return Target("tables", tuple(shuffled(rng, disturbed(rng, layers, 0.3))), inputs, flat)


def families(rng: Random) -> Target:
    """One unit at many places: windows, pairs, columns, with exceptions; random layers on top."""
    inputs, flat = declare(rng)
    n = flat.shape[1]
    places = _places(rng, n)
    kernel = rng.integers(-2, 3, len(places[0])).astype(np.float64)
    kernel[0] = kernel[0] or 1
    weight = np.zeros((len(places), n))
    for row, place in zip(weight, places, strict=True):
        for factor, at in zip(kernel, place, strict=True):
            if 0 <= at < n:
                row[at] += factor
    bias = np.full(len(weight), float(rng.integers(-3, 4)) + float(rng.choice([0, 0.5, 2.0**-30])))
    layers = [Layer(weight, bias, str(rng.choice(ACTIVATIONS)))]
    if rng.random() < 0.6:
        mixed = float(rng.integers(1, 4)) * np.ones((1, len(weight)))
        layers.append(Layer(mixed, np.array([-float(rng.integers(0, len(weight) + 1))]), "sign"))
    layers = shuffled(rng, disturbed(rng, layers))
    return finished(rng, "families", layers, (inputs, flat))


def _places(rng: Random, n: int) -> list[tuple[int, ...]]:
    """Which values each unit of a family reads, in the order of one kernel; some beyond the ends."""
    size = int(rng.integers(1, min(n, 4) + 1))
    match int(rng.integers(0, 5)):
        case 0:
            return [tuple((i + d) % n for d in range(size)) for i in range(n)]
        case 1:
            return [tuple(i + d - 1 for d in range(size)) for i in range(n)]
        case 2:
            step = int(rng.integers(1, 3))
            return [tuple(i + d for d in range(size)) for i in range(0, max(1, n - size + 1), step)]
        case 3 if n > 1:
            return list(combinations(range(n), 2))
        case _:
            return [tuple(range(i, min(n, i + size))) + (n,) * (i + size - min(n, i + size)) for i in range(0, n, size)]


def repeated(rng: Random) -> Target:
    """Equal layers on a line or a ring, some with an odd one among them."""
    n = int(rng.integers(2, 13))
    kind = str(rng.choice(["bit", "spin", "trit"]))
    inputs = (Input("x", kind, (min(n, 8) if kind == "trit" else n,)),)
    flat = grid(inputs)
    assert flat is not None
    n = flat.shape[1]
    wrap, width = bool(rng.random() < 0.5), int(rng.integers(1, 4))
    kernel = rng.integers(-3, 4, width)
    start = int(rng.integers(-2, 2))
    weight = np.zeros((n, n))
    for i in range(n):
        for d, factor in enumerate(kernel, start):
            if wrap or 0 <= i + d < n:
                weight[i, (i + d) % n] += factor
    bias = np.full(n, float(rng.integers(-3, 3)) + float(rng.choice([0, 0.5])))
    layer = Layer(weight, bias, str(rng.choice(["step", "sign", "hardtanh"])))
    layers = [layer] * int(rng.integers(2, 5))
    return Target("layers in time", tuple(shuffled(rng, disturbed(rng, layers, 0.4))), inputs, flat)


def scans(rng: Random) -> Target:
    """One unit after the other along a chain, each reading its forerunner and the next input; all copied through."""
    n = int(rng.integers(2, 6))
    pair = bool(rng.random() < 0.4)
    inputs = (Input("x", "bit", (2, n) if pair else (n,)),)
    flat = grid(inputs)
    assert flat is not None
    activation = str(rng.choice(["step", "sign"]))
    own, carried = (rng.integers(-2, 3, 2) for _ in range(2))
    bound = float(rng.integers(-1, 3)) - 0.5
    width = flat.shape[1]
    layers: list[Layer] = []
    for t in range(n):
        rows = [np.eye(width)[k] for k in range(width)]
        offsets = [0.0 if activation == "sign" else -0.5] * width
        new = np.zeros(width)
        new[t] += float(own[0])
        if pair:
            new[n + t] += float(own[1])
        if t:
            new[width - 1] += float(carried[0])
        rows.append(new)
        offsets.append(-bound)
        layers.append(Layer(np.array(rows), np.array(offsets), activation))
        width += 1
    keep = np.eye(width)[flat.shape[1] :]
    layers.append(Layer(keep, np.full(len(keep), -0.5 if activation == "step" else 0.0), activation))
    return Target("scans", tuple(shuffled(rng, disturbed(rng, layers, 0.4))), inputs, flat)


def side_by_side(rng: Random) -> Target:
    """Two networks on their own halves of the input, and a layer that reads both."""
    while True:
        parts = [families(rng) for _ in range(2)]
        sides = [list(p.layers[:-1]) or list(p.layers) for p in parts]
        depth = min(map(len, sides))
        sides = [s[:depth] for s in sides]
        same = all(a.activation == b.activation for a, b in zip(*sides, strict=True))
        inputs = tuple(Input(f"{i.name}{k}", i.kind, i.shape) for k, p in enumerate(parts) for i in p.inputs)
        values = [np.unique(column) for p in parts for column in p.flat.T]
        if not same or prod(map(len, values)) > MOST_ROWS:
            continue
        axes = np.meshgrid(*values, indexing="ij")
        flat = np.stack([a.ravel() for a in axes], axis=1)
        layers = [_blocks(a, b) for a, b in zip(*sides, strict=True)]
        below = outputs(layers, flat, None)
        more, _ = stack(rng, below, ("sign", "step"), 1, ("ones", "small"))
        return finished(rng, "side by side", [*layers, *more], (inputs, flat))


def _blocks(first: Layer, second: Layer) -> Layer:
    a, b = first.dense_weight().astype(np.float64), second.dense_weight().astype(np.float64)
    weight = np.zeros((len(a) + len(b), a.shape[1] + b.shape[1]))
    weight[: len(a), : a.shape[1]], weight[len(a) :, a.shape[1] :] = a, b
    return Layer(weight, np.concatenate([first.bias, second.bias]).astype(np.float64), first.activation)
