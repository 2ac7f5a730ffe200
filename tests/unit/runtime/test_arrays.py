"""Arrays in and out: what is taken, what is refused and how, and what comes back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.ir.types import infer
from ddcompile.runtime.arrays import prepare, result_field, results

ALL = parse(
    "rule f(b: bit[2], s: spin, t: trit, n: int[-3..9], i: int, r: rat, w: int[0..99999999999999999999]) -> (y: bit)"
    "{ y = b[0] }"
)
BITS = parse("rule f(x: bit[2, 3]) -> (y: bit) { y = x[0, 0] }")


def rule_of(kind: str) -> Any:
    return parse(f"rule f(x: {kind}) -> (y: bit) {{ y = 0 }}")


class TestPrepare:
    def test_arrays_get_canonical_dtypes(self) -> None:
        found = prepare(ALL, [np.array([True, False]), 1.0, -1, np.int8(9), 2**63 - 1, 0.75, 10**19])
        assert [a.dtype for a in found.arrays] == [np.uint8, np.int8, np.int8, np.int64, np.int64, object, object]
        assert found.batch_shape == ()
        assert [a.shape for a in found.arrays] == [(1, 2), *[(1,)] * 6]
        assert found.arrays[5][0] == Fraction(3, 4)
        assert type(found.arrays[5][0]) is Fraction
        assert type(found.arrays[6][0]) is int

    @pytest.mark.parametrize(
        "dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">i4", "O"]
    )
    def test_any_exact_dtype_is_taken(self, dtype: str) -> None:
        given = np.array([[[0, 1, 1], [1, 0, 0]]]).astype(dtype)
        (array,) = prepare(BITS, [given]).arrays
        assert array.dtype == np.uint8
        assert array.tolist() == [[[0, 1, 1], [1, 0, 0]]]

    @pytest.mark.parametrize("dtype", ["?", "i1", "u8", "i8", "f2", "f4", "f8", ">f8", "O"])
    def test_reals_are_doubles(self, dtype: str) -> None:
        given = np.array([0, 1, 1]).astype(dtype)
        (array,) = prepare(rule_of("real[3]"), [given]).arrays
        assert array.dtype == np.float64
        assert array.dtype.isnative
        assert array.tolist() == [[0.0, 1.0, 1.0]]

    def test_reals_keep_every_bit(self) -> None:
        for given in ([0.1, -0.0, 5e-324], np.array([0.1, -0.0, 5e-324], dtype=object)):
            (array,) = prepare(rule_of("real[3]"), [given]).arrays
            assert repr(array.tolist()) == "[[0.1, -0.0, 5e-324]]"
        exact = [Fraction(1, 4), 2**60, -(2**1023)]
        (array,) = prepare(rule_of("real[3]"), [exact]).arrays
        assert array.tolist() == [[0.25, 2.0**60, -(2.0**1023)]]

    @pytest.mark.parametrize("batch", [(), (1,), (5,), (0,), (2, 3), (2, 0, 3)])
    def test_any_batch_shape_is_taken(self, batch: tuple[int, ...]) -> None:
        found = prepare(BITS, [np.ones((*batch, 2, 3))])
        assert found.batch_shape == batch
        assert found.arrays[0].shape == (int(np.prod(batch)), 2, 3)

    def test_layout_and_flags_do_not_matter(self) -> None:
        given = np.zeros((3, 2, 4), dtype=np.uint8).transpose(2, 1, 0)[::2]
        given[0, 1, 2] = 1
        given.flags.writeable = False
        (array,) = prepare(BITS, [given]).arrays
        assert array.flags.c_contiguous
        assert (array == given).all()

    def test_lists_are_taken(self) -> None:
        assert prepare(BITS, [[[0, 1, 1], [1, 0, 0]]]).arrays[0].tolist() == [[[0, 1, 1], [1, 0, 0]]]

    def test_sizes_are_solved(self) -> None:
        rule = parse("rule f<H, W>(x: bit[H, W]) -> (y: bit[W]) { y[j < W] = any(i < H: x[i, j]) }")
        found = prepare(rule, [np.zeros((7, 2, 5))])
        assert not found.rule.sizes
        assert found.rule is prepare(rule, [np.zeros((2, 5))]).rule

    def test_a_rule_that_is_at_fault_at_these_sizes_is_refused(self) -> None:
        rule = parse("rule f<N>(x: bit[N]) -> (y: bit[N - 2]) { y[i < N - 2] = x[i + 2] }")
        assert prepare(rule, [np.zeros(3)]).batch_shape == ()
        with pytest.raises(CompileError, match="T018"):
            prepare(rule, [np.zeros(2)])


REFUSED: list[tuple[str, Any, str, str]] = [
    ("bit[2, 3]", "text", "A002", "`x` has dtype <U4, which holds no exact numbers"),
    ("bit", 1j, "A002", "`x` has dtype complex128, which holds no exact numbers"),
    ("bit[2]", np.zeros(2, "M8[s]"), "A002", "`x` has dtype datetime64[s], which holds no exact numbers"),
    ("bit[2, 3]", np.zeros(3), "A003", "`x` has 2 axes, but the array only 1: [3]"),
    ("bit[2, 3]", np.zeros((3, 2)), "A004", "`x` has shape [2, 3], not [3, 2]"),
    ("bit[2, 3]", np.zeros((5, 2, 4)), "A004", "`x` has shape [2, 3], not [2, 4] after 1 batch axis"),
    ("bit[2]", [0, 2], "A005", "`x[1]` is 2, not 0 or 1"),
    ("bit[2]", [-1, 2], "A005", "`x[0]` is -1, not 0 or 1 (1 more)"),
    ("bit[2]", [[0, 1], [0.5, 1]], "A005", "`x[0]` of sample 1 is 0.5, not 0 or 1"),
    ("bit", np.full((2, 3), 7), "A005", "`x` of sample 0, 0 is 7, not 0 or 1 (5 more)"),
    ("spin[2]", [1, 0], "A005", "`x[1]` is 0, not -1 or +1"),
    ("spin", True, "", ""),
    ("spin", False, "A005", "`x` is False, not -1 or +1"),
    ("trit", 2, "A005", "`x` is 2, not -1, 0 or +1"),
    ("trit", np.uint8(255), "A005", "`x` is 255, not -1, 0 or +1"),
    ("int[-3..9]", 10, "A005", "`x` is 10, not an integer in -3..9"),
    ("int[-3..9]", -4.0, "A005", "`x` is -4.0, not an integer in -3..9"),
    ("int[1..9]", False, "A005", "`x` is False, not an integer in 1..9"),
    ("int[-3..0]", True, "A005", "`x` is True, not an integer in -3..0"),
    ("int", 0.5, "A005", "`x` is 0.5, not an integer in -9223372036854775808..9223372036854775807"),
    ("int", np.uint64(2**63), "A005", f"`x` is {2**63}, not an integer in {-(2**63)}..{2**63 - 1}"),
    ("int", 2.0**63, "A005", f"`x` is {2.0**63}, not an integer in {-(2**63)}..{2**63 - 1}"),
    ("int", 2**70, "A005", f"`x` is {2**70}, not an integer in {-(2**63)}..{2**63 - 1}"),
    ("int", [10**80], "A005", f"`x` of sample 0 is 1{'0' * 56}..., not an integer in {-(2**63)}..{2**63 - 1}"),
    ("int[2]", [1, Fraction(1, 2)], "A005", f"`x[1]` is 1/2, not an integer in {-(2**63)}..{2**63 - 1}"),
    ("int[2]", [1, None], "A005", f"`x[1]` is None, not an integer in {-(2**63)}..{2**63 - 1}"),
    ("rat[2]", [1, Fraction(1, 3)], "A005", "`x[1]` is 1/3, not an integer over a power of two"),
    ("rat[2]", [1, object], "A005", "`x[1]` is <class 'object'>, not an integer over a power of two"),
    ("bit[2]", [0, float("nan")], "A006", "`x[1]` is nan, not 0 or 1"),
    ("int", float("inf"), "A006", f"`x` is inf, not an integer in {-(2**63)}..{2**63 - 1}"),
    ("real", 2**53 + 1, "A005", "`x` is 9007199254740993, not a finite double"),
    ("real[2]", np.array([0, 2**63 + 1], dtype=np.uint64), "A005", f"`x[1]` is {2**63 + 1}, not a finite double"),
    ("real", 10**400, "A005", f"`x` is 1{'0' * 56}..., not a finite double"),
    ("real[2]", [Fraction(1, 3), 1], "A005", "`x[0]` is 1/3, not a finite double"),
    ("real", [Fraction(2**53 + 1, 2), 1], "A005", "`x` of sample 0 is 9007199254740993/2, not a finite double"),
    ("real[2]", [[0.1, 1], [1, float("nan")]], "A006", "`x[1]` of sample 1 is nan, not a finite double"),
    ("real", np.array(float("-inf"), dtype=object), "A006", "`x` is -inf, not a finite double"),
    ("real", np.array("1", dtype=object), "A005", "`x` is 1, not a finite double"),
    ("rat[1]", np.array([float("nan")], dtype=object), "A006", "`x[0]` is nan, not an integer over a power of two"),
]


@pytest.mark.parametrize(("kind", "given", "code", "message"), REFUSED)
def test_what_is_not_of_the_type_is_refused(kind: str, given: Any, code: str, message: str) -> None:
    if not code:
        prepare(rule_of(kind), [given])
        return
    with pytest.raises(CompileError) as caught:
        prepare(rule_of(kind), [given])
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.place) == (code, message, "x")


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(CompileError, match=r"A002.*`x` is no array"):
        prepare(BITS, [[[0, 1], [1]]])


def test_the_number_of_inputs_counts() -> None:
    with pytest.raises(CompileError, match=r"A001.*takes 1 input, not 2(.|\n)*hint: in this order: `x`"):
        prepare(BITS, [1, 2])


def test_inputs_share_their_batch_axes() -> None:
    rule = parse("rule f(x: bit[2], z: bit) -> (y: bit) { y = z }")
    assert prepare(rule, [np.zeros((3, 2)), np.zeros(3)]).batch_shape == (3,)
    with pytest.raises(CompileError, match=r"A003.*`z` has batch axes \[4\], but `x` has \[3\]"):
        prepare(rule, [np.zeros((3, 2)), np.zeros(4)])


class TestResults:
    KINDS = parse(
        "rule all_kinds(x: int) -> (b: bit, s: spin, t: trit, i: int, w: int, r: rat, class: bit[2], x2: real) {\n"
        "  b = x > 0  s = if x > 0 then 1 else -1  t = sign(x)  i = x % 7  w = x * x  r = 0.25 * x\n"
        "  class[k < 2] = x == k  x2 = x\n}"
    )

    def test_results_have_the_dtypes_of_their_kinds(self) -> None:
        found = interpret(self.KINDS, [[-3, 1]])
        assert [a.dtype for a in found] == [np.uint8, np.int8, np.int8, np.int64, object, object, np.uint8, np.float64]
        assert [a.tolist() for a in found[:5]] == [[0, 1], [-1, 1], [-1, 1], [4, 1], [9, 1]]
        assert found[5].tolist() == [Fraction(-3, 4), Fraction(1, 4)]
        assert type(found[4][0]) is int
        assert found[6].shape == (2, 2)
        assert found[7].tolist() == [-3.0, 1.0]

    def test_several_results_are_a_named_tuple(self) -> None:
        types = infer(self.KINDS)
        arrays = [np.zeros((6, *types.shape[d.name]), dtype=np.int64) for d in self.KINDS.outputs]
        found = results(self.KINDS, types, arrays, (2, 3))
        assert type(found).__name__ == "AllKindsResult"
        assert found._fields == ("b", "s", "t", "i", "w", "r", "class_", "x2")
        assert found.b.shape == (2, 3)
        assert found.class_.shape == (2, 3, 2)
        assert found.r.tolist() == [[Fraction(0)] * 3] * 2

    def test_one_result_is_a_bare_array(self) -> None:
        found = results(BITS, infer(BITS), [np.ones((1,), dtype=np.uint8)], ())
        assert found.shape == ()
        assert found.dtype == np.uint8

    @pytest.mark.parametrize(("name", "field"), [("y", "y"), ("class", "class_"), ("_x", "u_x"), ("None", "None_")])
    def test_fields_are_names_that_python_allows(self, name: str, field: str) -> None:
        assert result_field(name) == field

    def test_fields_stay_different(self) -> None:
        rule = parse("rule f(x: bit) -> (class: bit, class_: bit) { class = x class_ = not x }")
        zeros = np.zeros(1, dtype=np.uint8)
        assert results(rule, infer(rule), [zeros, zeros], ())._fields == ("class_", "class__")
