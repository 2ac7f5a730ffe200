"""Outputs that read outputs before them: what an output depends on may have been said already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ddcompile.frontends.network import INPUTS, Layer
from ddcompile.learn.relevance import Relevance, relevant_inputs

__all__ = ["after_one_another", "levels_of", "relevant_or_said", "with_outputs"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def with_outputs(points: Array, kinds: Array, values: Sequence[Array]) -> Array:
    """The samples with the values of outputs as further inputs; of shape (samples, features + outputs).

    Parameters
    ----------
    points : ndarray of shape (samples, features)
    kinds : ndarray of shape (samples, outputs), int64
        The number of each output's label.
    values : sequence of ndarray of shape (labels,), integers
        What each output gives for each label.
    """
    return np.column_stack([points, *(own[column] for own, column in zip(values, kinds.T, strict=False))])


def relevant_or_said(points: Array, before: Array, labels: Array, weights: Array | None) -> Relevance:
    """The inputs with the shortest description of the labels; with outputs before, where it is shorter with some.

    References
    ----------
    Read, Pfahringer, Holmes and Frank, Classifier chains for multi-label classification (2011); there, all outputs
    before are read.

    Parameters
    ----------
    points : ndarray of shape (samples, features), integers
    before : ndarray of shape (samples, outputs before), integers
        Their values. They are numbered after the inputs.
    labels, weights
        As for `relevant_inputs`.
    """
    alone = relevant_inputs(points, labels, weights)
    if not before.shape[1]:
        return alone
    said = relevant_inputs(np.column_stack([points, before]), labels, weights, alone.bits)
    return said if said.bits < alone.bits and said.is_consistent >= alone.is_consistent else alone


def levels_of(columns: Sequence[Array], inputs: int) -> list[list[int]]:
    """The outputs that read inputs alone, those that read some of these, too, and so on.

    Parameters
    ----------
    columns : sequence of ndarray of shape (features,)
        What each output reads: inputs, and outputs before it, which are numbered after the inputs.
    inputs : int
    """
    depths: list[int] = []
    for own in columns:
        depths.append(max((1 + depths[k - inputs] for k in own.tolist() if k >= inputs), default=0))
    return [[k for k, depth in enumerate(depths) if depth == level] for level in range(max(depths) + 1)]


def after_one_another(parts: Sequence[Sequence[Layer]], order: Sequence[int], last: str) -> tuple[Layer, ...]:
    """The layers of networks of which each reads the inputs and the results of all before it; all results.

    Parameters
    ----------
    parts : sequence of sequence of Layer
        Each network, as if what it reads were its inputs.
    order : sequence of int
        The number that each result, one network after the other, has among all.
    last : str
        An activation that leaves results as they are.
    """
    layers: list[Layer] = []
    ends: list[int] = []
    for part in parts:
        start = len(layers)
        for depth, layer in enumerate(part):
            layers.append(replace(layer, reads=(start + depth - 1,) if depth else (INPUTS, *ends)))
        ends.append(len(layers) - 1)
    places = np.argsort(order)
    gather = np.zeros((len(order), len(order)), dtype=np.int64)
    gather[np.arange(len(order)), places] = 1
    return *layers, Layer(gather, np.zeros(len(order), dtype=np.int64), last, reads=tuple(ends))
