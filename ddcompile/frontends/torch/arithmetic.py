"""Sums, products with constants: operations that become linear or pointwise layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from ddcompile.diagnostics import fail
from ddcompile.frontends import elementwise
from ddcompile.frontends.activations import Activation
from ddcompile.frontends.grids import DECIDING
from ddcompile.frontends.network import INPUTS
from ddcompile.frontends.rows import row_sums
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.values import Element, Units, numbers_of
from ddcompile.frontends.weights import objects
from ddcompile.ir.builder import has_literal
from ddcompile.ir.nodes import Number

__all__ = ["OPERATIONS", "affine", "chosen", "combined", "exact", "linear", "pair"]


def exact(value: Any, place: str) -> np.ndarray | None:
    """A constant operand as exact numbers of type object, with one axis at least; None if it is no constant."""
    if isinstance(value, torch.Tensor):
        array = numbers_of(value, "constant", place)
    elif isinstance(value, bool | int | float | np.number):
        array = numbers_of(
            torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None), "constant", place
        )
    else:
        return None
    return objects(array.reshape(array.shape or (1,)))


def linear(context: Context, place: str, x: Any, weight: Any, bias: Any = None) -> Units:
    """`F.linear`: every row of the last axis times the weight."""
    ids = context.numbers(x, "linear", place)
    if not isinstance(weight, torch.Tensor) or not (bias is None or isinstance(bias, torch.Tensor)):
        raise fail("N402", "`linear` with a weight or bias that depends on the inputs", place=place)
    if weight.dim() != 2 or ids.ndim == 0 or ids.shape[-1] != weight.shape[1]:
        shape = tuple(ids.shape)
        message = f"a weight of shape {tuple(weight.shape)} is applied to values of shape {shape} a sample"
        raise fail("N410", message, place=place, hint="inputs= gives the shape of one sample, without the batch")
    matrix = numbers_of(weight, "weight", place)
    offsets = numbers_of(torch.zeros(weight.shape[0]) if bias is None else bias, "bias", place)
    found = context.drafts.linear(ids.reshape(-1, ids.shape[-1]), matrix, offsets, place)
    return context.units(found.reshape(*ids.shape[:-1], -1))


def _matmul(context: Context, place: str, x: Any, y: Any) -> Units:
    if not isinstance(x, Units) or not isinstance(y, torch.Tensor) or y.dim() not in (1, 2):
        hint = "the values come first, and then a constant matrix: x @ W"
        raise fail("N402", "`matmul` of other things than values and a constant matrix", place=place, hint=hint)
    if y.dim() == 1:
        result = linear(context, place, x, y[None])
        return Units(result.ids.squeeze(-1))
    return linear(context, place, x, y.T)


def _addmm(context: Context, place: str, bias: Any, x: Any, y: Any, *, beta: float = 1, alpha: float = 1) -> Units:
    if beta != 1 or alpha != 1:
        raise fail("N409", "`addmm` with factors other than 1", place=place)
    return add(context, place, _matmul(context, place, x, y), bias)


def affine(
    context: Context, place: str, x: Units, factor: Any, shift: Any, activation: Activation = "identity"
) -> Units:
    """`activation(factor * x + shift)` with exact numbers, broadcast."""
    operands = np.broadcast_arrays(x.ids.numpy(), factor, shift)
    ids = context.sample(Units(torch.from_numpy(operands[0].copy())), place)
    factors, shifts = (_of_sample(values, ids.ndim, place) for values in operands[1:])
    element: Element = "bool" if activation in ("step", "nonnegative") else "float"
    return context.units(elementwise.affine(context.drafts, ids, factors, shifts, place, activation), element)


def _of_sample(values: np.ndarray, axes: int, place: str) -> np.ndarray:
    """Constants for one sample out of those for the batch."""
    if values.ndim != axes + 1 or (values != values[:1]).any():
        raise fail("N411", "a constant differs from sample to sample", place=place)
    first: np.ndarray = values[0]
    return first


def add(context: Context, place: str, x: Any, y: Any, *, alpha: float = 1) -> Units:
    """`x + alpha * y`."""
    times = exact(alpha, place)
    assert times is not None
    left, right = exact(x, place), exact(y, place)
    if right is not None:
        context.numbers(x, "add", place)
        return affine(context, place, x, 1, right * times)
    if left is not None:
        context.numbers(y, "add", place)
        return affine(context, place, y, times, left)
    return combined(context, place, x, y, times.item())


def combined(
    context: Context, place: str, x: Any, y: Any, factor: Number, activation: Activation = "identity"
) -> Units:
    """`activation(x + factor * y)` of two tensors of values."""
    first, second = pair(context, place, x, y, "add", "sum")
    found = elementwise.combined(context.drafts, first, second, factor, place, activation)
    return context.units(found, "bool" if activation in ("step", "nonnegative") else "float")


def pair(context: Context, place: str, x: Any, y: Any, operation: str, result: str) -> tuple[np.ndarray, np.ndarray]:
    """The ids of one sample of two tensors of values, broadcast."""
    first, second = context.numbers(x, operation, place), context.numbers(y, operation, place)
    first, second = np.broadcast_arrays(first, second)
    if first.ndim != x.ids.dim() - 1 or second.ndim != y.ids.dim() - 1:
        text = f"the {result} of tensors with different numbers of axes"
        raise fail("N410", text, place=place, hint="use unsqueeze")
    return first, second


def _sub(context: Context, place: str, x: Any, y: Any, *, alpha: float = 1) -> Units:
    return add(context, place, x, y, alpha=-alpha)


def _rsub(context: Context, place: str, x: Any, y: Any, *, alpha: float = 1) -> Units:
    return add(context, place, y, x, alpha=-alpha)


def _mul(context: Context, place: str, x: Any, y: Any) -> Units:
    left, right = exact(x, place), exact(y, place)
    if left is None and right is None:
        return _product(context, place, x, y)
    values, factor = (x, right) if left is None else (y, left)
    if values.element != "bool" or isinstance(x if left is not None else y, torch.Tensor | bool):
        context.numbers(values, "mul", place)
    return affine(context, place, values, factor, 0)


def _product(context: Context, place: str, x: Any, y: Any) -> Units:
    """Values times truth values or signs, which choose them, their negatives or 0."""
    values, sign = (x, y) if _decides(context, y, place) else (y, x)
    if not isinstance(values, Units) or not _decides(context, sign, place):
        hint = "one factor must be a constant, a sign or a truth value"
        raise fail("N402", "the product of two values that depend on the inputs", place=place, hint=hint)
    element: Element = "bool" if values.element == sign.element == "bool" else "float"
    plain, bit = Units(values.ids), Units(sign.ids)
    below: Any = 0
    if "sign" in _activations(context, bit, place):
        below = chosen(context, place, _neg(context, place, bit), _neg(context, place, plain), 0)
    return Units(chosen(context, place, bit, plain, below).ids, element)


def _activations(context: Context, x: Units, place: str) -> set[str]:
    """What gives units; `input` are those of the network."""
    owners = np.unique(context.drafts.owners(context.sample(x, place).ravel())).tolist()
    return {"input" if k == INPUTS else context.drafts.layers[k].activation for k in owners}


def _decides(context: Context, x: Any, place: str) -> bool:
    """Whether all values are signs or truth values."""
    return isinstance(x, Units) and (x.element == "bool" or _activations(context, x, place) <= set(DECIDING))


def chosen(context: Context, place: str, condition: Units, x: Any, y: Any) -> Units:
    """`x` where a condition is above 0, else `y`, broadcast; both are values or constants."""
    constants = [exact(v, place) for v in (x, y)]
    if any(c is None and not isinstance(v, Units) for c, v in zip(constants, (x, y), strict=True)):
        raise fail("N402", "a choice between other things than values and constants", place=place)
    given = [v.ids.numpy() if c is None else c for c, v in zip(constants, (x, y), strict=True)]
    decides, *full = np.broadcast_arrays(condition.ids.numpy(), *given)
    like = context.sample(Units(torch.from_numpy(decides.copy())), place)
    parts = [
        context.sample(Units(torch.from_numpy(array.copy())), place)
        if constant is None
        else elementwise.affine(context.drafts, like, 0, _of_sample(array, like.ndim, place), place)
        for constant, array in zip(constants, full, strict=True)
    ]
    return context.units(context.drafts.choice(like, parts[0], parts[1], place))


def _div(context: Context, place: str, x: Any, y: Any) -> Units:
    divisor = exact(y, place)
    if divisor is None:
        raise fail("N402", "a division by values that depend on the inputs", place=place)
    context.numbers(x, "div", place)
    if 0 in divisor.ravel().tolist():
        raise fail("N409", "a division by 0", place=place)
    inverse = np.empty(divisor.shape, dtype=object)
    inverse.reshape(-1)[:] = [1 / Fraction(v) for v in divisor.ravel().tolist()]
    if all(has_literal(v) for v in inverse.ravel().tolist()):
        return affine(context, place, x, inverse, 0)
    values, numbers = np.broadcast_arrays(x.ids.numpy(), divisor)
    ids = context.sample(Units(torch.from_numpy(values.copy())), place)
    return context.units(elementwise.quotient(context.drafts, ids, _of_sample(numbers, ids.ndim, place), place))


def _neg(context: Context, place: str, x: Any) -> Units:
    context.numbers(x, "neg", place)
    return affine(context, place, x, -1, 0)


def _sum(
    context: Context, place: str, x: Any, dim: Any = None, keepdim: bool = False, *, is_mean: bool = False
) -> Units:
    """`x.sum(dim)` over axes other than the batch."""
    context.numbers(x, "sum", place)
    axes = x.ids.dim()
    dims = sorted({d % axes for d in ((dim,) if isinstance(dim, int) else dim or ())})
    if not dims or 0 in dims:
        hint = "sum over the axes of a sample: x.sum(dim=1)"
        raise fail("N411", "a sum over the samples of the batch", place=place, hint=hint)
    ids = context.sample(x, place)
    kept = [d for d in range(ids.ndim) if d + 1 not in dims]
    moved = ids.transpose(*kept, *(d - 1 for d in dims))
    shape = moved.shape[: len(kept)]
    rows = moved.reshape(prod(shape), -1)
    sums = row_sums(context.drafts, rows, place)
    divisor = rows.shape[1] if is_mean else 1
    found = context.units(context.drafts.divided(sums, divisor, place).reshape(shape)).ids
    for d in dims if keepdim else ():
        found = found.unsqueeze(d)
    return Units(found)


def _mean(context: Context, place: str, x: Any, dim: Any = None, keepdim: bool = False) -> Units:
    return _sum(context, place, x, dim, keepdim, is_mean=True)


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": add,
        "addmm": _addmm,
        "div": _div,
        "linear": linear,
        "matmul": _matmul,
        "mean": _mean,
        "mm": _matmul,
        "mul": _mul,
        "neg": _neg,
        "rsub": _rsub,
        "sub": _sub,
        "sum": _sum,
    }
)
