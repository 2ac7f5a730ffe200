"""The just-in-time compiler: the interpreter's results, for any batch, from any number of threads."""

from __future__ import annotations

import gc
import pickle
import re
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from ddcompile.backends.llvm.compile import native_code
from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.backends.llvm.module import print_kernel
from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Binary, Declaration, Expr, If, Literal, Read, Rule, Statement, Type
from ddcompile.ir.parser import parse
from ddcompile.kernel.lower import lower
from ddcompile.runtime.threads import check_jobs
from ddcompile.testing import assert_engines_agree

FOLDER = Path(__file__).parents[2] / "golden" / "rules"
RULES = sorted(path.stem for path in FOLDER.glob("*.rule"))


def read(name: str) -> Rule:
    path = FOLDER / f"{name}.rule"
    return parse(path.read_text(encoding="utf-8"), path.name)


def code_of(error: pytest.ExceptionInfo[CompileError]) -> str:
    return error.value.diagnostics[0].code


# --- results ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_agrees_with_the_interpreter(name: str) -> None:
    assert_engines_agree(read(name), engines=["jit"])


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-(2**95), 2**95 - 1),
        (0, 2**130),
        (-(2**200), 2**200),
        (-(2**63), 2**63 - 1),
        (0, 2**63),
        (-(2**250), 2**256),
        (-(2**300), 2**300),
        (0, 2**1000),
    ],
)
def test_wide_integers(low: int, high: int) -> None:
    rule = parse(
        f"rule r(a: int[{low}..{high}][2], b: int[{low}..{high}]) -> (s: int, p: int[2], m: int, k: int[0..96], w: bit)"
        f" {{ s = a[0] - a[1] + b  p[i < 2] = a[i] * b  m = max(a[0], -a[1], b - 1)  k = (b - {low}) % 97"
        f" w = a[0] < a[1] or a[0] == b }}"
    )
    random = Random(1)
    edges = [low, low + 1, high - 1, high, *(random.randint(low, high) for _ in range(20))]
    a = np.array([[random.choice(edges), random.choice(edges)] for _ in range(300)], dtype=object)
    b = np.array([random.choice(edges) for _ in range(300)], dtype=object)
    found = compile_jit(rule)(a, b)
    for actual, expected in zip(found, interpret(rule, [a, b]), strict=True):
        assert actual.dtype == expected.dtype
        assert actual.tolist() == expected.tolist()


def test_rational_results_are_fractions() -> None:
    found = compile_jit(read("weights"))(np.array([1, -1, 1, 1]), 3)
    assert [type(value) for value in found.score.tolist()] == [Fraction, Fraction]
    assert found.score[0] == Fraction(1, 2) + Fraction(5, 4) + 3 + Fraction(0.1) + Fraction(3, 16)


def _rationals(count: int, *shape: int) -> np.ndarray:
    """Dyadic rationals of every size; not all are doubles."""
    random = Random(count)
    values = np.empty(count * int(np.prod(shape)), dtype=object)
    for k in range(len(values)):
        numerator = random.getrandbits(random.choice((1, 8, 60, 200))) * random.choice((1, -1))
        values[k] = Fraction(numerator, 1 << random.choice((0, 1, 60, 1074, 2000)))
    return values.reshape(count, *shape)


def test_any_dyadic_rationals_are_inputs() -> None:
    rule = read("rats")
    arrays = [_rationals(100, 3), np.arange(100) % 9 - 4]
    for actual, expected in zip(compile_jit(rule)(*arrays), interpret(rule, arrays), strict=True):
        assert actual.dtype == expected.dtype
        assert actual.tolist() == expected.tolist()


def test_rational_inputs_are_as_narrow_as_their_values() -> None:
    function = compile_jit(parse("rule r(x: rat[2]) -> (y: rat) { y = x[0] * x[1] - 0.5 }"))
    assert function([0.25, -1.5]) == Fraction(-7, 8)
    assert function([3, 0.5]) == 1
    (found,) = function._programs.values()
    program = found.result()
    assert [str(buffer.type) for buffer in program.made.buffers] == ["i64", "i64"]
    assert function([2.0**-1074, 0.5]) == Fraction(1, 2**1075) - Fraction(1, 2)
    assert len(function._programs) == 2


