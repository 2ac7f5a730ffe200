"""Comparisons of weighted sums of at most four bits, as candidates for the least expression of a truth table.

Of every sum with integer weights up to 3: `s >= k`, `s == k`, `s != k`, `k <= s <= l`, and of sums of positive weights
`s % m == k` and `s % m != k`. What a comparison costs is a fixed part and the texts of the inputs that it reads, so
they are listed once for a number of inputs, and priced for the inputs at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from ddcompile.analysis.comparisons import normal_comparison
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Compare, CompareOp, Expr

__all__ = ["UNPRICED", "PricedSums", "comparison_text", "comparisons", "multiple", "priced_sums"]

UNPRICED = np.int32(1 << 20)
"""The price of a table that no comparison has."""

_MOST_WEIGHT = 3
_MODULI = range(2, 6)
_AT_LEAST, _EQUAL, _DIFFERENT, _BETWEEN, _RESIDUE, _NO_RESIDUE = range(6)


@dataclass(frozen=True, slots=True)
class PricedSums:
    """The cheapest comparison of every table, for inputs of given costs."""

    price: np.ndarray
    """int32[2 ** 2 ** k]; UNPRICED where there is none."""
    _row: np.ndarray
    _listed: _Listed

    def expression(self, table: int, inputs: Sequence[Expr]) -> Expr:
        """The cheapest comparison with a table that has a price."""
        row = self._row[table]
        weights = [int(w) for w in self._listed.weights[row]]
        kind, first, last = (int(v) for v in self._listed.kinds[row])
        return comparison_text(weights, kind, first, last, inputs)


@dataclass(frozen=True, slots=True)
class _Listed:
    tables: np.ndarray  # int64[rows]
    weights: np.ndarray  # int8[rows, k]
    kinds: np.ndarray  # int16[rows, 3]: the kind, and its one or two numbers
    fixed: np.ndarray  # int32[rows]: tokens besides the inputs


@lru_cache(maxsize=64)
def priced_sums(costs: tuple[int, ...]) -> PricedSums:
    """All comparisons, priced for k <= 4 inputs of the given costs."""
    listed = _listed(len(costs))
    price = listed.fixed + (listed.weights != 0) @ np.array(costs, dtype=np.int32)
    # Of equally cheap ones the one listed first: the plainest kind, then the smallest weights.
    order = np.lexsort((np.arange(len(price)), price, listed.tables))
    first = np.ones(len(order), dtype=bool)
    first[1:] = listed.tables[order[1:]] != listed.tables[order[:-1]]
    chosen = order[first]
    size = 1 << (1 << len(costs))
    best = np.full(size, UNPRICED, dtype=np.int32)
    rows = np.zeros(size, dtype=np.int64)
    best[listed.tables[chosen]] = price[chosen]
    rows[listed.tables[chosen]] = chosen
    best[[0, size - 1]] = UNPRICED
    return PricedSums(best, rows, listed)


@lru_cache(maxsize=4)
def _listed(count: int) -> _Listed:
    found = [row for weights in _weights(count) for row in comparisons(weights)]
    kinds = np.array([row[2:5] for row in found], dtype=np.int16).reshape(-1, 3)
    weights = np.array([row[1] for row in found], dtype=np.int8).reshape(-1, count)
    order = np.lexsort((np.arange(len(found)), np.abs(weights).sum(axis=1), kinds[:, 0]))
    return _Listed(
        np.array([row[0] for row in found], dtype=np.int64)[order],
        weights[order],
        kinds[order],
        np.array([row[5] for row in found], dtype=np.int32)[order],
    )


def _weights(count: int) -> Iterator[tuple[int, ...]]:
    for weights in product(range(-_MOST_WEIGHT, _MOST_WEIGHT + 1), repeat=count):
        if sum(w != 0 for w in weights) > 1 and np.gcd.reduce(weights) == 1:
            yield weights


def comparisons(weights: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...], int, int, int, int]]:
    """Table, weights, kind, its numbers, and the tokens besides the inputs."""
    count = len(weights)
    values = np.array([sum(w for j, w in enumerate(weights) if a >> j & 1) for a in range(1 << count)])
    bits = 1 << np.arange(1 << count, dtype=np.int64)
    levels = sorted({int(v) for v in values})
    from_level = {k: int(bits @ (values >= k)) for k in levels}
    terms = sum(w != 0 for w in weights)
    mixed = min(weights) < 0 < max(weights)
    positive = min(weights) >= 0
    text = terms - 1 + 2 * sum(abs(w) > 1 for w in weights)
    for k in levels[1:]:
        # With both signs the sum is split: `p > n`, `p >= n`, `p >= n + k`.
        yield from_level[k], weights, _AT_LEAST, k, 0, text + (2 if not mixed or k not in (0, 1) else 0)
    is_turned = next(w for w in weights if w) < 0
    for low, k in enumerate(levels[1:-1], 1) if positive or mixed else ():
        # Turned round, bounds below 0 are longer.
        if is_turned and k < 0:
            continue
        for top, after in zip(levels[low + 1 : -1], levels[low + 2 :], strict=True):
            table = from_level[k] & ~from_level[after]
            yield table, weights, _BETWEEN, k, top, text + 4 + (k < 0) + (top < 0)
    if is_turned:
        return
    full = from_level[levels[0]]
    for k, above in zip(levels, [*levels[1:], None], strict=True):
        table = from_level[k] & ~(0 if above is None else from_level[above])
        extra = text + (2 if not mixed or k else 0)
        yield table, weights, _EQUAL, k, 0, extra
        yield full & ~table, weights, _DIFFERENT, k, 0, extra
    if positive:
        for m in _MODULI:
            if m >= levels[-1]:
                break
            for k in range(m):
                table = int(bits @ (values % m == k))
                yield table, weights, _RESIDUE, m, k, text + 6
                yield full & ~table, weights, _NO_RESIDUE, m, k, text + 6


def comparison_text(weights: Sequence[int], kind: int, first: int, last: int, inputs: Sequence[Expr]) -> Expr:
    """The text of a comparison that `comparisons` gives, of inputs of which some may be products."""
    terms = [(w, x) for w, x in zip(weights, inputs, strict=True) if w]
    plus = builder.add_all(multiple(w, x) for w, x in terms if w > 0)
    minus = builder.add_all(multiple(-w, x) for w, x in terms if w < 0)
    mixed = min(weights) < 0 < max(weights)
    match kind:
        case 0:
            comparison = builder.compare(">=", builder.sub(plus, minus), first)
            assert isinstance(comparison, Compare)
            return normal_comparison(comparison)
        case 1 | 2:
            op: CompareOp = "==" if kind == _EQUAL else "!="
            if mixed and first < 0:
                return builder.compare(op, minus, builder.add(plus, -first))
            return builder.compare(op, plus, builder.add(minus, first))
        case 3:
            ordered = sorted(terms, key=lambda term: term[0] < 0)
            return builder.chain(first, "<=", builder.add_all(multiple(w, x) for w, x in ordered), "<=", last)
    residue = builder.mod(plus, first)
    return builder.compare("==" if kind == _RESIDUE else "!=", residue, last)


def multiple(factor: int, term: Expr) -> Expr:
    """`2 * a * b` of a product, which needs no brackets."""
    match term:
        case Binary("*", left, right) if abs(factor) > 1:
            return Binary("*", multiple(factor, left), right)
    return builder.mul(factor, term)
