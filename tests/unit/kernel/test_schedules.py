"""Schedules are named, chosen and refused with a reason."""

from __future__ import annotations

import pytest

import ddcompile as dd
from ddcompile.ir.verifier import check
from ddcompile.kernel.schedules import check_schedule, choose

_SHIFT = "rule r<N>(x: bit[N]) -> (y: bit[N]) {\n  y[i < N] = x[(i + 1) % N]\n}\n"


def _line(error: dd.CompileError) -> str:
    return str(error)


def test_an_unknown_name() -> None:
    with pytest.raises(dd.CompileError) as caught:
        check_schedule("gird")
    assert _line(caught.value) == (
        "error[E022]: unknown schedule 'gird'\n  hint: the schedules are auto, grid, batch, popcount, tables, scalar"
    )


def test_wide_rows_are_packed_and_narrow_ones_are_not() -> None:
    for width, name in ((640, "grid"), (20, "batch")):
        rule = dd.parse(_SHIFT).at(N=width).rule
        assert choose(rule, check(rule)).name == name
    rule = dd.parse(_SHIFT).at(N=20).rule
    assert choose(rule, check(rule), "grid").name == "grid"
    assert choose(rule, check(rule), "scalar").plan is None


def test_a_rule_that_is_no_grid() -> None:
    rule = dd.parse("rule r(x: bit[64]) -> (y: bit[64]) {\n  y[i < 64] = x[63 - i]\n}\n").rule
    found = choose(rule, check(rule))
    assert found.name == "batch"
    assert found.reason == (
        "64 samples at once, if there are as many; "
        "the schedule grid does not take it: a position is no index plus a number"
    )
    with pytest.raises(dd.CompileError) as caught:
        choose(rule, check(rule), "grid")
    assert _line(caught.value) == (
        "r: error[E022]: the schedule grid does not take `r`: a position is no index plus a number"
    )


@pytest.mark.parametrize("schedule", ["grid", "popcount", "tables"])
def test_emission_needs_sizes(schedule: str) -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.parse(_SHIFT).emit("c", schedule=schedule)
    hint = "give `--size N=64`, or the same by `.at`"
    assert _line(caught.value) == f"r: error[E022]: the schedule {schedule} takes rules at given sizes\n  hint: {hint}"


@pytest.mark.parametrize("target", ["c", "llvm"])
def test_emitted_code_computes_words(target: str) -> None:
    files = dd.parse(_SHIFT).at(N=640).emit(target, schedule="auto")
    text = "".join(file.text for file in files)
    assert ("r_pack(" in text) if target == "c" else ("<64 x i8>" in text)


def test_large_samples_are_computed_one_after_the_other() -> None:
    text = "rule r<N>(x: bit[N]) -> (y: bit) {\n  y = sum(i < N: x[i] and x[(i + 1) % N]) > 3\n}\n"
    for size, name in ((1000, "batch"), (1_000_000, "scalar")):
        rule = dd.parse(text).at(N=size).rule
        assert choose(rule, check(rule)).name == name
    rule = dd.parse(text).at(N=10_000_000).rule
    with pytest.raises(dd.CompileError) as caught:
        choose(rule, check(rule), "batch")
    reason = "the tensors of 32 samples take more than 256 MiB"
    assert _line(caught.value) == f"r: error[E022]: the schedule batch does not take `r`: {reason}"


def test_the_batch_is_for_the_jit() -> None:
    with pytest.raises(dd.CompileError) as caught:
        dd.parse(_SHIFT).at(N=64).emit("c", schedule="batch")
    assert _line(caught.value) == "r: error[E022]: the schedule batch is for the JIT alone\n  hint: take grid or scalar"
    rule = dd.parse("rule r(x: real) -> (y: real) {\n  y = tanh(x)\n}\n").rule
    with pytest.raises(dd.CompileError) as caught:
        choose(rule, check(rule), "batch")
    assert _line(caught.value) == "r: error[E022]: the schedule batch does not take `r`: it uses functions of reals"


def test_printed_code_counts_where_that_is_shorter() -> None:
    weights = ", ".join(str([1, -1] * 50) for _ in range(30))
    program = dd.parse(
        f"rule r(x: bit[100]) -> (y: int[30]) {{\n  const W: int[30, 100] = [{weights}]\n"
        "  y[u < 30] = sum(j < 100: W[u, j] * x[j])\n}\n"
    )
    assert "r_ones(" in "".join(file.text for file in program.emit("c", schedule="auto"))
    assert "r_ones(" not in "".join(file.text for file in program.emit("c"))
    with pytest.raises(dd.CompileError) as caught:
        dd.parse(_SHIFT).at(N=64).emit("c", schedule="popcount")
    assert _line(caught.value) == (
        "r: error[E022]: the schedule popcount does not take `r`: "
        "it has no long sums of bits with few different weights"
    )


def test_gates_with_tables_of_places_and_what_is_none() -> None:
    text = "rule r(x: bit[3]) -> (y: bit[2]) {\n  const A: int[2] = [2, 0]\n  y[i < 2] = x[A[i]] xor x[1]\n}\n"
    rule = dd.parse(text).rule
    found = choose(rule, check(rule))
    assert found.name == "tables"
    assert found.reason.startswith("2 gates at most are run from tables, for 512 samples at a time")
    number = dd.parse("rule r(x: int[0..9]) -> (y: bit) {\n  y = x > 3\n}\n").rule
    with pytest.raises(dd.CompileError) as caught:
        choose(number, check(number), "tables")
    assert _line(caught.value) == "r: error[E022]: the schedule tables does not take `r`: `x` is no tensor of bits"
    fifths = dd.parse("rule r(x: bit[9]) -> (y: int) {\n  y = sum(i < 9: x[i]) % 5\n}\n").rule
    with pytest.raises(dd.CompileError) as caught:
        choose(fifths, check(fifths), "tables")
    assert "it has remainders of other numbers than powers of two" in _line(caught.value)


def test_long_sums_at_places_from_tables_are_no_gates() -> None:
    rows, terms = 100, 200
    places = [[(7 * i + 3 * j) % 50 for j in range(terms)] for i in range(rows)]
    weights = [[(i + j) % 3 + 1 for j in range(terms)] for i in range(rows)]
    rule = dd.parse(
        f"rule r(x: bit[50]) -> (y: bit[{rows}]) {{\n"
        f"  const A: int[{rows}, {terms}] = {places}\n  const W: int[{rows}, {terms}] = {weights}\n"
        f"  y[i < {rows}] = sum(j < {terms}: W[i, j] * x[A[i, j]]) > 300\n}}\n"
    ).rule
    found = choose(rule, check(rule))
    assert found.name != "tables"
    assert "the schedule tables would run more than 20000 gates for 100 elements" in found.reason
    assert choose(rule, check(rule), "tables").name == "tables"
