"""Read what XGBoost saves as JSON (`booster.save_model("model.json")`), without XGBoost.

XGBoost rounds inputs to float32 and goes left where `x < split`; leaves and starts are float32. What it adds up in
float32 is here the exact sum of these numbers. The start of `binary:logistic` is the logarithm of the odds of
`base_score`, rounded to float32. All trees take part, as in `Booster.predict`, but in a model that a class for
scikit-learn saved after it stopped early: those up to `best_iteration`, as in its `predict`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.trees.cuts import as_float32, largest
from ddcompile.frontends.trees.ensemble import Ensemble, Tree

__all__ = ["xgboost_ensemble"]

_SUMS = (
    "reg:squarederror",
    "reg:linear",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "binary:logitraw",
)
_SIGNS = ("binary:logistic", "binary:hinge")
_LARGEST = ("multi:softmax", "multi:softprob")


def xgboost_ensemble(text: str, place: str, name: str) -> Ensemble:
    """The ensemble in the text of a file.

    Parameters
    ----------
    text : str
    place : str
        The file, for messages.
    name : str

    Returns
    -------
    Ensemble
        It gives classes, as `XGBClassifier.predict` does, or numbers; of `binary:logitraw` the score.

    Raises
    ------
    CompileError
        N803 if the file is no model of XGBoost, N804 if something in it is not imported; N801, N802 for its trees.
    """
    try:
        learner = json.loads(text)["learner"]
        return _ensemble(learner, place, name)
    except (KeyError, TypeError, IndexError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        hint = 'save it as JSON: booster.save_model("model.json")'
        raise fail("N803", "the file is no model of XGBoost, or is damaged", place=place, hint=hint) from error


def _ensemble(learner: Mapping[str, Any], place: str, name: str) -> Ensemble:
    booster, said = learner["gradient_booster"], learner["learner_model_param"]
    if booster["name"] != "gbtree":
        raise fail("N804", f"the booster `{booster['name']}` is not imported", place=place, hint="train with gbtree")
    objective = learner["objective"]["name"]
    if objective not in (*_SUMS, *_SIGNS, *_LARGEST) and not objective.startswith("rank:"):
        hint = "train with reg:squarederror, binary:logistic or multi:softprob; others give no sums of leaves"
        raise fail("N804", f"the objective `{objective}` is not imported", place=place, hint=hint)
    outputs = max(int(said["num_class"]), int(said.get("num_target", 1)), 1)
    if outputs > len(booster["model"]["trees"]):
        raise ValueError("some outputs have no trees")
    base = [np.float32(float(v)) for v in str(said["base_score"]).strip("[]").split(",")]
    base *= outputs if len(base) == 1 else 1
    if objective == "binary:logistic":
        base = [np.float32(math.log(float(p) / (1 - float(p)))) for p in base]
    model = booster["model"]
    count = len(model["trees"])
    attributes = learner.get("attributes", {})
    if "scikit_learn" in attributes and "best_iteration" in attributes:
        rounds = int(attributes["best_iteration"]) + 1
        each = outputs * int(model["gbtree_model_param"].get("num_parallel_tree", 1))
        count = min(count, rounds * each)
    return Ensemble(
        tuple(_tree(tree, k, place) for k, tree in enumerate(model["trees"][:count])),
        int(said["num_feature"]),
        outputs,
        tuple(model["tree_info"][:count]),
        tuple(Fraction(float(b)) for b in base),
        activation="step" if objective in _SIGNS else "identity",
        head="argmax" if objective in _LARGEST else "none",
        name=name,
        dtype="float32",
    )


def _tree(tree: Mapping[str, Any], number: int, place: str) -> Tree:
    low, high = np.array(tree["left_children"]), np.array(tree["right_children"])
    if any(tree.get("split_type", ())):
        hint = "encode categories as numbers"
        raise fail("N804", f"tree {number} splits by categories, which are not imported", place=place, hint=hint)
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        hint = "train with multi_strategy='one_output_per_tree'"
        raise fail(
            "N804", f"tree {number} has leaves of several numbers, which are not imported", place=place, hint=hint
        )
    values = np.array(tree["split_conditions"], dtype=np.float64).astype(np.float32)
    is_leaf = low < 0
    feature = np.where(is_leaf, -1, np.array(tree["split_indices"]))
    below = np.nextafter(values, np.float32(-np.inf)).astype(np.float64)
    cut = np.zeros(len(low))
    cut[~is_leaf] = largest(as_float32, below[~is_leaf], feature[~is_leaf])
    try:
        return Tree(feature, cut, low, high, np.where(is_leaf, values, 0).astype(np.float64)[:, None])
    except CompileError as error:
        found = error.diagnostics[0]
        raise fail(found.code, f"tree {number}: {found.message}", place=place) from None
