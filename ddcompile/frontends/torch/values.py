"""What flows through a traced module: units of layers, arranged in tensors; and exact numbers out of torch tensors."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal as OneOf, TypeAlias

import numpy as np
import torch
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import canonical_array

__all__ = ["BatchHead", "Element", "Steps", "Units", "Untold", "numbers_of", "replicated", "sample_of"]


@dataclass(frozen=True, slots=True)
class Steps:
    """What elements of a quantised tensor are: whole numbers of steps of a scale from the zero point."""

    scale: Fraction


Element: TypeAlias = OneOf["bool", "int", "float"] | Steps

_STRIDE = 1 << 40
"""How far the numbers of the same unit in neighbouring samples are apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """A tensor of units: `ids` has the shape that the tensor has in the module, with a small batch.

    The id of a unit in sample s is its number plus `s * 2**40`, so whoever moves elements about moves ids about.
    """

    ids: torch.Tensor
    element: Element = "float"


@dataclass(frozen=True, slots=True, eq=False)
class BatchHead:
    """What softmax or argmax over all units of a sample gives; only the end of a network."""

    kind: OneOf["softmax", "argmax"]
    scores: Units


@dataclass(frozen=True, slots=True)
class Untold:
    """A part of what an operation gives that is not followed; whoever uses it is refused."""

    what: str
    hint: str


def replicated(ids: np.ndarray, batch: int) -> torch.Tensor:
    """The ids of every sample from those of the first."""
    offsets = _STRIDE * np.arange(batch, dtype=np.int64)
    return torch.from_numpy(ids[None] + offsets.reshape(-1, *[1] * ids.ndim))


def sample_of(ids: torch.Tensor, batch: int, place: str) -> np.ndarray:
    """The ids of the first sample.

    Raises
    ------
    CompileError
        N411 if the first axis is not that of the batch, or a sample has units of another.
    """
    array = ids.numpy()
    hint = "the first axis must be the batch; reshape with x.flatten(1) or x.view(x.size(0), -1)"
    if array.ndim == 0 or array.shape[0] != batch:
        shape = tuple(array.shape)
        raise fail("N411", f"a tensor of shape {shape} for a batch of {batch}", place=place, hint=hint)
    offsets = _STRIDE * np.arange(batch, dtype=np.int64).reshape(-1, *[1] * (array.ndim - 1))
    if (array != array[:1] + offsets).any() or (array[0] >= _STRIDE).any():
        raise fail("N411", "the samples of a batch are mixed", place=place, hint=hint)
    first: np.ndarray = array[0]
    return first


def numbers_of(tensor: torch.Tensor, what: str, place: str) -> np.ndarray:
    """The exact numbers of a tensor.

    Raises
    ------
    CompileError
        N405 if it holds none, N101 if they are not integers or floats, N102 if one is not finite.
    """
    if tensor.is_meta or isinstance(tensor, UninitializedParameter | UninitializedBuffer):
        hint = "load the weights first; a module on the device `meta` has none"
        raise fail("N405", f"the {what} holds no numbers", place=place, hint=hint)
    if tensor.is_quantized:
        raise fail("N404", f"the {what} is quantised", place=place, hint="import the module before it is quantised")
    if tensor.is_complex():
        raise fail("N101", f"the {what} has type {tensor.dtype}; integers and floats are read", place=place)
    plain = tensor.detach().to("cpu").to_dense() if tensor.is_sparse else tensor.detach().to("cpu")
    if plain.dtype.is_floating_point:
        plain = plain.to(torch.float64)
    array = plain.numpy()
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        position = np.argwhere(~np.isfinite(array))[0].tolist()
        where = f" at {position}" if position else ""
        message = f"the {what} is {array[tuple(position)]}{where}; every number must be finite"
        raise fail("N102", message, place=place)
    return canonical_array(array)
