"""The networks of all outputs as the layers of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import block_diag, csr_array

from ddcompile.frontends.network import Layer, Network, Sparse
from ddcompile.learn.chains import after_one_another, gathered, levels_of
from ddcompile.learn.essence import Essence
from ddcompile.learn.linear import Planes

__all__ = ["names_of", "network_of_one", "network_of_several", "numbers_of"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def network_of_one(
    essences: Sequence[Essence], columns: Sequence[Array], inputs: int, head: str, factor: float
) -> Network:
    """Layers that give the scores of one output.

    Parameters
    ----------
    essences, columns : sequence of Essence, sequence of ndarray of shape (features,)
        Of the output, and after it of bits that it reads: the inputs that each reads, -1 for a constant 0; columns
        after the inputs are the output and the bits.
    inputs : int
        How many inputs there are in all.
    head : {"argmax", "softmax", "none"}
        What is done with the scores.
    factor : float
        Multiplies the scores.
    """
    weights, bias = essences[0].concepts
    if factor != 1:
        weights, bias = weights * factor, bias * factor
    parts, order, own = _before(
        essences, columns, inputs, [np.arange(2)] * len(essences), levels_of(columns, inputs)[:-1]
    )
    layers = [*_claims(essences[:1], [own[0]], inputs + len(order)), Layer(_sparse(weights), bias, "identity")]
    if not parts:
        return Network(tuple(layers), "essence", head)
    return Network(tuple(after_one_another([*parts, layers])[0]), "essence", head)


def network_of_several(
    essences: Sequence[Essence],
    columns: Sequence[Array],
    inputs: int,
    values: Sequence[Array],
    shape: tuple[int, ...] | None,
    outputs: int | None = None,
) -> Network:
    """Layers that give, for each output, the value of its largest score, of the first if there are several.

    After the subconcepts, bits take one layer, other pairs of values two. Of more labels, units of the first say which
    beat which earlier one, units of the second which label wins.

    Parameters
    ----------
    essences, columns, inputs
        As for one output, one an output; columns after the inputs are the values of outputs.
    values : sequence of ndarray of shape (labels,), integers
        What each output gives for each label.
    shape : tuple of int, optional
        In which the outputs lie.
    outputs : int, optional
        How many of them the network has, the first; the others are only read. All, if not given.
    """
    levels = levels_of(columns, inputs)
    if len(levels) == 1:
        return Network(tuple(_side_by_side(essences, columns, inputs, values)), "essence", shape=shape)
    given = len(columns) if outputs is None else outputs
    # What is only read comes before what is given.
    levels = [sorted(level, key=lambda k: k < given) for level in levels]
    parts, order, _ = _before(essences, columns, inputs, values, levels)
    layers, ends = after_one_another(parts)
    layers.append(gathered(order, given, _unchanging(values), ends))
    return Network(tuple(layers), "essence", shape=shape)


def _before(
    essences: Sequence[Essence],
    columns: Sequence[Array],
    inputs: int,
    values: Sequence[Array],
    levels: Sequence[Sequence[int]],
) -> tuple[list[list[Layer]], list[int], list[Array]]:
    """The networks of levels of units, the order of units in them, and the columns of all units in that order."""
    order = [k for level in levels for k in level]
    # Units are read in the order in which they are made.
    places = np.arange(inputs + len(columns))
    places[[inputs + k for k in order]] = inputs + np.arange(len(order))
    own = [np.where(some < 0, -1, places[some]) for some in columns]
    parts, known = [], inputs
    for level in levels:
        some = [own[k] for k in level]
        parts.append(_side_by_side([essences[k] for k in level], some, known, [values[k] for k in level]))
        known += len(level)
    return parts, order, own


def _side_by_side(
    essences: Sequence[Essence], columns: Sequence[Array], inputs: int, values: Sequence[Array]
) -> list[Layer]:
    """Layers that give the values of outputs that do not read one another."""
    layers = _claims(essences, columns, inputs)
    duels, biases = _blocks([_duels(essence) for essence in essences])
    layers.append(Layer(_sparse(duels), biases, "step"))
    if all(np.array_equal(own, (0, 1)) for own in values):
        return layers
    if max(map(len, values)) > 2:
        wins, biases = _blocks([_wins(len(own)) for own in values])
        layers.append(Layer(_sparse(wins), biases, "step"))
        given = [(own[None], np.zeros(1, dtype=np.int64)) for own in values]
    else:
        given = [(own[None, -1:] - own[0], own[:1]) for own in values]
    rows, biases = _blocks(given)
    layers.append(Layer(_sparse(rows), biases, _unchanging(values)))
    return layers


def _unchanging(values: Sequence[Array]) -> str:
    """An activation that leaves all values of outputs as they are, and says how far they reach."""
    low, high = int(min(own.min() for own in values)), int(max(own.max() for own in values))
    return "step" if (low, high) == (0, 1) else "sign" if low >= -1 and high <= 1 else f"clamp[{low}..{high}]"


def numbers_of(classes: Sequence[Array]) -> list[Array]:
    """The labels of each output where all are whole numbers, else their numbers from 0."""
    if all(own.dtype.kind in "biu" or (own.dtype.kind == "f" and (own == np.rint(own)).all()) for own in classes):
        return [own.astype(np.int64) for own in classes]
    return [np.arange(len(own)) for own in classes]


def names_of(classes: Array) -> tuple[str, ...]:
    """The labels of one output as texts; none if they are the numbers 0, 1, ..., that it gives."""
    if classes.dtype.kind in "biuf" and np.array_equal(classes, np.arange(len(classes))):
        return ()
    return tuple(map(str, classes.tolist()))


def _claims(essences: Sequence[Essence], columns: Sequence[Array], inputs: int) -> list[Layer]:
    """Codes if there are any, differentiae, both held once where equal or mirrored, subconcepts, and kinds if any."""
    layers: list[Layer] = []
    sides: list[Array] = [np.ones(len(own), dtype=np.int64) for own in columns]
    for depth in range(max(len(essence.codes) for essence in essences)):
        planes = _turned([essence.codes[depth] for essence in essences], sides)
        rows, bias, columns, sides = _distinct(planes, columns, inputs)
        layers.append(Layer(_sparse(rows), bias, "sign"))
        inputs = len(bias)
    planes = _turned([essence.differentiae for essence in essences], sides)
    rows, bias, columns, sides = _distinct(planes, columns, inputs)
    units = np.concatenate(columns)
    places = csr_array((np.concatenate(sides), (np.arange(len(units)), units)), shape=(len(units), len(bias)))
    blocks, biases = _blocks([essence.subconcepts for essence in essences])
    layers += [Layer(_sparse(rows), bias, "sign"), Layer(_sparse(blocks @ places), biases, "sign")]
    if any(essence.kinds is not None for essence in essences):
        blocks, biases = _blocks([essence.kinds or _unchanged(len(essence.subconcepts[1])) for essence in essences])
        layers.append(Layer(_sparse(blocks), biases, "sign"))
    return layers


def _blocks(parts: Sequence[tuple[Array, Array]]) -> tuple[Any, Array]:
    """Weights along a diagonal, and biases."""
    blocks = block_diag([csr_array(weights) for weights, _ in parts], format="csr")
    return blocks, np.concatenate([bias for _, bias in parts])


def _unchanged(units: int) -> tuple[Array, Array]:
    return np.eye(units, dtype=np.int64), np.zeros(units, dtype=np.int64)


def _duels(essence: Essence) -> tuple[Array, Array]:
    """For each two labels, a unit that is positive where the second beats the first; one that is 0 for one label."""
    weights, bias = essence.concepts
    if len(bias) == 1:
        return np.zeros((1, weights.shape[1]), dtype=np.int64), np.zeros(1, dtype=np.int64)
    first, second = np.triu_indices(len(bias), 1)
    return weights[second] - weights[first], bias[second] - bias[first]


def _wins(labels: int) -> tuple[Array, Array]:
    """For each label, a unit over duels that is positive where it beats all earlier ones and no later one beats it."""
    first, second = np.triu_indices(labels, 1)
    own = np.arange(labels)[:, None]
    weights = 2 * (second == own).astype(np.int64) - 2 * (first == own)
    return (weights if labels > 1 else np.zeros((1, 1), dtype=np.int64)), 1 - 2 * np.arange(labels)


def _turned(planes: Sequence[Planes], sides: Sequence[Array]) -> list[Planes]:
    """Planes over units of which some, those with -1, are mirrored."""
    return [(weights * side, bias) for (weights, bias), side in zip(planes, sides, strict=True)]


def _distinct(
    planes: Sequence[Planes], columns: Sequence[Array], inputs: int
) -> tuple[Any, Array, list[Array], list[Array]]:
    """Distinct rows over all inputs, their biases, and for each network's planes their rows, and -1 if mirrored."""
    numbers: dict[tuple[Any, ...], int] = {}
    rows_of, sides_of = [], []
    for (weights_of, biases), own in zip(planes, columns, strict=True):
        inside = own >= 0
        places, sides = np.zeros(len(biases), dtype=np.int64), np.ones(len(biases), dtype=np.int64)
        for k, (weights, bias) in enumerate(zip(weights_of, biases, strict=True)):
            used = np.flatnonzero(inside & (weights != 0))
            used = used[np.argsort(own[used], kind="stable")]
            sides[k] = -1 if (weights[used[0]] if len(used) else bias) < 0 else 1
            values = sides[k] * weights[used]
            key = (tuple(own[used].tolist()), tuple(values.tolist()), (sides[k] * bias).item())
            places[k] = numbers.setdefault(key, len(numbers))
        rows_of.append(places)
        sides_of.append(sides)
    # A network without a plane has one unit that is always 0, for a layer must have one.
    if not numbers:
        numbers[(), (), 0] = 0
    keys = list(numbers)
    data = np.array([value for _, values, _ in keys for value in values])
    indices = np.array([column for own, _, _ in keys for column in own], dtype=np.int64)
    starts = np.cumsum([0, *(len(own) for own, _, _ in keys)])
    rows = csr_array((data, indices, starts), shape=(len(keys), inputs))
    return rows, np.array([bias for _, _, bias in keys]), rows_of, sides_of


def _sparse(matrix: Any) -> Sparse:
    rows = csr_array(matrix)
    rows.sum_duplicates()
    return Sparse(rows.data, rows.indices, rows.indptr, rows.shape)
