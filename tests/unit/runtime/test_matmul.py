"""Exact matrix products against Python integers."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.runtime.matmul import ExactMatrix, exact_matmul


def _random(rng: np.random.Generator, shape: tuple[int, int], bits: int) -> np.ndarray:
    """Integers of so many bits, objects if they do not fit int64, the extremes among them."""
    values = []
    for _ in range(shape[0] * shape[1]):
        value = sum(int(rng.integers(0, 2**15)) << k for k in range(0, bits, 15)) % 2**bits
        values.append(value if rng.random() < 0.5 else -value)
    values[0], values[-1] = 2**bits - 1, -(2**bits) + 1
    return np.array(values, dtype=object if bits > 62 else np.int64).reshape(shape)


@pytest.mark.parametrize("inner", [1, 3, 100])
@pytest.mark.parametrize("left_bits", [1, 8, 20, 21, 40, 62, 90])
@pytest.mark.parametrize("right_bits", [1, 20, 33, 50, 62, 100])
def test_products_are_exact(inner: int, left_bits: int, right_bits: int) -> None:
    rng = np.random.default_rng(inner * 10_000 + left_bits * 100 + right_bits)
    left, right = _random(rng, (5, inner), left_bits), _random(rng, (inner, 4), right_bits)
    expected = left.astype(object) @ right.astype(object)
    magnitude = 2**left_bits - 1
    matrix = ExactMatrix.of(right, magnitude)
    assert (exact_matmul(left, magnitude, matrix, is_wide=True) == expected).all()
    if left_bits + right_bits + inner.bit_length() < 63:
        narrow = exact_matmul(left, magnitude, matrix, is_wide=False)
        assert narrow.dtype == np.int64
        assert (narrow == expected).all()


def test_narrow_results_of_wide_parts_may_wrap_on_the_way() -> None:
    left = np.array([[1, 1]])
    right = np.array([[2**70], [-(2**70) + 5]], dtype=object)
    assert exact_matmul(left, 1, ExactMatrix.of(right, 1), is_wide=False).tolist() == [[5]]


def test_empty_matrices() -> None:
    matrix = ExactMatrix.of(np.zeros((0, 3), dtype=np.int64), 1)
    assert exact_matmul(np.zeros((2, 0), dtype=np.int64), 1, matrix, is_wide=False).tolist() == [[0, 0, 0]] * 2
