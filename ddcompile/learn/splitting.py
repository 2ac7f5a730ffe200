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
"""Up to so many distinct samples of whole numbers are split until they are separable, without validation."""
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
            if points.dtype == np.int64 and len(points) <= FEW:
                return separable_parts(points, labels)
            return ward_parts(points, labels, _validated(points, labels, splitting))
        case number:
            return ward_parts(points, labels, int(number))


def _validated(points: Array, labels: Array, splitting: Splitting) -> int:
    """The least number of parts, among doublings, that more do not beat by a standard error on samples left out."""
    present, counts = np.unique(labels, return_counts=True)
    folds = min(FOLDS, int(counts.min()))
    if folds < 2:
        return len(present)
    folded = StratifiedKFold(folds, shuffle=True, random_state=splitting.random_state)
    parted = list(folded.split(points, labels))
    number = best = len(present)
    most = -1.0
    while number <= min(MOST_PARTS * len(present), len(points), 4 * best):
        right = sum(_right(points, labels, kept, held, replace(splitting, kind=number)) for kept, held in parted)
        if right > most:
            best, most = number, right + float(np.sqrt(right * (1 - right / len(points))))
        number *= 2
    return best


def _right(points: Array, labels: Array, kept: Array, held: Array, splitting: Splitting) -> int:
    parts = split(points[kept], labels[kept], splitting)
    essence = build(points[kept], parts, splitting.concepts, splitting.options)
    wanted = splitting.concepts.strengths.argmax(axis=1)[labels[held]]
    return int((essence.scores(points[held]).argmax(axis=1) == wanted).sum())
