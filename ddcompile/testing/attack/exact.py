"""What a network gives, in integers straight from its weights: numpy and nothing of the package.

Values are integers over one power of two, `array / 2**exp`: int64 where no sum can reach 2**62, Python integers else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

__all__ = ["Exact", "LayerLike", "layer_sums", "outputs", "with_activation", "with_head"]

ROOM = 1 << 62


class LayerLike(Protocol):
    """What is used of a layer."""

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
    """What a chain of layers and a head (none, sign or argmax) give for all rows of `flat`."""
    values = Exact(np.asarray(flat, dtype=np.int64))
    for layer in layers:
        values = with_activation(layer.activation, layer_sums(layer.dense_weight(), layer.bias, values))
    return with_head(head, values)


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
    raise ValueError(f"{name} has no exact values")


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
