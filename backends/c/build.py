"""Emitted C compiled with the system's compiler and called through ctypes: the engine `c`."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ddcompile.backends.c.target import CTarget
from ddcompile.backends.shared.memory import input_memory, output_memory, output_values
from ddcompile.backends.shared.target import EmitOptions
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Rule
from ddcompile.ir.verifier import check
from ddcompile.kernel.lower import lower, machine_types
from ddcompile.runtime.arrays import prepare, results

__all__ = ["FLAGS", "CFunction", "compile_many", "find_compiler"]

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
"""What emitted C is clean under."""

_TIMEOUT = 600


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
    """A rule without sizes as a compiled C function: NumPy in, NumPy out, any batch shape.

    Parameters
    ----------
    rule
        A rule without sizes.
    library
        A library that has the rule's batch function as `<prefix>_batch`; by default one is compiled.
    optimize
        The optimisation flag for the compiler.

    Raises
    ------
    CompileError
        E102 or E103 if there is no compiler or it fails, and what the C target raises.
    """

    def __init__(
        self, rule: Rule, library: ctypes.CDLL | None = None, prefix: str = "rule", optimize: str = "-O2"
    ) -> None:
        self.rule = rule
        self._types = machine_types(rule, check(rule))
        self._kernel = lower(rule, self._types)
        library = _library([rule], [prefix], optimize) if library is None else library
        self._batch = library[f"{prefix}_batch"]
        self._batch.restype = None
        self._batch.argtypes = [ctypes.c_size_t, *([ctypes.c_void_p] * len(self._kernel.parameters))]
        if self._kernel.needs_scratch:
            self._batch.argtypes = [*self._batch.argtypes, ctypes.c_void_p]

    def __call__(self, *arrays: Any) -> Any:
        """One array an input, batch axes first; one array, or a NamedTuple of several.

        Raises
        ------
        CompileError
            A### if an array is not what the rule takes.
        """
        prepared = prepare(self.rule, arrays)
        kernel = self._kernel
        samples = int(np.prod(prepared.batch_shape, dtype=np.int64))
        memory = [input_memory(b, a) for b, a in zip(kernel.of_role("input"), prepared.arrays, strict=True)]
        outputs = [output_memory(b, samples) for b in kernel.of_role("output")]
        pointers = [m.ctypes.data for m in (*memory, *outputs)]
        scratch = np.empty(kernel.scratch_bytes // 8, dtype=np.int64)
        if kernel.needs_scratch:
            pointers.append(scratch.ctypes.data)
        self._batch(samples, *pointers)
        raw = [output_values(b, m, samples) for b, m in zip(kernel.of_role("output"), outputs, strict=True)]
        return results(prepared.rule, self._types, raw, prepared.batch_shape)


def compile_many(rules: Sequence[Rule], optimize: str = "-O1") -> list[CFunction]:
    """Compile many rules without sizes as one file into one library.

    Raises
    ------
    CompileError
        As `CFunction`.
    """
    prefixes = [f"rule{number}" for number in range(len(rules))]
    library = _library(rules, prefixes, optimize)
    return [CFunction(rule, library, prefix) for rule, prefix in zip(rules, prefixes, strict=True)]


def _library(rules: Sequence[Rule], prefixes: Sequence[str], optimize: str) -> ctypes.CDLL:
    """Emit, compile and load; the files are gone afterwards."""
    compiler = find_compiler()
    with TemporaryDirectory(prefix="ddcompile-", ignore_cleanup_errors=True) as folder:
        for rule, prefix in zip(rules, prefixes, strict=True):
            for file in CTarget().emit(rule, EmitOptions(prefix=prefix, comments=False)):
                Path(folder, file.name).write_text(file.text, encoding="utf-8")
        unit, shared = Path(folder, "all.c"), Path(folder, "all.so")
        unit.write_text("".join(f'#include "{prefix}.c"\n' for prefix in prefixes), encoding="utf-8")
        command = [compiler, *FLAGS, optimize, "-fPIC", "-shared", "-o", str(shared), str(unit)]
        environment = {**os.environ, "LC_ALL": "C"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, env=environment)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise fail("E103", f"{compiler} did not compile the emitted C: {error}") from error
        if done.returncode != 0:
            raise fail("E103", f"{compiler} did not compile the emitted C: {done.stderr[:2000]}")
        return ctypes.CDLL(str(shared))
