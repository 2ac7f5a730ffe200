"""Reals in the interpreter: every construct at values worked out by hand, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.verifier import check
from ddcompile.runtime import plan
from ddcompile.runtime.elementary import elementary
from ddcompile.runtime.reals import to_real

INF, NAN = math.inf, math.nan
SUM = 0.1 + 0.2  # 0.30000000000000004
E = float(elementary("exp", np.float64(1)))


def run(body: str, result: str = "y: real", inputs: str = "", *arrays: Any) -> list[Any]:
    rule = parse(f"rule f({inputs}) -> ({result}) {{ {body} }}")
    check(rule)
    (found,) = interpret(rule, arrays)
    values: list[Any] = found.ravel().tolist()
    return values


def same(found: Sequence[float], expected: Sequence[float]) -> bool:
    """Equal bit for bit, any NaN being any other."""
    return [repr(float(v)) for v in found] == [repr(float(v)) for v in expected]


EXPRESSIONS: dict[str, float] = {
    "x": 0.1,
    "x + 0.2": SUM,
    "x + 0.2 - 0.3": SUM - 0.3,
    "x + (0.2 - 0.3)": 0.1 + float(Fraction(0.2) - Fraction(0.3)),  # the bracket is exact
    "real(0.2) - 0.3 + x": 0.2 - 0.3 + 0.1,
    "3 * x": 3 * 0.1,
    "x * x": 0.1 * 0.1,
    "-x": -0.1,
    "-(x - x)": -0.0,
    "0 * -x": -0.0,
    "abs(0 * -x)": 0.0,
    "abs(-x)": 0.1,
    "relu(-x)": 0.0,
    "relu(x)": 0.1,
    "sign(-x)": -1,
    "sign(x - x)": 0,
    "sign(big * big - big * big)": 0,  # the sign of NaN
    "x < 0.1": 0,
    "x <= 0.1 < 0.2": 1,
    "x == real(0.1)": 1,
    "(x + 0.2) * 10 == 3": 0,
    "9007199254740993 == real(9007199254740992)": 1,  # both are rounded
    "big * big != big * big": 0,
    "big * big - big * big == 0": 0,
    "min(1, x, 0.2)": 0.1,
    "max(x, x + x, 0.15)": 0.2,
    "min(0 * x, -(0 * x))": 0.0,  # the first of equals
    "max(-(0 * x), 0 * x)": -0.0,
    "max(nan, x)": NAN,  # nothing is greater than NaN
    "max(x, nan)": 0.1,
    "if n > 2 then x else n": 0.1,
    "if n > 3 then x else n": 3.0,
    "if n > 3 then x else 9007199254740993": 9007199254740992.0,
    "exp(0)": 1.0,
    "exp(1)": E,
    "exp(n - 2)": E,
    "exp(x - x + 1)": E,
    "exp(1000)": INF,
    "exp(-1000)": 0.0,
    "log(0)": -INF,
    "log(1)": 0.0,
    "log(-1)": NAN,
    "tanh(0)": 0.0,
    "tanh(-50)": -1.0,
    "sigmoid(0)": 0.5,
    "sigmoid(100)": 1.0,
    "real(x)": 0.1,
    "real(n)": 3.0,
    "real(9007199254740993)": 9007199254740992.0,
    "real(9007199254740995)": 9007199254740996.0,
    "big": 1e300,
    "big * big": INF,
    "big * big - big * big": NAN,
    "w[1] + n": 5.5,
    "w[0] * 10": 0.1 * 10,
    "w[2]": 18446744073709551616.0,
    "pad(w, 0.75)[n]": 0.75,
    "pad(w, 0.75)[n - 2]": 2.5,
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_values_of_expressions(text: str) -> None:
    body = f"const w: real[3] = [0.1, 2.5, 18446744073709551617] nan = big * big - big * big y = {text}"
    expected = EXPRESSIONS[text]
    result = "y: trit" if isinstance(expected, int) else "y: real"
    found = run(body, result, "x: real, n: int[-9..9], big: real", 0.1, 3, 1e300)
    assert same(found, [expected])


BLOCKS = """
rule blocks(x: real[30], n: int[-9..9][30]) -> (y: real[40], a: int[40], b: real[40], p: real[30], q: real[30]) {
  y[i < 40] = sum(j < i % 30: x[j] * 0.1) + 0.1
  a[i < 40] = argmax(j < 30: x[j] * (i - 20))
  b[i < 40] = max(i % 10 <= j < 30: x[j] - i)
  p[u < 30] = softmax(v < 30: x[v])[29 - u]
  q[u < 30] = softmax(v < u + 1: n[v] * u)[u]
}"""


def test_blocks_of_points_and_samples_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = parse(BLOCKS)
    check(rule)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(50, 30)), rng.integers(-9, 10, size=(50, 30))]
    whole = interpret(rule, arrays)
    for limit in (1, 37, 1000):
        monkeypatch.setattr(plan, "_TEMPORARY", limit)
        monkeypatch.setattr(plan, "_STORED", 20 * limit)
        for a, b in zip(whole, interpret(rule, arrays), strict=True):
            np.testing.assert_array_equal(a, b)


def test_long_sums_go_from_left_to_right() -> None:
    x = np.random.default_rng(1).normal(size=(3, 10_000)) * 10.0 ** np.arange(-5, 5).repeat(1000)
    total = [0.0, 0.0, 0.0]
    for row in x.T.tolist():
        total = [a + b for a, b in zip(total, row, strict=True)]
    assert run("y = sum(i < 10000: x[i])", "y: real", "x: real[10000]", x) == total


def test_scaled_integers_of_any_width_are_rounded_once() -> None:
    values = [(2**53 + k, e) for k in range(-4, 5) for e in (0, 1, 60, 1000, 1074, 1127, 1128, 3000)]
    values += [(2**2000 + k, e) for k in (-1, 0, 1) for e in (0, 900, 1947, 3100)]
    values += [
        (3, 1075),
        (1, 1075),
        (1, 1076),
        (5, 1076),
        (2**62 + 1, 1136),
        (2**1024 - 2**970, 0),
        (2**1024 - 2**970 - 1, 0),
    ]
    for number, exponent in [*values, *((-n, e) for n, e in values)]:
        kind = ValueType("rat", number, number, exponent)
        array = np.array([[number]], dtype=object if number.bit_length() > 62 else np.int64)
        found = float(to_real(array, kind)[0, 0])
        try:
            expected = float(Fraction(number, 2**exponent))
        except OverflowError:
            expected = INF if number > 0 else -INF
        assert repr(found) == repr(expected), (number, exponent)


def test_no_warnings_escape() -> None:
    """Overflows and NaN are values; warnings are errors in these tests."""
    found = run("y = exp(x) - exp(x) * log(-x) + 1e308 * 10 * x", "y: real", "x: real", [1000.0, -1.0, 0.0])
    assert math.isnan(found[0])