def _products(bits: int) -> Rule:
    high = 2 ** (bits - 1)
    terms = " + ".join(f"a[{k}] * b" for k in range(50))
    return parse(
        f"rule r(a: int[{-high}..{high}][50], b: int[{-high}..{high}]) -> (s: int, m: int[0..999]) {{"
        f" s = {terms} - b * a[3] * b  m = (a[0] * b) % 1000 }}"
    )


def test_code_does_not_grow_with_the_width_of_integers() -> None:
    texts = [print_kernel(lower(_products(bits))) for bits in (320, 1024, 8192)]
    # Behind the functions come constants, which do.
    assert len({text[text.index("define") : text.index("@.number1 =")].count("\n") for text in texts}) == 1
    assert all(int(bits) <= 256 for text in texts for bits in re.findall(r"\bi(\d+) %", text))


@pytest.mark.parametrize("bits", [256, 320, 1024, 4096])
def test_products_of_wide_integers(bits: int) -> None:
    rule, high = _products(bits), 2 ** (bits - 1)
    random = Random(bits)
    edges = [-high, high, 0, -1, 1 << bits // 2, *(random.randint(-high, high) for _ in range(9))]
    a = np.array([[random.choice(edges) for _ in range(50)] for _ in range(40)], dtype=object)
    b = np.array([random.choice(edges) for _ in range(40)], dtype=object)
    for actual, expected in zip(compile_jit(rule)(a, b), interpret(rule, [a, b]), strict=True):
        assert actual.tolist() == expected.tolist()


def test_names_of_wide_integers_keep_their_values() -> None:
    # Values are pointers to words: what is named must outlive the next step, and what is stored must be a copy.
    rule = parse(
        f"rule r(x: int[-{2**300}..{2**300}][4], n: int[0..3]) -> (a: int[8], low: int, swapped: int[2], at: int) {{"
        " a[0] = x[0]  a[1] = x[1]"
        " a[2 <= i < 8] = if a[i - 1] < a[i - 2] then a[i - 2] - a[i - 1] else x[i % 4] + a[i - 1]"
        " low = min(i < 4: abs(x[i] - x[n]))"
        " u = if n > 1 then x[n] else x[0] * x[1]  v = if n > 2 then u - x[1] else x[2] + u"
        " swapped[0] = max(u, v) - min(u, v) * (if u > v then 1 else -1)"
        " swapped[1] = sum(i < 4: (if x[i] > u then v else u))"
        " at = argmax(i < 4: x[i] * x[3 - i] - u) }"
    )
    random = Random(0)
    edges = [0, 1, -1, 2**300, -(2**300), *(random.getrandbits(299) for _ in range(6))]
    x = np.array([[random.choice(edges) for _ in range(4)] for _ in range(300)], dtype=object)
    n = np.arange(300) % 4
    for actual, expected in zip(compile_jit(rule)(x, n), interpret(rule, [x, n]), strict=True):
        assert actual.tolist() == expected.tolist()


def test_batch_axes() -> None:
    rule = parse("rule r(x: bit[2], n: int[0..9]) -> (y: int[2], z: bit) { y[i < 2] = x[i] + n  z = n > 0 }")
    function = compile_jit(rule)
    one = function([1, 0], 5)
    assert (one.y.tolist(), one.y.shape, one.z.shape) == ([6, 5], (2,), ())
    many = function(np.ones((2, 3, 2), dtype=bool), np.arange(6.0).reshape(2, 3))
    assert many.y[1, 2].tolist() == [6, 6]
    assert many.z.tolist() == [[0, 1, 1], [1, 1, 1]]
    none = function(np.zeros((4, 0, 2)), np.zeros((4, 0)))
    assert (none.y.shape, none.y.dtype, none.z.shape, none.z.dtype) == ((4, 0, 2), np.int64, (4, 0), np.uint8)


# A rule for each schedule, and the shape of its input.
LAID_OUT = {
    "grid": "rule r(x: bit[5, 70]) -> (y: bit[5, 70]) { y[i < 5, j < 70] = x[(i + 1) % 5, j] xor x[i, (j + 1) % 70] }",
    "batch": "rule r(x: int[-9..9][5, 70]) -> (y: int[70]) { y[j < 70] = sum(i < 5: x[i, j] * x[i, 69 - j]) }",
    "popcount": "rule r(x: bit[5, 70]) -> (y: int[5]) { y[i < 5] = sum(j < 70: x[i, j]) - sum(j < 35: x[i, 2 * j]) }",
    "scalar": "rule r(x: int[-9..9][5, 70]) -> (y: int[5]) { y[i < 5] = sum(j < 70: x[i, j] * x[4 - i, j]) }",
}


def _any_layout(x: np.ndarray) -> dict[str, np.ndarray]:
    """The same numbers in other memory."""
    frozen, wide = x.copy(), np.zeros((*x.shape[:-1], 3 * x.shape[-1]), dtype=x.dtype)
    frozen.flags.writeable = False
    wide[..., ::3] = x
    odd = np.frombuffer(bytes(1) + x.tobytes(), dtype=np.uint8)[1:].view(x.dtype).reshape(x.shape)
    return {
        "read-only": frozen,
        "backwards": x[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
        "Fortran": np.asfortranarray(x),
        "with gaps": wide[..., ::3],
        "not aligned": odd,
        "other bytes first": x.astype(x.dtype.newbyteorder()),
        "bytes": x.astype(np.int8),
        "doubles": x.astype(np.float64),
        "objects": x.astype(object),
        "repeated": np.broadcast_to(x[:1], x.shape),
    }


@pytest.mark.parametrize("schedule", LAID_OUT)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_arrays_of_any_layout(schedule: str, n_jobs: int) -> None:
    rule = parse(LAID_OUT[schedule])
    function = compile_jit(rule, n_jobs=n_jobs, schedule=schedule)
    low = 0 if rule.inputs[0].type.kind == "bit" else -9
    x = np.random.default_rng(0).integers(low, 2, (130, 5, 70))
    for name, array in _any_layout(x).items():
        before = array.copy()
        found, (expected,) = function(array), interpret(rule, [array])
        assert found.dtype == expected.dtype, name
        assert np.array_equal(found, expected), name
        assert found.flags.c_contiguous, name
        assert found.flags.writeable, name
        assert np.array_equal(array, before), name


@pytest.mark.parametrize("schedule", LAID_OUT)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3, 2)])
def test_batches_without_samples(schedule: str, shape: tuple[int, ...]) -> None:
    rule = parse(LAID_OUT[schedule])
    x = np.zeros((*shape, 5, 70), dtype=np.uint8)
    for n_jobs in (1, 2):
        found, (expected,) = compile_jit(rule, n_jobs, schedule)(x), interpret(rule, [x])
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


