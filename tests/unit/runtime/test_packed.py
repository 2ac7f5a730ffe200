"""Bits packed into words, and back."""

from __future__ import annotations

from typing import Any

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
        (["0", "1"], "error[A009]: an array of dtype <U1 holds no bits"),
        ([[None, 1]], "error[A009]: something is neither 0 nor 1 and is no bit"),
    ],
)
def test_what_cannot_be_packed(value: object, message: str) -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.pack(value)
    assert str(caught.value) == message


def test_what_is_no_array_cannot_be_packed_and_what_is_not_packed_not_unpacked() -> None:
    with pytest.raises(dd.CompileError, match=r"A009.*: what is to be packed is no array"):
        dd.pack([[1], [1, 0]])
    with pytest.raises(dd.CompileError, match=r"A009.*: ndarray is not packed"):
        dd.unpack(np.zeros(3, dtype=np.uint8))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "shape"),
    [([1], (5,)), (np.ones(1, np.uint64), 5), (np.ones(0, np.uint64), (-1,)), (np.ones(1, np.uint64), (5.0,))],
)
def test_words_and_shapes_that_are_none(words: Any, shape: Any) -> None:
    with pytest.raises(dd.CompileError, match=r"A009.*: these are no words and the shape of bits"):
        dd.Packed(words, shape)


def test_a_shape_is_a_tuple_of_integers_whatever_it_was_given_as() -> None:
    packed = dd.Packed(np.ones(1, dtype=np.uint64), [np.int64(5)])  # type: ignore[list-item]
    assert packed.shape == (5,)
    assert packed == dd.pack([1, 0, 0, 0, 0])


def test_unpacking_needs_memory() -> None:
    with pytest.raises(ValueError, match="new memory"):
        np.array(dd.pack([1]), copy=False)


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


@pytest.mark.parametrize("schedule", ["grid", "batch", "scalar"])
@pytest.mark.parametrize("batch", [(0,), (3, 0), (0, 3)])
def test_no_samples_of_packed_bits(schedule: str, batch: tuple[int, ...]) -> None:
    found = dd.parse(_SHIFT).jit(schedule=schedule)(dd.pack(np.zeros((*batch, 70))))
    assert found.shape == (*batch, 70)
    assert dd.unpack(found).shape == (*batch, 70)


def test_results_without_an_axis_are_not_packed() -> None:
    program = dd.parse("rule r(x: bit[70]) -> (y: bit) {\n  y = any(i < 70: x[i])\n}\n")
    run = program.jit()
    assert np.array_equal(run(dd.pack(np.zeros((3, 70)))), [0, 0, 0])
    assert run(dd.pack(np.ones(70))) == 1


def test_what_is_no_grid_is_compiled_once_for_packed_bits_and_others() -> None:
    run = dd.parse("rule r(x: bit[70]) -> (y: bit[70]) {\n  y[i < 70] = any(j < i: x[j])\n}\n").jit(schedule="scalar")
    before = run.code_bytes
    run(dd.pack(np.zeros(70)))
    assert run.code_bytes == before


def test_a_wrong_shape_is_said_as_for_arrays() -> None:
    program = dd.parse(_SHIFT).at(N=100)
    with pytest.raises(dd.CompileError) as caught:
        program.jit()(dd.pack(np.zeros(99, dtype=bool)))
    assert str(caught.value) == "x: error[A004]: `x` has shape [100], not [99]"


@pytest.mark.parametrize("shape", [(1,), (64,), (130, 3), (3, 130), (5, 70, 2), (0, 3), (3, 0)])
def test_any_axis(shape: tuple[int, ...]) -> None:
    bits = np.random.default_rng(2).integers(0, 2, size=shape, dtype=np.uint8)
    for axis in range(-len(shape), len(shape)):
        packed = dd.pack(bits, axis)
        assert packed.axis == axis % len(shape)
        assert packed.words.shape == tuple(-(-n // 64) if k == packed.axis else n for k, n in enumerate(shape))
        assert np.array_equal(dd.unpack(packed), bits)
        assert packed == dd.Packed(packed.words, shape, axis)
    assert dd.pack(np.ones((65, 2)), axis=0).words.tolist() == [[2**64 - 1] * 2, [1, 1]]
    assert repr(dd.pack(np.ones((65, 2)), axis=0)) == "Packed(65 x 2 bits along axis 0)"


def test_an_axis_that_is_none() -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.pack(np.zeros((3, 3)), axis=2)
    assert str(caught.value) == "error[A009]: an array of 2 axes has no axis 2"


def test_samples_that_are_packed_for_a_schedule_that_takes_them_otherwise() -> None:
    bits = np.random.default_rng(1).integers(0, 2, size=(70, 200), dtype=np.uint8)
    program = dd.parse(_SHIFT)
    for schedule in ("grid", "batch"):
        assert program.jit(schedule=schedule)(dd.pack(bits, axis=0)) == dd.pack(np.roll(bits, -1, axis=1), axis=0)
