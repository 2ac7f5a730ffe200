"""Activations, batch normalisation and heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends import elementwise
from ddcompile.frontends.activations import Activation, clamp
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.places import at
from ddcompile.frontends.torch.arithmetic import affine, exact
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.values import BatchHead, Units, numbers_of
from ddcompile.ir.nodes import Number

__all__ = [
    "OPERATIONS",
    "activated",
    "batch_norm",
    "hardsigmoid",
    "hardtanh",
    "leaky_relu",
    "prelu",
    "softmax",
]


def activated(context: Context, place: str, x: Any, activation: Activation) -> Units:
    """An activation of every unit."""
    ids = context.numbers(x, activation, place)
    return context.units(context.drafts.mapped(ids, place, activation))


def _activation(activation: Activation) -> Callable[..., Units]:
    return lambda context, place, x: activated(context, place, x, activation)


def _heaviside(context: Context, place: str, x: Any, values: Any) -> Units:
    """`heaviside(x, values)`: `values` is what it is at 0."""
    at_zero = exact(values, place)
    constant = None if at_zero is None else set(at_zero.ravel().tolist())
    hint = "give 0 (true where x > 0), 1 (true where x >= 0) or 0.5"
    if constant == {0}:
        return activated(context, place, x, "step")
    if constant == {1}:
        return activated(context, place, x, "nonnegative")
    if constant is not None and len(constant) == 1 and float(next(iter(constant))) == 0.5:
        half = next(iter(constant))
        return affine(context, place, activated(context, place, x, "sign"), half, half)
    raise fail("N409", "`heaviside` with other values at 0", place=place, hint=hint)


def hardtanh(context: Context, place: str, x: Any, min_val: Any = -1.0, max_val: Any = 1.0) -> Units:
    """`F.hardtanh`."""
    return _clamp(context, place, x, min_val, max_val)


def _clamp(context: Context, place: str, x: Any, min: Any = None, max: Any = None) -> Units:
    low, high = _bound(min, place), _bound(max, place)
    if low is not None and high is not None and low > high:
        raise fail("N409", f"a clamp from {float(low)} to {float(high)}, which is all {float(high)}", place=place)
    return activated(context, place, x, clamp(low, high))


def _bound(value: Any, place: str) -> Number | None:
    if value is None:
        return None
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    array = exact(value, place)
    if array is None or array.size != 1:
        raise fail("N409", "a clamp with bounds that are not single constants", place=place)
    number: Number = array.ravel()[0]
    return number


def leaky_relu(context: Context, place: str, x: Any, negative_slope: Any = 0.01) -> Units:
    """`F.leaky_relu`."""
    slope = exact(negative_slope, place)
    if slope is None or slope.size != 1:
        raise fail("N409", "`leaky_relu` with a slope that is no single constant", place=place)
    return _sloped(context, place, context.numbers(x, "leaky_relu", place), slope.ravel()[0])


def prelu(context: Context, place: str, x: Any, weight: Any) -> Units:
    """`F.prelu`: one slope, or one for each place of the axis after the batch."""
    ids = context.numbers(x, "prelu", place)
    slopes = exact(weight, place)
    if slopes is None:
        raise fail("N402", "`prelu` with slopes that depend on the inputs", place=place)
    if slopes.size != 1 and ids.shape[:1] != (slopes.size,):
        message = f"{slopes.size} slopes are applied to values of shape {tuple(ids.shape)} a sample"
        raise fail("N410", message, place=place)
    return _sloped(context, place, ids, slopes.reshape(-1, *[1] * (ids.ndim - 1)) if ids.ndim else slopes.ravel()[0])


def _sloped(context: Context, place: str, ids: np.ndarray, slope: Any) -> Units:
    """`relu(x) - slope * relu(-x)`."""
    drafts = context.drafts
    above, below = drafts.mapped(ids, place, "relu"), drafts.mapped(ids, place, "relu", -1)
    return context.units(
        elementwise.combined(drafts, above, elementwise.affine(drafts, below, slope, 0, place), -1, place)
    )


def hardsigmoid(context: Context, place: str, x: Any) -> Units:
    """`F.hardsigmoid`: x + 3, limited to 0..6, by 6; the divisor is carried along."""
    ids = context.numbers(x, "hardsigmoid", place)
    limited = context.drafts.mapped(ids, place, clamp(0, 6), 1, 3)
    return context.units(elementwise.divided(context.drafts, limited, 1, 6, place))


def batch_norm(
    context: Context,
    place: str,
    x: Any,
    mean: torch.Tensor | None,
    variance: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Units:
    """`F.batch_norm` with fixed statistics; the axis after the batch is that of the features."""
    ids = context.numbers(x, "batch_norm", place)
    if training or mean is None or variance is None:
        hint = "batch norm needs fixed statistics: track_running_stats=True and eval mode"
        raise fail("N403", "batch norm over the statistics of the batch", place=place, hint=hint)
    if ids.ndim == 0 or ids.shape[0] != len(mean):
        message = f"batch norm of {len(mean)} features is applied to values of shape {tuple(ids.shape)} a sample"
        raise fail("N410", message, place=place)
    weight = torch.ones_like(mean) if weight is None else weight
    bias = torch.zeros_like(mean) if bias is None else bias
    parts = {"running_mean": mean, "running_var": variance, "weight": weight, "bias": bias}
    values = [numbers_of(tensor, name, place) for name, tensor in parts.items()]
    try:
        norm = Norm(values[0], values[1], values[2], values[3], eps)
    except CompileError as error:
        raise at(error, place) from None
    return context.units(context.drafts.normalized(ids.ravel(), norm, place).reshape(ids.shape))


def softmax(context: Context, place: str, x: Any, dim: Any = None, **_: Any) -> BatchHead:
    """`softmax(x, dim)`: the head of a network."""
    if not isinstance(x, Units) or x.element == "bool":
        raise fail("N412", "`softmax` of other things than numbers", place=place)
    if x.ids.dim() != 2 or dim not in (1, -1):
        message = f"`softmax` over dim={dim} of values of shape {tuple(x.ids.shape[1:])} a sample"
        raise fail("N409", message, place=place, hint="flatten to one axis a sample, and use dim=1")
    return BatchHead("softmax", x)


def _dropout(context: Context, place: str, x: Any, p: float = 0.5, training: bool = True) -> Units:
    if training and p > 0:
        raise fail("N403", "dropout that is always on", place=place, hint="F.dropout(x, p, training=self.training)")
    context.numbers(x, "dropout", place)
    assert isinstance(x, Units)
    return x


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{name: _activation(name) for name in ("sign", "relu", "abs", "tanh", "sigmoid")},
        "alpha_dropout": _dropout,
        "batch_norm": batch_norm,
        "clamp": _clamp,
        "clamp_max": lambda context, place, x, max: _clamp(context, place, x, None, max),
        "clamp_min": lambda context, place, x, min: _clamp(context, place, x, min, None),
        "dropout": _dropout,
        "expit": _activation("sigmoid"),
        "feature_dropout": _dropout,
        "hardsigmoid": hardsigmoid,
        "hardtanh": hardtanh,
        "heaviside": _heaviside,
        "leaky_relu": leaky_relu,
        "positive": lambda context, place, x: x,
        "prelu": prelu,
        "relu6": lambda context, place, x: activated(context, place, x, clamp(0, 6)),
        "softmax": softmax,
    }
)
