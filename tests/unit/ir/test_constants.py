from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes

from ddcompile.ir.constants import array_from_json, array_from_text, array_sha256, array_text, array_to_json
from ddcompile.ir.nodes import Constant, canonical_array
from ddcompile.ir.syntax import integer, is_name, number, number_text

exact = st.one_of(
    st.integers(-9, 9),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False).map(Fraction),
)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    shape = draw(array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3))
    flat = draw(st.lists(exact, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    array = np.empty(len(flat), dtype=object)
    array[:] = flat
    return canonical_array(array.reshape(shape))


@given(arrays())
@settings(max_examples=200, deadline=None)
def test_texts_and_json_lose_nothing(array: np.ndarray) -> None:
    for again in (array_from_text(array_text(array)), array_from_json(json.loads(json.dumps(array_to_json(array))))):
        assert Constant.of("w", again) == Constant.of("w", array)
        assert again.dtype == array.dtype
        assert array_sha256(again) == array_sha256(array)


def test_json_holds_fractions_and_long_integers() -> None:
    array = canonical_array([Fraction(1, 3), 10**5000])
    again = array_from_json(json.loads(json.dumps(array_to_json(array))))
    assert again.tolist() == [Fraction(1, 3), 10**5000]


def test_hashes_name_type_shape_and_entries() -> None:
    arrays = [[1, 2], [[1], [2]], [[1, 2]], [1, 3], [1.5, 2], [1, 2**70], [Fraction(1, 3), 2], 1, []]
    assert len({array_sha256(canonical_array(a)) for a in arrays}) == len(arrays)
    assert array_sha256(np.array([1.0, 2.0])) == array_sha256(np.array([1, 2], dtype=np.int8))


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"shape": [2]},
        {"shape": [2], "values": [1]},
        {"shape": [-1], "values": [1]},
        {"shape": [True], "values": [1]},
        {"shape": "2", "values": [1, 2]},
        {"shape": [1], "values": ["1"]},
        {"shape": [1], "values": [True]},
        {"shape": [1], "exact": ["1/0"]},
        {"shape": [1], "exact": ["0.5"]},
        {"shape": [1], "exact": [1]},
    ],
)
def test_malformed_json_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"an array|entries|entry"):
        array_from_json(data)


def test_long_integers() -> None:
    for value in (0, -7, 10**17, 10**18, -(10**18), 10**3999, 10**4000 - 1, 10**4000, -(10**9001) + 7):
        text = number_text(value)
        assert integer(text) == value
        assert text.lstrip("-")[0] != "0" or value == 0
        assert number(text) == value


def test_names() -> None:
    assert is_name("x_1")
    assert is_name("_")
    for text in ("", "1x", "a b", "sum", "rule", "bit", "\N{LATIN SMALL LETTER E WITH ACUTE}"):
        assert not is_name(text)
