"""Widths, hoisting, early exits, errors and depth of the lowering."""

from __future__ import annotations

import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    Declaration,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.parser import parse
from ddcompile.kernel.dump import dump
from ddcompile.kernel.lower import lower
from ddcompile.kernel.verify import verify


def lines_of(text: str) -> list[str]:
    kernel = lower(parse(text))
    assert verify(kernel) == []
    return [line.strip() for line in dump(kernel).splitlines()]


def error_of(text: str) -> str:
    with pytest.raises(CompileError) as caught:
        lower(parse(text))
    return str(caught.value)


@pytest.mark.parametrize(
    ("count", "type_"),
    [(126, "i8"), (127, "i8"), (128, "i16"), (32767, "i16"), (32768, "i32")],
)
def test_accumulator_is_as_narrow_as_its_range(count: int, type_: str) -> None:
    lines = lines_of(f"rule r(x: bit[{count}]) -> (y: int) {{ y = sum(i < {count}: x[i]) }}")
    assert f"var sum: {type_} = 0" in lines


@pytest.mark.parametrize(
    ("high", "type_"),
    [(2**6 - 1, "i8"), (2**6, "i16"), (2**14, "i32"), (2**30, "i64"), (2**62, "i128"), (2**126, "i192")],
)
def test_scratch_is_as_narrow_as_its_range(high: int, type_: str) -> None:
    text = f"rule r(x: bit[2]) -> (y: bit[2]) {{ z[i < 2] = x[i] * {2 * high}  y[i < 2] = z[i] > z[1 - i] }}"
    assert f"scratch z: {type_}[2]" in lines_of(text)


def test_partial_sums_fit_although_the_whole_sum_is_narrower() -> None:
    # Every x is 5..6, so the sum of +x and -x lies in -12..12, but its prefixes reach 60.
    text = """rule r(x: int[5..6][20]) -> (y: int) {
      const w: int[20] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]
      y = sum(i < 20: 3 * (w[i] * x[i])) + sum(i < 20: w[i] * x[i])
    }"""
    assert "var sum_2: i8 = 0" in lines_of(text)
    wider = text.replace("int[5..6]", "int[20..21]")
    assert "var sum_2: i16 = 0" in lines_of(wider)


def test_wrapped_index_is_hoisted_out_of_the_inner_loop() -> None:
    lines = lines_of(
        "rule r(x: bit[5, 5]) -> (y: int[5]) { y[i < 5] = sum(j < 5: x[(i + 2) % 5, (j + i) % 5] + x[i, j]) }"
    )
    loop = lines.index("for j: i32 = 0 to 5 {")
    assert lines.index("let t2: i32 = t1 - 5 if t1 >= 5 else t1") < loop
    assert lines.index("let t3: i32 = j + i") > loop


def test_invariant_reduction_is_hoisted() -> None:
    lines = lines_of("rule r(x: bit[5]) -> (y: bit[5]) { y[i < 5] = 2 * x[i] > sum(j < 5: x[j]) - 1 }")
    assert lines.index("for j: i32 = 0 to 5 {") < lines.index("for i: i32 = 0 to 5 {")


def test_reduction_stays_in_its_arm_of_a_branch() -> None:
    lines = lines_of("rule r(x: bit[5]) -> (y: int[5]) { y[i < 5] = if x[i] == 1 then sum(j < 5: x[j]) else 7 }")
    assert lines.index("if x[i] {") < lines.index("for j: i32 = 0 to 5 {")


def test_reduction_over_a_recurrence_stays_where_its_tensor_changes() -> None:
    lines = lines_of(
        "rule r(x: bit[5]) -> (y: int[0..1000][5]) { y[0] = x[0]  y[1 <= i < 5] = sum(j < 3: x[j] * y[i - 1]) }"
    )
    assert lines.index("for i: i32 = 1 to 5 {") < lines.index("for j: i32 = 0 to 3 {")


def test_scalar_reduction_accumulates_in_the_tensor_itself() -> None:
    lines = lines_of("rule r(x: bit[5]) -> (y: bit) { total = sum(i < 5: x[i])  y = total > 2 }")
    assert "var total: i8 = 0" in lines
    assert "y[0] = total > 2" in lines


