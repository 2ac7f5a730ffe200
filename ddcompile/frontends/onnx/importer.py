"""From a graph of ONNX operators to a network of exact layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto, numpy_helper

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends import elementwise
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.float_types import FLOAT_TYPES
from ddcompile.frontends.monotone import decision, order
from ddcompile.frontends.network import Network
from ddcompile.frontends.onnx import (
    arithmetic,
    choices,
    classical,
    contractions,
    filters,
    logic,
    moves,
    quantized,
    reductions,
    resizing,
    trees,
    units,
)
from ddcompile.frontends.onnx.context import Context
from ddcompile.frontends.onnx.evaluating import computed
from ddcompile.frontends.onnx.heads import settled
from ddcompile.frontends.onnx.models import DOMAINS, Model, checked, read
from ddcompile.frontends.onnx.nodes import Node, path_of
from ddcompile.frontends.onnx.ranges import Range
from ddcompile.frontends.onnx.values import (
    SAMPLE,
    Head,
    Units,
    Value,
    element_of,
    is_number_type,
    range_of_type,
    type_name,
)
from ddcompile.frontends.trees import Ensemble

__all__ = ["OPERATORS", "network_of"]

_BATCHES = (2, 3)

OPERATORS: Mapping[str, Any] = MappingProxyType(
    {
        **moves.OPERATORS,
        **arithmetic.OPERATORS,
        **logic.OPERATORS,
        **units.OPERATORS,
        **reductions.OPERATORS,
        **classical.OPERATORS,
        **filters.OPERATORS,
        **choices.OPERATORS,
        **contractions.OPERATORS,
        **quantized.OPERATORS,
        **resizing.OPERATORS,
        **trees.OPERATORS,
    }
)
"""By the name of the operator, with its domain if it is not that of ONNX."""

_TAKES_HEADS = (
    *moves.IN_ORDER, "ArgMax", "Dropout", "Gather", "OneHot", "Shape", "Size", "ai.onnx.ml.ArrayFeatureExtractor",
    "ai.onnx.ml.Normalizer", "ai.onnx.ml.ZipMap",
)  # fmt: skip

_SMOOTH = "of smooth functions, Tanh, Sigmoid and a last Softmax are imported"
_PRODUCTS = "values that depend on the inputs are multiplied only if they are signs or truth values"
_HINTS = {
    **dict.fromkeys(("Celu", "Elu", "Erf", "Exp", "Gelu", "HardSwish", "Log", "Mish", "Selu", "Softplus"), _SMOOTH),
    **dict.fromkeys(("Softsign", "Sqrt", "Swish"), _SMOOTH),
    **dict.fromkeys(("Attention", "GRU", "LSTM", "RNN"), _PRODUCTS),
    **dict.fromkeys(("Ceil", "Floor", "Mod", "Round"), "values are rounded by QuantizeLinear alone"),
    **dict.fromkeys(
        ("GroupNormalization", "InstanceNormalization", "LayerNormalization", "LpNormalization"),
        "BatchNormalization is imported: its mean and variance are constants",
    ),
    "DynamicQuantizeLinear": "its scale depends on the inputs; quantise the model with static scales",
    "LogSoftmax": "leave it out and use head='argmax' or head='softmax'",
    "ScatterElements": "put values together by Concat, or choose between them by Where",
    "ScatterND": "put values together by Concat, or choose between them by Where",
}
_ANY_HINT = "what is imported: `python -m pydoc ddcompile.frontends.onnx`"


def network_of(model: str | Path | ModelProto) -> Network | Ensemble:
    """Import a model file, or a model in memory.

    Parameters
    ----------
    model : path or onnx.ModelProto
        Its numbers are taken as the exact numbers that they are. What depends on them alone is computed by the
        reference implementation of ONNX, in the types that the model says.

    Returns
    -------
    Network, or Ensemble of a model that is one of trees
        Its inputs are those of the graph, one after the other. If they all have a first axis of any length, that is the
        batch; else the shapes are fixed, and the tensors are one sample. Of several results that are made of the same
        scores, as label and probabilities are, the first is taken; others follow one another.

    Raises
    ------
    CompileError
        N5## with the node at fault, see `ddcompile.frontends.onnx`.
    """
    if isinstance(model, ModelProto):
        opened, name = checked(model), "net"
    else:
        opened, name = read(Path(model)), Path(model).stem
    inputs = [value for value in opened.graph.input if value.name not in opened.constants]
    shapes = [_shape_of(value, opened.place) for value in inputs]
    if all(shape and shape[0] is None for shape in shapes) and shapes:
        try:
            found = [_Run(opened, inputs, shapes, batch).network(name) for batch in _BATCHES]
        except CompileError as error:
            if error.diagnostics[0].code in ("N507", "N508"):
                raise _of_batches(error, opened, inputs, shapes) from error
            raise
        if found[0].sha256 != found[1].sha256:
            raise fail("N508", "what the model computes depends on the size of the batch", place=opened.place)
        return found[0]
    for value, shape in zip(inputs, shapes, strict=True):
        if None in shape:
            message = f"the input `{value.name}` has a first axis of any length, but others have not"
            raise fail("N507", message, place=opened.place, hint="give all inputs a batch, or fixed shapes")
    return _Run(opened, inputs, shapes, None).network(name)


def _shape_of(value: ValueInfoProto, place: str) -> list[int | None]:
    """The shape of an input; None for a first axis of any length."""
    kind = value.type
    if not kind.HasField("tensor_type") or not is_number_type(kind.tensor_type.elem_type):
        hint = "inputs are tensors of numbers or truth values"
        raise fail("N509", f"the input `{value.name}` is no tensor of numbers", place=place, hint=hint)
    if not kind.tensor_type.HasField("shape"):
        raise fail("N507", f"the shape of the input `{value.name}` is not said", place=place)
    shape = [d.dim_value if d.HasField("dim_value") else None for d in kind.tensor_type.shape.dim]
    written = [str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in kind.tensor_type.shape.dim]
    said = f"the input `{value.name}` has the shape ({', '.join(written)})"
    if any(extent is not None and extent < 1 for extent in shape):
        raise fail("N507", f"{said}, so it has no elements", place=place)
    free = [name for name, extent in list(zip(written, shape, strict=True))[1:] if extent is None]
    if free:
        named = " and ".join(f"`{name}`" for name in free)
        hint = f"give {named} a length: onnx.tools.update_model_dims.update_inputs_outputs_dims"
        raise fail("N507", f"{said}; only the first axis may have any length", place=place, hint=hint)
    return shape


def _of_batches(
    error: CompileError, model: Model, inputs: Sequence[ValueInfoProto], shapes: Sequence[list[int | None]]
) -> CompileError:
    """A model that takes no batch of any size may take one sample, which is then told."""
    try:
        _Run(model, inputs, [[1, *shape[1:]] for shape in shapes], None).network("net")
    except CompileError:
        return error
    (first, *rest) = error.diagnostics
    return CompileError([replace(first, hint="it takes one sample alone: give its inputs a first axis of 1"), *rest])


class _Run:
    """One pass over the nodes, with a batch of a given size or none."""

    def __init__(
        self, model: Model, inputs: Sequence[ValueInfoProto], shapes: Sequence[list[int | None]], batch: int | None
    ) -> None:
        self.model = model
        self.values: dict[str, Any] = dict(model.constants)
        self.floats: set[str] = set()
        self.is_single = batch is None and all(shape[:1] == [1] for shape in shapes)
        counts = [prod(n for n in shape if n is not None) for shape in shapes]
        self.context = Context(Drafts(sum(counts)), batch)
        start = 0
        for value, shape, count in zip(inputs, shapes, counts, strict=True):
            kind = value.type.tensor_type.elem_type
            ids = np.arange(start, start + count, dtype=np.int64).reshape([n or 1 for n in shape])
            start += count
            ids = self.context.every(ids, None if batch is None else 0)
            self.values[value.name] = Units(ids, kind, range_of_type(kind))
            self._note(self.values[value.name])

    def network(self, name: str) -> Network | Ensemble:
        """Apply all nodes, then take the results."""
        self._apply(self.model.graph.node)
        results = [self.values.get(value.name) for value in self.model.graph.output]
        if isinstance(results[0], trees.Grown):
            if not all(isinstance(value, trees.Grown) for value in results):
                raise fail("N510", "an ensemble of trees beside other results", place=self.model.place)
            return replace(results[0].ensemble, name=name)
        head, ids = self._results(results)
        labels = results[0].names if isinstance(results[0], Head) else ()
        layers = self.context.drafts.finished(ids.ravel(), "")
        dtype = min(self.floats, key=lambda kind: FLOAT_TYPES[kind].bits, default="float64")
        try:
            return Network(layers, name, head, dtype, ids.shape, labels=labels)
        except CompileError as error:  # a layer reads no input at all, say
            raise fail("N510", error.diagnostics[0].message, place=self.model.place) from error

    def _apply(self, nodes: Sequence[NodeProto]) -> None:
        for proto in nodes:
            node = self._node(proto)
            if node.op == "If":
                self._branch(node)
                continue
            operands = [self._operand(node, name) for name in proto.input]
            found = self._value(node, operands)
            results = found if isinstance(found, tuple | list) else (found,)
            for result_name, value in zip(proto.output, results, strict=False):
                self.values[result_name] = value
                self._note(value)

    def _node(self, proto: NodeProto) -> Node:
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        node = Node(proto, self.model.versions.get(domain, 0), f"{self.model.place}: {path_of(proto)}")
        if domain not in DOMAINS:
            hint = f"operators of ONNX itself are imported, and of {', '.join(d for d in DOMAINS if d)}"
            raise node.fail("N505", f"`{node.op}` is not an operator that is imported", hint)
        return node

    def _operand(self, node: Node, name: str) -> Value | None:
        if name and name not in self.values:
            raise node.fail("N502", f"`{node.op}` reads `{name}`, which nothing gives")
        found: Value | None = self.values[name] if name else None
        return found

    def _value(self, node: Node, operands: Sequence[Any]) -> Any:
        if any(isinstance(value, trees.Grown) for value in operands):
            return trees.followed(node, next(value for value in operands if isinstance(value, trees.Grown)))
        if any(isinstance(value, Head) for value in operands) and node.op not in _TAKES_HEADS:
            if node.op == "Cast" and isinstance(operands[0], Head):
                return self._cast_head(node, operands[0])
            operands = [settled(self.context, node, v) if isinstance(v, Head) else v for v in operands]
        is_constant = not any(isinstance(value, Units | Head) for value in operands)
        operator = OPERATORS.get(node.op)
        if operator is None and not is_constant:
            hint = _HINTS.get(node.op, _ANY_HINT)
            raise node.fail("N505", f"`{node.op}` is not an operator that is imported", hint)
        try:
            if operator is None or is_constant:
                return computed(node, [value if isinstance(value, np.ndarray) else None for value in operands])
            return operator(self.context, node, operands)
        except (ValueError, IndexError, TypeError) as error:
            raise node.misfit(operands) from error

    def _cast_head(self, node: Node, head: Head) -> Any:
        """A change of type after a head, which changes no value of it."""
        kind = int(node.attribute("to"))
        values = Range(0, head.scores.ids.shape[-1] - 1, True)
        if head.kind == "argmax" and element_of(kind) != "bool" and values.within(range_of_type(kind)):
            return replace(head, type=kind)
        if head.kind == "softmax" and kind == head.type:
            return head
        return logic.cast(self.context, node, settled(self.context, node, head), kind)

    def _results(self, results: Sequence[Any]) -> tuple[str, np.ndarray]:
        """The head, and the units of the last layer.

        Several results follow one another. If there is a head among them and all are made of the same scores, as label
        and probabilities are, the first is the one.
        """
        place = self.model.place
        names = [value.name for value in self.model.graph.output]
        for name, value in zip(names, results, strict=True):
            if not isinstance(value, Units | Head):
                what = "does not depend on the inputs" if isinstance(value, np.ndarray) else "is no tensor of numbers"
                hint = "skl2onnx: options={'zipmap': False}" if value is None else ""
                raise fail("N510", f"the result `{name}` {what}", place=place, hint=hint)
        last = Node(NodeProto(op_type="output", name=names[0]), 0, f"{place}: {names[0]}")
        if any(isinstance(value, Head) for value in results):
            scores = [value.scores if isinstance(value, Head) else value for value in results]
            own, *others = (value.ids[value.ids >= 0] % SAMPLE for value in scores)
            if all(self.context.drafts.follows(ids, own) for ids in others):
                results = results[:1]
        if len(results) == 1 and isinstance(results[0], Head) and results[0].labels is None:
            ids = self._sample(last, results[0].scores.ids)
            if ids.size == ids.shape[-1]:
                return results[0].kind, self._ordered(last, results[0].kind, ids.reshape(-1))
        settle = [settled(self.context, last, v) if isinstance(v, Head) else v for v in results]
        parts = [self._sample(last, value.ids) for value in settle]
        return "none", parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])

    def _ordered(self, node: Node, head: str, ids: np.ndarray) -> np.ndarray:
        """Scores without tanh and sigmoid that have the same argmax, where there are such."""
        drafts = self.context.drafts
        plain = order(drafts, ids) if head == "argmax" else None
        if plain is not None:
            return elementwise.asked(drafts, plain, node.path)
        plain = decision(drafts, [(ids[1:], 1), (ids[:1], -1)], 0) if head == "argmax" and len(ids) == 2 else None
        if plain is None:
            return ids
        above = elementwise.asked(drafts, plain, node.path)
        return np.concatenate([elementwise.affine(drafts, above, 0, 0, node.path), above])

    def _sample(self, node: Node, ids: np.ndarray) -> np.ndarray:
        """The units of a result for one sample, without the axis of the batch."""
        one = self.context.sample(node, ids)
        if one.axis is None:
            return np.asarray(one.ids[0]) if self.is_single and ids.ndim and len(ids) == 1 else one.ids
        if one.axis or len(one.ids) != 1:
            raise node.fail("N508", "the first axis of a result is not the batch")
        return np.asarray(one.ids[0])

    def _branch(self, node: Node) -> None:
        """`If` with a condition that is known is one of its branches."""
        (condition,) = (self._operand(node, name) for name in node.proto.input)
        if not isinstance(condition, np.ndarray):
            raise node.fail("N505", "`If` whose condition depends on the inputs", "use Where")
        branch = next(
            a.g for a in node.proto.attribute if a.name == ("then_branch" if condition.all() else "else_branch")
        )
        self.values |= {t.name: numpy_helper.to_array(t) for t in branch.initializer}
        self._apply(branch.node)
        for inner, outer in zip(branch.output, node.proto.output, strict=True):
            self.values[outer] = self._operand(node, inner.name)

    def _note(self, value: Any) -> None:
        """Remember the types of floats in which is computed."""
        if isinstance(value, Units) and value.element == "float" and type_name(value.type) in FLOAT_TYPES:
            self.floats.add(type_name(value.type))
