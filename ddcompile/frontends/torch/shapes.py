"""Operations that move elements about: torch itself does them, on the numbers of the units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ddcompile.diagnostics import fail
from ddcompile.frontends.grids import DECIDING
from ddcompile.frontends.network import INPUTS
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.values import Element, Steps, Units, numbers_of
from ddcompile.frontends.weights import objects

__all__ = ["MOVES", "OPERATIONS", "moved"]

MOVES = (
    "broadcast_to", "channel_shuffle", "chunk", "clone", "contiguous", "detach", "diagonal", "expand", "expand_as",
    "flatten", "flip", "fliplr", "flipud", "getitem", "index_select", "movedim", "moveaxis", "narrow", "permute",
    "pixel_shuffle", "pixel_unshuffle", "ravel", "repeat", "repeat_interleave", "reshape", "reshape_as", "roll",
    "rot90", "select", "split", "squeeze", "swapaxes", "swapdims", "t", "tile", "transpose", "unbind", "unflatten",
    "unfold", "unsqueeze", "view", "view_as",
    "dim", "len", "ndimension", "nelement", "numel", "size",
)  # fmt: skip
_TAKES_SEQUENCE = ("cat", "stack", "hstack", "vstack")


def moved(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that gives each element of its result from one of its operands."""

    def run(context: Context, place: str, *args: Any, **kwargs: Any) -> Any:
        elements: set[Element] = set()
        args, kwargs = _ids(args, elements), _ids(kwargs, elements)
        if len(elements) > 1 and all(isinstance(element, Steps) for element in elements):
            hint = "use a QFunctional, which rescales"
            raise fail("N412", "tensors of different scales are put together", place=place, hint=hint)
        if len(elements) > 1:
            raise fail("N412", "truth values and numbers are put together", place=place, hint="mask.float()")
        result = function(*args, **kwargs)
        return _wrapped(result, elements.pop())

    return run


def _ids(value: Any, elements: set[Element]) -> Any:
    """The same arguments with ids in place of units."""
    match value:
        case Units(ids, element):
            elements.add(element)
            return ids
        case tuple() | list():
            return type(value)(_ids(v, elements) for v in value)
        case dict():
            return {key: _ids(v, elements) for key, v in value.items()}
    return value


def _wrapped(result: Any, element: Element) -> Any:
    match result:
        case torch.Size():
            return result
        case torch.Tensor():
            return Units(result, element)
        case tuple() | list():
            return tuple(_wrapped(r, element) for r in result)
    return result


def _by_name(name: str) -> Callable[..., Any]:
    """A function of torch, or a method of tensors; constants among the parts of `cat` cannot be units."""

    def run(first: Any, *args: Any, **kwargs: Any) -> Any:
        if name == "getitem":
            return first[args[0]]
        if name == "len":
            return len(first)
        if name in _TAKES_SEQUENCE:
            return getattr(torch, name)(first, *args, **kwargs)
        owner = first if hasattr(first, name) else functional
        return getattr(first, name)(*args, **kwargs) if owner is first else getattr(owner, name)(first, *args, **kwargs)

    return run


def _sequence(name: str) -> Callable[..., Any]:
    run = moved(_by_name(name))

    def checked(context: Context, place: str, *args: Any, **kwargs: Any) -> Any:
        parts = args[0] if args else kwargs.get("tensors", ())
        made = [part if isinstance(part, Units) else _constants(context, place, part, name) for part in parts]
        return run(context, place, made, *args[1:], **{k: v for k, v in kwargs.items() if k != "tensors"})

    return checked


def _constants(context: Context, place: str, values: Any, name: str) -> Units:
    """Constants, the same for every sample, as units."""
    if not isinstance(values, torch.Tensor) or values.dim() == 0 or len(values) != context.batch:
        raise fail("N402", f"`{name}` of values and of constants that are no tensor with a batch", place=place)
    if (values != values[:1]).any():
        raise fail("N411", "a constant differs from sample to sample", place=place)
    array = objects(numbers_of(values[0].to(values.dtype), "constant", place))
    zeros = np.zeros((array.size, 1), dtype=np.int64)
    ids = context.drafts.rows(zeros, zeros, array.ravel(), place).reshape(array.shape)
    return context.units(ids, "bool" if values.dtype == torch.bool else "float")


def _attribute(context: Context, place: str, x: Units, name: str) -> Any:
    """`x.shape` and the like."""
    match name:
        case "dtype" if not isinstance(x.element, Steps):
            return {"float": context.dtype, "int": torch.int64, "bool": torch.bool}[x.element]
        case "device":
            return torch.device("cpu")
        case "shape" | "ndim":
            return getattr(x.ids, name)
        case "T" | "mT":
            return Units(getattr(x.ids, name), x.element)
    raise fail("N402", f"the attribute `{name}` of a tensor", place=place)


def _cast(context: Context, place: str, x: Units, dtype: torch.dtype) -> Units:
    """A change of type that changes no value; the type of the module is never narrower than its values."""
    if dtype in (torch.bool, torch.int32, torch.int64) or not dtype.is_floating_point:
        if dtype is torch.bool and x.element == "bool":
            return x
        if dtype not in (torch.int32, torch.int64) or not _is_discrete(context, x):
            raise fail("N412", f"values are made {dtype}, which may change them", place=place, hint="leave it out")
        return Units(x.ids, "int")
    if dtype is not context.dtype and not _is_discrete(context, x):
        message = f"values are rounded to {dtype}, but the module is of {context.dtype}"
        raise fail("N412", message, place=place, hint="leave it out, or convert the whole module: net.float()")
    return Units(x.ids, "float")


def _is_discrete(context: Context, x: Units) -> bool:
    """Whether all values are whole numbers that any type holds: results of signs and steps, inputs declared as such."""
    owners = set(context.drafts.owners(x.ids.numpy()[0]).ravel().tolist())
    decided = all(k == INPUTS or context.drafts.layers[k].activation in DECIDING for k in owners)
    return decided and (context.is_whole or INPUTS not in owners)


def _to(context: Context, place: str, x: Units, *args: Any, **kwargs: Any) -> Units:
    wanted = [*args, kwargs.get("dtype"), kwargs.get("other")]
    for value in wanted:
        if isinstance(value, torch.dtype):
            return _cast(context, place, x, value)
        if isinstance(value, torch.Tensor):
            return _cast(context, place, x, value.dtype)
        if isinstance(value, Units):
            return _cast(context, place, x, _attribute(context, place, value, "dtype"))
    return x


def _to_type(dtype: torch.dtype) -> Callable[..., Units]:
    return lambda context, place, x: _cast(context, place, x, dtype)


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{name: moved(_by_name(name)) for name in MOVES},
        **{name: _sequence(name) for name in _TAKES_SEQUENCE},
        "bool": _to_type(torch.bool),
        "cpu": _to,
        "double": _to_type(torch.float64),
        "bfloat16": _to_type(torch.bfloat16),
        "float": _to_type(torch.float32),
        "getattr": _attribute,
        "half": _to_type(torch.float16),
        "int": _to_type(torch.int32),
        "long": _to_type(torch.int64),
        "to": _to,
        "type": _to,
        "type_as": _to,
    }
)