def test_large_scratch_memory_is_of_the_call() -> None:
    rule = parse("rule r(x: int[0..99]) -> (y: int) { a[i < 5000] = i * x  y = sum(i < 5000: a[i] * a[4999 - i]) }")
    x = np.arange(50)
    assert np.array_equal(compile_jit(rule, n_jobs=3)(x), interpret(rule, [x])[0])


def test_rule_with_the_name_of_a_system_function() -> None:
    rule = parse("rule memset(x: bit[99]) -> (memcpy: bit[99]) { memcpy[i < 99] = 0 * x[i] }")
    assert not compile_jit(rule)(np.ones(99)).any()


# --- remainders by powers of two -------------------------------------------------------------------------------------


@pytest.mark.parametrize("extent", [8, 16, 32, 64, 100, 128])
@pytest.mark.parametrize("turns", [0, 2])
def test_wrapped_neighbours_are_those_of_the_interpreter(extent: int, turns: int) -> None:
    """LLVM 22.1 vectorises what `turns = 2` needs, a mask, to wrong results (`ddcompile.backends.llvm.masks`)."""
    rule = parse(
        f"""rule r<N>(x: bit[N, N]) -> (y: int[N, N]) {{
          y[i < N, j < N] = sum(di in -1..1, dj in -1..1: x[(i + di + {turns} * N) % N, (j + dj + {turns} * N) % N])
        }}"""
    )
    x = np.random.default_rng(extent).integers(0, 2, (3, extent, extent))
    np.testing.assert_array_equal(compile_jit(rule)(x), interpret(rule, [x])[0])


