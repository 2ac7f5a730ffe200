"""What every imported operation needs: the layers so far, the batch, the number type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ddcompile.diagnostics import fail
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.torch.values import Element, Steps, Units, replicated, sample_of

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """A module as it is imported.

    Attributes
    ----------
    drafts
        The layers so far.
    batch
        How many samples the traced tensors have.
    dtype
        The floating-point type of the module.
    is_whole
        Whether the inputs are declared as whole numbers.
    """

    drafts: Drafts
    batch: int
    dtype: torch.dtype
    is_whole: bool = False

    def sample(self, x: Units, place: str) -> np.ndarray:
        """The ids of one sample, in the shape that it has."""
        return sample_of(x.ids, self.batch, place)

    def numbers(self, x: object, operation: str, place: str) -> np.ndarray:
        """The ids of one sample of a tensor of numbers, on which arithmetic is done.

        Raises
        ------
        CompileError
            N402 if it is no tensor that depends on the inputs, N412 if it is one of truth values, or quantised.
        """
        if not isinstance(x, Units):
            raise fail("N402", f"`{operation}` of {type(x).__name__}, with a tensor in another place", place=place)
        if x.element == "bool":
            hint = "make numbers of it first: mask.float()"
            raise fail("N412", f"`{operation}` of truth values", place=place, hint=hint)
        if isinstance(x.element, Steps):
            hint = "make numbers of it first: torch.ao.quantization.DeQuantStub"
            raise fail("N412", f"`{operation}` of a quantised tensor", place=place, hint=hint)
        return self.sample(x, place)

    def units(self, ids: np.ndarray, element: Element = "float") -> Units:
        """One sample, repeated for the batch."""
        return Units(replicated(ids, self.batch), element)
