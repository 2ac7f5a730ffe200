"""The sets in which the values of each layer lie: from a least to a greatest, in equal steps, unit by unit, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from ddcompile.frontends.activations import SMOOTH, bounds
from ddcompile.frontends.declarations import extents
from ddcompile.frontends.grids import DECIDING, exponent_of
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.weights import Pointwise, Sparse, numerators
from ddcompile.ir.nodes import Declaration

__all__ = ["Spans", "spans_of", "weights_of"]

_KINDS = {"bit": (0, 1, 1), "spin": (-1, 1, 2), "trit": (-1, 1, 1), "int": (-(2**63), 2**63 - 1, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """For every unit `low`, `high` and `step`, Python integers that count `2**-exponent`; a step of 0 is one value."""

    low: np.ndarray
    high: np.ndarray
    step: np.ndarray
    exponent: int

    def least(self) -> Fraction:
        """The least value of any unit."""
        return Fraction(min(self.low), 1 << self.exponent)

    def greatest(self) -> Fraction:
        """The greatest value of any unit."""
        return Fraction(max(self.high), 1 << self.exponent)

    def common_step(self) -> Fraction:
        """The step between the values of all units together."""
        steps = [*self.step.tolist(), *(self.low - self.low[0]).tolist()]
        return Fraction(int(np.gcd.reduce(np.array(steps, dtype=object))), 1 << self.exponent)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Whether a number of each unit, counted likewise, lies in its set."""
        step = np.where(self.step == 0, 1, self.step)
        inside: np.ndarray = (points >= self.low) & (points <= self.high) & ((points - self.low) % step == 0)
        return inside.astype(bool)


def spans_of(network: Network, inputs: Sequence[Declaration]) -> Mapping[int, tuple[Spans | None, Spans | None]]:
    """Of every layer the sets of its sums and of its values, and of the inputs twice that of their values.

    None where they are rationals of unknown denominators, or reals.
    """
    given = _inputs(inputs)
    found: dict[int, tuple[Spans | None, Spans | None]] = {INPUTS: (given, given)}
    for k, layer in enumerate(network.layers):
        sums = _sums(layer, [found[r][1] for r in layer.reads])
        found[k] = sums, _values(layer, sums)
    return found


def weights_of(layer: Layer) -> np.ndarray:
    """The weights that are stored, flat."""
    match layer.weight:
        case Sparse(data):
            return data
        case Pointwise(factors):
            return factors.ravel()
        case dense:
            return dense.ravel()


def _inputs(inputs: Sequence[Declaration]) -> Spans | None:
    columns: list[list[int]] = [[], [], []]
    for declaration in inputs:
        kind = declaration.type
        if kind.kind not in _KINDS:
            return None
        low, high, step = _KINDS[kind.kind]
        low = low if kind.low is None else kind.low
        high = high if kind.high is None else kind.high
        for column, value in zip(columns, (low, high, step if high > low else 0), strict=True):
            column.extend([value] * prod(extents(declaration)))
    low_, high_, step_ = (np.array(column, dtype=object) for column in columns)
    return Spans(low_, high_, step_, 0)


def _sums(layer: Layer, parts: Sequence[Spans | None]) -> Spans | None:
    read = [part for part in parts if part is not None]
    if len(read) < len(parts):
        return None
    exponent = max(part.exponent for part in read)
    low, high, step = (
        np.concatenate([getattr(part, name) << (exponent - part.exponent) for part in read])
        for name in ("low", "high", "step")
    )
    weight = layer.dense_weight()
    scale = exponent_of(weight)
    total = max(exponent + scale, exponent_of(layer.bias))
    factors = numerators(weight, total - exponent)
    bias = numerators(layer.bias, total)
    positive, negative = np.maximum(factors, 0), np.minimum(factors, 0)
    lows = positive @ low + negative @ high + bias
    highs = positive @ high + negative @ low + bias
    steps = np.array([np.gcd.reduce(np.append(np.abs(row) * step, 0)) for row in factors], dtype=object)
    return Spans(lows, highs, steps, total)


def _values(layer: Layer, sums: Spans | None) -> Spans | None:
    if layer.activation in DECIDING:
        return _decided(layer, sums)
    if sums is None or layer.activation in SMOOTH or layer.norm is not None:
        return None
    if layer.activation == "identity":
        return sums
    low, high, exponent = sums.low, sums.high, sums.exponent
    one = np.ones(len(low), dtype=object)
    if layer.activation == "abs":
        crosses = (low < 0) & (high > 0)
        least = np.where(crosses, 0, np.minimum(np.abs(low), np.abs(high)))
        return Spans(least, np.maximum(np.abs(low), np.abs(high)), one, exponent)
    limits = [None if b is None else Fraction(b) for b in bounds(layer.activation) or (None, None)]
    wide = max([exponent, *(b.denominator.bit_length() - 1 for b in limits if b is not None)])
    low, high = low << (wide - exponent), high << (wide - exponent)
    ends = [None if b is None else int(b * (1 << wide)) for b in limits]
    for end, clip in zip(ends, (np.maximum, np.minimum), strict=True):
        if end is not None:
            low, high = clip(low, end), clip(high, end)
    return Spans(low, high, one, wide)


def _decided(layer: Layer, sums: Spans | None) -> Spans:
    """Signs and steps: by the ends of the sums, without a batch norm."""
    least, most = (-1, 1) if layer.activation == "sign" else (0, 1)
    low, high = np.full(layer.units, least, dtype=object), np.full(layer.units, most, dtype=object)
    ties = np.ones(layer.units, dtype=bool)
    if sums is not None and layer.norm is None:
        ties = sums.holds(np.zeros(layer.units, dtype=object))
        low, high = (
            np.array([_decision(layer, v) for v in end.tolist()], dtype=object) for end in (sums.low, sums.high)
        )
    step = np.where((layer.activation == "sign") & ~ties, 2, 1).astype(object)
    return Spans(low, high, np.where(low == high, 0, step), 0)


def _decision(layer: Layer, total: int) -> int:
    match layer.activation:
        case "sign":
            return (total > 0) - (total < 0)
        case "step":
            return int(total > 0)
        case _:
            return int(total >= 0)