@pytest.mark.parametrize(
    ("value", "is_marked"),
    [
        ("x[(3 * i) % 64]", True),
        ("x[(sum(j < i: 2) + i) % 64]", True),
        ("x[i] * 77 % 4", False),
        ("sum(j < 64: x[j] * x[i]) % 8", False),
        ("x[i % 60]", False),
    ],
)
def test_loops_with_masked_indices_are_not_vectorised(value: str, is_marked: bool) -> None:
    text = print_kernel(lower(parse(f"rule r(x: int[0..99][64]) -> (y: int[64]) {{ y[i < 64] = {value} }}")))
    assert (", !llvm.loop !" in text) == is_marked
    assert ("llvm.loop.vectorize.enable" in text) == is_marked


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_sizes_are_solved_for_every_call() -> None:
    rule = read("life")
    function = compile_jit(rule)
    random = np.random.default_rng(0)
    for shape in ((3, 3), (5, 8), (1, 4), (3, 3)):
        cells = random.integers(0, 2, (10, *shape))
        assert np.array_equal(function(cells), interpret(rule, [cells])[0])


def test_specialisations_are_kept() -> None:
    function = compile_jit(read("life"))
    function(np.zeros((3, 4)))
    (program,) = function._programs.values()
    function(np.zeros((7, 3, 4)))
    assert list(function._programs.values()) == [program]


def test_machine_code_is_freed() -> None:
    function = compile_jit(read("add"))
    (program,) = (weakref.ref(found.result()) for found in function._programs.values())
    del function
    gc.collect()
    assert program() is None


# --- threads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
@pytest.mark.parametrize("n_jobs", [1, 2, 3, 7, -1])
def test_jobs_divide_the_batch(count: int, n_jobs: int) -> None:
    rule = read("weights")
    x = np.random.default_rng(count).choice([-1, 1], (count, 4))
    n = np.arange(count)
    for actual, expected in zip(compile_jit(rule, n_jobs=n_jobs)(x, n), interpret(rule, [x, n]), strict=True):
        assert np.array_equal(actual, expected)


def test_jobs_are_any_integers() -> None:
    assert check_jobs(np.int64(3)) == 3


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, True, "2"])
def test_bad_number_of_jobs(n_jobs: object) -> None:
    with pytest.raises(CompileError) as error:
        check_jobs(n_jobs)
    assert code_of(error) == "E021"


def test_calls_from_many_threads() -> None:
    rule = read("life")
    function = compile_jit(rule, n_jobs=2)
    random = np.random.default_rng(1)
    batches = [random.integers(0, 2, (20, 2 + k % 4, 3)) for k in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(function, batches))
    for cells, actual in zip(batches, found, strict=True):
        assert np.array_equal(actual, interpret(rule, [cells])[0])


