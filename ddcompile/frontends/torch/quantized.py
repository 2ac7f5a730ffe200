"""Quantised modules of torch.ao, whose arithmetic is integer: steps from the zero point, and rounding to levels.

A quantised tensor is followed as whole numbers of steps, `q - zero_point`; its scale goes with it. Sums of products of
such numbers are exact, and so are the weights and the bias of a layer. A level is the whole number next to the exact
value; halves go to the even number of steps, of `torch.quantize_per_tensor` to the even level. Engines differ there,
and round to single precision on their way (`dd.float_safe` says where that does not matter). The engine qnnpack rounds
biases to whole steps, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch.ao.nn import quantized
from torch.ao.nn.intrinsic import quantized as fused

from ddcompile.diagnostics import fail
from ddcompile.frontends import elementwise
from ddcompile.frontends.levels import MOST_COMPARISONS, levels
from ddcompile.frontends.torch.arithmetic import affine, linear
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.convolutions import convolution
from ddcompile.frontends.torch.shapes import MOVES
from ddcompile.frontends.torch.values import Steps, Units

__all__ = ["MODULES", "OPERATIONS", "of_steps"]

_ENDS = {torch.quint8: (0, 255), torch.qint8: (-128, 127)}

_KEPT = ("amax", "amin", "dropout", "relu")
_MOVES = ("cat", "concat", "concatenate", "identity", "getattr", *MOVES)


def of_steps(name: str, function: Callable[..., Any], place: str) -> Callable[..., Any]:
    """An operation as one of quantised tensors.

    It moves steps about; or gives some of those that it is given, or none for fewer than none.

    Raises
    ------
    CompileError
        N412 if it is another.
    """
    plain = name.lower().rstrip("_")
    if plain in _MOVES or plain == "dequantize" or plain.startswith("quantized"):
        return function
    if plain in _KEPT or "max_pool" in plain or "maxpool" in plain:
        return _kept(function)
    hint = "make numbers of it first: torch.ao.quantization.DeQuantStub"
    raise fail("N412", f"`{name}` of a quantised tensor", place=place, hint=hint)


def _kept(operation: Callable[..., Any]) -> Callable[..., Any]:
    """An operation of whole numbers of steps, as one of quantised tensors."""

    def run(context: Context, place: str, x: Units, *args: Any, **kwargs: Any) -> Any:
        found = operation(context, place, Units(x.ids), *args, **kwargs)
        return Units(found.ids, x.element) if isinstance(found, Units) else found

    return run


def _steps(x: Any, operation: str, place: str) -> tuple[Units, Fraction]:
    """The whole numbers that a quantised tensor is, and its scale."""
    if not isinstance(x, Units) or not isinstance(x.element, Steps):
        hint = "quantise the inputs first: torch.ao.quantization.QuantStub"
        raise fail("N412", f"`{operation}` of a tensor that is not quantised", place=place, hint=hint)
    return Units(x.ids), x.element.scale


def _quantized(
    context: Context,
    place: str,
    x: Units,
    numbers: tuple[Any, Any],
    scale: Fraction,
    zero: int,
    dtype: torch.dtype = torch.quint8,
    *,
    is_whole: bool,
    is_relu: bool = False,
    parity: int = 0,
) -> Units:
    """`factor * x + shift` in steps of a scale."""
    if dtype not in _ENDS:
        hint = "quint8 and qint8 are imported"
        raise fail("N412", f"values are quantised to {dtype}", place=place, hint=hint)
    least, most = (end - zero for end in _ENDS[dtype])
    least = max(least, 0) if is_relu else least
    most = max(least, most)
    ids = context.sample(x, place)
    if ids.size * (most - least) > MOST_COMPARISONS:
        message = f"{ids.size} values on {most - least + 1} levels are more than {MOST_COMPARISONS} comparisons"
        raise fail("N409", message, place=place, hint="quantise layers of fewer units")
    factor, shift = numbers
    ends = (least, most)
    made = levels(context.drafts, ids, (factor, shift, scale), ends, place, is_whole=is_whole, parity=parity)
    return Units(context.units(made).ids, Steps(scale))


def quantize(context: Context, place: str, x: Any, scale: Any, zero_point: Any, dtype: torch.dtype) -> Units:
    """`torch.quantize_per_tensor`."""
    context.numbers(x, "quantize", place)
    step, zero = _scale(scale, place), _zero(zero_point, place)
    return _quantized(context, place, x, (1, 0), step, zero, dtype, is_whole=False, parity=zero)


def dequantize(context: Context, place: str, x: Any) -> Units:
    """What a quantised tensor stands for; other tensors as they are."""
    if not isinstance(x, Units) or not isinstance(x.element, Steps):
        return Units(context.units(context.numbers(x, "dequantize", place)).ids)
    units, scale = _steps(x, "dequantize", place)
    return affine(context, place, units, scale, 0)


def _scale(value: Any, place: str) -> Fraction:
    if isinstance(value, Units):
        raise fail("N402", "a scale that depends on the inputs", place=place)
    scale = Fraction(float(value))
    if scale <= 0:
        raise fail("N409", f"the scale {float(scale)} is not positive", place=place)
    return scale


def _zero(value: Any, place: str) -> int:
    if isinstance(value, Units):
        raise fail("N402", "a zero point that depends on the inputs", place=place)
    return int(value)


def _weight(module: Any, place: str) -> tuple[torch.Tensor, list[Fraction]]:
    """Whole weights less their zero points, and the scale of each output."""
    weight = module.weight()
    whole = weight.int_repr().to(torch.int64)
    if weight.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric):
        if weight.q_per_channel_axis() != 0:
            raise fail("N409", "scales along another axis than that of the outputs", place=place)
        scales, zeros = weight.q_per_channel_scales().tolist(), weight.q_per_channel_zero_points()
        return whole - zeros.to(torch.int64).reshape(-1, *[1] * (whole.dim() - 1)), [Fraction(s) for s in scales]
    if weight.qscheme() not in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        raise fail("N409", f"weights on the scheme {weight.qscheme()}", place=place)
    return whole - weight.q_zero_point(), [Fraction(weight.q_scale())] * len(whole)


def _layer(context: Context, place: str, module: Any, x: Any, is_relu: bool) -> Units:
    """A linear layer or a convolution of steps, whose sums become steps of another scale."""
    units, scale = _steps(x, type(module).__name__, place)
    if torch.backends.quantized.engine == "qnnpack":
        hint = "torch.backends.quantized.engine = 'fbgemm', then convert the module again"
        raise fail("N404", "the engine qnnpack rounds biases, so it computes another function", place=place, hint=hint)
    whole, scales = _weight(module, place)
    if isinstance(module, quantized.Linear):
        found = linear(context, place, units, whole)
        axis = -1
    else:
        sides = module.stride, module.padding, module.dilation, module.groups
        found = convolution(context, place, units, whole, None, *sides, mode=module.padding_mode)
        axis = 0
    factors = [scale * each for each in scales]
    bias = module.bias()
    given = [0.0] * len(whole) if bias is None else bias.detach().to(torch.float64).tolist()
    shifts = [Fraction(b) for b in given]
    shape = [1] * (found.ids.dim() - 1)
    shape[axis] = -1
    numbers = tuple(np.array(v, dtype=object).reshape(shape) for v in (factors, shifts))
    step, zero = _scale(module.scale, place), _zero(module.zero_point, place)
    return _quantized(context, place, found, (numbers[0], numbers[1]), step, zero, is_whole=True, is_relu=is_relu)


def _module(is_relu: bool) -> Callable[..., Units]:
    return lambda context, place, module, x: _layer(context, place, module, x, is_relu)


def _quantize_module(context: Context, place: str, module: Any, x: Any) -> Units:
    return quantize(context, place, x, module.scale, module.zero_point, module.dtype)


def _sum(is_relu: bool) -> Callable[..., Units]:
    """`a + b` in steps of another scale."""

    def run(context: Context, place: str, x: Any, y: Any, scale: Any, zero_point: Any) -> Units:
        (first, one), (second, other) = (_steps(v, "add", place) for v in (x, y))
        left, right = np.broadcast_arrays(context.sample(first, place), context.sample(second, place))
        drafts = context.drafts
        stretched = elementwise.affine(drafts, left, one, 0, place), elementwise.affine(drafts, right, other, 0, place)
        total = context.units(elementwise.combined(drafts, *stretched, 1, place))
        step, zero = _scale(scale, place), _zero(zero_point, place)
        return _quantized(context, place, total, (1, 0), step, zero, is_whole=False, is_relu=is_relu)

    return run


MODULES: Mapping[type[torch.nn.Module], Callable[..., Any]] = MappingProxyType(
    {
        quantized.Quantize: _quantize_module,
        quantized.Dropout: lambda context, place, module, x: x,
        quantized.DeQuantize: lambda context, place, module, x: dequantize(context, place, x),
        **dict.fromkeys((quantized.Linear, quantized.Conv1d, quantized.Conv2d, quantized.Conv3d), _module(False)),
        **dict.fromkeys(
            (fused.LinearReLU, fused.ConvReLU1d, fused.ConvReLU2d, fused.ConvReLU3d),
            _module(True),
        ),
    }
)
"""By exact type, as those of `modules`."""

OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "dequantize": dequantize,
        "quantize_per_tensor": quantize,
        "quantized::add": _sum(False),
        "quantized::add_relu": _sum(True),
    }
)
