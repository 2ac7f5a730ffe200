"""The just-in-time compiler: a rule as a function from NumPy arrays to NumPy arrays."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from math import prod
from threading import Lock
from time import sleep
from typing import Any

import numpy as np

from ddcompile.backends.llvm.artifact import Artifact
from ddcompile.backends.llvm.compile import Library
from ddcompile.backends.llvm.request import PREFIX, Request
from ddcompile.backends.llvm.single import Single
from ddcompile.backends.llvm.team import STATE_WORDS
from ddcompile.backends.shared.memory import input_memory, output_memory, output_values
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Rule
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.verifier import check
from ddcompile.kernel.nodes import WORD
from ddcompile.kernel.schedule_names import LAYOUTS, Layout
from ddcompile.kernel.schedules import Schedule, check_schedule
from ddcompile.runtime.arrays import Prepared, bundle, canonical, prepare, results
from ddcompile.runtime.memory import uninitialized
from ddcompile.runtime.packed import Packed, pack
from ddcompile.runtime.rationals import ranged_types
from ddcompile.runtime.shapes import bound, check_number, matched
from ddcompile.runtime.threads import check_jobs, spread
from ddcompile.runtime.workers import share

__all__ = ["CompiledRule", "compile_jit"]

_KEPT = 64
"""How many specialisations of a rule with sizes or rational inputs are kept, the latest used ones."""

_CACHED = 1 << 20
"""Bytes that stay in a processor's cache from being checked to being read again."""

_NAP = 0.0001
"""Seconds after which a thread looks again whether others are done."""


