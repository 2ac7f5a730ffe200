"""Arrays as the buffers of a kernel: what compiled code reads and writes, one sample after the other."""

from __future__ import annotations

import numpy as np

from ddcompile.backends.shared.words import from_words, to_words
from ddcompile.kernel.nodes import BitType, Buffer

__all__ = ["input_memory", "output_memory", "output_values", "scaled_values"]

_DTYPES: dict[int, type[np.generic]] = {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}


def _dtype(buffer: Buffer) -> type[np.generic]:
    if isinstance(buffer.type, BitType):
        return np.uint8
    return np.uint64 if buffer.type.is_wide else _DTYPES[buffer.type.width]


def _words(buffer: Buffer) -> int:
    return 1 if isinstance(buffer.type, BitType) else buffer.type.words


def input_memory(buffer: Buffer, array: np.ndarray) -> np.ndarray:
    """The memory of an input.

    Parameters
    ----------
    buffer
        An input of a kernel.
    array
        Of shape (batch, *shape), in the canonical form of `ddcompile.runtime.arrays`.
    """
    if _dtype(buffer) is np.uint64:
        return to_words(array.ravel().tolist(), _words(buffer))
    return np.ascontiguousarray(array, dtype=_dtype(buffer)).reshape(-1)


def output_memory(buffer: Buffer, samples: int) -> np.ndarray:
    """Memory for an output of so many samples, all bytes 0."""
    return np.zeros(samples * buffer.size * _words(buffer), dtype=_dtype(buffer))


def output_values(buffer: Buffer, memory: np.ndarray, samples: int) -> np.ndarray:
    """The scaled integers in the memory of an output, of shape (batch, *shape): machine integers, or objects."""
    shape = (samples, *buffer.shape)
    if _dtype(buffer) is not np.uint64:
        return memory.reshape(shape)
    values = np.empty(samples * buffer.size, dtype=object)
    values[:] = from_words(memory, _words(buffer))
    return values.reshape(shape)


def scaled_values(buffer: Buffer, array: np.ndarray) -> list[int]:
    """The scaled integers of an array of exact numbers, flat: what its memory holds."""
    return [int(value * (1 << buffer.exponent)) for value in array.ravel().tolist()]
