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
from ddcompile.ir.verifier import check
from ddcompile.runtime.elementary import elementary

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
