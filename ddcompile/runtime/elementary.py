"""Procedures over binary64 evaluated on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ddcompile.analysis.elementary import ARGUMENT, ELEMENTARY, Operation, Procedure

__all__ = ["elementary", "run"]

_STEPS: Mapping[Operation, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "lt": np.less,
    "eq": np.equal,
    "and": np.logical_and,
    "select": np.where,
    "to_int": lambda x: np.asarray(x).astype(np.int64),
    "from_int": lambda n: np.asarray(n).astype(np.float64),
    "isub": np.subtract,
    "half": lambda n: n >> 1,
    "pow2": lambda n: np.ldexp(1.0, n),
    "exponent": lambda x: np.frexp(x)[1].astype(np.int64) - 1,
}
_BLOCK = 1 << 13
"""Numbers at a time: the values of all steps stay in the cache."""


def elementary(name: str, x: np.ndarray) -> np.ndarray:
    """`exp`, `log`, `tanh` or `sigmoid` of a float64 array of any shape, as the language defines them."""
    return run(ELEMENTARY[name], x)


def run(procedure: Procedure, x: np.ndarray) -> np.ndarray:
    """A procedure at every element of a float64 array of any shape."""
    flat = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
    results = np.empty_like(flat)
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            results[block] = _run(procedure, flat[block])
    return results.reshape(np.shape(x))


def _run(procedure: Procedure, x: np.ndarray) -> Any:
    values: dict[str, Any] = {ARGUMENT: x}
    for step in procedure.steps:
        if step.operation == "const":
            values[step.name] = np.float64(step.value)
        else:
            values[step.name] = _STEPS[step.operation](*[values[name] for name in step.operands])
    return values[procedure.result]
