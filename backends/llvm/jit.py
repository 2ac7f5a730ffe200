"""The just-in-time compiler: a rule as a function from NumPy arrays to NumPy arrays."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Sequence
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from ddcompile.backends.llvm.compile import Library
from ddcompile.backends.llvm.module import print_kernel, symbol
from ddcompile.backends.shared.words import from_words, to_words
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import Types
from ddcompile.ir.verifier import check
from ddcompile.kernel.lower import lower
from ddcompile.kernel.nodes import BitType, Buffer
from ddcompile.runtime.arrays import prepare, results
from ddcompile.runtime.threads import check_jobs, spread

__all__ = ["CompiledRule", "compile_jit"]

_PREFIX = "ddcompile_rule"
"""The sample function's symbol, whatever the rule is called: no library has it."""
_KEPT = 64
"""How many specialisations of a rule with sizes are kept, the latest used ones."""


def compile_jit(rule: Rule, n_jobs: int = 1) -> CompiledRule:
    """Compile a rule to machine code for this processor.

    Parameters
    ----------
    rule : Rule
        A rule; one with sizes is compiled when it is called, for each shape of its inputs.
    n_jobs : int
        Threads among which the samples of a batch are divided; -1 for one a processor.

    Returns
    -------
    CompiledRule
        A function that takes one array an input and gives an array, or a NamedTuple of several results.

    Raises
    ------
    CompileError
        If the rule is not valid (T###), if machine integers cannot hold its numbers (E0##), or if `n_jobs` is no number
        of threads (E021).
    """
    return CompiledRule(rule, n_jobs)


class CompiledRule:
    """A compiled rule. Calls from several threads at once are safe, and run at the same time."""

    def __init__(self, rule: Rule, n_jobs: int = 1) -> None:
        self.rule = rule
        self.n_jobs = check_jobs(n_jobs)
        self._programs: OrderedDict[Rule, _Program] = OrderedDict()
        self._lock = Lock()
        types = check(rule)
        if not rule.sizes:
            self._programs[rule] = _Program(rule, types)

    def __call__(self, *arrays: Any) -> Any:
        """Apply the rule to one sample or any batch.

        Parameters
        ----------
        *arrays
            One array an input, with the same batch axes before its own; see `ddcompile.runtime.arrays.prepare`.

        Returns
        -------
        ndarray or NamedTuple of ndarray
            As the interpreter gives them.

        Raises
        ------
        CompileError
            A### if an array has a wrong shape or value.
        """
        prepared = prepare(self.rule, arrays)
        program = self._program(prepared.rule)
        raw = program.run(prepared.arrays, prod(prepared.batch_shape), self.n_jobs)
        return results(program.types.rule, program.types, raw, prepared.batch_shape)

    def __repr__(self) -> str:
        return f"<compiled rule {self.rule.name}, n_jobs={self.n_jobs}>"

    def _program(self, rule: Rule) -> _Program:
        """The program for a rule without sizes."""
        with self._lock:
            program = self._programs.get(rule)
            if program is None:
                program = self._programs[rule] = _Program(rule, check(rule))
            self._programs.move_to_end(rule)
            while len(self._programs) > _KEPT:
                self._programs.popitem(last=False)
            return program


class _Program:
    """Machine code for a rule without sizes."""

    def __init__(self, rule: Rule, types: Types) -> None:
        self.types = types
        self.kernel = lower(rule, types)
        self._library = Library(print_kernel(self.kernel, _PREFIX, comments=False))
        pointers = [ctypes.c_void_p] * (len(self.kernel.parameters) + self.kernel.needs_scratch)
        name = symbol(self.kernel, self.kernel.batch.name, _PREFIX)
        self._batch = self._library.function(name, ctypes.c_int64, *pointers)

    def run(self, arrays: Sequence[np.ndarray], count: int, n_jobs: int) -> list[np.ndarray]:
        """Compute `count` samples; scaled integers of shape (count, *shape) for each result."""
        inputs = [_raw(array, buffer) for array, buffer in zip(arrays, self.kernel.of_role("input"), strict=True)]
        outputs = [_empty(buffer, count) for buffer in self.kernel.of_role("output")]
        raw = [*inputs, *outputs]

        def work(start: int, stop: int) -> None:
            pointers = [array[start:stop].ctypes.data for array in raw]
            scratch = np.empty(self.kernel.scratch_bytes // 8 if self.kernel.needs_scratch else 0, dtype=np.uint64)
            if self.kernel.needs_scratch:
                pointers.append(scratch.ctypes.data)
            self._batch(stop - start, *pointers)

        spread(work, count, n_jobs)
        return [_numbers(array, buffer) for array, buffer in zip(outputs, self.kernel.of_role("output"), strict=True)]


def _dtype(buffer: Buffer) -> type[np.generic]:
    """The dtype of a buffer, words for wide integers."""
    if isinstance(buffer.type, BitType):
        return np.uint8
    widths: dict[int, type[np.generic]] = {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}
    return widths.get(buffer.type.width, np.uint64)


def _words(buffer: Buffer) -> int:
    """Items of a dtype that an element takes."""
    return 1 if isinstance(buffer.type, BitType) else buffer.type.words


def _raw(array: np.ndarray, buffer: Buffer) -> np.ndarray:
    """Canonical input values as they are in memory, one row a sample."""
    count = array.shape[0]
    if _words(buffer) > 1:
        return to_words(array.ravel().tolist(), _words(buffer)).reshape(count, buffer.size * _words(buffer))
    return np.ascontiguousarray(array.reshape(count, buffer.size), dtype=_dtype(buffer))


def _empty(buffer: Buffer, count: int) -> np.ndarray:
    """Memory for a result, one row a sample."""
    return np.empty((count, buffer.size * _words(buffer)), dtype=_dtype(buffer))


def _numbers(array: np.ndarray, buffer: Buffer) -> np.ndarray:
    """The integers of a result in memory."""
    count = array.shape[0]
    if _words(buffer) == 1:
        return array.reshape(count, *buffer.shape)
    numbers = np.empty(count * buffer.size, dtype=object)
    numbers[:] = from_words(array, _words(buffer))
    return numbers.reshape(count, *buffer.shape)
