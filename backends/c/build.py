"""Emitted C compiled with the system's compiler and called through ctypes: the engine `c`."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ddcompile.analysis.sized import HINT
from ddcompile.backends.c.target import CTarget
from ddcompile.backends.shared.memory import input_memory, output_memory, output_values
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Rule
from ddcompile.ir.specialize import solve_sizes
from ddcompile.ir.types import Types
from ddcompile.ir.verifier import check
from ddcompile.kernel.lower import machine_types
from ddcompile.kernel.nodes import Buffer
from ddcompile.kernel.schedules import check_schedule, scheduled
from ddcompile.kernel.split import split
from ddcompile.runtime.arrays import prepare, results

__all__ = ["FLAGS", "CFunction", "compile_many", "find_compiler"]

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
"""What emitted C is clean under."""

_TIMEOUT = 600
_KEPT = 64
"""Sizes for which types are kept."""


def find_compiler() -> str:
    """The path of the C compiler: cc, gcc or clang, whichever comes first.

    Raises
    ------
    CompileError
        E102 if there is none.
    """
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return found
    raise fail("E102", "there is no C compiler: none of cc, gcc and clang is on the search path")


class CFunction:
    """A rule as a compiled C function: NumPy in, NumPy out, any batch shape; one with sizes for all of them at once.

    Parameters
    ----------
    rule
        The rule.
    library
        A library that has the rule's batch function as `<prefix>_batch`; by default one is compiled.
    optimize
        The optimisation flags for the compiler; by default -O2, but -O1 for code so long that it is split into parts,
        of which there is much and none runs often.
    schedule
        See `EmitOptions`.

    Raises
    ------
    CompileError
        E102 or E103 if there is no compiler or it fails, and what the C target raises.
    """

    def __init__(
        self,
        rule: Rule,
        library: ctypes.CDLL | None = None,
        prefix: str = "rule",
        optimize: str = "",
        schedule: str = "scalar",
    ) -> None:
        self.rule = rule
        checked = check(rule)
        types = machine_types(rule, checked)
        self._kernel = split(scheduled(rule, checked, check_schedule(schedule)))
        self._infer = lru_cache(maxsize=_KEPT)(machine_types) if rule.sizes else lambda _: types
        optimize = optimize or ("-O1" if self._kernel.parts else "-O2")
        library = _library([rule], [prefix], optimize, schedule) if library is None else library
        self._batch = library[f"{prefix}_batch"]
        self._batch.restype = ctypes.c_int if rule.sizes else None
        pointers = len(self._kernel.parameters) + self._kernel.needs_scratch
        self._batch.argtypes = [*[ctypes.c_size_t] * (len(rule.sizes) + 1), *[ctypes.c_void_p] * pointers]

    def __call__(self, *arrays: Any) -> Any:
        """One array an input, batch axes first; one array, or a NamedTuple of several.

        Raises
        ------
        CompileError
            A### if an array is not what the rule takes.
        """
        prepared = prepare(self.rule, arrays)
        sizes = solve_sizes(self.rule, [array.shape[1:] for array in prepared.arrays]) if self.rule.sizes else {}
        inputs = [b.at(sizes) for b in self._kernel.of_role("input")]
        outputs = [b.at(sizes) for b in self._kernel.of_role("output")]
        samples = int(np.prod(prepared.batch_shape, dtype=np.int64))
        memory = [input_memory(b, a) for b, a in zip(inputs, prepared.arrays, strict=True)]
        answers = [output_memory(b, samples) for b in outputs]
        pointers = [m.ctypes.data for m in (*memory, *answers)]
        words = sum(-(-b.at(sizes).bytes // 8) for b in self._kernel.of_role("scratch"))
        room = np.empty(words, dtype=np.int64)
        if self._kernel.needs_scratch:
            pointers.append(room.ctypes.data)
        if self._batch(*sizes.values(), samples, *pointers):
            given = ", ".join(f"{name} = {value}" for name, value in sizes.items())
            raise fail("A014", f"the compiled rule does not take {given}", place=self.rule.name, hint=HINT)
        raw = [output_values(b, m, samples) for b, m in zip(outputs, answers, strict=True)]
        types = _with_exponents(self._infer(prepared.rule), outputs)
        return results(prepared.rule, types, raw, prepared.batch_shape)


def _with_exponents(types: Types, outputs: Sequence[Buffer]) -> Types:
    """The types at some sizes, results having the fraction bits of the compiled code."""
    exponents = {b.name: b.exponent for b in outputs if b.exponent != types.tensor[b.name].exponent}
    tensor = {name: replace(types.tensor[name], exponent=value) for name, value in exponents.items()}
    return replace(types, tensor={**types.tensor, **tensor}) if tensor else types


def compile_many(rules: Sequence[Rule], optimize: str = "-O1") -> list[CFunction]:
    """Compile many rules as one file into one library.

    Raises
    ------
    CompileError
        As `CFunction`.
    """
    prefixes = [f"rule{number}" for number in range(len(rules))]
    library = _library(rules, prefixes, optimize)
    return [CFunction(rule, library, prefix) for rule, prefix in zip(rules, prefixes, strict=True)]


def _library(
    rules: Sequence[Rule], prefixes: Sequence[str], optimize: str, schedule: str = "scalar"
) -> ctypes.CDLL:
    """Emit, compile and load; the files are gone afterwards."""
    compiler = find_compiler()
    with TemporaryDirectory(prefix="ddcompile-", ignore_cleanup_errors=True) as folder:
        for rule, prefix in zip(rules, prefixes, strict=True):
            for file in CTarget().emit(rule, EmitOptions(prefix=prefix, comments=False, schedule=schedule)):
                Path(folder, file.name).write_text(file.text, encoding="utf-8")
        unit, shared = Path(folder, "all.c"), Path(folder, "all.so")
        unit.write_text("".join(f'#include "{prefix}.c"\n' for prefix in prefixes), encoding="utf-8")
        command = [compiler, *FLAGS, *optimize.split(), "-fPIC", "-shared", "-o", str(shared), str(unit)]
        environment = {**os.environ, "LC_ALL": "C"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, env=environment)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise fail("E103", f"{compiler} did not compile the emitted C: {error}") from error
        if done.returncode != 0:
            raise fail("E103", f"{compiler} did not compile the emitted C: {done.stderr[:2000]}")
        return ctypes.CDLL(str(shared))
