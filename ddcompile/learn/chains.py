"""Outputs that read outputs before them: what an output depends on may have been said already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ddcompile.frontends.network import INPUTS, Layer
from ddcompile.learn.essence import Essence
from ddcompile.learn.relevance import Relevance, relevant_inputs
from ddcompile.learn.sharing import view
from ddcompile.learn.steps import Steps

__all__ = ["after_one_another", "gathered", "levels_of", "relevances", "relevant_or_said", "with_outputs", "worked_out"]

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


def relevances(
    points: Array, kinds: Array, values: Sequence[Array] | None, weights: Array | None, steps: Steps
) -> list[Relevance]:
    """What each output depends on: inputs, and outputs before it as well if it is said what these give for each label.

    Parameters
    ----------
    points, kinds, values
        See `with_outputs`.
    weights : ndarray of shape (samples,), optional
    steps : Steps
    """
    inputs, outputs = points.shape[1], kinds.shape[1]
    if values is None:
        return list(steps.each(relevant_inputs, ((points, column, weights) for column in kinds.T), outputs, "outputs"))
    said = with_outputs(points, kinds, values)
    chained = ((points, said[:, inputs : inputs + k], kinds[:, k], weights) for k in range(outputs))
    return list(steps.each(relevant_or_said, chained, outputs, "outputs"))


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
    """The units that read inputs alone, those that read some of these, too, and so on.

    Parameters
    ----------
    columns : sequence of ndarray of shape (features,)
        What each unit reads: inputs, and units, numbered after the inputs; none reads itself by way of others.
    inputs : int
    """
    read = [[k - inputs for k in own.tolist() if k >= inputs] for own in columns]
    levels: list[list[int]] = []
    depths: dict[int, int] = {}
    while len(depths) < len(columns):
        ready = [k for k, units in enumerate(read) if k not in depths and all(unit in depths for unit in units)]
        depths.update(dict.fromkeys(ready, len(levels)))
        levels.append(ready)
    return levels


def worked_out(
    points: Array, columns: Sequence[Array], essences: Sequence[Essence], values: Sequence[Array]
) -> tuple[list[Array], Array]:
    """The scores of all units, each of shape (samples, labels); and the samples with their values as further inputs.

    Parameters
    ----------
    points : ndarray of shape (samples, inputs)
    columns : sequence of ndarray of shape (features,)
        What each unit reads, see `levels_of`; -1 is a 0.
    essences, values
        The network of each, and what it gives for each label.
    """
    inputs = points.shape[1]
    known = np.column_stack([points, np.zeros((len(points), len(columns)), dtype=points.dtype)])
    scores = [np.empty(0)] * len(columns)
    for k in (unit for level in levels_of(columns, inputs) for unit in level):
        scores[k] = essences[k].scores(view(known, columns[k]))
        known[:, inputs + k] = values[k][scores[k].argmax(axis=1)]
    return scores, known


def after_one_another(parts: Sequence[Sequence[Layer]]) -> tuple[list[Layer], list[int]]:
    """The layers of networks of which each reads the inputs and the results of all before it; and their last layers.

    Parameters
    ----------
    parts : sequence of sequence of Layer
        Each network, as if what it reads were its inputs.
    """
    layers: list[Layer] = []
    ends: list[int] = []
    for part in parts:
        start = len(layers)
        for depth, layer in enumerate(part):
            layers.append(replace(layer, reads=(start + depth - 1,) if depth else (INPUTS, *ends)))
        ends.append(len(layers) - 1)
    return layers, ends


def gathered(order: Sequence[int], outputs: int, last: str, ends: Sequence[int]) -> Layer:
    """The layer that gives the results of networks in order.

    Parameters
    ----------
    order : sequence of int
        The number that each result, one network after the other, has among all.
    outputs : int
        How many results are given: the first by their numbers.
    last : str
        An activation that leaves results as they are.
    ends : sequence of int
        The last layer of each network.
    """
    gather = np.zeros((outputs, len(order)), dtype=np.int64)
    gather[np.arange(outputs), np.argsort(order)[:outputs]] = 1
    return Layer(gather, np.zeros(outputs, dtype=np.int64), last, reads=tuple(ends))
