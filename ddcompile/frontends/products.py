"""Products of weights with values in float64, for every form in which a weight is held."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ddcompile.frontends.network import Network
from ddcompile.frontends.weights import Convolution, Gather, Maximum, Pointwise, Sparse, Weight, dense_of, stored_of

__all__ = ["chosen", "numbers_of", "terms_of", "times_of", "window_products"]

_ENTRIES_AT_ONCE = 2**23


def times_of(weight: Weight) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """What gives `weight @ x`: a function of values (samples, inputs) and of numbers laid out as the weight.

    The numbers are the whole matrix of what is held in full or as sparse rows, else what is stored.
    """
    match weight:
        case Pointwise():
            return lambda x, factors: _pointwise(x, factors, weight.positions)
        case Convolution():
            return lambda x, kernel: _convolved(x, kernel, weight)
    return lambda x, matrix: np.asarray(x @ matrix.T)


def numbers_of(weight: Weight) -> np.ndarray:
    """The numbers of a weight laid out as `times_of` takes them."""
    return dense_of(weight) if isinstance(weight, np.ndarray | Sparse) else stored_of(weight)


def terms_of(weight: Weight) -> int:
    """The most products that one unit adds up."""
    match weight:
        case Pointwise(factors):
            return len(factors)
        case Convolution(kernel):
            return int(prod(kernel.shape[1:]))
    return int(weight.shape[1])


def window_products(network: Network) -> int:
    """How many products and comparisons the windows of a network do for one sample."""
    found = 0
    for layer in network.layers:
        match layer.weight:
            case Convolution(kernel):
                found += kernel.size * layer.positions
            case Maximum(window):
                found += layer.units * window.taps
    return found


def _pointwise(x: np.ndarray, factors: np.ndarray, positions: int) -> np.ndarray:
    reads, channels = factors.shape
    products = x.reshape(len(x), reads, channels, positions) * factors[:, :, None]
    return np.asarray(products.sum(axis=1).reshape(len(x), channels * positions))


def _convolved(x: np.ndarray, kernel: np.ndarray, weight: Convolution) -> np.ndarray:
    window, groups = weight.window, weight.groups
    outputs, inner = len(kernel) // groups, kernel.shape[1]
    found = np.empty((len(x), groups, outputs, window.positions))
    matrix = kernel.reshape(groups, outputs, inner * window.taps)
    rows = max(1, _ENTRIES_AT_ONCE // (inner * window.taps * window.positions))
    cells = x.reshape(len(x), groups, inner, prod(window.grid))
    for group in range(groups):
        for k in range(0, len(x), rows):
            seen = window.taken(cells[k : k + rows, group], 0).transpose(0, 2, 1, 3)
            seen = seen.reshape(len(seen), window.positions, inner * window.taps)
            found[k : k + rows, group] = (seen @ matrix[group].T).transpose(0, 2, 1)
    return found.reshape(len(x), -1)


def chosen(x: np.ndarray, weight: Maximum | Gather, least: float) -> np.ndarray:
    """The units of layers that choose among what they read, the greatest of windows or what stands somewhere.

    Nothing is less than `least`.
    """
    if isinstance(weight, Gather):
        return weight.taken(x)
    window = weight.window
    found = np.empty((len(x), weight.channels, window.positions), dtype=x.dtype)
    rows = max(1, _ENTRIES_AT_ONCE // (window.taps * window.positions * weight.channels))
    cells = x.reshape(len(x), weight.channels, prod(window.grid))
    for k in range(0, len(x), rows):
        found[k : k + rows] = window.taken(cells[k : k + rows], least).max(axis=3)
    return found.reshape(len(x), -1)
