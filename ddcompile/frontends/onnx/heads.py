"""Argmax as arithmetic, where it is not the end of a network: comparisons of every pair of scores."""

from __future__ import annotations

import numpy as np

from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import Range
from ddcompile.frontends.onnx.values import Head, Units
from ddcompile.frontends.ranking import MOST_SCORES, numbers_of_largest
from ddcompile.frontends.weights import objects

__all__ = ["settled"]


def settled(context: Context, node: Node, head: Head) -> Units:
    """The label of the largest score, the first of equal ones.

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
    if count > MOST_SCORES:
        raise node.fail("N505", f"`{node.op}` follows argmax over {count} scores, which must come last")
    labels = objects(np.arange(count) if head.labels is None else head.labels)
    found = numbers_of_largest(context.drafts, one.ids.reshape(-1, count), labels, node.path)
    ids = context.every(found.reshape(one.ids.shape[:-1]), one.axis).reshape(head.shape)
    return Units(ids, head.type, Range.of(labels.tolist()))
