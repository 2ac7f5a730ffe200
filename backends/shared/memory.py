"""Arrays as the buffers of a kernel: what compiled code reads and writes, one sample after the other."""

from __future__ import annotations

import numpy as np

from ddcompile.backends.shared.words import from_words, to_words
from ddcompile.kernel.nodes import F64, Buffer
from ddcompile.kernel.scalars import bits_of
from ddcompile.runtime.memory import uninitialized
from ddcompile.runtime.rationals import binary64, scaled

__all__ = ["input_memory", "memory_dtype", "output_memory", "output_values", "scaled_values"]

_DTYPES: dict[str, type[np.generic]] = {
    "bit": np.uint8, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "f64": np.float64,
    "word": np.uint64,
}  # fmt: skip


def memory_dtype(buffer: Buffer) -> type[np.generic]:
    """The dtype of an array that is the memory of a buffer: words, if its numbers are wider than 64 bits."""
    return np.uint64 if buffer.type.is_wide else _DTYPES[str(buffer.type)]


def input_memory(buffer: Buffer, array: np.ndarray) -> np.ndarray:
    """The memory of an input.

    Parameters
    ----------
    buffer
        An input of a kernel.
    array
        Of shape (batch, *shape), in the canonical form of `ddcompile.runtime.arrays`.

    Raises
    ------
    CompileError
        A008 if the buffer is of doubles and a rational is none.
    """
    if array.dtype == object and buffer.type == F64:
        array = binary64(buffer.name, array)
    elif array.dtype == object:
        array = scaled(array, buffer.exponent)
    if buffer.type.is_wide:
        return to_words(array.ravel().tolist(), buffer.type.words)
    return np.ascontiguousarray(array, dtype=memory_dtype(buffer)).reshape(-1)


def output_memory(buffer: Buffer, samples: int) -> np.ndarray:
    """Memory for an output of so many samples, every element of which the kernel writes."""
    return uninitialized(samples * buffer.size * buffer.type.words, memory_dtype(buffer))


def output_values(buffer: Buffer, memory: np.ndarray, samples: int) -> np.ndarray:
    """The numbers in the memory of an output, of shape (batch, *shape): scaled integers or doubles."""
    shape = (samples, *buffer.extents)
    if not buffer.type.is_wide:
        return memory.reshape(shape)
    values = np.empty(samples * buffer.size, dtype=object)
    values[:] = from_words(memory, buffer.type.words)
    return values.reshape(shape)


def scaled_values(buffer: Buffer, array: np.ndarray) -> list[int]:
    """The elements of an array of numbers, flat, as a table of the buffer's type would have them."""
    if buffer.type == F64:
        return [bits_of(float(value)) for value in array.ravel().tolist()]
    return [int(value * (1 << buffer.exponent)) for value in array.ravel().tolist()]
