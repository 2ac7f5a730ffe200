"""Arithmetic on arrays of scaled integers: int64 where the inferred range fits, Python integers elsewhere.

Where an exact operand meets a real one, it is rounded first (`ddcompile.runtime.reals`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddcompile.ir.nodes import UnaryOp
from ddcompile.ir.ranges import REAL, ValueType, aligned
from ddcompile.runtime.reals import real_unary, to_real

__all__ = ["align", "apply_unary", "dtype_of", "gather", "joined", "narrowed", "rescaled", "roomy"]


def dtype_of(value_type: ValueType) -> Any:
    """The dtype that holds the scaled integers of a type, or reals."""
    if value_type.kind == "real":
        return np.float64
    return np.int64 if value_type.fits() else object


def roomy(values: list[np.ndarray], kinds: list[ValueType]) -> list[np.ndarray]:
    """The values as they are if all these types fit int64 or are real, else as Python integers."""
    if all(kind.fits() or kind.kind == "real" for kind in kinds):
        return values
    return [value.astype(object) for value in values]


def narrowed(values: np.ndarray, result: ValueType) -> np.ndarray:
    """The same integers in the dtype of a type that holds them."""
    dtype = dtype_of(result)
    return values if values.dtype == dtype else values.astype(dtype)


def rescaled(values: np.ndarray, kind: ValueType, result: ValueType) -> np.ndarray:
    """Values of one type as those of another, which is real or has at least as many fraction bits."""
    if result.kind == "real":
        return to_real(values, kind)
    shift = result.exponent - kind.exponent
    if shift:
        values = roomy([values], [kind, aligned(kind, result.exponent)])[0] << shift
    return narrowed(values, result)


def align(kinds: list[ValueType], values: list[np.ndarray]) -> tuple[list[ValueType], list[np.ndarray]]:
    """Values with as many fraction bits as the one that has most; all rounded if one is real."""
    if any(kind.kind == "real" for kind in kinds):
        return [REAL] * len(kinds), [to_real(value, kind) for value, kind in zip(values, kinds, strict=True)]
    exponent = max(kind.exponent for kind in kinds)
    wide = [aligned(kind, exponent) for kind in kinds]
    return wide, [rescaled(value, kind, new) for value, kind, new in zip(values, kinds, wide, strict=True)]


def apply_unary(op: UnaryOp, value: np.ndarray, kind: ValueType, result: ValueType) -> np.ndarray:
    """A function of one value of the first type, with values of the second."""
    if kind.kind == "real" or result.kind == "real":
        return real_unary(op, to_real(value, kind))
    match op:
        case "not":
            return 1 - value
        case "sign":
            return (value > 0).astype(np.int64) - (value < 0).astype(np.int64)
    (value,) = roomy([value], [kind, result])
    match op:
        case "-":
            value = -value
        case "abs":
            value = np.abs(value)
        case "relu":
            value = np.maximum(value, 0)
        case _:
            raise ValueError(f"`{op}` has no exact meaning")
    return narrowed(value, result)


def gather(tensor: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Elements of (samples or 1, elements) at (samples or 1, points or 1)."""
    if where.shape[0] == 1:
        return tensor[:, where[0]]
    if tensor.shape[0] == 1:
        return np.asarray(tensor[0][where])
    return np.take_along_axis(tensor, where, axis=1)


def joined(blocks: list[np.ndarray]) -> np.ndarray:
    """Blocks side by side, with as many rows as the one that has most; the others have one."""
    if len(blocks) == 1:
        return blocks[0]
    rows = max(block.shape[0] for block in blocks)
    return np.concatenate([np.broadcast_to(block, (rows, block.shape[1])) for block in blocks], axis=1)
