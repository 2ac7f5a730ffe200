"""The just-in-time compiler: a rule as a function from NumPy arrays to NumPy arrays."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Sequence
from math import prod
from threading import Lock
from typing import Any, TypeAlias

import numpy as np

from ddcompile.backends.llvm.compile import Library
from ddcompile.backends.llvm.module import print_kernel, symbol
from ddcompile.backends.shared.memory import input_memory, output_memory, output_values
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import Types, ValueType, infer
from ddcompile.ir.verifier import check
from ddcompile.kernel.lower import lower
from ddcompile.runtime.arrays import prepare, results
from ddcompile.runtime.rationals import ranged_types
from ddcompile.runtime.threads import check_jobs, spread

__all__ = ["CompiledRule", "compile_jit"]

_PREFIX = "ddcompile_rule"
"""The sample function's symbol, whatever the rule is called: no library has it."""
_KEPT = 64
"""How many specialisations of a rule with sizes or rational inputs are kept, the latest used ones."""

_Key: TypeAlias = tuple[Rule, tuple[tuple[str, ValueType], ...]]
"""What machine code is for: a rule without sizes, and the types of its rational inputs."""


def compile_jit(rule: Rule, n_jobs: int = 1) -> CompiledRule:
    """Compile a rule to machine code for this processor.

    Parameters
    ----------
    rule : Rule
        A rule; one with sizes is compiled when it is called, for each shape of its inputs: a kernel for all sizes may
        take ten times as long, as it does not vectorise a recurrence over rows. So is one with rational
        inputs, for the fraction bits and the range that their values need: narrow integers if they do.
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
        self._programs: OrderedDict[_Key, _Program] = OrderedDict()
        self._lock = Lock()
        types = check(rule)
        if not rule.sizes and not any(declaration.type.kind == "rat" for declaration in rule.inputs):
            self._programs[rule, ()] = _Program(rule, types)

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
        program = self._program(prepared.rule, ranged_types(prepared))
        raw = program.run(prepared.arrays, prod(prepared.batch_shape), self.n_jobs)
        return results(program.types.rule, program.types, raw, prepared.batch_shape)

    def __repr__(self) -> str:
        return f"<compiled rule {self.rule.name}, n_jobs={self.n_jobs}>"

    def _program(self, rule: Rule, rationals: dict[str, ValueType]) -> _Program:
        """The program for a rule without sizes and rational inputs of these types."""
        key = rule, tuple(rationals.items())
        with self._lock:
            program = self._programs.get(key)
            if program is None:
                types = infer(rule, rationals) if rationals else check(rule)
                program = self._programs[key] = _Program(rule, types)
            self._programs.move_to_end(key)
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
        """Compute `count` samples; scaled integers or doubles of shape (count, *shape) for each result."""
        inputs = [input_memory(b, array) for b, array in zip(self.kernel.of_role("input"), arrays, strict=True)]
        outputs = [output_memory(buffer, count) for buffer in self.kernel.of_role("output")]
        rows = [
            array.reshape(count, b.size * b.type.words)
            for b, array in zip(self.kernel.parameters, [*inputs, *outputs], strict=True)
        ]

        def work(start: int, stop: int) -> None:
            pointers = [array[start:stop].ctypes.data for array in rows]
            scratch = np.empty(self.kernel.scratch_bytes // 8 if self.kernel.needs_scratch else 0, dtype=np.uint64)
            if self.kernel.needs_scratch:
                pointers.append(scratch.ctypes.data)
            self._batch(stop - start, *pointers)

        spread(work, count, n_jobs)
        return [output_values(b, array, count) for b, array in zip(self.kernel.of_role("output"), outputs, strict=True)]
