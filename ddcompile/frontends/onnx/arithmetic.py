"""Sums, products with constants, matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.frontends import elementwise
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import BIT, TRIT, Range
from ddcompile.frontends.onnx.values import Units, Value, exact_of, plain
from ddcompile.ir.builder import has_literal

__all__ = [
    "OPERATORS",
    "Operands",
    "linear",
    "numbers",
    "plus",
    "product",
    "product_with_matrices",
    "reach_of_sums",
    "scaled",
]

Operands = Sequence[Value | None]


def numbers(node: Node, x: Value | None) -> Units:
    """An operand on which arithmetic is done.

    Raises
    ------
    CompileError
        N505 if it does not depend on the inputs, N509 if it is one of truth values.
    """
    if not isinstance(x, Units):
        what = "nothing" if x is None else "constants" if isinstance(x, np.ndarray) else "the result of a head"
        raise node.fail("N505", f"`{node.op}` of {what}, with values in another place")
    if x.element == "bool":
        raise node.fail("N509", f"`{node.op}` of truth values", "cast them to a number type first")
    return x


def plus(context: Context, node: Node, x: Value | None, y: Value | None, sign: int = 1) -> Value:
    """`x + sign * y`."""
    if isinstance(y, np.ndarray):
        return context.affine(node, numbers(node, x), 1, sign * exact_of(y, "constant", node.place))
    if isinstance(x, np.ndarray):
        return context.affine(node, numbers(node, y), sign, exact_of(x, "constant", node.place))
    return context.combined(node, numbers(node, x), numbers(node, y), sign)


def scaled(context: Context, node: Node, x: Units, factor: Any) -> Units:
    """`factor * x`, exact numbers."""
    return x if np.ndim(factor) == 0 and factor == 1 else context.affine(node, x, factor, 0)


def _mul(context: Context, node: Node, operands: Operands) -> Value:
    x, y = operands
    if isinstance(x, np.ndarray):
        x, y = y, x
    if isinstance(y, np.ndarray):
        return context.affine(node, numbers(node, x), exact_of(y, "constant", node.place), 0)
    return product(context, node, numbers(node, x), numbers(node, y))


def product(context: Context, node: Node, x: Units, y: Units) -> Units:
    """`x * y` of signs or truth values, `(|x + y| - |x - y|) / 2`; of one of these and others, a choice.

    Raises
    ------
    CompileError
        N505 if neither is one.
    """
    if not x.range.within(TRIT):
        x, y = y, x
    if not x.range.within(TRIT):
        hint = "one factor must be a constant, a sign or a truth value"
        raise node.fail("N505", "the product of two values that depend on the inputs", hint)
    if not y.range.within(TRIT):
        zero = np.zeros(())
        below = (
            zero
            if x.range.within(BIT)
            else context.chosen(node, scaled(context, node, x, -1), scaled(context, node, y, -1), zero, y.type)
        )
        return context.chosen(node, x, y, below, y.type)
    together, apart = (context.combined(node, x, y, side, "abs") for side in (1, -1))
    both = scaled(context, node, context.combined(node, together, apart, -1), Fraction(1, 2))
    return Units(both.ids, x.type, TRIT)


def _div(context: Context, node: Node, operands: Operands) -> Value:
    x, y = operands
    if not isinstance(y, np.ndarray):
        raise node.fail("N505", "a division by values that depend on the inputs")
    x = numbers(node, x)
    if x.element == "int":
        raise node.fail("N509", "a division of integers, which drops the rest", "cast to a float type first")
    exact = exact_of(y, "divisor", node.place)
    if 0 in exact.ravel().tolist():
        raise node.fail("N506", "a division by 0")
    inverses = np.empty(exact.shape, dtype=object)
    inverses.reshape(-1)[:] = [1 / Fraction(v) for v in exact.ravel().tolist()]
    if all(has_literal(v) for v in inverses.ravel().tolist()):
        return context.affine(node, x, inverses, 0)
    values, divisors = np.broadcast_arrays(x.ids, exact)
    one = context.sample(node, values)
    shared = context.shared(node, divisors, values.shape, one.axis)
    ids = elementwise.quotient(context.drafts, one.ids, shared, node.path)
    least, most = min(inverses.ravel().tolist()), max(inverses.ravel().tolist())
    return context.made(node, ids, one.axis, x.type, x.range * Range(least, most))


def _sum(context: Context, node: Node, operands: Operands) -> Value:
    return reduce(lambda x, y: plus(context, node, x, y), _constants_last(operands))  # type: ignore[return-value]


def _constants_last(operands: Operands) -> list[Value | None]:
    return sorted(operands, key=lambda operand: isinstance(operand, np.ndarray))


def _mean(context: Context, node: Node, operands: Operands) -> Value:
    return context.divided(node, numbers(node, _sum(context, node, operands)), Fraction(len(operands)))


def linear(context: Context, node: Node, x: Units, matrix: np.ndarray) -> Units:
    """`x @ matrix`, every row of the last axis of x times the columns."""
    if not x.ids.ndim or x.ids.shape[-1] != matrix.shape[0]:
        message = f"a matrix of shape {matrix.shape} is multiplied with values of shape {x.ids.shape}"
        raise node.fail("N507", message)
    one = context.sample(node, x.ids)
    if one.axis == one.ids.ndim - 1 and context.batch is not None:
        raise node.fail("N508", f"`{node.op}` sums over the samples of the batch")
    weight = plain(matrix, "weight", node.place).T
    rows = one.ids.reshape(-1, one.ids.shape[-1])
    found = context.drafts.linear(rows, weight, np.zeros(len(weight), dtype=np.int64), node.path)
    reach = reach_of_sums(x.range, weight)
    return context.made(node, found.reshape(*one.ids.shape[:-1], -1), one.axis, x.type, reach)


def reach_of_sums(reach: Range, weight: np.ndarray) -> Range:
    """What is known of `weight @ x`; only of small integers."""
    low, high = reach.low, reach.high
    is_whole = reach.is_whole and weight.dtype == np.int64
    if not is_whole or low is None or high is None or float(np.abs(weight).sum()) * max(-low, high, 1) >= 2**53:
        return Range(None, None, is_whole)
    above, below = np.maximum(weight, 0), np.minimum(weight, 0)
    least, most = above * int(low) + below * int(high), above * int(high) + below * int(low)
    return Range(int(least.sum(axis=1).min()), int(most.sum(axis=1).max()), True)


def _matmul(context: Context, node: Node, operands: Operands) -> Value:
    x, y = operands
    if isinstance(x, Units) and isinstance(y, np.ndarray):
        return product_with_matrices(context, node, numbers(node, x), y)
    if isinstance(x, np.ndarray) and isinstance(y, Units):
        y = numbers(node, y)
        left = x if x.ndim == 1 else np.swapaxes(x, -1, -2)
        right = y if y.ids.ndim == 1 else y.moved(np.swapaxes(y.ids, -1, -2))
        found = product_with_matrices(context, node, right, left)
        is_matrix = y.ids.ndim > 1 and x.ndim > 1
        return found.moved(np.swapaxes(found.ids, -1, -2)) if is_matrix else found
    hint = "one of them must be a constant, as in layers; attention multiplies values with one another"
    raise node.fail("N505", "the product of two matrices that depend on the inputs", hint)


def product_with_matrices(context: Context, node: Node, x: Units, y: np.ndarray) -> Units:
    """`x @ y` as `numpy.matmul`, y constant."""
    if y.ndim == 1:
        found = product_with_matrices(context, node, x, y[:, None])
        return found.moved(found.ids[..., 0])
    if y.ndim == 2:
        return linear(context, node, x, y)
    if x.ids.ndim == 1:
        found = product_with_matrices(context, node, x.moved(x.ids[None]), y)
        return found.moved(found.ids[..., 0, :])
    lead = np.broadcast_shapes(x.ids.shape[:-2], y.shape[:-2])
    ids = np.broadcast_to(x.ids, (*lead, *x.ids.shape[-2:]))
    matrices = np.broadcast_to(y, (*lead, *y.shape[-2:]))
    if all((matrices[at] == y[(0,) * (y.ndim - 2)]).all() for at in np.ndindex(*lead)):
        return linear(context, node, x.moved(ids), y[(0,) * (y.ndim - 2)])
    one = context.sample(node, ids)
    if one.axis is not None and one.axis >= ids.ndim - 1:
        raise node.fail("N508", f"`{node.op}` sums over the samples of the batch")
    if one.axis is not None and one.axis < len(lead):
        matrices = context.shared(node, matrices, matrices.shape, one.axis)
    fixed = replace(context, batch=None)
    parts = [linear(fixed, node, x.moved(one.ids[at]), matrices[at]) for at in np.ndindex(*one.ids.shape[:-2])]
    stacked = np.stack([part.ids for part in parts]).reshape(*one.ids.shape[:-1], -1)
    reach = reduce(Range.join, [part.range for part in parts])
    return context.made(node, stacked, one.axis, x.type, reach)


def _gemm(context: Context, node: Node, operands: Operands) -> Value:
    """`alpha * A @ B + beta * C`, transposed as said."""
    a, b, c = (*operands, None)[:3]
    if node.attribute("transA", 0):
        a = _transposed(a)
    if node.attribute("transB", 0):
        b = _transposed(b)
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    found = numbers(node, _matmul(context, node, (a, b)))
    found = scaled(context, node, found, alpha)
    if c is None or beta == 0:
        return found
    if isinstance(c, np.ndarray):
        return context.affine(node, found, 1, beta * exact_of(c, "bias", node.place))
    return context.combined(node, found, numbers(node, c), beta)


def _transposed(x: Value | None) -> Value | None:
    return x.moved(x.ids.T) if isinstance(x, Units) else x.T if isinstance(x, np.ndarray) else x


def _pow(context: Context, node: Node, operands: Operands) -> Value:
    """Powers that are linear, or of trits: with odd exponents the value, with even ones its size."""
    x, y = operands
    exponent = y.ravel()[0] if isinstance(y, np.ndarray) and y.size == 1 else None
    x = numbers(node, x)
    if exponent == 1:
        return x
    if exponent == 2 and x.range.within(TRIT):
        return context.activated(node, x, "abs")
    raise node.fail("N505", "a power of values that depend on the inputs")


OPERATORS: Mapping[str, Callable[[Context, Node, Operands], Value]] = MappingProxyType(
    {
        "Add": lambda context, node, operands: plus(context, node, operands[0], operands[1]),
        "Div": _div,
        "Gemm": _gemm,
        "MatMul": _matmul,
        "Mean": _mean,
        "Mul": _mul,
        "Neg": lambda context, node, operands: scaled(context, node, numbers(node, operands[0]), -1),
        "Pow": _pow,
        "Sub": lambda context, node, operands: plus(context, node, operands[0], operands[1], -1),
        "Sum": _sum,
    }
)
