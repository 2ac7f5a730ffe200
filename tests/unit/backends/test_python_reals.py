"""Reals in emitted Python: the bits of the interpreter, JSON with infinities, no built-in that rounds otherwise."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ddcompile.analysis.elementary import ELEMENTARY
from ddcompile.backends.python.elementary import elementary_function
from ddcompile.backends.python.run import load
from ddcompile.backends.python.target import PythonTarget
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.ir.nodes import Binary, Declaration, Expr, Literal, Read, Rule, Softmax, Statement, Type, Unary
from ddcompile.ir.parser import parse
from ddcompile.runtime.elementary import elementary
from ddcompile.testing import assert_engines_agree
from ddcompile.testing.ulps import arguments


def emit(rule: Rule) -> str:
    (file,) = PythonTarget().emit(rule, EmitOptions())
    return file.text


def module(text: str) -> ModuleType:
    return load(emit(parse(text)))


@pytest.mark.parametrize("name", ELEMENTARY)
def test_functions_are_the_procedures_bit_for_bit(name: str) -> None:
    function: Callable[[float], float] = getattr(
        load("import math\n" + elementary_function(ELEMENTARY[name])), f"_{name}"
    )
    special = [0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 1e308, -1e308, math.inf, -math.inf, math.nan, 20.0, 710.0, -746.0]
    x = np.concatenate([special, *arguments(name, 2_000)])
    expected = elementary(name, x)
    found = np.array([function(value) for value in x.tolist()])
    is_nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), is_nan)
    np.testing.assert_array_equal(found.view(np.int64)[~is_nan], expected.view(np.int64)[~is_nan])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0.5", "x: expected a finite double, got '0.5'"),
        (True, "x: expected a finite double, got True"),
        (math.nan, "x: expected a finite double, got nan"),
        (-math.inf, "x: expected a finite double, got -inf"),
        (2**53 + 1, "x: expected a finite double, got 9007199254740993"),
        (10**400, "x: expected a finite double, got 100000000000000000000000000000000000000000000000000000000..."),
        ([0.5], "x: expected a finite double, got a list"),
    ],
)
def test_arguments_are_finite_doubles(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        module("rule r(x: real) -> (y: bit) { y = x > 0 }").r(value)


def test_integers_become_floats() -> None:
    found = module("rule r(x: real[2]) -> (y: real) { y = x[0] + x[1] }").r([2**53, 1])
    assert found == 2.0**53
    assert type(found) is float


def test_numbers_are_rounded_explicitly() -> None:
    text = emit(parse("rule f(x: real, n: int, r: rat, m: int[0..9]) -> (y: real) { y = 0.1 * x + n + r + m + 2 }"))
    assert "y = 0.1 * x + float(n) + _real(r) + float(m) + 2.0\n" in text
    text = emit(parse("rule r(x: real, n: int) -> (y: bit) { y = x <= n and n < 0.5 }"))
    assert "y = int(x <= float(n) and n < Fraction(0.5))\n" in text


def test_beyond_the_range_is_infinity() -> None:
    found = module("rule r(r: rat) -> (y: real[2]) { y[0] = r y[1] = -r * r }").r(2**2000)
    assert found == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            "p[u < 3] = softmax(v < 3: x[v])[u]",
            ["_softmax1 = _softmax([x[v] for v in range(3)])", "p = [_softmax1[u] for u in range(3)]"],
        ),
        (
            "p[i < 3, j < 3] = softmax(k < 3: x[i] * x[k])[j]",
            ["    _softmax1 = _softmax([x[i] * x[k] for k in range(3)])", "        p[i][j] = _softmax1[j]"],
        ),
        ("p = softmax(v < 3: x[v])[1]", ["p = _softmax([x[v] for v in range(3)])[1]"]),
        (
            "p[i < 3] = softmax(v < 3: x[v] * i)[1]",
            ["p = [_softmax([x[v] * float(i) for v in range(3)])[1] for i in range(3)]"],
        ),
        (
            "p = sum(u < 3: softmax(v < 3: n + v)[u])",
            ["_softmax1 = _exact_softmax([n + v for v in range(3)])", "p = _sum(_softmax1[u] for u in range(3))"],
        ),
    ],
)
def test_what_a_loop_repeats_is_listed_before_it(body: str, lines: list[str]) -> None:
    shape = {"p = ": "", "p[i <": "[3]", "p[u <": "[3]"}[body[:5] if body[1] == "[" else body[:4]]
    if "j < 3" in body:
        shape = "[3, 3]"
    rule = parse(f"rule r(x: real[3], n: int[-9..9]) -> (p: real{shape}) {{ {body} }}")
    text = emit(rule)
    for line in lines:
        assert f"    {line}\n" in text
    arrays = [np.array([[0.1, -2.5, 1e300], [0.0, -0.0, 0.5]]), np.array([-9, 2])]
    assert_engines_agree(rule, arrays, engines=["python"])


def test_deep_expressions_of_reals_are_split() -> None:
    expr: Expr = Read("x")
    for k in range(600):
        expr = Unary("tanh", Binary("-", expr, Literal(k % 3))) if k % 2 else Binary("*", Literal(2), expr)
    rule = Rule(
        "deep",
        (Declaration("x", Type("real")),),
        (Declaration("y", Type("real")), Declaration("z", Type("real"))),
        (
            Statement("y", (), expr),
            Statement("z", (), Softmax(parse_binder(), Binary("*", expr, Read("x")), Literal(1))),
        ),
    )
    assert_engines_agree(rule, [np.array([0.1, -3.0, 0.0])], engines=["python"])


def parse_binder() -> Any:
    value = parse("rule r() -> (y: real) { y = softmax(v < 3: v)[0] }").statements[0].value
    assert isinstance(value, Softmax)
    return value.binder


def test_json_has_infinities_and_nan(tmp_path: Path) -> None:
    rule = parse("rule r(x: real[2]) -> (y: real[2], z: real) { y[i < 2] = x[i] * 1e308 z = log(x[0]) }")
    (tmp_path / "r.py").write_text(emit(rule), encoding="utf-8")

    def run(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, tmp_path / "r.py"], input=text, capture_output=True, text=True)

    done = run('[{"x": [0, -0.0]}, {"x": [10, -10.5]}, {"x": [-1, 1e-5]}]')
    assert done.stderr == ""
    assert done.stdout.startswith(
        '[{"y": [0.0, -0.0], "z": -Infinity}, {"y": [Infinity, -Infinity], "z": 2.3025850929940'
    )
    assert math.isnan(json.loads(done.stdout)[2]["z"])
    done = run('{"x": [0.1, NaN]}')
    assert (done.returncode, done.stderr) == (1, "error: x[1]: expected a finite double, got nan\n")
