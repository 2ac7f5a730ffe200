"""Two structures in one network: side by side, over the same input, or one feeding the other; drawn by a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Declaration, Rule
from ddcompile.ir.printer import print_rule
from ddcompile.passes.rewrite import renamed
from ddcompile.testing.structures.cones import life
from ddcompile.testing.structures.depth import rule110
from ddcompile.testing.structures.families import exact_columns, exceptions, parity_blocks, rows_on_a_ring
from ddcompile.testing.structures.stencils import (
    cropped_square,
    dilated_ring,
    edges,
    one_sided_ring,
    padded_count,
    padded_line,
    padded_square,
    ring_vote,
    torus,
)
from ddcompile.testing.structures.structure import Build, Structure
from ddcompile.testing.structures.sums import (
    all_but,
    blocks,
    columns,
    crosses,
    diagonals,
    half_rows,
    rows,
    strides,
    triangle_rows,
    windows,
    wrapped_diagonals,
)
from ddcompile.testing.structures.yardsticks import rule30

__all__ = ["PARTS", "composed", "part"]

PARTS: tuple[tuple[Build, tuple[int, ...]], ...] = (
    (rows, (8, 8)),
    (columns, (8, 8)),
    (blocks, (4, 2)),
    (all_but, (8, 8)),
    (half_rows, (8, 8)),
    (wrapped_diagonals, (8,)),
    (diagonals, (8, 4)),
    (triangle_rows, (8,)),
    (crosses, (8,)),
    (padded_square, (8,)),
    (padded_count, (8,)),
    (cropped_square, (8,)),
    (torus, (8,)),
    (edges, (8,)),
    (exact_columns, (8, 8)),
    (parity_blocks, (4,)),
    (exceptions, (8, 8)),
    (life, (8,)),
    (windows, (16, 5)),
    (strides, (4, 4)),
    (ring_vote, (16,)),
    (padded_line, (16,)),
    (dilated_ring, (16,)),
    (one_sided_ring, (16,)),
    (rule30, (16,)),
    (rule110, (16, 2)),
    (exact_columns, (5, 16)),
    (rows_on_a_ring, (16, 5)),
    (rows_on_a_ring, (8, 5)),
)
"""Builders with arguments at which many have the same input, or results that are another's input."""


@cache
def part(number: int) -> Structure:
    """One of the parts."""
    build, arguments = PARTS[number]
    return build(*arguments)


def composed(seed: int) -> Structure:
    """Two structures in one network, both drawn by a seed.

    Their cost is that of both rules but for the signature that they share.
    """
    rng = np.random.default_rng([seed, 0])
    ways = [_beside, _over, _into]
    way = ways[int(rng.integers(len(ways)))]
    pairs = [(a, b) for a in range(len(PARTS)) for b in range(len(PARTS)) if a != b]
    for k in rng.permutation(len(pairs)).tolist():
        found = way(*(part(p) for p in pairs[k]))
        if found is not None:
            return found
    raise AssertionError("no two parts fit")


def _beside(first: Structure, second: Structure) -> Structure:
    """Two structures, each over its own input."""
    one, other = _renamed(first.rule, ""), _renamed(second.rule, "2")
    return _both(one, other, (*one.inputs, *other.inputs), _stacked(first.plain, second.plain, shared=False))


def _over(first: Structure, second: Structure) -> Structure | None:
    """Two structures over one input; None if theirs differ."""
    if first.inputs != second.inputs:
        return None
    one = _renamed(first.rule, "")
    other = _renamed(second.rule, "2", keep={second.rule.inputs[0].name: one.inputs[0].name})
    return _both(one, other, one.inputs, _stacked(first.plain, second.plain, shared=True))


def _into(first: Structure, second: Structure) -> Structure | None:
    """The second structure over the results of the first; None if those are not its input."""
    if first.rule.outputs[0].type != second.rule.inputs[0].type:
        return None
    one = _renamed(first.rule, "")
    other = _renamed(second.rule, "2", keep={second.rule.inputs[0].name: one.outputs[0].name})
    statements = (*one.statements, *other.statements)
    rule = Rule("composed", one.inputs, other.outputs, statements, (*one.constants, *other.constants))
    layers = (Layer(each.weight, each.bias, each.activation) for each in (*first.plain.layers, *second.plain.layers))
    return Structure(print_rule(rule), Network(tuple(layers)))


def _both(one: Rule, other: Rule, inputs: tuple[Declaration, ...], network: Network) -> Structure:
    statements = (*one.statements, *other.statements)
    rule = Rule("composed", inputs, (*one.outputs, *other.outputs), statements, (*one.constants, *other.constants))
    return Structure(print_rule(rule), network)


def _renamed(rule: Rule, suffix: str, keep: Mapping[str, str] | None = None) -> Rule:
    """The rule with a suffix to all its names but some, which get others; inputs are x, results y."""
    names = {d.name: f"x{suffix}" for d in rule.inputs} | {d.name: f"y{suffix}" for d in rule.outputs}
    for name in (*(s.target for s in rule.statements), *(c.name for c in rule.constants)):
        names.setdefault(name, f"{name}_{suffix or 1}")
    names |= keep or {}
    statements = [renamed(s, names) for s in rule.statements]
    inputs, outputs = (tuple(replace(d, name=names[d.name]) for d in ds) for ds in (rule.inputs, rule.outputs))
    constants = tuple(replace(c, name=names[c.name]) for c in rule.constants)
    return Rule(rule.name, inputs, outputs, tuple(statements), constants)


def _stacked(first: Network, second: Network, *, shared: bool) -> Network:
    """Two networks of step units as one; the results of the shorter one are copied on."""
    depth = max(len(first.layers), len(second.layers))
    layers = []
    for k, (one, other) in enumerate(zip(_padded(first, depth), _padded(second, depth), strict=True)):
        a, b = one.dense_weight(), other.dense_weight()
        if shared and k == 0:
            weight = np.concatenate([a, b])
        else:
            weight = np.zeros((len(a) + len(b), a.shape[1] + b.shape[1]), dtype=np.result_type(a, b))
            weight[: len(a), : a.shape[1]] = a
            weight[len(a) :, a.shape[1] :] = b
        layers.append(Layer(weight, np.concatenate([one.bias, other.bias]), "step"))
    return Network(tuple(layers))


def _padded(network: Network, depth: int) -> Iterator[Layer]:
    assert all(layer.activation == "step" for layer in network.layers)
    yield from network.layers
    units = network.layers[-1].units
    for _ in range(depth - len(network.layers)):
        yield Layer(np.eye(units, dtype=np.int64), np.full(units, -0.5), "step")
