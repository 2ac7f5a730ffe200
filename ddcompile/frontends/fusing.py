"""Merge batch norms that are not exact into the layers that they follow, with weights that are rounded, if asked to.

`scale / sqrt(variance + epsilon)` is irrational as a rule, so a batch norm before a relu has no exact program. What
`fuse_conv_bn_eval` of torch does makes another network, which has one: every weight is multiplied by the factor of its
channel and rounded, as are the biases.

Weights that are integers stay as they are, so that their sums stay small; only the factor is rounded then. So it is for
what has no weights, such as maxima. Batch norms before a sign are left alone where they are thresholds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ddcompile.frontends.declarations import declared_inputs
from ddcompile.frontends.grids import DECIDING, Grid, grids
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.weights import Convolution, Pointwise, Sparse, Weight

__all__ = ["RoundedWarning", "fused"]


class RoundedWarning(UserWarning):
    """The program is that of a network of which numbers were rounded, as was asked for."""

    code = "N415"


def fused(network: Network, inputs: str | None) -> Network:
    """The network with its batch norms merged where they are not exact, which `rounded` then says.

    Parameters
    ----------
    network : Network
    inputs : str, optional
        The declarations of its inputs: whether a sign behind a batch norm is exact depends on them.

    Notes
    -----
    It is computed in double precision and then rounded to single, unless the network is one of doubles; numbers that
    single precision has no normal numbers for stay doubles. So `float_safe` of the network as it was holds for both:
    what is rounded here is no more than what its bound allows the framework to round.
    """
    known = grids(network, declared_inputs(network, inputs))
    dtype = "float64" if network.dtype in (None, "float64") else "float32"
    places: dict[int, int] = {INPUTS: INPUTS}
    layers: list[Layer] = []
    paths: list[str] = []
    for number, layer in enumerate(network.layers):
        made = _merged(layer, [known[r] for r in layer.reads], dtype)
        if made:
            paths.append(layer.path)
        for k, part in enumerate(made or [layer]):
            reads = tuple(places[r] for r in part.reads) if k == 0 else (len(layers) - 1,)
            layers.append(replace(part, reads=reads))
        places[number] = len(layers) - 1
    if not paths:
        return network
    where = "one layer" if len(paths) == 1 else f"{len(paths)} layers"
    if paths[0]:
        where += f" (`{paths[0]}`)" if len(paths) == 1 else f" (`{paths[0]}`, ...)"
    rounded = f"batch norm of {where} is merged into weights and biases, rounded to {dtype}"
    return replace(network, layers=tuple(layers), rounded=rounded)


def _merged(layer: Layer, read: list[Grid], dtype: str) -> list[Layer]:
    """What stands for a layer whose batch norm is not exact, one or two layers; none if it is, or cannot be merged."""
    norm = layer.norm
    if norm is None:
        return []
    is_threshold = layer.activation in DECIDING
    if _has_threshold(layer, read) if is_threshold else None not in norm.factors():
        return []
    mean, variance, scale, shift = (
        values.astype(np.float64) for values in (norm.mean, norm.variance, norm.scale, norm.shift)
    )
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(variance + norm.epsilon)
        if not np.isfinite(factor).all() or ((factor == 0) != (scale == 0)).any():
            return []
        weight = None if layer.divisor != 1 or layer.divisors is not None else _scaled(layer.weight, factor, dtype)
        bias = _rounded((layer.bias.astype(np.float64) - mean) * factor + shift, dtype)
        if weight is not None:
            return [replace(layer, weight=weight, bias=bias, norm=None)]
        factor = _rounded(factor, dtype)
        if not is_threshold:
            return [replace(layer, norm=Norm(norm.mean, np.ones(norm.units, dtype=np.int64), factor, norm.shift))]
        bias = _rounded(shift - mean * factor, dtype)
        plain = replace(layer, norm=None, activation="identity", doubt=None, decides="")
        after = Pointwise(factor[None], layer.positions)
        return [plain, replace(layer, weight=after, bias=bias, norm=None, divisor=1, divisors=None)]


def _has_threshold(layer: Layer, read: list[Grid]) -> bool:
    """Whether the sums of a layer before a sign are compared exactly with a threshold."""
    if "real" in read:
        return isinstance(layer.weight, np.ndarray | Sparse | Pointwise)
    return "rat" not in read


def _scaled(weight: Weight, factor: np.ndarray, dtype: str) -> Weight | None:
    """The weights times the factors of their channels, rounded; None if there are none, or they are integers."""
    match weight:
        case Convolution(kernel) if kernel.dtype != np.int64:
            each = factor.reshape(-1, *[1] * (kernel.ndim - 1))
            return replace(weight, kernel=_rounded(kernel.astype(np.float64) * each, dtype))
        case Pointwise(factors) if factors.dtype != np.int64:
            return replace(weight, factors=_rounded(factors.astype(np.float64) * factor, dtype))
        case Sparse(data) if data.dtype != np.int64:
            each = np.repeat(factor, np.diff(weight.indptr))
            return replace(weight, data=_rounded(data.astype(np.float64) * each, dtype))
        case np.ndarray() if weight.dtype != np.int64:
            return _rounded(weight.astype(np.float64) * factor[:, None], dtype)
    return None


def _rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """Doubles rounded to a type where it has normal numbers for them."""
    if dtype == "float64":
        return values
    size = np.abs(values)
    kept = np.finfo(np.float32)
    fits = (size == 0) | ((size >= kept.tiny) & (size <= kept.max))
    rounded: np.ndarray = np.where(fits, values.astype(np.float32).astype(np.float64), values)
    return rounded
