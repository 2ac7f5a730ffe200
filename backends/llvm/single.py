"""One sample at a time: a call that takes as long as its code, if the arrays are what the code takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import addressof, c_char
from typing import Any

import numpy as np

from ddcompile.backends.llvm.artifact import Artifact
from ddcompile.backends.shared.memory import memory_dtype
from ddcompile.ir.nodes import Declaration, Rule
from ddcompile.ir.types import declared_type
from ddcompile.kernel.nodes import WORD, Buffer
from ddcompile.runtime.arrays import bundle, canonical_dtype, holds
from ddcompile.runtime.memory import uninitialized

__all__ = ["Single"]


class Single:
    """A program called for one sample; what is the same for all calls is found beforehand.

    Parameters
    ----------
    rule : Rule
        A rule without sizes and rational inputs.
    made : Artifact
        Its code, for bits that lie plainly.
    function : callable
        The function of the code for a number of samples: this number, then the places of inputs and outputs.
    """

    def __init__(self, rule: Rule, made: Artifact, function: Callable[..., Any]) -> None:
        self._rule, self._function = rule, function
        self._inputs = [
            _Input(declaration, buffer) for declaration, buffer in zip(rule.inputs, made.inputs, strict=True)
        ]
        self._outputs = [
            (made.shape[declaration.name], buffer.size, memory_dtype(buffer), _result_dtype(declaration, made))
            for declaration, buffer in zip(rule.outputs, made.outputs, strict=True)
        ]

    @classmethod
    def of(cls, rule: Rule, made: Artifact, function: Callable[..., Any], n_jobs: int) -> Single | None:
        """Such a call, if numbers in the buffers are those of arrays, and one thread needs nothing but their places."""
        is_plain = made.layout == "plain" and not made.strays and made.scratch_bytes is None and made.width != 1
        is_shared = n_jobs > 1 and made.units > 1
        is_whole = all(d.type.kind != "rat" for d in (*rule.inputs, *rule.outputs))
        has_numbers = is_whole and all(buffer.type != WORD and not buffer.type.is_wide for buffer in made.buffers)
        return cls(rule, made, function) if rule.inputs and is_plain and has_numbers and not is_shared else None

    def __call__(self, arrays: Sequence[Any]) -> Any:
        """The results; None if arrays are not one sample, have to be converted, or hold something wrong."""
        if len(arrays) != len(self._inputs):
            return None
        batch: tuple[int, ...] | None = None
        kept, places = [], []
        for array, own in zip(arrays, self._inputs, strict=True):
            if type(array) is not np.ndarray:
                return None
            before = own.batch(array)
            if before is None or (batch is not None and before != batch):
                return None
            batch = before
            memory = own.memory(array)
            if memory is None:
                return None
            kept.append(memory)
            places.append(_address(memory))
        assert batch is not None, "there are inputs"
        found = []
        for _, size, dtype, _ in self._outputs:
            found.append(uninitialized(size, dtype))
            places.append(_address(found[-1]))
        self._function(1, *places)
        results = [
            array.astype(dtype, copy=False).reshape(batch + shape)
            for array, (shape, _, _, dtype) in zip(found, self._outputs, strict=True)
        ]
        return bundle(self._rule, results)


class _Input:
    """An input: the arrays for it that need no conversion but to the integers of its buffer."""

    def __init__(self, declaration: Declaration, buffer: Buffer) -> None:
        self._declared = declared_type(declaration.type, is_input=True)
        self._dtype = np.dtype(canonical_dtype(declaration.type.kind, self._declared))
        self._buffer_dtype = np.dtype(memory_dtype(buffer))
        self._shape = buffer.extents
        self._rank, self._size = len(buffer.extents), buffer.size

    def batch(self, array: np.ndarray) -> tuple[int, ...] | None:
        """The batch axes, if the array is one sample."""
        shape = array.shape
        axes = len(shape) - self._rank
        if axes < 0 or shape[axes:] != self._shape or array.size != self._size:
            return None
        return shape[:axes]

    def memory(self, array: np.ndarray) -> np.ndarray | None:
        """The array as code reads it, if all its values are of the declared type."""
        flags = array.flags
        if array.dtype != self._dtype or array.dtype.hasobject or not (flags.c_contiguous and flags.aligned):
            return None
        if not holds(array, self._declared):
            return None
        return array if self._dtype == self._buffer_dtype else array.astype(self._buffer_dtype)


def _result_dtype(declaration: Declaration, made: Artifact) -> np.dtype[Any]:
    return np.dtype(canonical_dtype(declaration.type.kind, made.tensor[declaration.name]))


def _address(array: np.ndarray) -> int:
    """Where its memory begins: for what may be written, found in a third of the time that `array.ctypes.data` takes."""
    return addressof(c_char.from_buffer(array.data)) if array.flags.writeable else array.ctypes.data
