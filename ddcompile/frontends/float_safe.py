"""On which samples floating point provably takes the decisions of exact arithmetic.

For every value of a network three numbers are kept: a centre `c` computed here in float64, a bound `r` on how far the
exact value is from it, and a bound `e` on how far the value that the framework computes is from the exact one. A sum of
n products in any order, with or without fused multiply-add, has

    |computed - exact| <= gamma(n) * sum(|w| |x|),    gamma(n) = n u / (1 - n u)

(N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, section 3.1, equation 3.4), where u
is half the distance from 1 to the next number of the type; products that underflow add half the least subnormal each.
Both bounds are sums of terms that are not negative, rounded up by as much as their own computation may have lost. Where
all partial sums are whole multiples of one power of two, small enough for the type to hold, there is no rounding at
all; so small integer networks are safe on ties too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.activations import SMOOTH, bounds
from ddcompile.frontends.float_types import DOUBLE, FLOAT_TYPES, FloatType
from ddcompile.frontends.grids import DECIDING, exponent_of
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.products import chosen, numbers_of, times_of
from ddcompile.frontends.weights import Choice, Gates, Gather, Maximum, Pointwise

__all__ = ["float_safe"]

_TYPE_NAME = re.compile(r"torch\.|<class 'numpy\.|'>")
"""What torch and numpy write around the name of a type."""
_ROWS_AT_ONCE = 1024
_VALUES_AT_ONCE = 2**22
"""How many values of a layer are held at once."""
_DIVISION_STEPS = 4
"""More roundings than a division by a rounded number, or a product with its rounded inverse, goes through."""
_NORM_STEPS = 16
"""More roundings than any product of a batch norm goes through: its factor takes six, its sum three."""
_SOFTMAX = 16
"""Scores this many u apart keep their order through a softmax whose exponential is right to 8 last places."""


@dataclass(frozen=True, slots=True)
class _Values:
    """Arrays of one shape (samples, units): the centre, the bound for the exact value, that for the computed one.

    `exponent` says that exact values are multiples of `2**-exponent`; it is used only where both bounds are 0.
    """

    centre: np.ndarray
    radius: np.ndarray
    error: np.ndarray
    exponent: int

    def is_exact(self) -> np.ndarray:
        """Where the framework has the exact value, and so have we."""
        exact: np.ndarray = (self.radius == 0) & (self.error == 0)
        return exact


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The weights of a layer as doubles, and what is known of them.

    `terms` is the number of products and sums of each unit, `is_held` says whether the framework's type has all weights
    as they are, `exponents` and `bias_exponents` are the fraction bits of the weights and the bias of each unit;
    `compares` is 1 for units that are one value, or its negation, and a bias.
    """

    layer: Layer
    times: Callable[[np.ndarray, np.ndarray], np.ndarray]
    weight: np.ndarray
    size: np.ndarray
    bias: np.ndarray
    terms: np.ndarray
    is_held: bool
    exponents: np.ndarray
    bias_exponents: np.ndarray
    compares: np.ndarray

    @classmethod
    def of(cls, layer: Layer, kind: FloatType) -> _Prepared:
        exact, channels = numbers_of(layer.weight), layer.channels
        weight = exact.astype(np.float64)
        rows = exact.T if isinstance(layer.weight, Pointwise) else exact.reshape(channels, -1)
        of_units = partial(np.repeat, repeats=layer.positions)
        return cls(
            layer,
            times_of(layer.weight),
            weight,
            np.abs(weight),
            of_units(layer.bias.astype(np.float64)),
            of_units(np.array([np.count_nonzero(row) + 2 for row in rows])),
            kind.holds(exact) and kind.holds(layer.bias),
            of_units(np.array([exponent_of(row) for row in rows])),
            of_units(np.array([exponent_of(layer.bias[c : c + 1]) for c in range(channels)])),
            of_units(np.array([np.count_nonzero(row) == 1 == float(np.abs(row).sum()) for row in rows])),
        )


