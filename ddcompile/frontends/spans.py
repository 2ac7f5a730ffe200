"""The sets in which the values of each layer lie: from a least to a greatest, in equal steps, unit by unit, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod

import numpy as np

from ddcompile.frontends.activations import SMOOTH, bounds
from ddcompile.frontends.declarations import extents
from ddcompile.frontends.grids import DECIDING, exponent_of
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.weights import Choice, Convolution, Gates, Gather, Maximum, Pointwise, numerators
from ddcompile.ir.nodes import Declaration, Type

__all__ = ["Spans", "least_of", "spans_of"]

_KINDS = {"bit": (0, 1, 1), "spin": (-1, 1, 2), "trit": (-1, 1, 1), "int": (-(2**63), 2**63 - 1, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """For every channel `low`, `high` and `step`, Python integers that count `2**-exponent`; a step of 0 is one value.

    The units of a channel, which stand side by side, lie in one set.
    """

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

    def in_blocks(self, blocks: int) -> Spans:
        """The same units as so many equal blocks, with one set each."""
        fine = lcm(blocks, len(self.low))
        low, high, step = (np.repeat(v, fine // len(self.low)) for v in (self.low, self.high, self.step))
        if fine == blocks:
            return Spans(low, high, step, self.exponent)
        rows = [values.reshape(blocks, -1) for values in (low, high, step)]
        steps = np.gcd(np.gcd.reduce(rows[2], axis=1), np.gcd.reduce(rows[0] - rows[0][:, :1], axis=1))
        return Spans(rows[0].min(axis=1), rows[1].max(axis=1), steps, self.exponent)

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
        widths = [network.inputs if r == INPUTS else network.layers[r].units for r in layer.reads]
        sums = _sums(layer, [found[r][1] for r in layer.reads], widths)
        found[k] = sums, _values(layer, sums)
    return found


def least_of(kind: Type) -> int | None:
    """The least value of a type; None for rationals and reals."""
    return (_KINDS[kind.kind][0] if kind.low is None else kind.low) if kind.kind in _KINDS else None


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


def _sums(layer: Layer, parts: Sequence[Spans | None], widths: Sequence[int]) -> Spans | None:
    read = [part for part in parts if part is not None]
    if len(read) < len(parts):
        return None
    exponent = max(part.exponent for part in read)
    read = [_refined(part, exponent) for part in read]
    match layer.weight:
        case Pointwise(factors):
            blocks = lcm(layer.channels, *(len(part.low) for part in read))
            each = [part.in_blocks(blocks) for part in read]
            sets = [np.stack([getattr(part, name) for part in each], axis=1) for name in ("low", "high", "step")]
            rows = np.repeat(factors.T, blocks // layer.channels, axis=0)
        case Convolution(kernel, window, groups):
            part = _by_channel(layer.weight, read, widths)
            if not window.is_circular and any(window.reaches_outside(axis) for axis in range(len(window.grid))):
                part = _with_zero(part)
            first = kernel.shape[1] * (np.arange(len(kernel)) // (len(kernel) // groups))
            channels = np.repeat(first[:, None] + np.arange(kernel.shape[1]), window.taps, axis=1)
            sets = [values[channels] for values in (part.low, part.high, part.step)]
            rows = kernel.reshape(len(kernel), -1)
        case Maximum():
            return _by_channel(layer.weight, read, widths)
        case Choice(count):
            then, other = (part.in_blocks(count) for part in read[1:])
            least, most = np.minimum(then.low, other.low), np.maximum(then.high, other.high)
            steps = np.gcd(np.gcd(then.step, other.step), np.abs(then.low - other.low))
            return Spans(least, most, steps, exponent)
        case Gates(kinds):
            ones = np.ones(len(kinds), dtype=object)
            return Spans(0 * ones, ones, ones, 0)
        case Gather(columns):
            units = [part.in_blocks(width) for part, width in zip(read, widths, strict=True)]
            sets = [np.concatenate([getattr(part, name) for part in units]) for name in ("low", "high", "step")]
            low, high, step = (np.append(values, 0)[columns.ravel()] for values in sets)
            return Spans(low, high, step, exponent)
        case _:
            units = [part.in_blocks(width) for part, width in zip(read, widths, strict=True)]
            sets = [np.concatenate([getattr(part, name) for part in units]) for name in ("low", "high", "step")]
            rows = layer.dense_weight()
    total = max(exponent + exponent_of(rows), exponent_of(layer.bias))
    return _weighted(numerators(rows, total - exponent), sets, numerators(layer.bias, total), total)


def _weighted(factors: np.ndarray, sets: Sequence[np.ndarray], bias: np.ndarray, exponent: int) -> Spans:
    """The sets of `factors @ x + bias`; the sets of x are the same for all rows, or one a factor."""
    low, high, step = sets
    bias = np.repeat(bias, len(factors) // len(bias))
    positive, negative = np.maximum(factors, 0), np.minimum(factors, 0)
    if low.ndim == 1:
        lows = positive @ low + negative @ high + bias
        highs = positive @ high + negative @ low + bias
    else:
        lows = (positive * low + negative * high).sum(axis=1) + bias
        highs = (positive * high + negative * low).sum(axis=1) + bias
    steps = np.array([np.gcd.reduce(np.append(row, 0)) for row in np.abs(factors) * step], dtype=object)
    return Spans(lows, highs, steps, exponent)


def _refined(spans: Spans, exponent: int) -> Spans:
    shift = exponent - spans.exponent
    return Spans(spans.low << shift, spans.high << shift, spans.step << shift, exponent)


def _by_channel(weight: Convolution | Maximum, read: Sequence[Spans], widths: Sequence[int]) -> Spans:
    """One set for each channel that windows read."""
    cells = prod(weight.window.grid)
    parts = [part.in_blocks(width // cells) for part, width in zip(read, widths, strict=True)]
    low, high, step = (np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high", "step"))
    return Spans(low, high, step, read[0].exponent)


def _with_zero(spans: Spans) -> Spans:
    step = np.gcd(spans.step, np.abs(spans.low))
    return Spans(np.minimum(spans.low, 0), np.maximum(spans.high, 0), step, spans.exponent)


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
    blocks = layer.channels if sums is None else len(sums.low)
    low, high = np.full(blocks, least, dtype=object), np.full(blocks, most, dtype=object)
    ties = np.ones(blocks, dtype=bool)
    if sums is not None and layer.norm is None:
        ties = sums.holds(np.zeros(blocks, dtype=object))
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
