"""Units that are in no family, in tables by themselves where a few of them are unlike the others.

Before, with two operands in most rows, and many in a few::

    hidden[u < 90] = sum(start[u] <= j < start[u + 1]: x[at[j]]) >= bound[u]

After::

    hidden[u < 88] = sum(j < 2: x[at[u, j]]) >= 1
    other = sum(j < 7: x[j]) >= 4
    another = sum(j < 24: weight[j] * x[j]) >= 2
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ddcompile.analysis.rows import Row

__all__ = ["by_kind"]

_LEAST = 8
"""Units of one kind that have a table by themselves."""
_SHARE = 4
"""Of so many units one may be of another kind."""
_ALONE = 4
"""Units that may be by themselves."""


def by_kind(units: Sequence[int], rows: Sequence[Row], price: Callable[[Sequence[int]], int]) -> list[list[int]]:
    """The units in the groups that cost least.

    Parameters
    ----------
    units
        Numbers of rows, in the order that they have in a table.
    price
        What some of them cost in a table.
    """
    whole = list(units)
    kinds: dict[object, list[int]] = {}
    for u in units:
        row = rows[u]
        kinds.setdefault((row.bias, len(row.atoms), np.sort(row.weights).tobytes()), []).append(u)
    usual = max(kinds.values(), key=len, default=[])
    if len(usual) < _LEAST or not 0 < len(whole) - len(usual) <= len(whole) // _SHARE:
        return [whole]
    first = price(usual)
    ways = [[usual, *others] for others in _ways([u for u in units if u not in set(usual)], rows)]
    costs = [first + sum(map(price, way[1:])) for way in ways]
    least = min(range(len(ways)), key=lambda k: costs[k])
    return ways[least] if costs[least] < price(whole) else [whole]


def _ways(units: list[int], rows: Sequence[Row]) -> Iterator[list[list[int]]]:
    """Units all together, with the longest by themselves, or all by themselves."""
    longest = sorted(units, key=lambda u: -len(rows[u].atoms))
    for alone in range(min(_ALONE, len(units) - 1) + 1):
        kept = [u for u in units if u not in longest[:alone]]
        yield [kept, *([u] for u in longest[:alone])]
