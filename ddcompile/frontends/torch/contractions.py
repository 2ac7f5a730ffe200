"""`torch.einsum` of values and constants: what is summed over becomes the columns of a linear layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import torch

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.torch.arithmetic import linear
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.refusals import refusal
from ddcompile.frontends.torch.values import Units

__all__ = ["OPERATIONS"]


def _einsum(context: Context, place: str, equation: Any, *operands: Any) -> Units:
    """`einsum("bi,oi->bo", x, w)`: the axes that x and the result have stay, those of w and the result are units."""
    parts = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], Sequence) else list(operands)
    if len(parts) != 2 or sum(isinstance(part, Units) for part in parts) != 1 or not isinstance(equation, str):
        raise _refused("that is not of values and one tensor of constants", place)
    names, result = _labels(equation, place)
    if isinstance(parts[1], Units):
        parts, names = parts[::-1], names[::-1]
    (values, constants), (of_values, of_constants) = parts, names
    kept = [a for a in result if a in of_values]
    made = [a for a in result if a not in of_values]
    summed = [a for a in of_values if a not in result]
    if any(a in of_constants for a in kept) or not set(made) <= set(of_constants) or values.ids.dim() != len(of_values):
        raise _refused("in which an axis of both is not summed over", place)
    size = dict(zip(of_values, values.ids.shape, strict=True))
    moved = values.ids.permute([of_values.index(a) for a in (*kept, *summed)])
    rows = Units(moved.reshape(*(size[a] for a in kept), prod(size[a] for a in summed)), values.element)
    try:
        weight = torch.einsum(f"{of_constants}->{''.join(a for a in (*made, *summed) if a in of_constants)}", constants)
        extents = list(weight.shape[: len(made)])
        for position, a in enumerate(summed, start=len(made)):
            if a not in of_constants:
                weight = weight.unsqueeze(position)
        weight = weight.expand(*extents, *(size[a] for a in summed)).reshape(prod(extents), -1)
    except RuntimeError as error:
        text = str(error).split("\n", 1)[0].rstrip(".")
        raise fail("N410", f"`einsum` fails: {text}", place=place) from error
    found = linear(context, place, rows, weight).ids
    found = found.reshape(*found.shape[:-1], *extents)
    return Units(found.permute([(*kept, *made).index(a) for a in result]))


def _batched(context: Context, place: str, first: Any, second: Any) -> Units:
    """`bmm` with a matrix of constants that is the same for all, as exported programs have it of sequences."""
    is_left = isinstance(second, Units)
    constants = first if is_left else second
    if not isinstance(constants, torch.Tensor) or constants.dim() != 3 or not bool((constants == constants[:1]).all()):
        raise refusal("bmm", place)
    if is_left:
        return _einsum(context, place, "ij,bjk->bik", constants[0], second)
    return _einsum(context, place, "bij,jk->bik", first, constants[0])


def _labels(equation: str, place: str) -> tuple[list[str], str]:
    """The axes of both operands and of the result, one letter each."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    names = left.split(",")
    if not arrow:
        result = "".join(sorted(a for a in set(left) - {","} if left.count(a) == 1))
    if len(names) != 2 or "." in equation or any(len(set(text)) < len(text) for text in (*names, result)):
        raise _refused(f"`{equation}`", place)
    return names, result


def _refused(what: str, place: str) -> CompileError:
    hint = 'write it as a product of matrices: torch.einsum("bi,oi->bo", x, weight) is F.linear(x, weight)'
    return fail("N402", f"`einsum` {what}", place=place, hint=hint)


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType({"bmm": _batched, "einsum": _einsum})
