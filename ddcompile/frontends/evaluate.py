"""Evaluate a network exactly on a batch, independently of the rule IR and of the interpreter.

Every number is an integer over a power of two. Integers are cut into limbs small enough that a float64 matrix product
of limbs has no rounding at all (sums below 2**53); the limbs of the products are then put together in integers. A
threshold needs only their signs, so wide sums stay in machine words.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.network import Layer, Network

__all__ = ["evaluate"]

_EXACT_BITS = 53
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class _Scaled:
    """`numbers * 2**-exponent`; `numbers` is an int64 array, or an object array of Python ints if they are wider."""

    numbers: np.ndarray
    exponent: int


@dataclass(frozen=True, slots=True)
class _Limbs:
    """The integer `sum(limbs[k] * 2**(width * k))`; all limbs but the last are in 0..2**width - 1."""

    limbs: list[np.ndarray]
    width: int

    def signs(self) -> np.ndarray:
        """The signs, as int8."""
        *lower, top = self.limbs
        rest = np.zeros(top.shape, dtype=bool)
        for limb in lower:
            rest |= limb != 0
        signs: np.ndarray = np.where(top < 0, -1, np.where((top > 0) | rest, 1, 0)).astype(np.int8)
        return signs

    def numbers(self) -> np.ndarray:
        """The integers themselves."""
        top = self.limbs[-1]
        wide = self.width * (len(self.limbs) - 1) + int(np.abs(top).max(initial=0)).bit_length() > 62
        total: np.ndarray = top.astype(object) if wide else top
        for limb in reversed(self.limbs[:-1]):
            total = total * (1 << self.width) + limb
        return total


def evaluate(network: Network, X: np.ndarray, head: str | None = None) -> np.ndarray:
    """Exact outputs of a network.

    Parameters
    ----------
    network : Network
    X : array_like of shape (batch, network.inputs)
        Integers (bits, spins, ...), the inputs flattened row-major.
    head : {"argmax", "sign", "none"}, optional
        By default none.

    Returns
    -------
    numpy.ndarray
        (batch,) for argmax: uint8 if there are two units, else int64. Otherwise (batch, network.outputs): uint8 from
        `step`, int8 from `sign`, else int64, Python ints or, if any output can be a fraction, `fractions.Fraction`.

    Raises
    ------
    CompileError
        A002 if X is not of integers, A004 if it has the wrong shape, N206 if the head is unknown.
    """
    if head not in (None, "none", "argmax", "sign"):
        raise fail("N206", f"unknown head `{head}`", hint="heads: argmax, sign, none")
    X = np.asarray(X)
    if X.dtype.kind not in "biuO":
        raise fail("A002", f"the network takes integers, not {X.dtype}")
    if X.ndim != 2 or X.shape[1] != network.inputs:
        raise fail("A004", f"the network takes arrays of shape (batch, {network.inputs}), not {X.shape}")
    parts = [_evaluate(network, X[k : k + _ROWS_AT_ONCE], head) for k in range(0, max(1, len(X)), _ROWS_AT_ONCE)]
    return parts[0] if len(parts) == 1 else np.concatenate([p.astype(_common(parts)) for p in parts])


def _common(parts: list[np.ndarray]) -> Any:
    return object if any(p.dtype == object for p in parts) else parts[0].dtype


def _evaluate(network: Network, X: np.ndarray, head: str | None) -> np.ndarray:
    values = _Scaled(_narrow(X.astype(object)) if X.dtype.kind in "uO" else X.astype(np.int64), 0)
    for layer in network.layers:
        values = _layer(layer, values)
    numbers, activation = values.numbers, network.layers[-1].activation
    if head == "argmax":
        winners: np.ndarray = numbers.argmax(axis=1)
        return winners.astype(np.uint8 if network.outputs == 2 else np.int64)
    if head == "sign" or activation == "sign":
        return (np.asarray(numbers > 0, dtype=np.int8) - np.asarray(numbers < 0, dtype=np.int8)).astype(np.int8)
    if activation == "step":
        return numbers.astype(np.uint8)
    if values.exponent == 0:
        return numbers
    fractions = np.empty(numbers.size, dtype=object)
    fractions[:] = [Fraction(n, 1 << values.exponent) for n in numbers.ravel().tolist()]
    return fractions.reshape(numbers.shape)


def _layer(layer: Layer, values: _Scaled) -> _Scaled:
    weight, bias = _scaled(layer.dense_weight()), _scaled(layer.bias)
    exponent = max(weight.exponent + values.exponent, bias.exponent)
    ones = np.ones((len(values.numbers), 1), dtype=np.int64)
    augmented = np.concatenate([values.numbers, ones], axis=1)
    column = _shifted(bias.numbers, exponent - bias.exponent)[:, None]
    shift = exponent - values.exponent - weight.exponent
    total = _product(augmented, np.concatenate([_shifted(weight.numbers, shift), column], axis=1))
    match layer.activation:
        case "sign":
            return _Scaled(total.signs().astype(np.int64), 0)
        case "step":
            return _Scaled((total.signs() > 0).astype(np.int64), 0)
        case "relu":
            return _Scaled(np.maximum(total.numbers(), 0), exponent)
        case "abs":
            return _Scaled(np.abs(total.numbers()), exponent)
        case "hardtanh":
            one = 1 << exponent
            return _Scaled(_narrow(np.clip(total.numbers().astype(object), -one, one)), exponent)
        case "identity":
            return _Scaled(total.numbers(), exponent)


def _product(X: np.ndarray, W: np.ndarray) -> _Limbs:
    """`X @ W.T` for integer matrices of any width, without rounding."""
    room = _EXACT_BITS - W.shape[1].bit_length()
    width_x, width_w = _width(X), _width(W)
    width = room - width_x
    if width_x > room // 2:
        width = room // 2
    left = _split(X, width) if width_x > room // 2 else [X.astype(np.float64)]
    right = _split(W, width) if width_w > width else [W.astype(np.float64)]
    sums = [np.zeros((len(X), len(W)), dtype=np.int64) for _ in range(len(left) + len(right) - 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            sums[i + j] += (a @ b.T).astype(np.int64)
    for k in range(len(sums) - 1):
        sums[k + 1] += sums[k] >> width
        sums[k] &= (1 << width) - 1
    return _Limbs(sums, width)


def _split(array: np.ndarray, width: int) -> list[np.ndarray]:
    """Limbs of integers, lowest first, as float64; only the last is signed."""
    limbs = []
    while _width(array) > width:
        limbs.append((array & ((1 << width) - 1)).astype(np.float64))
        array = array >> width
    return [*limbs, array.astype(np.float64)]


def _width(array: np.ndarray) -> int:
    """The bits of the largest magnitude."""
    if not array.size:
        return 0
    return max(abs(int(array.min())), abs(int(array.max()))).bit_length()


def _scaled(array: np.ndarray) -> _Scaled:
    """A canonical array of doubles and integers over the least common power of two."""
    if array.dtype == np.int64:
        return _Scaled(array, 0)
    exact = [Fraction(v) for v in array.ravel().tolist()]
    exponent = max(v.denominator for v in exact).bit_length() - 1
    numbers = np.empty(len(exact), dtype=object)
    numbers[:] = [v.numerator * ((1 << exponent) // v.denominator) for v in exact]
    return _Scaled(_narrow(numbers.reshape(array.shape)), exponent)


def _shifted(numbers: np.ndarray, shift: int) -> np.ndarray:
    if shift == 0:
        return numbers
    if _width(numbers) + shift <= 62:
        return numbers << shift
    shifted: np.ndarray = numbers.astype(object) * (1 << shift)
    return shifted


def _narrow(numbers: np.ndarray) -> np.ndarray:
    """Python ints as int64 where all of them are small."""
    return numbers.astype(np.int64) if _width(numbers) <= 62 else numbers
