"""Integers beyond 64 bits in memory: little-endian two's complement words, as the kernel IR lays them out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["from_words", "to_words"]


def to_words(values: Iterable[int], words: int) -> np.ndarray:
    """Integers as a flat uint64 array, `words` words each, least significant first.

    Raises
    ------
    OverflowError
        If a value does not fit.
    """
    data = b"".join(int(v).to_bytes(8 * words, "little", signed=True) for v in values)
    return np.frombuffer(data, dtype="<u8").astype(np.uint64)


def from_words(array: np.ndarray, words: int) -> list[int]:
    """The integers in a uint64 array of `words` words each, in row-major order."""
    data = np.ascontiguousarray(array, dtype="<u8").tobytes()
    step = 8 * words
    return [int.from_bytes(data[k : k + step], "little", signed=True) for k in range(0, len(data), step)]
