"""The steps of a pipeline as layers: what is linear, or compares with constants, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import decomposition, preprocessing as pre

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import Activation
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.network import Layer
from ddcompile.frontends.sklearn.chain import kind_of
from ddcompile.frontends.sklearn.encoders import BINS, categories_of, codes_of, edges_of, kept_categories
from ddcompile.frontends.sklearn.scalers import SCALERS, layer_of_scaler
from ddcompile.frontends.sklearn.steps import followed, inputs_of, unknown_step
from ddcompile.frontends.weights import Sparse

__all__ = ["layers_of_steps"]

_KNOWN = (
    "StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Binarizer, KBinsDiscretizer, OrdinalEncoder, "
    "OneHotEncoder, PCA, TruncatedSVD"
)


def layers_of_steps(steps: Sequence[tuple[str, Any]], width: int) -> tuple[Layer, ...]:
    """The layers of the steps before a model that reads `width` values; none if they change nothing.

    Raises
    ------
    CompileError
        N701 if a step is not fitted, N703 for settings, N704 for steps that are not exact or not imported, N705 if
        arrays do not fit together.
    """
    drafts = Drafts(inputs_of(steps, width))
    given = np.arange(drafts.inputs, dtype=np.int64)

    def leaf(step: Any, place: str, ids: np.ndarray) -> np.ndarray:
        try:
            return _units(drafts, step, place, ids)
        except CompileError as error:
            found = error.diagnostics[0]
            raise error if found.code.startswith("N7") else fail("N705", found.message, place=place) from None

    ids = followed(steps, given, leaf)
    place = steps[-1][0] if steps else ""
    if len(ids) != width:
        raise fail("N705", f"the model reads {width} columns, but its steps give {len(ids)}", place=place)
    if np.array_equal(ids, given):
        return ()
    return drafts.finished(drafts.arranged(ids, place), place)


def _units(drafts: Drafts, step: Any, place: str, ids: np.ndarray) -> np.ndarray:
    kind = type(step)
    if kind in SCALERS:
        return _scaled(drafts, layer_of_scaler(step, place, len(ids)), ids, place)
    if kind is pre.Binarizer:
        return _compared(drafts, ids, np.full(len(ids), float(step.threshold)), "step", place)
    if kind is BINS or kind is pre.OrdinalEncoder:
        return _coded(drafts, step, place, ids)
    if kind is pre.OneHotEncoder:
        return _one_hot(drafts, step, place, ids)
    if kind is decomposition.PCA or kind is decomposition.TruncatedSVD:
        return _projected(drafts, step, place, ids)
    raise unknown_step(step, place, _KNOWN)


def _scaled(drafts: Drafts, layer: Layer | None, ids: np.ndarray, place: str) -> np.ndarray:
    if layer is None:
        return ids
    reads = drafts.whole(drafts.arranged(ids, place))
    assert reads is not None
    return drafts.append(Layer(layer.weight, layer.bias, layer.activation, None, reads, place, 1, "", layer.divisors))


def _compared(drafts: Drafts, ids: np.ndarray, constants: np.ndarray, activation: Activation, place: str) -> np.ndarray:
    """Of every unit, how it compares with a number of its own."""
    ones = np.ones((1, len(ids)), dtype=np.int64)
    return drafts.pointwise([drafts.arranged(ids, place)], ones, -constants, place, activation)


def _added(drafts: Drafts, ids: np.ndarray, rows: Sequence[dict[int, float]], bias: Any, place: str) -> np.ndarray:
    """Sums of units, each with a factor, by their places among all of these."""
    reads = drafts.whole(ids)
    assert reads is not None
    data = np.array([value for row in rows for value in row.values()], dtype=np.float64)
    columns = np.array([column for row in rows for column in row], dtype=np.int64)
    starts = np.cumsum([0, *map(len, rows)])
    return drafts.append(Layer(Sparse(data, columns, starts, (len(rows), len(ids))), bias, reads=reads, path=place))


def _coded(drafts: Drafts, step: Any, place: str, ids: np.ndarray) -> np.ndarray:
    """How many edges a value has reached; or, for each bin, whether it lies there."""
    if type(step) is pre.OrdinalEncoder and codes_of(step) is not None:
        return _coded_or_unknown(drafts, step, place, ids)
    edges = edges_of(step, place)
    counts = [len(found) for found in edges]
    starts = np.cumsum([0, *counts]).tolist()
    if not sum(counts):
        raise fail("N703", f"`{kind_of(step)}` gives constants alone", place=place, hint="leave the columns out")
    reached = _compared(drafts, np.repeat(ids, counts), np.concatenate(edges), "nonnegative", place)
    if type(step) is pre.OrdinalEncoder or step.encode == "ordinal":
        rows = [{start + k: 1.0 for k in range(count)} for start, count in zip(starts, counts, strict=False)]
        return _added(drafts, reached, rows, np.zeros(len(rows)), place)
    rows, bias = [], []
    for start, count in zip(starts, counts, strict=False):
        for k in range(count + 1):
            rows.append(({start + k - 1: 1.0} if k else {}) | ({start + k: -1.0} if k < count else {}))
            bias.append(0 if k else 1)
    return _added(drafts, reached, rows, np.array(bias), place)


def _equal(drafts: Drafts, ids: np.ndarray, categories: Sequence[np.ndarray], place: str) -> np.ndarray:
    """For every category of every column, whether it is that: whether it is reached, and not passed."""
    columns = np.repeat(ids, [len(found) for found in categories])
    constants = np.concatenate(categories)
    reached, passed = (_compared(drafts, columns, constants, how, place) for how in ("nonnegative", "step"))
    factors = np.repeat([[1], [-1]], len(columns), axis=1)
    return drafts.pointwise([reached, passed], factors, np.zeros(len(columns), dtype=np.int64), place)


def _coded_or_unknown(drafts: Drafts, step: Any, place: str, ids: np.ndarray) -> np.ndarray:
    """`u + sum over k of (k - u) * (x is category k)`, where u stands for what is unknown."""
    categories, unknown = categories_of(step, place), codes_of(step)
    assert unknown is not None
    equal = _equal(drafts, ids, categories, place)
    rows, start = [], 0
    for found in categories:
        rows.append({start + k: k - unknown for k in range(len(found)) if k != unknown})
        start += len(found)
    return _added(drafts, equal, rows, np.full(len(rows), unknown), place)


def _one_hot(drafts: Drafts, step: Any, place: str, ids: np.ndarray) -> np.ndarray:
    """A bit for every category that is not dropped; none of them is 1 for what is unknown."""
    return _equal(drafts, ids, kept_categories(step, place), place)


def _projected(drafts: Drafts, step: Any, place: str, ids: np.ndarray) -> np.ndarray:
    """`x @ C.T - mean @ C.T`, in the operations that scikit-learn does; the mean as units that read nothing."""
    if getattr(step, "whiten", False):
        raise fail("N703", "`PCA` that whitens is not imported", place=place, hint="put a StandardScaler behind it")
    weight = np.asarray(step.components_)
    zeros = np.zeros(len(weight), dtype=np.int64)
    projected: np.ndarray = drafts.linear(ids[None], weight, zeros, place)[0]
    mean = getattr(step, "mean_", None)
    if mean is None or not np.any(mean):
        return projected
    nothing = drafts.arranged(ids, place)
    constants = drafts.pointwise([nothing], np.zeros((1, len(ids)), dtype=np.int64), np.asarray(mean), place)
    centre = drafts.linear(constants[None], weight, zeros, place)[0]
    return drafts.pointwise([projected, centre], np.repeat([[1], [-1]], len(weight), axis=1), zeros, place)
