"""Steps of a pipeline before its model, as pointwise layers, where they are exact.

A scaler that multiplies is exact. One that divides is where its scales are powers of two: else its quotients are no
binary fractions, and folding them into weights would round.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from sklearn import preprocessing as pre

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import Activation, clamp
from ddcompile.frontends.network import Layer
from ddcompile.frontends.sklearn.chain import checked_fit, kind_of
from ddcompile.frontends.weights import Pointwise

__all__ = ["layer_of_step"]


def layer_of_step(step: Any, place: str, width: int) -> Layer | None:
    """The layer of a step that reads `width` values; None if it changes nothing.

    Raises
    ------
    CompileError
        N701 if the step is not fitted, N704 if it is not exact or not imported.
    """
    zeros, ones = np.zeros(width), np.ones(width)
    if type(step) is pre.Binarizer:
        return Layer(Pointwise(ones[None]), ones * -float(step.threshold), "step", path=place)
    if type(step) not in (pre.StandardScaler, pre.MinMaxScaler, pre.MaxAbsScaler, pre.RobustScaler):
        hint = "steps: StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Binarizer"
        raise fail("N704", f"the step `{kind_of(step)}` is not imported", place=place, hint=hint)
    checked_fit(step, place)
    activation: Activation = "identity"
    if type(step) is pre.MinMaxScaler:
        factor, shift = step.scale_, step.min_
        if step.clip:
            activation = clamp(*map(Fraction, map(float, step.feature_range)))
        return _layer(factor, shift, activation, place)
    if type(step) is pre.StandardScaler:
        scale, mean = step.scale_, step.mean_ if step.with_mean else None
    elif type(step) is pre.RobustScaler:
        scale = step.scale_ if step.with_scaling else None
        mean = step.center_ if step.with_centering else None
    else:
        scale, mean = step.scale_, None
        if getattr(step, "clip", False):
            activation = "hardtanh"
    scale, mean = ones if scale is None else scale, zeros if mean is None else mean
    mantissas, _ = np.frexp(scale)
    for k in np.flatnonzero(mantissas != 0.5)[:1]:
        message = f"`{kind_of(step)}` divides input {k} by {float(scale[k])!r}, which is no power of two: it rounds"
        hint = "before the model is fitted, set scaler.scale_ = 2.0 ** numpy.round(numpy.log2(scaler.scale_))"
        raise fail("N704", message, place=place, hint=f"{hint}; or take MinMaxScaler, which multiplies")
    return _layer(1 / scale, -mean / scale, activation, place)


def _layer(factor: np.ndarray, shift: np.ndarray, activation: Activation, place: str) -> Layer | None:
    if (factor == 1).all() and not shift.any() and activation == "identity":
        return None
    try:
        return Layer(Pointwise(np.asarray(factor)[None]), shift, activation, path=place)
    except CompileError as error:
        raise fail("N705", error.diagnostics[0].message, place=place) from None
