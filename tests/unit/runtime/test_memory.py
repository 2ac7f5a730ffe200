"""Tests of memory that is used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.runtime.memory import uninitialized


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64, np.uint64])
@pytest.mark.parametrize("size", [0, 1, 1000, 1 << 18, 5 << 20])
def test_arrays_are_like_others(size: int, dtype: type[np.generic]) -> None:
    array = uninitialized(size, dtype)
    assert (array.shape, array.dtype) == ((size,), dtype)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.nbytes < 128 << 10 or array.ctypes.data % 64 == 0
    array[...] = 1
    assert np.array_equal(array, np.ones(size, dtype))


def test_memory_is_used_again_when_nothing_refers_to_it() -> None:
    array = uninitialized(1 << 18, np.uint64)
    place = array.ctypes.data
    view = array.reshape(4, -1)[1:]
    del array
    other = uninitialized(1 << 18, np.uint64)
    assert other.ctypes.data != place
    del view
    assert uninitialized(1 << 18, np.uint64).ctypes.data == place


def test_threads_never_share_memory() -> None:
    def work(number: int) -> bool:
        right = True
        for _ in range(200):
            array = uninitialized(1 << 15, np.uint64)
            array[...] = number
            right &= bool((array == number).all())
        return right

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_results_stay_what_they_are() -> None:
    program = dd.parse("rule r(x: bit[700, 700]) -> (y: bit[700, 700]) {\n  y[i < 700, j < 700] = not x[i, j]\n}\n")
    run, random = program.jit(), np.random.default_rng(0)
    given = [random.integers(0, 2, size=(700, 700), dtype=np.uint8) for _ in range(20)]
    for x, y in [(x, run(x)) for x in given]:
        assert np.array_equal(y, 1 - x)
