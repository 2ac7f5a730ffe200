"""What is to be learned of one output: labels, or how probable each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

__all__ = ["Target", "check_labels", "of_labels", "of_probabilities", "with_common_labels"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

CERTAIN = float(np.log(999))
"""A label whose rivals have the probability 0 gets at least these log-odds."""
TOLERANCE = 1e-3
"""How far the probabilities of a network may be from those that were asked for."""
MAX_MULTIPLE = 64
"""The largest multiple that the least log-odds may become."""
MAX_KINDS = 32
"""With more different probabilities than this, they are rounded to fewer decimals, as long as there are some."""
DECIMALS = (9, 4, 3, 2, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The labels of one output. Samples with equal labels, or equal probabilities of labels, are of one kind.

    Attributes
    ----------
    classes : ndarray of shape (classes,)
        The labels.
    kinds : ndarray of shape (samples,), int64
        Which kind each sample is of, from 0.
    strengths : ndarray of shape (kinds, classes), int64
        What a sample of each kind adds to the score of each label: for labels, 1 for its own.
    unit : float or None
        The log-odds that a strength of 1 stands for; None for labels, where experience tells.
    """

    classes: Array
    kinds: Array
    strengths: Array
    unit: float | None = None

    @property
    def is_bit(self) -> bool:
        """Whether the labels are 0 and 1."""
        return np.array_equal(self.classes, (0, 1))

    def probabilities(self) -> Array:
        """What each kind of sample says of the labels, of shape (kinds, classes)."""
        if self.unit is None:
            return self.strengths.astype(float)
        powers = np.exp((self.strengths - self.strengths.max(axis=1, keepdims=True)) * self.unit)
        result: Array = powers / powers.sum(axis=1, keepdims=True)
        return result


def check_labels(y: Array) -> None:
    """Refuse what are no labels.

    Raises
    ------
    ValueError
        For what scikit-learn takes for measurements, and for labels that cannot be put in order, such as texts and
        numbers together.
    """
    try:
        check_classification_targets(y)
    except TypeError as error:
        sorts = sorted({type(label).__name__ for label in y.ravel()})
        raise ValueError(f"labels must be numbers alone, or texts alone; y holds {', '.join(sorts)}") from error


def of_labels(y: Array) -> list[Target]:
    """For each output, its labels in order; several outputs of 0 and 1 alone all have both.

    Parameters
    ----------
    y : ndarray of shape (samples,) or (samples, outputs)
    """
    if y.ndim == 2 and y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all():
        both = np.array([0, 1])
        return [Target(both, column.astype(np.int64), np.eye(2, dtype=np.int64)) for column in y.T]
    columns = [y] if y.ndim == 1 else list(y.T)
    found = [np.unique(column, return_inverse=True) for column in columns]
    return [Target(classes, codes, np.eye(len(classes), dtype=np.int64)) for classes, codes in found]


def with_common_labels(targets: list[Target]) -> list[Target]:
    """The same outputs, each with the labels of all, if they are given as labels."""
    if any(target.unit is not None for target in targets):
        return targets
    classes = np.unique(np.concatenate([target.classes for target in targets]))
    strengths = np.eye(len(classes), dtype=np.int64)
    return [Target(classes, np.searchsorted(classes, own.classes)[own.kinds], strengths) for own in targets]


def of_probabilities(points: Array, y: Array, weights: Array | None = None) -> list[Target]:
    """For each output, which samples have equal probabilities of labels, and what these are worth.

    Strengths are whole multiples of one unit of log-odds, by which the probabilities are met within `TOLERANCE`; a
    label beside which all others are impossible gets a power of ten. Samples that look the same have the mean of their
    probabilities.

    Parameters
    ----------
    points : ndarray of shape (samples, features)
    y : ndarray of shape (samples, classes) or (samples, outputs, classes)
        How much speaks for each label; what a sample says of an output is divided by its sum.
    weights : ndarray of shape (samples,), optional
        How often each sample counts in a mean; above 0.

    Raises
    ------
    ValueError
        If y has another number of axes or less than two classes, or a row is not of numbers from 0, some above.
    """
    if y.ndim not in (2, 3) or y.shape[-1] < 2:
        raise ValueError(
            "probabilities are of shape (samples, classes) or (samples, outputs, classes), with two classes or more; "
            f"y has shape {y.shape}"
        )
    if (y < 0).any() or not (y.sum(axis=-1) > 0).all():
        raise ValueError("probabilities are numbers from 0, and one of each row is above 0")
    several = y if y.ndim == 3 else y[:, None]
    several = several / several.sum(axis=-1, keepdims=True)
    codes = np.unique(points, axis=0, return_inverse=True)[1].reshape(-1)
    sums = np.zeros((int(codes.max()) + 1, *several.shape[1:]))
    np.add.at(sums, codes, several if weights is None else several * weights[:, None, None])
    means = (sums / np.bincount(codes, weights)[:, None, None])[codes]
    outputs, classes = means.shape[1:]
    kinds, of_each = _kinds(means.reshape(-1, classes))
    strengths, unit = _strengths(kinds)
    labels = np.arange(classes)
    return [Target(labels, column, strengths, unit) for column in of_each.reshape(-1, outputs).T]


def _kinds(rows: Array) -> tuple[Array, Array]:
    """The different rows, and which each one is; the mean of rows that are taken as one."""
    for decimals in DECIMALS:
        _, first, codes = np.unique(rows.round(decimals), axis=0, return_index=True, return_inverse=True)
        if len(first) <= MAX_KINDS:
            break
    codes = codes.reshape(-1)
    if decimals == DECIMALS[0]:
        return rows[first], codes
    sums = np.zeros((len(first), rows.shape[1]))
    np.add.at(sums, codes, rows)
    return sums / np.bincount(codes)[:, None], codes


def _strengths(kinds: Array) -> tuple[Array, float]:
    """Whole numbers in proportion to log-odds, and what 1 of them stands for."""
    possible = kinds > 0
    logs = np.log(np.where(possible, kinds, 1))
    odds = np.where(possible, logs - np.where(possible, logs, 0).min(axis=1, keepdims=True), 0)
    is_sure = ~possible.all(axis=1, keepdims=True) & possible
    finite = odds[odds > TOLERANCE]
    unit = _unit(kinds, odds) if finite.size else CERTAIN
    strengths = np.rint(odds / unit).astype(np.int64)
    least = max(CERTAIN, float(odds.max()))
    sure = 10 ** max(int(np.ceil(np.log10(least / unit))), 0)
    return strengths + np.where(is_sure, sure, 0), unit


def _unit(kinds: Array, odds: Array) -> float:
    """The largest unit whose multiples are near enough to all log-odds."""
    least = float(odds[odds > TOLERANCE].min())
    wanted = kinds / kinds.sum(axis=1, keepdims=True)
    for multiple in range(1, MAX_MULTIPLE + 1):
        powers = np.where(kinds > 0, np.exp(np.rint(odds * multiple / least) * least / multiple), 0)
        if abs(powers / powers.sum(axis=1, keepdims=True) - wanted).max() <= TOLERANCE:
            return least / multiple
    return min(TOLERANCE, least)
