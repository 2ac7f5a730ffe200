"""The modules of torch that are imported as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import nn

from ddcompile.frontends.torch.arithmetic import linear
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.shapes import moved
from ddcompile.frontends.torch.units import activated, batch_norm, hardtanh, softmax
from ddcompile.frontends.torch.values import BatchHead, Units

__all__ = ["MODULES"]

Importer = Callable[..., Any]


def _linear(context: Context, place: str, module: nn.Linear, x: Any) -> Units:
    return linear(context, place, x, module.weight, module.bias)


def _activation(name: str) -> Importer:
    return lambda context, place, module, x: activated(context, place, x, name)


def _batch_norm(context: Context, place: str, module: nn.BatchNorm1d, x: Any) -> Units:
    return batch_norm(
        context,
        place,
        x,
        module.running_mean,
        module.running_var,
        module.weight,
        module.bias,
        eps=module.eps,
    )


def _softmax(context: Context, place: str, module: nn.Softmax, x: Any) -> BatchHead:
    return softmax(context, place, x, module.dim)


def _unchanged(context: Context, place: str, module: nn.Module, x: Any) -> Any:
    return x


def _moved(context: Context, place: str, module: nn.Module, x: Any) -> Any:
    return moved(module.forward)(context, place, x)


MODULES: Mapping[type[nn.Module], Importer] = MappingProxyType(
    {
        nn.AlphaDropout: _unchanged,
        nn.BatchNorm1d: _batch_norm,
        nn.Dropout: _unchanged,
        nn.Dropout1d: _unchanged,
        nn.Dropout2d: _unchanged,
        nn.Flatten: _moved,
        nn.Hardtanh: lambda context, place, module, x: hardtanh(context, place, x, module.min_val, module.max_val),
        nn.Identity: _unchanged,
        nn.Linear: _linear,
        nn.ReLU: _activation("relu"),
        nn.ReLU6: lambda context, place, module, x: hardtanh(context, place, x, 0.0, 6.0),
        nn.Sigmoid: _activation("sigmoid"),
        nn.Softmax: _softmax,
        nn.Tanh: _activation("tanh"),
        nn.Unflatten: _moved,
    }
)
"""By exact type; subclasses outside torch are traced."""
