"""How fast the engines run distilled rules, against NumPy written by hand in the same run.

    pytest tests/benchmarks

The ratios in brackets count; absolute times mean little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ddcompile as dd

SAMPLES = 1000
ORIENTATION = """rule orientation(image: bit[28, 28]) -> (class: bit) {
  row[i < 28] = sum(j < 28: image[i, j])
  column[i < 28] = sum(j < 28: image[j, i])
  row_against_column[i < 28, j < 28] = sign(row[i] - column[j])
  total = sum(i < 28, j < 28: row_against_column[i, j])
  rows = sum(i < 28: 28 * sum(j < 28: row_against_column[i, j]) - 27 * total >= 757)
  columns = sum(i < 28: 27 * total - 28 * sum(j < 28: row_against_column[j, i]) >= 757)
  class = rows > columns
}"""


def by_hand(images: np.ndarray) -> np.ndarray:
    """The orientation rule in NumPy."""
    row = images.sum(axis=2, dtype=np.int16)
    column = images.sum(axis=1, dtype=np.int16)
    against = np.sign(row[:, :, None] - column[:, None, :])
    total = against.sum(axis=(1, 2))
    rows = (28 * against.sum(axis=2) - 27 * total[:, None] >= 757).sum(axis=1)
    columns = (27 * total[:, None] - 28 * against.sum(axis=1) >= 757).sum(axis=1)
    return (rows > columns).astype(np.uint8)


def engine(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """A way to evaluate the rule."""
    program = dd.parse(ORIENTATION)
    if name == "numpy":
        return by_hand
    if name == "jit":
        return program.jit()
    from ddcompile.backends.c.build import CFunction

    return CFunction(program.rule)


@pytest.mark.benchmark(group="orientation 28 x 28, 1,000 images, one thread")
@pytest.mark.parametrize("name", ["numpy", "jit", "c"])
def test_orientation(benchmark: Any, name: str) -> None:
    images = (np.random.default_rng(0).random((SAMPLES, 28, 28)) < 0.3).astype(np.uint8)
    result = benchmark(engine(name), images)
    assert np.array_equal(result, by_hand(images))
