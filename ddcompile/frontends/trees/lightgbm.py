"""Read what LightGBM saves as text (`booster.save_model("model.txt")`), without LightGBM.

LightGBM goes left where `x <= threshold`, in doubles, and adds doubles up; here the sum is exact. Inputs have no
missing values.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.trees.ensemble import Ensemble, Tree

__all__ = ["lightgbm_ensemble"]

_SUMS = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom")
_LARGEST = ("multiclass", "multiclassova")
_ARRAYS = ("split_feature", "decision_type", "left_child", "right_child")
_CATEGORICAL, _MISSING, _ZERO = 1, 12, 4
"""Bits of the type of a decision."""


def lightgbm_ensemble(text: str, place: str, name: str) -> Ensemble:
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
        It gives classes, as `LGBMClassifier.predict` does, or numbers.

    Raises
    ------
    CompileError
        N803 if the file is no model of LightGBM, N804 if something in it is not imported; N801, N802 for its trees.
    """
    try:
        head, *blocks = text.split("\nend of trees")[0].split("\nTree=")
        return _ensemble(_pairs(head), [_pairs(block) for block in blocks], place, name)
    except (KeyError, ValueError, IndexError, ArithmeticError) as error:
        hint = 'save it with booster.save_model("model.txt")'
        raise fail("N803", "the file is no model of LightGBM, or is damaged", place=place, hint=hint) from error


def _pairs(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def _ensemble(head: Mapping[str, str], blocks: list[dict[str, str]], place: str, name: str) -> Ensemble:
    objective, *options = head.get("objective", "custom").split()
    if objective not in (*_SUMS, *_LARGEST, "binary") or "sqrt" in options:
        hint = "train with regression, binary or multiclass; others give no sums of leaves"
        message = f"the objective `{' '.join([objective, *options])}` is not imported"
        raise fail("N804", message, place=place, hint=hint)
    each = int(head["num_tree_per_iteration"])
    trees = tuple(_tree(block, k, place) for k, block in enumerate(blocks))
    if len(trees) != len(head["tree_sizes"].split()):
        raise ValueError("some trees are missing")
    if each > len(trees):
        raise ValueError("some outputs have no trees")
    return Ensemble(
        trees,
        int(head["max_feature_idx"]) + 1,
        each,
        tuple(k % each for k in range(len(trees))),
        scale=Fraction(1 / (len(trees) // each)) if "average_output" in head else Fraction(1),
        activation="step" if objective == "binary" else "identity",
        head="argmax" if objective in _LARGEST else "none",
        name=name,
    )


def _tree(block: Mapping[str, str], number: int, place: str) -> Tree:
    leaves = int(block["num_leaves"])
    splits = leaves - 1
    values = np.array(block["leaf_value"].split(), dtype=np.float64)
    if len(values) != leaves:
        raise ValueError("a tree has too few leaves")
    if block.get("is_linear", "0") != "0":
        hint = "train without linear_tree"
        raise fail("N804", f"tree {number} has linear leaves, which are not imported", place=place, hint=hint)
    integers = {key: np.array(block[key].split() if splits else [], dtype=np.int64) for key in _ARRAYS}
    kinds = integers["decision_type"]
    if (kinds & _CATEGORICAL).any():
        hint = "encode categories as numbers"
        raise fail("N804", f"tree {number} splits by categories, which are not imported", place=place, hint=hint)
    if ((kinds & _MISSING) == _ZERO).any():
        hint = "train without zero_as_missing"
        raise fail("N804", f"tree {number} takes 0 for a missing value", place=place, hint=hint)
    ends = np.full(leaves, -1)
    cuts = np.array(block["threshold"].split() if splits else [], dtype=np.float64)
    if len(cuts) != splits:
        raise ValueError("a tree has too few cuts")
    children = (integers["left_child"], integers["right_child"])
    low, high = (np.where(child < 0, splits + ~child, child) for child in children)
    try:
        return Tree(
            np.concatenate([integers["split_feature"], ends]),
            np.concatenate([cuts, np.zeros(leaves)]),
            np.concatenate([low, ends]),
            np.concatenate([high, ends]),
            np.concatenate([np.zeros(splits), values])[:, None],
        )
    except CompileError as error:
        found = error.diagnostics[0]
        raise fail(found.code, f"tree {number}: {found.message}", place=place) from None
