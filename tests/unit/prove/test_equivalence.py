"""Comparing rules: proved by the checker, by trying all inputs, refuted, or tested and said so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.prove import cones, equivalence
from ddcompile.prove.equivalence import Interpret, verify

BITS = "rule r(x: bit[4]) -> (y: bit) {{ y = {} }}"
ENGINES: list[Interpret | None] = [None, interpret]


def pair(header: str, first: str, second: str) -> tuple[Rule, Rule]:
    return parse(f"rule a{header} {{ y = {first} }}"), parse(f"rule b{header} {{ y = {second} }}")


def test_equal_text() -> None:
    rule = parse(BITS.format("x[0] and x[1]"))
    assert verify(rule, rule).status == "proved"


def test_proved_by_the_checker() -> None:
    verdict = verify(*pair("(x: bit[40]) -> (y: bit)", "sum(i < 40: x[i]) >= 20", "not sum(i < 40: x[i]) < 20"))
    assert verdict.status == "proved"
    assert verdict.inputs == 0


def test_tables_end_at_bits_of_numbers_without_a_range() -> None:
    """Whether a number is above a bound is any bit; what bits decide is seen through."""
    header = "(x: rat[2], y: bit[2]) -> (y_2: bit)"
    text = "rule r{} {{ g = x[0] > 0.5\n  h = x[1] - y[0] > 2\n  n = y[0] + y[1] <= 1\n  y_2 = {} }}"
    count = parse(text.format(header, "(not y[1]) + g + h + n >= 1"))
    assert verify(count, parse(text.format(header, "not y[1] or g or h or n"))).status == "proved"
    assert verify(count, parse(text.format(header, "n or g or h"))).status == "proved"
    assert verify(count, parse(text.format(header, "not y[1] or h or n"))).status == "refuted"


@pytest.mark.parametrize("engine", ENGINES)
def test_proved_by_trying_all_inputs(engine: Interpret | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "ROW_LIMIT", 0)
    header = "(x: int[0..9][2], z: trit) -> (y: int)"
    verdict = verify(*pair(header, "max(x[0], x[1]) * z", "if x[0] >= x[1] then x[0] * z else x[1] * z"), engine)
    assert str(verdict) == "proved (all 300 inputs)"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("header", "first", "second", "counterexample"),
    [
        ("(x: bit[4]) -> (y: bit)", "x[0] and x[1]", "x[0] and x[1] and (x[2] or not x[3])", {"x": [1, 1, 0, 1]}),
        ("(x: spin[2]) -> (y: bit)", "x[0] + x[1] > 0", "x[0] + x[1] >= 0", None),
        ("(x: trit[2], z: bit) -> (y: int)", "sign(x[0] + z)", "sign(x[0] + x[1] * x[1] * z)", None),
        ("(x: int[2]) -> (y: bit)", "x[0] > x[1]", "x[0] - x[1] > 1", None),
        ("(x: rat) -> (y: bit)", "x > 0.5", "x >= 0.5", None),
        ("(x: int[0..70000]) -> (y: bit)", "x % 65537 == 5", "x == 5", {"x": 65542}),
    ],
)
def test_refuted(
    engine: Interpret | None, header: str, first: str, second: str, counterexample: dict[str, Any] | None
) -> None:
    a, b = pair(header, first, second)
    verdict = verify(a, b, engine)
    assert verdict.status == "refuted"
    assert verdict.counterexample is not None
    if counterexample is not None:
        assert verdict.counterexample == counterexample
    if "rat" not in header:
        inputs = [np.array(verdict.counterexample[d.name]) for d in a.inputs]
        assert interpret(a, inputs)[0] != interpret(b, inputs)[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_tested_and_said_so(engine: Interpret | None) -> None:
    squares = pair("(x: int[3]) -> (y: int)", "(x[0] * x[0]) % 4", "x[0] % 2")
    assert str(verify(*squares, engine)) == f"tested ({equivalence.TESTS} inputs)"


def test_rare_differences_of_wide_rules_are_found_by_proof() -> None:
    a, b = pair("(x: bit[64]) -> (y: bit)", "all(i < 64: x[i])", "all(i < 63: x[i])")
    verdict = verify(a, b)
    assert verdict.status == "refuted"


def test_sizes_follow_the_other_rule() -> None:
    general = parse("rule g<N>(x: bit[N]) -> (y: bit) { y = any(i < N: x[i]) }")
    assert verify(general, parse(BITS.format("x[0] or x[1] or x[2] or x[3]"))).status == "proved"
    assert verify(parse(BITS.format("x[0] or x[1] or x[2]")), general).status == "refuted"
    with pytest.raises(CompileError) as error:
        verify(general, general)
    assert error.value.diagnostics[0].code == "C010"


def test_rules_that_do_not_fit() -> None:
    rule = parse(BITS.format("x[0]"))
    for other in (
        "rule r(z: bit[4]) -> (y: bit) { y = z[0] }",
        "rule r(x: trit[4]) -> (y: bit) { y = x[0] > 0 }",
        "rule r(x: bit[4]) -> (z: bit) { z = x[0] }",
    ):
        with pytest.raises(CompileError) as error:
            verify(rule, parse(other))
        assert error.value.diagnostics[0].code == "C011"


def test_units_that_differ_inside() -> None:
    """Exact weights against small integers, two layers deep, without a witness and with too many inputs to try."""
    header = "rule r(x: bit[40]) -> (y: bit) {\n"
    rough = "h[u < 8] = sum(i < 5: (0.9 + 0.04 * i + 0.001 * u) * x[5 * u + i]) > 2.4\n"
    old = parse(header + rough + "y = sum(u < 8: (0.5 + 0.001 * u) * h[u]) > 1.9\n}")
    new = parse(header + "h[u < 8] = sum(i < 5: x[5 * u + i]) >= 3\ny = sum(u < 8: h[u]) >= 4\n}")
    assert verify(old, new).status == "proved"
    assert verify(old, parse(str(new).replace(">= 4", ">= 5"))).status == "refuted"


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("exp(x[0] + 1)", "exp(x[0] + (3 - 2))", "proved"),
        ("x[0] + x[1] + x[2]", "x[0] + (x[1] + x[2])", "refuted"),
        ("x[0] + 0", "x[0] - 0", "tested"),
        ("0 * x[0]", "0", "refuted"),  # -0.0
        ("log(x[0] - x[0] - 1)", "log(x[1] - x[1] - 2)", "tested"),  # NaN is NaN
    ],
)
def test_reals_differ_in_their_bits(first: str, second: str, status: str) -> None:
    a, b = pair("(x: real[3]) -> (y: real)", first, second)
    assert verify(a, b, interpret).status == status


def test_reals_need_an_engine() -> None:
    a, b = pair("(x: real) -> (y: real)", "x + 0", "x")
    verdict = verify(a, b)
    assert verdict.status == "failed"
    assert "reals are not computed here" in str(verdict)
