"""The steps of a pipeline before trees: what they make of doubles, column by column, rounded as they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn import preprocessing as pre

from ddcompile.diagnostics import fail
from ddcompile.frontends.sklearn.chain import kind_of
from ddcompile.frontends.sklearn.encoders import BINS, codes_of, edges_of
from ddcompile.frontends.sklearn.scalers import SCALERS, rounded_scaler
from ddcompile.frontends.sklearn.steps import followed, inputs_of, unknown_step

__all__ = ["Columns", "columns_of"]

_KNOWN = "StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Binarizer, KBinsDiscretizer, OrdinalEncoder"


class Columns:
    """The columns that trees compare: each a monotone function of one input.

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

    def append(self, ids: np.ndarray, made: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """Columns made of others, one of each; the function is given values and places among them."""
        start = len(self._before)
        self._before = np.concatenate([self._before, ids])
        self._steps.append((start, len(self._before), made))
        return np.arange(start, len(self._before))

    def sources(self, features: np.ndarray) -> np.ndarray:
        """The inputs that the last columns are functions of."""
        return self._paths(features)[-1]

    def made(self, values: np.ndarray, features: np.ndarray) -> np.ndarray:
        """What the last columns are of values of their inputs."""
        values = values.copy()
        paths = self._paths(features)
        for at in reversed(paths[:-1]):
            for start, stop, made in self._steps:
                mine = (at >= start) & (at < stop)
                if mine.any():
                    values[mine] = made(values[mine], at[mine] - start)
        return values

    def _paths(self, features: np.ndarray) -> list[np.ndarray]:
        """The columns, those that they are made of, and so on to the inputs; -1 where one is at an input already."""
        at = self.last[features]
        found, inputs = [], at
        while (at >= self.inputs).any():
            found.append(np.where(at >= self.inputs, at, -1))
            at = np.where(at >= self.inputs, self._before[at], at)
            inputs = at
        return [*found, inputs]


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


def _coded(edges: Sequence[np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """How many edges of its column each value has reached."""

    def made(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        found = np.empty_like(values)
        for column in np.unique(columns).tolist():
            mine = columns == column
            found[mine] = np.searchsorted(edges[column], values[mine], side="right")
        return found

    return made
