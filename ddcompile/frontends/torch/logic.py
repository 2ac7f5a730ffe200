"""Comparisons, truth values, choices between constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch

from ddcompile.diagnostics import fail
from ddcompile.frontends.activations import Activation
from ddcompile.frontends.torch.arithmetic import affine, chosen, combined, exact
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.values import Units
from ddcompile.ir.builder import has_literal

__all__ = ["OPERATIONS"]


def _compare(activation: Activation, side: int) -> Callable[..., Units]:
    """`x > y` is a step of x - y, and so on."""

    def run(context: Context, place: str, x: Any, y: Any) -> Units:
        left, right = exact(x, place), exact(y, place)
        if right is not None:
            context.numbers(x, "compare", place)
            return affine(context, place, x, side, -side * right, activation)
        if left is not None:
            context.numbers(y, "compare", place)
            return affine(context, place, y, -side, side * left, activation)
        first, second = (x, y) if side == 1 else (y, x)
        return combined(context, place, first, second, -1, activation)

    return run


def _equal(context: Context, place: str, x: Any, y: Any) -> Units:
    """Whether `|x - y|` is not above 0; of bits, `1 - |x - y|`."""
    apart = _apart(context, place, x, y)
    if _is_bit(x) and _is_bit(y):
        return Units(affine(context, place, apart, -1, 1).ids, "bool")
    return affine(context, place, apart, -1, 0, "nonnegative")


def _unequal(context: Context, place: str, x: Any, y: Any) -> Units:
    apart = _apart(context, place, x, y)
    if _is_bit(x) and _is_bit(y):
        return Units(apart.ids, "bool")
    return affine(context, place, apart, 1, 0, "step")


def _apart(context: Context, place: str, x: Any, y: Any) -> Units:
    """`|x - y|`, of truth values too."""
    x, y = _constant_last(x, y)
    constant = exact(y, place)
    if constant is not None:
        return affine(context, place, _numbers(x), 1, -constant, "abs")
    return combined(context, place, _numbers(x), _numbers(y), -1, "abs")


def _constant_last(x: Any, y: Any) -> tuple[Any, Any]:
    return (x, y) if isinstance(x, Units) else (y, x)


def _numbers(x: Any) -> Any:
    """Truth values as 0 and 1."""
    return Units(x.ids) if isinstance(x, Units) else x


def _is_bit(x: Any) -> bool:
    if isinstance(x, Units):
        return x.element == "bool"
    return isinstance(x, bool) or (isinstance(x, torch.Tensor) and x.dtype == torch.bool)


def _check_bits(name: str, place: str, *operands: Any) -> None:
    if not all(_is_bit(x) for x in operands):
        hint = "compare first: ~(x > 0)" if name == "logical_not" else "compare first: (x > 0) & (y > 0)"
        raise fail("N412", f"`{name}` of numbers", place=place, hint=hint)


def _count(name: str, least: int) -> Callable[..., Units]:
    """Whether at least so many of two truth values are true."""

    def run(context: Context, place: str, x: Any, y: Any) -> Units:
        _check_bits(name, place, x, y)
        x, y = _constant_last(x, y)
        constant = exact(y, place)
        if constant is not None:
            return affine(context, place, x, 1, constant - least, "nonnegative")
        total = combined(context, place, _numbers(x), _numbers(y), 1)
        return affine(context, place, total, 1, -least, "nonnegative")

    return run


def _logical_xor(context: Context, place: str, x: Any, y: Any) -> Units:
    _check_bits("logical_xor", place, x, y)
    return _unequal(context, place, x, y)


def _logical_not(context: Context, place: str, x: Any) -> Units:
    _check_bits("logical_not", place, x)
    return Units(affine(context, place, x, -1, 1).ids, "bool")


def _where(context: Context, place: str, condition: Any, x: Any, y: Any) -> Units:
    """`where(c, a, b)` with constants is `(a - b) * c + b`."""
    then, otherwise = exact(x, place), exact(y, place)
    if not isinstance(condition, Units) or condition.element != "bool":
        hint = "the condition is a comparison, as in torch.where(x > 0, a, b)"
        raise fail("N402", "`where` whose condition is known, or a number", place=place, hint=hint)
    if then is not None and otherwise is not None:
        difference = then - otherwise
        if all(has_literal(v) for v in difference.ravel().tolist()):
            return affine(context, place, condition, difference, otherwise)
    found = chosen(context, place, condition, _numbers(x), _numbers(y))
    return Units(found.ids, "bool") if _is_bit(x) and _is_bit(y) else found


def _masked_fill(context: Context, place: str, x: Any, mask: Any, value: Any) -> Units:
    return _where(context, place, mask, value, x)


def _threshold(context: Context, place: str, x: Any, threshold: Any, value: Any) -> Units:
    """`x` where it is above the threshold, else the value."""
    context.numbers(x, "threshold", place)
    return chosen(context, place, OPERATIONS["gt"](context, place, x, threshold), x, value)


def _hardshrink(context: Context, place: str, x: Any, lambd: Any = 0.5) -> Units:
    """`x` where it is above `lambd` or below `-lambd`, else 0."""
    context.numbers(x, "hardshrink", place)
    size = affine(context, place, x, 1, 0, "abs")
    return chosen(context, place, OPERATIONS["gt"](context, place, size, lambd), x, 0)


def _softshrink(context: Context, place: str, x: Any, lambd: Any = 0.5) -> Units:
    """`relu(x - lambd) - relu(-x - lambd)`."""
    context.numbers(x, "softshrink", place)
    limit = exact(lambd, place)
    assert limit is not None
    above, below = (affine(context, place, x, side, -limit, "relu") for side in (1, -1))
    return combined(context, place, above, below, -1)


def _filled(number: float) -> Callable[..., torch.Tensor]:
    """`torch.ones_like(x)`: constants, the same for every sample."""

    def run(context: Context, place: str, x: Any, **_: Any) -> torch.Tensor:
        context.sample(x, place)
        return torch.full((1, *x.ids.shape[1:]), number)

    return run


OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "eq": _equal,
        "ge": _compare("nonnegative", 1),
        "hardshrink": _hardshrink,
        "masked_fill": _masked_fill,
        "softshrink": _softshrink,
        "threshold": _threshold,
        "gt": _compare("step", 1),
        "le": _compare("nonnegative", -1),
        "logical_and": _count("logical_and", 2),
        "logical_not": _logical_not,
        "logical_or": _count("logical_or", 1),
        "logical_xor": _logical_xor,
        "lt": _compare("step", -1),
        "ne": _unequal,
        "ones_like": _filled(1.0),
        "where": _where,
        "zeros_like": _filled(0.0),
    }
)