def compile_jit(rule: Rule, n_jobs: int = 1, schedule: str = "auto") -> CompiledRule:
    """Compile a rule to machine code for this processor, or find the code on disk (`ddcompile.runtime.cache`).

    Parameters
    ----------
    rule : Rule
        A rule; one with sizes is compiled when it is called, for each shape of its inputs: a kernel for all sizes may
        take ten times as long, as it does not vectorise a recurrence over rows. So is one with rational
        inputs, for the fraction bits and the range that their values need: narrow integers if they do.
    n_jobs : int
        Threads among which the samples of a batch, or parts of one large sample, are divided; -1 for one a processor.
    schedule : {"auto", "grid", "batch", "popcount", "tables", "scalar"}
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
        self._programs: OrderedDict[Request, Future[_Program]] = OrderedDict()
        self._lock = Lock()
        self._plainest: _Program | None = None
        """The program for the rule as it is, if it has neither sizes nor rational inputs."""
        if rule.sizes or any(declaration.type.kind == "rat" for declaration in rule.inputs):
            check(rule)
        else:
            self._plainest = self._program(rule, {})
        self._single = None if self._plainest is None else self._plainest.single

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
        if self._single is not None and not named and (found := self._single(arrays)) is not None:
            return found
        rule = self.rule
        if named:
            rule, arrays = bound(rule, arrays, named)
        if any(isinstance(array, Packed) for array in arrays):
            return self._packed(rule, arrays)
        return self._plain(rule, arrays)

    def _plain(self, rule: Rule, arrays: Sequence[Any]) -> Any:
        prepared = prepare(rule, arrays, is_deferred=True)
        program = self._program(prepared.rule, ranged_types(prepared))
        try:
            raw = program.run(prepared.arrays, prod(prepared.batch_shape), prepared if prepared.unchecked else None)
        except _WrongValue:
            prepare(rule, arrays)
            raise fail("A005", "inputs changed while they were read", place=rule.name) from None
        return results(program.rule, program.made, raw, prepared.batch_shape)

    def _packed(self, rule: Rule, arrays: Sequence[Any]) -> Any:
        """Results for packed bits, packed."""
        check_number(rule, len(arrays))
        pairs = [(a, len(d.type.shape)) for a, d in zip(arrays, rule.inputs, strict=True) if isinstance(a, Packed)]
        packed = [array for array, _ in pairs]
        is_sliced = all(array.ndim == own + 1 and array.axis == 0 for array, own in pairs)
        if len(packed) == len(arrays):
            special, batch = matched(rule, [array.shape for array in packed])
            is_packed = all(array.axis == array.ndim - 1 >= len(batch) for array in packed)
            layout: Layout = "sliced" if is_sliced else "packed" if is_packed else "plain"
            program = self._program(special, {}, layout)
            if layout != "plain" and program.made.layout == layout:
                return self._in_words(special, program, packed, batch)
        found = self._plain(rule, [np.asarray(array) for array in arrays])
        answers = found if isinstance(found, tuple) else (found,)
        has_bits = [d.type.kind == "bit" and (is_sliced or bool(d.type.shape)) for d in rule.outputs]
        axis = 0 if is_sliced else -1
        return bundle(rule, [pack(a, axis) if is_bits else a for a, is_bits in zip(answers, has_bits, strict=True)])

    def _in_words(self, rule: Rule, program: _Program, packed: Sequence[Packed], batch: tuple[int, ...]) -> Any:
        """Results for words that the program takes as they are."""
        made, samples = program.made, prod(batch)
        is_sliced = made.layout == "sliced"
        count = -(-samples // 64) if is_sliced else samples
        given = [a.words.reshape((count, *b.extents)) for a, b in zip(packed, made.inputs, strict=True)]
        raw = program.run(given, count)
        found: list[Any] = []
        for declaration, buffer, array in zip(rule.outputs, made.outputs, raw, strict=True):
            own = made.shape[declaration.name]
            shape = (*batch, *own)
            if buffer.type != WORD:
                found.append(canonical(declaration, made, array.reshape(-1, *own)[:samples], batch))
            elif is_sliced:
                if samples % 64:
                    array[-1:] &= np.uint64((1 << samples % 64) - 1)
                found.append(Packed(array, shape, axis=0))
            else:
                found.append(Packed(array.reshape((*batch, *buffer.extents)), shape))
        return bundle(rule, found)

    @property
    def code_bytes(self) -> int:
        """Bytes of machine code and constants that have been compiled so far."""
        with self._lock:
            programs = {found.result() for found in self._programs.values() if found.done() and not found.exception()}
        return sum(program.code_bytes for program in programs)

    def __repr__(self) -> str:
        return f"<compiled rule {self.rule.name}, n_jobs={self.n_jobs}>"

    def _program(self, rule: Rule, rationals: dict[str, ValueType], layout: Layout = "plain") -> _Program:
        """The program for a rule without sizes and rational inputs of these types."""
        if self._plainest is not None and rule is self.rule and not rationals and layout == "plain":
            return self._plainest
        request = Request(rule, tuple(rationals.items()), self.n_jobs, self.schedule, layout)
        with self._lock:
            found = self._programs.get(request)
            is_new = found is None
            if found is None:
                found = self._programs[request] = Future()
            self._programs.move_to_end(request)
            while len(self._programs) > _KEPT:
                self._programs.popitem(last=False)
        if is_new:
            # Who asks for the same waits; who asks for something else does not.
            try:
                found.set_result(self._twin(request) or _Program(request))
            except BaseException as error:
                with self._lock:
                    self._programs.pop(request, None)
                found.set_exception(error)
        return found.result()

    def _twin(self, request: Request) -> _Program | None:
        """The program for bits that lie otherwise, if that for these is the same."""
        for layout in LAYOUTS:
            with self._lock:
                other = self._programs.get(replace(request, layout=layout))
            if layout != request.layout and other is not None and other.done() and other.exception() is None:
                made = other.result().made
                if made.layout == (request.layout if made.takes(request.layout) else "plain"):
                    return other.result()
        return None


class _Program:
    """Machine code for a rule without sizes."""

    def __init__(self, request: Request) -> None:
        self.rule = request.rule
        self.made = request.artifact()
        self._n_jobs = request.n_jobs
        self._inputs, self._outputs = self.made.inputs, self.made.outputs
        self._library = Library(self.made.code)
        self._blocks = _Blocks(request, self.made) if self.made.width else None
        more = (self.made.strays > 0) + (self.made.scratch_bytes is not None)
        pointers = [ctypes.c_void_p] * (len(self.made.buffers) + more)
        self.batch = self._library.function(f"{PREFIX}_batch", ctypes.c_int64, *pointers)
        self.single = Single.of(request.rule, self.made, self.batch, request.n_jobs)
        if self.made.phases and request.n_jobs > 1:
            types = [*[ctypes.c_int64] * 5, ctypes.c_void_p, *pointers]
            self.team = self._library.function(f"{PREFIX}_team", *types, result=ctypes.c_int64)

    @property
    def code_bytes(self) -> int:
        """Bytes of machine code and constants."""
        return self._library.size + (0 if self._blocks is None else self._blocks.code_bytes)

    def run_blocks(self, count: int, pointers: list[int]) -> int:
        """Compute as many of the samples as make whole blocks; how many these are.

        Raises
        ------
        _WrongValue
            If something in their inputs of bits is no bit.
        """
        return 0 if self._blocks is None or count < self.made.width else self._blocks.run(count, pointers)

    def run(self, arrays: Sequence[np.ndarray], count: int, unchecked: Prepared | None = None) -> list[np.ndarray]:
        """Compute `count` samples; scaled integers, doubles or words of shape (count, *shape) for each result.

        Raises
        ------
        _WrongValue
            If a value of an input that is unchecked is not of its type.
        """
        inputs = [input_memory(b, array) for b, array in zip(self._inputs, arrays, strict=True)]
        outputs = [output_memory(buffer, count) for buffer in self._outputs]
        strays = [np.zeros(count * self.made.strays, dtype=np.uint64)] if self.made.strays else []
        memory = [*inputs, *outputs, *strays]
        if strays:
            unchecked = None
        is_shared = self._n_jobs > count and self.made.units > 1
        if count == 1 and unchecked is None and not is_shared and self.made.scratch_bytes is None:
            pointers = [array.__array_interface__["data"][0] for array in memory]
            if not self.run_blocks(1, pointers):
                self.batch(1, *pointers)
        else:
            run = _Run(self, memory, count, unchecked)
            if is_shared:
                run.share(self._n_jobs)
            else:
                spread(run.samples, count, self._n_jobs, self.made.grain)
        if any(array.any() for array in strays):
            raise _WrongValue
        return [output_values(b, array, count) for b, array in zip(self._outputs, outputs, strict=True)]


class _WrongValue(Exception):
    """A value of an input is not of its type."""


class _Run:
    """A call: memory that is read and written, and how it is divided.

    Values that are unchecked are compared with their types just before they are read, so that memory is read once;
    code that finds strays by itself needs that no more, and code for blocks only for what are no bits.
    """

    def __init__(self, program: _Program, memory: Sequence[np.ndarray], count: int, unchecked: Prepared | None) -> None:
        self.program, self.made, self.memory, self.count = program, program.made, memory, count
        self.unchecked = unchecked
        self.places = [(a.ctypes.data, a.nbytes // max(count, 1)) for a in memory]
        """Where the first sample of each buffer is, and how far samples are apart, in bytes."""
        size = max(1, sum(a.nbytes for a in memory[: len(self.made.inputs)]) // max(count, 1))
        grain = self.made.grain
        self.unchecked_blocks = None if unchecked is None else unchecked.but("bit")
        own = self.unchecked_blocks if self.made.width else unchecked
        self.chunk = count if own is None else max(1, _CACHED // size // grain) * grain
        """How many samples are checked at a time."""

    def _pointers(self, sample: int) -> list[int]:
        return [place + sample * size for place, size in self.places]

    def _scratch(self) -> list[np.ndarray]:
        """The memory that a call needs to work in, if any."""
        size = self.made.scratch_bytes
        return [] if size is None else [uninitialized(size // 8, np.uint64)]

    def _check(self, unchecked: Prepared | None, start: int, stop: int, parts: int) -> None:
        if unchecked is not None and not unchecked.holds(start, stop, parts):
            raise _WrongValue

    def samples(self, start: int, stop: int) -> None:
        """Compute some samples, one after the other."""
        scratch = self._scratch()
        own = [array.ctypes.data for array in scratch]
        for first in range(start, stop, max(1, self.chunk)):
            last = min(first + self.chunk, stop)
            done = last - (last - first) % self.made.width if self.made.width else first
            if done > first:
                self._check(self.unchecked_blocks, first, done, self.count)
                self.program.run_blocks(done - first, self._pointers(first))
            if done < last:
                self._check(self.unchecked, done, last, self.count)
                self.program.batch(last - done, *self._pointers(done), *own)

    def share(self, n_jobs: int) -> None:
        """Compute the samples, each by several threads."""
        units = self.made.units
        scratch = self._scratch()
        own = [array.ctypes.data for array in scratch]
        for sample in range(self.count):
            pointers = [*self._pointers(sample), *own]

            def hold(start: int, stop: int, before: int = sample * units) -> None:
                self._check(self.unchecked, before + start, before + stop, self.count * units)

            if self.unchecked is not None:
                spread(hold, units, n_jobs)
            self._together(min(n_jobs, units), pointers)

    def _together(self, jobs: int, pointers: Sequence[int]) -> None:
        """Compute a sample by a team of threads (see `ddcompile.backends.llvm.team`)."""
        made = self.made
        state = np.zeros((jobs + 1) * STATE_WORDS, dtype=np.uint64)

        def part(own: int) -> None:
            phase = 0
            while True:
                phase = self.program.team(own, jobs, made.phases, made.units, phase, state.ctypes.data, *pointers)
                if phase == made.phases:
                    break
                sleep(_NAP)

        share(part, jobs)


class _Blocks:
    """Machine code for many samples at once, made when there are so many for the first time."""

    def __init__(self, request: Request, made: Artifact) -> None:
        self.width = made.width
        self.code_bytes = 0
        self._bytes = made.block_bytes
        self._request = request
        self._library: Library | None = None
        self._function: Any = None
        self._lock = Lock()

    def run(self, count: int, pointers: list[int]) -> int:
        """Compute as many samples as make whole blocks, from and to these places; how many these are."""
        blocks = count // self.width
        memory = uninitialized(self._bytes // 8, np.uint64)
        given = [*pointers, memory.ctypes.data]
        if self._compiled(len(given))(blocks, *given):
            raise _WrongValue
        return blocks * self.width

    def _compiled(self, pointers: int) -> Any:
        with self._lock:
            if self._function is None:
                self._library = Library(self._request.blocks())
                self.code_bytes = self._library.size
                types = [ctypes.c_int64, *[ctypes.c_void_p] * pointers]
                self._function = self._library.function(f"{PREFIX}_blocks", *types, result=ctypes.c_int64)
            return self._function
