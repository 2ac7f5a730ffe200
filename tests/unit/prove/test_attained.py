"""The next attained sum from a bound on is that of all sums listed."""

from __future__ import annotations

from bisect import bisect_left
from itertools import product

import pytest

from ddcompile.prove.attained import attained

GROUPS = [
    [(3, 2), (7, 1)],
    [(1, 5)],
    [(5, 1), (8, 3), (13, 2), (21, 1), (34, 1)],
    [(2**61 + 1, 2), (3, 4), (2**70, 1)],
]


@pytest.mark.parametrize("groups", GROUPS)
def test_next_sum(groups: list[tuple[int, int]]) -> None:
    sums = sorted({sum(choice) for choice in product(*([w * k for k in range(n + 1)] for w, n in groups))})
    found = attained(groups)
    for bound in {value + step for value in (*sums, -(2**80), 2**80) for step in (-1, 0, 1)}:
        place = bisect_left(sums, bound)
        assert found.at_least(bound) == (sums[place] if place < len(sums) else None)
