"""The number of the largest score as arithmetic, where it is not the end of a network."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ddcompile.frontends import elementwise
from ddcompile.frontends.drafts import Drafts

__all__ = ["MOST_SCORES", "numbers_of_largest"]

MOST_SCORES = 64
"""Of more scores than these, front ends refuse to compare every pair."""


def numbers_of_largest(drafts: Drafts, rows: np.ndarray, labels: np.ndarray, path: str) -> np.ndarray:
    """The label of the largest score of each row, the first of equal ones.

    With c[j, k] whether score k is above score j, for j < k, k is the first largest where c[j, k] for all j before it,
    and c[k, j] for no j after it.

    Parameters
    ----------
    drafts : Drafts
    rows : array of int of shape (rows, scores)
    labels : array of exact numbers of shape (scores,)
    path : str
    """
    count = rows.shape[1]
    first, second = np.triu_indices(count, 1)
    if not first.size:
        return elementwise.affine(drafts, rows, 0, labels[0], path)[:, 0]
    above = elementwise.combined(drafts, rows[:, second], rows[:, first], -1, path, "step")
    if count > 2:
        signs = np.zeros((count, first.size), dtype=np.int64)
        pairs = np.arange(first.size)
        signs[second, pairs], signs[first, pairs] = 1, -1
        wins = drafts.linear(above, signs, -np.arange(count), path)
        above = drafts.mapped(wins, path, "nonnegative")
        weight, bias = labels[None, :], 0
    else:
        weight, bias = np.array([[labels[1] - labels[0]]], dtype=object), labels[0]
    return drafts.linear(above, weight, np.array([Fraction(bias)], dtype=object), path).ravel()
