"""Evaluate an ensemble exactly on a batch, tree by tree, independently of how it is lowered."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.trees.ensemble import Ensemble, Tree

__all__ = ["evaluate_ensemble", "leaves_of"]


def evaluate_ensemble(ensemble: Ensemble, X: np.ndarray, head: str | None = None) -> np.ndarray:
    """Exact outputs of an ensemble.

    Parameters
    ----------
    ensemble : Ensemble
    X : array_like of shape (batch, ensemble.inputs)
        Finite numbers, as doubles.
    head : {"argmax", "sign", "none"}, optional
        By default what the model itself does.

    Returns
    -------
    numpy.ndarray
        (batch,) of int64 for argmax. Otherwise (batch, outputs): uint8 from `step` and `nonnegative`, int8 from `sign`,
        else Fractions.

    Raises
    ------
    CompileError
        A004 if X has the wrong shape, A006 if a number is not finite, N206 if the head is unknown, N408 if a value is
        not rational.
    """
    head = ensemble.head if head is None else head
    if head == "softmax" or ensemble.activation == "sigmoid":
        raise fail("N408", "softmax and sigmoid have no exact values", hint='evaluate the scores: head="none"')
    if head not in ("none", "argmax", "sign"):
        raise fail("N206", f"unknown head `{head}`", hint="heads: argmax, sign, none")
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != ensemble.inputs:
        raise fail("A004", f"the ensemble takes arrays of shape (batch, {ensemble.inputs}), not {X.shape}")
    if not np.isfinite(X).all():
        raise fail("A006", "inputs must be finite")
    scores = _scores(ensemble, X)
    if head == "argmax":
        return np.array([row.index(max(row)) for row in scores.tolist()], dtype=np.int64)
    match ensemble.activation:
        case "step":
            return np.asarray(scores > 0, dtype=np.uint8)
        case "nonnegative":
            return np.asarray(scores >= 0, dtype=np.uint8)
    if head == "sign":
        return np.asarray(scores > 0, dtype=np.int8) - np.asarray(scores < 0, dtype=np.int8)
    return scores


def leaves_of(tree: Tree, X: np.ndarray) -> np.ndarray:
    """The number of the leaf that each sample comes to."""
    at, rows = np.zeros(len(X), dtype=np.int64), np.arange(len(X))
    while len(rows):
        rows = rows[tree.feature[at[rows]] >= 0]
        node = at[rows]
        is_low = X[rows, tree.feature[node]] <= tree.cut[node]
        at[rows] = np.where(is_low, tree.low[node], tree.high[node])
    return at


def _scores(ensemble: Ensemble, X: np.ndarray) -> np.ndarray:
    """`base + scale * sum of leaves`, of shape (batch, outputs)."""
    scores = np.zeros((len(X), ensemble.outputs), dtype=object)
    for k, tree in enumerate(ensemble.trees):
        exact = np.empty(tree.value.shape, dtype=object)
        exact.reshape(-1)[:] = [Fraction(v) for v in tree.value.ravel().tolist()]
        found = exact[leaves_of(tree, X)]
        if ensemble.targets:
            scores[:, ensemble.targets[k]] += found[:, 0]
        else:
            scores += found
    result: np.ndarray = scores * ensemble.scale + np.array(ensemble.base, dtype=object)
    return result
