"""Trees, forests and boosted trees of scikit-learn as ensembles.

Sums of leaves are taken as exact sums of the doubles that scikit-learn stores; it rounds them as it adds. A forest's
mean is the exact sum times the double that is nearest to one over the number of trees. Inputs have no missing values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from sklearn import dummy, ensemble as ensembles, tree as trees

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.sklearn.chain import Chain, checked_fit, kind_of, no_function, renamed
from ddcompile.frontends.sklearn.rounded import Columns, columns_of
from ddcompile.frontends.trees import Ensemble, Tree
from ddcompile.frontends.trees.cuts import as_float32, largest

__all__ = ["SINGLE", "TREES", "ensemble_of", "tree_of"]

SINGLE = (
    trees.DecisionTreeClassifier,
    trees.DecisionTreeRegressor,
    trees.ExtraTreeClassifier,
    trees.ExtraTreeRegressor,
)
_FORESTS = (
    ensembles.RandomForestClassifier,
    ensembles.RandomForestRegressor,
    ensembles.ExtraTreesClassifier,
    ensembles.ExtraTreesRegressor,
)
_BOOSTED = (ensembles.GradientBoostingClassifier, ensembles.GradientBoostingRegressor)
_BINNED = (ensembles.HistGradientBoostingClassifier, ensembles.HistGradientBoostingRegressor)
TREES = (*SINGLE, *_FORESTS, *_BOOSTED, *_BINNED)
"""The estimators that are imported, themselves; those derived from them may predict in another way."""


def ensemble_of(chain: Chain) -> Ensemble:
    """The ensemble that an estimator out of `TREES` is, behind the steps of its pipeline.

    Raises
    ------
    CompileError
        N701 if it is not fitted, N702, N703 for functions and settings that are not imported, N704 for steps before it,
        N705 if its arrays do not fit together.
    """
    checked_fit(chain.last, chain.place)
    if getattr(chain.last, "n_outputs_", 1) != 1 and hasattr(chain.last, "classes_"):
        message = "several classes a sample are not imported, but several numbers are"
        raise fail("N703", message, place=chain.place, hint="fit a model for each target")
    try:
        if type(chain.last) in _BINNED:
            return _binned(chain)
        return _boosted(chain) if type(chain.last) in _BOOSTED else _averaged(chain)
    except CompileError as error:
        raise renamed(error, chain.place) from None


def _averaged(chain: Chain) -> Ensemble:
    model = chain.last
    parts = model.estimators_ if type(model) in _FORESTS else [model]
    is_classifier = hasattr(model, "classes_")
    if chain.method == "decision_function" or (chain.method == "predict_proba" and not is_classifier):
        raise no_function(chain)
    if is_classifier and len(model.classes_) < 2:
        raise fail("N703", "there is but one class, so the answer is always that", place=chain.place)
    columns = columns_of(chain.steps, chain.last.n_features_in_)
    return Ensemble(
        tuple(tree_of(part.tree_, columns) for part in parts),
        columns.inputs,
        len(model.classes_) if is_classifier else model.n_outputs_,
        scale=Fraction(1 / len(parts)),
        head="argmax" if is_classifier and chain.method == "predict" else "none",
        name=chain.name,
    )


def tree_of(tree: Any, columns: Columns, features: np.ndarray | None = None) -> Tree:
    """A tree over inputs; `features` are the columns that it was given, if not all."""
    feature = tree.feature if features is None else np.where(tree.feature < 0, -1, features[tree.feature])
    value = tree.value[:, 0, :] if tree.n_outputs == 1 else tree.value[:, :, 0]
    nodes = _Nodes(feature, tree.threshold, tree.children_left, tree.children_right, value)
    return _grown(nodes, columns, is_float32=True)


class _Nodes(NamedTuple):
    """The arrays of a tree as scikit-learn has them; a leaf has no children, which are then below 1."""

    feature: np.ndarray
    threshold: np.ndarray
    low: np.ndarray
    high: np.ndarray
    value: np.ndarray


def _grown(nodes: _Nodes, columns: Columns, is_float32: bool) -> Tree:
    """The tree over inputs. Whether a column of an interval is 1 takes two comparisons, so a node more."""

    def made(values: np.ndarray, features: np.ndarray) -> np.ndarray:
        values = columns.made(values, features)
        return as_float32(values, features) if is_float32 else values

    is_split = nodes.low > 0
    thresholds = np.where(is_split, nodes.threshold, 0.0)
    if np.isnan(thresholds).any():
        raise fail("N802", f"the threshold of node {int(np.flatnonzero(np.isnan(thresholds))[0])} is nan")
    own = np.asarray(nodes.feature, dtype=np.int64)[is_split]
    source, cut = np.full(len(is_split), -1), np.zeros(len(is_split))
    source[is_split] = columns.sources(own)
    plain = is_split & (source < columns.inputs)
    features = np.asarray(nodes.feature, dtype=np.int64)
    cut[plain] = largest(made, thresholds[plain], features[plain])
    if (plain == is_split).all():
        return Tree(source, cut, nodes.low, nodes.high, nodes.value)
    return _with_intervals(nodes, source, cut, plain, columns, made, thresholds)


def _with_intervals(
    nodes: _Nodes,
    source: np.ndarray,
    cut: np.ndarray,
    plain: np.ndarray,
    columns: Columns,
    made: Callable[[np.ndarray, np.ndarray], np.ndarray],
    thresholds: np.ndarray,
) -> Tree:
    """Nodes in the order of their depth, so that children stand behind their parents; those of intervals are two."""
    order = _downwards(nodes)
    split = {int(n) for n in order if nodes.low[n] > 0 and not plain[n]}
    place, count = {}, 0
    for n in order.tolist():
        place[n] = count
        count += 2 if n in split else 1
    rows: list[tuple[int, float, int, int, int]] = []
    for n in order.tolist():
        if n not in split:
            is_leaf = nodes.low[n] <= 0
            children = (-1, -1) if is_leaf else (place[int(nodes.low[n])], place[int(nodes.high[n])])
            rows.append((int(source[n]), float(cut[n]), *children, n))
            continue
        low, high = place[int(nodes.low[n])], place[int(nodes.high[n])]
        column, ends = columns.interval(int(source[n]))  # type: ignore[misc]
        at = np.array([column, column])
        below, above = largest(columns.made_of, np.array(ends), at).tolist()
        feature = np.array([nodes.feature[n]] * 2, dtype=np.int64)
        is_low = (made(np.array([0.0, 1.0]), feature) <= thresholds[n]).tolist()
        given = int(columns.source_of(at)[0])
        outside, inside = (low if goes else high for goes in is_low)
        rows.append((given, below, outside, place[n] + 1, n))
        rows.append((given, above, inside, outside, n))
    feature_, cut_, low_, high_, values = (np.array(column) for column in zip(*rows, strict=True))
    return Tree(feature_, cut_, low_, high_, nodes.value[values])


def _downwards(nodes: _Nodes) -> np.ndarray:
    """The nodes, level by level."""
    found, level = [], np.array([0])
    while len(level):
        found.append(level)
        splits = level[nodes.low[level] > 0]
        level = np.concatenate([nodes.low[splits], nodes.high[splits]])
    return np.concatenate(found)


def _boosted(chain: Chain) -> Ensemble:
    model = chain.last
    is_constant = model.init_ == "zero" or isinstance(model.init_, dummy.DummyClassifier | dummy.DummyRegressor)
    if not is_constant:
        message = f"a start that depends on the inputs (init=`{kind_of(model.init_)}`) is not imported"
        raise fail("N703", message, place=chain.place, hint="leave init as it is by default, or take 'zero'")
    base = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0]
    columns = columns_of(chain.steps, chain.last.n_features_in_)
    grown = [[tree_of(part.tree_, columns) for part in stage] for stage in model.estimators_]
    if chain.method == "predict_proba" and getattr(model, "loss", "") == "exponential":
        raise fail("N703", "probabilities of the loss `exponential` are not imported", place=chain.place)
    return _summed(chain, columns.inputs, grown, base, model.learning_rate, "nonnegative")


def _binned(chain: Chain) -> Ensemble:
    model = chain.last
    if model.is_categorical_ is not None and model.is_categorical_.any():
        hint = "encode categories as numbers, and fit without categorical_features"
        raise fail("N703", "categorical features are not imported", place=chain.place, hint=hint)
    loss = model._loss
    if not hasattr(model, "classes_") and type(loss.link).__name__ != "IdentityLink":
        hint = "fit the logarithm of the targets by squared error"
        raise fail("N703", f"the loss `{model.loss}` is not imported: it ends in exp", place=chain.place, hint=hint)
    columns = columns_of(chain.steps, chain.last.n_features_in_)
    grown = [[_binned_tree(part.nodes, columns) for part in stage] for stage in model._predictors]
    return _summed(chain, columns.inputs, grown, np.ravel(model._baseline_prediction), 1, "step")


def _binned_tree(nodes: Any, columns: Columns) -> Tree:
    is_leaf = nodes["is_leaf"].astype(bool)
    low, high = (np.where(is_leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    arrays = _Nodes(nodes["feature_idx"], nodes["num_threshold"], low, high, nodes["value"][:, None])
    return _grown(arrays, columns, is_float32=False)


def _summed(
    chain: Chain, inputs: int, grown: Sequence[Sequence[Tree]], base: np.ndarray, scale: float, decided: str
) -> Ensemble:
    """Stages of trees, one an output; of two classes there is one output, whose sign decides."""
    model = chain.last
    is_classifier = hasattr(model, "classes_")
    if chain.method != "predict" and not is_classifier:
        raise no_function(chain)
    outputs = len(grown[0])
    targets = [k for stage in grown for k in range(len(stage))]
    head, activation = "none", "identity"
    if chain.method == "predict" and is_classifier:
        head, activation = ("none", decided) if outputs == 1 else ("argmax", "identity")
    if chain.method == "predict_proba":
        head = "softmax"
        if outputs == 1:  # 1 / (1 + exp(-s)) is the second of softmax(0, s)
            outputs, targets, base = 2, [1] * len(grown), np.append(0.0, base)
    return Ensemble(
        tuple(tree for stage in grown for tree in stage),
        inputs,
        outputs,
        tuple(targets),
        tuple(Fraction(float(b)) for b in base),
        Fraction(scale),
        activation,
        head,
        chain.name,
    )
