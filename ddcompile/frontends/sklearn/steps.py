"""What the steps of a pipeline do with columns: choose them, divide them among branches, or compute others of them.

Whoever follows the columns, as units of layers or as what a tree compares, numbers them; a step takes the numbers of
its columns, and gives those of its results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from sklearn import compose, feature_selection as choice, impute, pipeline, preprocessing as pre

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.sklearn.chain import checked_fit, kind_of

__all__ = ["Leaf", "followed", "inputs_of", "unknown_step"]

Leaf: TypeAlias = Callable[[Any, str, np.ndarray], np.ndarray]
"""A fitted step, its place for messages, the numbers of its columns: the numbers of its results."""

_SELECTORS = (
    choice.GenericUnivariateSelect,
    choice.RFE,
    choice.RFECV,
    choice.SelectFdr,
    choice.SelectFpr,
    choice.SelectFromModel,
    choice.SelectFwe,
    choice.SelectKBest,
    choice.SelectPercentile,
    choice.SequentialFeatureSelector,
    choice.VarianceThreshold,
)


def inputs_of(steps: Sequence[tuple[str, Any]], width: int) -> int:
    """How many columns a pipeline reads whose last part reads `width`."""
    return next((int(step.n_features_in_) for _, step in steps if hasattr(step, "n_features_in_")), width)


def followed(steps: Sequence[tuple[str, Any]], ids: np.ndarray, leaf: Leaf) -> np.ndarray:
    """The numbers of the columns that steps give, one after the other; what is not only moved goes through `leaf`.

    Raises
    ------
    CompileError
        N701 if a step is not fitted, N703 for settings and N704 for steps that are not imported, N705 if a step reads
        another number of columns than the step before gives.
    """
    for place, step in steps:
        ids = _followed(step, place, ids, leaf)
    return ids


def _followed(step: Any, place: str, ids: np.ndarray, leaf: Leaf) -> np.ndarray:
    if type(step) is pipeline.Pipeline:
        return followed([(f"{place}.{n}", s) for n, s in step.steps if s not in (None, "passthrough")], ids, leaf)
    if type(step) is pre.FunctionTransformer and step.func is None:
        return ids
    if type(step) is pipeline.FeatureUnion:
        return _united(step, place, ids, leaf)
    checked_fit(step, place)
    reads = getattr(step, "n_features_in_", len(ids))
    if reads != len(ids):
        raise fail("N705", f"`{kind_of(step)}` reads {reads} columns, but is given {len(ids)}", place=place)
    if type(step) is compose.ColumnTransformer:
        return _branched(step, place, ids, leaf)
    if type(step) in _SELECTORS:
        chosen: np.ndarray = ids[step.get_support()]
        return chosen
    if type(step) is impute.SimpleImputer:
        return _without_missing(step, place, ids)
    return leaf(step, place, ids)


def _united(step: Any, place: str, ids: np.ndarray, leaf: Leaf) -> np.ndarray:
    _check_weights(step, place)
    parts = [
        followed(() if part == "passthrough" else [(f"{place}.{name}", part)], ids, leaf)
        for name, part in step.transformer_list
        if part != "drop"
    ]
    return np.concatenate([ids[:0], *parts])


def _branched(step: Any, place: str, ids: np.ndarray, leaf: Leaf) -> np.ndarray:
    _check_weights(step, place)
    parts = []
    for name, part, _ in step.transformers_:
        own = ids[step._transformer_to_input_indices[name]]
        if part != "drop" and len(own):
            parts.append(followed(() if part == "passthrough" else [(f"{place}.{name}", part)], own, leaf))
    return np.concatenate([ids[:0], *parts])


def _check_weights(step: Any, place: str) -> None:
    if step.transformer_weights:
        hint = "leave transformer_weights out"
        raise fail("N703", f"weights of the parts of `{kind_of(step)}` are not imported", place=place, hint=hint)


def _without_missing(step: Any, place: str, ids: np.ndarray) -> np.ndarray:
    """Nothing is missing among finite numbers, so they go through; columns without any number at fit are dropped."""
    is_nan = isinstance(step.missing_values, float) and np.isnan(step.missing_values)
    if not is_nan or step.add_indicator:
        what = "that indicates what is missing" if is_nan else f"of {step.missing_values!r} as missing values"
        hint = "inputs are finite numbers: leave the step as it is by default, or out"
        raise fail("N703", f"`{kind_of(step)}` {what} is not imported", place=place, hint=hint)
    statistics = np.asarray(step.statistics_)
    kept = np.ones(len(ids), dtype=bool)
    if not step.keep_empty_features and statistics.dtype.kind == "f":
        kept = ~np.isnan(statistics)
    return ids[kept]


def unknown_step(step: Any, place: str, known: str) -> CompileError:
    """The refusal of a step that is not imported: N704."""
    hint = f"steps: {known}, and what only chooses columns"
    if type(step) is pre.Normalizer:
        hint = "it divides by a root of a sum of squares: take a scaler, which divides each column by its own number"
    if type(step) is pre.FunctionTransformer:
        hint = "a function may do anything: use a step of scikit-learn itself"
    return fail("N704", f"the step `{kind_of(step)}` is not imported", place=place, hint=hint)
