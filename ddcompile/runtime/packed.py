"""Arrays of bits, 64 of them in a word."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from ddcompile.diagnostics import fail

__all__ = ["Packed", "pack", "unpack"]


class Packed:
    """An array of bits, packed along its last axis.

    Attributes
    ----------
    words : ndarray of uint64
        Of shape (*shape[:-1], ceil(shape[-1] / 64)). Bit k of word w of a row is its element 64 w + k; the bits of the
        last word that are no element are 0.
    shape : tuple of int
        The shape of the array of bits.

    Raises
    ------
    CompileError
        A009 if words and shape do not belong together.
    """

    __slots__ = ("shape", "words")

    def __init__(self, words: np.ndarray, shape: Sequence[int]) -> None:
        given: Any = words
        try:
            extents = tuple(index(extent) for extent in shape)
        except TypeError:
            extents = (-1,)
        if not isinstance(given, np.ndarray) or min(extents, default=0) < 0:
            hint = "give an array of words, and the shape of the bits as whole numbers; or use ddcompile.pack"
            raise fail("A009", "these are no words and the shape of bits", hint=hint)
        expected = (*extents[:-1], -(-extents[-1] // 64)) if extents else ()
        if not extents or words.dtype != np.uint64 or words.shape != expected:
            raise fail(
                "A009",
                f"words of dtype {words.dtype} and shape {words.shape} are no packed bits of shape {extents}",
                hint=f"give uint64 words of shape {expected}" if extents else "bits are packed along their last axis",
            )
        rest = extents[-1] % 64
        if rest and words.size and bool((words[..., -1] >> np.uint64(rest)).any()):
            raise fail("A009", "bits beyond the end of a row are not 0", hint="use ddcompile.pack")
        self.words = np.ascontiguousarray(words)
        self.shape = extents

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
        return self.shape == other.shape and bool(np.array_equal(self.words, other.words))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Packed({' x '.join(map(str, self.shape))} bits)"


def pack(array: Any) -> Packed:
    """Pack bits along their last axis.

    Parameters
    ----------
    array : array_like
        Numbers 0 and 1, with at least one axis.

    Raises
    ------
    CompileError
        A009 if it is no array, something is neither 0 nor 1, or there is no axis.
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
    width = given.shape[-1]
    padded = np.zeros((*given.shape[:-1], -(-width // 64) * 8), dtype=np.uint8)
    padded[..., : -(-width // 8)] = np.packbits(bits, axis=-1, bitorder="little")
    words = padded.view("<u8").astype(np.uint64, copy=False)
    return Packed(words, given.shape)


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
    data = packed.words.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(data, axis=-1, count=packed.shape[-1], bitorder="little")
