"""exp, log, tanh and sigmoid: what the procedures promise, step by step and in their errors."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from ddcompile.analysis import elementary as definitions
from ddcompile.analysis.elementary import ARGUMENT, ELEMENTARY, KINDS
from ddcompile.runtime.elementary import elementary
from ddcompile.testing.ulps import arguments, exact_value, ulps, worst

FUNCTIONS = sorted(ELEMENTARY)
INF, NAN = math.inf, math.nan
OPERANDS = {
    "const": (),
    **dict.fromkeys(("add", "sub", "mul", "div", "lt", "eq"), ("real", "real")),
    "and": ("bit", "bit"),
    "isub": ("int", "int"),
    **dict.fromkeys(("neg", "to_int", "exponent"), ("real",)),
    **dict.fromkeys(("from_int", "half", "pow2"), ("int",)),
    "select": ("bit", "real", "real"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_procedures_are_well_formed(name: str) -> None:
    procedure = ELEMENTARY[name]
    kinds = {ARGUMENT: "real"}
    for step in procedure.steps:
        assert step.name not in kinds
        assert tuple(kinds[operand] for operand in step.operands) == OPERANDS[step.operation]
        kinds[step.name] = step.kind
    assert kinds[procedure.result] == "real"
    assert set(OPERANDS) == set(KINDS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_in_regions_that_are_hard(name: str) -> None:
    for x in arguments(name, 20_000):
        found = worst(name, x)
        values = elementary(name, x)
        is_subnormal = bool((np.abs(values) < 2.0**-1021).any())
        assert found.ulps < (0.76 if is_subnormal else 0.64), found


ENDS = {
    "exp": [
        *((0.0, 1.0), (-0.0, 1.0), (5e-324, 1.0), (2.0**-53, 1.0), (2.0**-52, 1.0 + 2.0**-52)),
        *((709.782712893384, 1.7976931348622732e308), (709.7827128933841, INF), (710.0, INF), (1e308, INF), (INF, INF)),
        *((-745.1332191019411, 5e-324), (-745.1332191019412, 0.0), (-746.0, 0.0), (-1e308, 0.0), (-INF, 0.0)),
        (NAN, NAN),
    ],
    "log": [
        *((0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (NAN, NAN), (-1.0, NAN), (-5e-324, NAN)),
        *((1.0, 0.0), (1 - 2.0**-53, -(2.0**-53)), (5e-324, -744.4400719213812)),
        (1.7976931348623157e308, 709.782712893384),
    ],
    "tanh": [
        *((0.0, 0.0), (-0.0, -0.0), (5e-324, 5e-324), (-5e-324, -5e-324), (2.0**-28, 2.0**-28)),
        *((20.0, 1.0), (-20.0, -1.0), (1e308, 1.0), (-1e308, -1.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN)),
    ],
    "sigmoid": [
        *((0.0, 0.5), (-0.0, 0.5), (5e-324, 0.5), (40.0, 1.0), (1e308, 1.0), (INF, 1.0), (NAN, NAN)),
        *((-745.1332191019411, 5e-324), (-746.0, 0.0), (-1e308, 0.0), (-INF, 0.0)),
    ],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_at_the_ends(name: str) -> None:
    for x, value in ENDS[name]:
        found = float(elementary(name, np.float64(x)))
        assert repr(found) == repr(value), (x, found)


def test_tanh_is_odd() -> None:
    x = np.concatenate(list(arguments("tanh", 5_000)))
    np.testing.assert_array_equal(elementary("tanh", -x), -elementary("tanh", x))


def test_results_keep_the_shape() -> None:
    assert elementary("exp", np.zeros((3, 0, 2))).shape == (3, 0, 2)
    assert elementary("exp", np.float64(0)).shape == ()
    many = np.linspace(-3, 3, 30_000).reshape(3, 100, 100)
    np.testing.assert_array_equal(elementary("exp", many)[2, 7], elementary("exp", many[2, 7]))


def test_errors_are_measured_against_exact_values() -> None:
    assert ulps("exp", 0.0, 1.0) == 0
    assert ulps("exp", 0.0, 1.0 + 2.0**-52) == 1
    assert ulps("exp", 0.0, 1.0 - 2.0**-52) == 1
    assert ulps("exp", -800.0, 5e-324) == pytest.approx(1)
    assert float(exact_value("sigmoid", 0.0)) == 0.5


def test_constants_are_what_they_are_called() -> None:
    with mpmath.workprec(200):
        ln2 = mpmath.log(2)
        high = mpmath.floor(ln2 * 2**42) / 2**42
        assert float(high) == definitions._LN2_HI
        assert float(ln2 - high) == definitions._LN2_LO
        assert float(1 / ln2) == definitions._INVERSE_LN2
        assert float(mpmath.sqrt(2)) == definitions._SQRT2
    assert Fraction(definitions._LN2_HI).denominator <= 2**42
