"""Memory that is used again: a system takes longer to give fresh pages than compiled code takes to fill them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

__all__ = ["uninitialized"]

_SMALL, _LARGE = 128 << 10, 128 << 20
"""Bytes of a block that is kept: smaller ones are kept by the allocator, and larger ones are too much to keep."""
_BLOCKS, _KEPT = 8, 256 << 20
"""Blocks that are kept, and bytes of them, at most."""
_ALIGNMENT = 64

_free: deque[np.ndarray] = deque(maxlen=_BLOCKS)
"""Blocks that nothing uses, the latest ones last. A deque loses and gains its ends in one step, whatever the thread."""


def _keep(block: np.ndarray, free: deque[np.ndarray] = _free) -> None:
    """Have a block used again; the oldest ones go, if they are too many."""
    free.append(block)
    with suppress(IndexError, RuntimeError):  # who changes them meanwhile does the same
        while sum(other.nbytes for other in free) > _KEPT:
            free.popleft()


class _Lease:
    """Who uses a block; the last array on it takes this along, and the block is free again."""

    __slots__ = ("__array_interface__", "_block")

    def __init__(self, block: np.ndarray, size: int, dtype: np.dtype[Any]) -> None:
        self._block = block
        interface = _aligned(block, size, dtype).__array_interface__
        self.__array_interface__ = {key: interface[key] for key in ("version", "shape", "typestr", "data")}

    def __del__(self, keep: Callable[[np.ndarray], None] = _keep) -> None:
        keep(self._block)


def _aligned(block: np.ndarray, size: int, dtype: np.dtype[Any]) -> np.ndarray:
    start = -block.ctypes.data % _ALIGNMENT
    found: np.ndarray = block[start : start + size * dtype.itemsize].view(dtype)
    return found


def uninitialized(size: int, dtype: Any) -> np.ndarray:
    """An array of so many elements, whatever they are: like `numpy.empty`, but in memory that is free by now.

    At most 256 MiB of memory are kept for it. If the array has 128 KiB or more, it begins at a multiple of 64 bytes.
    """
    dtype = np.dtype(dtype)
    bytes_ = size * dtype.itemsize + _ALIGNMENT
    if bytes_ < _SMALL:
        return np.empty(size, dtype)
    if bytes_ > _LARGE:
        return _aligned(np.empty(bytes_, dtype=np.uint8), size, dtype)
    for _ in range(len(_free)):
        try:
            block = _free.pop()
        except IndexError:
            break  # another thread took it
        if block.nbytes == bytes_:
            return np.asarray(_Lease(block, size, dtype))
        _free.appendleft(block)
    return np.asarray(_Lease(np.empty(bytes_, dtype=np.uint8), size, dtype))
