"""Ways to write units as families: what is taken for the negation of another unit, and what fills a line."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row
from ddcompile.passes.layers import Names
from ddcompile.passes.plans import cheapest
from ddcompile.passes.silent import filled


def _differences(n: int, bias: int) -> list[Row]:
    """Signs of x[i] - x[j] + bias for j < i."""
    pairs = [(i, j) for i in range(n) for j in range(i)]
    return [Row("sign", np.array([j, i]), np.array([-1, 1]), bias) for i, j in pairs]


@pytest.mark.parametrize("bias", [0, 1])
def test_signs_have_mirrors_only_without_a_bias(bias: int) -> None:
    rows = _differences(7, bias)
    chosen, _ = cheapest(rows, 16, Atoms({"x": (7,)}), Names(set()), "h")
    mirrors = [w.mirrors for w in chosen]
    if bias:
        assert not any(mirrors)
    else:
        assert len(mirrors) == 1
        assert sorted(mirrors[0]) == list(range(len(rows)))
        assert chosen[0].silent == tuple(8 * k for k in range(7))


def test_silent_elements_complete_lines_of_equal_weights() -> None:
    atoms = Atoms({"x": (2,), "d": (3, 3)})
    row = {2 + 3: 2, 2 + 5: 2}  # d[1, 0] and d[1, 2]
    assert filled(row, atoms, "d", [0, 4, 8]) == {2 + 4: 2}
    assert filled({2 + 3: 2, 2 + 5: 1}, atoms, "d", [0, 4, 8]) == {}
    assert filled({0: 1}, atoms, "d", [0, 4, 8]) == {}
