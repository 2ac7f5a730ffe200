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
from ddcompile.backends.llvm.lanes import block_bytes
from ddcompile.backends.llvm.module import print_batch, print_kernel, symbol
from ddcompile.backends.shared.memory import input_memory, output_memory, output_values
from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import Types, ValueType, infer
from ddcompile.ir.verifier import check
from ddcompile.kernel.grid.build import build
from ddcompile.kernel.lanes import Lanes
from ddcompile.kernel.nodes import Kernel
from ddcompile.kernel.schedules import Schedule, check_schedule, choose
from ddcompile.runtime.arrays import bundle, prepare, results
from ddcompile.runtime.packed import Packed, pack
from ddcompile.runtime.rationals import ranged_types
from ddcompile.runtime.shapes import bound, matched
from ddcompile.runtime.threads import check_jobs, spread, team

__all__ = ["CompiledRule", "compile_jit"]

_PREFIX = "ddcompile_rule"
"""The sample function's symbol, whatever the rule is called: no library has it."""
_KEPT = 64
"""How many specialisations of a rule with sizes or rational inputs are kept, the latest used ones."""

_Key: TypeAlias = tuple[Rule, tuple[tuple[str, ValueType], ...], bool]
"""What machine code is for: a rule without sizes, the types of its rational inputs, and whether bits are packed."""


def compile_jit(rule: Rule, n_jobs: int = 1, schedule: str = "auto") -> CompiledRule:
    """Compile a rule to machine code for this processor.

    Parameters
    ----------
    rule : Rule
        A rule; one with sizes is compiled when it is called, for each shape of its inputs: a kernel for all sizes may
        take ten times as long, as it does not vectorise a recurrence over rows. So is one with rational
        inputs, for the fraction bits and the range that their values need: narrow integers if they do.
    n_jobs : int
        Threads among which the samples of a batch, or parts of one large sample, are divided; -1 for one a processor.
    schedule : {"auto", "grid", "batch", "popcount", "scalar"}
        See `ddcompile.kernel.schedules`.

    Returns
    -------
    CompiledRule
        A function that takes one array an input and gives an array, or a NamedTuple of several results. Given packed
        bits (see `ddcompile.pack`), it gives packed bits.

    Raises
    ------
    CompileError
        If the rule is not valid (T###), if machine integers cannot hold its numbers (E0##), if `n_jobs` is no number of
        threads (E021), or if the schedule does not take the rule (E022; of a rule with sizes, when it is called).
    """
    return CompiledRule(rule, n_jobs, schedule)


class CompiledRule:
    """A compiled rule. Calls from several threads at once are safe, and run at the same time."""

    def __init__(self, rule: Rule, n_jobs: int = 1, schedule: str = "auto") -> None:
        self.rule = rule
        self.n_jobs = check_jobs(n_jobs)
        self.schedule: Schedule = check_schedule(schedule)
        self._programs: OrderedDict[_Key, _Program] = OrderedDict()
        self._lock = Lock()
        types = check(rule)
        if not rule.sizes and not any(declaration.type.kind == "rat" for declaration in rule.inputs):
            self._programs[rule, (), False] = _Program(rule, types, self.n_jobs, self.schedule)

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledRule, (self.rule, self.n_jobs, self.schedule)

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """Apply the rule to one sample or any batch.

        Parameters
        ----------
        *arrays, **named
            One array an input, in declared order or by name, with the same batch axes before its own; see
            `ddcompile.runtime.arrays.prepare`. Inputs of bits may be packed. Sizes may be given by name.

        Returns
        -------
        ndarray or NamedTuple of ndarray
            As the interpreter gives them; if an input is packed, so are tensors of bits.

        Raises
        ------
        CompileError
            A### if an array has a wrong shape or value.
        """
        rule = self.rule
        if named:
            rule, arrays = bound(rule, arrays, named)
        if any(isinstance(array, Packed) for array in arrays):
            return self._packed(rule, arrays)
        return self._plain(rule, arrays)

    def _plain(self, rule: Rule, arrays: Sequence[Any]) -> Any:
        prepared = prepare(rule, arrays)
        program = self._program(prepared.rule, ranged_types(prepared))
        raw = program.run(prepared.arrays, prod(prepared.batch_shape))
        return results(program.types.rule, program.types, raw, prepared.batch_shape)

    def _packed(self, rule: Rule, arrays: Sequence[Any]) -> Any:
        """Results for packed bits, packed."""
        packed = [array for array in arrays if isinstance(array, Packed)]
        if len(packed) == len(arrays):
            special, batch = matched(rule, [array.shape for array in packed])
            program = self._program(special, {}, is_packed=True)
            if program.is_packed:
                samples = prod(batch)
                given = [array.words.reshape((samples, *array.words.shape[len(batch) :])) for array in packed]
                raw = program.run(given, samples)
                shapes = [(*batch, *program.types.shape[d.name]) for d in special.outputs]
                words = [a.reshape((*batch, *a.shape[1:])) for a in raw]
                return bundle(rule, [Packed(w, shape) for w, shape in zip(words, shapes, strict=True)])
        found = self._plain(rule, [np.asarray(array) for array in arrays])
        answers = found if isinstance(found, tuple) else (found,)
        has_bits = [d.type.kind == "bit" and bool(d.type.shape) for d in rule.outputs]
        return bundle(rule, [pack(a) if is_packed else a for a, is_packed in zip(answers, has_bits, strict=True)])

    @property
    def code_bytes(self) -> int:
        """Bytes of machine code and constants that have been compiled so far."""
        with self._lock:
            return sum(program.code_bytes for program in set(self._programs.values()))

    def __repr__(self) -> str:
        return f"<compiled rule {self.rule.name}, n_jobs={self.n_jobs}>"

    def _program(self, rule: Rule, rationals: dict[str, ValueType], *, is_packed: bool = False) -> _Program:
        """The program for a rule without sizes and rational inputs of these types."""
        key = rule, tuple(rationals.items()), is_packed
        with self._lock:
            program = self._programs.get(key)
            other = self._programs.get((*key[:2], not is_packed))
            if program is None and other is not None and not other.is_grid:
                program = self._programs[key] = other
            elif program is None:
                types = infer(rule, rationals) if rationals else check(rule)
                program = self._programs[key] = _Program(rule, types, self.n_jobs, self.schedule, is_packed=is_packed)
            self._programs.move_to_end(key)
            while len(self._programs) > _KEPT:
                self._programs.popitem(last=False)
            return program


