"""Tables without the few rows that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from ddcompile.analysis.outliers import largest_box, smoothed, symmetric

_BIT = range(2)


def _table(inputs: int, function: Callable[..., object]) -> np.ndarray:
    return np.array([bool(function(*x)) for x in product(_BIT, repeat=inputs)], dtype=np.int64).reshape([2] * inputs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("inputs", "function"),
    [
        (6, lambda *x: sum(x) >= 3),
        (8, lambda *x: x[2 + 2 * x[0] + x[1]]),
        (8, lambda *x: x[:4] > x[4:]),
    ],
)
def test_a_row_that_does_not_fit_is_found(inputs: int, function: Callable[..., object], seed: int) -> None:
    table = _table(inputs, function)
    wrong = table.copy()
    wrong.ravel()[np.random.default_rng(seed).integers(wrong.size)] ^= 1
    assert any((guess == table).all() for guess in smoothed([_BIT] * inputs, wrong))


def test_of_irregular_tables_few_rows_are_left_out() -> None:
    table = np.random.default_rng(0).integers(0, 2, (2,) * 7)
    for guess in smoothed([_BIT] * 7, table):
        assert 1 <= np.count_nonzero(guess != table) <= 4


def test_small_tables_have_no_outliers() -> None:
    assert not list(smoothed([_BIT] * 2, np.array([[0, 0], [0, 1]])))


def test_inputs_are_interchangeable_up_to_a_few_rows() -> None:
    plain = _table(5, lambda a, b, c, d, e: a + b + c >= 2 and d + e >= 1)
    table = plain.copy()
    table[0, 0, 1, 1, 1] = 1
    first, last = symmetric([_BIT] * 5, table, 1)
    assert (first == plain).all()
    assert (last == table).all()


def test_boxes_are_as_large_as_they_can_be() -> None:
    chosen = np.zeros((4, 5, 2), dtype=bool)
    chosen[1:, 2:4] = True
    chosen[2, 2, 1] = False
    box = largest_box(chosen, (1, 3, 0))
    assert chosen[box].all()
    assert chosen[box].size == 6
