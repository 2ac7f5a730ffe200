"""How the samples of each concept are split: as asked for, or as cross-validation has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ddcompile.learn.essence import Concepts, Options, build
from ddcompile.learn.subconcepts import Parts, separable_parts, single_parts, ward_parts

__all__ = ["Splitting", "split"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

FEW = 1024
"""Up to so many distinct samples of whole numbers are split until they are separable, if nothing speaks against it."""
FEWEST = 64
"""Fewer samples say nothing against it."""
CLEARLY = 1
"""By how many standard errors another way to split must be better on samples left out."""
FOLDS = 3
MOST_PARTS = 32
"""Parts a concept, on average, that validation goes up to."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """What `split` is asked for.

    Attributes
    ----------
    kind : {"auto", "separable", "samples"} or int
    options : Options
        Of the networks that are tried.
    concepts : Concepts
    random_state : int
        Shuffles the samples for cross-validation.
    """

    kind: str | int
    options: Options
    concepts: Concepts
    random_state: int


def split(points: Array, labels: Array, splitting: Splitting) -> Parts:
    """The subconcepts of distinct points of shape (samples, features) with labels of shape (samples,)."""
    match splitting.kind:
        case "samples":
            return single_parts(labels)
        case "separable":
            return separable_parts(points, labels)
        case "auto":
            if points.dtype != np.int64 or len(points) > FEW:
                return ward_parts(points, labels, _validated(points, labels, splitting)[0])
            parts = separable_parts(points, labels)
            is_settled = _is_settled(points, labels, parts, splitting)
            return parts if is_settled else _contested(points, labels, parts, splitting)
        case number:
            return ward_parts(points, labels, int(number))


def _is_settled(points: Array, labels: Array, parts: Parts, splitting: Splitting) -> bool:
    """Whether no other split needs to be tried: it is the simplest, or what was not seen is little."""
    counts = np.unique(labels, return_counts=True)[1]
    values = [len(np.unique(column)) for column in points.T]
    return (
        len(parts) <= len(counts)
        or splitting.concepts.are_scores
        or len(points) < FEWEST
        or counts.min() < FOLDS
        or float(np.log2(values).sum()) <= float(np.log2(len(points))) + 1
    )


def _contested(points: Array, labels: Array, parts: Parts, splitting: Splitting) -> Parts:
    """The separable parts, or others that are clearly better on samples left out, such as where labels are wrong."""
    number, right = _validated(points, labels, splitting)
    samples = _right(points, labels, replace(splitting, kind="samples"))
    rivals: list[tuple[str | int, Array]] = [(number, right), ("samples", samples)]
    best, right = max(rivals, key=lambda rival: int(rival[1].sum()))
    own = _right(points, labels, replace(splitting, kind="separable"))
    better, worse = int((right > own).sum()), int((own > right).sum())
    if better - worse <= CLEARLY * float(np.sqrt(better + worse)):
        return parts
    return split(points, labels, replace(splitting, kind=best))


def _validated(points: Array, labels: Array, splitting: Splitting) -> tuple[int, Array]:
    """The least number of parts, among doublings, that more do not beat by a standard error on samples left out.

    With it, which of the samples are right when they are left out.
    """
    present, counts = np.unique(labels, return_counts=True)
    number = best = len(present)
    most, chosen = -1.0, np.zeros(len(points), dtype=bool)
    if counts.min() < 2:
        return best, chosen
    while number <= min(MOST_PARTS * len(present), len(points), 4 * best):
        right = _right(points, labels, replace(splitting, kind=number))
        share = float(right.mean())
        if right.sum() > most:
            best, chosen = number, right
            most = float(right.sum()) + float(np.sqrt(len(points) * share * (1 - share)))
        number *= 2
    return best, chosen


def _right(points: Array, labels: Array, splitting: Splitting) -> Array:
    """Which of the samples are right, each when it is left out with others."""
    folds = min(FOLDS, int(np.unique(labels, return_counts=True)[1].min()))
    folded = StratifiedKFold(folds, shuffle=True, random_state=splitting.random_state)
    wanted = splitting.concepts.strengths.argmax(axis=1)[labels]
    right = np.zeros(len(points), dtype=bool)
    for kept, held in folded.split(points, labels):
        parts = split(points[kept], labels[kept], splitting)
        essence = build(points[kept], parts, splitting.concepts, splitting.options)
        right[held] = essence.scores(points[held]).argmax(axis=1) == wanted[held]
    return right
