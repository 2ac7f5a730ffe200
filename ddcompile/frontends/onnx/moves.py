"""Operators that move elements about: the reference implementation does them, on the numbers of the units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from ddcompile.frontends.onnx.arithmetic import Operands
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.evaluating import computed
from ddcompile.frontends.onnx.heads import settled
from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.onnx.ranges import Range
from ddcompile.frontends.onnx.values import Head, Units, Value, element_of, plain
from ddcompile.frontends.windows import LARGEST

__all__ = ["IN_ORDER", "OPERATORS", "labelled"]

Operator = Callable[[Context, Node, Operands], Any]

IN_ORDER = ("Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
"""These leave the elements of a tensor in their order."""
_MOVES = (
    *IN_ORDER, "Compress", "DepthToSpace", "Expand", "Gather", "GatherElements", "GatherND", "ReverseSequence", "Slice",
    "SpaceToDepth", "Split", "Tile", "Transpose",
)  # fmt: skip


def _moved(context: Context, node: Node, operands: Operands) -> Any:
    x, *rest = operands
    if isinstance(x, Head):
        return _head_moved(context, node, x, rest)
    if not isinstance(x, Units) or any(not (v is None or isinstance(v, np.ndarray)) for v in rest):
        raise node.fail("N505", f"`{node.op}` by numbers that depend on the inputs")
    found = computed(node, [x.ids, *_arrays(rest)])
    return tuple(None if ids is None else x.moved(ids) for ids in found)


def _arrays(values: Sequence[Any]) -> list[np.ndarray | None]:
    return [v if isinstance(v, np.ndarray) else None for v in values]


def _head_moved(context: Context, node: Node, x: Head, rest: Sequence[Any]) -> Any:
    numbered = np.arange(prod(x.shape)).reshape(x.shape)
    if node.op in IN_ORDER and all(v is None or isinstance(v, np.ndarray) for v in rest):
        (found,) = computed(node, [numbered, *_arrays(rest)])
        return replace(x, shape=found.shape)
    return _moved(context, node, (settled(context, node, x), *rest))


def _gather(context: Context, node: Node, operands: Operands) -> Any:
    """Elements at constant places; or the labels that belong to the numbers of largest scores."""
    table, places = operands
    if not isinstance(places, Head) or not isinstance(table, np.ndarray):
        return _moved(context, node, operands)
    labels = table.ravel()
    if node.op == "Gather" and (table.ndim != 1 or node.attribute("axis", 0) not in (0, -1)):
        raise node.fail("N505", "`Gather` of rows by numbers that depend on the inputs")
    return labelled(node, places, labels)


def _extract(context: Context, node: Node, operands: Operands) -> Any:
    """`ArrayFeatureExtractor`: elements of the last axis at constant places; of a table, the labels."""
    x, places = operands
    if isinstance(places, Head) and isinstance(x, np.ndarray):
        return labelled(node, places, x.ravel())
    if not isinstance(x, Units) or not isinstance(places, np.ndarray):
        raise node.fail("N505", f"`{node.op}` at places that depend on the inputs")
    return x.moved(x.ids[..., places.ravel()])


def labelled(node: Node, head: Head, labels: np.ndarray) -> Head:
    """Numbers of largest scores as labels; classes whose labels are texts are numbered in the order of the texts given.

    Raises
    ------
    CompileError
        N507 if there are not as many labels as scores.
    """
    count = head.scores.ids.shape[-1]
    if labels.size != count:
        raise node.fail("N507", f"{labels.size} labels for {count} scores")
    if head.labels is not None:
        raise node.fail("N505", "labels of labels, which are no numbers of scores")
    if labels.dtype.kind not in "biuf":
        return replace(head, names=tuple(map(str, labels.ravel().tolist())))
    exact = plain(labels, "label", node.place)
    return head if np.array_equal(exact, np.arange(count)) else replace(head, labels=exact)


def _concat(context: Context, node: Node, operands: Operands) -> Any:
    """Constants among the parts become units of their own."""
    like = next(v for v in operands if isinstance(v, Units))
    parts = [context.constants_beside(node, v, like) if isinstance(v, np.ndarray) else v for v in operands]
    units = [v for v in parts if isinstance(v, Units)]
    if len(units) < len(operands) or len({element_of(v.type) for v in units}) > 1:
        raise node.fail("N505", "`Concat` of truth values and numbers")
    (ids,) = computed(node, [v.ids for v in units])
    return Units(ids, like.type, reduce(Range.join, [v.range for v in units]))


def _pad(context: Context, node: Node, operands: Operands) -> Any:
    """Places outside are a unit that has a constant value, or show what is inside."""
    x, *rest = operands
    if not isinstance(x, Units) or any(not (v is None or isinstance(v, np.ndarray)) for v in rest):
        raise node.fail("N505", "`Pad` by numbers that depend on the inputs")
    given = _arrays([*rest, None, None, None])
    pads = np.asarray(node.attribute("pads") if given[0] is None else given[0]).ravel().tolist()
    value = np.float32(node.attribute("value", 0.0)) if given[1] is None else given[1]
    axes = (np.arange(x.ids.ndim) if given[2] is None else given[2]).ravel().tolist()
    mode = node.attribute("mode", "constant")
    if len(pads) != 2 * len(axes) or mode not in ("constant", "reflect", "edge", "wrap"):
        raise node.fail("N507", f"`Pad` of {len(axes)} axes by {len(pads)} numbers, mode {mode}")
    ids = x.ids
    count = prod(ids.shape)
    for axis, begin, end in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        count = count // max(1, ids.shape[axis]) * max(0, ids.shape[axis] + begin + end)
    if count > LARGEST:
        raise node.fail("N507", f"`Pad` makes a tensor of {count} elements, more than {LARGEST}")
    outside = np.zeros(ids.shape, dtype=bool)
    for axis, begin, end in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        places = _places(ids.shape[axis], int(begin), int(end), mode)
        ids, outside = ids.take(places, axis), outside.take(places, axis)
        outside |= (places < 0).reshape(-1, *[1] * (ids.ndim - axis % ids.ndim - 1))
    return _filled(context, node, x, ids, outside, np.asarray(value).ravel()[:1])


def _places(count: int, begin: int, end: int, mode: str) -> np.ndarray:
    """Where the elements of a padded axis are; -1 for none. Fewer than no elements more are elements left out."""
    inside = np.arange(max(-begin, 0), count - max(-end, 0))
    width = (max(begin, 0), max(end, 0))
    if mode == "constant":
        return np.pad(inside, width, constant_values=-1)
    return np.pad(inside, width, mode=mode)  # type: ignore[call-overload,no-any-return]


def _filled(context: Context, node: Node, x: Units, ids: np.ndarray, outside: np.ndarray, value: np.ndarray) -> Units:
    """Zeros for all places outside, or one unit for all of them, in every sample."""
    if not outside.any():
        return x.moved(ids)
    axis = context.sample(node, x.ids, is_padded=True).axis
    if axis is not None and ids.shape[axis] != x.ids.shape[axis]:
        raise node.fail("N508", "`Pad` adds samples to the batch")
    constant = (
        context.constant(node, value, x.type) if value.any() else Units(np.array([-1]), x.type, Range(0, 0, True))
    )
    parts = np.split(outside, context.batch or 1, axis) if axis is not None else [outside]
    places = context.every(np.broadcast_to(constant.ids, parts[0].shape), axis)
    return Units(np.where(outside, places, ids), x.type, x.range.join(constant.range))


def _trilu(context: Context, node: Node, operands: Operands) -> Any:
    """What lies on one side of a diagonal; the rest is 0."""
    x, diagonal = (*operands, None)[:2]
    if not isinstance(x, Units) or not (diagonal is None or isinstance(diagonal, np.ndarray)):
        raise node.fail("N505", "`Trilu` by numbers that depend on the inputs")
    rows, columns = x.ids.shape[-2:]
    apart = np.arange(columns) - np.arange(rows)[:, None] - (0 if diagonal is None else int(diagonal.ravel()[0]))
    outside = np.broadcast_to(apart < 0 if node.attribute("upper", 1) else apart > 0, x.ids.shape)
    return _filled(context, node, x, x.ids, outside, np.zeros(1))


def _shape(context: Context, node: Node, operands: Operands) -> Any:
    """The shape of a tensor, which does not depend on its values."""
    (x,) = operands
    shape = x.ids.shape if isinstance(x, Units) else np.shape(x) if isinstance(x, np.ndarray) else _shape_of(x)
    if node.op == "Size":
        return np.array(prod(shape), dtype=np.int64)
    start, end = node.attribute("start", 0), node.attribute("end")
    return np.array(shape[start:end], dtype=np.int64)


def _shape_of(x: Value | None) -> tuple[int, ...]:
    assert isinstance(x, Head)
    return x.shape


def _like_shape(context: Context, node: Node, operands: Operands) -> Any:
    """`ConstantOfShape` and others of constants are folded; here a shape depends on values."""
    raise node.fail("N507", f"`{node.op}` of a shape that depends on the inputs")


def _dropout(context: Context, node: Node, operands: Operands) -> Any:
    """Nothing, outside training."""
    x, ratio, training = (*operands, None, None)[:3]
    is_on = isinstance(training, np.ndarray) and bool(training.any())
    if training is not None and not isinstance(training, np.ndarray):
        raise node.fail("N505", "`Dropout` whose mode depends on the inputs")
    if is_on and not (isinstance(ratio, np.ndarray) and not ratio.any()):
        raise node.fail("N511", "dropout that is always on", "export the model in eval mode")
    if not isinstance(x, Units | Head):
        raise node.fail("N505", "`Dropout` of constants, with values in another place")
    return x, np.ones(x.ids.shape if isinstance(x, Units) else x.shape, dtype=bool)


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        **dict.fromkeys(_MOVES, _moved),
        "Concat": _concat,
        "ConstantOfShape": _like_shape,
        "Dropout": _dropout,
        "Gather": _gather,
        "Pad": _pad,
        "Shape": _shape,
        "Size": _shape,
        "Trilu": _trilu,
        "ai.onnx.ml.ArrayFeatureExtractor": _extract,
    }
)
