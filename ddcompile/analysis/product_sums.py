"""Comparisons of sums of bits and of two products of two bits each: `a == b * c + b * d`, `a + b * c > d * c`.

They complete `ddcompile.analysis.sums` and `ddcompile.analysis.mixed_sums`, where at most one summand is a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np

from ddcompile.analysis.sums import UNPRICED, comparison_text
from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr

__all__ = ["ProductSums", "product_sums"]

_AT_LEAST, _EQUAL, _DIFFERENT = range(3)


@dataclass(frozen=True, slots=True)
class ProductSums:
    """The cheapest such comparison of every table, for inputs of given costs."""

    price: np.ndarray
    """int32[2 ** 2 ** k]; UNPRICED where there is none."""
    _row: np.ndarray
    _weights: np.ndarray
    _kinds: np.ndarray

    def expression(self, table: int, inputs: Sequence[Expr]) -> Expr:
        """The cheapest comparison with a table that has a price."""
        row = self._row[table]
        terms = [*inputs, *(builder.mul(inputs[i], inputs[j]) for i, j in combinations(range(len(inputs)), 2))]
        kind, bound = self._kinds[row].tolist()
        return comparison_text(self._weights[row].tolist(), kind, bound, 0, terms)


@lru_cache(maxsize=16)
def product_sums(costs: tuple[int, ...]) -> ProductSums:
    """All of them, priced for k <= 4 inputs of the given costs."""
    tables, weights, kinds, fixed = _listed(len(costs))
    pairs = [costs[i] + costs[j] for i, j in combinations(range(len(costs)), 2)]
    price = fixed + (weights != 0) @ np.array([*costs, *pairs], dtype=np.int64)
    order = np.lexsort((np.arange(len(price)), price, tables))
    first = np.ones(len(order), dtype=bool)
    first[1:] = tables[order[1:]] != tables[order[:-1]]
    chosen = order[first]
    size = 1 << (1 << len(costs))
    best = np.full(size, UNPRICED, dtype=np.int32)
    rows = np.zeros(size, dtype=np.int64)
    best[tables[chosen]] = price[chosen]
    rows[tables[chosen]] = chosen
    best[[0, size - 1]] = UNPRICED
    return ProductSums(best, rows, weights, kinds)


@lru_cache(maxsize=4)
def _listed(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Tables; weights of inputs and products; kinds and bounds; tokens besides the inputs."""
    pairs = list(combinations(range(count), 2))
    rows = np.arange(1 << count)
    bits = np.array([rows >> k & 1 for k in range(count)] + [rows >> i & rows >> j & 1 for i, j in pairs])
    weights = np.array(
        [
            [*own, *(signs[chosen.index(p)] if p in chosen else 0 for p in range(len(pairs)))]
            for own in product((-1, 0, 1), repeat=count)
            for chosen in combinations(range(len(pairs)), 2)
            for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1))
        ],
        dtype=np.int64,
    ).reshape(-1, len(bits))
    values = weights @ bits
    terms = (weights != 0).sum(axis=1)
    # Terms, operators between them, and those within the two products.
    text = terms - 1 + 2
    mixed = (weights.min(axis=1, initial=0) < 0) & (weights.max(axis=1, initial=0) > 0)
    power = np.int64(1) << rows
    found = []
    for bound in range(-count - 1, count + 3):
        for kind, holds in ((_AT_LEAST, values >= bound), (_EQUAL, values == bound), (_DIFFERENT, values != bound)):
            is_short = mixed & (np.isin(bound, (0, 1)) if kind == _AT_LEAST else bound == 0)
            kinds = np.tile(np.array([[kind, bound]]), (len(values), 1))
            found.append((holds @ power, weights, kinds, text + np.where(is_short, 0, 2)))
    tables, all_weights, kinds, fixed = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return tables, all_weights, kinds, fixed
