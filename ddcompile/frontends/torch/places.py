"""Numbers that say places: which score is the largest, one-hot codes, rows of tables; and counts of truth values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ddcompile.diagnostics import fail
from ddcompile.frontends import elementwise
from ddcompile.frontends.ranking import MOST_SCORES, numbers_of_largest
from ddcompile.frontends.rows import row_sums
from ddcompile.frontends.torch.arithmetic import OPERATIONS as _ARITHMETIC, affine, linear
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.convolutions import pad
from ddcompile.frontends.torch.logic import OPERATIONS as _LOGIC
from ddcompile.frontends.torch.shapes import moved
from ddcompile.frontends.torch.values import BatchHead, Units
from ddcompile.frontends.weights import objects

__all__ = ["MODULES", "OPERATIONS", "argmax", "settled"]

_MOST_CODES = 2**18
"""More comparisons than these with the rows of a table are refused."""


def argmax(context: Context, place: str, x: Any, dim: Any = None, keepdim: bool = False) -> BatchHead | Units:
    """`argmax(x, dim)`: of one axis a sample the head of a network, else numbers."""
    if not isinstance(x, Units) or x.element == "bool":
        raise fail("N412", "`argmax` of other things than numbers", place=place)
    axes = x.ids.dim()
    if not isinstance(dim, int) or not -axes <= dim < axes or dim % axes == 0:
        message = f"`argmax` over dim={dim} of values of shape {tuple(x.ids.shape[1:])} a sample"
        raise fail("N409", message, place=place, hint="over an axis of the samples, as in dim=1")
    if axes == 2 and not keepdim:
        context.sample(x, place)
        return BatchHead("argmax", x)
    found = _numbers(context, place, x.ids.movedim(dim, -1))
    return Units(found.ids.unsqueeze(dim % axes), "int") if keepdim else found


def settled(context: Context, place: str, head: BatchHead) -> Units:
    """Where the largest score is, as numbers, one a sample."""
    return _numbers(context, place, head.scores.ids)


def _numbers(context: Context, place: str, ids: torch.Tensor) -> Units:
    """The numbers of the largest scores, which are on the last axis."""
    one = context.sample(Units(ids), place)
    if one.shape[-1] > MOST_SCORES:
        message = f"`argmax` over {one.shape[-1]} scores that is not the end of the network"
        raise fail("N409", message, place=place, hint=f"at most {MOST_SCORES} scores, or end the network with it")
    labels = objects(np.arange(one.shape[-1]))
    found = numbers_of_largest(context.drafts, one.reshape(-1, one.shape[-1]), labels, place)
    return context.units(found.reshape(one.shape[:-1]), "int")


def one_hot(context: Context, place: str, x: Any, num_classes: int = -1) -> Units:
    """`F.one_hot`: whether each number is reached, and the next is not."""
    ids = context.numbers(x, "one_hot", place)
    if num_classes < 1:
        raise fail("N409", "`one_hot` of as many classes as there are", place=place, hint="give num_classes")
    if ids.size * (num_classes + 1) > _MOST_CODES:
        message = f"{ids.size} numbers of {num_classes} classes are more than {_MOST_CODES} comparisons"
        raise fail("N409", message, place=place)
    spread = np.broadcast_to(ids[..., None], (*ids.shape, num_classes + 1))
    reached = elementwise.affine(context.drafts, spread, 1, objects(-np.arange(num_classes + 1)), place, "nonnegative")
    found = elementwise.combined(context.drafts, reached[..., :-1].copy(), reached[..., 1:].copy(), -1, place)
    return context.units(found, "int")


def embedding(context: Context, place: str, x: Any, weight: Any, *_: Any, **options: Any) -> Units:
    """`F.embedding`: rows of a table that whole numbers from 0 choose."""
    if isinstance(x, torch.Tensor):  # exported programs have the table first
        x, weight = weight, x
    if not isinstance(weight, torch.Tensor) or options.get("max_norm") is not None:
        hint = "give a table of constants, without max_norm"
        raise fail("N402", "`embedding` in a table that changes", place=place, hint=hint)
    codes = one_hot(context, place, x, len(weight))
    return linear(context, place, Units(codes.ids), weight.t())


def _embedding_module(context: Context, place: str, module: torch.nn.Embedding, x: Any) -> Units:
    return embedding(context, place, x, module.weight, max_norm=module.max_norm)


def _bag_module(context: Context, place: str, module: torch.nn.EmbeddingBag, x: Any, *rest: Any) -> Units:
    """Sums or means of rows; of bags that have the same length."""
    if rest or not isinstance(x, Units) or x.ids.dim() != 2 or module.mode not in ("sum", "mean"):
        hint = "give numbers of shape (samples, length), and the mode sum or mean"
        raise fail("N409", "`EmbeddingBag` of bags of any length, or of another mode", place=place, hint=hint)
    if module.padding_idx is not None:
        raise fail("N409", "`EmbeddingBag` that leaves out a number", place=place, hint="leave out padding_idx")
    rows = embedding(context, place, x, module.weight, max_norm=module.max_norm)
    found: Units = _ARITHMETIC[module.mode](context, place, rows, 1)
    return found


def _counted(context: Context, place: str, x: Any, dim: Any, keepdim: bool, name: str) -> tuple[np.ndarray, Any, int]:
    """Sums of truth values over axes of a sample, how they are laid out, and of how many."""
    if not isinstance(x, Units) or x.element != "bool":
        raise fail("N412", f"`{name}` of numbers", place=place, hint="compare first: (x > 0).any(dim=1)")
    axes = x.ids.dim()
    dims = sorted({d % axes for d in ((dim,) if isinstance(dim, int) else dim or ())})
    if not dims or 0 in dims:
        hint = "over the axes of a sample: mask.any(dim=1)"
        raise fail("N411", f"`{name}` over the samples of the batch", place=place, hint=hint)
    ids = context.sample(x, place)
    kept = [d for d in range(ids.ndim) if d + 1 not in dims]
    rows = ids.transpose(*kept, *(d - 1 for d in dims))
    shape = rows.shape[: len(kept)]
    rows = rows.reshape(prod(shape), -1)

    def arranged(found: np.ndarray) -> torch.Tensor:
        units = context.units(found.reshape(shape)).ids
        for d in dims if keepdim else ():
            units = units.unsqueeze(d)
        return units

    return row_sums(context.drafts, rows, place), arranged, rows.shape[1]


def _any(context: Context, place: str, x: Any, dim: Any = None, keepdim: bool = False) -> Units:
    counts, arranged, _ = _counted(context, place, x, dim, keepdim, "any")
    return Units(arranged(context.drafts.mapped(counts, place, "nonnegative", 1, -1)), "bool")


def _all(context: Context, place: str, x: Any, dim: Any = None, keepdim: bool = False) -> Units:
    counts, arranged, least = _counted(context, place, x, dim, keepdim, "all")
    return Units(arranged(context.drafts.mapped(counts, place, "nonnegative", 1, -least)), "bool")


def _sum(context: Context, place: str, x: Any, dim: Any = None, keepdim: bool = False, **options: Any) -> Units:
    """`x.sum(dim)`, of truth values how many there are."""
    if not isinstance(x, Units) or x.element != "bool":
        found: Units = _ARITHMETIC["sum"](context, place, x, dim, keepdim)
        return found
    counts, arranged, _ = _counted(context, place, x, dim, keepdim, "sum")
    return Units(arranged(counts), "int")


def _count_nonzero(context: Context, place: str, x: Any, dim: Any = None) -> Units:
    is_bool = isinstance(x, Units) and x.element == "bool"
    return _sum(context, place, x if is_bool else _LOGIC["ne"](context, place, x, 0), dim)


def _cumsum(context: Context, place: str, x: Any, dim: int, **_: Any) -> Units:
    """`cumsum(x, dim)`: the sum of a value and those before it."""
    context.numbers(x, "cumsum", place)
    axes = x.ids.dim()
    if dim % axes == 0:
        raise fail("N411", "a sum over the samples of the batch", place=place, hint="x.cumsum(dim=1)")
    ids = np.moveaxis(context.sample(x, place), dim % axes - 1, -1)
    count = ids.shape[-1]
    weight, zeros = np.tril(np.ones((count, count), dtype=np.int64)), np.zeros(count, dtype=np.int64)
    sums = context.drafts.linear(ids.reshape(-1, count), weight, zeros, place).reshape(ids.shape)
    return context.units(np.moveaxis(sums, -1, dim % axes - 1))


def _round(context: Context, place: str, x: Any, **_: Any) -> Units:
    """Of what is between 0 and 1, whether it is above 1/2; of what is whole, itself."""
    ids = context.numbers(x, "round", place)
    owners = np.unique(context.drafts.owners(ids.ravel())).tolist()
    if any(k < 0 or context.drafts.layers[k].activation != "sigmoid" for k in owners):
        hint = "compare with constants, round a sigmoid, or quantise: torch.quantize_per_tensor"
        raise fail("N402", "`round` of other things than a sigmoid", place=place, hint=hint)
    half = objects(np.array([0.5]))
    return Units(affine(context, place, x, 1, -half, "step").ids)


def _unfold(
    context: Context, place: str, x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Units:
    """`F.unfold`: the values of every window side by side."""
    context.numbers(x, "unfold", place)
    high, wide = (padding, padding) if isinstance(padding, int) else padding
    if high or wide:
        x = pad(context, place, x, (wide, wide, high, high), "constant", 0)

    def taken(ids: torch.Tensor) -> torch.Tensor:
        return F.unfold(ids.double(), kernel_size, dilation, 0, stride).to(torch.int64)

    found: Units = moved(taken)(context, place, x)
    return found


def _new(number: float | None) -> Callable[..., torch.Tensor]:
    """`x.new_zeros(2, 3)`: constants of a given shape."""

    def run(context: Context, place: str, x: Any, *sizes: Any, **options: Any) -> torch.Tensor:
        sizes = (options.get("size", sizes[:1]), *sizes[1:]) if "size" in options else sizes
        value = number
        if value is None:
            value = options.get("fill_value", sizes[-1])
            sizes = sizes[:1]
        shape = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
        return torch.full(tuple(int(n) for n in shape), value, dtype=options.get("dtype") or context.dtype)

    return run


def _unfold_module(context: Context, place: str, module: torch.nn.Unfold, x: Any) -> Units:
    return _unfold(context, place, x, module.kernel_size, module.dilation, module.padding, module.stride)


MODULES: Mapping[type[torch.nn.Module], Callable[..., Any]] = MappingProxyType(
    {
        torch.nn.Embedding: _embedding_module,
        torch.nn.EmbeddingBag: _bag_module,
        torch.nn.Unfold: _unfold_module,
    }
)

OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "all": _all,
        "any": _any,
        "argmax": argmax,
        "count_nonzero": _count_nonzero,
        "cumsum": _cumsum,
        "embedding": embedding,
        "im2col": _unfold,
        "new_full": _new(None),
        "new_ones": _new(1.0),
        "new_zeros": _new(0.0),
        "one_hot": one_hot,
        "round": _round,
        "sum": _sum,
    }
)
