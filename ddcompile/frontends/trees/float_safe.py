"""On which samples sums of leaves in floating point provably take the decisions of exact sums."""

from __future__ import annotations

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.float_types import DOUBLE, FLOAT_TYPES
from ddcompile.frontends.trees.ensemble import Ensemble
from ddcompile.frontends.trees.evaluate import leaves_of

__all__ = ["ensemble_float_safe"]


def ensemble_float_safe(ensemble: Ensemble, X: np.ndarray, head: str | None = None) -> np.ndarray:
    """The samples on which the framework provably decides as exact arithmetic does.

    Comparisons of inputs are exact. A sum of n leaves in any order, with a start and a factor, is wrong by at most
    `gamma(n + 3) * (|start| + |factor| * sum of |leaf|)`, where gamma(n) = n u / (1 - n u) (Higham, Accuracy and
    Stability of Numerical Algorithms, 2nd ed., section 4.2); a decision is safe where the margin exceeds what both the
    framework and this function may be wrong by. One leaf alone is not rounded.

    Raises
    ------
    CompileError
        A002 if X is not of numbers, A004 if it has the wrong shape, A006 if a number is not finite.
    """
    X = np.asarray(X)
    if X.dtype.kind not in "biufO":
        raise fail("A002", f"the ensemble takes numbers, not {X.dtype}")
    try:
        X = X.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise fail("A002", f"the ensemble takes numbers that are doubles: {error}") from error
    if X.ndim != 2 or X.shape[1] != ensemble.inputs:
        raise fail("A004", f"the ensemble takes arrays of shape (samples, {ensemble.inputs}), not {X.shape}")
    if not np.isfinite(X).all():
        raise fail("A006", "inputs must be finite")
    head = ensemble.head if head is None else head
    total, size = (np.zeros((len(X), ensemble.outputs)) for _ in range(2))
    for k, tree in enumerate(ensemble.trees):
        found = tree.value.astype(np.float64)[leaves_of(tree, X)]
        columns = [ensemble.targets[k]] if ensemble.targets else slice(None)
        total[:, columns] += found
        size[:, columns] += np.abs(found)
    base, scale = np.array([float(b) for b in ensemble.base]), float(ensemble.scale)
    terms = len(ensemble.trees) + 3
    total, size = total * scale + base, size * abs(scale) + np.abs(base)
    wrong = sum(terms * kind.u / (1 - terms * kind.u) for kind in (FLOAT_TYPES[ensemble.dtype], DOUBLE)) * size * 1.01
    if len(ensemble.trees) == 1 and scale == 1 and not base.any():
        wrong = np.zeros_like(size)
    if head in ("argmax", "softmax"):
        best = total.argmax(axis=1)[:, None]
        margin = np.take_along_axis(total, best, axis=1) - total
        allowed = np.take_along_axis(wrong, best, axis=1) + wrong
        others = np.arange(ensemble.outputs) != best
        return np.asarray(((margin > allowed) | (allowed == 0) | ~others).all(axis=1))
    if ensemble.activation in ("step", "nonnegative") or head == "sign":
        return np.asarray(((np.abs(total) > wrong) | (wrong == 0)).all(axis=1))
    return np.ones(len(X), dtype=bool)
