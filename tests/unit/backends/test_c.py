"""The C target: golden texts, cleanliness under compilers and sanitizers, and results equal to the interpreter's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pytest

from ddcompile.backends.c import build
from ddcompile.backends.c.build import FLAGS, CFunction, compile_many
from ddcompile.backends.c.selftest import golden_inputs
from ddcompile.backends.c.target import CTarget
from ddcompile.backends.shared.target import EmitOptions, EmittedFile
from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Binary, Declaration, Expr, Literal, Read, Rule, Statement, Type
from ddcompile.ir.parser import parse
from ddcompile.ir.specialize import specialize
from ddcompile.ir.types import infer
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.inputs import random_inputs

RULES = sorted((Path(__file__).parents[2] / "golden" / "kernel").glob("*.rule"))
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def load(path: Path) -> Rule:
    return parse(path.read_text(encoding="utf-8"), path.name)


def emit(rule: Rule, **options: object) -> list[EmittedFile]:
    return CTarget().emit(rule, EmitOptions(**options))  # type: ignore[arg-type]


def write(files: Sequence[EmittedFile], folder: Path) -> list[str]:
    """Write files and return the names of those that a compiler takes."""
    for file in files:
        (folder / file.name).write_text(file.text, encoding="utf-8")
    return [str(folder / file.name) for file in files if file.name.endswith(".c")]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def assert_agrees(rule: Rule, function: CFunction, inputs: Sequence[np.ndarray]) -> None:
    found = function(*inputs)
    found = found if isinstance(found, tuple) else (found,)
    for actual, expected in zip(found, interpret(rule, inputs), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)


@pytest.fixture(scope="module")
def functions() -> dict[str, CFunction]:
    """All golden rules in one library, compiled with the strict flags."""
    found = compile_many([load(path) for path in RULES])
    return {path.stem: function for path, function in zip(RULES, found, strict=True)}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_emitted_text_is_golden(path: Path, golden: Callable[[str, str], None]) -> None:
    options = EmitOptions(prefix=f"gold_{path.stem}", network_sha256="0" * 64, verdict="proved")
    header, source = CTarget().emit(load(path), options)
    golden(f"c/{header.name}", header.text)
    golden(f"c/{source.name}", source.text)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_compiled_rule_equals_the_interpreter(path: Path, functions: dict[str, CFunction]) -> None:
    rule = load(path)
    if not rule.sizes:
        assert_agrees(rule, functions[path.stem], golden_inputs(rule, infer(rule), 300))
    for seed in range(6 if rule.sizes else 0):
        special = specialize(rule, {name: 100 + seed // 3 - 8 * k for k, name in enumerate(rule.sizes)})
        assert_agrees(rule, functions[path.stem], random_inputs(special, RandomChoose(seed), 3))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_self_test_passes_under_sanitizers(path: Path, tmp_path: Path) -> None:
    files = emit(load(path), prefix="it", self_test=True)
    program = str(tmp_path / "it")
    run(build.find_compiler(), *FLAGS, *SANITIZERS, "-O1", "-o", program, *write(files, tmp_path))
    assert run(program).endswith(" samples, 0 wrong elements\n")


def test_self_test_notices_a_wrong_result(tmp_path: Path) -> None:
    header, source, test = emit(load(RULES[0]), prefix="it", self_test=True)
    assert ">= 2)" in source.text
    wrong = EmittedFile(source.name, source.text.replace(">= 2)", ">= 1)"))
    program = str(tmp_path / "it")
    run(build.find_compiler(), "-o", program, *write([header, wrong, test], tmp_path))
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "0 wrong" not in done.stdout


def test_header_is_cplusplus_too(tmp_path: Path) -> None:
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    includes = []
    for path in RULES:
        write(emit(load(path), prefix=f"p_{path.stem}"), tmp_path)
        includes += [f'#include "p_{path.stem}.h"\n'] * 2
    (tmp_path / "all.cpp").write_text("".join(includes) + "int main() { return 0; }\n")
    run(compiler, "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", str(tmp_path / "all.cpp"))


def test_output_is_deterministic_and_has_no_paths() -> None:
    first, second = (emit(load(path), self_test=True) for path in [RULES[-1]] * 2)
    assert first == second
    assert not any(str(Path(__file__).parent) in file.text or "2025" in file.text for file in first)


def test_comments_can_be_left_out() -> None:
    rule = load(RULES[0])
    with_comments, without = (emit(rule, comments=flag)[1].text for flag in (True, False))
    assert "/* `y[6]` is `carry[5]`. */" in with_comments
    assert "`carry[5]`" not in without


def test_long_lines_of_tables_are_broken() -> None:
    values = ", ".join(str(k % 251 - 125) for k in range(1000))
    rule = parse(f"rule r(x: int[0..999]) -> (y: int) {{ const t: int[1000] = [{values}]  y = t[x] }}")
    source = emit(rule)[1].text
    assert "static const int8_t r_t_table[1000] = {" in source
    assert max(map(len, source.splitlines())) <= 120


def test_sizes_are_options() -> None:
    rule = parse("rule r<N>(x: bit[N]) -> (y: int) { y = sum(i < N: x[i]) }")
    assert "i < 12" in emit(rule, sizes=(("N", 12),))[1].text
    assert "int r(size_t N, const uint8_t *x, int64_t *y);" in emit(rule)[0].text


# --- names ---


@pytest.mark.parametrize("prefix", ["1st", "a-b", "_x", "int", "class", "printf", "main", "sin", "size_t", "é"])
def test_prefix_that_c_does_not_take_is_refused(prefix: str) -> None:
    with pytest.raises(CompileError, match=r"error\[E101\]: prefix "):
        emit(load(RULES[0]), prefix=prefix)


@pytest.mark.parametrize(
    ("name", "prefix"), [("f", "f"), ("_f", "rule_f"), ("fabs", "fabs_rule"), ("double", "double_rule")]
)
def test_default_prefix_is_the_name_of_the_rule(name: str, prefix: str) -> None:
    rule = parse(f"rule {name}(x: bit) -> (y: bit) {{ y = x }}")
    assert [file.name for file in emit(rule)] == [f"{prefix}.h", f"{prefix}.c"]


def test_tensors_may_be_named_like_symbols_of_the_file(tmp_path: Path) -> None:
    rule = parse(
        """rule r(r: bit, r_batch: int, r_i128: int, r_i128_add: int) -> (r_i128_mul: int, r_x_table: int) {
          r_i128_mul = r_i128 * r_batch + r_i128_add
          r_x_table = r
        }"""
    )
    sources = write(emit(rule, prefix="r", self_test=True), tmp_path)
    run(build.find_compiler(), *FLAGS, "-o", str(tmp_path / "r"), *sources)
    assert run(str(tmp_path / "r")) == "r: 16 samples, 0 wrong elements\n"


# --- integers of any width ---


def _big_inputs(rule: Rule, count: int) -> list[np.ndarray]:
    """Inputs near the powers of two that carries cross."""
    random = Random(1)
    types = infer(rule)
    arrays = []
    for declaration in rule.inputs:
        found = types.tensor[declaration.name]
        assert found.low is not None
        assert found.high is not None
        shape = (count, *types.shape[declaration.name])
        values = np.empty(int(np.prod(shape)), dtype=object)
        for k in range(len(values)):
            power = random.randrange(max(found.low.bit_length(), found.high.bit_length()) + 1)
            value = random.choice((-1, 1)) * (1 << power) + random.randrange(-2, 3)
            values[k] = min(max(value, found.low), found.high)
        arrays.append(values.reshape(shape))
    return arrays


@pytest.mark.parametrize("bits", [64, 65, 96, 130, 192, 200, 500])
def test_wide_arithmetic(bits: int) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    rule = parse(
        f"""rule r(a: int[{low}..{high}], b: int[{low}..{high}], c: int[-9..9])
          -> (t: int, d: int, p: int, n: int, o: bit[6], m: int[4], s: int, k: int, e: int) {{
          const table: int[3] = [{high}, {low}, -7]
          t = a + b
          d = a - b
          p = a * b * c
          n = -a
          o[0] = a < b  o[1] = a <= b  o[2] = a > b  o[3] = a >= b  o[4] = a == b  o[5] = a != b
          m[0] = a % 1  m[1] = a % 1024  m[2] = (a * b) % 1000003  m[3] = a % 340282366920938463463374607431768211507
          s = sign(a - b) + sum(i < 3: sign(table[i] + a))
          k = min(max(a, b), abs(c * a)) + (if a > b then table[c % 3] else relu(b))
          e = a * 0 + c
        }}"""
    )
    assert_agrees(rule, CFunction(rule, optimize="-O1"), _big_inputs(rule, 400))


def test_calls_behind_a_connective_are_cast() -> None:
    # clang -Wall: use of bitwise '&' with boolean operands (and a call, which might have a side effect).
    rule = parse("rule r(a: int, b: int) -> (y: bit, z: bit) { y = 0 <= a * b <= 9  z = a > 0 and b > 0 }")
    source = emit(rule)[1].text
    assert "(!r_i128_less(t1, r_i128_of(0))) & (int32_t)(!r_i128_less(r_i128_of(9), t1))" in source
    assert "(a[0] > 0) & (b[0] > 0)" in source


def test_modulo_of_every_range() -> None:
    clauses = []
    number = 0
    for modulus in (1, 2, 3, 7, 8, 12):
        for low, high in ((0, 6), (-1, 1), (-7, 0), (-12, 23), (-13, 24), (5, 5), (100, 130), (-300, -200)):
            clauses.append(f"y[{number}] = (x % {high - low + 1} + {low}) % {modulus}")
            number += 1
    rule = parse(f"rule r(x: int[0..400]) -> (y: int[{number}]) {{ {' '.join(clauses)} }}")
    assert_agrees(rule, CFunction(rule), [np.arange(401)])


def test_argmax_takes_the_lowest_of_equals() -> None:
    rule = parse("rule r(x: int[0..1][6]) -> (y: int, z: bit) { y = argmax(i < 6: x[i])  z = argmax(i < 2: x[i]) }")
    inputs = (np.arange(64)[:, None] >> np.arange(6)) & 1
    found = CFunction(rule)(inputs)
    np.testing.assert_array_equal(found.y, np.argmax(inputs, axis=1))
    np.testing.assert_array_equal(found.z, np.argmax(inputs[:, :2], axis=1))


def test_rationals_are_doubles() -> None:
    rule = parse("rule r(x: rat[3]) -> (y: rat, low: bit) { y = x[0] * x[1] - 0.1 * x[2]  low = x[0] < 0.1 * x[1] }")
    edges = [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308, -1.7976931348623157e308, 0.1, -1.5, 1e200]
    random = Random(1)
    inputs = np.array([[random.choice((*edges, random.gauss(0, 1))) for _ in range(3)] for _ in range(300)])
    assert_agrees(rule, CFunction(rule), [inputs])


def test_comparisons_of_rationals_are_exact() -> None:
    # 0.1 * 0.1 lies between two doubles.
    rule = parse(
        """rule r(x: rat, n: int[-99..99]) -> (a: bit[6], b: bit[6], c: bit[6]) {
          a[0] = x < 0.1 * 0.1  a[1] = x <= 0.1 * 0.1  a[2] = 0.1 * 0.1 < x  a[3] = x >= 0.1 * 0.1
          a[4] = x == 0.1 * 0.1  a[5] = x != 0.1 * 0.1
          b[0] = x < 0.5  b[1] = x <= 0.5  b[2] = x > 0.5  b[3] = x >= 0.5  b[4] = x == 0.5  b[5] = x != 0.5
          c[0] = x < n  c[1] = n <= x  c[2] = x > n  c[3] = x >= n  c[4] = x == n  c[5] = x != n
        }"""
    )
    near = 0.1 * 0.1
    values = [near, np.nextafter(near, 0), np.nextafter(near, 1), 0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1)]
    values += [-near, 0.0, -0.0, 3.0, np.nextafter(3, 0), np.nextafter(3, 9), 1e300, -1e300]
    inputs = [np.repeat(values, 3), np.tile([0, 3, -99], len(values))]
    assert_agrees(rule, CFunction(rule), inputs)
    source = emit(rule)[1].text
    assert "i2112" not in source
    assert "x[0] < 0x1.47ae147ae147cp-7" in source
    assert "x[0] <= 0x1.47ae147ae147bp-7" in source


def test_scaled_rationals_are_no_doubles() -> None:
    rule = parse(
        """rule r(x: rat[2]) -> (y: rat[5], z: bit[2]) {
          y[0] = max(x[0], 0.25 * x[0])  y[1] = -(0.5 * x[1])  y[2] = abs(0.125 * x[0])  y[3] = relu(-0.25 * x[1])
          y[4] = if x[0] < 0.25 * x[1] then 0.25 * x[0] else x[1]
          z[0] = 0.25 * x[0] < 0.1  z[1] = sign(0.5 * x[1] - 0.25) == 1
        }"""
    )
    inputs = np.random.default_rng(0).choice([1.0, -1.0, 0.5, 4.0, 0.3, 1e300, 5e-324, -(2.0**1023)], (200, 2))
    assert_agrees(rule, CFunction(rule), [inputs])


@pytest.mark.parametrize("value", [Fraction(2**53 + 1), Fraction(1, 2**1075), Fraction(2**1024)])
def test_rationals_that_are_no_doubles_are_refused(value: Fraction) -> None:
    rule = parse("rule r(x: rat) -> (y: bit) { y = x > 0 }")
    with pytest.raises(CompileError) as caught:
        CFunction(rule)(np.array(value, dtype=object))
    assert str(caught.value) == (
        "x: error[A008]: a value of `x` is no double, and compiled C takes rationals as doubles\n"
        "  hint: round it first, or use another engine"
    )


# --- calling ---


def test_any_batch_shape(functions: dict[str, CFunction]) -> None:
    rule = load(next(path for path in RULES if path.stem == "winner"))
    score, mask = golden_inputs(rule, infer(rule), 24)
    found = functions["winner"](score.reshape(2, 3, 4, 5), mask.reshape(2, 3, 4, 3, 4))
    assert found._fields == ("best", "low", "high", "some", "every")
    assert found.best.shape == (2, 3, 4)
    assert found.every.shape == (2, 3, 4, 3)
    assert functions["winner"](score[0], mask[0]).every.shape == (3,)
    assert functions["winner"](score[:0], mask[:0]).every.shape == (0, 3)


def test_illegal_inputs_are_refused(functions: dict[str, CFunction]) -> None:
    with pytest.raises(CompileError, match="A005"):
        functions["add"](np.full((2, 6), 2))


def test_large_scratch_is_the_callers() -> None:
    header = emit(load(next(path for path in RULES if path.stem == "large")))[0].text
    assert "int16_t outer[16900];\n} large_scratch;" in header
    assert "#define large_SCRATCH sizeof(large_scratch)" in header
    assert (
        "void large_batch(size_t n, const uint8_t *x, const int64_t *y, int64_t *z, large_scratch *scratch);" in header
    )


def test_deep_expression_compiles() -> None:
    expr: Expr = Read("x", (Literal(0),))
    for k in range(3000):
        expr = Binary("+" if k % 3 else "-", expr, Read("x", (Literal(k % 8),)))
    rule = Rule(
        "deep",
        (Declaration("x", Type("bit", (Literal(8),))),),
        (Declaration("y", Type("int")),),
        (Statement("y", (), expr),),
    )
    assert_agrees(rule, CFunction(rule, optimize="-O0"), golden_inputs(rule, infer(rule), 20))


def test_missing_compiler_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CompileError, match=r"error\[E102\]: there is no C compiler"):
        CFunction(load(RULES[0]))


def test_failing_compiler_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "FLAGS", (*FLAGS, "-fno-such-flag"))
    with pytest.raises(CompileError, match=r"error\[E103\]: .* did not compile"):
        CFunction(load(RULES[0]))
