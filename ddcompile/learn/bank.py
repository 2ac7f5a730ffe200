"""The planes between subconcepts of different kinds, made when they are needed."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.linear import Planes, narrow, signs
from ddcompile.learn.separators import Separator, separate, share_of
from ddcompile.learn.steps import Steps
from ddcompile.learn.subconcepts import Parts

__all__ = ["Bank"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Sides: TypeAlias = tuple[Array, Array, tuple[float, float]]
"""The samples on both sides of a plane, and what they cost on the wrong one."""

MAX_PAIRS = 50_000
"""Above so many pairs of subconcepts, planes are made as they are needed instead of all at once."""
BLOCK = 64
"""How many planes one task makes."""
MAX_HELD = 2**29
"""Bytes of planes that are kept for the other side of their pair; beyond, they are made twice."""
MAX_PRODUCTS = 2**27
"""Inner products of samples that are held."""


class Bank:
    """Planes between parts of different kinds.

    Parameters
    ----------
    points : ndarray of shape (samples, features), int64 or float64
    parts : list of (kind, samples)
        Every sample is in one part.
    prices : tuple of float
        The price of a sample of each kind, relative to C.
    C : float
        See `separate`.
    steps : Steps
        In which many separators are made.

    Attributes
    ----------
    kinds, parts_of : ndarray of shape (samples,), int64
        The kind of each sample, and its part.
    is_complete : bool
        Whether there are so few pairs that all planes of a part can be looked at.
    """

    def __init__(self, points: Array, parts: Parts, prices: tuple[float, ...], C: float, steps: Steps) -> None:
        self.points, self.parts, self.prices = points, parts, prices
        self.C = C
        self.kinds = np.empty(len(points), dtype=np.int64)
        self.parts_of = np.empty(len(points), dtype=np.int64)
        for s, (kind, samples) in enumerate(parts):
            self.kinds[samples], self.parts_of[samples] = kind, s
        self._kind_of = np.array([kind for kind, _ in parts])
        self._firsts = np.array([samples[0] for _, samples in parts])
        self._centres = np.stack([points[samples].mean(axis=0) for _, samples in parts])
        self._squares = (self._centres**2).sum(axis=1)
        self._places = _places(self._centres)
        self._held: dict[tuple[int, int], Separator] = {}
        self._room = MAX_HELD
        counts = np.bincount(self._kind_of)
        self.is_complete = (len(parts) ** 2 - int((counts**2).sum())) // 2 <= MAX_PAIRS
        self._products = _products(points) if self._are_pairs_of_bits() else None
        if self.is_complete and self._products is None:
            pairs = [(s, t) for s in range(len(parts)) for t in range(s + 1, len(parts)) if self._differ(s, t)]
            blocks = [pairs[start : start + BLOCK] for start in range(0, len(pairs), BLOCK)]
            # Samples are the same object in all tasks, so that processes can share their memory.
            problems = ((points, [self._sides(s, t) for s, t in block], C) for block in blocks)
            made = steps.each(_separated, problems, len(blocks), f"blocks of {BLOCK} planes,")
            for block, planes in zip(blocks, made, strict=True):
                for pair, plane in zip(block, planes, strict=True):
                    self._hold(pair, plane)

    def rivals(self, s: int) -> Array:
        """The parts of other kinds, the nearest first; of equally near ones, those whose inputs lie nearer."""
        if self.is_complete:
            distances = ((self._centres - self._centres[s]) ** 2).sum(axis=1)
        elif self._products is not None:
            distances = (self._products.diagonal() - 2 * self._products[self._firsts[s]])[self._firsts]
        else:
            distances = self._squares - 2 * self._centres @ self._centres[s]
        order = np.lexsort((abs(self._places - self._places[s]), distances))
        result: Array = order[self._kind_of[order] != self._kind_of[s]]
        return result

    def planes(self, s: int, rivals: Array) -> Planes:
        """The planes between a part, on their positive sides, and others."""
        if self._products is not None:
            return self._planes_of_bits(s, rivals)
        found = [self._between(s, int(t)) for t in rivals]
        return np.stack([plane.weights for plane in found]), np.array([plane.bias for plane in found])

    def signs(self, s: int, rivals: Array, planes: Planes) -> Array:
        """On which side of its planes each sample is, int8 of shape (rivals, samples)."""
        if self._products is None or self.is_complete:
            return signs(self.points, planes)
        products = self._products
        own, others = self._firsts[s], self._firsts[rivals]
        low, high = products[own, own] - products[own, others], products[own, others] - products[others, others]
        # 16ths are exact: the products are whole numbers far below the largest.
        shares = self._shares(s, rivals).astype(products.dtype)
        borders = (((16 - shares) * high + shares * low) / 16)[:, None]
        values = products[own] - products[others]
        result: Array = (values > borders).view(np.int8) - (values < borders).view(np.int8)
        return result

    def _differ(self, s: int, t: int) -> bool:
        return bool(self._kind_of[s] != self._kind_of[t])

    def _sides(self, s: int, t: int) -> Sides:
        (a, ones), (b, others) = self.parts[s], self.parts[t]
        return ones, others, (self.prices[a], self.prices[b])

    def _between(self, s: int, t: int) -> Separator:
        pair = min(s, t), max(s, t)
        plane = self._held.get(pair)
        if plane is None:
            (plane,) = _separated(self.points, [self._sides(*pair)], self.C)
            self._hold(pair, plane)
        return plane if s < t else Separator(-plane.weights, -plane.bias)

    def _hold(self, pair: tuple[int, int], plane: Separator) -> None:
        if self.is_complete or self._room > 0:
            self._held[pair] = plane
            self._room -= plane.weights.nbytes

    def _are_pairs_of_bits(self) -> bool:
        """Whether all parts are single samples, and every input has two values that are a common distance apart."""
        if self.points.dtype.kind == "f" or len(self.parts) < len(self.points) or len(self.points) ** 2 > MAX_PRODUCTS:
            return False
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        spans = np.unique(high - low)
        is_either = (self.points == low) | (self.points == high)
        return bool(is_either.all() and len(spans[spans > 0]) == 1)

    def _planes_of_bits(self, s: int, rivals: Array) -> Planes:
        """What `separate` gives for single samples that differ by one number in each input, or not at all."""
        own, others = self.points[self._firsts[s]], self.points[self._firsts[rivals]]
        weights = own - others
        shares = self._shares(s, rivals)
        bias = -((16 - shares) * (weights * others).sum(axis=1) + shares * (weights @ own))
        divisors = np.gcd(16 * abs(weights).max(axis=1), bias)
        return narrow(16 * weights // divisors[:, None]), bias // divisors

    def _shares(self, s: int, rivals: Array) -> Array:
        own = self.prices[self._kind_of[s]]
        of_kinds = np.array([share_of(own, price) for price in self.prices])
        result: Array = of_kinds[self._kind_of[rivals]]
        return result


def _places(centres: Array) -> Array:
    """Where along the inputs the weight of each part lies, of shape (parts,)."""
    sizes = abs(centres)
    totals = sizes.sum(axis=1)
    result: Array = sizes @ np.arange(centres.shape[1]) / np.where(totals > 0, totals, 1)
    return result


def _separated(points: Array, sides: list[Sides], C: float) -> list[Separator]:
    """Planes between some sets of samples each, their weights in the narrowest type."""
    planes = [separate(points[ones], points[others], C, prices) for ones, others, prices in sides]
    return [Separator(narrow(plane.weights), plane.bias) for plane in planes]


def _products(points: Array) -> Array | None:
    """All inner products of points, if they are so small that sums of 16 of them are exact."""
    largest = int((points.astype(np.int64) ** 2).sum(axis=1).max())
    if 64 * largest >= 2**24:
        return None
    numbers = points.astype(np.float32)
    return numbers @ numbers.T
