"""A tree ensemble, as read from a file or taken from a framework: exact cuts, exact leaves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.activations import Activation
from ddcompile.frontends.weights import exact_numbers

__all__ = ["Ensemble", "Tree"]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A binary tree; node 0 is the root. Where every child stands behind its parents, it may have several.

    Parameters
    ----------
    feature : array_like of int, shape (nodes,)
        The number of the input that a node looks at; -1 for a leaf.
    cut : array_like of float, shape (nodes,)
        A node goes to `low` where `input <= cut`, for every double, else to `high`; infinite if it always goes there.
    low, high : array_like of int, shape (nodes,)
    value : array_like of exact numbers, shape (nodes, width)
        What a leaf adds: to every output, or to one.

    Raises
    ------
    CompileError
        N801 if these are no tree, N802 if a number is not finite.
    """

    feature: np.ndarray
    cut: np.ndarray
    low: np.ndarray
    high: np.ndarray
    value: np.ndarray

    def __post_init__(self) -> None:
        for name in ("feature", "low", "high"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        object.__setattr__(self, "cut", np.asarray(self.cut, dtype=np.float64))
        try:
            object.__setattr__(self, "value", exact_numbers(self.value, "array of leaves"))
        except CompileError as error:
            raise fail("N802", error.diagnostics[0].message) from None
        count = len(self.feature)
        shapes = {array.shape for array in (self.feature, self.cut, self.low, self.high)}
        if not count or shapes != {(count,)} or self.value.ndim != 2 or len(self.value) != count:
            raise fail("N801", "the arrays of a tree differ in length, or are empty")
        splits = self.feature >= 0
        if np.isnan(self.cut[splits]).any():
            raise fail("N802", f"the cut of node {int(np.flatnonzero(splits & np.isnan(self.cut))[0])} is nan")
        children = np.concatenate([self.low[splits], self.high[splits]])
        if ((children < 0) | (children >= count)).any():
            raise fail("N801", "a node has a child that is not there")
        if 0 in children:
            raise fail("N801", "the root is a child")
        parents = np.flatnonzero(splits)
        is_upwards = (self.low[splits] <= parents).any() or (self.high[splits] <= parents).any()
        if is_upwards and (np.bincount(children, minlength=count) > 1).any():
            raise fail("N801", "a node is the child of several, and some stand before their parents")

    @property
    def nodes(self) -> int:
        """How many nodes there are, leaves included."""
        return len(self.feature)

    def depth(self) -> int:
        """How many comparisons are made at most."""
        depth, level = 0, np.array([0])
        while True:
            splits = level[self.feature[level] >= 0]
            if not len(splits):
                return depth
            depth, level = depth + 1, np.unique(np.concatenate([self.low[splits], self.high[splits]]))


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """`activation(base + scale * sum of the trees' leaves)`, exactly.

    Parameters
    ----------
    trees : sequence of Tree
    inputs, outputs : int
        How many values are read and given.
    targets : sequence of int
        The output to which each tree adds, if its leaves are of one number; without any, each adds to all.
    base : sequence of exact numbers, optional
        One an output; by default zeros.
    scale : number
        A double or an integer.
    activation : {"identity", "step", "nonnegative", "sigmoid"}
    head : {"none", "argmax", "softmax"}
        What the model does with its outputs.
    name : str
    dtype : str
        The floating-point type in which the framework adds leaves.
    kind : {"bit", "real"}
        What the inputs are taken for where they are not declared.
    labels : tuple of str
        What the classes 0, 1, ... are called that the outputs decide between, where they have other names.

    Attributes
    ----------
    sha256 : str
        Hash of the exact content; it depends on no name.

    Raises
    ------
    CompileError
        N801 if the parts do not fit together, N802 if a number is not finite.
    """

    trees: tuple[Tree, ...]
    inputs: int
    outputs: int
    targets: tuple[int, ...] = ()
    base: tuple[Fraction, ...] = ()
    scale: Fraction = Fraction(1)
    activation: Activation = "identity"
    head: str = "none"
    name: str = "trees"
    dtype: str = "float64"
    kind: Literal["bit", "real"] = "real"
    shape: tuple[int, ...] | None = None
    labels: tuple[str, ...] = ()
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        try:
            base = tuple(Fraction(b) for b in self.base) or (Fraction(0),) * self.outputs
            scale = Fraction(self.scale)
        except (ValueError, OverflowError) as error:
            raise fail("N802", "the numbers that are added to leaves and multiply them must be finite") from error
        object.__setattr__(self, "trees", tuple(self.trees))
        object.__setattr__(self, "targets", tuple(map(int, self.targets)))
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "scale", scale)
        width = 1 if self.targets else self.outputs
        if not self.trees or self.outputs < 1 or len(base) != self.outputs:
            raise fail("N801", "an ensemble needs trees, and a number for every output")
        if self.targets and (len(self.targets) != len(self.trees) or not 0 <= max(self.targets) < self.outputs):
            raise fail("N801", "every tree adds to one output, or every tree to all")
        for k, tree in enumerate(self.trees):
            if tree.value.shape[1] != width:
                message = f"the leaves of tree {k} hold {tree.value.shape[1]} numbers, but {width} are added up"
                raise fail("N801", message)
            if tree.feature.max() >= self.inputs:
                message = f"tree {k} looks at input {tree.feature.max()}, but there are {self.inputs}"
                raise fail("N801", message)
        object.__setattr__(self, "sha256", _content_hash(self))

    @property
    def rounded(self) -> str:
        """What was rounded before the trees were taken exactly: nothing."""
        return ""

    @property
    def ending(self) -> str:
        """What gives the outputs, for messages."""
        return self.activation

    @property
    def parameters(self) -> int:
        """How many numbers there are: a feature and a cut for every comparison, the numbers of every leaf."""
        splits = sum(int(np.count_nonzero(tree.feature >= 0)) for tree in self.trees)
        leaves = sum(int(np.count_nonzero(tree.feature < 0)) * int(tree.value.shape[1]) for tree in self.trees)
        return 2 * splits + leaves


def _content_hash(ensemble: Ensemble) -> str:
    digest = hashlib.sha256(b"ddcompile trees 1\n")
    base = " ".join(map(str, ensemble.base))
    said = f"{ensemble.inputs} {ensemble.outputs} {ensemble.targets} {base} {ensemble.scale}"
    digest.update(f"{said} {ensemble.activation} {ensemble.head}\n".encode())
    for tree in ensemble.trees:
        is_leaf = tree.feature < 0
        shape = np.where(is_leaf, -1, np.stack([tree.feature, tree.low, tree.high]))
        for part in (shape, np.where(is_leaf, 0, tree.cut)):
            _feed(digest, part)
        leaves = tree.value[is_leaf]
        if leaves.dtype == object:
            digest.update(f"exact {' '.join(map(str, leaves.ravel().tolist()))}\n".encode())
        else:  # the same numbers are hashed alike, as doubles, whichever type holds them
            _feed(digest, leaves.astype(np.float64) if (np.abs(leaves) < 2.0**53).all() else leaves)
    return digest.hexdigest()


def _feed(digest: Any, array: np.ndarray) -> None:
    little = array.astype(array.dtype.newbyteorder("<"))
    digest.update(f"{little.dtype.str} {little.shape}\n".encode())
    digest.update(little.tobytes())
