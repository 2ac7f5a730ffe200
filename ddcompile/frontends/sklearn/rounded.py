"""The steps of a pipeline before trees: what they make of doubles, column by column, rounded as they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn import preprocessing as pre

from ddcompile.diagnostics import fail
from ddcompile.frontends.sklearn.chain import kind_of
from ddcompile.frontends.sklearn.encoders import BINS, codes_of, edges_of, kept_categories
from ddcompile.frontends.sklearn.scalers import SCALERS, rounded_scaler
from ddcompile.frontends.sklearn.steps import followed, inputs_of, unknown_step

__all__ = ["Columns", "columns_of"]

_KNOWN = (
    "StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Binarizer, KBinsDiscretizer, OrdinalEncoder, "
    "OneHotEncoder"
)


class Columns:
    """The columns that trees compare: each a monotone function of one input, or of whether one lies in an interval.

    Attributes
    ----------
    inputs : int
        How many values the pipeline is given.
    last : ndarray of int
        The numbers of the columns that the trees are given.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.last = np.arange(inputs)
        self._before = np.full(inputs, -1)
        self._steps: list[tuple[int, int, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = []
        self._ends: dict[int, tuple[float, float]] = {}

    def append(self, ids: np.ndarray, made: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """Columns made of others, one of each; the function is given values and places among them."""
        start = len(self._before)
        self._before = np.concatenate([self._before, ids])
        self._steps.append((start, len(self._before), made))
        return np.arange(start, len(self._before))

    def append_intervals(self, ids: np.ndarray, ends: Sequence[tuple[float, float]]) -> np.ndarray:
        """Columns that say whether others, one each, are above a number and not above another."""
        start = len(self._before)
        self._before = np.concatenate([self._before, ids])
        self._ends |= {start + k: pair for k, pair in enumerate(ends)}
        return np.arange(start, len(self._before))

    def sources(self, features: np.ndarray) -> np.ndarray:
        """The inputs, or columns of intervals, that the last columns are functions of."""
        return self._paths(self.last[features])[-1]

    def interval(self, column: int) -> tuple[int, tuple[float, float]] | None:
        """The column that an interval is of, and its ends; None of other columns."""
        return (int(self._before[column]), self._ends[column]) if column in self._ends else None

    def made(self, values: np.ndarray, features: np.ndarray) -> np.ndarray:
        """What the last columns are of values of their sources."""
        return self.made_of(values, self.last[features])

    def made_of(self, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """What columns are of values of their sources."""
        values = values.copy()
        paths = self._paths(columns)
        for at in reversed(paths[:-1]):
            for start, stop, made in self._steps:
                mine = (at >= start) & (at < stop)
                if mine.any():
                    values[mine] = made(values[mine], at[mine] - start)
        return values

    def source_of(self, columns: np.ndarray) -> np.ndarray:
        """The inputs, or columns of intervals, that columns are functions of."""
        return self._paths(columns)[-1]

    def _paths(self, columns: np.ndarray) -> list[np.ndarray]:
        """The columns, those that they are made of, and so on to their sources; -1 where one is there already."""
        ends = np.fromiter(self._ends, dtype=np.int64, count=len(self._ends))
        at = columns
        found: list[np.ndarray] = []
        while True:
            is_made = (at >= self.inputs) & ~np.isin(at, ends)
            if not is_made.any():
                return [*found, at]
            found.append(np.where(is_made, at, -1))
            at = np.where(is_made, self._before[at], at)


def columns_of(steps: Sequence[tuple[str, Any]], width: int) -> Columns:
    """The columns of `width` that trees are given by the steps before them.

    Raises
    ------
    CompileError
        N701 if a step is not fitted, N703 for settings, N704 for steps that are not monotone or not imported, N705 if
        arrays do not fit together.
    """
    columns = Columns(inputs_of(steps, width))

    def leaf(step: Any, place: str, ids: np.ndarray) -> np.ndarray:
        kind = type(step)
        if kind in SCALERS:
            return columns.append(ids, rounded_scaler(step, place, len(ids)))
        if kind is pre.Binarizer:
            return columns.append(ids, lambda values, _: np.asarray(values > step.threshold, dtype=np.float64))
        if kind is BINS and step.encode == "ordinal":
            return columns.append(ids, _coded(edges_of(step, place)))
        if kind is BINS:
            bins = [_bins(edges) for edges in edges_of(step, place)]
            return columns.append_intervals(np.repeat(ids, [len(b) for b in bins]), [pair for b in bins for pair in b])
        if kind is pre.OneHotEncoder:
            kept = kept_categories(step, place)
            pairs = [(float(np.nextafter(c, -np.inf)), float(c)) for each in kept for c in each]
            return columns.append_intervals(np.repeat(ids, [len(each) for each in kept]), pairs)
        if kind is pre.OrdinalEncoder:
            if codes_of(step) is not None:
                hint = "leave handle_unknown as it is by default"
                raise fail("N703", f"unknown categories of `{kind_of(step)}` before trees", place=place, hint=hint)
            return columns.append(ids, _coded(edges_of(step, place)))
        raise unknown_step(step, place, _KNOWN)

    columns.last = followed(steps, columns.last, leaf)
    if len(columns.last) != width:
        message = f"the trees read {width} columns, but the steps before them give {len(columns.last)}"
        raise fail("N705", message, place=steps[-1][0] if steps else "")
    return columns


def _bins(edges: np.ndarray) -> list[tuple[float, float]]:
    """Between which numbers each bin is, above the first and not above the second."""
    ends = [-np.inf, *np.nextafter(edges, -np.inf).tolist(), np.inf]
    return list(pairwise(ends))


def _coded(edges: Sequence[np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """How many edges of its column each value has reached."""

    def made(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        found = np.empty_like(values)
        for column in np.unique(columns).tolist():
            mine = columns == column
            found[mine] = np.searchsorted(edges[column], values[mine], side="right")
        return found

    return made
