"""Nodes of a graph: attributes with the defaults of their version, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
from onnx import AttributeProto, NodeProto, TensorProto, defs, helper, numpy_helper

from ddcompile.diagnostics import CompileError, fail

__all__ = ["Node"]

_LONGEST = 40
"""Numbers whose text is longer than this are not written out in messages."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A node, and the version of its operator.

    Attributes
    ----------
    proto : NodeProto
    version : int
        That of the set of operators which the model takes it from.
    place : str
        The model and the node, for messages.
    """

    proto: NodeProto
    version: int
    place: str

    @property
    def op(self) -> str:
        """The operator, with its domain if it is not that of ONNX."""
        domain = self.proto.domain
        return self.proto.op_type if domain in ("", "ai.onnx") else f"{domain}.{self.proto.op_type}"

    @property
    def path(self) -> str:
        """What the node is called: its name, else that of its first result."""
        return path_of(self.proto)

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute as Python has it: number, list, text or array."""
        found = next((a for a in self.proto.attribute if a.name == name), None)
        if found is None:
            return default
        if found.type == AttributeProto.TENSOR:
            return self._tensor(found.t)
        value = helper.get_attribute_value(found)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if found.type == AttributeProto.STRINGS:
            return [v.decode("utf-8", "replace") for v in value]
        return list(value) if isinstance(value, list | tuple) or hasattr(value, "append") else value

    def number(self, name: str, default: float) -> Fraction:
        """A finite attribute as the exact number that it is in single precision, in which ONNX keeps attributes.

        Raises
        ------
        CompileError
            N102 if it is not finite.
        """
        value = float(np.float32(self.attribute(name, default)))
        if not isfinite(value):
            raise self.fail("N102", f"{name} is {value}; every number must be finite")
        return Fraction(value)

    def _tensor(self, tensor: TensorProto) -> Any:
        if tensor.data_location == TensorProto.EXTERNAL:
            raise self.fail("N503", "an attribute whose numbers are in another file", "keep attributes in the model")
        return numpy_helper.to_array(tensor)

    def fail(self, code: str, message: str, hint: str = "") -> CompileError:
        """The exception for a finding about the node; the caller raises it."""
        return fail(code, message, place=self.place, hint=hint)

    def misfit(self, operands: Sequence[Any]) -> CompileError:
        """The exception for operands that do not fit together: N507, with what they are, not what broke over them."""
        said = [_described(operand) for operand in operands if operand is not None]
        for proto in self.proto.attribute:
            value = self.attribute(proto.name)
            if isinstance(value, int | float | str | list) and len(str(value)) <= _LONGEST:
                said.append(f"{proto.name} = {value}")
        hint = "onnx.checker.check_model(model, full_check=True) says what does not fit in a model"
        return self.fail("N507", f"`{self.op}` does not take {', '.join(said)}", hint)

    def is_known(self) -> bool:
        """Whether ONNX defines the operator in this version."""
        return defs.has(self.proto.op_type, self.proto.domain) if self.proto.domain else defs.has(self.proto.op_type)


def _described(operand: Any) -> str:
    """`values of shape (2, 6)`, `the numbers [1, 9]`."""
    ids = getattr(operand, "ids", None)
    if ids is not None:
        return f"values of shape {ids.shape}"
    if isinstance(operand, np.ndarray):
        text = str(operand.tolist())
        kind = "number" if operand.ndim == 0 else "numbers"
        return f"the {kind} {text}" if len(text) <= _LONGEST else f"constants of shape {operand.shape}"
    return f"values of shape {getattr(operand, 'shape', ())}"


def path_of(node: NodeProto) -> str:
    """What a node is called: its name, else its operator and first result."""
    return node.name or f"{node.op_type}({next(iter(node.output), '')})"
