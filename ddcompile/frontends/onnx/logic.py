"""Comparisons, truth values, choices and changes of type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

__all__ = ["OPERATORS", "equal"]

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


def _where(context: Context, node: Node, operands: Operands) -> Value:
    """Of constants, `where(c, x, y)` is `(x - y) * c + y`."""
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
    if kind is None or x is None or y is None or any(not isinstance(v, np.ndarray | Units) for v in (x, y)):
        raise node.fail("N505", "`Where` that chooses between other things than values and constants")
    return context.chosen(node, bit, x, y, kind)


def _wide(kind: int) -> int:
    return kind if element_of(kind) == "float" else _WIDE


def _typed(x: Units, kind: int) -> Units:
    return Units(x.ids, kind, x.range)


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
