"""Operations of exported programs whose arguments differ from those of the functions of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ddcompile.diagnostics import fail
from ddcompile.frontends.torch import shapes, units
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.convolutions import OPERATIONS as CONVOLUTIONS, convolution, pad, transposed
from ddcompile.frontends.torch.pooling import OPERATIONS as POOLING
from ddcompile.frontends.torch.values import Units, Untold

__all__ = ["OPERATIONS", "moved"]

_INDICES = Untold("where the largest value is", "for the number of the largest value, use argmax(dim=1)")
_STATISTICS = Untold("a statistic of the batch", "use the normalised values alone")

_MOVES = (
    "_reshape_copy", "_unsafe_view", "alias", "cat", "channel_shuffle", "chunk", "clone", "contiguous", "detach",
    "detach_", "diagonal", "expand", "expand_as", "flatten", "flip", "index_select", "lift_fresh_copy", "movedim",
    "narrow", "permute", "pixel_shuffle", "pixel_unshuffle", "repeat", "repeat_interleave", "reshape", "roll", "select",
    "slice", "split", "split_with_sizes", "squeeze", "squeeze_", "stack", "t", "tile", "transpose", "unbind",
    "unflatten", "unsqueeze", "unsqueeze_", "view", "view_as",
)  # fmt: skip
"""These are done by the operation itself, on the numbers of the units."""


def _batch_norm(
    context: Context,
    place: str,
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Units:
    return units.batch_norm(context, place, x, mean, variance, weight, bias, training, momentum, eps)


def _batch_norm_of_inference(context: Context, place: str, x: Any, weight: Any, bias: Any, *rest: Any) -> Any:
    mean, variance, momentum, eps = rest
    found = units.batch_norm(context, place, x, mean, variance, weight, bias, False, momentum, eps)
    return found, _STATISTICS, _STATISTICS


def _convolution(
    context: Context,
    place: str,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    is_transposed: bool,
    output_padding: Any,
    groups: int,
    *_: Any,
) -> Units:
    if is_transposed:
        return transposed(context, place, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return convolution(context, place, x, weight, bias, stride, padding, dilation, groups)


def _with_indices(name: str) -> Callable[..., Any]:
    return lambda context, place, *args: (POOLING[name](context, place, *args), _INDICES)


def _upsample(context: Context, place: str, x: Any, size: Any, *scales: Any) -> Units:
    factors = next((s for s in scales if s is not None), None)
    found: Units = CONVOLUTIONS["interpolate"](context, place, x, size, factors if size is None else None)
    return found


def _cast(context: Context, place: str, x: Any, *args: Any, **kwargs: Any) -> Any:
    return shapes.OPERATIONS["to"](context, place, x, *args, **{k: v for k, v in kwargs.items() if k == "dtype"})


def _index(target: Callable[..., Any]) -> Callable[..., Any]:
    """`x[None, places]` with places that are constants."""

    def run(context: Context, place: str, x: Any, indices: Any) -> Any:
        if not isinstance(x, Units) or any(isinstance(index, Units) for index in indices):
            raise fail("N402", "an index that depends on the inputs", place=place)
        return shapes.moved(target)(context, place, x, indices)

    return run


def moved(target: Any, name: str) -> Callable[..., Any] | None:
    """An operation that moves elements about, if that is what it is."""
    if name in ("index", "_unsafe_index"):
        return _index(target)
    return shapes.moved(target) if name in _MOVES else None


def _size(context: Context, place: str, x: Units, dim: int) -> int:
    return int(x.ids.shape[dim])


def _softmax(context: Context, place: str, x: Any, dim: int, *_: Any) -> Any:
    return units.softmax(context, place, x, dim)


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{f"adaptive_max_pool{n}d": _with_indices(f"adaptive_max_pool{n}d") for n in (1, 2, 3)},
        **{f"max_pool{n}d_with_indices": _with_indices(f"max_pool{n}d") for n in (1, 2, 3)},
        **{f"_adaptive_avg_pool{n}d": POOLING[f"adaptive_avg_pool{n}d"] for n in (2, 3)},
        **{f"upsample_nearest{n}d": _upsample for n in (1, 2, 3)},
        "_native_batch_norm_legit_no_training": _batch_norm_of_inference,
        "_softmax": _softmax,
        "_to_copy": _cast,
        "batch_norm": _batch_norm,
        "constant_pad_nd": lambda context, place, x, sides, value=0: pad(context, place, x, sides, "constant", value),
        "convolution": _convolution,
        "sym_size": _size,
        "to": _cast,
    }
)
