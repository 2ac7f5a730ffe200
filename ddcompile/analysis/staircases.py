"""Operands of a threshold unit that are thresholds themselves, and imply one another.

Bits that imply one another are a number in unary code: of k bits, only k + 1 states occur. A unit that reads them may
be decided by fewer of them; where they count one sum, `[s >= 1], [s >= 2], [s >= 3]`, a unit over the sum may decide
alike. What else a unit reads is taken as independent, which allows more combinations than occur: whatever holds for
all of them holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import accumulate
from math import gcd
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.exact import integers
from ddcompile.analysis.rows import Row
from ddcompile.analysis.thresholds import Domain, least_threshold

__all__ = ["Staircases"]

_MOST_OPERANDS = 24
"""Most operands of a unit that is looked at."""
_MOST_TERMS = 256
"""Most operands of a sum that is put in the place of its thresholds."""
_MOST_VALUES = 1 << 12
"""Most values of a sum that are listed."""
_MOST_SUMMAND = 1 << 48
"""Sums of greater summands are not listed: words do not hold them."""
_FACTORS = tuple((s, sign * f) for s in range(1, 5) for f in range(1, 5) for sign in (1, -1) if gcd(s, f) == 1)
"""Factors of what else a unit reads and of the sum."""

_Terms: TypeAlias = dict[int, int]


@dataclass(frozen=True, slots=True)
class Staircases:
    """Units over bits that imply one another.

    Attributes
    ----------
    units
        Threshold units by their numbers.
    domain
        The values of an element; None if they are not known.
    """

    units: Mapping[int, Row]
    domain: Callable[[int], Domain | None]
    _implied: dict[tuple[int, int], bool] = field(default_factory=dict)

    def fewer(self, row: Row, kept: Set[int] = frozenset()) -> Row:
        """The unit without operands that others decide; not looked for where all operands are kept anyway."""
        terms, bias = _terms(row), row.bias
        if not 1 < len(terms) <= _MOST_OPERANDS or all(a in kept for a in terms if a in self.units):
            return row
        for chain in self._chains(terms):
            rest = self._sums({a: w for a, w in terms.items() if a not in chain})
            if rest is None:
                continue
            heights = [0, *accumulate(terms[a] for a in chain)]
            decided = [_decided(rest, height + bias) for height in heights]
            least = [heights[decided.index(d)] for d in decided]
            if len(set(decided)) < len(decided):
                terms |= {a: least[k + 1] - least[k] for k, a in enumerate(chain)}
                terms = {a: w for a, w in terms.items() if w}
        return row if len(terms) == len(row.atoms) else self._least(terms, bias) or row

    def counted(self, row: Row, kept: Set[int] = frozenset()) -> Row:
        """The unit over sums in the place of their thresholds, where no weight is greater than before.

        Where all thresholds of a sum are kept anyway, they stay; so does the bit that bits of which one implies the
        next make, `[s >= 1] - [s >= 2]`.
        """
        if not 1 < len(row.atoms) <= _MOST_TERMS:
            return row
        for base, steps in self._bases(row):
            found = None if steps.keys() <= kept or self._is_bit(base) else self._over(row, base, steps)
            if found is not None:
                return self.counted(found, kept)
        return row

    def _over(self, row: Row, base: Row, steps: Mapping[int, int]) -> Row | None:
        """The unit with a sum in the place of its thresholds, whose signs are given."""
        terms, inner = _terms(row), _terms(base)
        others = {a: w for a, w in terms.items() if a not in steps}
        ends = self._ends(inner)
        rest = self._sums(others)
        if rest is None or ends is None or ends[1] - ends[0] >= _MOST_VALUES:
            return None
        rises = Counter[int]()
        height = row.bias
        for a, sign in steps.items():  # 1 from a value on, or up to one
            bound = self.units[a].bias
            height += terms[a] if sign < 0 else 0
            rises[max(ends[0], bound if sign < 0 else 1 - bound)] += sign * terms[a]
        decided: dict[int, tuple[int, int]] = {}
        """The least and the greatest value of the sum, by how many sums of the rest make the unit 1 beside it."""
        for value in range(ends[0], ends[1] + 1):
            height += rises[value]
            count = _decided(rest, height)
            decided[count] = decided.get(count, (value, value))[0], value
        common = gcd(*others.values()) or 1
        most = max(map(abs, (*terms.values(), *inner.values())))
        unit, part = max(map(abs, others.values()), default=0) // common, max(map(abs, inner.values()))
        for scale, factor in _FACTORS:
            if max(scale * unit, abs(factor) * part) > most:
                continue
            bias = _bias(scale, rest // common, factor, decided)
            if bias is None:
                continue
            joined = {a: scale * w // common for a, w in others.items()}
            for a, w in inner.items():
                joined[a] = joined.get(a, 0) + factor * w
            found = self._least({a: w for a, w in joined.items() if w}, bias)
            if found is not None and max(map(abs, found.weights.tolist()), default=0) <= most:
                return found
        return None

    def _least(self, terms: _Terms, bias: int) -> Row | None:
        """A threshold unit in least integers."""
        atoms = sorted(terms)
        domains = [self.domain(a) for a in atoms]
        known = [d for d in domains if d is not None]
        if len(known) < len(domains):
            return None
        found = least_threshold([terms[a] for a in atoms], bias, known, zero_is_negative=True)
        if found is None:
            return Row("positive", np.array(atoms, dtype=np.int64), integers([terms[a] for a in atoms]), bias)
        bias = 0 if found.above is None else 1 - found.above
        kept = [(a, c) for a, c in zip(atoms, found.coefficients, strict=True) if c]
        return Row("positive", np.array([a for a, _ in kept], dtype=np.int64), integers([c for _, c in kept]), bias)

    def _bases(self, row: Row) -> Iterator[tuple[Row, dict[int, int]]]:
        """Sums of which the unit reads thresholds, with these, and whether they are 1 above or below their bounds."""
        found: dict[tuple[bytes, tuple[int, ...]], dict[int, int]] = {}
        for atom in row.atoms.tolist():
            unit = self.units.get(atom)
            if unit is None or not 1 < len(unit.atoms) <= _MOST_TERMS:
                continue
            sign = 1 if unit.weights[0] > 0 else -1
            key = unit.atoms.tobytes(), tuple((sign * unit.weights).tolist())
            found.setdefault(key, {})[atom] = sign
        for steps in sorted(found.values(), key=len, reverse=True):
            first, sign = next(iter(steps.items()))
            unit = self.units[first]
            yield Row("affine", unit.atoms, sign * unit.weights, 0), steps

    def _is_bit(self, base: Row) -> bool:
        """Whether a sum of units that imply one another is never anything but 0 or 1."""
        terms = _terms(base)
        if not terms.keys() <= self.units.keys() or len(terms) > _MOST_OPERANDS:
            return False
        chains = self._chains(terms)
        return (
            len(chains) == 1
            and len(chains[0]) == len(terms)
            and {*accumulate(terms[a] for a in chains[0])} == {0, 1}
        )

    def _chains(self, terms: _Terms) -> list[tuple[int, ...]]:
        """Operands that imply one another, each implied by the next one; the longest chains first."""
        free = [a for a in terms if self._bit(a) is not None]
        below = {a: [b for b in free if self._implies(a, b) and not self._implies(b, a)] for a in free}
        chains = []
        while free:
            best: dict[int, tuple[int, ...]] = {}
            for a in sorted(free, key=lambda a: len(below[a])):
                best[a] = (*max((best[b] for b in below[a] if b in best), key=len, default=()), a)
            chain = max(best.values(), key=len)
            if len(chain) < 2:
                break
            chains.append(chain)
            free = [a for a in free if a not in chain]
        return chains

    def _bit(self, atom: int) -> Row | None:
        """An element that is a bit as a threshold unit."""
        unit = self.units.get(atom)
        if unit is not None:
            return unit if len(unit.atoms) <= _MOST_OPERANDS else None
        if self.domain(atom) != Domain(0, 1):
            return None
        return Row("positive", np.array([atom], dtype=np.int64), integers([1]), 0)

    def _implies(self, first: int, second: int) -> bool:
        """Whether the second bit is 1 where the first is, as a multiple of the first sum shows."""
        key = first, second
        if key not in self._implied:
            ours, theirs = self._bit(first), self._bit(second)
            self._implied[key] = ours is not None and theirs is not None and self._follows(ours, theirs)
        return self._implied[key]

    def _follows(self, ours: Row, theirs: Row) -> bool:
        given, wanted = _terms(ours), _terms(theirs)
        shared = given.keys() & wanted.keys()
        if not shared or any(self.domain(a) is None for a in given.keys() | wanted.keys()):
            return False
        for p, q in {(abs(wanted[a]), abs(given[a])) for a in shared if wanted[a] * given[a] > 0}:
            # q * wanted >= p * given + the least of their difference, and given >= 1
            difference = {a: q * wanted.get(a, 0) - p * given.get(a, 0) for a in given.keys() | wanted.keys()}
            ends = self._ends(difference)
            if ends is not None and p + ends[0] + q * theirs.bias - p * ours.bias > 0:
                return True
        return False

    def _ends(self, terms: _Terms) -> tuple[int, int] | None:
        """The least and the greatest value of a sum."""
        low = high = 0
        for a, w in terms.items():
            domain = self.domain(a)
            if domain is None:
                return None
            low += w * (domain.low if w > 0 else domain.high)
            high += w * (domain.high if w > 0 else domain.low)
        return low, high

    def _sums(self, terms: _Terms) -> np.ndarray | None:
        """Values that hold all values of a sum, ascending; None if there are many, or some are not known."""
        parts = []
        for a, w in terms.items():
            domain = self.domain(a)
            if domain is None or domain.bits >= _MOST_VALUES:
                return None
            if abs(w) * max(abs(domain.low), abs(domain.high)) >= _MOST_SUMMAND:
                return None
            parts.append(w * np.arange(domain.low, domain.high + 1, domain.step))
        total = np.zeros(1, dtype=np.int64)
        for part in parts:
            total = np.unique(np.add.outer(total, part))
            if len(total) > _MOST_VALUES:
                return None
        return total


def _terms(row: Row) -> _Terms:
    return dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))


def _decided(rest: np.ndarray, height: int) -> int:
    """How many of some values, ascending, are positive with a height added."""
    return len(rest) - int(np.searchsorted(rest, -height, side="right"))


def _bias(scale: int, rest: np.ndarray, factor: int, decided: Mapping[int, tuple[int, int]]) -> int | None:
    """The bias with which so many sums of the rest make a unit 1 beside values of a sum; None if there is none."""
    count = len(rest)
    most = [-scale * int(rest[count - d - 1]) - factor * v for d, ends in decided.items() for v in ends if d < count]
    least = [1 - scale * int(rest[count - d]) - factor * v for d, ends in decided.items() for v in ends if d > 0]
    return min(most) if most and least and max(least) <= min(most) else None
