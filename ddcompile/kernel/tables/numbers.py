"""Numbers whose digits are gates, an array of them at a time.

A number is a constant plus the digits: `low + planes[0] + 2 * planes[1] + 4 * planes[2] + ...`. So a number with the
other sign has the other digits and another constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ddcompile.kernel.tables.nets import ONE, ZERO, Literals, Net

__all__ = ["Arithmetic", "Numbers", "constants", "of_bits"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers: constants, and an array of literals for every digit, all of the shape of the constants."""

    low: np.ndarray
    planes: tuple[Literals, ...] = ()

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> Numbers:
        """The same change of the arrays of the constants and of every digit."""
        return Numbers(change(self.low), tuple(change(plane) for plane in self.planes))

    def columns(self, which: slice) -> Numbers:
        """Some of the numbers along the second axis."""
        return self.map(lambda array: array[:, which])

    def plane(self, place: int) -> Literals:
        """A digit, 0 beyond the last."""
        return self.planes[place] if place < len(self.planes) else np.zeros_like(self.low)


def constants(values: np.ndarray) -> Numbers:
    """Numbers that do not depend on inputs."""
    return Numbers(values.astype(np.int64))


def of_bits(bits: Literals) -> Numbers:
    """Bits as numbers."""
    return Numbers(np.zeros_like(bits), (bits,))


