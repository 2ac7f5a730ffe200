"""Sums of equal groups of neighbouring units, such as the scores that networks of logic gates end with."""

from __future__ import annotations

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.network import Activation, Convolution, Layer, Window

__all__ = ["group_sums"]


def group_sums(units: int, groups: int, activation: Activation = "identity") -> Layer:
    """A layer that sums groups of what it reads.

    Parameters
    ----------
    units : int
        How many units it reads, those of a group side by side.
    groups : int
        How many groups there are.
    activation : str
        Of the sums.

    Raises
    ------
    CompileError
        N113 if the groups would not be equal.
    """
    if groups < 1 or not units or units % groups:
        raise fail("N113", f"{units} units do not make {groups} equal groups")
    size = units // groups
    kernel = np.ones((1, 1, size), dtype=np.int64)
    return Layer(Convolution(kernel, Window((units,), (size,), (size,))), np.zeros(1, dtype=np.int64), activation)
