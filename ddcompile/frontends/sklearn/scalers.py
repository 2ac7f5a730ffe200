"""Scalers before a model, as pointwise layers where they are exact, or with the rounding of their operations.

A scaler that multiplies is exact. So is one that divides by powers of two; by other numbers, quotients are no binary
fractions, but where a decision ends the model, all is multiplied by a common multiple of the divisors. Trees only
compare, so before them all scalers are exact, and are taken with the rounding of their operations.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from sklearn import preprocessing as pre

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import Activation, clamp
from ddcompile.frontends.network import Layer
from ddcompile.frontends.sklearn.chain import kind_of
from ddcompile.frontends.weights import Pointwise

__all__ = ["POWERS", "SCALERS", "layer_of_scaler", "rounded_scaler"]

POWERS = (
    "before the model is fitted, set scaler.scale_ = 2.0 ** numpy.round(numpy.log2(scaler.scale_)); "
    "or take MinMaxScaler, which multiplies"
)
"""What to do about a scaler that divides."""

SCALERS = (pre.StandardScaler, pre.MinMaxScaler, pre.MaxAbsScaler, pre.RobustScaler)
_MOST_BITS = 4096
"""Common multiples of the divisors of a scaler that are longer are refused."""


def layer_of_scaler(step: Any, place: str, width: int) -> Layer | None:
    """The layer of a scaler that reads `width` values; None if it changes nothing.

    Raises
    ------
    CompileError
        N704 if it is not exact, N705 if its arrays do not fit.
    """
    zeros, ones = np.zeros(width), np.ones(width)
    _check_arrays(step, place, width)
    activation: Activation = "identity"
    if type(step) is pre.MinMaxScaler:
        if step.clip:
            activation = clamp(*map(Fraction, map(float, step.feature_range)))
        return _layer(step.scale_, step.min_, activation, place)
    mean, scale = _division(step)
    if getattr(step, "clip", False):
        activation = "hardtanh"
    scale, mean = ones if scale is None else scale, zeros if mean is None else mean
    if (np.frexp(scale)[0] == 0.5).all():
        return _layer(1 / scale, -mean / scale, activation, place)
    try:
        layer = Layer(Pointwise(ones[None]), -mean, activation, path=place, divisors=scale)
    except CompileError as error:
        raise fail("N705", error.diagnostics[0].message, place=place) from None
    bits = lcm(*(Fraction(s).numerator for s in scale.tolist())).bit_length()
    if bits > _MOST_BITS:
        message = f"`{kind_of(step)}` divides by numbers with a common multiple of {bits} bits, more than {_MOST_BITS}"
        raise fail("N704", message, place=place, hint=POWERS)
    return layer


def rounded_scaler(step: Any, place: str, width: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """What a scaler makes of doubles and the numbers of their columns, rounded as it does; monotone.

    Raises
    ------
    CompileError
        N704 if it is not monotone, N705 if its arrays do not fit.
    """
    _check_arrays(step, place, width)
    scale = getattr(step, "scale_", None)
    if scale is not None and not (np.asarray(scale) > 0).all():
        raise fail("N704", f"`{kind_of(step)}` has a scale that is not above 0", place=place)
    return lambda values, columns: _rounded(step, values, columns)


def _check_arrays(step: Any, place: str, width: int) -> None:
    """Refuse a scaler whose arrays, which anybody may overwrite, are not one number an input."""
    has_both = type(step) is pre.MinMaxScaler
    for name in ("min_", "scale_") if has_both else ("mean_", "center_", "scale_"):
        array = getattr(step, name, None)
        if array is None and not has_both:
            continue
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or array.shape != (width,):
            given = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            message = f"`{name}` of `{kind_of(step)}` must be an array of {width} numbers, not {given}"
            raise fail("N705", message, place=place)


def _division(step: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What a scaler subtracts, and then divides by."""
    if type(step) is pre.StandardScaler:
        return step.mean_ if step.with_mean else None, step.scale_
    if type(step) is pre.RobustScaler:
        return step.center_ if step.with_centering else None, step.scale_ if step.with_scaling else None
    return None, step.scale_


def _rounded(step: Any, values: np.ndarray, features: np.ndarray) -> np.ndarray:
    """What a step makes of doubles, in the operations that it does."""
    if type(step) is pre.MinMaxScaler:
        values = values * step.scale_[features] + step.min_[features]
        return np.clip(values, *step.feature_range) if step.clip else values
    mean, scale = _division(step)
    values = values if mean is None else values - mean[features]
    values = values if scale is None else values / scale[features]
    return np.clip(values, -1.0, 1.0) if getattr(step, "clip", False) else values


def _layer(factor: np.ndarray, shift: np.ndarray, activation: Activation, place: str) -> Layer | None:
    if (factor == 1).all() and not shift.any() and activation == "identity":
        return None
    try:
        return Layer(Pointwise(np.asarray(factor)[None]), shift, activation, path=place)
    except CompileError as error:
        raise fail("N705", error.diagnostics[0].message, place=place) from None
