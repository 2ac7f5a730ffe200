"""The call for one sample: the results and the errors of the call for any batch, without what that has to find out."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from ddcompile.backends.llvm import jit
from ddcompile.backends.llvm.jit import CompiledRule, compile_jit
from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.inputs import random_inputs

FOLDER = Path(__file__).parents[2] / "golden" / "rules"

KINDS = parse(
    "rule r(b: bit[3], s: spin[2], t: trit, k: int[-9..300],"
    " n: int[-4611686018427387904..4611686018427387904], z: real[2])"
    " -> (c: bit, u: spin[2], v: trit, m: int, w: int[-9..300], y: real[2], d: int[0..3][3]) {"
    " c = b[0] and not b[1]  u[i < 2] = -s[i]  v = -t  m = n + 2 * k  w = k"
    "  y[i < 2] = z[i] + 0.5  d[i < 3] = b[i] + 1 }"
)


def sample(random: Random) -> list[np.ndarray]:
    """One array an input of `KINDS`, in canonical form."""

    def drawn(values: list[Any], dtype: type, *shape: int) -> np.ndarray:
        count = int(np.prod(shape, dtype=int))
        return np.array([random.choice(values) for _ in range(count)], dtype=dtype).reshape(shape)

    return [
        drawn([0, 1], np.uint8, 3),
        drawn([-1, 1], np.int8, 2),
        drawn([-1, 0, 1], np.int8),
        drawn([-9, 0, 7, 255, 256, 300], np.int64),
        drawn([-(2**62), -1, 0, 5, 2**62], np.int64),
        drawn([-0.0, 0.1, -2.5e300, 5e-324, 1.75], np.float64, 2),
    ]


def assert_same(actual: Any, expected: Any) -> None:
    for a, e in zip(actual, expected, strict=True):
        assert (type(a), a.dtype, a.shape, a.tobytes()) == (type(e), e.dtype, e.shape, e.tobytes())


def slow(rule: Any) -> CompiledRule:
    """The same, always called for a batch."""
    compiled = compile_jit(rule)
    compiled._single = None
    return compiled


@pytest.fixture
def no_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse the call for a batch."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("one sample was called as a batch")

    monkeypatch.setattr(jit, "prepare", refuse)


RULE = parse("rule r(x: int[-9..300][2]) -> (y: int) { y = x[0] - 2 * x[1] }")


@pytest.mark.usefixtures("no_batches")
@pytest.mark.parametrize("batch", [(), (1,), (1, 1)])
def test_one_sample_of_every_kind(batch: tuple[int, ...]) -> None:
    random, compiled = Random(1), compile_jit(KINDS)
    for _ in range(50):
        arrays = [a.reshape(batch + a.shape) for a in sample(random)]
        assert_same(compiled(*arrays), interpret(KINDS, arrays))


@pytest.mark.usefixtures("no_batches")
def test_results_are_bare_if_there_is_one() -> None:
    found = compile_jit(RULE)(np.array([300, -9]))
    assert (type(found), found.dtype, found.shape, found.item()) == (np.ndarray, np.int64, (), 318)


@pytest.mark.usefixtures("no_batches")
def test_read_only_and_large() -> None:
    rule = parse("rule r(x: bit[300, 300]) -> (y: bit[300, 300]) { y[i < 300, j < 300] = not x[i, j] }")
    compiled = compile_jit(rule, schedule="scalar")
    kept = []
    for seed in range(3):
        x = np.random.default_rng(seed).integers(0, 2, (300, 300), dtype=np.uint8)
        x.flags.writeable = False
        kept.append((x, compiled(x)))
    assert all(np.array_equal(y, 1 - x) for x, y in kept)  # results do not share memory


@pytest.mark.parametrize("batch", [(2,), (0,), (3, 2)])
def test_batches_are_not_one_sample(batch: tuple[int, ...]) -> None:
    random = Random(2)
    count = int(np.prod(batch))
    rows = [sample(random) for _ in range(max(1, count))]
    arrays = [np.array([row[k] for row in rows[:count]], dtype=rows[0][k].dtype) for k in range(6)]
    arrays = [a.reshape(batch + rows[0][k].shape) for k, a in enumerate(arrays)]
    assert_same(compile_jit(KINDS)(*arrays), interpret(KINDS, arrays))


OTHER = [
    np.array([300, 0, -9, 0])[::2],
    np.array([300, -9], dtype=np.int16),
    np.array([300.0, -9.0]),
    np.array([300, -9], dtype=">i8"),
    np.array([300, -9], dtype=object),
    np.frombuffer(b"x" + np.array([300, -9]).tobytes(), dtype=np.int64, offset=1),
    [300, -9],
]


@pytest.mark.parametrize("array", OTHER, ids=range(len(OTHER)))
def test_arrays_that_must_be_converted(array: Any) -> None:
    assert compile_jit(RULE)(array).item() == 318
    assert compile_jit(RULE)(x=array).item() == 318


def faulty() -> list[tuple[Any, ...]]:
    """Arguments of `KINDS` that are refused."""
    found: list[tuple[Any, ...]] = []
    good = sample(Random(3))
    wrong = [(0, 2), (1, 0), (2, -2), (3, 301), (3, -10), (5, np.nan), (5, np.inf), (5, -np.inf)]
    for position, value in wrong:
        arrays = [array.copy() for array in good]
        arrays[position][(-1,) * arrays[position].ndim] = value
        found.append(tuple(arrays))
        found.append(tuple(array[None] for array in arrays))
    found.append((*good[:5],))
    found.append((*good, good[0]))
    found.append((good[0][None], *good[1:]))
    found.append((good[0][:2], *good[1:]))
    found.append((good[0][None, :], good[1][None], np.array([0, 0], dtype=np.int8), *good[3:]))
    return found


@pytest.mark.parametrize("arrays", faulty(), ids=range(len(faulty())))
def test_what_is_wrong_is_said_as_for_batches(arrays: tuple[Any, ...]) -> None:
    with pytest.raises(CompileError) as expected:
        slow(KINDS)(*arrays)
    with pytest.raises(CompileError) as found:
        compile_jit(KINDS)(*arrays)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize(
    "text",
    [
        "rule r(x: rat) -> (y: bit) { y = x > 1 }",
        "rule r(x: int[0..18446744073709551616]) -> (y: bit) { y = x > 1 }",
        "rule r(x: int[0..18446744073709551615]) -> (y: bit) { y = x > 1 }",
        "rule r(x: int) -> (y: int) { y = x * x }",
        "rule r(x: int[0..9]) -> (y: rat) { y = x * 0.5 }",
        "rule r() -> (y: bit) { y = 1 }",
        "rule r<n>(x: bit[n]) -> (y: int) { y = sum(j < n: x[j]) }",
    ],
)
def test_other_rules_are_called_as_before(text: str) -> None:
    rule = parse(text)
    assert compile_jit(rule)._single is None
    arrays = [np.array([1] * len(d.type.shape)) if d.type.shape else np.array(3) for d in rule.inputs]
    expected = interpret(rule, arrays)
    found = compile_jit(rule)(*arrays)
    for a, e in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
        assert (a.dtype, a.shape, a.tolist()) == (e.dtype, e.shape, e.tolist())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.rule")), ids=lambda path: path.stem)
def test_every_rule_of_the_collection(path: Path) -> None:
    rule = parse(path.read_text(encoding="utf-8"), path.name)
    if rule.sizes or any(d.type.kind == "rat" for d in rule.inputs):
        assert compile_jit(rule)._single is None
        return
    compiled, batches = compile_jit(rule), slow(rule)
    for arrays in zip(*random_inputs(rule, RandomChoose(4), 20), strict=True):
        given = [np.asarray(array) for array in arrays]
        pairs = zip(*(x if isinstance(x, tuple) else (x,) for x in (compiled(*given), batches(*given))), strict=True)
        for a, e in pairs:
            assert (a.dtype, a.shape, a.tolist()) == (e.dtype, e.shape, e.tolist())
