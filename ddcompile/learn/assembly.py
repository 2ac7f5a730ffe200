"""The networks of all outputs as the layers of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import block_diag, csr_array

from ddcompile.frontends.network import Layer, Network, Sparse
from ddcompile.learn.essence import Essence

__all__ = ["network_of"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def network_of(
    essences: Sequence[Essence],
    columns: Sequence[Array],
    inputs: int,
    several: bool,
    head: str,
    factor: float,
    shape: tuple[int, ...] | None,
) -> Network:
    """Three layers; differentiae that are equal or mirrored are held once.

    Parameters
    ----------
    essences : sequence of Essence
        One an output.
    columns : sequence of ndarray of shape (features,)
        The inputs that each reads, -1 for a constant 0.
    inputs : int
        How many inputs there are in all.
    several : bool
        Whether each output becomes a bit, else the one output gives scores.
    head : {"argmax", "softmax", "none"}
        What is done with the scores of the one output.
    factor : float
        Multiplies the scores.
    shape : tuple of int, optional
        In which the outputs lie.

    Raises
    ------
    ValueError
        If one of several outputs has more than two concepts.
    """
    if several and any(len(essence.concepts[1]) > 2 for essence in essences):
        raise ValueError("a network of several outputs gives bits, but an output has more than two labels")
    rows, bias, places = _differentiae(essences, columns, inputs)
    first = Layer(_sparse(rows), bias, "sign")
    second_blocks = [csr_array(essence.subconcepts[0]) for essence in essences]
    second = block_diag(second_blocks, format="csr") @ places
    # A network without a plane has one unit that is always 0, for a layer must have one.
    second_bias = np.concatenate([essence.subconcepts[1] for essence in essences])
    heads = [_bit(essence) if several else essence.concepts for essence in essences]
    third = block_diag([csr_array(weights) for weights, _ in heads], format="csr")
    third_bias = np.concatenate([b for _, b in heads])
    if factor != 1:
        third, third_bias = third * factor, third_bias * factor
    layers = (first, Layer(_sparse(second), second_bias, "sign"))
    if several:
        return Network((*layers, Layer(_sparse(third), third_bias, "step")), "essence", shape=shape)
    return Network((*layers, Layer(_sparse(third), third_bias, "identity")), "essence", head)


def _differentiae(essences: Sequence[Essence], columns: Sequence[Array], inputs: int) -> tuple[Any, Array, Any]:
    """Distinct rows over all inputs, their biases, and the matrix that takes them to those of each network in turn."""
    numbers: dict[tuple[Any, ...], int] = {}
    entries: list[tuple[int, int]] = []
    for essence, own in zip(essences, columns, strict=True):
        inside = own >= 0
        for weights, bias in zip(*essence.differentiae, strict=True):
            used = np.flatnonzero(inside & (weights != 0))
            used = used[np.argsort(own[used], kind="stable")]
            side = -1 if (weights[used[0]] if len(used) else bias) < 0 else 1
            values = side * weights[used]
            key = (tuple(own[used].tolist()), tuple(values.tolist()), (side * bias).item())
            entries.append((numbers.setdefault(key, len(numbers)), side))
    if not numbers:
        numbers[(), (), 0] = 0
    keys = list(numbers)
    data = np.array([value for _, values, _ in keys for value in values])
    indices = np.array([column for own, _, _ in keys for column in own], dtype=np.int64)
    starts = np.cumsum([0, *(len(own) for own, _, _ in keys)])
    rows = csr_array((data, indices, starts), shape=(len(keys), inputs))
    sides = np.array([side for _, side in entries], dtype=np.int64)
    places = np.array([number for number, _ in entries], dtype=np.int64)
    matrix = csr_array((sides, (np.arange(len(entries)), places)), shape=(len(entries), len(keys)))
    return rows, np.array([bias for _, _, bias in keys]), matrix


def _bit(essence: Essence) -> tuple[Array, Array]:
    """One unit that is positive where the second concept wins."""
    weights, bias = essence.concepts
    if len(bias) == 1:
        return np.zeros((1, weights.shape[1]), dtype=np.int64), np.zeros(1, dtype=np.int64)
    return weights[1:] - weights[:1], bias[1:] - bias[:1]


def _sparse(matrix: Any) -> Sparse:
    rows = csr_array(matrix)
    rows.sum_duplicates()
    return Sparse(rows.data, rows.indices, rows.indptr, rows.shape)