def test_the_same_and_different_functions_from_two_threads() -> None:
    steps = parse("rule r<T>(x: bit[70], y: bit[T]) -> (z: bit[70]) { s[0, i < 70] = x[i]"
                  " s[1 <= t < T + 1, i < 70] = s[t - 1, (i + 1) % 70] xor (s[t - 1, i] and y[t - 1])"
                  " z[i < 70] = s[T, i] }")  # fmt: skip
    functions = {rule.name: compile_jit(rule, n_jobs=2) for rule in (read("life"), read("weights"), steps)}
    random = np.random.default_rng(2)
    jobs: list[tuple[Any, list[np.ndarray]]] = []
    for k in range(12):
        jobs += [
            (functions["life"], [random.integers(0, 2, (30, 2 + k % 3, 5))]),
            (functions["weights"], [random.choice([-1, 1], (200, 4)), random.integers(0, 9, 200)]),
            (functions["r"], [random.integers(0, 2, (70, 70)), random.integers(0, 2, (70, 1 + k % 5))]),
        ]
    barrier = threading.Barrier(2)

    def run() -> list[Any]:
        barrier.wait()
        return [function(*arrays) for function, arrays in jobs]

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(run) for _ in range(2)]
    for (function, arrays), one, other in zip(jobs, both[0].result(), both[1].result(), strict=True):
        expected = interpret(function.rule, arrays)
        for found in (one, other):
            found = found if isinstance(found, tuple) else (found,)
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_compiling_one_shape_does_not_hold_up_another(monkeypatch: pytest.MonkeyPatch) -> None:
    function = compile_jit(read("life"))
    small, large = np.eye(3, dtype=int), np.eye(5, dtype=int)
    expected = function(small)
    started, go_on = threading.Event(), threading.Event()
    compiled: list[int] = []

    def slow(text: str) -> bytes:
        started.set()
        go_on.wait()
        compiled.append(len(text))
        return native_code(text)

    monkeypatch.setattr("ddcompile.backends.llvm.request.native_code", slow)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(function, large) for _ in range(2)]
        started.wait()
        assert np.array_equal(function(small), expected)
        assert not any(future.done() for future in waiting)
        go_on.set()
        assert all(np.array_equal(future.result(), interpret(function.rule, [large])[0]) for future in waiting)
    assert len(compiled) == 1


def test_what_cannot_be_compiled_is_refused_each_time() -> None:
    function = compile_jit(parse("rule r<N>(x: bit[N]) -> (y: bit) { y = any(i < N: x[i]) }"), schedule="grid")
    for _ in range(2):
        with pytest.raises(CompileError) as error:
            function(np.ones(9))
        assert code_of(error) == "E022"
    assert function.code_bytes == 0


def test_other_threads_run_meanwhile() -> None:
    # A hundred million steps, each of which needs the one before.
    rule = parse(
        "rule r(x: int[0..9]) -> (y: int) {"
        " a[0] = x  a[1 <= i < 20000] = (a[i - 1] * a[i - 1] + i) % 9973"
        " y = sum(i < 20000: a[i]) }"
    )
    function = compile_jit(rule)
    started, count = threading.Event(), 0

    def call() -> None:
        started.set()
        function(np.zeros(5000, dtype=np.int64))

    thread = threading.Thread(target=call)
    thread.start()
    started.wait()
    while thread.is_alive():
        count += 1
    assert count > 1000


# --- depth -----------------------------------------------------------------------------------------------------------


def test_deep_expressions() -> None:
    expr: Expr = Literal(0)
    for k in range(20_000):
        bit = Read("x", (Literal(k % 4),))
        expr = If(bit, Binary("-", Literal(k), expr), Literal(-k)) if k % 2 else Binary("+", expr, bit)
    inputs = (Declaration("x", Type("bit", (Literal(4),))),)
    rule = Rule("deep", inputs, (Declaration("y", Type("int")),), (Statement("y", (), expr),))
    value, x = 0, [1, 0, 1, 1]
    for k in range(20_000):
        value = (k - value if x[k % 4] else -k) if k % 2 else value + x[k % 4]
    assert compile_jit(rule)(x) == value


