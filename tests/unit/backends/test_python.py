"""The Python target: golden modules, run as functions and as scripts, equal to the interpreter."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mypy import api as mypy

from ddcompile.backends.python.names import MODULES
from ddcompile.backends.python.run import compile_python, load, run_python
from ddcompile.backends.python.target import PythonTarget
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Declaration,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.parser import parse
from ddcompile.testing import assert_engines_agree

FOLDER = Path(__file__).parents[2] / "golden"
RULES = [
    *sorted((FOLDER / "rules").glob("*.rule"), key=lambda path: path.stem),
    FOLDER / "kernel" / "reals.rule",
    FOLDER / "python" / "attention.rule",
]
by_name = pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)


def read(path: Path) -> Rule:
    return parse(path.read_text(encoding="utf-8"), path.name)


def emit(rule: Rule, **options: Any) -> str:
    (file,) = PythonTarget().emit(rule, EmitOptions(**options))
    return file.text


def code_of(error: pytest.ExceptionInfo[CompileError]) -> str:
    return error.value.diagnostics[0].code


# --- the text --------------------------------------------------------------------------------------------------------


@by_name
def test_golden(path: Path, golden: Callable[[str, str], None]) -> None:
    golden(f"python/{path.stem}.py", emit(read(path)))


@by_name
def test_imports_the_standard_library_alone(path: Path) -> None:
    tree = ast.parse(emit(read(path)))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_passes_mypy_strict(tmp_path: Path) -> None:
    files = []
    for path in RULES:
        files.append(tmp_path / f"{path.stem}_module.py")
        files[-1].write_text(emit(read(path)), encoding="utf-8")
    cache = str(tmp_path / "cache")
    found, errors, status = mypy.run(["--strict", "--config-file=", "--cache-dir", cache, *map(str, files)])
    assert (status, errors) == (0, ""), found


def test_header_tells_where_the_module_comes_from() -> None:
    text = emit(read(RULES[0]), network_sha256="ab" * 32, verdict="proved", comments=False)
    assert f"network sha256: {'ab' * 32}\nverdict: proved\n" in text
    assert "# " not in text


def test_file_is_named_after_rule_or_prefix() -> None:
    rule = parse("rule r(x: bit) -> (y: bit) { y = x }")
    assert [file.name for file in PythonTarget().emit(rule, EmitOptions())] == ["r.py"]
    assert [file.name for file in PythonTarget().emit(rule, EmitOptions(prefix="other"))] == ["other.py"]
    with pytest.raises(CompileError) as error:
        PythonTarget().emit(rule, EmitOptions(prefix="../r"))
    assert code_of(error) == "E304"


def test_no_file_has_the_name_of_a_module_that_it_imports() -> None:
    """As a script, it would import itself."""
    rule = parse("rule json(x: bit) -> (y: bit) { y = x }")
    assert [file.name for file in PythonTarget().emit(rule, EmitOptions())] == ["json_rule.py"]
    assert [file.name for file in PythonTarget().emit(rule, EmitOptions(prefix="select"))] == ["select.py"]
    with pytest.raises(CompileError) as error:
        PythonTarget().emit(rule, EmitOptions(prefix="json"))
    assert code_of(error) == "E304"
    loads = (
        "import sys; before = set(sys.modules); import json, math, fractions, typing, collections.abc; "
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", loads], capture_output=True, text=True, check=True)
    names = {name.partition(".")[0] for name in done.stdout.split()}
    assert {name for name in names if not name.startswith("_")} <= MODULES


def test_given_sizes_are_numbers_in_the_text() -> None:
    rule = parse("rule r<N>(x: bit[N]) -> (y: int) { y = sum(i < N: x[i]) * N }")
    assert "y = sum(x[i] for i in range(N)) * N\n" in emit(rule)
    assert "y = sum(x[i] for i in range(5)) * 5\n" in emit(rule, sizes=(("N", 5),))


# --- what it computes ------------------------------------------------------------------------------------------------


@by_name
def test_agrees_with_the_interpreter(path: Path) -> None:
    assert_engines_agree(read(path), engines=["python"])


def test_batch_axes() -> None:
    rule = parse("rule r(x: bit[2], n: int[0..9]) -> (y: int[2], z: bit) { y[i < 2] = x[i] + n  z = n > 0 }")
    call = compile_python(rule)
    one = call([np.array([1, 0]), np.array(5)])
    assert (one.y.tolist(), one.z.tolist(), one.y.shape, one.z.shape) == ([6, 5], 1, (2,), ())
    none = call([np.zeros((0, 3, 2)), np.zeros((0, 3))])
    assert (none.y.shape, none.z.shape, none.y.dtype, none.z.dtype) == ((0, 3, 2), (0, 3), np.int64, np.uint8)


def test_sizes_are_solved_from_the_arguments() -> None:
    module = load(emit(read(FOLDER / "rules" / "sizes.rule")))
    found = module.sizes([[0, 1]] * 7, [1, 2, 3])
    arrays = [np.array([[0, 1]] * 7), np.array([1, 2, 3])]
    assert [np.array(value).tolist() for value in found] == [
        value.tolist() for value in interpret(read(FOLDER / "rules" / "sizes.rule"), arrays)
    ]
    with pytest.raises(ValueError, match=r"x: expected a list of 7, got one of 6"):
        module.sizes([[0, 1]] * 6, [1, 2, 3])


def test_sizes_in_affine_extents() -> None:
    rule = parse("rule r<N, M>(x: bit[2 * N + M + 1], z: bit[3 * M]) -> (y: int) { y = 100 * N + M }")
    module = load(emit(rule))
    assert module.r([0] * 12, [1] * 9) == 403
    with pytest.raises(ValueError, match="the shapes give the size M = 8 / 3, no positive integer"):
        module.r([0] * 12, [1] * 8)
    with pytest.raises(ValueError, match="the shapes give the size N = 0 / 2, no positive integer"):
        module.r([0] * 4, [1] * 9)


def test_sizes_that_only_several_extents_together_give() -> None:
    rule = parse("rule r<N, M>(x: bit[N + M + 1], z: bit[N + 2 * M]) -> (y: int) { y = 100 * N + M }")
    module = load(emit(rule))
    assert module.r([0] * 6, [1] * 8) == 203
    with pytest.raises(ValueError, match="the shapes give the size N = -1 / 1, no positive integer"):
        module.r([0] * 4, [1] * 7)


def test_sizes_that_are_too_small_are_refused() -> None:
    rule = parse("rule r<N>(x: bit[N]) -> (y: bit) { y = x[N - 3] and x[N - 2] }")
    module = load(emit(rule))
    assert module.r([1, 1, 0]) == 1
    with pytest.raises(ValueError, match=r"the sizes are too small for this rule: N - 3 is -1"):
        module.r([1, 1])


def test_fractions_are_exact() -> None:
    module = load(emit(parse("rule r(x: rat[2]) -> (y: rat) { y = 0.1 * x[0] + max(x[1], 0.5) }")))
    assert module.r([3, Fraction(1, 4)]) == 3 * Fraction(0.1) + Fraction(1, 2)
    assert isinstance(module.r([0, 1]), Fraction)


def test_results_are_ints_and_no_bools() -> None:
    rule = parse(
        "rule r(x: bit[2]) -> (a: bit, b: bit, c: int, d: bit, e: bit[2]) {"
        " a = x[0] > x[1]  b = not x[0]  c = max(x[0] == 1, x[1])  d = any(i < 2: x[i])"
        " e[i < 2] = if x[0] == 1 then x[i] > 0 else x[1 - i] }"
    )
    result = load(emit(rule)).r([1, 0])
    assert [type(value) for value in (*result[:4], *result.e)] == [int] * 6


def test_a_recurrence_in_two_ragged_clauses_is_computed_row_by_row() -> None:
    text = emit(read(FOLDER / "rules" / "ragged.rule"))
    assert "if i <= _k1 < 5:" in text


# --- depth -----------------------------------------------------------------------------------------------------------


def deep(value: Expr, *positions: Binder) -> Rule:
    shape = tuple(p.upper for p in positions)
    inputs = (Declaration("x", Type("bit", (Literal(4),))),)
    return Rule("deep", inputs, (Declaration("y", Type("int", shape)),), (Statement("y", positions, value),))


def chain(count: int, index: str = "") -> Expr:
    result: Expr = Literal(0)
    for k in range(count):
        term = Read("x", (Index(index) if index and k % 7 == 0 else Literal(k % 4),))
        result = Binary("-", term, result) if k % 3 else Binary("+", result, term)
    return result


def test_deep_expressions_are_split() -> None:
    sample, expected = [1, 0, 1, 1], 0
    for k in range(100_000):
        expected = sample[k % 4] - expected if k % 3 else expected + sample[k % 4]
    assert load(emit(deep(chain(100_000)))).deep(sample) == expected


@pytest.mark.parametrize(
    "value",
    [
        Reduce("sum", (Binder("i", Literal(0), Literal(4)),), chain(1500, "i")),
        Reduce("argmax", (Binder("i", Literal(1), Literal(4)),), chain(1500, "i")),
        Reduce("max", (Binder("i", Literal(0), Literal(4)), Binder("j", Literal(0), Index("i"))), chain(1500, "j")),
        If(Read("x", (Literal(0),)), chain(1500, "k"), Unary("-", chain(1500))),
    ],
    ids=["sum", "argmax", "max", "if"],
)
def test_deep_expressions_inside_loops_are_split(value: Expr) -> None:
    rule = deep(value, Binder("k", Literal(0), Literal(3)))
    for sample in ([1, 0, 1, 1], [0, 1, 0, 0]):
        (expected,) = interpret(rule, [np.array(sample)])
        assert load(emit(rule)).deep(sample) == expected.tolist()


def test_too_many_nested_loops_are_refused() -> None:
    value = chain(500, "i0")
    for k in range(19):
        value = Reduce("sum", (Binder(f"i{k}", Literal(0), Literal(1)),), value)
    with pytest.raises(CompileError) as error:
        emit(deep(value))
    assert code_of(error) == "E303"


def test_huge_integers() -> None:
    huge = 10**5000 + 7
    rule = deep(Binary("*", Literal(-huge), Read("x", (Literal(0),))))
    assert load(emit(rule, comments=False)).deep([1, 0, 0, 0]) == -huge


# --- names -----------------------------------------------------------------------------------------------------------


def test_python_words_are_renamed() -> None:
    module = load(emit(read(FOLDER / "rules" / "names.rule")))
    result = module.print_([1, 0, 1], -1, 1)
    assert result._asdict() == {"count_": 9, "index_": 1, "def_": [0, 1, 0]}


def test_renaming_keeps_names_apart() -> None:
    rule = parse("rule r(class: bit, class_: bit, r_: int) -> (r: int) { r = 4 * class + 2 * class_ + r_ }")
    assert load(emit(rule)).r(1, 0, 0) == 4
    assert load(emit(rule)).r(0, 1, 1) == 3


# --- what it refuses -------------------------------------------------------------------------------------------------

REFUSED = [
    ("x: bit[2]", [[0, 2]], "x[1]: expected bit, got 2"),
    ("x: bit[2]", [[0, True]], "x[1]: expected bit, got True"),
    ("x: bit[2]", [[0, 1.0]], "x[1]: expected bit, got 1.0"),
    ("x: bit[2]", [[0, 1, 1]], "x: expected a list of 2, got one of 3"),
    ("x: bit[2]", ["01"], "x: expected a list of 2, got '01'"),
    ("x: bit[2]", [None], "x: expected a list of 2, got None"),
    ("x: bit[2, 2]", [[[0, 1], 1]], "x[1]: expected a list of 2, got 1"),
    ("x: bit", [[1]], "x: expected bit, got a list"),
    ("x: spin", [0], "x: expected spin, got 0"),
    ("x: trit", [-2], "x: expected trit, got -2"),
    ("x: int[3..7]", [8], "x: expected int[3..7], got 8"),
    ("x: int", [2**63], "x: expected int, got 9223372036854775808"),
    ("x: int", ["9" * 90], f"x: expected int, got '{'9' * 56}..."),
    ("x: rat", [0.5], "x: expected an int or a Fraction, got 0.5"),
    ("x: rat", [Fraction(1, 3)], "x: expected a power of two as denominator, got Fraction(1, 3)"),
]


@pytest.mark.parametrize(("declaration", "arguments", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_bad_arguments(declaration: str, arguments: list[Any], message: str) -> None:
    module = load(emit(parse(f"rule r({declaration}) -> (y: bit) {{ y = 0 }}")))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        module.r(*arguments)


def test_wrong_arrays_are_refused_like_everywhere() -> None:
    with pytest.raises(CompileError) as error:
        run_python(parse("rule r(x: bit[2]) -> (y: bit) { y = x[0] }"), [np.array([0, 2])])
    assert code_of(error) == "A005"


# --- as a script -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], subprocess.CompletedProcess[str]]:
    path = tmp_path_factory.mktemp("script") / "rats.py"
    path.write_text(emit(read(FOLDER / "rules" / "rats.rule")), encoding="utf-8")
    command = [sys.executable, "-I", str(path)]
    return lambda text: subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_script_takes_one_sample(script: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    done = script('{"n": 2, "x": ["3/4", 0.5, 1]}')
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["y"] == "19/4"


def test_script_takes_a_list_of_samples(script: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    done = script(json.dumps([{"x": [k, 1, 2], "n": k} for k in range(3)]))
    assert (done.returncode, done.stderr) == (0, "")
    assert [answer["best"] for answer in json.loads(done.stdout)] == [[0, 0, 1], [0, 0, 1], [1, 0, 1]]
    assert json.loads(script("[]").stdout) == []


BAD_TEXTS = {
    "": "error: Expecting value: line 1 column 1 (char 0)\n",
    '{"x": [1, 2, 3]}': "error: expected an object with x, n\n",
    '[{"x": [1, 2, 3], "n": 0}, 7]': "error: sample 1: expected an object with x, n\n",
    '{"x": [1, 2, "1/0"], "n": 0}': "error: x[2]: expected an int or a Fraction, got '1/0'\n",
    '{"x": [1, 2, Infinity], "n": 0}': "error: x[2]: expected an int or a Fraction, got inf\n",
    '{"x": [1, 2, 3], "n": 5}': "error: n: expected int[-4..4], got 5\n",
    '{"x": [1, 2, "a\\nb"], "n": 0}': "error: x[2]: expected an int or a Fraction, got 'a\\nb'\n",
}


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_script_refuses_in_one_line(script: Callable[[str], subprocess.CompletedProcess[str]], text: str) -> None:
    done = script(text)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", BAD_TEXTS[text])


def test_script_refuses_endless_brackets(script: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    done = script("[" * 100_000)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
