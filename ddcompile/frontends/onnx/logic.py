"""Comparisons, truth values, choices and changes of type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from ddcompile.frontends.activations import Activation
from ddcompile.frontends.float_types import FLOAT_TYPES
from ddcompile.frontends.onnx.arithmetic import Operands, numbers
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import BIT, Range
from ddcompile.frontends.onnx.values import Units, Value, element_of, exact_of, range_of_type, type_name
from ddcompile.ir.builder import has_literal

__all__ = ["OPERATORS", "equal", "times_bit"]

Operator = Callable[[Context, Node, Operands], Any]

_BOOL, _WIDE = TensorProto.BOOL, TensorProto.INT64


def _compare(activation: Activation, side: int) -> Operator:
    """`x > y` is a step of x - y, and so on."""

    def run(context: Context, node: Node, operands: Operands) -> Value:
        x, y = operands
        if isinstance(y, np.ndarray):
            shift = -side * exact_of(y, "constant", node.place)
            return context.affine(node, numbers(node, x), side, shift, activation, _BOOL)
        if isinstance(x, np.ndarray):
            shift = side * exact_of(x, "constant", node.place)
            return context.affine(node, numbers(node, y), -side, shift, activation, _BOOL)
        first, second = (x, y) if side == 1 else (y, x)
        return context.combined(node, numbers(node, first), numbers(node, second), -1, activation, _BOOL)

    return run


def _equal(context: Context, node: Node, operands: Operands) -> Value:
    x, y = _constant_last(operands)
    return equal(context, node, units(node, x), y)


def equal(context: Context, node: Node, x: Units, y: Value | None) -> Units:
    """Whether `|x - y|` is not above 0; of bits, `1 - |x - y|`."""
    apart = _apart(context, node, x, y)
    if apart.range.within(BIT):
        return context.affine(node, apart, -1, 1, kind=_BOOL)
    return context.affine(node, apart, -1, 0, "nonnegative", _BOOL)


def _constant_last(operands: Operands) -> tuple[Value | None, Value | None]:
    x, y = operands
    return (y, x) if isinstance(x, np.ndarray) else (x, y)


def _apart(context: Context, node: Node, x: Units, y: Value | None) -> Units:
    """`|x - y|`."""
    kind = _WIDE if x.element != "float" else x.type
    if isinstance(y, np.ndarray):
        return context.affine(node, x, 1, -exact_of(y, "constant", node.place), "abs", kind)
    return context.combined(node, x, units(node, y), -1, "abs", kind)


def units(node: Node, x: Value | None) -> Units:
    """An operand of any type."""
    if not isinstance(x, Units):
        raise node.fail("N505", f"`{node.op}` of other things than values")
    return x


def _bits(node: Node, x: Value | None) -> Units:
    found = units(node, x)
    if found.element != "bool":
        raise node.fail("N509", f"`{node.op}` of numbers", "compare first")
    return found


def _count(least: int) -> Operator:
    """Whether at least so many of two truth values are true."""

    def run(context: Context, node: Node, operands: Operands) -> Value:
        x, y = _constant_last(operands)
        if isinstance(y, np.ndarray):
            shift = exact_of(y, "constant", node.place) - least
            return context.affine(node, _bits(node, x), 1, shift, "nonnegative", _BOOL)
        total = context.combined(node, _bits(node, x), _bits(node, y), 1, kind=_WIDE)
        return context.affine(node, total, 1, -least, "nonnegative", _BOOL)

    return run


def _xor(context: Context, node: Node, operands: Operands) -> Value:
    x, y = _constant_last(operands)
    found = _apart(context, node, _bits(node, x), y)
    return Units(found.ids, _BOOL, BIT)


def _not(context: Context, node: Node, operands: Operands) -> Value:
    return context.affine(node, _bits(node, operands[0]), -1, 1)


def times_bit(context: Context, node: Node, bit: Units, x: Value | None, kind: int) -> Units | None:
    """`bit * x` for x of low..high: `relu(x + (high - low) * bit - high) + low * bit`; None if bounds are not known."""
    wide = _WIDE if element_of(kind) != "float" else kind
    if isinstance(x, np.ndarray):
        exact = exact_of(x, "constant", node.place)
        return context.affine(node, bit, exact, 0, kind=wide)
    assert isinstance(x, Units)
    low, high = x.range.low, x.range.high
    if low is None or high is None or not all(has_literal(v) for v in (low, high, Fraction(high) - low)):
        return None
    total = context.combined(node, Units(x.ids, wide, x.range), Units(bit.ids, wide, BIT), Fraction(high) - low)
    above = context.affine(node, total, 1, -high, "relu")
    found = above if low == 0 else context.combined(node, above, Units(bit.ids, wide, BIT), low)
    return Units(found.ids, wide, x.range.join(Range(0, 0, True)))


def _where(context: Context, node: Node, operands: Operands) -> Value:
    """`where(c, x, y)` is `c * x + (1 - c) * y`."""
    condition, x, y = operands
    if isinstance(condition, np.ndarray):
        return _chosen(context, node, condition, x, y)
    bit = _bits(node, condition)
    kind = next((v.type for v in (x, y) if isinstance(v, Units)), None)
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        kind = helper.np_dtype_to_tensor_dtype(x.dtype)
        then, otherwise = exact_of(x, "constant", node.place), exact_of(y, "constant", node.place)
        if all(has_literal(v) for v in np.asarray(then - otherwise).ravel().tolist()):
            return _typed(context.affine(node, bit, then - otherwise, otherwise, kind=_wide(kind)), kind)
    if kind is None or any(not isinstance(v, np.ndarray | Units) for v in (x, y)):
        raise node.fail("N505", "`Where` that chooses between other things than values and constants")
    other = context.affine(node, bit, -1, 1)
    parts = [times_bit(context, node, b, v, kind) for b, v in ((bit, x), (other, y))]
    if parts[0] is None or parts[1] is None:
        hint = "choose between constants, or between values with bounds, such as signs and clipped values"
        raise node.fail("N505", "`Where` that chooses values without bounds", hint)
    return _typed(context.combined(node, parts[0], parts[1], 1), kind, parts[0].range.join(parts[1].range))


def _wide(kind: int) -> int:
    return kind if element_of(kind) == "float" else _WIDE


def _typed(x: Units, kind: int, reach: Range | None = None) -> Units:
    return Units(x.ids, kind, reach or x.range)


def _chosen(context: Context, node: Node, condition: np.ndarray, x: Value | None, y: Value | None) -> Value:
    """A choice that is known: between units, or units and constants."""
    like = next(v for v in (x, y) if isinstance(v, Units))
    given = [v for v in (x, y) if isinstance(v, Units | np.ndarray)]
    if len(given) < 2:
        raise node.fail("N505", "`Where` that chooses between other things than values and constants")
    shape = np.broadcast_shapes(condition.shape, *(v.ids.shape if isinstance(v, Units) else v.shape for v in given))
    parts = [v if isinstance(v, Units) else context.constants(node, v, shape, like) for v in given]
    ids = np.where(condition, parts[0].ids, parts[1].ids)
    return Units(ids, like.type, parts[0].range.join(parts[1].range))


def _cast(context: Context, node: Node, operands: Operands) -> Value:
    return cast(context, node, units(node, operands[0]), int(node.attribute("to")))


def _cast_like(context: Context, node: Node, operands: Operands) -> Value:
    like = operands[1]
    kind = like.type if isinstance(like, Units) else helper.np_dtype_to_tensor_dtype(np.asarray(like).dtype)
    return cast(context, node, units(node, operands[0]), kind)


def cast(context: Context, node: Node, x: Units, kind: int) -> Units:
    """A change of type, if it changes no value.

    Raises
    ------
    CompileError
        N509 if it may round, drop a fraction or overflow.
    """
    if kind == x.type:
        return x
    element = element_of(kind)
    if element == "bool":
        if x.range.within(BIT):
            return Units(x.ids, kind, BIT)
        return context.activated(node, context.activated(node, x, "sign"), "abs", kind)
    if element == "int":
        if not x.range.within(range_of_type(kind)):
            raise node.fail("N509", f"values of {type_name(x.type)} are made {type_name(kind)}, which may change them")
        return Units(x.ids, kind, x.range)
    name = type_name(kind)
    if name not in FLOAT_TYPES:
        raise node.fail("N509", f"values are made {name}, a type in which nothing is computed exactly")
    bits = FLOAT_TYPES[name].bits
    is_held = x.range.within(Range(-(2**bits), 2**bits, True))
    is_wider = x.element == "float" and FLOAT_TYPES[type_name(x.type)].bits <= bits
    if not is_held and not is_wider and x.element == "float":
        raise node.fail("N509", f"values of {type_name(x.type)} are rounded to {name}", "leave the cast out")
    return Units(x.ids, kind, x.range)


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "And": _count(2),
        "Cast": _cast,
        "CastLike": _cast_like,
        "Equal": _equal,
        "Greater": _compare("step", 1),
        "GreaterOrEqual": _compare("nonnegative", 1),
        "Less": _compare("step", -1),
        "LessOrEqual": _compare("nonnegative", -1),
        "Not": _not,
        "Or": _count(1),
        "Where": _where,
        "Xor": _xor,
    }
)
