"""Ensembles of trees of ai.onnx.ml: what is compared are inputs themselves, and what is added up are leaves.

Sums of leaves are exact sums of the numbers in the model. Of a classifier with one score for two labels, runtimes take
the second label where a sum of weights that are not negative is above a half, or any other sum above 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.onnx.arithmetic import Operands, numbers
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import Range
from ddcompile.frontends.onnx.values import element_of, range_of_type, type_name
from ddcompile.frontends.places import at
from ddcompile.frontends.trees import Ensemble, Tree
from ddcompile.frontends.trees.cuts import below
from ddcompile.ir.nodes import Number

__all__ = ["OPERATORS", "Grown", "followed"]

_PASSES = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze", "ai.onnx.ml.ZipMap")
"""Operators that leave the results of an ensemble as they are."""
_ORDERED = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT")
"""Comparisons by the numbers that they have in `TreeEnsemble`; after them there are equality and membership."""
_MOST_NODES = 2**20

_MODES: Mapping[str, tuple[bool, bool]] = MappingProxyType(
    {
        "BRANCH_LEQ": (False, False),
        "BRANCH_LT": (True, False),
        "BRANCH_GT": (False, True),
        "BRANCH_GTE": (True, True),
    }
)
"""Whether a comparison is with the double below, and whether the larger inputs go to the branch `true`."""


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A result of an ensemble, which ends a model."""

    ensemble: Ensemble


def followed(node: Node, grown: Grown) -> Grown:
    """The results of an ensemble after an operator that leaves them as they are, or chooses among them.

    Raises
    ------
    CompileError
        N505 for other operators, N509 for a change of type that changes values.
    """
    found = grown.ensemble
    if node.op == "Cast" and not _holds(kind := int(node.attribute("to")), found):
        message = f"`Cast` of what an ensemble of trees gives to {type_name(kind)}, which may change it"
        raise node.fail("N509", message, "leave it out, and round what the program gives")
    is_plain = (found.head, found.activation) == ("none", "identity")
    is_last = node.attribute("axis", 0 if node.op == "ArgMax" else -1) in (1, -1)
    if node.op in _PASSES:
        return grown
    if node.op == "ArgMax" and is_last and found.activation == "identity" and not node.attribute("select_last_index"):
        return Grown(replace(found, head="argmax"))
    if node.op == "Softmax" and is_last and is_plain:
        return Grown(replace(found, head="softmax"))
    if node.op == "Sigmoid" and is_plain:
        return Grown(replace(found, activation="sigmoid"))
    raise node.fail("N505", f"`{node.op}` follows an ensemble of trees, which must come last")


def _holds(kind: int, found: Ensemble) -> bool:
    """Whether an element type has every result of an ensemble: integers, those that are numbers of classes."""
    if element_of(kind) == "float":
        return True
    classes = found.outputs if found.head == "argmax" else 2 if found.activation == "step" else 0
    return classes > 0 and Range(0, classes - 1, True).within(range_of_type(kind))


def _inputs(context: Context, node: Node, operands: Operands) -> int:
    """How many inputs there are, which the trees must look at themselves."""
    x = numbers(node, operands[0])
    one = context.sample(node, x.ids)
    count = context.drafts.inputs
    if one.ids.size != count or not np.array_equal(one.ids.ravel(), np.arange(count)):
        hint = "put what comes before into the thresholds, or distill the trees alone"
        raise node.fail("N505", f"`{node.op}` of other things than the inputs of the model", hint)
    if one.ids.shape[-1:] != (count,):
        message = f"`{node.op}` of {count // one.ids.shape[-1]} rows that are one sample"
        raise node.fail("N506", message, "export the model with rows as its batch: an axis of unknown length, or of 1")
    return count


def _numbers(node: Node, name: str) -> np.ndarray:
    """An attribute that is a list of floats or a tensor of doubles, as doubles."""
    tensor = node.attribute(f"{name}_as_tensor")
    given = node.attribute(name, []) if tensor is None else tensor
    return np.asarray(given, dtype=np.float64).ravel()


