"""Gates that are run from tables: the schedule tables against the interpreter, in the JIT and in C."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.backends.c.build import CFunction
from ddcompile.ir.verifier import check
from ddcompile.kernel.tables.build import build
from ddcompile.kernel.tables.translate import Unsuited, translate
from ddcompile.kernel.verify import verify
from ddcompile.testing.generate import Limits, rule_from_seed

GATES = """rule gates(x: bit[70]) -> (score: int[3], class: int, y: bit[9]) {{
  const A: int[90] = {a}
  const B: int[90] = {b}
  const F: int[90] = {f}
  const T: bit[16, 4] = {t}
  const W: int[3, 30] = {w}
  h[i < 90] = T[F[i], 2 * x[A[i]] + x[B[i]]]
  score[k < 3] = sum(i < 30: W[k, i] * h[30 * k + i])
  class = argmax(k < 3: score[k])
  y[i < 8] = if h[A[i]] then h[i] xor h[i + 1] else x[B[i]]
  y[8] = 1
}}
"""
ADDER = """rule add(x: bit[2, 30]) -> (y: bit[31]) {
  carry[i < 30] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2
  y[i < 30] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]
  y[30] = carry[29]
}
"""
NUMBERS = """rule numbers(x: bit[9]) ->
    (s: spin, t: trit, small: int, large: int, parity: bit, most: int, least: int[2]) {
  n = sum(i < 9: (2 * i - 7) * x[i])
  s = sign(2 * n + 1)
  t = sign(n)
  small = min(max(n, -3), 4)
  large = n * n - abs(n) * relu(n + 3)
  parity = sum(i < 9: x[i]) % 2
  most = max(i < 9: i * x[i] - 3)
  least[k < 2] = if any(i < 9: x[i] xor k) then min(i < 9: (x[i] + k) * (i - 4)) else argmax(i < 9: x[i] + 0 * k)
}
"""


def _gates(seed: int) -> dd.Program:
    random = np.random.default_rng(seed)
    tables = {
        "a": random.integers(0, 70, size=90),
        "b": random.integers(0, 70, size=90),
        "f": random.integers(0, 16, size=90),
        "t": [[f >> k & 1 for k in range(4)] for f in range(16)],
        "w": random.integers(-2, 3, size=(3, 30)),
    }
    return dd.parse(GATES.format(**{name: np.asarray(table).tolist() for name, table in tables.items()}))


PROGRAMS = [_gates(0), _gates(1), dd.parse(ADDER), dd.parse(NUMBERS)]


def _inputs(program: dd.Program, count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    types = check(program.rule)
    return [random.integers(0, 2, size=(count, *types.shape[d.name]), dtype=np.uint8) for d in program.rule.inputs]


def _assert_equal(found: object, expected: object) -> None:
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    assert isinstance(expected, tuple)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


@pytest.mark.parametrize("count", [0, 1, 63, 511, 512, 513, 1500])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_any_number_of_samples(program: dd.Program, count: int) -> None:
    inputs = _inputs(program, count)
    _assert_equal(program.jit(schedule="tables")(*inputs), program(*inputs))


def test_threads_share_the_blocks() -> None:
    inputs = _inputs(PROGRAMS[0], 2000)
    _assert_equal(PROGRAMS[0].jit(n_jobs=2, schedule="tables")(*inputs), PROGRAMS[0](*inputs))


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("program", PROGRAMS[1:], ids=lambda p: p.name)
def test_emitted_c_gives_the_same(program: dd.Program) -> None:
    inputs = _inputs(program, 600)
    _assert_equal(CFunction(program.rule, schedule="tables")(*inputs), program(*inputs))


def test_random_rules() -> None:
    done = 0
    for seed in range(24):
        program = dd.Program(
            rule_from_seed(seed, Limits(kinds=("bit",), sizes=0, reals=0, rationals=False, wide=False))
        )
        types = check(program.rule)
        try:
            gates = translate(types)
        except Unsuited:
            continue
        assert verify(build(program.rule, types, gates, "plain").kernel) == []
        inputs = _inputs(program, 70)
        _assert_equal(program.jit(schedule="tables")(*inputs), program(*inputs))
        done += 1
    assert done >= 5


@pytest.mark.parametrize("count", [1, 64, 511, 513, 1100])
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_packed_bits(program: dd.Program, axis: int, count: int) -> None:
    inputs = _inputs(program, count)
    found, expected = program.jit(schedule="tables")(*(dd.pack(x, axis) for x in inputs)), program(*inputs)
    found, expected = (a if isinstance(a, tuple) else (a,) for a in (found, expected))
    for declaration, a, b in zip(program.rule.outputs, found, expected, strict=True):
        if declaration.type.kind == "bit" and (axis == 0 or declaration.type.shape):
            assert a == dd.pack(b, axis)
        else:
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)


CORNERS = [
    "rule corner(x: bit) -> (y: int) {\n  y = 5\n}\n",
    "rule corner(x: bit) -> (y: bit) {\n  y = 1\n}\n",
    "rule corner(x: bit[3]) -> (y: bit[2, 2]) {\n  y[i < 2, j < 2] = x[i + j]\n}\n",
    "rule corner(x: bit[3]) -> (y: spin, z: trit[2]) {\n  y = 2 * x[0] - 1\n  z[i < 2] = x[i] - x[i + 1]\n}\n",
    "rule corner(x: bit[3], z: bit) -> (y: bit[4], s: int, q: int[2]) {\n"
    "  y[i < 3] = x[i]\n  y[3] = not z\n  s = -7\n  q[k < 2] = 1000000 * x[k] - 3\n}\n",
]


@pytest.mark.parametrize("text", CORNERS)
def test_results_that_are_constants_or_inputs(text: str) -> None:
    program = dd.parse(text)
    run = program.jit(schedule="tables")
    for count in (0, 1, 70):
        inputs = _inputs(program, count)
        _assert_equal(run(*inputs), program(*inputs))
        found = run(*(dd.pack(x, axis=0) for x in inputs))
        found = found if isinstance(found, tuple) else (found,)
        _assert_equal(tuple(np.asarray(a) for a in found) if len(found) > 1 else np.asarray(found[0]), program(*inputs))


@pytest.mark.parametrize("which", [(True, False), (False, True), (True, True)])
def test_one_packed_input_of_several(which: tuple[bool, bool]) -> None:
    program = dd.parse("rule mix(a: bit[3], b: bit[2, 2]) -> (y: bit[3], z: bit) {\n"
                       "  y[i < 3] = a[i] xor b[0, 1]\n  z = b[0, 0] and a[1]\n}\n")  # fmt: skip
    run = program.jit(schedule="tables")
    inputs = _inputs(program, 70)
    expected = program(*inputs)
    found = run(*(dd.pack(x, axis=0) if is_packed else x for x, is_packed in zip(inputs, which, strict=True)))
    assert found.y == dd.pack(expected.y, axis=0)
    assert found.z == dd.pack(expected.z, axis=0)
    single = [x[0] for x in inputs]
    found, expected = run(*(dd.pack(x, axis=0) for x in single)), program(*single)
    assert found.y == dd.pack(expected.y)
    assert np.array_equal(found.z, expected.z)
    found = run(single[0], dd.pack(single[1], axis=0))
    assert found.y == dd.pack(expected.y)
    assert np.array_equal(found.z, expected.z)