def test_what_no_result_needs_is_not_computed() -> None:
    text = dump(lower(parse("rule r(x: bit[5]) -> (y: bit) { z[i < 5] = x[i] + 1  t = sum(i < 5: z[i])  y = x[0] }")))
    assert "scratch" not in text
    assert "for i" not in text


def test_ranges_decide_comparisons() -> None:
    lines = lines_of("rule r(x: bit[5]) -> (y: bit) { y = sum(i < 5: x[i]) <= 5 and x[0] == 1 }")
    assert "y[0] = x[0]" in lines


def test_clipped_read_that_stays_inside_needs_no_guard() -> None:
    lines = lines_of("rule r(x: bit[5]) -> (y: bit[4]) { y[i < 4] = pad(x, 0)[i + 1] }")
    assert "y[i] = x[i + 1]" in lines


def test_pad_value_that_the_elements_cannot_hold_is_selected_outside() -> None:
    lines = lines_of("rule r(x: bit[3]) -> (y: int[4]) { y[i < 4] = pad(x, 1000)[i - 1] }")
    assert "let t1: bit = i >= 1" in lines
    assert "y[i] = i64(i16(x[i - 1] where t1 else 0) if t1 else 1000)" in lines


def test_constant_table_read_at_a_constant_is_a_number() -> None:
    lines = lines_of("rule r(x: bit) -> (y: int) { const t: int[3] = [4, 5, 6]  y = x * t[2] }")
    assert "y[0] = i64(i8(x[0]) * 6)" in lines
    assert not any(line.startswith("table") for line in lines)


def test_recurrence_in_two_axes_interleaves_its_clauses() -> None:
    # Row i is finished before row i + 1 begins, whatever the order of the text.
    lines = lines_of(
        """rule r(x: bit[4, 4]) -> (y: int[4, 4]) {
          y[i < 4, 1 <= j < 4] = min(y[i, j - 1] + x[i, j], 9)
          y[1 <= i < 4, 0] = min(y[i - 1, 3], 9)
          y[0, 0] = x[0, 0]
        }"""
    )
    begin = lines.index("y[0] = i64(x[0])")
    assert lines[begin + 1] == "for j: i32 = 1 to 4 {"
    assert lines[begin + 5 : begin + 9] == [
        "for i: i32 = 1 to 4 {",
        "let t2: i8 = i8(y[4 * i - 1])",
        "y[4 * i] = i64(t2)",
        "for j: i32 = 1 to 4 {",
    ]


def test_clauses_with_dependent_bounds_share_a_guarded_loop() -> None:
    lines = lines_of(
        """rule r(x: bit[5]) -> (y: int[5, 5]) {
          y[i < 5, j < i + 1] = min(i * 5 + j, 20) + (if i > 0 then min(pad(y, 0)[i - 1, j], 3) else 0)
          y[i < 5, i + 1 <= j < 5] = min(y[i, j - 1], 7) + x[j]
        }"""
    )
    assert lines.count("for j: i32 = 0 to 5 {") == 1
    assert lines[lines.index("let t1: bit = j < i + 1") + 1] == "let t2: bit = i + 1 <= j"
    assert lines.index("if t1 {") < lines.index("if t2 {")


def test_what_softmax_shares_moves_out_of_the_loop_over_its_position() -> None:
    lines = lines_of("rule r(x: int[0..9][2, 4]) -> (y: real[2, 4]) { y[t < 2, u < 4] = softmax(v < 4: x[t, v])[u] }")
    outer, inner = lines.index("for t: i32 = 0 to 2 {"), lines.index("for u: i32 = 0 to 4 {")
    assert outer < lines.index("var top: i8 = 0") < lines.index("var total: f64 = 0.0") < inner
    assert lines[inner + 1].endswith("/ total")


