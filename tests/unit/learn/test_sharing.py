"""Outputs that are shifted copies of one function."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pysat")

from ddcompile.learn.sharing import shared_function


def test_a_function_on_a_ring() -> None:
    cells = np.random.default_rng(0).integers(0, 2, (10, 15))
    found = shared_function(cells, np.roll(cells, 1, 1) ^ (cells | np.roll(cells, -1, 1)), (15,))
    assert found is not None
    assert found.is_wrapped
    assert sorted(found.inputs[4].tolist()) == [3, 4, 5]
    assert sorted(found.inputs[0].tolist()) == [0, 1, 14]


def test_a_function_on_a_line_sees_zeros_outside() -> None:
    cells = np.random.default_rng(0).integers(0, 2, (10, 15))
    padded = np.pad(cells, ((0, 0), (1, 1)))
    found = shared_function(cells, padded[:, :-2] ^ padded[:, 2:], (15,))
    assert found is not None
    assert not found.is_wrapped
    assert found.inputs[0].tolist() == [-1, 1]
    assert found.inputs[14].tolist() == [13, -1]


def test_a_function_on_a_grid() -> None:
    cells = np.random.default_rng(0).integers(0, 2, (8, 6, 7))
    above, left = np.roll(cells, 1, 1), np.roll(cells, 1, 2)
    found = shared_function(cells.reshape(8, -1), (above & left).reshape(8, -1), (6, 7))
    assert found is not None
    assert set(found.inputs[8].tolist()) == {1, 7}


def test_outputs_that_differ_share_nothing() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 2, (60, 10))
    assert shared_function(cells, cells[:, rng.permutation(10)], (10,)) is None
