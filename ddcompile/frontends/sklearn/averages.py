"""Bagging, votes and AdaBoost over trees of scikit-learn as ensembles of these trees.

Weights, and what a tree adds, are the doubles that scikit-learn multiplies and adds; here the sums are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from sklearn import ensemble as ensembles

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.sklearn.chain import Chain, chain_of, checked_fit, kind_of, no_function
from ddcompile.frontends.sklearn.rounded import columns_of
from ddcompile.frontends.sklearn.trees import SINGLE, TREES, ensemble_of, tree_of
from ddcompile.frontends.trees import Ensemble, Tree
from ddcompile.ir.builder import has_literal

__all__ = ["AVERAGES", "averaged"]

_BAGS = (ensembles.BaggingClassifier, ensembles.BaggingRegressor)
_VOTES = (ensembles.VotingClassifier, ensembles.VotingRegressor)
AVERAGES = (*_BAGS, *_VOTES, ensembles.AdaBoostClassifier)


def averaged(chain: Chain) -> Ensemble:
    """The ensemble of all trees.

    Raises
    ------
    CompileError
        N701 if it is not fitted, N702 if it is of other models, or another function is meant, N703 for settings; others
        as `ensemble_of`.
    """
    model = chain.last
    checked_fit(model, chain.place)
    if type(model) in _BAGS:
        return _bagged(chain)
    return _voted(chain) if type(model) in _VOTES else _boosted(chain)


def _of_others(chain: Chain, part: Any, wanted: str) -> CompileError:
    message = f"`{kind_of(chain.last)}` of `{kind_of(part)}` is not imported"
    return fail("N702", message, place=chain.place, hint=f"of {wanted}; or distill the parts one by one")


def _bagged(chain: Chain) -> Ensemble:
    model, is_classifier = chain.last, type(chain.last) is ensembles.BaggingClassifier
    if chain.method == "decision_function" or (chain.method == "predict_proba" and not is_classifier):
        raise no_function(chain)
    columns = columns_of(chain.steps, model.n_features_in_)
    classes, trees = len(model.classes_) if is_classifier else 1, []
    for part, features in zip(model.estimators_, model.estimators_features_, strict=True):
        if type(part) not in SINGLE:
            raise _of_others(chain, part, "decision trees")
        grown = tree_of(part.tree_, columns, np.asarray(features))
        trees.append(_with_values(grown, partial(_spread, part=part, classes=classes), classes))
    head = "argmax" if is_classifier and chain.method == "predict" else "none"
    scale = Fraction(1 / len(trees))
    return Ensemble(tuple(trees), columns.inputs, classes, scale=scale, head=head, name=chain.name)


def _spread(row: Sequence[Any], part: Any, classes: int) -> list[Any]:
    """What a leaf of a tree that may not have met all classes adds to each of them."""
    met = getattr(part, "classes_", None)
    if met is None or len(met) == classes:
        return list(row)
    found: list[Any] = [0.0] * classes
    for label, value in zip(np.asarray(met).astype(int).tolist(), row, strict=True):
        found[label] = value
    return found


def _with_values(tree: Tree, made: Callable[[Sequence[Any]], Sequence[Any]], width: int) -> Tree:
    values = np.empty((tree.nodes, width), dtype=object)
    for node, row in enumerate(tree.value.tolist()):
        values[node] = made(row) if tree.feature[node] < 0 else [0] * width
    return replace(tree, value=values)


def _voted(chain: Chain) -> Ensemble:
    """Weighted means of what forests and trees give, or votes of single trees."""
    model = chain.last
    is_classifier = type(model) is ensembles.VotingClassifier
    is_hard = is_classifier and model.voting == "hard"
    if chain.method == "decision_function" or (chain.method == "predict_proba" and (is_hard or not is_classifier)):
        raise no_function(chain)
    if chain.steps:
        hint = "put the steps before the parts of the vote"
        raise fail("N703", f"steps before `{kind_of(model)}` are not imported", place=chain.place, hint=hint)
    weights = [Fraction(w) for w in model._weights_not_none or [1] * len(model.estimators_)]
    members, outputs = [], len(model.classes_) if is_classifier else 1
    for part in model.estimators_:
        inner = chain_of(part.predict_proba if is_classifier and hasattr(part, "predict_proba") else part)
        if type(inner.last) not in (SINGLE if is_hard else TREES):
            raise _of_others(chain, inner.last, "decision trees, or by probabilities of trees and forests")
        found = ensemble_of(inner)
        if found.head != "none" or found.activation != "identity" or (found.targets and is_classifier):
            raise _of_others(chain, inner.last, "trees and forests, whose probabilities are sums of leaves")
        members.append(found)
    factors = [w if is_hard else w * found.scale for w, found in zip(weights, members, strict=True)]
    least = Fraction(1) if is_hard else min(factors)
    shares = [factor / least if least else factor for factor in factors]
    head = "argmax" if is_classifier and chain.method == "predict" else "none"
    scale = least / sum(weights) if head == "none" else Fraction(1)
    base = sum((w * found.base[0] for w, found in zip(weights, members, strict=True)), Fraction(0)) / sum(weights)
    base = Fraction(0) if is_classifier else base
    is_exact = is_hard or all(
        share.denominator == 1 and share.numerator & (share.numerator - 1) == 0 for share in shares
    )
    if not is_exact or not has_literal(scale) or not has_literal(base):
        hint = "let all have the same weight and number of trees; a mean itself is exact of 2, 4, 8, ... parts"
        raise fail("N703", f"weighted means of `{kind_of(model)}` that are no doubles", place=chain.place, hint=hint)
    trees = tuple(
        _with_values(tree, partial(_weighted, factor=share, is_hard=is_hard), outputs)
        for found, share in zip(members, shares, strict=True)
        for tree in found.trees
    )
    return Ensemble(trees, members[0].inputs, outputs, base=(base,) * outputs, scale=scale, head=head, name=chain.name)


def _weighted(row: Sequence[Any], factor: Fraction, is_hard: bool) -> list[Any]:
    if is_hard:
        winner = row.index(max(row))
        return [factor if k == winner else Fraction(0) for k in range(len(row))]
    return [Fraction(value) * factor for value in row]


def _boosted(chain: Chain) -> Ensemble:
    """A tree votes for a class with its weight, and against the others with parts of it."""
    model = chain.last
    if chain.method != "predict":
        raise no_function(chain)
    columns, classes = columns_of(chain.steps, model.n_features_in_), len(model.classes_)
    if classes < 2:
        raise fail("N703", "there is but one class, so the answer is always that", place=chain.place)
    trees = []
    for part, weight in zip(model.estimators_, model.estimator_weights_.tolist(), strict=False):
        if type(part) not in SINGLE:
            raise _of_others(chain, part, "decision trees")
        against = -1 / (classes - 1) * weight
        places = np.searchsorted(model.classes_, part.classes_).tolist()

        def votes(row: Sequence[Any], places: list[int] = places, pair: Any = (weight, against)) -> list[Any]:
            winner = places[row.index(max(row))]
            if classes == 2:
                return [2 * Fraction(pair[0]) * (1 if winner else -1)]
            return [Fraction(pair[0] if k == winner else pair[1]) for k in range(classes)]

        trees.append(_with_values(tree_of(part.tree_, columns), votes, 1 if classes == 2 else classes))
    if classes == 2:
        return Ensemble(tuple(trees), columns.inputs, 1, activation="step", name=chain.name)
    return Ensemble(tuple(trees), columns.inputs, classes, head="argmax", name=chain.name)
