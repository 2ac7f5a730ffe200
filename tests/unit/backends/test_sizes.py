"""Code that is compiled once for all sizes: interpreter, C, LLVM and Python agree at every size, bit for bit."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from ddcompile.backends.c import build
from ddcompile.backends.c.build import FLAGS, CFunction, compile_many
from ddcompile.backends.c.target import CTarget
from ddcompile.backends.llvm.compile import Library, native_code
from ddcompile.backends.llvm.module import print_kernel
from ddcompile.backends.python.run import compile_python
from ddcompile.backends.shared.memory import input_memory, output_memory, output_values
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.specialize import specialize
from ddcompile.ir.verifier import verify
from ddcompile.kernel.lower import lower
from ddcompile.kernel.nodes import Kernel
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import Limits, rule_from_seed
from ddcompile.testing.inputs import random_inputs

RULES = sorted((Path(__file__).parents[2] / "golden" / "kernel").glob("sized_*.rule"))
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RANDOM = 60

Run = Callable[[Rule, dict[str, int], Sequence[np.ndarray]], tuple[np.ndarray, ...] | None]


def load(path: Path) -> Rule:
    return parse(path.read_text(encoding="utf-8"), path.name)


def some_sizes(rule: Rule, seed: int) -> list[dict[str, int]]:
    """The smallest sizes, and random ones."""
    random = Random(seed)
    small = [dict(zip(rule.sizes, v, strict=True)) for v in product((1, 2, 3), repeat=len(rule.sizes))]
    return [*small, *({name: random.choice((4, 5, 7, 9, 16, 101)) for name in rule.sizes} for _ in range(6))]


class Machine:
    """The functions of a kernel with sizes, called through pointers; what memory it is given is checked."""

    def __init__(self, kernel: Kernel, function: Callable[..., Any]) -> None:
        self.kernel = kernel
        pointers = [ctypes.c_void_p] * (len(kernel.parameters) + kernel.needs_scratch)
        sizes = [ctypes.c_int64] * len(kernel.sizes)
        self.batch = function(f"{kernel.name}_batch", *sizes, ctypes.c_int64, *pointers, result=ctypes.c_int)
        self.scratch_size = None
        if kernel.needs_scratch:
            self.scratch_size = function(f"{kernel.name}_scratch_size", *sizes, result=ctypes.c_int64)

    def run(self, sizes: dict[str, int], arrays: Sequence[np.ndarray]) -> list[np.ndarray] | None:
        """The scaled integers of the results; None if the sizes are not allowed."""
        count = len(arrays[0])
        values = list(sizes.values())
        inputs = [b.at(sizes) for b in self.kernel.of_role("input")]
        outputs = [b.at(sizes) for b in self.kernel.of_role("output")]
        memory = [input_memory(b, a) for b, a in zip(inputs, arrays, strict=True)]
        answers = [output_memory(b, count) for b in outputs]
        room = []
        if self.scratch_size is not None:
            needed = self.scratch_size(*values)
            assert needed % 8 == 0 or needed == -1
            # A page of pattern behind it must be left alone.
            room = [np.full(max(needed, 0) + 4096, 0xA5, dtype=np.uint8)]
        status = self.batch(*values, count, *(m.ctypes.data for m in (*memory, *answers, *room)))
        if room:
            assert (room[0][-4096:] == 0xA5).all()
        if status:
            assert self.scratch_size is None or needed == -1
            return None
        return [output_values(b, m, count) for b, m in zip(outputs, answers, strict=True)]


def same(found: Sequence[np.ndarray], expected: Sequence[np.ndarray], exponents: Sequence[int]) -> None:
    for actual, wanted, exponent in zip(found, expected, exponents, strict=True):
        if wanted.dtype == object and exponent:
            wanted = np.array([int(v * 2**exponent) for v in wanted.flat], dtype=object).reshape(wanted.shape)
        np.testing.assert_array_equal(actual.astype(wanted.dtype), wanted)


def assert_machine_agrees(rule: Rule, machine: Machine, seed: int) -> int:
    """Compare at some sizes; at how many of them the rule is legal."""
    legal = 0
    exponents = [b.exponent for b in machine.kernel.of_role("output")]
    for sizes in some_sizes(rule, seed):
        special = specialize(rule, sizes)
        is_legal = verify(special) == []
        legal += is_legal
        shapes_exist = all(b.size > 0 and min(b.extents, default=1) > 0 for b in map_at(machine.kernel, sizes))
        if not is_legal and not shapes_exist:
            assert machine.batch(*sizes.values(), 0, *[None] * (len(machine.batch.argtypes) - 1 - len(sizes))) == 1
            continue
        arrays = random_inputs(special, RandomChoose(seed), 3)
        found = machine.run(sizes, arrays)
        assert (found is not None) == is_legal, sizes
        if found is not None:
            same(found, interpret(rule, arrays), exponents)
    return legal


def map_at(kernel: Kernel, sizes: dict[str, int]) -> list[Any]:
    return [b.at(sizes) for b in kernel.parameters]


def llvm_machine(rule: Rule) -> Machine:
    kernel = lower(rule)
    library = Library(native_code(print_kernel(kernel)))
    machine = Machine(kernel, library.function)
    machine.library = library  # type: ignore[attr-defined]
    return machine


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_llvm_agrees_at_all_sizes(path: Path) -> None:
    assert assert_machine_agrees(load(path), llvm_machine(load(path)), 1) > 0


@pytest.fixture(scope="module")
def functions() -> dict[str, CFunction]:
    """All rules in one library, compiled with the strict flags."""
    found = compile_many([load(path) for path in RULES])
    return {path.stem: function for path, function in zip(RULES, found, strict=True)}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_c_and_python_agree_at_all_sizes(path: Path, functions: dict[str, CFunction]) -> None:
    rule = load(path)
    python = compile_python(rule)
    legal = 0
    for sizes in some_sizes(rule, 2):
        special = specialize(rule, sizes)
        if verify(special):
            continue
        legal += 1
        arrays = random_inputs(special, RandomChoose(prod(sizes.values())), 2)
        expected = interpret(rule, arrays)
        for engine in (lambda arrays: functions[path.stem](*arrays), python):
            found = engine(arrays)
            for actual, wanted in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
                assert actual.dtype == wanted.dtype
                np.testing.assert_array_equal(actual, wanted)
    assert legal > 0


def random_rules() -> list[Rule]:
    """Random rules with sizes that are shown to be legal for all of them."""
    found = []
    for seed in range(RANDOM):
        rule = rule_from_seed(seed, Limits(sizes=1.0))
        try:
            lower(rule)
        except CompileError as error:
            refused = {d.code for d in error.diagnostics} - {"E010", "E034"}
            if refused:
                pytest.fail(str(error))
        else:
            found.append(rule)
    assert len(found) > 0.9 * RANDOM
    return found


def test_random_rules_agree_in_c_and_llvm() -> None:
    rules = random_rules()
    for rule, function in zip(rules, compile_many(rules), strict=True):
        machine = llvm_machine(rule)
        exponents = [b.exponent for b in machine.kernel.of_role("output")]
        for seed, base in enumerate((1, 1, 2, 3, 6)):
            sizes = {name: max(1, base + k * (seed - 1)) for k, name in enumerate(rule.sizes)}
            try:
                arrays = random_inputs(specialize(rule, sizes), RandomChoose(seed), 3)
            except ValueError:
                continue  # an extent is negative
            try:
                expected = interpret(rule, arrays)
            except CompileError:
                with pytest.raises(CompileError):
                    function(*arrays)
                continue
            found = function(*arrays)
            for actual, wanted in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
                assert actual.dtype == wanted.dtype
                np.testing.assert_array_equal(actual, wanted)
            if seed < 2:
                found = compile_python(rule)(arrays)
                for actual, wanted in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
                    np.testing.assert_array_equal(actual, wanted)
            raw = machine.run(sizes, arrays)
            assert raw is not None
            same(raw, expected, exponents)


def test_sizes_that_only_an_interpreter_takes_are_refused() -> None:
    text = "rule r<N>(x: bit[N]) -> (y: bit) { a[0] = x[0]  a[1 <= i < N - 3] = x[i]  y = a[0] }"
    function = CFunction(parse(text))
    assert function([1, 0, 0, 0]) == 1
    with pytest.raises(CompileError, match=r"r: error\[A014\]: the compiled rule does not take N = 2"):
        function([1, 0])


MOST = 2**31 - 1


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (MOST + 1, 3), (2**63, 3), (2**64 - 1, 2**64 - 1), (MOST, MOST)])
def test_c_refuses_sizes_out_of_range(sizes: tuple[int, int], tmp_path: Path) -> None:
    """Nothing is read or written: the pointers are null."""
    rule = parse("rule r<H, W>(x: int[H, W, 2]) -> (y: int[H]) { z[i < H, j < W] = x[i, j, 0]  y[i < H] = z[i, 0] }")
    for file in CTarget().emit(rule, EmitOptions()):
        (tmp_path / file.name).write_text(file.text, encoding="utf-8")
    call = ", ".join(f"UINT64_C({size})" for size in sizes)
    main = f"""#include "r.h"
    int main(void)
    {{
        return !(r({call}, NULL, NULL, NULL) == 1 && r_batch({call}, 2, NULL, NULL, NULL) == 1
            && r_scratch_size({call}) == SIZE_MAX && r_scratch_size(3, 2) == 48);
    }}
    """
    (tmp_path / "main.c").write_text(main)
    program = str(tmp_path / "main")
    sources = [str(tmp_path / "main.c"), str(tmp_path / "r.c")]
    subprocess.run([build.find_compiler(), *FLAGS, *SANITIZERS, "-o", program, *sources], check=True)
    subprocess.run([program], check=True)


def test_header_says_what_sizes_may_be() -> None:
    header = CTarget().emit(load(next(p for p in RULES if p.stem == "sized_tail")), EmitOptions())[0].text
    assert "N: 1 to 2147483647, where N >= 6" in header
    assert "Returns 0; or 1 if the sizes are not allowed" in header
