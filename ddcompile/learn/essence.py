"""An essence network of one output: differentia, subconcept and concept neurons, built and evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from ddcompile.learn.bank import Bank
from ddcompile.learn.claims import Claim, claim
from ddcompile.learn.linear import Planes, narrow, signs
from ddcompile.learn.steps import Steps
from ddcompile.learn.subconcepts import Parts

__all__ = ["Concepts", "Essence", "Options", "build"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

CHUNK = 2**24
"""How many outputs of differentiae are held at once."""


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
    steps : Steps
        In which the network is made.
    """

    C: float
    kept_margin: float
    prices: tuple[float, ...] = ()
    steps: Steps = field(default_factory=Steps)


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
    subconcepts : (csr_array of shape (subconcepts, differentiae), ndarray of shape (subconcepts,))
        Positive where enough of its differentiae are on its side.
    concepts : (ndarray of shape (concepts, subconcepts), ndarray of shape (concepts,))
        Scores: positive where one of its subconcepts is.
    scale : int
        What a strength of 1 is worth in weights of `concepts`.
    is_exact : bool
        Whether each subconcept is known to tell all samples that it was made from apart from those of other kinds.
    kinds : (ndarray of shape (kinds, subconcepts), ndarray of shape (kinds,)), optional
        Between subconcepts and concepts, if several subconcepts of a kind are to count once: positive where one is.
    codes : tuple of planes
        Layers before the differentiae, if these do not read the inputs but which values they have.
    """

    differentiae: Planes
    subconcepts: tuple[Any, Array]
    concepts: tuple[Array, Array]
    scale: int = 1
    is_exact: bool = False
    kinds: tuple[Array, Array] | None = None
    codes: tuple[Planes, ...] = ()

    def scores(self, points: Array) -> Array:
        """Of shape (samples, concepts), for points of shape (samples, features)."""
        size = max(CHUNK // max(len(self.differentiae[1]), 1), 1)
        chunks = [points[start : start + size] for start in range(0, len(points), size)]
        return np.concatenate([self._scores(chunk) for chunk in chunks])

    def _scores(self, points: Array) -> Array:
        for planes in self.codes:
            points = signs(points, planes).T.astype(np.int64)
        values = signs(points, self.differentiae)
        for weights, bias in (self.subconcepts,) if self.kinds is None else (self.subconcepts, self.kinds):
            values = np.sign(weights @ values.astype(np.int64) + bias[:, None])
        result: Array = (self.concepts[0] @ values + self.concepts[1][:, None]).T
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
    bank = Bank(points, parts, options.prices, options.C, options.steps)
    claims = []
    for s in range(len(parts)):
        claims.append(claim(bank, s, options.kept_margin))
        options.steps.reached(s + 1, len(parts), "subconcepts")
    differentiae, weights = _shared(claims, points)
    subconcepts = weights, np.array([unit.bias for unit in claims], dtype=np.int64)
    kinds = np.array([kind for kind, _ in parts])
    is_exact = all(unit.is_exact for unit in claims)
    essence = replace(_concluded(differentiae, subconcepts, kinds, concepts), is_exact=is_exact)
    if not concepts.are_scores or _are_met(essence, points, bank.kinds, concepts):
        return essence
    present = np.unique(kinds)
    members = (kinds == present[:, None]).astype(np.int64)
    concluded = _concluded(differentiae, subconcepts, present, concepts)
    return replace(concluded, is_exact=is_exact, kinds=(members, members.sum(axis=1) - 1))


def _shared(claims: Sequence[Claim], points: Array) -> tuple[Planes, Any]:
    """The planes of all subconcepts, equal and mirrored ones held once, and what each subconcept makes of them."""
    numbers: dict[bytes, int] = {}
    rows: list[tuple[Array, float]] = []
    columns: list[int] = []
    data: list[int] = []
    for unit in claims:
        for weights, bias, weight in zip(*unit.planes, unit.weights, strict=True):
            used = np.flatnonzero(weights)
            side = -1 if (weights[used[0]] if len(used) else bias) < 0 else 1
            held, border = narrow(side * weights), side * bias
            key = blake2b(held.dtype.char.encode() + held.tobytes() + np.array(border, dtype=np.float64).tobytes())
            if key.digest() not in numbers:
                rows.append((held, border))
            columns.append(numbers.setdefault(key.digest(), len(numbers)))
            data.append(side * int(weight))
    starts = np.cumsum([0, *(len(unit.weights) for unit in claims)])
    shape = len(claims), len(rows)
    matrix = csr_array((np.array(data, dtype=np.int64), np.array(columns, dtype=np.int64), starts), shape=shape)
    matrix.sum_duplicates()
    if not rows:
        return (np.zeros((0, points.shape[1]), dtype=np.int64), np.zeros(0, dtype=np.int64)), matrix
    return (np.stack([held for held, _ in rows]), np.array([border for _, border in rows])), matrix


def _concluded(differentiae: Planes, subconcepts: tuple[Any, Array], kinds: Array, concepts: Concepts) -> Essence:
    """With the concepts that read units of some kinds: scores are twice what positive units say, and one less."""
    strengths = concepts.scale * concepts.strengths[kinds].T
    bias = strengths.sum(axis=1) - concepts.scale + concepts.ranks
    return Essence(differentiae, subconcepts, (strengths, bias), concepts.scale)


def _are_met(essence: Essence, points: Array, kinds: Array, concepts: Concepts) -> bool:
    """Whether samples of some kinds get the scores of these, up to what is common to all concepts."""
    scores = essence.scores(points) - concepts.ranks
    wanted = 2 * concepts.scale * concepts.strengths[kinds]
    return np.array_equal(scores - scores.min(axis=1, keepdims=True), wanted - wanted.min(axis=1, keepdims=True))
