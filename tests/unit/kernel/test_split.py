"""Long kernels become several functions that compute the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from ddcompile.backends.c.build import CFunction
from ddcompile.backends.c.target import CTarget
from ddcompile.backends.llvm.compile import native_code
from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.verifier import check
from ddcompile.kernel import split as splitting
from ddcompile.kernel.dump import dump
from ddcompile.kernel.lower import lower
from ddcompile.kernel.nodes import Kernel
from ddcompile.kernel.split import split
from ddcompile.kernel.verify import verify
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.inputs import random_inputs
from ddcompile.testing.large import many_clauses, many_units, one_recurrence
from ddcompile.testing.operands import Limits

NESTED = """rule nested(x: int[0..9][6]) -> (y: int[4], z: int) {
  y[i < 4] = %s
  z = sum(i < 3: if x[i] > 3 then min(j < 2: x[i + j] + %s) else max(i * x[i], x[2]) - %s)
}"""
LONG = " + ".join(f"min(x[{k % 6}], {k % 7} + x[i]) * x[{k % 5}]" for k in range(12))


def kernel(rule: Rule) -> Kernel:
    return lower(rule, check(rule))


def test_a_short_kernel_is_left_alone() -> None:
    short = kernel(parse(many_units(20)))
    assert split(short) is short


def test_golden() -> None:
    rule = parse("rule r(x: bit[3]) -> (y: bit[2]) {\n  t = x[0] + x[1]\n  y[0] = t > 1\n  y[1] = t > x[2]\n}")
    made = split(kernel(rule), 16)
    assert len(made.parts) > 1
    assert not verify(made)
    assert re.search(r"kept_i8\[0\] = t\b", dump(made))


@pytest.mark.parametrize("limit", [30, 100, 400])
@pytest.mark.parametrize(
    "text",
    [many_units(60), many_clauses(60), one_recurrence(60), NESTED % (LONG, LONG, LONG)],
    ids=["units", "clauses", "recurrence", "nested"],
)
def test_the_same_is_computed(text: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = parse(text)
    made = split(kernel(rule), limit)
    assert made.parts
    assert not verify(made)
    monkeypatch.setattr(splitting, "_LIMIT", limit)
    monkeypatch.setattr("ddcompile.backends.c.build.split", lambda k: split(k, limit))
    monkeypatch.setattr("ddcompile.backends.c.target.split", lambda k: split(k, limit))
    function = CFunction(rule)
    arrays = random_inputs(rule, RandomChoose(1), 50)
    found = function(*arrays)
    for a, b in zip(interpret(rule, arrays), found if isinstance(found, tuple) else (found,), strict=True):
        assert np.array_equal(a, b)


def test_random_rules_stay_sound() -> None:
    parts = 0
    for seed in range(60):
        made = split(kernel(rule_from_seed(seed, Limits(tensors=4, sizes=0.0))), 25)
        assert not verify(made), seed
        parts += len(made.parts)
    assert parts > 100


def test_long_c_is_split() -> None:
    files = CTarget().emit(parse(many_clauses(400)), EmitOptions(prefix="r", comments=False))
    assert files[1].text.count("static void r_part") > 5


def _longest(text: str) -> int:
    """Instructions of the longest function of a module."""
    return max(body.count("\n  ") for body in re.findall(r"^define.*?^}", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("make", [many_units, many_clauses, one_recurrence])
def test_functions_of_machine_code_are_short(make: Callable[[int], str], monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def compiled(text: str) -> bytes:
        texts.append(text)
        return native_code(text)

    monkeypatch.setattr("ddcompile.backends.llvm.request.native_code", compiled)
    rule = parse(make(3000))
    function = compile_jit(rule, schedule="scalar")
    (text,) = texts
    assert text.count("\n") > 5000
    assert _longest(text) <= 2000
    arrays = random_inputs(rule, RandomChoose(0), 3)
    found = function(*arrays)
    found = found if isinstance(found, tuple) else (found,)
    assert all(np.array_equal(a, b) for a, b in zip(found, interpret(rule, arrays), strict=True))