def test_what_moves_out_of_a_loop_hides_no_name_in_it() -> None:
    # The first sum needs the row, and its name is free again when the second moves out of the loop over rows.
    lines_of(
        "rule r(x: bit[4, 4]) -> (y: int[4]) {"
        " y[i < 4] = max(j < 4: sum(k < 4: x[i, k] * j)) + sum(k < 4: x[k, k]) + max(j < 4: sum(k < j: x[k, j])) }"
    )


def test_zeros_of_both_signs_are_different_constants() -> None:
    lines = lines_of("rule r(x: bit, z: real) -> (y: real) { y = if x == 1 then 0 * z else -(0 * z) }")
    assert "y[0] = 0.0 * z[0] if x[0] else -(0.0 * z[0])" in lines


def test_doubles_are_named_and_chosen_as_doubles() -> None:
    lines = lines_of("rule r(x: rat[2]) -> (y: bit) { z = abs(min(x[0], x[1], 0.5))  y = 0.25 < z < 1 }")
    assert "y[0] = z > 0.25 and z < 1.0" in lines
    assert not any("i2112" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rule r<N>(x: bit[N]) -> (y: int) { z[0] = 1  z[1 <= t < N] = 3 * z[t - 1] + x[t]  y = z[N - 1] }",
            "<text>:1:36: error[E010]: `z` has no bound, so no machine integer holds it\n"
            "  hint: bound it where it is defined, as with `min` and `max`, "
            "or give the sizes as numbers: `--size N=8`, or `program.at(N=8)`",
        ),
        (
            "rule r(x: int[0..9]) -> (y: int) { z[0] = x  z[1 <= t < 300000] = 3 * z[t - 1] + x  y = z[299999] }",
            "<text>:1:36: error[E010]: `z` has no bound, so no machine integer holds it\n"
            "  hint: bound it where it is defined, as with `min` and `max`",
        ),
    ],
)
def test_errors(text: str, message: str) -> None:
    assert error_of(text) == message


def _rule(value: Expr) -> Rule:
    inputs = (Declaration("x", Type("bit", (Literal(8),))),)
    return Rule("deep", inputs, (Declaration("y", Type("int")),), (Statement("y", (), value),))


def _deeper(kind: str, expr: Expr, k: int) -> Expr:
    bit = Read("x", (Literal(k % 8),))
    match kind:
        case "left":
            return Binary("+", expr, bit)
        case "right":
            return Binary("-", bit, expr)
        case "unary":
            return Unary("-", expr) if k % 2 else Unary("abs", expr)
        case "xor":
            return Binary("xor", Compare((">",), (expr, Literal(0))), bit)
        case "if":
            return If(bit, Literal(k), expr)
        case "call":
            return Call("max", (bit, Unary("sign", expr)))
        case _:
            total = Reduce("sum", (Binder("i", Literal(0), Literal(3)),), Read("x", (Index("i"),)))
            return If(bit, total, expr)


@pytest.mark.parametrize("kind", ["left", "right", "unary", "xor", "if", "call", "branches"])
def test_deep_expressions_need_no_deep_stack(kind: str) -> None:
    expr: Expr = Read("x", (Literal(0),))
    for k in range(2000):
        expr = _deeper(kind, expr, k)
    kernel = lower(_rule(expr))
    assert verify(kernel) == []
    assert len(dump(kernel)) > 2000


def test_loops_nest_only_as_deep_as_compilers_allow() -> None:
    position: Expr = Literal(0)
    for k in range(120):
        position = Binary("+", position, Index(f"i{k}"))
    expr: Expr = Read("x", (Binary("%", position, Literal(8)),))
    for k in range(120):
        expr = Reduce("max", (Binder(f"i{k}", Literal(0), Literal(2)),), expr)
    with pytest.raises(CompileError, match=r"error\[E012\]: the rule nests more than 100 loops"):
        lower(_rule(expr))


def test_indices_fit_64_bits() -> None:
    rule = parse("rule f(x: bit) -> (y: int) { y = sum(9223372036854775807 <= i < 9223372036854775809: i * x) }")
    message = r"error\[E013\]: an index runs from 9223372036854775807 to 9223372036854775809"
    with pytest.raises(CompileError, match=message):
        lower(rule)
