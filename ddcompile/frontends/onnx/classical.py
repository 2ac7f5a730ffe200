"""Operators of ai.onnx.ml: linear models, and what comes before and after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import TensorProto

from ddcompile.frontends.onnx.arithmetic import Operands, linear, numbers, scaled
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.moves import labelled
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.values import Head, Units, Value, exact_of

__all__ = ["OPERATORS"]


def _scores(context: Context, node: Node, x: Units, outputs: int) -> Units:
    """`x @ coefficients.T + intercepts` of rows."""
    if x.ids.ndim == 1:
        x = x.moved(x.ids[None])
    coefficients = np.array(node.attribute("coefficients", []), dtype=np.float32)
    if x.ids.ndim != 2 or coefficients.size != outputs * x.ids.shape[1]:
        message = f"{coefficients.size} coefficients for {outputs} scores of values of shape {x.ids.shape}"
        raise node.fail("N507", message)
    found = linear(context, node, x, coefficients.reshape(outputs, -1).T)
    intercepts = np.array(node.attribute("intercepts", []), dtype=np.float32)
    if not intercepts.size:
        return found
    return context.affine(node, found, 1, exact_of(intercepts, "intercept", node.place))


def _float(x: Units) -> Units:
    """What models of these operators compute in: floats of single precision, unless the input is of doubles."""
    return x if x.element == "float" else Units(x.ids, TensorProto.FLOAT, x.range)


def _linear_regressor(context: Context, node: Node, operands: Operands) -> Value:
    if node.attribute("post_transform", "NONE") != "NONE":
        raise node.fail("N506", f"`{node.op}` with post_transform {node.attribute('post_transform')}")
    return _scores(context, node, _float(numbers(node, operands[0])), int(node.attribute("targets", 1)))


def _linear_classifier(context: Context, node: Node, operands: Operands) -> tuple[Value, Value]:
    """The label of the largest score, and the scores; one score for two labels stands for itself and its negative."""
    labels = node.attribute("classlabels_ints") or node.attribute("classlabels_strings") or []
    x = _float(numbers(node, operands[0]))
    coefficients = len(node.attribute("coefficients", []))
    outputs, remainder = divmod(coefficients, x.ids.shape[-1])
    scores = _scores(context, node, x, outputs if not remainder else 0)
    if outputs == 1 and len(labels) == 2:
        both = [scaled(context, node, scores, -1), scores]
        scores = Units(np.concatenate([part.ids for part in both], axis=1), scores.type)
    if len(labels) != scores.ids.shape[1] or len(labels) < 2:
        raise node.fail("N507", f"{len(labels)} labels for {scores.ids.shape[1]} scores")
    label = labelled(node, Head("argmax", scores, scores.ids.shape[:1], TensorProto.INT64), np.array(labels))
    match node.attribute("post_transform", "NONE"):
        case "NONE":
            return label, scores
        case "LOGISTIC":
            return label, context.activated(node, scores, "sigmoid")
        case "SOFTMAX":
            names = tuple(labels) if isinstance(labels[0], str) else ()
            return label, Head("softmax", scores, scores.ids.shape, scores.type, names=names)
    raise node.fail("N506", f"`{node.op}` with post_transform {node.attribute('post_transform')}")


def _scaler(context: Context, node: Node, operands: Operands) -> Value:
    """`(x - offset) * scale`."""
    x = _float(numbers(node, operands[0]))
    offset, scale = (
        exact_of(np.array(node.attribute(name, [default]), dtype=np.float32), name, node.place)
        for name, default in (("offset", 0.0), ("scale", 1.0))
    )
    return scaled(context, node, context.affine(node, x, 1, -offset), scale)


def _binarizer(context: Context, node: Node, operands: Operands) -> Value:
    """1 above a threshold, else 0."""
    x = numbers(node, operands[0])
    threshold: Fraction = node.number("threshold", 0.0)
    return context.affine(node, x, 1, -threshold, "step")


def _normalizer(context: Context, node: Node, operands: Operands) -> Value:
    """Probabilities that add up to 1 already stay what they are."""
    (x,) = operands
    if isinstance(x, Head) and x.kind == "softmax" and node.attribute("norm", "MAX") == "L1":
        return x
    raise node.fail("N505", "`Normalizer` divides by what depends on the inputs", "leave it out before argmax")


def _unchanged(context: Context, node: Node, operands: Operands) -> Value | None:
    """`ZipMap` puts labels beside numbers."""
    return operands[0]


OPERATORS: Mapping[str, Callable[[Context, Node, Operands], Any]] = MappingProxyType(
    {
        "ai.onnx.ml.Binarizer": _binarizer,
        "ai.onnx.ml.LinearClassifier": _linear_classifier,
        "ai.onnx.ml.LinearRegressor": _linear_regressor,
        "ai.onnx.ml.Normalizer": _normalizer,
        "ai.onnx.ml.Scaler": _scaler,
        "ai.onnx.ml.ZipMap": _unchanged,
    }
)