def float_safe(network: Network, X: np.ndarray, dtype: str | None = None, head: str | None = None) -> np.ndarray:
    """The samples on which floating point provably takes the decisions of exact arithmetic.

    Parameters
    ----------
    network : Network
    X : array_like of shape (samples, ...)
        Finite numbers, the inputs flattened row-major.
    dtype : {"float16", "bfloat16", "float32", "float64"}, optional
        In which the framework computes; by default the type that the network was imported with.
    head : {"argmax", "sign", "none"}, optional
        By default what the network itself does.

    Returns
    -------
    numpy.ndarray of bool, shape (samples,)
        True where every sum that a sign, step or comparison looks at exceeds the bound on its error, and so does the
        distance of the largest score from every other under argmax. Outputs that are not decided by a sign are not
        looked at. See the module for the bound.

    Raises
    ------
    CompileError
        A004 if X has the wrong shape, A006 if a number is not finite, N413 if the type is not known, N414 if a decision
        depends on tanh or sigmoid, whose errors no standard bounds.

    Notes
    -----
    It is assumed that every operation of the framework is rounded to nearest in `dtype` or a wider type (so for float16
    and bfloat16 sums in float32 are covered, and sums in the type itself), that subnormal numbers are not flushed to
    zero, and, if there is a softmax before argmax, that its exponential is right to 8 units in the last place.
    """
    name = network.dtype if dtype is None else _TYPE_NAME.sub("", str(dtype))
    if name not in FLOAT_TYPES:
        given = (
            "the type in which it is computed is not known" if name is None else f"`{name}` is no type to compute in"
        )
        raise fail("N413", given, place="dtype", hint=f"types: {', '.join(FLOAT_TYPES)}")
    head = network.head if head is None else head
    X = np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise fail("A002", f"the network takes numbers, not {X.dtype}")
    if X.ndim == 0 or prod(X.shape[1:]) != network.inputs:
        raise fail("A004", f"the network takes arrays of shape (samples, {network.inputs}), not {X.shape}")
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise fail("A006", "inputs must be finite")
    flat = X.reshape(len(X), network.inputs)
    kind = FLOAT_TYPES[name]
    with np.errstate(over="ignore", invalid="ignore"):
        layers = [_Prepared.of(layer, kind) for layer in network.layers]
        rows = max(1, min(_ROWS_AT_ONCE, _VALUES_AT_ONCE // max(layer.units for layer in network.layers)))
        parts = [_safe(layers, flat[k : k + rows], kind, head) for k in range(0, len(flat), rows)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)


def _safe(layers: Sequence[_Prepared], X: np.ndarray, kind: FloatType, head: str) -> np.ndarray:
    safe = np.ones(len(X), dtype=bool)
    values = {INPUTS: _inputs(X, kind)}
    last = len(layers) - 1
    for k, prepared in enumerate(layers):
        layer = prepared.layer
        sums = _sums(prepared, _joined([values[r] for r in layer.reads]), kind)
        if layer.divisors is not None:
            sums = _divided(np.repeat(layer.divisors.astype(np.float64), layer.positions), sums, kind)
        if layer.divisor != 1:
            sums = _divided(layer.divisor, sums, kind)
        if layer.norm is not None:
            sums = _normalized(layer.norm, sums, kind, layer.positions)
        safe &= np.isfinite(sums.centre).all(axis=1) & (sums.error < np.inf).all(axis=1)
        if layer.activation in DECIDING or (k == last and head == "sign"):
            clear = _decided(sums) | _is_compared(prepared, _joined([values[r] for r in layer.reads]))
            if layer.doubt is not None:
                clear &= np.abs(sums.centre) - _up(sums.radius + sums.error, 4) > layer.doubt
            safe &= clear.all(axis=1)
        is_asked = k != last or head in ("argmax", "softmax", "sign")
        smooth = layer.decides or (layer.activation if layer.activation in SMOOTH and is_asked else "")
        if smooth:
            raise fail("N414", f"a decision depends on {smooth}, whose errors are not known", place=layer.path)
        values[k] = _activated(layer, sums, kind)
    if head in ("argmax", "softmax"):
        safe &= _winner_is_clear(values[last], kind)
    return safe


def _inputs(X: np.ndarray, kind: FloatType) -> _Values:
    centre = X.astype(np.float64)
    zeros = np.zeros(centre.shape)
    wide = X.dtype.kind in "iu" and bool((np.abs(centre) > 2.0**53).any())
    radius = np.abs(centre) * 2.0**-52 if wide else zeros
    error = zeros if not wide and kind.holds(centre) else _up(np.abs(centre) * kind.u + kind.tiny, 4)
    return _Values(centre, radius, error, exponent_of(centre))


def _joined(parts: list[_Values]) -> _Values:
    if len(parts) == 1:
        return parts[0]
    return _Values(
        np.concatenate([p.centre for p in parts], axis=1),
        np.concatenate([p.radius for p in parts], axis=1),
        np.concatenate([p.error for p in parts], axis=1),
        max(p.exponent for p in parts),
    )


def _sums(layer: _Prepared, x: _Values, kind: FloatType) -> _Values:
    """`weight @ x + bias`, with what rounding may do to it."""
    terms, times = layer.terms, layer.times
    if isinstance(layer.layer.weight, Gates):
        unsure = np.where(layer.layer.weight.are_exact(x.is_exact()), 0, np.inf)
        return _Values(layer.layer.weight.taken(x.centre).astype(float), unsure, unsure, 0)
    if isinstance(layer.layer.weight, Choice):
        return _of_choice(layer.layer.weight, x)
    if isinstance(layer.layer.weight, Maximum | Gather):
        return _chosen(layer.layer.weight, x)
    centre = times(x.centre, layer.weight) + layer.bias
    magnitude = _up(times(np.abs(x.centre), layer.size) + np.abs(layer.bias), terms)
    outside = _up(times(x.radius, layer.size), terms)
    wrong = _up(times(x.error, layer.size), terms)
    total = magnitude + outside + wrong
    error = _up(_gamma(terms if layer.is_held else terms + 1, kind) * total + wrong + terms * kind.tiny, 8)
    if not layer.is_held:
        reach = times(np.abs(x.centre) + x.radius + x.error, np.ones_like(layer.size))
        error = _up(error + kind.tiny * reach, terms + 4)
    error = np.where(2 * total < kind.huge, error, np.inf)
    radius = _up(_gamma(terms + 2, DOUBLE) * (magnitude + outside) + outside + terms * DOUBLE.tiny, 8)
    exponents = np.maximum(layer.exponents + x.exponent, layer.bias_exponents)
    if layer.is_held:
        exact = _exact_sums(layer, x, magnitude, exponents, kind)
        radius, error = np.where(exact, 0, radius), np.where(exact, 0, error)
    return _Values(centre, radius, error, int(exponents.max()))


def _of_choice(weight: Choice, x: _Values) -> _Values:
    """One of two values, where what decides about it is exact."""
    pairs = np.concatenate([x.centre[:, : weight.units], x.radius[:, weight.units :]], axis=1)
    errors = np.concatenate([x.centre[:, : weight.units], x.error[:, weight.units :]], axis=1)
    unsure = np.where(x.is_exact()[:, : weight.units], 0, np.inf)
    return _Values(weight.taken(x.centre), weight.taken(pairs) + unsure, weight.taken(errors) + unsure, x.exponent)


def _chosen(weight: Maximum | Gather, x: _Values) -> _Values:
    """Maxima are no further apart than what they are maxima of."""
    radius, error = chosen(x.radius, weight, 0), chosen(x.error, weight, 0)
    return _Values(chosen(x.centre, weight, -np.inf), radius, error, x.exponent)


def _divided(divisor: int | np.ndarray, x: _Values, kind: FloatType) -> _Values:
    """Values divided, or times the rounded inverse; one power of two for all loses nothing of normal numbers."""
    centre, radius, error = (values / divisor for values in (x.centre, x.radius, x.error))
    if isinstance(divisor, int) and divisor & (divisor - 1) == 0:
        exponent = x.exponent + divisor.bit_length() - 1
        exact = x.is_exact() & (exponent <= -kind.least)
        radius, error = (np.where(exact, 0, _up(v + kind.tiny, 4)) for v in (radius, error))
        return _Values(centre, radius, error, exponent)
    size = _up(np.abs(centre) + radius + error, 4)
    lost = _gamma(_DIVISION_STEPS, kind) * size + _DIVISION_STEPS * kind.tiny
    own = _gamma(2, DOUBLE) * size + DOUBLE.tiny
    return _Values(centre, _up(radius + own, 8), _up(error + lost, 8), 0)


def _exact_sums(
    layer: _Prepared, x: _Values, magnitude: np.ndarray, exponents: np.ndarray, kind: FloatType
) -> np.ndarray:
    """Where no partial sum can be rounded: all are multiples of `2**-exponent` up to `2**(bits - exponent)`."""
    unsure = layer.times((~x.is_exact()).astype(np.float64), (layer.size != 0).astype(np.float64))
    limit = np.where(exponents <= -kind.least, np.ldexp(1.0, kind.bits - np.minimum(exponents, -kind.least)), 0.0)
    exact: np.ndarray = (unsure == 0) & (magnitude <= limit)
    return exact


def _normalized(norm: Norm, x: _Values, kind: FloatType, positions: int) -> _Values:
    """Batch normalisation, in whichever of the usual orders; no product goes through `_NORM_STEPS` roundings."""
    mean, variance, scale, shift = (
        np.repeat(values.astype(np.float64), positions) for values in (norm.mean, norm.variance, norm.scale, norm.shift)
    )
    variance = variance + norm.epsilon
    factor = scale / np.sqrt(variance)
    size = np.abs(factor)
    centre = factor * (x.centre - mean) + shift
    magnitude = _up(size * (np.abs(x.centre) + np.abs(mean)) + np.abs(shift), 16)
    outside, wrong = _up(size * x.radius, 16), _up(size * x.error, 16)
    total = magnitude + outside + wrong
    radius = _up(_gamma(_NORM_STEPS, DOUBLE) * (magnitude + outside) + outside + 16 * DOUBLE.tiny, 16)
    error = _up(_gamma(_NORM_STEPS, kind) * total + wrong + 16 * kind.tiny, 16)
    vanishing = ((size != 0) & (size < 2.0 ** (kind.least + kind.bits))) | (variance < 2.0 ** (kind.least + kind.bits))
    return _Values(centre, radius, np.where(vanishing | (2 * total >= kind.huge), np.inf, error), 0)


def _activated(layer: Layer, x: _Values, kind: FloatType) -> _Values:
    zeros = np.zeros(x.centre.shape)
    match layer.activation:
        case "sign":
            return _Values(np.sign(x.centre), zeros, zeros, 0)
        case "step":
            return _Values((x.centre > 0).astype(np.float64), zeros, zeros, 0)
        case "nonnegative":
            return _Values((x.centre >= 0).astype(np.float64), zeros, zeros, 0)
        case "abs":
            return _Values(np.abs(x.centre), x.radius, x.error, x.exponent)
    limits = bounds(layer.activation)
    if limits is None:
        return x
    centre, error, exponent = x.centre, x.error, x.exponent
    for bound, clip in zip(limits, (np.maximum, np.minimum), strict=True):
        if bound is not None:
            value = np.array([float(bound)])
            centre = clip(centre, value)
            error = error if kind.holds(value) else _up(error + abs(value) * kind.u + kind.tiny, 4)
            exponent = max(exponent, exponent_of(value))
    return _Values(centre, x.radius, error, exponent)


def _decided(x: _Values) -> np.ndarray:
    """Where the sign of the value is that of what the framework has."""
    decided: np.ndarray = (np.abs(x.centre) > _up(x.radius + x.error, 4)) | x.is_exact()
    return decided


def _is_compared(layer: _Prepared, x: _Values) -> np.ndarray:
    """Where an exact value is compared with a number: rounding leaves the sign of a difference."""
    if layer.layer.norm is not None or not layer.is_held or not layer.compares.any():
        return np.zeros(1, dtype=bool)
    unsure = layer.times((~x.is_exact()).astype(np.float64), (layer.size != 0).astype(np.float64))
    compared: np.ndarray = (unsure == 0) & layer.compares
    return compared


def _winner_is_clear(scores: _Values, kind: FloatType) -> np.ndarray:
    """Where the largest score is further from every other than their errors; or both are exact, and equal or apart."""
    rows = np.arange(len(scores.centre))
    winner = scores.centre.argmax(axis=1)
    gap = (scores.centre[rows, winner][:, None] - scores.centre) * (1 - 2.0**-50)
    spread = scores.radius + scores.error
    clear = gap > _up(spread + spread[rows, winner][:, None] + _SOFTMAX * kind.u, 8)
    exact = scores.is_exact()
    clear |= exact & exact[rows, winner][:, None] & (gap == 0)
    clear[rows, winner] = True
    every: np.ndarray = clear.all(axis=1)
    return every


def _gamma(steps: np.ndarray | int, kind: FloatType) -> np.ndarray:
    """`n u / (1 - n u)`, rounded up; infinite from n u = 1/2 on."""
    product = np.asarray(steps, dtype=np.float64) * kind.u
    gamma: np.ndarray = np.where(product < 0.5, product / np.maximum(1 - product, 0.5), np.inf) * (1 + 2.0**-50)
    return gamma


def _up(values: np.ndarray, steps: np.ndarray | int) -> np.ndarray:
    """An upper bound of what was computed by so many operations on numbers that are not negative."""
    grown: np.ndarray = values * (1 + (np.asarray(steps) + 4) * 2.0**-51)
    return grown
