"""Encoders of numbers as what they compare with: bins, and categories that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import preprocessing as pre

from ddcompile.diagnostics import fail
from ddcompile.frontends.sklearn.chain import kind_of

__all__ = ["BINS", "categories_of", "codes_of", "edges_of", "kept_categories"]

BINS = pre.KBinsDiscretizer


def edges_of(step: Any, place: str) -> list[np.ndarray]:
    """For every column the numbers from which on its code is one more: edges of bins, categories but the first.

    Raises
    ------
    CompileError
        N703 for settings that are not imported.
    """
    if type(step) is pre.OrdinalEncoder:
        return [categories[1:] for categories in categories_of(step, place)]
    if step.dtype == np.float32:
        hint = "leave dtype as it is by default"
        raise fail("N703", f"`{kind_of(step)}` of float32 is not imported", place=place, hint=hint)
    return [np.asarray(edges, dtype=np.float64)[1:-1] for edges in step.bin_edges_]


def categories_of(step: Any, place: str) -> list[np.ndarray]:
    """The categories of every column, which are numbers that rise.

    Raises
    ------
    CompileError
        N703 if they are none, or rare ones are taken together.
    """
    hint = "map them to numbers before the model is fitted"
    for k, found in enumerate(step.categories_):
        if found.dtype.kind not in "biuf":
            raise fail("N703", f"the categories of column {k} are no numbers", place=place, hint=hint)
        if found.dtype.kind == "f" and np.isnan(found).any():
            raise fail("N703", f"a category of column {k} is missing (nan)", place=place, hint=hint)
    infrequent = getattr(step, "_infrequent_enabled", False) and step.infrequent_categories_
    if infrequent and any(rare is not None for rare in infrequent):
        hint = "leave min_frequency and max_categories out"
        raise fail("N703", "rare categories that are taken together are not imported", place=place, hint=hint)
    return [np.asarray(found, dtype=np.float64) for found in step.categories_]


def kept_categories(step: Any, place: str) -> list[np.ndarray]:
    """Of a OneHotEncoder, the categories of every column that have a bit; N703 as `categories_of`."""
    categories = categories_of(step, place)
    dropped = [None] * len(categories) if step.drop_idx_ is None else step.drop_idx_
    kept = [np.arange(len(found)) != (-1 if d is None else d) for found, d in zip(categories, dropped, strict=True)]
    return [found[k] for found, k in zip(categories, kept, strict=True)]


def codes_of(step: Any) -> float | None:
    """The number that stands for unknown categories; None if they are refused when the model predicts."""
    return float(step.unknown_value) if step.handle_unknown == "use_encoded_value" else None
