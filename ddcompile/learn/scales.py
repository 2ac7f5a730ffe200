"""Reals of very different sizes are learned from as numbers of about one size; the network reads them as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from ddcompile.frontends.network import Network, Sparse

__all__ = ["Scales", "scales_of"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

MAX_EXPONENT = 900
"""Scaled weights are then far above the least double, so that nothing is rounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """Powers of two, by which numbers and weights are multiplied without rounding.

    Attributes
    ----------
    factors : ndarray of shape (features,)
    """

    factors: Array

    def seen(self, points: Array) -> Array:
        """What is learned from, for points of shape (samples, features)."""
        result: Array = points * self.factors
        return result

    def before(self, network: Network) -> Network:
        """The network that reads the inputs as they are, for one that reads what is learned from."""
        first, *rest = network.layers
        weight = first.weight
        assert isinstance(weight, Sparse)
        scaled = replace(weight, data=weight.data * self.factors[weight.indices])
        return replace(network, layers=(replace(first, weight=scaled), *rest), kind="real")


def scales_of(points: Array, weights: Array | None) -> Scales:
    """After which the standard deviation of every input that varies is near 1.

    Parameters
    ----------
    points : ndarray of shape (samples, features), float64
    weights : ndarray of shape (samples,), optional
        How often each sample counts.
    """
    # Of parts of the largest, so that squares of very large numbers are numbers.
    largest = np.maximum(abs(points).max(axis=0), np.finfo(float).tiny)
    shares = points / largest
    spreads = np.sqrt(np.average((shares - np.average(shares, axis=0, weights=weights)) ** 2, axis=0, weights=weights))
    varies = points.max(axis=0) > points.min(axis=0)
    sizes = np.log2(np.where(varies & (spreads > 0), spreads, 1)) + np.where(varies, np.log2(largest), 0)
    return Scales(2.0 ** -np.clip(np.rint(sizes), -MAX_EXPONENT, MAX_EXPONENT))
