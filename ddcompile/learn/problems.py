"""What the network of one output is to tell apart; outputs of which the samples say the same share one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ddcompile.ir.findings import counted
from ddcompile.learn.codes import over_inputs
from ddcompile.learn.essence import Concepts, Essence, Options, build
from ddcompile.learn.relevance import Relevance
from ddcompile.learn.splitting import Splitting, split
from ddcompile.learn.steps import Steps
from ddcompile.learn.subconcepts import Parts
from ddcompile.learn.targets import Target

__all__ = ["Problem", "class_weights", "for_each", "kind_of", "network_of_bit", "points_of", "problem_of", "solved"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


LARGEST_INTEGER = 2**20
"""Inputs that are whole numbers up to this size get weights that are whole numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Distinct samples of several kinds.

    Attributes
    ----------
    points : ndarray of shape (distinct samples, features)
    kinds : ndarray of shape (distinct samples,)
    concepts : Concepts
        What the kinds say.
    prices : tuple of float
        How much samples of each kind cost on the wrong side of a plane.
    contradicted : int
        Samples that were left out because more that look the same are of another kind.
    weights : ndarray of shape (distinct samples,)
        What each weighs, with what its label does.
    """

    points: Array
    kinds: Array
    concepts: Concepts
    prices: tuple[float, ...]
    contradicted: int
    weights: Array

    @property
    def key(self) -> bytes:
        """Equal for problems that are equal."""
        parts = np.array(self.points.shape), self.points, self.kinds, self.concepts.strengths, self.concepts.ranks
        text = b"".join(np.ascontiguousarray(part).tobytes() for part in (*parts, np.array(self.prices)))
        return blake2b(text).digest()


def points_of(X: Any, names: Sequence[str] | None = None) -> Array:
    """As int64 if all are whole numbers of moderate size, else as float64; `names` are those of inputs.

    Raises
    ------
    ValueError
        If there is something that is no number.
    """
    array = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    if array.dtype.kind in "mM":
        raise ValueError(f"inputs must be numbers; X holds {array.dtype.name.partition('[')[0]}")
    if array.dtype.kind not in "biu":
        try:
            array = np.asarray(array, dtype=np.float64)
        except ValueError as error:
            raise ValueError(f"inputs must be numbers; {_no_number(array, names)}") from error
        if not (array == np.rint(array)).all():
            return array
    if array.size and (array.min() < -LARGEST_INTEGER or array.max() > LARGEST_INTEGER):
        return array.astype(np.float64)
    return array.astype(np.int64)


def _no_number(array: Array, names: Sequence[str] | None) -> str:
    """The first entry that is no number, in words."""
    for k, column in enumerate(array.T):
        for value in column:
            try:
                float(value)
            except ValueError:
                where = f"column {k}" if names is None else f"`{names[k]}`"
                return f"{where} holds {str(value)!r} (OneHotEncoder makes bits of categories)"
    return "X holds something that is none"


def kind_of(points: Array) -> str:
    """The narrowest type of the rule language that holds all inputs, which are int64; else real."""
    if points.dtype.kind == "f":
        return "real"
    low, high = int(points.min()), int(points.max())
    if low >= 0 and high <= 1:
        return "bit"
    if low >= -1 and high <= 1:
        return "trit" if (points == 0).any() else "spin"
    return f"int[{low}..{high}]"


def problem_of(points: Array, target: Target, label_weights: Array, sample_weight: Array | None) -> Problem:
    """Of each distinct point the kind that weighs most, the first if there are several.

    Parameters
    ----------
    points : ndarray of shape (samples, features)
    target : Target
    label_weights : ndarray of shape (classes,)
    sample_weight : ndarray of shape (samples,), optional
    """
    distinct, codes = np.unique(points, axis=0, return_inverse=True)
    codes = codes.reshape(-1)
    counts = np.zeros((len(distinct), len(target.strengths)))
    np.add.at(counts, (codes, target.kinds), 1 if sample_weight is None else sample_weight)
    # What a kind of sample costs is the mean of what its labels do.
    prices = target.probabilities() @ label_weights
    chosen = (counts * prices).argmax(axis=1)
    ranks = np.unique(label_weights, return_inverse=True)[1]
    concepts = Concepts(target.strengths, ranks, target.unit is not None)
    contradicted = int((chosen[codes] != target.kinds).sum())
    weights = (counts * prices)[np.arange(len(distinct)), chosen]
    return Problem(distinct, chosen, concepts, tuple(prices.tolist()), contradicted, weights)


def for_each(class_weight: Any, outputs: int) -> list[Any]:
    """The weights of labels, of each output."""
    each = class_weight if isinstance(class_weight, list) else [class_weight] * outputs
    if len(each) != outputs:
        raise ValueError(f"class_weight must be one for each of {counted(outputs, 'output')}, not {len(each)}")
    return each


def class_weights(given: Any, target: Target, sample_weight: Array | None) -> Array:
    """What each label of an output weighs, of shape (classes,).

    Parameters
    ----------
    given : dict, "balanced" or None
        As for scikit-learn's classifiers; labels that no sample has weigh 1 when balanced.

    Raises
    ------
    ValueError
        If it is none of these, names labels that there are not, or a weight is not above 0.
    """
    if isinstance(given, str) and given == "balanced":
        labels = target.strengths.argmax(axis=1)[target.kinds]
        counts = np.bincount(labels, sample_weight, minlength=len(target.classes)).astype(float)
        balanced: Array = counts.sum() / (np.count_nonzero(counts) * np.where(counts > 0, counts, 1))
        return np.where(counts > 0, balanced, 1)
    weights = np.asarray(compute_class_weight(given, classes=target.classes, y=target.classes), dtype=float)
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError(f"class_weight must be numbers above 0, not {given!r}")
    return weights


def solved(
    problems: Sequence[Problem], kind: str | int, options: Options, random: int, least: float = 0
) -> list[Essence]:
    """A network for each problem, in the steps of `options`.

    Parameters
    ----------
    problems : sequence of Problem
    kind : {"auto", "separable", "samples"} or int
        How samples are split, see `Splitting`.
    options : Options
        But for prices, which are those of the problems.
    random : int
        For the shuffles of cross-validation.
    least : float
        Parts of samples that weigh less than this share of all are left out, but for the heaviest.
    """
    keys = [problem.key + (problem.weights.tobytes() if least else b"") for problem in problems]
    different = dict(zip(keys, problems, strict=True))
    steps = options.steps
    # Either outputs take the processes, or what is done for a single one.
    inner = steps if len(different) == 1 else Steps()
    own = {key: replace(options, prices=problem.prices, steps=inner) for key, problem in different.items()}
    with steps.step("subconcepts"):
        todo = (
            (problem.points, problem.kinds, Splitting(kind, own[key], problem.concepts, random))
            for key, problem in different.items()
        )
        parts = list(steps.each(split, todo, len(different), "outputs"))
    with steps.step("network"):
        todo_next = (
            (*_heavy(problem, some, least), problem.concepts, own[key])
            for (key, problem), some in zip(different.items(), parts, strict=True)
        )
        made = dict(zip(different, steps.each(build, todo_next, len(different), "outputs"), strict=True))
    return [made[key] for key in keys]


def _heavy(problem: Problem, parts: Parts, least: float) -> tuple[Array, Parts]:
    """The samples of parts that weigh enough, and these parts of them."""
    weights = [float(problem.weights[samples].sum()) for _, samples in parts]
    enough = min(least * float(problem.weights.sum()), max(weights))
    kept = [part for part, weight in zip(parts, weights, strict=True) if weight >= enough]
    if len(kept) == len(parts):
        return problem.points, parts
    chosen = np.concatenate([samples for _, samples in kept])
    ends = np.cumsum([len(samples) for _, samples in kept])[:-1]
    numbers = np.split(np.arange(len(chosen)), ends)
    return problem.points[chosen], [(kind, own) for (kind, _), own in zip(kept, numbers, strict=True)]


def network_of_bit(
    points: Array, values: Array, relevance: Relevance, *, kind: str | int, options: Options, random: int
) -> Essence:
    """The network of a bit.

    Parameters
    ----------
    points : ndarray of shape (samples, inputs that matter)
    values : ndarray of shape (samples,)
        0 or 1; equal for equal samples.
    relevance : Relevance
        Of the samples.
    kind, options, random
        See `solved`.
    """
    target = Target(np.arange(2), values, np.eye(2, dtype=np.int64))
    problem = problem_of(relevance.counted(points), target, np.ones(2), None)
    (essence,) = solved([problem], kind, options, random)
    return over_inputs(essence, relevance.parts, points) if relevance.tallies else essence
