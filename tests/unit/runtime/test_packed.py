"""Bits packed into words, and back."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd

_SHIFT = "rule r<N>(x: bit[N]) -> (y: bit[N]) {\n  y[i < N] = x[(i + 1) % N]\n}\n"


@pytest.mark.parametrize("shape", [(1,), (63,), (64,), (3, 65), (2, 4, 130), (0, 70), (5, 0)])
def test_back_and_forth(shape: tuple[int, ...]) -> None:
    bits = np.random.default_rng(0).integers(0, 2, size=shape, dtype=np.uint8)
    packed = dd.pack(bits)
    assert packed.words.shape == (*shape[:-1], -(-shape[-1] // 64))
    assert packed.shape == shape
    found = dd.unpack(packed)
    assert found.dtype == np.uint8
    assert np.array_equal(found, bits)
    assert np.array_equal(np.asarray(packed), bits)


def test_where_elements_lie() -> None:
    bits = np.zeros((1, 130), dtype=bool)
    bits[0, [0, 65, 129]] = True
    assert dd.pack(bits).words.tolist() == [[1, 2, 2]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, "error[A009]: a single bit has no axis to be packed along"),
        ([0, 2], "error[A009]: something is neither 0 nor 1 and is no bit"),
        ([0.5], "error[A009]: something is neither 0 nor 1 and is no bit"),
    ],
)
def test_what_cannot_be_packed(value: object, message: str) -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.pack(value)
    assert str(caught.value) == message


def test_words_that_are_no_packed_bits() -> None:
    with pytest.raises(dd.CompileError, match="A009"):
        dd.Packed(np.zeros(2, dtype=np.uint64), (64,))
    with pytest.raises(dd.CompileError, match="bits beyond the end of a row are not 0"):
        dd.Packed(np.full(1, 8, dtype=np.uint64), (3,))


def test_packed_in_packed_out() -> None:
    bits = np.random.default_rng(1).integers(0, 2, size=(5, 200), dtype=np.uint8)
    program = dd.parse(_SHIFT)
    expected = np.roll(bits, -1, axis=1)
    for schedule in ("auto", "grid", "scalar"):
        found = program.jit(schedule=schedule)(dd.pack(bits))
        assert isinstance(found, dd.Packed)
        assert found == dd.pack(expected)
    assert np.array_equal(program(dd.pack(bits)), expected)


def test_a_wrong_shape_is_said_as_for_arrays() -> None:
    program = dd.parse(_SHIFT).at(N=100)
    with pytest.raises(dd.CompileError) as caught:
        program.jit()(dd.pack(np.zeros(99, dtype=bool)))
    assert str(caught.value) == "x: error[A004]: `x` has shape [100], not [99]"
