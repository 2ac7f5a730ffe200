"""The values of an expression without reductions, for many values of its reads at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Binary, Call, Compare, Expr, If, Literal, Read, Unary
from ddcompile.ir.traverse import children

__all__ = ["COMPARISONS", "evaluated"]

COMPARISONS = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
"""What compares arrays, by the operator."""


def evaluated(value: Expr, reads: Mapping[Read, np.ndarray], zero: np.ndarray) -> np.ndarray:
    """The value of an expression, element by element.

    Parameters
    ----------
    value
        No index outside of reads, no reduction.
    reads
        The values of every read: arrays of Python numbers (dtype object, so that nothing overflows).
    zero
        Zeros in the shape of the result.

    Raises
    ------
    TypeError
        If a node of another kind occurs.
    """
    stack: list[tuple[Expr, bool]] = [(value, False)]
    results: list[np.ndarray] = []
    while stack:
        node, ready = stack.pop()
        if isinstance(node, Read):
            results.append(reads[node])
            continue
        kids = children(node)
        if kids and not ready:
            stack.append((node, True))
            stack += [(kid, False) for kid in reversed(kids)]
            continue
        own = results[len(results) - len(kids) :]
        del results[len(results) - len(kids) :]
        results.append(_applied(node, own, zero))
    return results[0]


def _applied(node: Expr, own: list[np.ndarray], zero: np.ndarray) -> np.ndarray:
    match node:
        case Literal(value):
            return np.full_like(zero, value)
        case Unary(op, _):
            return np.asarray(_unary(op, own[0]))
        case Binary(op, _, _):
            return np.asarray(_binary(op, *own))
        case Compare(ops, _):
            pairs = zip(ops, own, own[1:], strict=False)
            return _truth(reduce(np.logical_and, (COMPARISONS[op](a, b) for op, a, b in pairs)))
        case If():
            return np.where(own[0] != 0, own[1], own[2])
        case Call(function, _):
            return np.asarray(reduce(np.minimum if function == "min" else np.maximum, own))
    raise TypeError(f"not evaluated: {type(node).__name__}")


def _truth(values: np.ndarray) -> np.ndarray:
    return np.where(np.asarray(values, dtype=bool), 1, 0).astype(object)


def _unary(op: str, x: Any) -> Any:
    match op:
        case "-":
            return -x
        case "not":
            return 1 - x
        case "sign":
            return _truth(x > 0) - _truth(x < 0)
        case "abs":
            return np.abs(x)
        case "relu":
            return np.maximum(x, 0)
    raise TypeError(f"not evaluated: {op}")


def _binary(op: str, a: Any, b: Any) -> Any:
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "%" if (b > 0).all():
            return a % b
        case "and":
            return a & b
        case "or":
            return a | b
        case "xor":
            return a ^ b
    raise TypeError(f"not evaluated: {op}")