def _trees(node: Node, leaf: str, outputs: int) -> tuple[tuple[Tree, ...], np.ndarray]:
    """The trees, whose leaves add to every output; and all weights of leaves.

    Raises
    ------
    CompileError
        N502 if the attributes do not describe trees, N506 for comparisons that are not imported.
    """
    names = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
    tree, own, feature, true, false = (np.array(node.attribute(f"nodes_{n}", []), dtype=np.int64) for n in names)
    modes, values = node.attribute("nodes_modes", []), _numbers(node, "nodes_values")
    ids = [np.array(node.attribute(f"{leaf}_{n}", []), dtype=np.int64) for n in ("treeids", "nodeids", "ids")]
    weights = _numbers(node, f"{leaf}_weights")
    counts = {len(part) for part in (tree, own, feature, true, false, modes, values)}
    if len(counts) > 1 or {len(part) for part in (*ids, weights)} != {len(weights)} or not len(tree):
        raise node.fail("N502", f"the attributes of `{node.op}` differ in length, or are empty")
    unknown = sorted(set(modes) - {*_MODES, "LEAF"})
    if unknown:
        raise node.fail("N506", f"`{node.op}` with the comparison {unknown[0]}")
    place = {(int(t), int(n)): k for k, (t, n) in enumerate(zip(tree, own, strict=True))}
    value = np.zeros((len(tree), outputs))
    seen = set()
    for t, n, output, weight in zip(*ids, weights, strict=True):
        key = (int(t), int(n), int(output))
        if key[:2] not in place or key in seen or not 0 <= output < outputs:
            raise node.fail("N502", f"a leaf of `{node.op}` adds twice, or to what is not there: {key}")
        seen.add(key)
        value[place[key[:2]], output] = weight
    is_leaf = np.array([mode == "LEAF" for mode in modes])
    if (feature[~is_leaf] < 0).any():
        raise node.fail("N502", f"a node of `{node.op}` looks at input {feature[~is_leaf].min()}")
    flags = np.array([_MODES.get(mode, (False, False)) for mode in modes])
    cut = np.where(flags[:, 0], below(values), values)
    low, high = np.where(flags[:, 1], false, true), np.where(flags[:, 1], true, false)
    made = []
    for number in dict.fromkeys(tree.tolist()):
        rows = np.flatnonzero(tree == number)
        inner = rows[~is_leaf[rows]]
        children = {*low[inner].tolist(), *high[inner].tolist()}
        roots = [k for k in rows.tolist() if int(own[k]) not in children]
        if len(roots) != 1:
            raise node.fail("N502", f"tree {number} of `{node.op}` has {len(roots)} roots")
        order = [roots[0], *(k for k in rows.tolist() if k != roots[0])]
        index = {int(own[k]): new for new, k in enumerate(order)}
        sides = [[index.get(int(side[k]), -1) for k in order] for side in (low, high)]
        looks = np.where(is_leaf[order], -1, feature[order])
        made.append(Tree(looks, cut[order], np.array(sides[0]), np.array(sides[1]), value[order]))
    return tuple(made), weights


def _arrays(node: Node, names: Sequence[str]) -> list[np.ndarray]:
    """Attributes that are lists of integers or tensors, all of the same length."""
    found = [np.asarray(node.attribute(name, [])).ravel() for name in names]
    if len({len(array) for array in found}) > 1 or not len(found[0]):
        raise node.fail("N502", f"the attributes of `{node.op}` differ in length, or are empty")
    return found


