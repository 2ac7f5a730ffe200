"""One function for outputs along a line: of inputs beside them, of outputs before them and of bits that are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from math import inf, prod
from typing import Any, TypeAlias

import numpy as np

from ddcompile.learn.chains import levels_of, worked_out
from ddcompile.learn.decompositions import UNKNOWN, Split, common_bit, splits
from ddcompile.learn.essence import Essence
from ddcompile.learn.folds import folded
from ddcompile.learn.relevance import Relevance, relevant_inputs
from ddcompile.learn.sharing import view

__all__ = ["Recurrence", "recurrence"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Maker: TypeAlias = Callable[[Array, Array, Relevance], Essence]
"""The network of a bit, from what it reads in some samples, its values there and what it depends on."""

LEAST_OUTPUTS = 3
"""Fewer outputs are no line."""
MAX_FEATURES = 200
"""Outputs that would have more inputs and outputs around them are not searched."""
FEW_SAMPLES = 2_000
"""So many pooled samples are searched for relevant inputs at first; more, if what is found does not explain all."""
MAX_SPLIT = 6
"""Functions of up to so many inputs are split."""
MAX_KEPT = 2
"""A function of a bit that all outputs have in common reads up to so many inputs besides."""
MAX_TRIED = 400
"""Of how many sets of inputs it is tried whether all outputs have a bit in common besides."""


@dataclass(frozen=True, eq=False)
class Function:
    """What one or several units are.

    Attributes
    ----------
    columns : dict from int to ndarray of shape (inputs that matter,)
        For each unit what it reads: inputs and units, numbered after the inputs; -1 is a 0 outside the line.
    relevance : Relevance
    make : callable
        Makes its network.
    """

    columns: dict[int, Array]
    relevance: Relevance
    make: Callable[[], Essence]

    @cached_property
    def essence(self) -> Essence:
        """Its network; made when it is asked for."""
        return self.make()


@dataclass(frozen=True, slots=True, eq=False)
class Recurrence:
    """Units that are worked out one after another: the outputs, and after them bits that are made up.

    Attributes
    ----------
    inputs : int
        How many there are.
    functions : tuple of Function
        Each unit is in one.
    values : ndarray of shape (samples, units)
        What each is in each sample; `UNKNOWN` where no output depends on it.
    """

    inputs: int
    functions: tuple[Function, ...]
    values: Array

    @property
    def columns(self) -> list[Array]:
        """What each unit reads."""
        found = {unit: own for function in self.functions for unit, own in function.columns.items()}
        return [found[unit] for unit in range(self.values.shape[1])]

    @property
    def essences(self) -> list[Essence]:
        """The network of each unit; those of one function share one."""
        return [self.functions[number].essence for number in self.numbers]

    @property
    def numbers(self) -> list[int]:
        """Which function each unit is."""
        found = {unit: number for number, function in enumerate(self.functions) for unit in function.columns}
        return [found[unit] for unit in range(self.values.shape[1])]

    def explains(self, points: Array, labels: Array) -> bool:
        """Whether the networks give the labels of all samples."""
        values = [np.arange(2)] * self.values.shape[1]
        _, known = worked_out(points, self.columns, self.essences, values)
        return np.array_equal(known[:, points.shape[1] :][:, : labels.shape[1]], labels)

    @property
    def bits(self) -> float:
        """The length of the description of all functions."""
        return sum(function.relevance.bits for function in self.functions)

    @property
    def key(self) -> tuple[int, int, int, float]:
        """What is as small as possible, the first of these first.

        The inputs that are read at once; the functions that are no constants; the units after one another; the
        description.
        """
        widest = max(len(function.relevance.inputs) for function in self.functions)
        number = sum(bool(function.relevance.inputs) for function in self.functions)
        return widest, number, len(levels_of(self.columns, self.inputs)), self.bits


def recurrence(
    points: Array, labels: Array, grid: Sequence[int], weights: Array | None, make: Maker, at_most: float = inf
) -> Recurrence | None:
    """The simplest network that explains all samples and in which outputs along a line are one function.

    The function reads inputs at places relative to the output, and outputs before it, in either direction. If it can be
    split, a bit is made up for each output, which is then a function of inputs, outputs and such bits before; or one
    bit for all outputs, a function of all inputs, or worked out along the line. The output at either end may be a
    function of its own. A single output may be worked out along the line as well.

    Parameters
    ----------
    points : ndarray of shape (samples, inputs), integers
    labels : ndarray of shape (samples, outputs)
        0 or 1.
    grid : sequence of int
        The shape in which inputs lie. Outputs lie along its last axis, and may be more or fewer.
    weights : ndarray of shape (samples,), optional
        How often each sample counts; above 0.
    make : Maker
    at_most : float
        Bits. Longer descriptions are of no use.
    """
    found: list[Recurrence] = []
    for step in (-1, 1):
        search = _Search(points, labels, grid, weights, make, step)
        if len(search.offsets) > MAX_FEATURES:
            continue
        if labels.shape[1] == 1:
            found += search.along_the_line(at_most)
        elif labels.shape[1] >= LEAST_OUTPUTS:
            found += search.chained(at_most)
            found += search.with_common_bit(at_most)
    found = [candidate for candidate in found if candidate.bits < at_most]
    return next((one for one in sorted(found, key=lambda one: one.key) if one.explains(points, labels)), None)


class _Search:
    """Recurrences in which outputs read those before them: lower ones if `step` is -1, higher ones if it is 1."""

    def __init__(
        self, points: Array, labels: Array, grid: Sequence[int], weights: Array | None, make: Maker, step: int
    ) -> None:
        self.points, self.labels, self.weights, self.make, self.step = points, labels, weights, make, step
        self.inputs, self.outputs = points.shape[1], labels.shape[1]
        self.length, self.rows = grid[-1], prod(grid[:-1])
        reach = range(1 - self.outputs, self.length)
        self.beside = [(row, offset) for row in range(self.rows) for offset in reach]
        self.offsets = [*self.beside, *((self.rows, step * k) for k in range(1, self.outputs))]
        self.known = np.column_stack([points, labels])

    def column(self, unit: int, row: int, offset: int) -> int:
        """The number of what lies in a row of inputs, or in that of outputs, at an offset from an output."""
        place = unit + offset
        length = self.length if row < self.rows else self.outputs
        return row * self.length + place if 0 <= place < length else -1

    def columns(self, units: Sequence[int], offsets: Sequence[tuple[int, int]]) -> dict[int, Array]:
        """For each unit the numbers of what lies at offsets."""
        return {k: np.array([self.column(k, *offset) for offset in offsets], dtype=np.int64) for k in units}

    @cached_property
    def alone(self) -> dict[int, Relevance]:
        """What the outputs at the ends depend on by themselves."""
        return {k: relevant_inputs(self.points, self.labels[:, k], self.weights) for k in (0, self.outputs - 1)}

    def made(self, unit: int, values: Array, relevance: Relevance) -> Function:
        """A unit as a function of inputs, wherever they are."""
        known, columns = values != UNKNOWN, np.array(relevance.inputs, dtype=np.int64)
        make = partial(self.make, self.points[known][:, columns], values[known], relevance)
        return Function({unit: columns}, relevance, make)

    def depends(self, values: Array) -> Relevance:
        """What a bit depends on by itself."""
        known = values != UNKNOWN
        return relevant_inputs(self.points[known], values[known], None if self.weights is None else self.weights[known])

    def fitted(
        self, known: Array, values: Array, columns: dict[int, Array], units: dict[int, int], at_most: float = inf
    ) -> Function | None:
        """Several units as one function of what lies in columns; None if that does not explain them.

        Parameters
        ----------
        known : ndarray of shape (samples, inputs and units)
        values : ndarray of shape (samples, outputs)
        columns : dict
            For each output.
        units : dict
            The number of the unit that belongs to each output.
        """
        seen = np.concatenate([view(known, own) for own in columns.values()])
        wanted = values[:, list(columns)].T.reshape(-1)
        weights = None if self.weights is None else np.tile(self.weights, len(columns))
        is_known = (wanted != UNKNOWN) & ~self.unknown(known, columns).any(axis=1)
        seen, wanted, weights = seen[is_known], wanted[is_known], None if weights is None else weights[is_known]
        number = min(len(seen), FEW_SAMPLES)
        while True:
            taken = np.unique(np.linspace(0, len(seen) - 1, number).astype(np.int64))
            some = None if weights is None else weights[taken]
            relevance = relevant_inputs(seen[taken], wanted[taken], some, at_most)
            if not relevance.is_consistent or relevance.bits > at_most:
                return None
            own = seen[:, relevance.inputs]
            both = len(np.unique(np.column_stack([own, wanted]), axis=0))
            if both == len(np.unique(own, axis=0)):
                break
            if number == len(seen):
                return None
            number = min(len(seen), 2 * number)
        chosen = {units[k]: every[list(relevance.inputs)] for k, every in columns.items()}
        return Function(chosen, relevance, partial(self.make, own, wanted, relevance))

    def unknown(self, known: Array, columns: dict[int, Array]) -> Array:
        """Which of what is read are made-up bits that samples say nothing of, output by output."""
        bits = [(own >= self.inputs + self.outputs) & (view(known, own) == UNKNOWN) for own in columns.values()]
        return np.concatenate(bits)

    def chained(self, at_most: float) -> Iterator[Recurrence]:
        """Outputs as one function of what is beside and before them, but for those at the ends; and with bits."""
        for first in (0, 1):
            for last in (0, 1):
                units = range(first, self.outputs - last)
                columns = self.columns(units, self.offsets)
                whole = self.fitted(self.known, self.labels, columns, {k: k for k in units}, at_most)
                if whole is None:
                    continue
                others = [k for k in (0, self.outputs - 1) if k not in units]
                if whole.relevance.bits + sum(self.alone[k].bits for k in others) > at_most:
                    continue
                ends = [self.made(k, self.labels[:, k], self.alone[k]) for k in others]
                yield Recurrence(self.inputs, (whole, *ends), self.labels)
                read = [self.offsets[i] for i in whole.relevance.inputs]
                if 2 < len(read) <= MAX_SPLIT:
                    chosen = whole.columns.values()
                    seen = np.concatenate([view(self.known, own) for own in chosen])
                    for split in splits(seen, self.labels[:, list(units)].T.reshape(-1)):
                        yield from self.with_bits(split, read, units)

    def with_bits(self, split: Split, read: Sequence[tuple[int, int]], units: Sequence[int]) -> Iterator[Recurrence]:
        """With a bit for each output that reads what others do; where that explains the ends, for these as well."""
        joined = self.columns(units, read)
        bits = np.full_like(self.labels, UNKNOWN)
        for k in units:
            bits[:, k] = split.values(view(self.known, joined[k]))
        kept = [read[i] for i in split.kept]
        table = self.table(kept, units, bits)
        ends = [k for k in range(self.outputs) if k not in units]
        for k in ends:
            bits[:, k] = self.solved(table, view(self.known, self.columns([k], kept)[k]), self.labels[:, k])
        own_bit = [k for k in ends if (bits[:, k] != UNKNOWN).all()]
        alone = [self.made(k, self.labels[:, k], self.alone[k]) for k in ends if k not in own_bit]
        numbers = {k: self.outputs + place for place, k in enumerate(sorted([*units, *own_bit]))}
        used = sorted(numbers)
        known = np.column_stack([self.known, bits[:, used]])
        place_of_bit = {k: self.inputs + numbers[k] for k in used}
        given = {k: np.append(self.columns([k], kept)[k], place_of_bit[k]) for k in used}
        output = self.fitted(known, self.labels, given, {k: k for k in used})
        first = [self.made(numbers[k], bits[:, k], self.depends(bits[:, k])) for k in own_bit]
        for offsets in (self.beside, self.offsets):
            around = self.columns(units, offsets)
            for k in units:
                bits_before = [place_of_bit.get(k + self.step * back, -1) for back in range(1, self.outputs)]
                around[k] = np.concatenate([around[k], np.array(bits_before, dtype=np.int64)])
            bit = self.fitted(known, bits, around, numbers)
            if bit is not None and output is not None:
                yield Recurrence(self.inputs, (output, bit, *first, *alone), known[:, self.inputs :])

    def table(self, kept: Sequence[tuple[int, int]], units: Sequence[int], bits: Array) -> dict[tuple[int, ...], int]:
        """The outputs for what they keep, and the bit last."""
        columns = self.columns(units, kept)
        rows = [np.column_stack([view(self.known, columns[k]), bits[:, k], self.labels[:, k]]) for k in units]
        return {tuple(row[:-1]): row[-1] for row in np.unique(np.concatenate(rows), axis=0).tolist()}

    @staticmethod
    def solved(table: dict[tuple[int, ...], int], kept: Array, labels: Array) -> Array:
        """The bit for which the table gives the labels; `UNKNOWN` if both do, or none."""
        rows, codes = np.unique(np.column_stack([kept, labels]), axis=0, return_inverse=True)
        found = []
        for *own, label in rows.tolist():
            fits = [bit for bit in (0, 1) if table.get((*own, bit)) == label]
            found.append(fits[0] if len(fits) == 1 else UNKNOWN)
        return np.array(found)[codes.reshape(-1)]

    def with_common_bit(self, at_most: float) -> Iterator[Recurrence]:
        """Outputs as one function of one or two inputs beside them and a bit that is the same for all."""
        unit, units = self.outputs, range(self.outputs)
        sets = [some for size in range(1, MAX_KEPT + 1) for some in combinations(self.beside, size)]
        sets.sort(key=lambda some: (len(some), sum(abs(offset) for _, offset in some)))
        for kept in sets[:MAX_TRIED]:
            columns = self.columns(units, kept)
            seen = np.stack([view(self.points, own) for own in columns.values()])
            codes = np.unique(seen.reshape(-1, len(kept)), axis=0, return_inverse=True)[1].reshape(seen.shape[:2])
            bit = common_bit(codes, self.labels.T)
            if bit is None:
                continue
            given = {k: np.append(own, self.inputs + unit) for k, own in columns.items()}
            # Which value of the bit is called 1 is free, and so is what it is where nothing depends on it.
            for own in (bit, np.where(bit == UNKNOWN, UNKNOWN, 1 - bit)):
                known = np.column_stack([self.known, own])
                output = self.fitted(known, self.labels, given, {k: k for k in units}, at_most)
                if output is None:
                    break
                relevance, line = self.depends(own), self.fold(own, unit)
                if relevance.is_consistent:
                    made = self.made(unit, own, relevance)
                    yield Recurrence(self.inputs, (output, made), known[:, self.inputs :])
                if line is not None:
                    values = np.column_stack([known[:, self.inputs :], line[1]])
                    yield Recurrence(self.inputs, (output, line[0]), values)
            else:
                return

    def along_the_line(self, at_most: float) -> Iterator[Recurrence]:
        """A single output as the last of bits that are worked out along the line."""
        line = self.fold(self.labels[:, 0], 0)
        if line is not None and line[0].relevance.bits <= at_most:
            yield Recurrence(self.inputs, line[:1], np.column_stack([self.labels, line[1]]))

    def fold(self, values: Array, unit: int) -> tuple[Function, Array] | None:
        """A unit as one function of the inputs at the last place and a bit of those before; and these bits.

        They are numbered after the unit, the first place first. The last place is the lowest if `step` is 1.
        """
        order = np.arange(self.length)[:: -self.step]
        bits = folded(self.points.reshape(-1, self.rows, self.length).transpose(0, 2, 1)[:, order], values)
        if bits is None or self.length < LEAST_OUTPUTS:
            return None
        numbers = {k: unit + 1 + k for k in range(self.length - 1)} | {self.length - 1: unit}
        columns = {}
        for k, place in enumerate(order.tolist()):
            before = self.inputs + numbers[k - 1] if k else -1
            columns[k] = np.array([*(row * self.length + place for row in range(self.rows)), before], dtype=np.int64)
        missing = unit - self.labels.shape[1]
        known = np.column_stack([self.known, *([values] if missing == 0 else []), bits[:, :-1]])
        function = self.fitted(known, bits, columns, numbers)
        return None if function is None else (function, bits[:, :-1])
