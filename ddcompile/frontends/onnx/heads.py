"""Argmax as arithmetic, where it is not the end of a network: comparisons of every pair of scores."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from onnx import TensorProto

from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import Range
from ddcompile.frontends.onnx.values import Head, Units
from ddcompile.frontends.weights import objects

__all__ = ["settled"]

_MOST_SCORES = 64


def settled(context: Context, node: Node, head: Head) -> Units:
    """The label of the largest score, the first of equal ones.

    With c[j, k] whether score k is above score j, for j < k, k is the first largest where c[j, k] for all j before it,
    and c[k, j] for no j after it.

    Raises
    ------
    CompileError
        N505 if it is softmax, or if there are too many scores.
    """
    if head.kind == "softmax":
        hint = "end the network with it, or leave it out and choose a head"
        raise node.fail("N505", f"`{node.op}` follows softmax, which must come last", hint)
    one = context.sample(node, head.scores.ids)
    count = one.ids.shape[-1]
    if count > _MOST_SCORES:
        raise node.fail("N505", f"`{node.op}` follows argmax over {count} scores, which must come last")
    numbers = np.arange(count) if head.labels is None else head.labels
    alone = replace(context, batch=None)
    scores = head.scores.moved(one.ids.reshape(-1, count))
    found = _labels(alone, node, scores, objects(numbers))
    ids = found.ids.reshape(one.ids.shape[:-1])
    return Units(context.every(ids, one.axis).reshape(head.shape), head.type, found.range)


def _labels(context: Context, node: Node, scores: Units, labels: np.ndarray) -> Units:
    rows, count = scores.ids.shape
    reach = Range.of(labels.tolist())
    first, second = np.triu_indices(count, 1)
    if not first.size:
        zeros = context.affine(node, scores, 0, labels[0])
        return Units(zeros.ids[:, 0], TensorProto.INT64, reach)
    left, right = scores.moved(scores.ids[:, first]), scores.moved(scores.ids[:, second])
    above = context.combined(node, right, left, -1, "step", TensorProto.BOOL).ids
    if count > 2:
        signs = np.zeros((count, first.size), dtype=np.int64)
        pairs = np.arange(first.size)
        signs[second, pairs], signs[first, pairs] = 1, -1
        shifts = -np.arange(count)
        wins = context.drafts.linear(above, signs, shifts, node.path)
        above = context.drafts.mapped(wins, node.path, "nonnegative")
        weight, bias = labels[None, :], 0
    else:
        weight, bias = np.array([[labels[1] - labels[0]]], dtype=object), labels[0]
    ids = context.drafts.linear(above, weight, np.array([Fraction(bias)], dtype=object), node.path)
    return Units(ids.reshape(rows), TensorProto.INT64, reach)
