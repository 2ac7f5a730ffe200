"""The LLVM target: golden modules, symbols, and object code that a C compiler links."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcompile.backends.llvm.compile import Library, native_code
from ddcompile.backends.llvm.module import print_kernel
from ddcompile.backends.llvm.target import LLVMTarget, emit_object
from ddcompile.backends.shared.memory import input_memory, output_memory, output_values
from ddcompile.backends.shared.target import EmitOptions, Target
from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.kernel.lower import lower, machine_types
from ddcompile.runtime.arrays import canonical_results, prepare

FOLDER = Path(__file__).parents[2] / "golden"
SIZES = {"life": (("H", 4), ("W", 3)), "sizes": (("N", 3), ("M", 2))}
RULES = [*sorted((FOLDER / "rules").glob("*.rule"), key=lambda path: path.stem), FOLDER / "kernel" / "reals.rule"]


def read(name: str) -> Rule:
    path = FOLDER / "rules" / f"{name}.rule"
    return parse(path.read_text(encoding="utf-8"), path.name)


def emit(rule: Rule, **options: Any) -> str:
    (file,) = LLVMTarget().emit(rule, EmitOptions(**options))
    return file.text


def code_of(error: pytest.ExceptionInfo[CompileError]) -> str:
    return error.value.diagnostics[0].code


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_golden(path: Path, golden: Callable[[str, str], None]) -> None:
    rule = parse(path.read_text(encoding="utf-8"), path.name)
    golden(f"llvm/{path.stem}.ll", emit(rule, sizes=SIZES.get(path.stem, ())))


def test_is_a_target() -> None:
    assert isinstance(LLVMTarget(), Target)


def test_prefix_names_file_and_functions() -> None:
    rule = read("add")
    (file,) = LLVMTarget().emit(rule, EmitOptions(prefix="other", comments=False))
    assert file.name == "other.ll"
    assert "define void @other(ptr" in file.text
    assert "define void @other_batch(i64 %n, ptr" in file.text
    assert "; carry" not in file.text


@pytest.mark.parametrize("prefix", ["a b", "1a", "a/b", "ä", 'a"'])
def test_bad_prefix(prefix: str) -> None:
    with pytest.raises(CompileError) as error:
        emit(read("add"), prefix=prefix)
    assert code_of(error) == "E201"


def test_rule_with_the_name_of_a_system_function() -> None:
    text = emit(parse("rule memset(x: bit[99]) -> (y: bit[99]) { y[i < 99] = 0 * x[i] }"))
    assert "@memset_rule(" in text
    assert "@memset(" not in text


@pytest.mark.parametrize("name", ["sized_life", "sized_steps"])
def test_golden_for_all_sizes(name: str, golden: Callable[[str, str], None]) -> None:
    rule = parse((FOLDER / "kernel" / f"{name}.rule").read_text(encoding="utf-8"), f"{name}.rule")
    golden(f"llvm/{name}.ll", emit(rule))


def test_sizes_stay_parameters() -> None:
    text = emit(read("life"))
    assert "; sizes H, W: 1 to 2147483647\n" in text
    assert "define i32 @life(i64 %H, i64 %W, ptr noalias readonly %cell, ptr noalias %next)" in text
    assert "define i32 @life_batch(i64 %H, i64 %W, i64 %n, ptr" in text


def test_unbounded_numbers_are_refused() -> None:
    with pytest.raises(CompileError) as error:
        emit(parse("rule r(x: int) -> (y: int[9999]) { y[0] = x  y[1 <= i < 9999] = y[i - 1] * y[i - 1] }"))
    assert code_of(error) == "E010"


def test_straight_line_code_is_cut_into_blocks() -> None:
    terms = " + ".join(f"x[{k}] * x[{k + 1}]" for k in range(200))
    text = emit(parse(f"rule r(x: bit[201]) -> (y: int) {{ y = {terms} }}"))
    assert "more1:\n" in text
    Library(native_code(text))


@pytest.mark.parametrize("name", ["rules/rats.rule", "kernel/doubles.rule"])
def test_rationals_are_doubles(name: str) -> None:
    rule = parse((FOLDER / name).read_text(encoding="utf-8"), name)
    types = machine_types(rule)
    kernel = lower(rule, types)
    random = np.random.default_rng(0)
    edges = [0.0, -0.0, 5e-324, -(2.0**-1022), 2.0**1023, -1.7976931348623157e308, 0.1, -0.25, 1e200]
    shape = (200, *kernel.buffer["x"].extents)
    x = np.where(random.random(shape) < 0.5, random.choice(edges, shape), random.standard_normal(shape))
    inputs = [x, random.integers(0, 5, 200)]
    memory = [input_memory(b, a) for b, a in zip(kernel.of_role("input"), prepare(rule, inputs).arrays, strict=True)]
    outputs = [output_memory(buffer, 200) for buffer in kernel.of_role("output")]
    library = Library(native_code(print_kernel(kernel)))
    batch = library.function(f"{rule.name}_batch", ctypes.c_int64, *[ctypes.c_void_p] * (len(memory) + len(outputs)))
    batch(200, *(array.ctypes.data for array in (*memory, *outputs)))
    found = [output_values(buffer, m, 200) for buffer, m in zip(kernel.of_role("output"), outputs, strict=True)]
    for actual, expected in zip(canonical_results(rule, types, found, (200,)), interpret(rule, inputs), strict=True):
        assert actual.tolist() == expected.tolist()


def test_scratch_memory_comes_from_the_caller_when_it_is_large() -> None:
    rule = parse("rule r(x: bit) -> (y: int) { a[i < 9000] = i * x  y = sum(i < 9000: a[i] * a[8999 - i]) }")
    text = emit(rule)
    assert "; scratch: 18000 bytes, aligned to 8\n" in text
    assert "ptr noalias %scratch) nounwind {" in text
    assert "alloca [" not in text


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a linker")
def test_object_code_links(tmp_path: Path) -> None:
    (tmp_path / "add.o").write_bytes(emit_object(read("add"), EmitOptions(prefix="adder")))
    command = ["cc", "-shared", "-o", str(tmp_path / "add.so"), str(tmp_path / "add.o")]
    subprocess.run(command, check=True, capture_output=True)
    adder = ctypes.CDLL(str(tmp_path / "add.so")).adder_batch
    x = np.array([[[1, 1, 0, 0, 1, 0], [1, 0, 1, 0, 1, 1]], [[1] * 6, [1] * 6]], dtype=np.uint8)
    y = np.full((2, 7), 9, dtype=np.uint8)
    adder(ctypes.c_int64(2), ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
    assert (y @ (1 << np.arange(7))).tolist() == [19 + 53, 63 + 63]


def test_object_code_is_deterministic() -> None:
    assert emit_object(read("steps"), EmitOptions()) == emit_object(read("steps"), EmitOptions())