class Arithmetic:
    """Operations on numbers of one shape; the gates go into a net."""

    def __init__(self, net: Net) -> None:
        self.net = net

    # --- sums --------------------------------------------------------------------------------------------------------

    def add(self, x: Numbers, y: Numbers) -> Numbers:
        """The sum of two numbers."""
        if not x.planes or not y.planes:
            return Numbers(x.low + y.low, x.planes or y.planes)
        carry: Literals = np.zeros_like(x.low)
        planes = []
        for place in range(max(len(x.planes), len(y.planes))):
            digit, carry = self.net.full(x.plane(place), y.plane(place), carry)
            planes.append(digit)
        return _short(Numbers(x.low + y.low, (*planes, carry)))

    def negated(self, x: Numbers) -> Numbers:
        """The number with the other sign."""
        return Numbers(1 - (1 << len(x.planes)) - x.low, tuple(plane ^ 1 for plane in x.planes))

    def total(self, terms: Numbers) -> Numbers:
        """The sums along the second axis of numbers of two axes.

        Three digits of one place become one of it and one of the next, until no place has more than two.
        """
        planes: list[Literals] = []
        columns: list[list[Literals]] = [[plane] for plane in terms.planes]
        place = 0
        while place < len(columns):
            column = _compact(np.concatenate(columns[place], axis=1))
            while column.shape[1] > 1:
                thirds = column.shape[1] // 3
                if thirds:
                    parts = (column[:, k * thirds : (k + 1) * thirds] for k in range(3))
                    digits, carries = self.net.full(*parts)
                    rest = column[:, 3 * thirds :]
                else:
                    a, b = column[:, :1], column[:, 1:]
                    digits, carries = self.net.difference(a, b), self.net.conjunction(a, b)
                    rest = column[:, 2:]
                column = _compact(np.concatenate([rest, digits], axis=1))
                if place + 1 == len(columns):
                    columns.append([])
                columns[place + 1].append(carries)
            planes.append(column[:, 0] if column.shape[1] else np.zeros(len(column), dtype=np.int64))
            place += 1
        return _short(Numbers(terms.low.sum(axis=1), tuple(planes)))

    # --- products ----------------------------------------------------------------------------------------------------

    def times(self, x: Numbers, y: Numbers) -> Numbers:
        """The product of two numbers."""
        if len(y.planes) > len(x.planes):
            x, y = y, x
        result = self._multiple(x, y.low)
        for place, plane in enumerate(y.planes):
            result = self.add(result, _moved(self._gated(x, plane), place))
        return result

    def _multiple(self, x: Numbers, factors: np.ndarray) -> Numbers:
        """Numbers times constants."""
        if not x.planes:
            return Numbers(x.low * factors)
        negative = self.negated(x)
        is_negative = factors < 0
        low = np.where(is_negative, negative.low, x.low)
        planes = tuple(np.where(is_negative, b, a) for a, b in zip(x.planes, negative.planes, strict=True))
        signed, sizes = Numbers(low, planes), np.abs(factors)
        result = Numbers(np.zeros_like(x.low))
        for place in range(int(sizes.max(initial=0)).bit_length()):
            has_digit = sizes >> place & 1 == 1
            part = Numbers(np.where(has_digit, signed.low, 0), tuple(np.where(has_digit, p, ZERO) for p in planes))
            result = self.add(result, _moved(part, place))
        return result

    def _gated(self, x: Numbers, bits: Literals) -> Numbers:
        """Numbers where bits are 1, and 0 elsewhere."""
        product = Numbers(np.zeros_like(x.low), tuple(self.net.conjunction(bits, plane) for plane in x.planes))
        return self.add(product, self._multiple(of_bits(bits), x.low))

    # --- comparisons -------------------------------------------------------------------------------------------------

    def compared(self, op: str, x: Numbers, y: Numbers) -> Literals:
        """Whether numbers stand in a relation to others."""
        if op in ("==", "!="):
            return self._is_zero(self.add(x, self.negated(y))) ^ (op == "!=")
        if op in (">", "<="):
            x, y = y, x
        # Now x >= y, or not.
        return self.is_natural(self.add(x, self.negated(y))) ^ (op in ("<", ">"))

    def is_natural(self, x: Numbers) -> Literals:
        """Whether numbers are at least 0."""
        least = -x.low
        found = np.full_like(least, ONE)
        for place, plane in enumerate(x.planes):
            has_digit = least >> place & 1 == 1
            both = self.net.conjunction(plane[has_digit], found[has_digit])
            one = self.net.disjunction(plane[~has_digit], found[~has_digit])
            found[has_digit], found[~has_digit] = both, one
        found[least <= 0] = ONE
        found[least >= 1 << len(x.planes)] = ZERO
        return found

    def _is_zero(self, x: Numbers) -> Literals:
        wanted = -x.low
        found = np.full_like(wanted, ONE)
        for place, plane in enumerate(x.planes):
            found = self.net.conjunction(found, plane ^ (wanted >> place & 1 ^ 1))
        found[(wanted < 0) | (wanted >= 1 << len(x.planes))] = ZERO
        return found

    def as_bits(self, x: Numbers) -> Literals:
        """Numbers 0 and 1 as bits."""
        if len(x.planes) <= 1 and not x.low.any():
            return x.plane(0)
        return self.is_natural(Numbers(x.low - 1, x.planes))

    # --- selection ---------------------------------------------------------------------------------------------------

    def choice(self, condition: Literals, then: Numbers, otherwise: Numbers) -> Numbers:
        """`then` where bits are 1, else `otherwise`."""
        low = np.minimum(then.low, otherwise.low)
        then, otherwise = self.based(then, low), self.based(otherwise, low)
        count = max(len(then.planes), len(otherwise.planes))
        planes = (self.net.choice(condition, then.plane(k), otherwise.plane(k)) for k in range(count))
        return _short(Numbers(low, tuple(planes)))

    def based(self, x: Numbers, low: np.ndarray) -> Numbers:
        """Numbers with other constants, which are not greater."""
        more = x.low - low
        if not more.any():
            return x
        digits = range(int(more.max()).bit_length())
        found = self.add(Numbers(low, x.planes), Numbers(np.zeros_like(low), tuple(more >> k & 1 for k in digits)))
        return found

    def remainder(self, x: Numbers, places: int) -> Numbers:
        """The remainder of a division by two to the power of `places`."""
        size = 1 << places
        found = self.based(x, x.low // size * size)
        return _short(Numbers(np.zeros_like(found.low), found.planes[:places]))

    def folded(self, terms: Numbers, better: Callable[[Numbers, Numbers], Literals], what: Numbers) -> Numbers:
        """The element of `what` at the first term along the second axis that is not worse than any other.

        Parameters
        ----------
        terms, what
            Numbers of two axes.
        better
            Whether numbers are at least as good as others that come later.
        """
        while terms.low.shape[1] > 1:
            even = terms.low.shape[1] // 2 * 2
            first, second = terms.columns(slice(0, even, 2)), terms.columns(slice(1, even, 2))
            own, other = what.columns(slice(0, even, 2)), what.columns(slice(1, even, 2))
            wins = better(first, second)
            rest = slice(even, None)
            terms = _joined(self.choice(wins, first, second), terms.columns(rest))
            what = _joined(self.choice(wins, own, other), what.columns(rest))
        return what.map(lambda a: a[:, 0])

    def every(self, bits: Literals) -> Literals:
        """Whether all bits along the second axis are 1."""
        while bits.shape[1] > 1:
            even = bits.shape[1] // 2 * 2
            both = self.net.conjunction(bits[:, 0:even:2], bits[:, 1:even:2])
            bits = np.concatenate([both, bits[:, even:]], axis=1)
        return bits[:, 0] if bits.shape[1] else np.full(len(bits), ONE, dtype=np.int64)

    def looked_up(self, entries: Numbers, planes: Sequence[Literals]) -> Numbers:
        """The entries along the second axis at the number that some digits make."""
        for plane in planes:
            even, odd = entries.columns(slice(0, None, 2)), entries.columns(slice(1, None, 2))
            entries = self.choice(plane[:, None], odd, even)
        return entries.map(lambda a: a[:, 0])


def _joined(a: Numbers, b: Numbers) -> Numbers:
    """Numbers of two axes side by side."""
    count = max(len(a.planes), len(b.planes))
    planes = (np.concatenate([a.plane(k), b.plane(k)], axis=1) for k in range(count))
    return Numbers(np.concatenate([a.low, b.low], axis=1), tuple(planes))


def _moved(x: Numbers, places: int) -> Numbers:
    """Numbers times two to the power of `places`."""
    return (
        Numbers(x.low << places, (*(np.zeros_like(x.low),) * places, *x.planes))
        if x.planes
        else Numbers(x.low << places)
    )


def _short(x: Numbers) -> Numbers:
    """The same without highest digits that are 0."""
    count = len(x.planes)
    while count and not x.planes[count - 1].any():
        count -= 1
    return Numbers(x.low, x.planes[:count])


def _compact(column: Literals) -> Literals:
    """The digits of a place without zeros, as far as all rows have as many."""
    is_zero = column == ZERO
    most = column.shape[1] - int(is_zero.sum(axis=1).min(initial=column.shape[1]))
    if most == column.shape[1]:
        return column
    order = np.argsort(is_zero, axis=1, kind="stable")[:, :most]
    return np.take_along_axis(column, order, axis=1)
