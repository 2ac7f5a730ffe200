"""Scores as log-odds."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.essence import Essence
from ddcompile.learn.targets import Target

__all__ = ["factor_of", "softmax"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def factor_of(essence: Essence, points: Array, target: Target, weights: Array | None) -> float:
    """What scores are multiplied by to be log-odds.

    If probabilities were to be learned, they are met. If labels were, a score that leads by as much as the mean has the
    probability of being right, by the rule of succession.

    Parameters
    ----------
    essence : Essence
    points : ndarray of shape (samples, features)
        What it was made from.
    target : Target
    weights : ndarray of shape (samples,), optional
        How often each sample counts.
    """
    if target.unit is not None:
        return target.unit / (2 * essence.scale)
    scores = essence.scores(points)
    rivals = scores.shape[1] - 1
    number = len(points) if weights is None else float(weights.sum())
    right = number * float(np.average(scores.argmax(axis=1) == target.kinds, weights=weights))
    odds = (right + 1) * max(rivals, 1) / (number - right + 1)
    best = np.sort(scores, axis=1)[:, -2:]
    lead = float(np.average(best[:, -1] - best[:, 0], weights=weights))
    return max(float(np.log(odds)) / max(lead, 1), 1e-3)


def softmax(scores: Array, factor: float) -> Array:
    """Of scores times a factor, of shape (samples, labels); equal differences are equally probable."""
    powers = np.exp((scores - scores.max(axis=1, keepdims=True)) * factor)
    result: Array = powers / powers.sum(axis=1, keepdims=True)
    return result
