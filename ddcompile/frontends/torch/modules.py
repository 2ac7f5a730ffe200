"""The modules of torch that are imported as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import nn

from ddcompile.diagnostics import fail
from ddcompile.frontends.torch import convolutions, pooling
from ddcompile.frontends.torch.arithmetic import linear
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.convolutions import convolution, pad, transposed
from ddcompile.frontends.torch.logic import OPERATIONS as _LOGIC
from ddcompile.frontends.torch.shapes import moved
from ddcompile.frontends.torch.units import (
    activated,
    batch_norm,
    hardsigmoid,
    hardtanh,
    leaky_relu,
    prelu,
    softmax,
)
from ddcompile.frontends.torch.values import BatchHead, Units

__all__ = ["MODULES"]

Importer = Callable[..., Any]


def _linear(context: Context, place: str, module: nn.Linear, x: Any) -> Units:
    return linear(context, place, x, module.weight, module.bias)


def _activation(name: str) -> Importer:
    return lambda context, place, module, x: activated(context, place, x, name)


def _batch_norm(context: Context, place: str, module: Any, x: Any) -> Units:
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


def _convolution(context: Context, place: str, module: Any, x: Any) -> Units:
    sides = module.stride, module.padding, module.dilation, module.groups
    return convolution(context, place, x, module.weight, module.bias, *sides, mode=module.padding_mode)


def _transposed(context: Context, place: str, module: Any, x: Any, output_size: Any = None) -> Units:
    if output_size is not None:
        hint = "choose output_padding when the module is made"
        raise fail("N409", "a transposed convolution to a given size", place=place, hint=hint)
    sides = module.stride, module.padding, module.output_padding, module.groups, module.dilation
    return transposed(context, place, x, module.weight, module.bias, *sides)


def _called(name: str, *arguments: str) -> Importer:
    """A module that calls a function with its attributes."""

    def run(context: Context, place: str, module: Any, x: Any) -> Any:
        return {**convolutions.OPERATIONS, **pooling.OPERATIONS}[name](
            context, place, x, **{a: getattr(module, a) for a in arguments if hasattr(module, a)}
        )

    return run


def _padding(mode: str) -> Importer:
    def run(context: Context, place: str, module: Any, x: Any) -> Units:
        return pad(context, place, x, module.padding, mode, getattr(module, "value", 0))

    return run


def _pooling() -> dict[type[nn.Module], Importer]:
    found: dict[type[nn.Module], Importer] = {}
    sizes = "kernel_size", "stride", "padding"
    for n in (1, 2, 3):
        found[getattr(nn, f"Conv{n}d")] = _convolution
        found[getattr(nn, f"ConvTranspose{n}d")] = _transposed
        found[getattr(nn, f"BatchNorm{n}d")] = _batch_norm
        found[getattr(nn, f"Dropout{n}d")] = _unchanged
        found[getattr(nn, f"MaxPool{n}d")] = _called(f"max_pool{n}d", *sizes, "dilation", "ceil_mode", "return_indices")
        found[getattr(nn, f"AvgPool{n}d")] = _called(
            f"avg_pool{n}d", *sizes, "ceil_mode", "count_include_pad", "divisor_override"
        )
        found[getattr(nn, f"AdaptiveMaxPool{n}d")] = _called(f"adaptive_max_pool{n}d", "output_size", "return_indices")
        found[getattr(nn, f"AdaptiveAvgPool{n}d")] = _called(f"adaptive_avg_pool{n}d", "output_size")
        found[getattr(nn, f"ZeroPad{n}d")] = found[getattr(nn, f"ConstantPad{n}d")] = _padding("constant")
        found[getattr(nn, f"ReflectionPad{n}d")] = _padding("reflect")
        found[getattr(nn, f"ReplicationPad{n}d")] = _padding("replicate")
        found[getattr(nn, f"CircularPad{n}d")] = _padding("circular")
    return found


MODULES: Mapping[type[nn.Module], Importer] = MappingProxyType(
    {
        nn.AlphaDropout: _unchanged,
        nn.Dropout: _unchanged,
        nn.ChannelShuffle: _moved,
        nn.Flatten: _moved,
        nn.Hardsigmoid: lambda context, place, module, x: hardsigmoid(context, place, x),
        nn.Hardtanh: lambda context, place, module, x: hardtanh(context, place, x, module.min_val, module.max_val),
        nn.Identity: _unchanged,
        nn.LeakyReLU: lambda context, place, module, x: leaky_relu(context, place, x, module.negative_slope),
        nn.PReLU: lambda context, place, module, x: prelu(context, place, x, module.weight),
        nn.PixelShuffle: _moved,
        nn.PixelUnshuffle: _moved,
        nn.Upsample: _called("interpolate", "size", "scale_factor", "mode", "align_corners"),
        nn.Linear: _linear,
        nn.Hardshrink: lambda context, place, module, x: _LOGIC["hardshrink"](context, place, x, module.lambd),
        nn.ReLU: _activation("relu"),
        nn.RReLU: lambda context, place, module, x: leaky_relu(context, place, x, (module.lower + module.upper) / 2),
        nn.Softshrink: lambda context, place, module, x: _LOGIC["softshrink"](context, place, x, module.lambd),
        nn.Threshold: lambda context, place, module, x: _LOGIC["threshold"](
            context, place, x, module.threshold, module.value
        ),
        nn.ReLU6: lambda context, place, module, x: hardtanh(context, place, x, 0.0, 6.0),
        nn.Sigmoid: _activation("sigmoid"),
        nn.Softmax: _softmax,
        nn.Tanh: _activation("tanh"),
        nn.Unflatten: _moved,
        **_pooling(),
    }
)
"""By exact type; subclasses outside torch are traced."""