# --- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        ([np.zeros((2, 5))], "A004"),
        ([np.full((2, 6), 2)], "A005"),
        ([np.full((2, 6), np.nan)], "A006"),
        ([], "A001"),
        ([np.zeros((2, 6), dtype=complex)], "A002"),
    ],
)
def test_wrong_arrays(arrays: list[np.ndarray], code: str) -> None:
    with pytest.raises(CompileError) as error:
        compile_jit(read("add"))(*arrays)
    assert code_of(error) == code


def _refusal(function: Any, *arrays: np.ndarray) -> str:
    with pytest.raises(CompileError) as error:
        function(*arrays)
    return str(error.value)


@pytest.mark.parametrize("schedule", LAID_OUT)
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_wrong_values_in_any_sample(schedule: str, n_jobs: int) -> None:
    rule = parse(LAID_OUT[schedule])
    function = compile_jit(rule, n_jobs, schedule)
    is_bit = rule.inputs[0].type.kind == "bit"
    dtypes = (np.uint8, np.int8, np.int64) if is_bit else (np.int64, np.int8)
    for dtype in dtypes:
        x = np.random.default_rng(0).integers(0, 2, (9000, 5, 70)).astype(dtype)
        for sample in (0, 4321, 8999):
            x[sample, 4, 69] = 99
            message = _refusal(function, x)
            assert message == _refusal(partial(interpret, rule), [x])
            assert f"`x[4, 69]` of sample {sample} is 99" in message
            x[sample, 4, 69] = 1
        assert np.array_equal(function(x)[::500], interpret(rule, [x[::500]])[0])


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("steps", [1, 3])
def test_wrong_values_in_any_part_of_a_large_grid(n_jobs: int, steps: int) -> None:
    rule = parse(
        f"""rule r<H, W>(x: bit[H, W], z: bit[H, W]) -> (y: bit[H, W]) {{
          t[0, i < H, j < W] = x[i, j]
          t[1 <= s < {steps + 1}, i < H, j < W] = t[s - 1, (i + 1) % H, j] xor t[s - 1, i, (j + 1) % W]
          y[i < H, j < W] = t[{steps}, i, j] xor z[i, j]
        }}"""
    )
    function = compile_jit(rule, n_jobs)
    random = np.random.default_rng(0)
    x, z = (random.integers(0, 2, (700, 2100), dtype=np.uint8) for _ in range(2))
    expected = x
    for _ in range(steps):
        expected = np.roll(expected, -1, 0) ^ np.roll(expected, -1, 1)
    assert np.array_equal(function(x, z), expected ^ z)
    assert np.array_equal(function([x, z], [z, x])[0], expected ^ z)
    for name, array in (("x", x), ("z", z)):
        for place in ((0, 0), (349, 1000), (699, 2099)):
            array[place] = 2
            assert f"`{name}[{place[0]}, {place[1]}]` is 2, not 0 or 1" in _refusal(function, x, z)
            array[place] = 1
    x[5, 5] = z[0, 0] = 7
    assert "`x[5, 5]` is 7" in _refusal(function, x, z)


def test_unbounded_numbers_are_refused() -> None:
    with pytest.raises(CompileError) as error:
        compile_jit(parse("rule r(x: int) -> (y: int[9999]) { y[0] = x  y[1 <= i < 9999] = y[i - 1] * y[i - 1] }"))
    assert code_of(error) == "E010"


def test_repr() -> None:
    assert repr(compile_jit(read("add"), n_jobs=2)) == "<compiled rule add, n_jobs=2>"


def test_memory_is_given_back() -> None:
    script = "from ddcompile.testing.leaks import kept_bytes; print(kept_bytes(200))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # A pass manager of LLVM that is not freed is 27 KiB, and code and what it is made from more.
    assert float(done.stdout) < 16_384


def test_pickles() -> None:
    function = compile_jit(read("life"), n_jobs=2, schedule="batch")
    found = pickle.loads(pickle.dumps(function))
    assert (found.rule, found.n_jobs, found.schedule) == (function.rule, 2, "batch")
    assert np.array_equal(found(np.eye(5, dtype=int)), function(np.eye(5, dtype=int)))