class _Program:
    """Machine code for a rule without sizes."""

    def __init__(self, rule: Rule, types: Types, n_jobs: int, schedule: Schedule, *, is_packed: bool = False) -> None:
        self.types = types
        self.n_jobs = n_jobs
        chosen = choose(rule, types, schedule)
        plan = chosen.plan
        self.is_grid = plan is not None
        """Whether code for packed bits is another than that for others."""
        self.is_packed = is_packed and self.is_grid
        """Whether bits are given and taken in words."""
        self._phases = self._units = 0
        if plan is not None:
            built = build(rule, types, plan, is_packed=is_packed, workers=n_jobs)
            self.kernel, self._phases, self._units = built.kernel, built.phases, built.units
        else:
            assert chosen.kernel is not None
            self.kernel = chosen.kernel
        self._blocks = None if chosen.lanes is None else _Blocks(self.kernel, chosen.lanes, chosen.width)
        self._library = Library(print_kernel(self.kernel, _PREFIX, comments=False))
        pointers = [ctypes.c_void_p] * (len(self.kernel.parameters) + self.kernel.needs_scratch)
        name = symbol(self.kernel, self.kernel.batch.name, _PREFIX)
        self._batch = self._library.function(name, ctypes.c_int64, *pointers)
        if self.kernel.phase is not None:
            name = symbol(self.kernel, self.kernel.phase.name, _PREFIX)
            self._phase = self._library.function(name, *[ctypes.c_int64] * 4, *pointers)

    @property
    def code_bytes(self) -> int:
        """Bytes of machine code and constants."""
        return self._library.size + (0 if self._blocks is None else self._blocks.code_bytes)

    def run(self, arrays: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
        """Compute `count` samples; scaled integers, doubles or words of shape (count, *shape) for each result."""
        inputs = [input_memory(b, array) for b, array in zip(self.kernel.of_role("input"), arrays, strict=True)]
        outputs = [output_memory(buffer, count) for buffer in self.kernel.of_role("output")]
        rows = [
            array.reshape(count, b.size * b.type.words)
            for b, array in zip(self.kernel.parameters, [*inputs, *outputs], strict=True)
        ]

        def work(start: int, stop: int) -> None:
            if self._blocks is not None and stop - start >= self._blocks.width:
                start += self._blocks.run([array[start:stop] for array in rows])
            if start == stop:
                return
            scratch = self._scratch()
            pointers = [*(array[start:stop].ctypes.data for array in rows), *(array.ctypes.data for array in scratch)]
            self._batch(stop - start, *pointers)

        if self.n_jobs > count and self._units > 1:
            scratch = self._scratch()
            for sample in range(count):
                pointers = [*(array[sample].ctypes.data for array in rows), *(a.ctypes.data for a in scratch)]
                team(lambda *job, p=pointers: self._phase(*job, *p), self._phases, self._units, self.n_jobs)
        else:
            spread(work, count, self.n_jobs)
        return [output_values(b, array, count) for b, array in zip(self.kernel.of_role("output"), outputs, strict=True)]

    def _scratch(self) -> list[np.ndarray]:
        """The memory that a call needs to work in, if any."""
        return [np.empty(self.kernel.scratch_bytes // 8, dtype=np.uint64)] if self.kernel.needs_scratch else []


class _Blocks:
    """Machine code for many samples at once, made when there are so many for the first time."""

    def __init__(self, kernel: Kernel, lanes: Lanes, width: int) -> None:
        self.width = width
        self.code_bytes = 0
        self._kernel, self._lanes = kernel, lanes
        self._library: Library | None = None
        self._lock = Lock()

    def run(self, rows: Sequence[np.ndarray]) -> int:
        """Compute as many samples as make whole blocks, from and to an array a buffer; how many these are."""
        blocks = len(rows[0]) // self.width
        memory = np.empty(block_bytes(self._kernel, self.width) // 8, dtype=np.uint64)
        pointers = [array.ctypes.data for array in (*rows, memory)]
        self._compiled().function(f"{_PREFIX}_blocks", ctypes.c_int64, *[ctypes.c_void_p] * len(pointers))(
            blocks, *pointers
        )
        return blocks * self.width

    def _compiled(self) -> Library:
        with self._lock:
            if self._library is None:
                self._library = Library(print_batch(self._kernel, self._lanes, self.width, _PREFIX))
                self.code_bytes = self._library.size
            return self._library
