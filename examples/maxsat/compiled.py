"""The rule as one C function for formulas of every size."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import ddcompile as dd

__all__ = ["compiled"]

Rule = Callable[[np.ndarray], np.ndarray]
"""From a matrix of bits to two probabilities."""


def compiled(program: dd.Program) -> Rule:
    """Emit C, compile it with `cc` and load it; `program.jit()` would compile anew for every size of formula."""
    with TemporaryDirectory() as folder:
        for file in program.emit("c", prefix="maxsat"):
            Path(folder, file.name).write_text(file.text, encoding="utf-8")
        subprocess.run(["cc", "-std=c99", "-O2", "-fPIC", "-shared", "-o", "it.so", "maxsat.c"], cwd=folder, check=True)
        library = ctypes.CDLL(str(Path(folder, "it.so")))
    library.maxsat.argtypes = [ctypes.c_size_t] * 2 + [ctypes.c_void_p] * 3
    library.maxsat_scratch_size.argtypes = [ctypes.c_size_t] * 2
    library.maxsat_scratch_size.restype = ctypes.c_size_t

    def run(clauses: np.ndarray) -> np.ndarray:
        clauses = np.ascontiguousarray(clauses, dtype=np.uint8)
        result = np.empty(2)
        scratch = np.empty(-(-library.maxsat_scratch_size(*clauses.shape) // 8), dtype=np.int64)
        if library.maxsat(*clauses.shape, clauses.ctypes.data, result.ctypes.data, scratch.ctypes.data):
            raise ValueError(f"the rule does not take {clauses.shape}")
        return result

    return run
