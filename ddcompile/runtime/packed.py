"""Arrays of bits, 64 of them in a word."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.ir.findings import counted

__all__ = ["Packed", "pack", "unpack"]


class Packed:
    """An array of bits, packed along one axis.

    Attributes
    ----------
    words : ndarray of uint64
        Of the shape of the array, but for that axis, along which there is a word for 64 bits. Bit k of word w is
        element 64 w + k; the bits of the last word that are no element are 0.
    shape : tuple of int
        The shape of the array of bits.
    axis : int
        The axis: the last one by default.

    Raises
    ------
    CompileError
        A009 if words and shape do not belong together.
    """

    __slots__ = ("axis", "shape", "words")

    def __init__(self, words: np.ndarray, shape: Sequence[int], axis: int = -1) -> None:
        given: Any = words
        try:
            extents = tuple(index(extent) for extent in shape)
        except TypeError:
            extents = (-1,)
        if not isinstance(given, np.ndarray) or min(extents, default=0) < 0:
            hint = "give an array of words, and the shape of the bits as whole numbers; or use ddcompile.pack"
            raise fail("A009", "these are no words and the shape of bits", hint=hint)
        axis = _axis(axis, len(extents)) if extents else 0
        expected = (*extents[:axis], -(-extents[axis] // 64), *extents[axis + 1 :]) if extents else ()
        if not extents or words.dtype != np.uint64 or words.shape != expected:
            raise fail(
                "A009",
                f"words of dtype {words.dtype} and shape {words.shape} are no packed bits of shape {extents}",
                hint=f"give uint64 words of shape {expected}" if extents else "bits are packed along an axis",
            )
        rest = extents[axis] % 64
        if rest and words.size and bool((words.take(-1, axis) >> np.uint64(rest)).any()):
            raise fail("A009", "bits beyond the end of a row are not 0", hint="use ddcompile.pack")
        self.words = np.ascontiguousarray(words)
        self.shape = extents
        self.axis = axis

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("packed bits are unpacked into new memory")
        found = unpack(self)
        return found if dtype is None else found.astype(dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Packed):
            return NotImplemented
        own, others = (self.shape, self.axis), (other.shape, other.axis)
        return own == others and bool(np.array_equal(self.words, other.words))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        along = f" along axis {self.axis}" if self.axis != self.ndim - 1 else ""
        return f"Packed({' x '.join(map(str, self.shape))} bits{along})"


def _axis(axis: Any, ndim: int) -> int:
    """The number of an axis from the first one on."""
    try:
        return range(ndim)[index(axis)]
    except (IndexError, TypeError):
        raise fail("A009", f"an array of {counted(ndim, 'axis', 'axes')} has no axis {axis!r}") from None


def pack(array: Any, axis: int = -1) -> Packed:
    """Pack bits along an axis.

    Parameters
    ----------
    array : array_like
        Numbers 0 and 1, with at least one axis.
    axis : int
        The axis. Along the last one, neighbours on a grid lie in one word. Along the first one of a batch, 64 samples
        do: so networks of logic gates are computed.

    Raises
    ------
    CompileError
        A009 if it is no array, something is neither 0 nor 1, or there is no such axis.
    """
    try:
        given = np.asarray(array)
    except (ValueError, TypeError) as error:
        raise fail("A009", f"what is to be packed is no array: {error}") from error
    if given.dtype.kind not in "biufO":
        raise fail("A009", f"an array of dtype {given.dtype} holds no bits")
    if given.ndim == 0:
        raise fail("A009", "a single bit has no axis to be packed along")
    bits = given.astype(bool)
    if given.dtype != bool and not bool((given == bits).all()):
        raise fail("A009", "something is neither 0 nor 1 and is no bit")
    axis = _axis(axis, given.ndim)
    width = given.shape[axis]
    # The bytes of a word come last.
    short = np.moveaxis(np.packbits(bits, axis=axis, bitorder="little"), axis, -1)
    padded = np.zeros((*short.shape[:-1], -(-width // 64) * 8), dtype=np.uint8)
    padded[..., : -(-width // 8)] = short
    words = padded.view("<u8").astype(np.uint64, copy=False)
    return Packed(np.moveaxis(words, -1, axis), given.shape, axis)


def unpack(packed: Packed) -> np.ndarray:
    """The bits, as uint8 of the packed array's shape.

    Raises
    ------
    CompileError
        A009 if they are not packed.
    """
    given: Any = packed
    if not isinstance(given, Packed):
        raise fail("A009", f"{type(given).__name__} is not packed", hint="ddcompile.pack packs bits")
    axis = packed.axis
    words = np.ascontiguousarray(np.moveaxis(packed.words, axis, -1)).astype("<u8", copy=False)
    bits = np.unpackbits(words.view(np.uint8), axis=-1, count=packed.shape[axis], bitorder="little")
    return np.ascontiguousarray(np.moveaxis(bits, -1, axis))
