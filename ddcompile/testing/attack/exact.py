"""What a network gives, in integers straight from its weights: numpy and nothing of the package.

Values are integers over one power of two, `array / 2**exp`: int64 where no sum can reach 2**62, Python integers else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

__all__ = [
    "Exact",
    "LayerLike",
    "joined",
    "layer_sums",
    "layer_values",
    "numbers",
    "outputs",
    "with_activation",
    "with_head",
]

ROOM = 1 << 62


class NormLike(Protocol):
    """What is used of a batch norm."""

    @property
    def mean(self) -> np.ndarray:
        """One number a unit, as in all of these."""

    @property
    def variance(self) -> np.ndarray:
        """Added to epsilon, under the root."""

    @property
    def scale(self) -> np.ndarray:
        """Multiplies what is divided by the root."""

    @property
    def shift(self) -> np.ndarray:
        """Added last."""

    @property
    def epsilon(self) -> float:
        """One number for all units."""


class LayerLike(Protocol):
    """What is used of a layer."""

    @property
    def reads(self) -> tuple[int, ...]:
        """The numbers of the layers that it reads, -1 for the inputs; nothing for the one before."""

    @property
    def norm(self) -> NormLike | None:
        """What is done with sums before a sign or a step."""

    @property
    def bias(self) -> np.ndarray:
        """One number a unit."""

    @property
    def activation(self) -> str:
        """The name of the activation."""

    def dense_weight(self) -> np.ndarray:
        """Of shape (units, inputs)."""


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """`array / 2**exp`, a row a sample."""

    array: np.ndarray
    exp: int = 0

    def fractions(self) -> np.ndarray:
        """The values as numbers of Python."""
        if self.exp == 0:
            return self.array
        found = np.empty(self.array.shape, dtype=object)
        found.ravel()[:] = [Fraction(int(v), 1 << self.exp) for v in self.array.ravel().tolist()]
        return found


def outputs(layers: Iterable[LayerLike], flat: np.ndarray, head: str | None) -> Exact:
    """What layers, of which each reads earlier ones, and a head (none, sign or argmax) give for all rows of `flat`."""
    known = [numbers(flat)]
    for layer in layers:
        reads = layer.reads or (len(known) - 2,)
        known.append(layer_values(layer, joined([known[other + 1] for other in reads])))
    return with_head(head, known[-1])


def numbers(flat: np.ndarray) -> Exact:
    """Integers or doubles as what they are."""
    return _integers(flat) if flat.dtype == np.float64 else Exact(np.asarray(flat, dtype=np.int64))


def layer_values(layer: LayerLike, below: Exact) -> Exact:
    """What a layer makes of all that it reads."""
    sums = layer_sums(layer.dense_weight(), layer.bias, below)
    return with_activation(layer.activation, sums if layer.norm is None else _signs(layer.norm, sums))


def joined(parts: Sequence[Exact]) -> Exact:
    """The values of several layers, one after the other."""
    exp = max(part.exp for part in parts)
    arrays = [part.array if part.exp == exp else part.array.astype(object) << (exp - part.exp) for part in parts]
    array = np.concatenate(arrays, axis=1)
    return Exact(array if _largest(array) >= ROOM else array.astype(np.int64), exp)


def _signs(norm: NormLike, sums: Exact) -> Exact:
    """The signs of normalised sums: a root is compared with a rational number by their squares."""
    found = np.zeros(sums.array.shape, dtype=np.int64)
    numbers = [map(Fraction, n.tolist()) for n in (norm.mean, norm.variance, norm.scale, norm.shift)]
    for unit, (mean, variance, scale, shift) in enumerate(zip(*numbers, strict=True)):
        different, back = np.unique(sums.array[:, unit], return_inverse=True)
        total = variance + Fraction(norm.epsilon)
        signs = []
        for value in different.tolist():
            first = scale * (Fraction(value, 1 << sums.exp) - mean)
            # first + shift * sqrt(total) has the sign of the part whose square is the greater.
            square = first * abs(first) + shift * abs(shift) * total
            signs.append((square > 0) - (square < 0))
        found[:, unit] = np.array(signs, dtype=np.int64)[back.ravel()]
    return Exact(found)


def layer_sums(weight: np.ndarray, bias: np.ndarray, values: Exact) -> Exact:
    """`values @ weight.T + bias`; equal rows are worked out once."""
    rows, back = np.unique(values.array, axis=0, return_inverse=True) if _is_small(values) else (values.array, None)
    w, b = _integers(weight), _integers(bias)
    exp = max(w.exp + values.exp, b.exp)
    factors, offsets = _moved(w.array, exp - w.exp - values.exp), _moved(b.array, exp - b.exp)
    most = max(1, _largest(rows)) * max(1, *(sum(map(abs, row)) for row in factors.tolist())) + _largest(offsets)
    kind = np.int64 if most < ROOM else object
    sums = rows.astype(kind) @ factors.astype(kind).T + offsets.astype(kind)
    return Exact(sums if back is None else sums[back.ravel()], exp)


def with_activation(name: str, sums: Exact) -> Exact:
    """The activation of every value."""
    s, one = sums.array, 1 << sums.exp
    match name:
        case "identity":
            return sums
        case "sign":
            return Exact((s > 0).astype(np.int64) - (s < 0).astype(np.int64))
        case "step":
            return Exact((s > 0).astype(np.int64))
        case "nonnegative":
            return Exact((s >= 0).astype(np.int64))
        case "relu":
            return Exact(np.where(s > 0, s, 0), sums.exp)
        case "abs":
            return Exact(np.where(s > 0, s, -s), sums.exp)
        case "hardtanh":
            limits = s.astype(object) if one >= ROOM else s
            return Exact(np.where(limits > one, one, np.where(limits < -one, -one, limits)), sums.exp)
    if name.startswith("clamp["):
        return _clamped(sums, *name.removeprefix("clamp[").removesuffix("]").split(".."))
    raise ValueError(f"{name} has no exact values")


def _clamped(sums: Exact, low: str, high: str) -> Exact:
    """The values limited to a range, of which either end may be missing."""
    ends = [Fraction(float(end)) if end else None for end in (low, high)]
    exp = max(sums.exp, *(0 if end is None else end.denominator.bit_length() - 1 for end in ends))
    array = sums.array.astype(object) * (1 << (exp - sums.exp))
    for end, limit in zip(ends, (np.maximum, np.minimum), strict=True):
        array = array if end is None else limit(array, int(end * (1 << exp)))
    return Exact(array, exp)


def with_head(head: str | None, values: Exact) -> Exact:
    """The head; the lowest index wins ties."""
    if head == "sign":
        return with_activation("sign", values)
    if head != "argmax":
        return values
    best, index = values.array[:, 0], np.zeros(len(values.array), dtype=np.int64)
    for k in range(1, values.array.shape[1]):
        larger = (values.array[:, k] > best).astype(bool)
        best, index = np.where(larger, values.array[:, k], best), np.where(larger, k, index)
    return Exact(index[:, None])


def _is_small(values: Exact) -> bool:
    return values.array.dtype == np.int64


def _integers(array: np.ndarray) -> Exact:
    """Numbers whose denominators are powers of two as integers over the largest of these."""
    pairs = [number.as_integer_ratio() for number in array.ravel().tolist()]
    largest = max((d for _, d in pairs), default=1)
    found = np.empty(len(pairs), dtype=object)
    found[:] = [n * (largest // d) for n, d in pairs]
    return Exact(found.reshape(array.shape), largest.bit_length() - 1)


def _moved(array: np.ndarray, shift: int) -> np.ndarray:
    return np.asarray(array * (1 << shift))


def _largest(array: np.ndarray) -> int:
    return max((abs(int(v)) for v in (array.min(), array.max())), default=0) if array.size else 0
