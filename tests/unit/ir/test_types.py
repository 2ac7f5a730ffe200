"""Ranges against enumeration, and what inference finds about rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ddcompile.ir import ranges
from ddcompile.ir.nodes import Binary, Constant, Declaration, Expr, Literal, Read, Rule, Statement, Type, Unary
from ddcompile.ir.parser import parse
from ddcompile.ir.ranges import BIT, INT64, REAL, SPIN, TRIT, ValueType
from ddcompile.ir.types import Types, infer


@st.composite
def value_types(draw: st.DrawFn) -> ValueType:
    low, step = draw(st.integers(-9, 9)), draw(st.integers(1, 4))
    count = draw(st.integers(1, 5))
    return ranges.make(low, low + step * (count - 1), step)


def members(found: ValueType) -> set[int]:
    assert found.values is not None
    return set(found.values)


def is_tight(found: ValueType, values: set[int]) -> bool:
    """Whether a type holds all values and its bounds are among them."""
    return values <= members(found) and {found.low, found.high} <= values


UNARY: list[tuple[Callable[[ValueType], ValueType], Callable[[int], int]]] = [
    (ranges.negate, lambda a: -a),
    (ranges.absolute, abs),
    (ranges.sign, lambda a: (a > 0) - (a < 0)),
]
BINARY: list[tuple[Callable[[ValueType, ValueType], ValueType], Callable[[int, int], int]]] = [
    (ranges.add, lambda a, b: a + b),
    (ranges.multiply, lambda a, b: a * b),
]


class TestRanges:
    @given(value_types())
    def test_functions_of_one_value_are_tight(self, a: ValueType) -> None:
        for operation, meaning in UNARY:
            assert is_tight(operation(a), {meaning(n) for n in members(a)}), operation

    @given(value_types(), value_types())
    def test_functions_of_two_values_are_tight(self, a: ValueType, b: ValueType) -> None:
        for operation, meaning in BINARY:
            assert is_tight(operation(a, b), {meaning(m, n) for m, n in product(members(a), members(b))}), operation

    @given(value_types(), value_types())
    def test_min_max_and_join_hold_all_values(self, a: ValueType, b: ValueType) -> None:
        pairs = set(product(members(a), members(b)))
        assert {min(pair) for pair in pairs} <= members(ranges.minimum(a, b))
        assert {max(pair) for pair in pairs} <= members(ranges.maximum(a, b))
        assert is_tight(ranges.join(a, b), members(a) | members(b))

    @given(value_types(), st.integers(1, 7))
    def test_modulo_holds_all_values(self, a: ValueType, m: int) -> None:
        found = ranges.modulo(a, m)
        assert {n % m for n in members(a)} <= members(found) <= set(range(m))

    @given(value_types(), st.integers(0, 3), st.integers(0, 2))
    def test_sums_of_a_varying_number_of_values(self, a: ValueType, fewest: int, more: int) -> None:
        values = {sum(chosen) for n in range(fewest, fewest + more + 1) for chosen in product(members(a), repeat=n)}
        assert is_tight(ranges.repeat(a, fewest, fewest + more), values)

    @given(value_types(), st.integers(0, 3), value_types(), st.integers(0, 3))
    def test_rationals_share_the_larger_exponent(self, a: ValueType, m: int, b: ValueType, n: int) -> None:
        x, y = ranges.aligned(a, m), ranges.make(b.low, b.high, b.step, n)
        total = ranges.add(ValueType("rat", x.low, x.high, m, x.step), y)
        assert total.exponent == max(m, n)
        assert ranges.multiply(x, y).exponent == m + n

    @given(value_types(), value_types())
    def test_within_is_inclusion(self, a: ValueType, b: ValueType) -> None:
        assert a.is_within(b) == (members(a) <= members(b))

    @given(st.integers(-(2**70), 2**70), st.integers(0, 2**70))
    def test_bits_are_those_of_twos_complement(self, low: int, length: int) -> None:
        found = ranges.make(low, low + length)
        bits = found.bits
        assert -(2 ** (bits - 1)) <= low <= low + length < 2 ** (bits - 1)
        assert bits == 1 or not (-(2 ** (bits - 2)) <= low <= low + length < 2 ** (bits - 2))

    @pytest.mark.parametrize(
        ("low", "high", "step", "kind"),
        [
            (0, 1, 1, "bit"),
            (1, 1, 0, "bit"),
            (-1, 1, 2, "spin"),
            (-1, -1, 0, "spin"),
            (-1, 0, 1, "trit"),
            (-1, 1, 1, "trit"),
            (0, 2, 2, "int"),
            (None, 1, 1, "int"),
        ],
    )
    def test_the_kind_is_the_least_that_holds_all_values(
        self, low: int | None, high: int | None, step: int, kind: str
    ) -> None:
        assert ranges.make(low, high, step).kind == kind

    def test_unbounded_values_have_no_width(self) -> None:
        with pytest.raises(ValueError, match="no width"):
            _ = ranges.INT.bits

    @pytest.mark.parametrize("operation", [ranges.add, ranges.multiply, ranges.join, ranges.minimum])
    def test_unbounded_operands(self, operation: Callable[[ValueType, ValueType], ValueType]) -> None:
        above = ranges.make(3, None)
        found = operation(above, ranges.make(2, 5))
        assert found.low is not None
        assert found.high == (5 if operation is ranges.minimum else None)


INPUTS = "x: bit[4], n: int[-3..5], s: spin[5], r: real[3]"


def types_of(body: str, inputs: str = INPUTS, result: str = "y: int") -> Types:
    return infer(parse(f"rule f({inputs}) -> ({result}) {{ {body} }}"))


EXPRESSIONS = [
    ("x[0]", "bit"),
    ("3", "int[3..3]"),
    ("1", "bit"),
    ("0.75", "rat[3/4..3/4]"),
    ("-x[0]", "trit"),
    ("2 * x[0] - 1", "spin"),
    ("s[0] * s[1]", "spin"),
    ("1 - x[0]", "bit"),
    ("n % 4", "int[0..3]"),
    ("(n + 10) % 16", "int[7..15]"),
    ("abs(n)", "int[0..5]"),
    ("relu(n)", "int[0..5]"),
    ("sign(n)", "trit"),
    ("sign(s[0] + s[1] + s[2])", "spin"),
    ("min(n, 2)", "int[-3..2]"),
    ("max(n, 2, x[0])", "int[2..5]"),
    ("if x[0] then 7 else n", "int[-3..7]"),
    ("if x[0] then 1 else -1", "spin"),
    ("n * n", "int[-15..25]"),
    ("0.5 * n + 0.25", "rat[-5/4..11/4]"),
    ("x[0] < n <= 3", "bit"),
    ("not x[0] xor x[1]", "bit"),
    ("sum(i < 4: x[i])", "int[0..4]"),
    ("sum(i < 4, j < i: x[j] + 1)", "int[0..24]"),
    ("sum(i < 5: s[i])", "int[-5..5]"),
    ("sum(i < 4: i)", "int[0..12]"),
    ("any(i < 4: x[i])", "bit"),
    ("min(i < 4: x[i] - n)", "int[-5..4]"),
    ("argmax(i < 2: x[i])", "bit"),
    ("argmax(2 <= i < 4: x[i])", "int[2..3]"),
    ("pad(x, -7)[n]", "int[-7..1]"),
    ("sign(r[0])", "trit"),
    ("sign(exp(n))", "trit"),
    ("r[0] < n", "bit"),
    ("argmax(i < 3: r[i])", "int[0..2]"),
    ("any(i < 3: r[i] > 0)", "bit"),
]
REALS = [
    "r[0]",
    "real(n)",
    "exp(2)",
    "log(n)",
    "tanh(n)",
    "sigmoid(r[0])",
    "-r[0]",
    "abs(r[0])",
    "relu(r[0])",
    "r[0] + n",
    "n - r[0]",
    "0 * r[0]",
    "w[0] * n",
    "min(n, r[0])",
    "max(r[0], n, 1)",
    "if x[0] then n else r[0]",
    "if x[0] then r[0] else 0",
    "pad(r, 0)[n]",
    "pad(x, 0)[n] + real(0)",
    "sum(i < 3: r[i])",
    "sum(i < 3: w[i] * n)",
    "sum(i < 0: r[i])",
    "min(i < 3: r[i])",
    "max(i < 3: r[i])",
    "softmax(i < 4: x[i])[n % 4]",
    "t[1]",
]


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS)
def test_ranges_of_expressions(text: str, expected: str) -> None:
    types = types_of(f"y = {text}", result="y: rat" if "rat" in expected else "y: int")
    assert str(types.of(types.rule.statements[0].value)) == expected


@pytest.mark.parametrize("text", REALS)
def test_what_meets_a_real_is_real(text: str) -> None:
    body = f"const w: real[3] = [1, 2, 3] t[0] = r[0] t[1] = n y = {text}"
    types = types_of(body, result="y: real")
    assert types.of(types.rule.statements[-1].value) == REAL
    assert types.tensor["y"] == types.inferred["y"] == REAL


class TestShapes:
    def test_the_shape_is_the_least_box_over_all_clauses(self) -> None:
        types = types_of("z[i < 3, 0] = n z[4, 1 <= j < 6] = j y = z[0, 0]")
        assert types.shape["z"] == (5, 6)
        assert types.shape["x"] == (4,)
        assert types.shape["y"] == ()

    def test_dependent_bounds_are_enumerated(self) -> None:
        types = types_of("z[i < 4, i + 1 <= j < 3] = i y = z[0, 1]")
        assert types.shape["z"] == (2, 3)

    def test_huge_dependent_domains_are_bounded(self) -> None:
        types = types_of("z[i < 100000, j < i] = 0 y = z[1, 0]")
        assert types.shape["z"] == (100000, 99999)

    def test_clauses_without_elements_take_no_room(self) -> None:
        types = types_of("z[0] = n z[1 <= i < 1] = n y = z[0]")
        assert types.shape["z"] == (1,)


class TestTensors:
    def test_clauses_join(self) -> None:
        types = types_of("z[0] = 1 z[1] = -1 z[2] = n y = z[0]")
        assert str(types.tensor["z"]) == "int[-3..5]"

    def test_an_int_input_without_range_has_64_bits(self) -> None:
        types = types_of("y = n + n", inputs="n: int")
        assert types.tensor["n"] == INT64
        assert types.tensor["y"].bits == 65

    def test_results_have_their_declared_kind_and_the_inferred_range(self) -> None:
        types = types_of("y = x[0]", result="y: int[0..9]")
        assert types.tensor["y"] == ValueType("int", 0, 1)
        assert types.inferred["y"] == BIT

    def test_inputs_have_their_declared_kind(self) -> None:
        types = types_of("y = n", inputs="n: int[0..1], s: spin, t: trit")
        assert types.tensor["n"].kind == "int"
        assert types.tensor["n"].is_bit
        assert types.tensor["s"] == SPIN
        assert types.tensor["t"] == TRIT

    def test_constants_have_the_range_of_their_entries(self) -> None:
        types = types_of("const W: int[2, 2] = [[1, -1], [-1, 1]] const V: rat[2] = [0.5, -3] y = W[0, 0]")
        assert types.tensor["W"] == SPIN
        assert types.tensor["V"] == ValueType("rat", -6, 1, 1, 7)
        assert types.scaled["V"].tolist() == [1, -6]

    def test_real_results_are_real_whatever_their_values(self) -> None:
        types = types_of("y[0] = x[0] y[1 <= t < 9] = 0.5 * y[t - 1]", result="y: real[9]")
        assert types.tensor["y"] == REAL
        assert types.inferred["y"] == REAL
        types = types_of("y = x[0]", result="y: real")
        assert types.tensor["y"] == REAL
        assert types.inferred["y"] == BIT

    def test_a_recurrence_over_reals_is_real(self) -> None:
        types = types_of("z[0] = n z[1 <= t < 9999] = 0.5 * z[t - 1] + exp(n) y = z[5]", result="y: real")
        assert types.tensor["z"] == REAL
        assert not types.unsettled

    def test_real_constants_are_rounded(self) -> None:
        types = types_of("const W: real[3] = [0.1, 2, 9007199254740993] y = 0")
        assert types.tensor["W"] == REAL
        assert types.reals["W"].tolist() == [0.1, 2.0, 9007199254740992.0]
        assert not types.scaled

    @pytest.mark.parametrize("clipped", ["max(-1, min(0.75 * x[k], 1))", "max(-1, min(x[k], 1))"])
    @pytest.mark.parametrize("number", [0.625, 0.6249999999999999, 0.3])
    def test_rat_inputs_have_any_fraction(self, clipped: str, number: float) -> None:
        """So that sums of limited ones are near any number, and may be 0, whatever their weights are."""
        text = f"y = sign(abs(0.5 * z[0] + 1.125 * z[1] + {number}))"
        rule = parse(f"rule f(x: rat[2]) -> (y: trit) {{ z[k < 2] = {clipped} {text} }}")
        types = infer(rule)
        assert types.tensor["z"].is_dense
        assert types.tensor["y"].has_zero
        given = ValueType("rat", None, None, 0)
        assert not infer(rule, {"x": given}).tensor["z"].is_dense

    def test_the_range_of_rat_inputs_can_be_given(self) -> None:
        rule = parse("rule f(x: rat) -> (y: rat) { y = x * 0.5 }")
        assert infer(rule).tensor["y"].exponent == 1
        assert infer(rule, {"x": ValueType("rat", -8, 9, 3)}).tensor["y"] == ValueType("rat", -8, 9, 4)

    def test_shared_nodes_join_over_their_occurrences(self) -> None:
        shared = Read("z", (Literal(0),))
        rule = parse("rule f(x: bit) -> (y: int) { z[0] = x y = 0 }")
        rule = Rule(
            "f",
            rule.inputs,
            rule.outputs,
            (rule.statements[0], Statement("y", (), Binary("+", shared, Unary("-", shared)))),
        )
        types = infer(rule)
        assert types.of(shared) == BIT
        assert str(types.tensor["y"]) == "int[-1..1]"

    def test_nodes_of_another_rule_are_unknown(self) -> None:
        with pytest.raises(KeyError):
            types_of("y = n").of(Literal(3))


class TestRowBounds:
    def test_rows_are_bounded_one_by_one(self) -> None:
        types = types_of("const W: int[2, 3] = [[1, 2, 3], [-5, 0, 1]] z[u < 2] = sum(k < 3: W[u, k] * x[k]) y = z[0]")
        assert str(types.tensor["z"]) == "int[-5..6]"

    def test_weights_may_stand_right_and_rows_be_fixed(self) -> None:
        types = types_of("const W: int[2, 3] = [[1, 2, 3], [-5, 0, 1]] y = sum(k < 3: s[k] * W[0, k])")
        found = types.inferred["y"]
        assert (found.low, found.high, found.step) == (-6, 6, 2)

    def test_rows_of_different_lengths(self) -> None:
        types = types_of("const W: int[4] = [1, -2, 3, 4] z[u < 4] = sum(k < u: W[k] * x[k]) y = z[0]")
        assert str(types.tensor["z"]) == "int[-2..4]"

    def test_extreme_weights_do_not_overflow(self) -> None:
        types = types_of("const W: int[2] = [-9223372036854775808, -9223372036854775808] y = sum(k < 2: W[k] * x[k])")
        assert types.tensor["y"] == ValueType("int", -(2**64), 0, step=2**63)

    def test_large_tables_that_are_read_in_several_ways(self) -> None:
        rows = [[(7 * k + j) % 5 - 2 for j in range(64)] for k in range(80)]
        text = f"const W: int[80, 64] = {rows} "
        clauses = ("z[u < 80] = sum(k < 64: W[u, k] * t[k])", "z[u < 64] = sum(k < 80: W[k, u] * t[k % 64])")
        columns = [list(column) for column in zip(*rows, strict=True)]
        for clause, table in zip(clauses, (rows, columns), strict=True):
            for name, low in (("bit", 0), ("spin", -1)):
                types = types_of(f"{text} {clause} y = z[0]", f"t: {name}[64]")
                most = max(sum(max(w, low * w) for w in row) for row in table)
                assert types.tensor["z"].high == most

    def test_wide_words_are_added_without_overflow(self) -> None:
        rows = [[2**61 - k, -(2**61) + k, 2**61 - 1] for k in range(3)]
        types = types_of(f"const W: int[3, 3] = {rows} z[u < 3] = sum(k < 3: W[u, k] * x[k]) y = z[0]", "x: bit[3]")
        assert (types.tensor["z"].low, types.tensor["z"].high) == (-(2**61), 2**62 - 1)

    def test_rational_weights_are_scaled(self) -> None:
        types = types_of("const W: rat[2] = [0.5, -0.125] y = sum(k < 2: W[k] * x[k])", result="y: rat")
        assert types.tensor["y"] == ValueType("rat", -1, 4, 3)

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=1, max_size=3), value_types())
    def test_bounds_are_attained(self, rows: list[list[int]], factor: ValueType) -> None:
        inputs = f"x: int[{factor.low}..{factor.high}][3]"
        types = types_of(
            f"const W: int[{len(rows)}, 3] = {rows} z[u < {len(rows)}] = sum(k < 3: W[u, k] * x[k]) y = z[0]", inputs
        )
        assert factor.low is not None
        assert factor.high is not None
        choices = product(range(factor.low, factor.high + 1), repeat=3)
        sums = {sum(w * v for w, v in zip(row, chosen, strict=True)) for chosen in choices for row in rows}
        assert sums <= members(types.tensor["z"])
        assert {types.tensor["z"].low, types.tensor["z"].high} == {min(sums), max(sums)}


class TestOrder:
    def test_statements_may_be_written_in_any_order(self) -> None:
        types = types_of("y = b + a b = a + 1 a = n")
        assert types.order == ((2,), (1,), (0,))
        assert not types.recurrences

    def test_clauses_of_one_tensor_are_one_group(self) -> None:
        types = types_of("z[0] = a z[1] = n a = n y = z[0] + z[1]")
        assert types.order == ((2,), (0, 1), (3,))

    def test_a_cycle_is_one_group(self) -> None:
        types = types_of("a[0] = n a[1 <= t < 4] = b[t - 1] b[t < 4] = a[t] y = b[3]")
        assert types.order == ((0, 1, 2), (3,))
        assert types.recurrences[0].depth == 1

    @pytest.mark.parametrize(
        ("body", "depth"),
        [
            ("z[0, j < 3] = n z[1 <= t < 4, j < 3] = z[t - 1, (j + 1) % 3]", 1),
            ("z[t < 4, j < 3] = pad(z, 0)[t, j - 1] + pad(z, 0)[t - 1, j]", 2),
            ("z[i < 4] = i + sum(k < i: z[k])", 1),
            ("z[t < 2, j < 3] = if x[0] then pad(z, 1)[t - 1, 2] else pad(z, 1)[t, j - 1]", 2),
        ],
    )
    def test_the_depth_is_the_number_of_positions_that_decide(self, body: str, depth: int) -> None:
        types = types_of(f"{body} y = n")
        assert types.recurrences[0].depth == depth
        assert not types.recurrences[0].faults


class TestRecurrences:
    def test_a_counter_is_bounded_by_its_steps(self) -> None:
        types = types_of("c[0, j < 9] = 0 c[1 <= t < 7, j < 9] = c[t - 1, j] + 2 y = c[6, 0]")
        assert str(types.tensor["c"]) == "int[0..12]"

    def test_tensors_of_a_cycle_are_bounded_together(self) -> None:
        types = types_of("a[0] = 1 a[1 <= t < 4] = b[t - 1] b[t < 4] = 2 * a[t] y = b[3]")
        assert str(types.tensor["b"]) == "int[2..16]"

    def test_fraction_bits_that_settle(self) -> None:
        types = types_of("h[0] = 1 h[1 <= t < 5] = h[t - 1] + 0.25 * n y = h[4]", result="y: rat")
        assert types.tensor["h"] == ValueType("rat", -8, 24, 2)
        assert not types.unsettled

    def test_what_settles_needs_no_widening(self) -> None:
        types = types_of("c[0] = 0 c[1 <= t < 100000] = (c[t - 1] + 1) % 10 y = c[99999]")
        assert str(types.tensor["c"]) == "int[0..9]"

    @pytest.mark.parametrize("step", ["c[t - 1] * 3 - 1", "c[t - 1] * c[t - 1] + 1"])
    def test_what_grows_beyond_measure_is_unbounded(self, step: str) -> None:
        types = types_of(f"c[0] = 1 c[1 <= t < 100000] = {step} y = c[9]")
        assert types.tensor["c"].high is None

    def test_declared_results_bound_their_recurrences(self) -> None:
        types = types_of("y[0] = 1 y[1 <= t < 100000] = min(2 * y[t - 1], 900)", result="y: int[0..1000][100000]")
        assert (types.tensor["y"].low, types.tensor["y"].high) == (1, 900)

    @pytest.mark.parametrize("steps", [5, 9999])
    def test_fraction_bits_that_never_settle_are_told(self, steps: int) -> None:
        types = types_of(f"h[0] = 1 h[1 <= t < {steps}] = 0.5 * h[t - 1] y = h[4]", result="y: rat")
        assert types.unsettled == {"h"}


def _dense(weights: np.ndarray, kind: str) -> Rule:
    rule = parse(f"rule f(x: {kind}[1000]) -> (y: trit[1000]) {{ y[u < 1000] = sign(sum(k < 1000: W[u, k] * x[k])) }}")
    return Rule(rule.name, rule.inputs, rule.outputs, rule.statements, (Constant.of("W", weights),))


def test_large_constants_are_fast() -> None:
    rng = np.random.default_rng(0)
    started = time.process_time()
    for weights in (rng.integers(-9, 10, (1000, 1000)), rng.normal(size=(1000, 1000))):
        for kind in ("bit", "spin"):
            types = infer(_dense(weights, kind))
            assert types.tensor["y"].is_bounded
    assert time.process_time() - started < 30


def test_many_statements_are_fast() -> None:
    chain = [
        Statement(f"s{k}", (), Binary("+", Read("x", (Literal(k % 4),)), Read(f"s{k - 1}") if k else Literal(0)))
        for k in range(20_000)
    ]
    inputs = (Declaration("x", Type("bit", (Literal(4),))),)
    outputs = (Declaration("s19999", Type("int")),)
    started = time.process_time()
    types = infer(Rule("f", inputs, outputs, tuple(chain[::-1])))
    assert types.tensor["s19999"].high == 20_000
    assert types.order[0] == (19_999,)
    assert time.process_time() - started < 30


def test_depth_meets_no_limit() -> None:
    expr: Expr = Read("x")
    for _ in range(20_000):
        expr = Binary("-", Literal(1), expr)
    rule = Rule("f", (Declaration("x", Type("bit")),), (Declaration("y", Type("bit")),), (Statement("y", (), expr),))
    assert infer(rule).tensor["y"] == BIT
