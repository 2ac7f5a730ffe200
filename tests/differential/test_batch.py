"""Random rules on many samples at once: the schedule batch against the interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.kernel.lanes import in_lanes
from ddcompile.kernel.lower import lower
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import Limits, rule_from_seed
from ddcompile.testing.inputs import random_inputs

PROGRAMS = 100
SAMPLES = 150
"""Two blocks of 64 and some more."""


def _compiled(rule: Rule) -> Any:
    """The rule by the schedule batch; None if that does not take it."""
    try:
        return compile_jit(rule, schedule="batch")
    except dd.CompileError as error:
        if {d.code for d in error.diagnostics} != {"E022"}:
            raise
        return None


@pytest.mark.parametrize("part", range(4))
def test_random_programs(part: int) -> None:
    taken = 0
    for seed in range(part, PROGRAMS, 4):
        rule = rule_from_seed(seed, Limits(kinds=("bit", "bit", "spin", "trit", "int")))
        if rule.sizes:
            continue
        function = _compiled(rule)
        if function is None:
            continue
        taken += 1
        inputs = random_inputs(rule, RandomChoose(seed), SAMPLES)
        found = function(*inputs)
        for mine, other in zip(found if isinstance(found, tuple) else (found,), interpret(rule, inputs), strict=True):
            assert np.array_equal(mine, other), f"seed {seed}:\n{dd.Program(rule)}"
    assert taken >= 5


_RULES = {
    "any": "y = any(i < 9, j < 30: x[i, j] and x[(i + 1) % 9, j])",
    "all": "y = all(i < 9: sum(j < 30: x[i, j]) > 9)",
    "argmax": "y = argmax(i < 9: sum(j < 30: x[i, j])) == 3",
    "table": "y = T[sum(j < 4: x[0, j])] == 7",
    "if": "y = if x[0, 0] then sum(j < 30: x[1, j]) > 12 else any(j < 30: x[2, j] and x[3, j] and x[4, j])",
    "nested": "y = any(i < 9: x[i, 0] and (if x[i, 1] then all(j < 5: x[i, j + 1]) else argmax(j < 5: x[i, j]) == 2))",
    "recurrence": "c[0] = x[0, 0]\n  c[1 <= j < 30] = x[1, j] + x[2, j] + c[j - 1] >= 2\n  y = c[29]",
    "pad": "e[j < 30] = pad(x, 1)[8, j + 1] and pad(x, 0)[3, j - 1]\n  y = sum(j < 30: e[j]) > 3",
}


@pytest.mark.parametrize("name", _RULES)
@pytest.mark.parametrize("samples", [1, 63, 64, 65, 200])
def test_forms(name: str, samples: int) -> None:
    table = "  const T: int[5] = [3, 7, -1, 7, 0]\n" if name == "table" else ""
    program = dd.parse(f"rule r(x: bit[9, 30]) -> (y: bit) {{\n{table}  {_RULES[name]}\n}}\n")
    x = (np.random.default_rng(samples).random((samples, 9, 30)) < 0.45).astype(np.uint8)
    expected = program(x)
    for jobs in (1, 2):
        assert np.array_equal(program.jit(n_jobs=jobs, schedule="batch")(x), expected)


def _long(seed: int, kind: str, count: int) -> dd.Program:
    """Statements that each read three of those before."""
    rng = np.random.default_rng(seed)
    known, lines = [f"x[{k}]" for k in range(20)], []
    for k in range(count):
        a, b, c = rng.choice(known[-30:], 3)
        forms = {
            "bit": f"({a} and not {b}) != {c}",
            "int[-9..9]": f"max({a}, {b}) - min(x[{k % 20}], {c}) % 4 - (if {a} > {c} then 3 else {b})",
        }
        lines.append(f"  t{k} = {forms[kind]}" if kind == "bit" else f"  t{k} = min(9, max(-9, {forms[kind]}))")
        known.append(f"t{k}")
    return dd.parse(
        f"rule r(x: {kind}[20]) -> (y: int, z: bit) {{\n" + "\n".join(lines) + f"\n  y = {' + '.join(known[-9:])}\n"
        f"  z = any(k < 20: x[k] > {known[-1]})\n}}\n"
    )


@pytest.mark.parametrize("kind", ["bit", "int[-9..9]"])
@pytest.mark.parametrize("count", [40, 90])
def test_long_rules_are_split(kind: str, count: int) -> None:
    program = _long(count, kind, count)
    low, high = (0, 2) if kind == "bit" else (-9, 10)
    x = np.random.default_rng(count).integers(low, high, size=(150, 20))
    found, expected = program.jit(schedule="batch")(x), program(x)
    assert np.array_equal(found.y, expected.y)
    assert np.array_equal(found.z, expected.z)
    made = in_lanes(lower(program.rule))
    assert (len(made.parts) > 1) == (count > 40 or kind != "bit")


@pytest.mark.parametrize("shape", [(1,), (15,), (16,), (17,), (31,), (48,), (3, 5)])
def test_samples_of_every_size_are_turned(shape: tuple[int, ...]) -> None:
    extents = ", ".join(map(str, shape))
    own = ", ".join(f"{name} < {n}" for name, n in zip("ij", shape, strict=False))
    here = ", ".join("ij"[: len(shape)])
    program = dd.parse(
        f"rule r(x: int[-9..9][{extents}], b: bit[{extents}]) -> (y: int[{extents}], z: bit[{extents}]) {{\n"
        f"  y[{own}] = 1000000 * x[{here}] + b[{here}]\n  z[{own}] = not b[{here}]\n}}\n"
    )
    rng = np.random.default_rng(0)
    x, b = rng.integers(-9, 10, size=(130, *shape)), rng.integers(0, 2, size=(130, *shape))
    found, expected = program.jit(schedule="batch")(x, b), program(x, b)
    assert np.array_equal(found.y, expected.y)
    assert np.array_equal(found.z, expected.z)


def test_steps_down_trees() -> None:
    program = dd.parse(
        "rule steps(x: real[4]) -> (y: int) {\n"
        "  const root: int[3] = [3, 4, 5]\n"
        "  const cut: real[6] = [0.0, 0.0, 0.0, 0.5, -0.25, 1.0]\n"
        "  const child: int[6, 2] = [[0, 0], [1, 1], [2, 2], [0, 4], [1, 5], [2, 0]]\n"
        "  const leaf: int[3] = [1, 3, 7]\n"
        "  node[0, t < 3] = root[t]\n"
        "  node[1 <= d < 4, t < 3] = child[node[d - 1, t], x[2] > cut[node[d - 1, t]]]\n"
        "  y = sum(t < 3: leaf[min(node[3, t], 2)])\n"
        "}\n"
    )
    x = np.random.default_rng(0).normal(size=(150, 4))
    assert np.array_equal(program.jit(schedule="batch")(x), program(x))


@pytest.mark.parametrize(
    ("extent", "statement"),
    [(12, "y[k < 12] = {0}"), (12, "y[k < 12] = x[k] * ({0})"), (1, "y[0] = sum(k < 12: abs({0}))")],
)
def test_long_bodies_of_loops_over_what_all_samples_share(extent: int, statement: str) -> None:
    terms = " + ".join(f"sum(j < 9: {a} * x[j] + x[j + {a % 4}] > k + {a % 7})" for a in range(2, 62))
    program = dd.parse(f"rule r(x: int[0..7][12]) -> (y: int[{extent}]) {{\n  {statement.format(terms)}\n}}\n")
    x = np.random.default_rng(0).integers(0, 8, size=(130, 12))
    assert np.array_equal(program.jit(schedule="batch")(x), program(x))
