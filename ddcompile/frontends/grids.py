"""Which numbers the values of a network are multiples of, layer by layer, and normalised units as thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np

from ddcompile.diagnostics import fail
from ddcompile.frontends.activations import SMOOTH, bounds
from ddcompile.frontends.network import INPUTS, Layer, Network
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.weights import number_at, stored_of
from ddcompile.ir.builder import has_literal
from ddcompile.ir.nodes import Declaration, Number

__all__ = ["DECIDING", "Grid", "exponent_of", "grids", "without_norm"]

Grid: TypeAlias = int | Literal["rat", "real"]
"""The fraction bits of all values; "rat" if they are exact but their fraction bits unknown, "real" for doubles."""

DECIDING = ("sign", "step", "nonnegative")
"""Activations that look at the sign of a value alone."""


def grids(network: Network, inputs: Sequence[Declaration]) -> dict[int, Grid]:
    """The grid of the inputs (at `INPUTS`) and of the units of every layer."""
    kinds = {d.type.kind for d in inputs}
    found: dict[int, Grid] = {INPUTS: "real" if "real" in kinds else "rat" if "rat" in kinds else 0}
    for k, layer in enumerate(network.layers):
        found[k] = _after(layer, _sum([found[r] for r in layer.reads], stored_of(layer.weight), layer.bias))
    return found


def _sum(read: Sequence[Grid], weights: np.ndarray, bias: np.ndarray) -> Grid:
    """The grid of `weights @ values + bias`."""
    least: int | None = 0
    for grid in read:
        if grid == "real":
            return "real"
        least = None if least is None or grid == "rat" else max(least, int(grid))
    return "rat" if least is None else max(least + exponent_of(weights), exponent_of(bias))


def _after(layer: Layer, grid: Grid) -> Grid:
    """The grid of the units of a layer from that of its sum."""
    if layer.activation in DECIDING:
        return 0
    if layer.activation in SMOOTH:
        return "real"
    if isinstance(grid, str):
        return grid
    if layer.norm is not None:
        factors = np.array(list({factor or 0 for factor in layer.norm.factors()}), dtype=object)
        grid = max(grid, exponent_of(layer.norm.mean)) + exponent_of(factors)
        grid = max(grid, exponent_of(layer.norm.shift))
    limits = [Fraction(b) for b in bounds(layer.activation) or () if b is not None]
    return max(grid, exponent_of(np.array(limits, dtype=object)))


def exponent_of(array: np.ndarray) -> int:
    """The least number of fraction bits with which every entry of an exact array can be written."""
    if array.dtype == np.int64 or not array.size:
        return 0
    if array.dtype == np.float64:
        mantissa, exponent = np.frexp(array)
        whole = (mantissa * 2.0**53).astype(np.int64)
        trailing = np.frexp((whole & -whole).astype(np.float64))[1] - 1
        return max(0, int(np.where(whole == 0, 0, 53 - exponent - trailing).max()))
    return max(Fraction(v).denominator.bit_length() - 1 for v in array.ravel().tolist())


def without_norm(
    norm: Norm, rows: Sequence[np.ndarray], bias: np.ndarray, grid: Grid, path: str
) -> tuple[np.ndarray, np.ndarray]:
    """Make the signs of normalised sums those of other sums.

    Parameters
    ----------
    norm : Norm
    rows : sequence of array
        The weights of each unit.
    bias : array of shape (units,)
    grid : Grid
        Of the values that the weights are multiplied with.
    path : str
        For messages.

    Returns
    -------
    factors, bias : array of shape (units,)
        Multiply the weights with `factors`, and take `bias`.

    Raises
    ------
    CompileError
        N407 if the values have no grid.
    """
    if isinstance(grid, str):
        hint = "declare the inputs bit, spin, trit or int; or --fuse-batch-norm (fuse_batch_norm=True) rounds it"
        raise fail("N407", f"batch norm over values of kind {grid} has no exact threshold", place=path, hint=hint)
    factors, biases = [], []
    for unit, row in enumerate(rows):
        own = number_at(bias, unit)
        exponent = max(grid + exponent_of(row), own.denominator.bit_length() - 1)
        found = norm.threshold(unit, exponent)
        if found.slope == 0:
            factors.append(0)
            biases.append(Fraction(found.doubled))
            continue
        scale = 1 << (exponent + 1)
        place = own - Fraction(found.doubled, scale)
        if found.doubled % 2:
            place = _simplest(place - Fraction(1, scale), place + Fraction(1, scale))
        stretch = 1 if has_literal(place) else scale
        factors.append(found.slope * stretch)
        biases.append(found.slope * stretch * place)
    return _exact(factors), _exact(biases)


def _exact(values: Sequence[Number]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The number with fewest fraction bits strictly between two others, the one nearest 0 of them."""
    exponent = 0
    while True:
        first = (low * 2**exponent).__floor__() + 1
        last = (high * 2**exponent).__ceil__() - 1
        if first <= last:
            return Fraction(min(max(0, first), last), 2**exponent)
        exponent += 1