def _ensemble_of(context: Context, node: Node, operands: Operands) -> Grown:
    """`TreeEnsemble`: inner nodes and leaves are listed apart, and named by their places."""
    inputs, outputs = _inputs(context, node, operands), int(node.attribute("n_targets", 1))
    how, post = int(node.attribute("aggregate_function", 1)), int(node.attribute("post_transform", 0))
    if how not in (0, 1) or post not in (0, 1, 2) or (post == 1 and outputs == 1):
        message = f"`{node.op}` of {outputs} sums with aggregate_function {how} and post_transform {post}"
        raise node.fail("N506", message)
    try:
        trees = _read_trees(node, outputs)
        scale = Fraction(1 / len(trees)) if how == 0 else Fraction(1)
        head, last = ("softmax" if post == 1 else "none"), ("sigmoid" if post == 2 else "identity")
        return Grown(_ensemble(trees, inputs, [0] * outputs, scale=scale, head=head, activation=last))
    except CompileError as error:
        raise at(error, node.place) from None


def _read_trees(node: Node, outputs: int) -> list[Tree]:
    """A tree for every root; nodes that several branches lead to are written as often."""
    feature, mode, split = _arrays(node, [f"nodes_{n}" for n in ("featureids", "modes", "splits")])
    sides = ("truenodeids", "trueleafs", "falsenodeids", "falseleafs")
    true, is_true_leaf, false, is_false_leaf = _arrays(node, [f"nodes_{n}" for n in sides])
    weights, targets = _arrays(node, ["leaf_weights", "leaf_targetids"])
    inner, leaves = len(feature), len(weights)
    if {len(mode), len(true)} != {inner}:
        raise node.fail("N502", f"the attributes of `{node.op}` differ in length, or are empty")
    if (mode >= len(_ORDERED)).any():
        raise node.fail("N506", f"`{node.op}` with comparisons for equality or membership")
    both = np.stack([np.where(is_true_leaf, -1 - true, true), np.where(is_false_leaf, -1 - false, false)])
    roots = np.asarray(node.attribute("tree_roots", []))
    places = np.concatenate([both.ravel(), roots])
    is_there = ((places < inner) & (places >= -leaves)).all() and ((targets >= 0) & (targets < outputs)).all()
    is_there &= min(true.min(), false.min(), feature.min(), roots.min(initial=0)) >= 0
    if not is_there or not len(roots):
        raise node.fail("N502", f"`{node.op}` names inputs, nodes, leaves or targets that are not there")
    is_strict, is_turned = (np.array([_MODES[_ORDERED[m]][k] for m in mode.tolist()]) for k in (0, 1))
    values = split.astype(np.float64)
    cut = np.where(is_strict, below(values), values)
    low, high = np.where(is_turned, both[::-1], both).tolist()
    found = []
    count = 0
    for root in roots.tolist():
        order, links = [root], []
        for k, place in enumerate(order):  # it grows while it is walked through
            links.append((-1, -1) if place < 0 else (len(order), len(order) + 1))
            order += [] if place < 0 else [low[place], high[place]]
            if count + k > _MOST_NODES:
                raise node.fail("N506", f"`{node.op}` of more than {_MOST_NODES} nodes, or of branches that come round")
        count += len(order)
        own = np.array(order)
        is_leaf, at_node, at_leaf = own < 0, np.maximum(own, 0), np.maximum(-1 - own, 0)
        value = np.zeros((len(own), outputs))
        value[is_leaf, targets[at_leaf[is_leaf]]] = weights[at_leaf[is_leaf]].astype(np.float64)
        looks, cuts = np.where(is_leaf, -1, feature[at_node]), np.where(is_leaf, 0, cut[at_node])
        first, second = np.array(links).T
        found.append(Tree(looks, cuts, first, second, value))
    return found


def _regressor(context: Context, node: Node, operands: Operands) -> Grown:
    inputs, outputs = _inputs(context, node, operands), int(node.attribute("n_targets", 1))
    how, post = node.attribute("aggregate_function", "SUM"), node.attribute("post_transform", "NONE")
    if how not in ("SUM", "AVERAGE") or post != "NONE":
        raise node.fail("N506", f"`{node.op}` with the {how} of leaves and post_transform {post}")
    try:
        trees, _ = _trees(node, "target", outputs)
        scale = Fraction(1 / len(trees)) if how == "AVERAGE" else Fraction(1)
        return Grown(_ensemble(trees, inputs, _base(node, outputs), scale=scale))
    except CompileError as error:
        raise at(error, node.place) from None


