"""Reals in compiled code: rounding, elementary functions and guards, bit for bit in C and in the JIT."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from ddcompile.analysis.elementary import ELEMENTARY
from ddcompile.backends.c.build import FLAGS, CFunction, find_compiler
from ddcompile.backends.c.target import CTarget
from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.scaled import double

RULE = Path(__file__).parents[2] / "golden" / "kernel" / "reals.rule"
ENGINES = pytest.mark.parametrize("engine", [compile_jit, CFunction], ids=["jit", "c"])
SPECIAL = (0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e-310, 1.0, -1.0, 0.5, 709.78, -745.2, 1e300, -(2.0**1023))


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal bits; any NaN is equal to any other."""
    assert actual.dtype == expected.dtype
    if actual.dtype == np.float64:
        assert np.array_equal(np.isnan(actual), np.isnan(expected))
        actual, expected = (np.where(np.isnan(a), 0.0, a).view(np.uint64) for a in (actual, expected))
    np.testing.assert_array_equal(actual, expected)


def numbers(count: int, seed: int = 0) -> np.ndarray:
    """Finite doubles: special ones, usual ones, and random bits."""
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2**64, count, dtype=np.uint64).view(np.float64)
    usual = random.standard_normal(count) * 10.0 ** random.integers(-3, 4, count)
    chosen = np.choose(random.integers(0, 3, count), [bits, usual, random.choice(SPECIAL, count)])
    return np.where(np.isfinite(chosen), chosen, usual)


def reals_rule() -> Rule:
    return parse(RULE.read_text(encoding="utf-8"), RULE.name)


@ENGINES
def test_every_construct(engine: Callable[[Rule], Any]) -> None:
    rule = reals_rule()
    inputs = [numbers(4000).reshape(1000, 4), np.arange(1000) % 19 - 9, numbers(1000, 1)]
    for actual, expected in zip(engine(rule)(*inputs), interpret(rule, inputs), strict=True):
        assert_same_bits(actual, expected)


@ENGINES
def test_elementary_functions(engine: Callable[[Rule], Any]) -> None:
    names = sorted(ELEMENTARY)
    clauses = " ".join(f"y[{k}] = {name}(x)" for k, name in enumerate(names))
    rule = parse(f"rule r(x: real) -> (y: real[{len(names)}]) {{ {clauses} }}")
    inputs = [np.concatenate([numbers(100_000), np.linspace(-750, 750, 5001)])]
    assert_same_bits(engine(rule)(*inputs), interpret(rule, inputs)[0])


@ENGINES
def test_infinities_and_nan_go_the_same_way(engine: Callable[[Rule], Any]) -> None:
    rule = parse(
        """rule r(x: real[3]) -> (y: real[6], least: real, most: real, at: int, up: bit[6], p: real[3], s: trit) {
          a[i < 3] = exp(1000 * x[i]) - exp(-1000 * x[i])
          b[i < 3] = a[i] - (if x[i] > 2 then exp(1000 * x[i]) else 0)
          y[0] = max(b[0], b[1], b[2])  y[1] = min(b[0], 0.5, b[1])  y[2] = relu(b[0])  y[3] = abs(b[1])
          y[4] = -b[2]  y[5] = sum(i < 3: b[i])
          least = min(i < 3: b[i])  most = max(i < 3: b[i])  at = argmax(i < 3: b[i])
          up[0] = b[0] < b[1]  up[1] = b[0] <= b[1]  up[2] = b[0] > b[1]  up[3] = b[0] >= b[1]
          up[4] = b[0] == b[1]  up[5] = b[0] != b[1]
          p[i < 3] = softmax(k < 3: b[k])[i]
          s = sign(b[0])
        }"""
    )
    random = np.random.default_rng(0)
    inputs = [random.choice([0.0, 1.0, -1.0, 3.0, 0.25, -0.5], (500, 3))]
    for actual, expected in zip(engine(rule)(*inputs), interpret(rule, inputs), strict=True):
        assert_same_bits(actual, expected)


@ENGINES
@pytest.mark.parametrize(
    ("bits", "exponent"),
    [(8, 0), (30, 10), (63, 0), (63, 1022), (63, 1060), (63, 1150), (100, 60), (500, 1500), (1100, 30), (2200, 1000)],
)
def test_exact_numbers_are_rounded_once(engine: Callable[[Rule], Any], bits: int, exponent: int) -> None:
    scale = " * ".join([f"x * {2.0**-(exponent % 1000)!r}", *[repr(2.0**-1000)] * (exponent // 1000)])
    most = 2**bits - 1
    rule = parse(f"rule r(x: int[{-most}..{most}]) -> (y: real) {{ y = {scale} }}")
    random = Random(bits)
    values = [0, most, -most]
    for _ in range(1500):
        length = random.randrange(bits + 1)
        # Ties and their neighbours, powers of two and theirs, and any.
        tie = (2 * random.getrandbits(53) + 1) << max(0, length - 54)
        value = random.choice((tie, tie + 1, tie - 1, 1 << length, (1 << length) - 1, random.getrandbits(length + 1)))
        values.append(random.choice((1, -1)) * min(value, most))
    expected = np.array([double(value, 1 << exponent) for value in values])
    assert_same_bits(engine(rule)(np.array(values, dtype=object)), expected)


# --- compilers ---


def compiled(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Compile the self-test and run it."""
    for file in CTarget().emit(reals_rule(), EmitOptions(prefix="it", self_test=True)):
        (folder / file.name).write_text(file.text, encoding="utf-8")
    sources = [str(folder / name) for name in ("it.c", "it_test.c")]
    done = subprocess.run(
        [find_compiler(), *options, "-o", str(folder / "it"), *sources], capture_output=True, text=True
    )
    return done if done.returncode else subprocess.run([str(folder / "it")], capture_output=True, text=True)


@pytest.mark.parametrize(
    "options",
    [
        ("-O0",),
        (*FLAGS, "-O3", "-march=native"),
        ("-std=gnu11", "-O3", "-march=native", "-ffp-contract=fast"),
        ("-O2", "-fno-signed-zeros", "-fno-trapping-math"),
    ],
    ids=" ".join,
)
def test_no_option_changes_a_bit(options: tuple[str, ...], tmp_path: Path) -> None:
    assert compiled(tmp_path, *options).stdout == "it: 16 samples, 0 wrong elements\n"


@pytest.mark.parametrize("option", ["-ffast-math", "-Ofast", "-freciprocal-math", "-ffinite-math-only"])
def test_options_that_would_are_refused(option: str, tmp_path: Path) -> None:
    done = compiled(tmp_path, option)
    assert done.returncode != 0
    assert '#error "this file needs' in done.stderr


def test_only_what_is_used_is_printed() -> None:
    rule = parse("rule r(x: real, q: rat) -> (y: bit, z: real) { y = q < 0.5  z = x * 0.5 }")
    text = CTarget().emit(rule, EmitOptions())[1].text
    assert "FP_CONTRACT" in text
    assert not any(word in text for word in ("r_exp", "i128", "string.h", "math.h"))
    exact = CTarget().emit(parse("rule r(q: rat) -> (y: bit) { y = q < 0.5 }"), EmitOptions())[1].text
    assert not any(word in exact for word in ("FP_CONTRACT", "float.h", "string.h"))
