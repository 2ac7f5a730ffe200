"""Sums and greatest values of rows of units; shared by front ends."""

from __future__ import annotations

import numpy as np

from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.windows import Window

__all__ = ["row_maxima", "row_sums"]

_LARGEST_SUMS = 2**10
"""Sums of more values than this in several rows are windows that move over the values."""


def row_sums(drafts: Drafts, rows: np.ndarray, path: str) -> np.ndarray:
    """The sum of each row of units."""
    count = rows.shape[1]
    if len(rows) == 1 or rows.size <= _LARGEST_SUMS:
        ones, zero = np.ones((1, count), dtype=np.int64), np.zeros(1, dtype=np.int64)
        return drafts.linear(rows, ones, zero, path).ravel()
    kernel, zeros = np.ones((len(rows), 1, count), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    return drafts.convolution(rows, kernel, zeros, Window((count,), (count,)), path, len(rows)).ravel()


def row_maxima(drafts: Drafts, rows: np.ndarray, path: str) -> np.ndarray:
    """The greatest value of each row of units."""
    count = rows.shape[1]
    return drafts.maximum(rows, Window((count,), (count,)), path).ravel()
