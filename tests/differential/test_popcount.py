"""Sums of bits that are counted in words: the schedule popcount against the interpreter, in the JIT and in C."""

from __future__ import annotations

import shutil
from random import Random

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.backends.c.build import CFunction
from ddcompile.ir.verifier import check
from ddcompile.kernel.lower import lower
from ddcompile.kernel.popcount import counted
from ddcompile.kernel.verify import verify

_ENTRIES = [(-1, 1), (0, 1), (-1, 0, 1), (3, -2, 5), (0, 7), (-4, 1, 2)]


def _program(seed: int) -> dd.Program:
    """Two layers of sums over rows of bits or spins."""
    random = Random(seed)
    rows, length, units = random.choice((1, 1, 3)), random.choice((48, 63, 64, 65, 100, 128, 200)), random.randint(1, 9)
    entries = random.choice(_ENTRIES)
    table = [[random.choice(entries) for _ in range(length)] for _ in range(units)]
    spin = random.choice(("bit", "spin"))
    chosen = "(if x[r, j] > 0 then W[u, j] else 3 - W[u, j])"
    term = random.choice(("W[u, j] * x[r, j]", "W[u, j] * (2 * x[r, j] - 1)", chosen))
    last = [[random.choice((-1, 1)) for _ in range(rows * units)] for _ in range(2)]
    shown = ", ".join(map(str, table))
    votes = ", ".join(str([k[r * units : (r + 1) * units] for r in range(rows)]) for k in last)
    text = (
        f"rule r(x: {spin}[{rows}, {length}]) -> (y: int[{rows}, {units}], z: bit) {{\n"
        f"  const W: int[{units}, {length}] = [{shown}]\n"
        f"  const V: int[2, {rows}, {units}] = [{votes}]\n"
        f"  y[r < {rows}, u < {units}] = sum(j < {length}: {term}) - sum(j < {length}: x[r, j])\n"
        f"  h[r < {rows}, u < {units}] = y[r, u] > {random.randint(-5, 5)}\n"
        f"  z = argmax(c < 2: sum(r < {rows}, u < {units}: V[c, r, u] * h[r, u])) > 0\n"
        "}\n"
    )
    return dd.parse(text)


def _inputs(program: dd.Program, seed: int) -> np.ndarray:
    declared = program.rule.inputs[0].type
    shape = tuple(int(extent.value) for extent in declared.shape)  # type: ignore[attr-defined]
    bits = np.random.default_rng(seed).integers(0, 2, size=(20, *shape))
    return 2 * bits - 1 if declared.kind == "spin" else bits


@pytest.mark.parametrize("seed", range(40))
def test_machine_code_is_equal_to_the_interpreter(seed: int) -> None:
    program = _program(seed)
    types = check(program.rule)
    made = counted(lower(program.rule, types), types)
    assert made is not None
    assert verify(made.kernel) == []
    x = _inputs(program, seed)
    found, expected = program.jit(schedule="popcount")(x), program(x)
    assert np.array_equal(found.y, expected.y)
    assert np.array_equal(found.z, expected.z)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("seed", range(40, 46))
def test_emitted_c_gives_the_same(seed: int) -> None:
    program = _program(seed)
    x = _inputs(program, seed)
    found, expected = CFunction(program.rule, schedule="popcount")(x), program(x)
    assert np.array_equal(found.y, expected.y)
    assert np.array_equal(found.z, expected.z)


def test_sums_over_several_axes_in_order_are_one() -> None:
    weights = np.random.default_rng(0).choice([-1, 1], size=(5, 8, 9)).tolist()
    program = dd.parse(
        "rule r(x: bit[8, 9]) -> (y: int[5]) {\n"
        f"  const W: int[5, 8, 9] = [{', '.join(map(str, weights))}]\n"
        "  y[u < 5] = sum(i < 8, j < 9: W[u, i, j] * x[i, j])\n}\n"
    )
    types = check(program.rule)
    made = counted(lower(program.rule, types), types)
    assert made is not None
    assert made.terms == 5 * 72
    x = np.random.default_rng(1).integers(0, 2, size=(30, 8, 9))
    assert np.array_equal(program.jit(schedule="popcount")(x), program(x))


@pytest.mark.parametrize(
    "body",
    [
        "y[u < 2] = sum(j < 40: W[u, j] * x[j])",  # short
        "y[u < 2] = sum(j < 80: W[u, 79 - j] * x[j])",  # backwards
        "y[u < 2] = sum(j < 80: (j + W[u, j]) * x[j])",  # weights of places
        "y[u < 2] = max(j < 80: W[u, j] * x[j])",  # no sum
        "c[0] = 0\n  c[1 <= j < 81] = c[j - 1] + x[j - 1]\n  y[u < 2] = c[80] + W[u, 0]",  # no loop that adds
    ],
)
def test_other_loops_stay(body: str) -> None:
    weights = ", ".join(str([1, -1] * 40) for _ in range(2))
    rule = dd.parse(f"rule r(x: bit[80]) -> (y: int[2]) {{\n  const W: int[2, 80] = [{weights}]\n  {body}\n}}\n").rule
    types = check(rule)
    assert counted(lower(rule, types), types) is None


def test_rows_without_weights_are_counted_once() -> None:
    program = dd.parse(
        "rule r(x: bit[70, 100]) -> (y: int[70], z: bit) {\n"
        "  y[i < 70] = sum(j < 100: x[i, j])\n  z = sum(i < 70, j < 100: x[i, j]) > 3500\n}\n"
    )
    x = np.random.default_rng(2).integers(0, 2, size=(3, 70, 100))
    found, expected = program.jit(schedule="popcount")(x), program(x)
    assert np.array_equal(found.y, expected.y)
    assert np.array_equal(found.z, expected.z)
    if shutil.which("cc") is not None:
        assert np.array_equal(CFunction(program.rule, schedule="popcount")(x).y, expected.y)