def _base(node: Node, outputs: int) -> list[float]:
    found = _numbers(node, "base_values").tolist() or [0.0] * outputs
    if len(found) != outputs:
        raise node.fail("N502", f"{len(found)} base_values for {outputs} sums")
    return found


def _ensemble(trees: Sequence[Tree], inputs: int, base: Sequence[Number | float], **options: Any) -> Ensemble:
    values = tuple(Fraction(b) for b in base)
    return Ensemble(tuple(trees), inputs, len(values), base=values, dtype="float32", **options)


def _classifier(context: Context, node: Node, operands: Operands) -> tuple[Grown, Grown]:
    """The number of the label, and the scores."""
    inputs = _inputs(context, node, operands)
    labels = node.attribute("classlabels_int64s") or node.attribute("classlabels_strings") or []
    post = node.attribute("post_transform", "NONE")
    if len(labels) < 2 or post not in ("NONE", "SOFTMAX", "LOGISTIC"):
        raise node.fail("N506", f"`{node.op}` of {len(labels)} labels with post_transform {post}")
    if not isinstance(labels[0], str) and list(labels) != list(range(len(labels))):
        raise node.fail("N506", f"`{node.op}` with the labels {labels[:3]}...", "train on the labels 0, 1, 2, ...")
    is_single = len(set(node.attribute("class_ids", []))) == 1 and len(labels) == 2
    names = tuple(labels) if isinstance(labels[0], str) else ()
    try:
        if is_single:
            return _of_two(node, inputs, post, names)
        trees, _ = _trees(node, "class", len(labels))
        base = _base(node, len(labels))
        head = "softmax" if post == "SOFTMAX" else "none"
        last = "sigmoid" if post == "LOGISTIC" else "identity"
        return (
            Grown(_ensemble(trees, inputs, base, head="argmax", labels=names)),
            Grown(_ensemble(trees, inputs, base, head=head, activation=last, labels=names)),
        )
    except CompileError as error:
        raise at(error, node.place) from None


def _of_two(node: Node, inputs: int, post: str, names: tuple[str, ...]) -> tuple[Grown, Grown]:
    (own,) = set(node.attribute("class_ids"))
    trees, weights = _trees(node, "class", own + 1)
    trees = tuple(Tree(t.feature, t.cut, t.low, t.high, t.value[:, own:]) for t in trees)
    base = _base(node, 1) if len(_numbers(node, "base_values")) < 2 else _base(node, 2)[own : own + 1]
    is_positive = bool((weights >= 0).all())
    if is_positive != (post == "NONE"):
        hint = "give both labels scores of their own"
        raise node.fail(
            "N506", f"`{node.op}` of one score with post_transform {post}, about which runtimes differ", hint
        )
    first = Fraction(base[0])
    threshold = Fraction(1, 2) if is_positive else 0
    label = _ensemble(trees, inputs, [first - threshold], activation="step", labels=names)
    pairs = [np.stack([np.zeros(t.nodes) - is_positive * t.value[:, 0], t.value[:, 0]], axis=1) for t in trees]
    both = [Tree(t.feature, t.cut, t.low, t.high, pair) for t, pair in zip(trees, pairs, strict=True)]
    start = [1 - first if is_positive else 0, first]
    head = "none" if is_positive else "softmax"
    return Grown(label), Grown(_ensemble(both, inputs, start, head=head, labels=names))


OPERATORS: Mapping[str, Callable[[Context, Node, Operands], Any]] = MappingProxyType(
    {
        "ai.onnx.ml.TreeEnsemble": _ensemble_of,
        "ai.onnx.ml.TreeEnsembleClassifier": _classifier,
        "ai.onnx.ml.TreeEnsembleRegressor": _regressor,
    }
)
