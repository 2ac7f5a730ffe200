"""Formulas of arrays are exact, and found where entries are a function of one form over small integers."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.analysis.formulas import Formula, formulas

ROW, COLUMN = np.indices((7, 6))


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ((ROW + COLUMN) % 2, Formula((1, 1), 0, 2, 1, 0)),
        (2 * ROW - 3 * COLUMN + 4, Formula((2, -3), 4)),
        ((ROW + 2 * COLUMN) % 3 == 1, Formula((1, -1), 0, 3, values=(0, 1, 0))),
        (5 - 2 * ((ROW + 1) % 4), Formula((1, 0), 1, 4, -2, 5)),
    ],
    ids=["checkerboard", "ramp", "bricks", "rows in turn"],
)
def test_formulas_are_found_and_exact(weights: np.ndarray, expected: Formula) -> None:
    weights = weights.astype(np.int64)
    found = list(formulas(weights))
    assert expected in found
    for formula in found:
        assert (formula.at(np.indices(weights.shape)) == weights).all()


@pytest.mark.parametrize(
    "weights",
    [
        np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1]]),
        np.array([1, 2, 3, 1, 2]) * 1.5,
        np.array([4, 1, 7]),
        np.zeros((3, 0), dtype=np.int64),
    ],
    ids=["one entry is another", "no integers", "does not come again", "nothing"],
)
def test_others_have_none(weights: np.ndarray) -> None:
    assert list(formulas(weights)) == []


@pytest.mark.parametrize("weights", [(ROW + COLUMN) % 2, 2 * ROW - 3 * COLUMN + 4, 5 - 2 * ((ROW + 1) % 4)])
def test_most_entries_decide(weights: np.ndarray) -> None:
    others = weights.copy()
    others[2, 3] += 1
    others[0, 0] -= 2
    found = {f.at(np.indices(others.shape)).tobytes() for f in formulas(others, exceptions=2)}
    assert weights.tobytes() in found
    assert list(formulas(others)) == list(formulas(others, exceptions=1)) == []
