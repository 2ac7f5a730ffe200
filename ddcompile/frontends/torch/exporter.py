"""From layers to a torch module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from ddcompile.frontends.activations import bounds
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.storing import check_storable
from ddcompile.frontends.weights import Sparse, dense_of

__all__ = ["module_of"]

MAX_DENSE = 2**24
"""Weights of more entries than this stay sparse if they are."""


class Sign(nn.Module):
    """-1, 0 or 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return torch.sign(x)


class Step(nn.Module):
    """1 where a number is above 0, else 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return (x > 0).double()


class Nonnegative(nn.Module):
    """1 where a number is not below 0, else 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return (x >= 0).double()


class Abs(nn.Module):
    """The size of a number."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return x.abs()


class Doubles(nn.Module):
    """Numbers of any type as doubles."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return x.double()


class Argmax(nn.Module):
    """The number of the largest score of each sample, the first if there are several."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of shape (samples, scores)."""
        return x.argmax(dim=1)


class Clamp(nn.Module):
    """A number limited to a range; None where it has no bound."""

    def __init__(self, low: float | None, high: float | None) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return x.clamp(self.low, self.high)


class SparseLinear(nn.Module):
    """A linear layer whose weight is mostly 0."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of shape (samples, inputs)."""
        result: torch.Tensor = torch.sparse.mm(self.get_buffer("weight"), x.T).T + self.get_buffer("bias")
        return result


class Joined(nn.Module):
    """Layers that read some of those before them, one after the other; the last gives the result."""

    def __init__(self, layers: Sequence[nn.Module], reads: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self.layers, self.reads = nn.ModuleList(layers), reads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of shape (samples, inputs)."""
        known = {INPUTS: x}
        for k, (layer, reads) in enumerate(zip(self.layers, self.reads, strict=True)):
            known[k] = layer(known[reads[0]] if len(reads) == 1 else torch.cat([known[j] for j in reads], dim=1))
        return known[len(self.layers) - 1]


_ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "sign": Sign,
        "step": Step,
        "nonnegative": Nonnegative,
        "abs": Abs,
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "identity": nn.Identity,
    }
)


def module_of(network: Network) -> nn.Module:
    """A module that computes in doubles, in eval mode, without gradients; it is imported again as the same network.

    Parameters
    ----------
    network : Network
        Of layers without batch norm, maxima, choices, logic gates and divisions.

    Returns
    -------
    torch.nn.Module
        For batches of shape (samples, inputs) of any numbers, which it takes as doubles.

    Raises
    ------
    CompileError
        N112 for other layers.
    """
    check_storable(network, "a module of linear layers")
    layers = [_parts(layer) for layer in network.layers]
    heads: dict[str, Callable[[], nn.Module]] = {"argmax": Argmax, "softmax": lambda: nn.Softmax(dim=1)}
    head = [heads[network.head]()] if network.head in heads else []
    reads = [layer.reads for layer in network.layers]
    if reads == [(k - 1,) for k in range(len(reads))]:
        module: nn.Module = nn.Sequential(Doubles(), *(part for parts in layers for part in parts), *head)
    else:
        module = nn.Sequential(Doubles(), Joined([nn.Sequential(*parts) for parts in layers], reads), *head)
    return module.eval().requires_grad_(False)


def _parts(layer: Layer) -> list[nn.Module]:
    return [_linear(layer), *([] if layer.activation == "identity" else [_activation(layer.activation)])]


def _linear(layer: Layer) -> nn.Module:
    bias = torch.from_numpy(np.array(layer.unit_bias(), dtype=np.float64))
    units, inputs = layer.weight.shape
    if isinstance(layer.weight, Sparse) and units * inputs > MAX_DENSE:
        rows = np.repeat(np.arange(units), np.diff(layer.weight.indptr))
        places = torch.from_numpy(np.stack([rows, layer.weight.indices]))
        data = torch.from_numpy(np.array(layer.weight.data, dtype=np.float64))
        sparse = torch.sparse_coo_tensor(places, data, (units, inputs), check_invariants=True)
        return SparseLinear(sparse.coalesce(), bias)
    linear = nn.Linear(inputs, units, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(np.array(dense_of(layer.weight), dtype=np.float64)))
        linear.bias.copy_(bias)
    return linear


def _activation(name: str) -> nn.Module:
    limits = bounds(name)
    if name in _ACTIVATIONS or limits is None:
        return _ACTIVATIONS[name]()
    low, high = (None if limit is None else float(limit) for limit in limits)
    return Clamp(low, high)
