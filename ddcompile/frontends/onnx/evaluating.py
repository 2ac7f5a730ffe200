"""Let the reference implementation of ONNX compute a node: on constants, or on the numbers of units that are moved."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from ddcompile.frontends.onnx.nodes import Node
from ddcompile.frontends.windows import LARGEST

__all__ = ["computed"]

_CHANCE = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
_LOOPS = ("Loop", "Scan", "SequenceMap", "If")


def computed(node: Node, operands: Sequence[np.ndarray | None]) -> list[Any]:
    """What a node gives for arrays.

    Raises
    ------
    CompileError
        N505 if it depends on chance, is a loop, or has no reference implementation; N507 if it makes too much of them.
    ValueError
        If it does not take them.
    """
    if node.op in _CHANCE:
        raise node.fail("N505", f"`{node.op}` depends on chance")
    if node.op in _LOOPS or not node.is_known():
        raise node.fail("N505", f"`{node.op}` is not an operator that is imported")
    _check_size(node, operands)
    if not _are_lengths_right(node, operands):
        raise ValueError(f"`{node.op}` of numbers that are too many, or too few")
    proto = node.proto
    names = [name for name in dict.fromkeys(proto.input) if name]
    given = {name: array for name, array in zip(proto.input, operands, strict=True) if name}
    inputs = [helper.make_tensor_value_info(name, _type_of(given[name]), None) for name in names]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in proto.output if name]
    graph = helper.make_graph([proto], "node", inputs, outputs)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            evaluator = ReferenceEvaluator(graph, opsets={proto.domain: node.version, "": node.version})
            found = dict(zip([o.name for o in outputs], evaluator.run(None, given), strict=True))
    except (NotImplementedError, ImportError) as error:
        raise node.fail("N505", f"`{node.op}` is not an operator that is imported") from error
    except Exception as error:
        raise ValueError(f"`{node.op}` fails") from error
    return [found.get(name) for name in proto.output]


def _type_of(array: Any) -> int:
    try:
        return helper.np_dtype_to_tensor_dtype(np.asarray(array).dtype)
    except (KeyError, ValueError):
        return TensorProto.STRING


def _are_lengths_right(node: Node, operands: Sequence[np.ndarray | None]) -> bool:
    """Whether there are as many numbers as the operator asks for; the reference implementation would not mind."""
    first = operands[0] if operands else None
    rest = [array for array in operands[1:] if array is not None]
    counts = [array.size for array in rest]
    match node.op:
        case "Tile" if first is not None:
            return counts == [first.ndim]
        case "Slice":
            return len(set(counts)) <= 1
        case "Split" if first is not None and rest:
            axis = int(node.attribute("axis", 0))
            return -first.ndim <= axis < first.ndim and int(rest[0].sum()) == first.shape[axis]
    return True


def _check_size(node: Node, operands: Sequence[np.ndarray | None]) -> None:
    """Refuse what makes enormous tensors out of a few numbers."""
    first, second = (*operands, None, None)[:2]
    count = 0
    match node.op:
        case "ConstantOfShape" if first is not None:
            count = prod(map(int, first.ravel()))
        case "Expand" if second is not None:
            count = prod(map(int, second.ravel()))
        case "Tile" if first is not None and second is not None:
            count = first.size * prod(map(int, second.ravel()))
        case "Range" if len(operands) == 3:
            start, stop, step = (float(np.asarray(operand).ravel()[0]) for operand in operands)
            count = int(abs(stop - start) / abs(step)) if step else 0
        case "Pad" if first is not None:
            pads = node.attribute("pads") or ([] if second is None else second.ravel().tolist())
            count = prod(n + sum(map(int, pads)) for n in first.shape) if sum(map(abs, pads)) > 2**16 else 0
    if count > LARGEST:
        raise node.fail("N507", f"`{node.op}` makes a tensor of {count} elements, more than {LARGEST}")
