"""An essence network of one output: differentia, subconcept and concept neurons, built and evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.separators import Separator, separate
from ddcompile.learn.subconcepts import Parts

__all__ = ["Concepts", "Essence", "Options", "build"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Map: TypeAlias = Callable[[Callable[..., Separator], list[tuple[Any, ...]]], list[Separator]]

MAX_PAIRS = 50_000
"""Above so many pairs of subconcepts, differentiae are made as they are needed instead of all at once."""


@dataclass(frozen=True, slots=True)
class Options:
    """How separators are made and kept.

    Attributes
    ----------
    C : float
        The price of a sample on the wrong side of a plane.
    kept_margin : float
        The part of a subconcept's margin that must remain when differentiae are left out, 0 to 1.
    prices : tuple of float
        What the price of each kind's samples is multiplied by.
    run : callable
        Applies a function to many tuples of arguments, in order.
    """

    C: float
    kept_margin: float
    prices: tuple[float, ...]
    run: Map


@dataclass(frozen=True, slots=True, eq=False)
class Concepts:
    """What the kinds of samples say of the concepts.

    Attributes
    ----------
    strengths : ndarray of shape (kinds, concepts), int64
        What a subconcept of each kind adds to the score of each concept.
    ranks : ndarray of shape (concepts,), int64
        The concept of the highest rank wins where scores are equal.
    are_scores : bool
        Whether each sample shall get the strengths of its kind as scores, and not only the right order of them.
    """

    strengths: Array
    ranks: Array
    are_scores: bool = False

    @property
    def scale(self) -> int:
        """What strengths are multiplied by, so that ranks are less than one of them."""
        return max(int(self.ranks.max()), 1)


@dataclass(frozen=True, slots=True, eq=False)
class Essence:
    """Three layers or four; all but the last have the activation sign, with sign(0) = 0.

    Attributes
    ----------
    differentiae : (ndarray of shape (differentiae, features), ndarray of shape (differentiae,))
        Weights and biases: planes between pairs of subconcepts.
    subconcepts : (ndarray of shape (subconcepts, differentiae), ndarray of shape (subconcepts,))
        Positive where enough of its differentiae are on its side.
    concepts : (ndarray of shape (concepts, subconcepts), ndarray of shape (concepts,))
        Scores: positive where one of its subconcepts is.
    scale : int
        What a strength of 1 is worth in weights of `concepts`.
    kinds : (ndarray of shape (kinds, subconcepts), ndarray of shape (kinds,)), optional
        Between subconcepts and concepts, if several subconcepts of a kind are to count once: positive where one is.
    """

    differentiae: tuple[Array, Array]
    subconcepts: tuple[Array, Array]
    concepts: tuple[Array, Array]
    scale: int = 1
    kinds: tuple[Array, Array] | None = None

    def scores(self, points: Array) -> Array:
        """Of shape (samples, concepts), for points of shape (samples, features)."""
        values: Array = points
        hidden = (self.differentiae, self.subconcepts) + (() if self.kinds is None else (self.kinds,))
        for weights, bias in hidden:
            values = np.sign(values @ weights.T + bias).astype(np.int64)
        result: Array = values @ self.concepts[0].T + self.concepts[1]
        return result


def build(points: Array, parts: Parts, concepts: Concepts, options: Options) -> Essence:
    """The network whose subconcepts are `parts`.

    Parameters
    ----------
    points : ndarray of shape (samples, features), int64 or float64
    parts : list of (kind, samples)
    concepts : Concepts
        Those for which no part speaks never win.
    options : Options
    """
    bank = _Bank(points, parts, options)
    units = [_subconcept(bank, s) for s in range(len(parts))]
    used = sorted({plane for planes, _, _ in units for plane in planes})
    place = {plane: k for k, plane in enumerate(used)}
    number = len(used)
    subconcept_weights = np.zeros((len(parts), number), dtype=np.int64)
    for s, (planes, weights, _) in enumerate(units):
        for plane, weight in zip(planes, weights, strict=True):
            subconcept_weights[s, place[plane]] += weight
    subconcepts = subconcept_weights, np.array([bias for _, _, bias in units], dtype=np.int64)
    kinds = np.array([kind for kind, _ in parts])
    essence = _concluded(bank.layer(used), subconcepts, kinds, concepts)
    if not concepts.are_scores or _are_met(essence, points, bank.owner, concepts):
        return essence
    present = np.unique(kinds)
    members = (kinds == present[:, None]).astype(np.int64)
    of_kinds = members, members.sum(axis=1) - 1
    return replace(_concluded(essence.differentiae, subconcepts, present, concepts), kinds=of_kinds)


def _concluded(
    differentiae: tuple[Array, Array], subconcepts: tuple[Array, Array], kinds: Array, concepts: Concepts
) -> Essence:
    """With the concepts that read units of some kinds: scores are twice what positive units say, and one less."""
    strengths = concepts.scale * concepts.strengths[kinds].T
    bias = strengths.sum(axis=1) - concepts.scale + concepts.ranks
    return Essence(differentiae, subconcepts, (strengths, bias), concepts.scale)


def _are_met(essence: Essence, points: Array, kinds: Array, concepts: Concepts) -> bool:
    """Whether samples of some kinds get the scores of these, up to what is common to all concepts."""
    scores = essence.scores(points) - concepts.ranks
    wanted = 2 * concepts.scale * concepts.strengths[kinds]
    return np.array_equal(scores - scores.min(axis=1, keepdims=True), wanted - wanted.min(axis=1, keepdims=True))


class _Bank:
    """The separators between parts of different kinds, equal and mirrored ones held once."""

    def __init__(self, points: Array, parts: Parts, options: Options) -> None:
        self.points, self.parts, self.options = points, parts, options
        self.owner = np.empty(len(points), dtype=np.int64)
        self.part_of = np.empty(len(points), dtype=np.int64)
        for s, (kind, samples) in enumerate(parts):
            self.owner[samples], self.part_of[samples] = kind, s
        self._centres = np.stack([points[samples].mean(axis=0) for _, samples in parts])
        self._planes: list[Separator] = []
        self._signs: list[Array] = []
        self._numbers: dict[bytes, int] = {}
        self._known: dict[tuple[int, int], tuple[int, int]] = {}
        pairs = [(s, t) for s in range(len(parts)) for t in range(s + 1, len(parts)) if parts[s][0] != parts[t][0]]
        self.is_complete = len(pairs) <= MAX_PAIRS
        if self.is_complete:
            made = options.run(separate, [self._problem(s, t) for s, t in pairs])
            for pair, plane in zip(pairs, made, strict=True):
                self._known[pair] = self._number(plane)

    def _problem(self, s: int, t: int) -> tuple[Any, ...]:
        (a, ones), (b, others) = self.parts[s], self.parts[t]
        prices = (self.options.prices[a], self.options.prices[b])
        return self.points[ones], self.points[others], self.options.C, prices

    def _number(self, plane: Separator) -> tuple[int, int]:
        """The number of the plane, and 1 or -1 if it is held mirrored."""
        turned = next((w < 0 for w in plane.weights if w), plane.bias < 0)
        side = -1 if turned else 1
        held = Separator(side * plane.weights, side * plane.bias)
        key = held.weights.tobytes() + np.array(held.bias, dtype=np.float64).tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._planes)
            self._planes.append(held)
            self._signs.append(held.signs(self.points))
        return self._numbers[key], side

    def between(self, s: int, t: int) -> tuple[int, int]:
        """The plane between two parts, and the side (1 or -1) on which the first is."""
        low, high = min(s, t), max(s, t)
        if (low, high) not in self._known:
            self._known[low, high] = self._number(separate(*self._problem(low, high)))
        plane, side = self._known[low, high]
        return plane, side if s == low else -side

    def signs(self, plane: int) -> Array:
        """On which side of a plane each sample is: -1, 0 or 1."""
        return self._signs[plane]

    def rivals(self, s: int) -> list[int]:
        """The parts of other kinds, the nearest first."""
        order = np.argsort(((self._centres - self._centres[s]) ** 2).sum(axis=1), kind="stable")
        return [int(t) for t in order if self.parts[t][0] != self.parts[s][0]]

    def layer(self, used: list[int]) -> tuple[Array, Array]:
        if not used:
            return np.zeros((0, self.points.shape[1]), dtype=np.int64), np.zeros(0, dtype=np.int64)
        weights = np.stack([self._planes[plane].weights for plane in used])
        return weights, np.array([self._planes[plane].bias for plane in used], dtype=weights.dtype)


def _subconcept(bank: _Bank, s: int) -> tuple[list[int], list[int], int]:
    """The planes of a subconcept, their weights and the bias."""
    kind, samples = bank.parts[s]
    others = np.flatnonzero(bank.owner != kind)
    chosen = _considered(bank, s, others)
    if not chosen:
        return [], [], 1
    outputs = np.stack([side * bank.signs(plane) for plane, side in chosen], axis=1).astype(np.int64)
    own, rest = outputs[samples], outputs[others]
    if own.sum(axis=1).min() > rest.sum(axis=1).max():
        kept = _pruned(own, rest, bank.options.kept_margin)
        low, high = own[:, kept].sum(axis=1).min(), rest[:, kept].sum(axis=1).max()
        weights, bias = [2] * len(kept), -int(low + high)
        if bias % 2 == 0:
            weights, bias = [1] * len(kept), bias // 2
    else:
        prices = (bank.options.prices[kind], 1.0)
        plane = separate(own, rest, bank.options.C, prices)
        kept = [int(k) for k in np.flatnonzero(plane.weights)]
        weights, bias = [int(plane.weights[k]) for k in kept], int(plane.bias)
    return [chosen[k][0] for k in kept], [w * chosen[k][1] for k, w in zip(kept, weights, strict=True)], bias


def _considered(bank: _Bank, s: int, others: Array) -> list[tuple[int, int]]:
    """The planes between a part and its rivals, the nearest first: all, or as many as keep out all other samples."""
    chosen: dict[int, int] = {}
    inside = np.ones(len(others), dtype=bool)
    for t in bank.rivals(s):
        if not bank.is_complete and not inside[bank.part_of[others] == t].any():
            continue
        plane, side = bank.between(s, t)
        chosen.setdefault(plane, side)
        inside &= side * bank.signs(plane)[others] > 0
    return list(chosen.items())


def _pruned(own: Array, rest: Array, kept_margin: float) -> list[int]:
    """Which differentiae to keep: the last that can go without the margin falling below its part go."""
    kept = list(range(own.shape[1]))
    own_sums, rest_sums = own.sum(axis=1), rest.sum(axis=1)
    wanted = kept_margin * (own_sums.min() - rest_sums.max()) / np.sqrt(len(kept))
    for k in range(own.shape[1] - 1, -1, -1):
        low, high = (own_sums - own[:, k]).min(), (rest_sums - rest[:, k]).max()
        if len(kept) > 1 and low > high and (low - high) / np.sqrt(len(kept) - 1) >= wanted:
            kept.remove(k)
            own_sums, rest_sums = own_sums - own[:, k], rest_sums - rest[:, k]
    return kept
