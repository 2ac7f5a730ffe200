"""Comparisons of sums in which one summand is any bit, as candidates for the least expression of a truth table.

`a + (c < d) >= b`, `2 * (a and b) + c == d`, `a <= b * c <= d`: the comparison is one function where that bit is 1, and
another where it is 0. What it costs besides the bit is listed once for inputs of given costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from ddcompile.analysis.sums import comparison_text, comparisons, multiple
from ddcompile.ir import builder
from ddcompile.ir.nodes import CompareOp, Expr

__all__ = ["MixedSums", "mixed_sums"]

_FACTORS = (1, 2, -1, -2)
_DIGITS = range(4)
_ADDED = (0, 1, 2)
_CHAINS: tuple[tuple[CompareOp, CompareOp], ...] = (("<=", "<="), ("<", "<="), ("<=", "<"), ("<", "<"))

_Weights = tuple[int, ...]
"""Of the inputs, then of the bit."""
_Text = tuple[_Weights, int, int, int, int]
"""Weights, and a kind and its numbers as `ddcompile.analysis.sums` has them, and 0; or, for a chain between inputs, -1
minus its number among _CHAINS, both ends (a digit, or -1 minus the number of an input), and what is added."""


@dataclass(frozen=True, slots=True)
class MixedSums:
    """The cheapest comparison for every pair of functions, for inputs of given costs."""

    tables: np.ndarray
    """int64[rows, 2]: the function where the bit is 1, and the one where it is 0."""
    price: np.ndarray
    """int64[rows]: tokens besides the bit, in rising order."""
    _texts: Sequence[_Text]

    def find(self, table: int, price: int, operands: np.ndarray) -> tuple[int, int] | None:
        """A row of a price and one of some operands, whose comparison is a table; None if there are none."""
        first, end = np.searchsorted(self.price, [price, price + 1]).tolist()
        for row in range(first, end):
            with_it, without = self.tables[row].tolist()
            hits = operands[(with_it & operands) | (without & ~operands) == table]
            if len(hits):
                return row, int(hits[0])
        return None

    def expression(self, row: int, inputs: Sequence[Expr], bit: Expr) -> Expr:
        """The comparison of a row."""
        weights, kind, first, last, more = self._texts[row]
        if kind >= 0:
            return comparison_text(weights, kind, first, last, [*inputs, bit])
        terms = [(w, x) for w, x in zip(weights, [*inputs, bit], strict=True) if w]
        ordered = [multiple(w, x) for w, x in sorted(terms, key=lambda term: term[0] < 0)]
        # A number goes first where all else is taken away from it.
        middle = builder.add_all([more, *ordered] if more else ordered)
        low, high = (builder.expr_of(end) if end >= 0 else inputs[-1 - end] for end in (first, last))
        ops = _CHAINS[-1 - kind]
        return builder.chain(low, ops[0], middle, ops[1], high)


@lru_cache(maxsize=16)
def mixed_sums(costs: tuple[int, ...]) -> MixedSums:
    """All of them, priced for k <= 4 inputs of the given costs."""
    tables, uses, fixed, texts = _columns(len(costs))
    prices = fixed + uses @ np.array(costs, dtype=np.int64)
    # Of every table the cheapest text, the first of several; then all by rising price, as they come first.
    order = np.lexsort((np.arange(len(tables)), prices, tables))
    least = order[np.flatnonzero(np.diff(tables[order], prepend=-1))]
    first = np.unique(tables, return_index=True)[1]
    least = least[np.lexsort((first, prices[least]))]
    half = np.int64(1 << (1 << len(costs)))
    pairs = np.stack(np.divmod(tables[least], half), axis=1)
    return MixedSums(pairs, prices[least], [texts[k] for k in least.tolist()])


@lru_cache(maxsize=4)
def _columns(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[_Text]]:
    """What is listed, column by column, where the bit matters."""
    half = 1 << (1 << count)
    listed = [each for each in _listed(count) if each[0] // half != each[0] % half]
    tables, uses, fixed, texts = zip(*listed, strict=True)
    return (
        np.array(tables, dtype=np.int64),
        np.array(uses, dtype=np.int64).reshape(len(listed), count),
        np.array(fixed, dtype=np.int64),
        list(texts),
    )


def _listed(count: int) -> list[tuple[int, tuple[int, ...], int, _Text]]:
    """Tables, how often each input is written, tokens besides inputs and bit, and how it is written."""
    found: list[tuple[int, tuple[int, ...], int, _Text]] = []
    for weights in product((-1, 0, 1), repeat=count):
        uses = tuple(map(abs, weights))
        for factor in _FACTORS:
            own = (*weights, factor)
            if any(weights):
                for table, _, kind, first, last, fixed in comparisons(own):
                    found.append((table, uses, fixed, (own, kind, first, last, 0)))
            for more in _ADDED if sum(uses) < 3 else ():
                # A number is added only where something is taken away, and the text does not begin with a minus.
                if (max(own) > 0) if not more else min(own) < 0:
                    found += _chains(own, more)
    return found


def _chains(weights: _Weights, more: int) -> Iterator[tuple[int, tuple[int, ...], int, _Text]]:
    """Chains of which an end is an input, or both are."""
    count = len(weights) - 1
    rows = np.arange(1 << (count + 1))
    bits = np.int64(1) << rows
    values = sum((w * (rows >> k & 1) for k, w in enumerate(weights)), np.full_like(rows, more))
    terms = sum(w != 0 for w in weights)
    fixed = terms - 1 + 2 * sum(abs(w) > 1 for w in weights) + 2 + 2 * (more > 0)
    ends = [*_DIGITS, *range(-1, -count - 1, -1)]
    bounds = np.array([np.full_like(rows, end) if end >= 0 else rows >> (-1 - end) & 1 for end in ends])
    above = {"<": (bounds < values) @ bits, "<=": (bounds <= values) @ bits}
    below = {"<": (values < bounds) @ bits, "<=": (values <= bounds) @ bits}
    for number, (first, second) in enumerate(_CHAINS):
        tables = (above[first][:, None] & below[second][None, :]).tolist()
        for low, own in zip(ends, tables, strict=True):
            for high, table in zip(ends, own, strict=True):
                if low >= 0 and high >= 0:
                    continue
                uses = [abs(w) for w in weights[:-1]]
                for end in (low, high):
                    if end < 0:
                        uses[-1 - end] += 1
                tokens = fixed + (low >= 0) + (high >= 0)
                yield table, tuple(uses), tokens, (weights, -1 - number, low, high, more)
