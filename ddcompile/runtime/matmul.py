"""Exact products of integer matrices by floating-point matrix products.

Every entry of a float64 product is exact while the sums of magnitudes stay within 2**53, in whatever order they are
added. Wider matrices are split into limbs for which that holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ExactMatrix", "exact_matmul"]

_MANTISSA = 53
_LIMB = 20
"""Bits of a limb of the left matrix when it has more than one."""


@dataclass(frozen=True, slots=True)
class ExactMatrix:
    """A matrix of shape (inner, columns) as float64 limbs: their sum, limb k times 2**(k * bits), is the matrix."""

    limbs: tuple[np.ndarray, ...]
    bits: int

    @classmethod
    def of(cls, matrix: np.ndarray, left_magnitude: int) -> ExactMatrix:
        """Split an integer matrix so that products with rows of at most this magnitude are exact."""
        left = min(left_magnitude.bit_length(), _LIMB)
        bits = _MANTISSA - 1 - left - matrix.shape[0].bit_length()
        if bits < 1:
            raise ValueError("too many rows for an exact product")
        if matrix.size == 0 or max(abs(int(matrix.max())), abs(int(matrix.min()))) < 1 << bits:
            return cls((matrix.astype(np.float64),), bits)
        return cls(tuple(limb.astype(np.float64) for limb in _split(matrix, bits)), bits)


def exact_matmul(left: np.ndarray, left_magnitude: int, right: ExactMatrix, *, is_wide: bool) -> np.ndarray:
    """The product of an integer matrix with entries of at most `left_magnitude` and an `ExactMatrix` made for it.

    Returns
    -------
    ndarray
        Objects (Python integers) if `is_wide`, else int64; then the caller knows that the entries fit, and sums on the
        way may wrap around.
    """
    limbs = [left] if left_magnitude.bit_length() <= _LIMB else _split(left, _LIMB)
    total: np.ndarray | None = None
    for k, rows in enumerate(limbs):
        floats = rows.astype(np.float64)
        for m, columns in enumerate(right.limbs):
            part = (floats @ columns).astype(np.int64)
            shift = k * _LIMB + m * right.bits
            if is_wide:
                part = part.astype(object)
            elif shift >= 64:
                continue
            part = part << shift
            total = part if total is None else total + part
    assert total is not None
    return total


def _split(matrix: np.ndarray, bits: int) -> list[np.ndarray]:
    """Limbs of so many bits, lowest first; all but the highest are not negative."""
    limbs = []
    rest = matrix
    while True:
        is_last = rest.size == 0 or (int(rest.max()) < 1 << bits and int(rest.min()) >= -(1 << bits))
        if is_last:
            limbs.append(rest)
            return limbs
        limbs.append(rest & ((1 << bits) - 1))
        rest = rest >> bits
