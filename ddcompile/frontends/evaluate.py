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
from ddcompile.frontends.activations import bounds
from ddcompile.frontends.averages import without_divisors
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.normalization import Norm, rational_root
from ddcompile.frontends.products import chosen, numbers_of, terms_of, times_of
from ddcompile.frontends.weights import Choice, Gates, Gather, Maximum, Weight, number_at
from ddcompile.ir.nodes import canonical_array

__all__ = ["evaluate"]

_EXACT_BITS = 53
_ROWS_AT_ONCE = 2048
_VALUES_AT_ONCE = 2**23
"""How many values of a layer are held at once."""


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
        The inputs flattened row-major: integers (bits, spins, ...), or finite floats, taken as the numbers they are.
    head : {"argmax", "sign", "none"}, optional
        By default what the network itself does.

    Returns
    -------
    numpy.ndarray
        (batch,) for argmax: uint8 if there are two units, else int64. Otherwise (batch, network.outputs): uint8 from
        `step` and `nonnegative`, int8 from `sign`, else int64, Python ints or, if any output can be a fraction,
        `fractions.Fraction`.

    Raises
    ------
    CompileError
        A002 if X is not of numbers, A004 if it has the wrong shape, A006 if a float is not finite, N206 if the
        head is unknown, N408 if a value is not rational.
    """
    head = network.head if head is None else head
    if head == "softmax":
        raise fail("N408", "softmax has no exact values", hint='evaluate the scores: head="none"')
    if head not in ("none", "argmax", "sign"):
        raise fail("N206", f"unknown head `{head}`", hint="heads: argmax, sign, none")
    X = np.asarray(X)
    if X.dtype.kind not in "biufO":
        raise fail("A002", f"the network takes numbers, not {X.dtype}")
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise fail("A006", "inputs must be finite")
    if X.ndim != 2 or X.shape[1] != network.inputs:
        raise fail("A004", f"the network takes arrays of shape (batch, {network.inputs}), not {X.shape}")
    whole = without_divisors(network)
    rows = max(1, min(_ROWS_AT_ONCE, _VALUES_AT_ONCE // max(layer.units for layer in network.layers)))
    parts = [_evaluate(whole.network, X[k : k + rows], head, whole.factor) for k in range(0, max(1, len(X)), rows)]
    return parts[0] if len(parts) == 1 else np.concatenate([p.astype(_common(parts)) for p in parts])


def _common(parts: list[np.ndarray]) -> Any:
    return object if any(p.dtype == object for p in parts) else parts[0].dtype


def _evaluate(network: Network, X: np.ndarray, head: str, factor: int) -> np.ndarray:
    """The results, each divided by a factor."""
    units = {INPUTS: _given(X)}
    for k, layer in enumerate(network.layers):
        units[k] = _layer(layer, _joined([units[r] for r in layer.reads]))
    values = units[len(network.layers) - 1]
    numbers, activation = values.numbers, network.layers[-1].activation
    if head == "argmax":
        winners: np.ndarray = numbers.argmax(axis=1)
        return winners.astype(np.uint8 if network.outputs == 2 else np.int64)
    if head == "sign" or activation == "sign":
        return _signs(numbers)
    if activation in ("step", "nonnegative"):
        return numbers.astype(np.uint8)
    if values.exponent == 0 and factor == 1:
        return numbers
    fractions = np.empty(numbers.size, dtype=object)
    fractions[:] = [Fraction(n, factor << values.exponent) for n in numbers.ravel().tolist()]
    return fractions.reshape(numbers.shape)


def _given(X: np.ndarray) -> _Scaled:
    match X.dtype.kind:
        case "f":
            return _scaled(canonical_array(X))
        case "u" | "O":
            return _Scaled(_narrow(X.astype(object)), 0)
    return _Scaled(X.astype(np.int64), 0)


def _joined(parts: list[_Scaled]) -> _Scaled:
    """Values side by side."""
    exponent = max(part.exponent for part in parts)
    columns = [_shifted(part.numbers, exponent - part.exponent) for part in parts]
    return _Scaled(columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1), exponent)


def _layer(layer: Layer, values: _Scaled) -> _Scaled:
    if layer.norm is not None:
        return _normalized(layer, layer.norm, values)
    total, exponent = _total(layer, values)
    if layer.activation == "sign":
        return _Scaled(total.signs().astype(np.int64), 0)
    if layer.activation == "step":
        return _Scaled((total.signs() > 0).astype(np.int64), 0)
    if layer.activation == "nonnegative":
        return _Scaled((total.signs() >= 0).astype(np.int64), 0)
    return _activated(layer, _Scaled(total.numbers(), exponent))


def _total(layer: Layer, values: _Scaled) -> tuple[_Limbs, int]:
    """`weight @ values + bias` over a power of two."""
    weight = layer.weight
    if isinstance(weight, Gates):
        return _Limbs([weight.taken(values.numbers)], 0), 0
    if isinstance(weight, Choice):
        return _Limbs([weight.taken(values.numbers)], 0), values.exponent
    if isinstance(weight, Maximum | Gather):
        return _Limbs([chosen(values.numbers, weight, values.numbers.min())], 0), values.exponent
    stored, bias = _scaled(numbers_of(weight)), _scaled(layer.bias)
    exponent = max(stored.exponent + values.exponent, bias.exponent)
    numbers = _shifted(stored.numbers, exponent - values.exponent - stored.exponent)
    offset = np.repeat(_shifted(bias.numbers, exponent - bias.exponent), layer.positions)
    return _product(values.numbers, numbers, offset, weight), exponent


def _activated(layer: Layer, values: _Scaled) -> _Scaled:
    """The values of an activation that is not decided by signs alone."""
    numbers, exponent = values.numbers, values.exponent
    match layer.activation:
        case "identity":
            return values
        case "abs":
            return _Scaled(np.abs(numbers), exponent)
    limits = bounds(layer.activation)
    if limits is None:
        raise fail("N408", f"{layer.activation} has no exact values", place=layer.path)
    low, high = (None if bound is None else Fraction(bound) for bound in limits)
    wide = max(exponent, *(bound.denominator.bit_length() - 1 for bound in (low, high) if bound is not None))
    clipped = _shifted(numbers, wide - exponent).astype(object)
    if high is not None:
        clipped = np.minimum(clipped, int(high * (1 << wide)))
    if low is not None:
        clipped = np.maximum(clipped, int(low * (1 << wide)))
    return _Scaled(_narrow(clipped), wide)


def _normalized(layer: Layer, norm: Norm, values: _Scaled) -> _Scaled:
    """A layer with batch normalisation: signs by squares, else with the rational factors."""
    total, exponent = _total(layer, values)
    numbers = total.numbers().astype(object)
    mean, scale = _scaled(norm.mean), _scaled(norm.scale)
    wide = max(exponent, mean.exponent)
    middle = np.repeat(mean.numbers.astype(object), layer.positions)
    centred = numbers * (1 << (wide - exponent)) - middle * (1 << (wide - mean.exponent))
    product = centred * np.repeat(scale.numbers.astype(object), layer.positions)
    channels = np.repeat(np.arange(norm.units), layer.positions).tolist()
    wide += scale.exponent
    if layer.activation in ("sign", "step", "nonnegative"):
        signs = np.stack([_signs_with_root(product[:, u], wide, norm, c) for u, c in enumerate(channels)], axis=1)
        match layer.activation:
            case "sign":
                return _Scaled(signs, 0)
            case "step":
                return _Scaled((signs > 0).astype(np.int64), 0)
        return _Scaled((signs >= 0).astype(np.int64), 0)
    roots = [rational_root(norm.total_variance(unit)) for unit in range(norm.units)]
    found = np.empty(product.shape, dtype=object)
    for unit, channel in enumerate(channels):
        root = roots[channel]
        if root is None:
            raise fail("N408", f"the factor of a batch norm is not rational: unit {channel}", place=layer.path)
        offset = number_at(norm.shift, channel)
        found[:, unit] = [Fraction(n, 1 << wide) / root + offset for n in product[:, unit].tolist()]
    flat = found.ravel().tolist()
    exponent = max((v.denominator.bit_length() - 1 for v in flat), default=0)
    if any(v.denominator & (v.denominator - 1) for v in flat):
        raise fail("N408", "the factor of a batch norm is no binary fraction", place=layer.path)
    whole = np.empty(len(flat), dtype=object)
    whole[:] = [int(v * (1 << exponent)) for v in flat]
    return _activated(layer, _Scaled(_narrow(whole.reshape(product.shape)), exponent))


def _signs_with_root(product: np.ndarray, exponent: int, norm: Norm, unit: int) -> np.ndarray:
    """The signs of `product / 2**exponent + shift * sqrt(variance)`, by comparing squares where the terms disagree."""
    shift = number_at(norm.shift, unit)
    first: np.ndarray = np.sign(product).astype(np.int64)
    if shift == 0:
        return first
    second = 1 if shift > 0 else -1
    square = shift * shift * norm.total_variance(unit) * Fraction(4) ** exponent
    difference: np.ndarray = np.sign(product * product * square.denominator - square.numerator).astype(np.int64)
    signs: np.ndarray = np.where(first == -second, first * difference, second)
    return signs


def _signs(numbers: np.ndarray) -> np.ndarray:
    return (np.asarray(numbers > 0, dtype=np.int8) - np.asarray(numbers < 0, dtype=np.int8)).astype(np.int8)


def _product(X: np.ndarray, W: np.ndarray, offset: np.ndarray, weight: Weight) -> _Limbs:
    """`weight @ x + offset` in integers of any width, without rounding; W is laid out as the weight."""
    times, terms = times_of(weight), terms_of(weight)
    room = _EXACT_BITS - (terms + 1).bit_length()
    width_x, width_w = _width(X), _width(W)
    width = room - width_x
    if width_x > room // 2:
        width = room // 2
    left = _split(X, width) if width_x > room // 2 else [X.astype(np.float64)]
    right = _split(W, width) if width_w > width else [W.astype(np.float64)]
    bias = _split(offset, width)
    sums = [np.zeros((len(X), len(offset)), dtype=np.int64) for _ in range(max(len(left) + len(right) - 1, len(bias)))]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            sums[i + j] += times(a, b).astype(np.int64)
    for k, limb in enumerate(bias):
        sums[k] += limb.astype(np.int64)
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
