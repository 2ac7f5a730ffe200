"""A trained network, as read from a file or built in memory: exact weights, checked shapes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.activations import ACTIVATIONS, KNOWN, Activation, canonical
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.weights import (
    Choice,
    Convolution,
    Gates,
    Gather,
    Maximum,
    Pointwise,
    Sparse,
    Weight,
    dense_of,
    exact_numbers,
    positions_of,
    stored_of,
)
from ddcompile.frontends.windows import Window
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import canonical_array

__all__ = [
    "ACTIVATIONS",
    "INPUTS",
    "Activation",
    "Choice",
    "Convolution",
    "Gates",
    "Gather",
    "Layer",
    "Maximum",
    "Network",
    "Pointwise",
    "Sparse",
    "Window",
]

INPUTS = -1
"""What stands for the inputs of the network among the layers that a layer reads."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """`activation(norm((weight @ x + bias) / divisor / divisors))`, exactly, for the real numbers that these are.

    Integers and floats of up to 64 bits are taken as the exact numbers they are.

    Parameters
    ----------
    weight : array_like of shape (units, inputs), Sparse, Pointwise, Convolution, Maximum, Gather, Gates or Choice
        A maximum stands for `weight @ x`; it has no bias, nor has a gather or a choice, nor have gates.
    bias : array_like of shape (channels,)
        One number a unit; of a weight with several positions, one number a channel.
    activation : str
        See `ddcompile.frontends.activations`.
    norm : Norm, optional
        Of every channel.
    reads : sequence of int
        The numbers of the layers whose units the layer reads, one after the other; `INPUTS` is what the network
        reads. Without any, the layer before.
    path : str
        What the layer is called where it comes from, for messages.
    divisor : int
        A positive number: averages are sums that are divided.
    divisors : array_like of shape (channels,), optional
        Positive exact numbers, of pointwise weights: scalers divide every value by its own.
    doubt : array of float of shape (units,), optional
        How far from 0 a sum must be for the framework to decide alike about it, which rounds in an order of its own;
        -1 where it decides as exact arithmetic does.
    decides : str
        The tanh or sigmoid that the framework decides about where the layer decides about its sums, or the head does.

    Raises
    ------
    CompileError
        N101 to N105: wrong number type, entries that are not finite, wrong shapes, unknown activation.
    """

    weight: Weight
    bias: np.ndarray
    activation: Activation = "identity"
    norm: Norm | None = None
    reads: tuple[int, ...] = ()
    path: str = ""
    divisor: int = 1
    decides: str = ""
    divisors: np.ndarray | None = None
    doubt: np.ndarray | None = None

    def __post_init__(self) -> None:
        given = self.weight
        is_held = isinstance(given, Sparse | Pointwise | Convolution | Maximum | Gather | Gates | Choice)
        weight: Weight = given if is_held else exact_numbers(given, "weight")
        if len(weight.shape) != 2:
            raise fail("N103", f"the weight has shape {weight.shape}; it must have two axes (units, inputs)")
        if 0 in weight.shape:
            raise fail("N103", f"the weight has shape {weight.shape}; a layer needs units and inputs")
        bias = exact_numbers(self.bias, "bias")
        positions = positions_of(weight)
        channels = weight.shape[0] // positions
        what = "unit" if positions == 1 else "channel"
        if bias.shape != (channels,):
            raise fail("N104", f"the bias has shape {bias.shape}, but the weight has {counted(channels, what)}")
        if self.norm is not None and self.norm.units != channels:
            held = f"{counted(self.norm.units, what)}, but the weight {counted(channels, what)}"
            raise fail("N104", f"the batch norm has {held}")
        if isinstance(weight, Maximum | Gather | Gates | Choice) and bias.any():
            what = "a maximum has" if isinstance(weight, Maximum) else "what is only moved has"
            raise fail("N104", f"{'logic gates have' if isinstance(weight, Gates) else what} no bias")
        if self.divisor < 1:
            raise fail("N104", f"the divisor is {self.divisor}; it must be positive")
        if self.divisors is not None:
            divisors = exact_numbers(self.divisors, "array of divisors")
            if not isinstance(weight, Pointwise) or divisors.shape != (channels,) or not (divisors > 0).all():
                raise fail("N104", "divisors are positive numbers, one a channel of a pointwise weight")
            object.__setattr__(self, "divisors", divisors)
        activation = canonical(self.activation)
        if activation is None:
            raise fail("N105", f"unknown activation `{self.activation}`", hint=KNOWN)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "reads", tuple(self.reads))

    @property
    def units(self) -> int:
        """How many units the layer has."""
        return int(self.weight.shape[0])

    @property
    def inputs(self) -> int:
        """How many values the layer reads."""
        return int(self.weight.shape[1])

    @property
    def parameters(self) -> int:
        """How many weights and biases there are; of a sparse or pointwise weight, the entries that are stored."""
        has_none = isinstance(self.weight, Maximum | Gather | Gates | Choice)
        stored = 0 if has_none else stored_of(self.weight).size + self.channels
        return int(stored) + (4 * self.channels if self.norm is not None else 0)

    @property
    def positions(self) -> int:
        """How many neighbouring units share a bias."""
        return positions_of(self.weight)

    @property
    def channels(self) -> int:
        """How many biases there are."""
        return self.units // self.positions

    def unit_bias(self) -> np.ndarray:
        """The bias of every unit."""
        return np.repeat(self.bias, self.positions)

    def dense_weight(self) -> np.ndarray:
        """The weight as a full (units, inputs) array in canonical form; N110, N112 as `dense_of`."""
        return dense_of(self.weight)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Layers, each reading earlier ones; the last gives the results.

    Parameters
    ----------
    layers : sequence of Layer
        The first reads the inputs.
    name : str
        What the network is called; when read from a file, the stem of the file.
    head : {"none", "argmax", "softmax"}
        What the network itself does with its last layer.
    dtype : str, optional
        The floating-point type in which the framework computes it, such as "float32".
    shape : tuple of int, optional
        The shape of the results of one sample, if it is known; else they are flat.
    kind : str
        The type that each input is taken for where it is not declared: bit, spin, trit, int[0..9], ..., rat, real.
    labels : tuple of str
        What the classes 0, 1, ... are called that the outputs decide between, where they have other names.
    rounded : str
        What of the network was rounded before it was taken exactly; "" if nothing was.

    Attributes
    ----------
    sha256 : str
        Hash of the exact content: activations, shapes, weights and biases, who reads whom, the head. It depends
        neither on how a number is stored (float32, int8, sparse, ...) nor on names.

    Raises
    ------
    CompileError
        N106 if a layer does not read what the layers before it give, N108 if there is no layer.
    """

    layers: tuple[Layer, ...]
    name: str = "network"
    head: str = "none"
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    kind: str = "bit"
    labels: tuple[str, ...] = ()
    rounded: str = ""
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        layers = tuple(layer if layer.reads else replace(layer, reads=(k - 1,)) for k, layer in enumerate(self.layers))
        object.__setattr__(self, "layers", layers)
        if not layers:
            raise fail("N108", "the network has no layers")
        for k, layer in enumerate(layers):
            _check_reads(k, layer, layers)
        object.__setattr__(self, "sha256", _content_hash(layers, self.head))

    @property
    def inputs(self) -> int:
        """How many values the network reads."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """How many units the last layer has."""
        return self.layers[-1].units

    @property
    def ending(self) -> str:
        """What gives the outputs, for messages."""
        return self.layers[-1].activation

    @property
    def parameters(self) -> int:
        """How many weights and biases there are; of a sparse weight, the entries that are stored."""
        return sum(layer.parameters for layer in self.layers)


def _check_reads(number: int, layer: Layer, layers: Sequence[Layer]) -> None:
    reads = layer.reads
    if number == 0 and reads != (INPUTS,):
        raise fail("N106", "layer 0 reads layers, but there are none before it; it must read the inputs")
    if number == 0:
        return
    for other in reads:
        if not INPUTS <= other < number:
            raise fail("N106", f"layer {number} reads layer {other}, which does not come before it")
    widths = [layers[0].inputs if other == INPUTS else layers[other].units for other in reads]
    parts = [layer.units] * len(reads) if isinstance(layer.weight, Pointwise) else widths
    if parts != widths or sum(widths) != layer.inputs:
        givers = [
            f"{'the network' if other == INPUTS else f'layer {other}'} has "
            + counted(width, "input" if other == INPUTS else "unit")
            for other, width in zip(reads, widths, strict=True)
        ]
        raise fail("N106", f"layer {number} reads {counted(layer.inputs, 'value')}, but {' and '.join(givers)}")


def _content_hash(layers: Sequence[Layer], head: str) -> str:
    """The hash of every layer as sorted sparse rows, or as kernel and windows."""
    digest = hashlib.sha256(b"ddcompile network 1\n")
    for k, layer in enumerate(layers):
        digest.update(f"{layer.activation} {layer.units} {layer.inputs}\n".encode())
        if layer.reads != (k - 1,):
            digest.update(f"reads {' '.join(map(str, layer.reads))}\n".encode())
        if layer.divisor != 1:
            digest.update(f"divisor {layer.divisor}\n".encode())
        if layer.divisors is not None:
            digest.update(b"divisors\n")
            _feed(digest, layer.divisors)
        for part in (*_parts(layer, digest), layer.bias):
            _feed(digest, part)
        if layer.norm is not None:
            norm = layer.norm
            digest.update(f"norm {norm.epsilon.hex()}\n".encode())
            for part in (norm.mean, norm.variance, norm.scale, norm.shift):
                _feed(digest, part)
    if head != "none":
        digest.update(f"head {head}\n".encode())
    return digest.hexdigest()


def _parts(layer: Layer, digest: Any) -> tuple[np.ndarray, ...]:
    """The numbers of a weight that stand for it; of windows, what they are is added first."""
    match layer.weight:
        case Convolution(kernel, window, groups):
            digest.update(f"convolution {groups} {_text(window)}\n".encode())
            return (kernel,)
        case Maximum(window):
            digest.update(f"maximum {_text(window)}\n".encode())
            return ()
        case Pointwise(factors, positions) if positions > 1:
            digest.update(f"pointwise {positions}\n".encode())
            return (factors,)
        case Gather(columns):
            digest.update(b"gather\n")
            return (columns.ravel(),)
        case Choice():
            digest.update(b"choice\n")
            return ()
        case Gates(kinds, columns, _, tables):
            digest.update(f"gates {columns.shape[1]}\n".encode())
            return tables[kinds].ravel(), columns.ravel()
        case Pointwise():
            weight: Weight = layer.weight.sparse()
        case weight:
            pass
    if isinstance(weight, Sparse):
        return weight.indptr, weight.indices, weight.data
    dense = dense_of(weight)
    rows, columns = np.nonzero(dense)
    starts = np.searchsorted(rows, np.arange(layer.units + 1))
    return starts, columns, canonical_array(dense[rows, columns])


def _text(window: Window) -> str:
    numbers = (window.grid, window.kernel, window.stride, window.before, window.after, window.dilation)
    return f"{'; '.join(' '.join(map(str, axis)) for axis in numbers)} {'circular' if window.is_circular else 'zeros'}"


def _feed(digest: Any, array: np.ndarray) -> None:
    """Add a canonical array: its element type and its little-endian bytes, or its numbers as text."""
    if array.dtype == object:
        digest.update(f"exact {' '.join(map(str, array.tolist()))}\n".encode())
    else:
        little = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"{little.dtype.str} {little.size}\n".encode())
        digest.update(little.tobytes())
