"""Sums with few different weights become sums of lists of elements; others stay."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.kernel.dump import dump
from ddcompile.kernel.lower import lower
from ddcompile.kernel.nodes import Kernel
from ddcompile.kernel.selections import selected
from ddcompile.kernel.verify import verify


def _kernel(declarations: str, weights: np.ndarray, body: str) -> Kernel:
    shape = ", ".join(map(str, weights.shape))
    table = f"  const W: int[{shape}] = {weights.tolist()}\n"
    return lower(dd.parse(f"rule r({declarations}) -> (y: bit) {{\n{table}  {body}\n}}\n").rule)


def _weights(choice: list[int], *shape: int) -> np.ndarray:
    found: np.ndarray = np.random.default_rng(0).choice(choice, shape)
    return found


_DENSE = "h[i < 8] = sum(j < 32: W[i, j] * x[j]) > 0\n  y = all(i < 8: h[i])"


def test_each_row_adds_up_what_differs_from_its_base() -> None:
    made = selected(_kernel("x: bit[32]", _weights([-1, 1], 8, 32), _DENSE))
    assert not verify(made)
    text = dump(made)
    assert "table W:" not in text
    assert "x_all[0] = sum" in text
    assert "part = part + i8(x[i64(x_places[k])])" in text
    assert "sum = sum + x_factors[row] * part" in text


def test_weights_of_zero_are_left_out() -> None:
    weights = _weights([0, 0, 0, 3], 8, 32)
    made = selected(_kernel("x: bit[32]", weights, _DENSE))
    (places,) = (b for b in made.buffers if b.name == "x_places")
    assert list(places.values) == np.nonzero(weights)[1].tolist()
    assert "x_all" not in dump(made)


def test_windows_need_not_lie_side_by_side() -> None:
    body = "h[i < 6, j < 6] = sum(a < 3, b < 3: W[a, b] * x[i + a, j + b]) > 0\n  y = any(i < 6, j < 6: h[i, j])"
    made = selected(_kernel("x: int[-3..3][8, 8]", np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]), body))
    assert not verify(made)
    (places,) = (b for b in made.buffers if b.name == "x_places")
    assert places.values == (1, 8, 10, 17)


@pytest.mark.parametrize(
    ("weights", "body"),
    [
        (np.arange(256).reshape(8, 32), _DENSE),
        (_weights([-1, 1], 8, 3), _DENSE.replace("32", "3")),
        (_weights([-1, 1], 8, 32), _DENSE.replace("W[i, j] * x[j]", "max(W[i, j] * x[j], 0)")),
        (_weights([-1, 1], 8, 32), _DENSE.replace("W[i, j] * x[j]", "W[i, j] * x[j] * x[31 - j]")),
        (_weights([-1, 1], 32, 8), _DENSE.replace("W[i, j]", "W[j, i]")),
    ],
    ids=["many values", "short", "not linear", "two elements", "columns"],
)
def test_other_sums_stay(weights: np.ndarray, body: str) -> None:
    kernel = _kernel("x: int[0..3][32]", weights, body)
    assert selected(kernel) is kernel
