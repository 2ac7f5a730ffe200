"""How much memory compiling costs that is never given back."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

import numpy as np

from ddcompile.backends.llvm.jit import compile_jit
from ddcompile.ir.parser import parse

__all__ = ["kept_bytes"]

_WARM = 100


def _peak() -> int:
    """The most memory that this process has had, in bytes.

    Linux tells it without that of the process which started this one: `ru_maxrss` would hide what is smaller.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def kept_bytes(rounds: int) -> float:
    """Bytes a round by which the process grows when rules, each another one, are compiled, called and forgotten.

    Parameters
    ----------
    rounds
        After a hundred others, which fill what is filled once. Each compiles two functions: for single samples, and for
        many side by side.
    """
    x = np.arange(600).reshape(200, 3) % 10
    start = 0
    for k in range(_WARM + rounds):
        if k == _WARM:
            gc.collect()
            start = _peak()
        rule = parse(f"rule r{k}(x: int[0..9][3]) -> (y: int) {{ y = sum(i < 3: x[i]) * {k} }}")
        found = compile_jit(rule)(x)
        assert found[1] == 12 * k
    return (_peak() - start) / rounds
