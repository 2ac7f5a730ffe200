"""From a torch module to a network of exact layers."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from math import prod
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import fx, nn

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.declarations import extents, parsed_declarations
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.network import Network
from ddcompile.frontends.places import at
from ddcompile.frontends.torch.checks import check_module, float_type
from ddcompile.frontends.torch.gates import is_gate_layer
from ddcompile.frontends.torch.operations import Context, apply, changes
from ddcompile.frontends.torch.tracing import path_of, trace
from ddcompile.frontends.torch.values import BatchHead, Steps, Units, Untold, replicated, sample_of

__all__ = ["are_whole", "declared_shapes", "finished", "is_module", "network_of"]

_BATCHES = (2, 3)


def is_module(model: object) -> TypeGuard[nn.Module]:
    """Whether a model is a torch module."""
    return isinstance(model, nn.Module)


def network_of(module: nn.Module, inputs: str | Sequence[tuple[int, ...]] | None = None, name: str = "net") -> Network:
    """Import a module in eval mode.

    Parameters
    ----------
    module : torch.nn.Module
        Its weights are taken as the exact numbers that they are, whatever their type, and numbers in the text of the
        forward pass as the doubles that they are. What it computes out of weights alone, torch computes.
    inputs : str or sequence of shapes, optional
        Declarations such as `"image: bit[8, 8]"`, or shapes, one an argument of the forward pass, without the batch.
        Several for a single argument make it flat. By default one flat input of as many values as the first linear
        layer reads.
    name : str
        What the network is called, in messages too.

    Returns
    -------
    Network

    Raises
    ------
    CompileError
        N### with the path of the module at fault, see `ddcompile.frontends.torch`; N213, S### for the declarations.
    """
    check_module(module, name)
    dtype = float_type(module, name)
    found = []
    for batch in _BATCHES:
        graph = trace(module, name)
        shapes = _shapes(module, graph, inputs, name)
        # constants that change in place would be those of whoever gave the module
        held = deepcopy(module) if any(changes(node, module) for node in graph.nodes) else module
        context = Context(Drafts(sum(map(prod, shapes))), batch, dtype, are_whole(inputs))
        found.append(_run(held, graph, shapes, name, context))
    if found[0].sha256 != found[1].sha256:
        message = "what the forward pass computes depends on the size of the batch, or on chance"
        raise fail("N411", message, place=name)
    return found[0]


def are_whole(inputs: str | Sequence[tuple[int, ...]] | None) -> bool:
    """Whether inputs are declared as whole numbers."""
    if not isinstance(inputs, str):
        return False
    return all(d.type.kind in ("bit", "spin", "trit", "int") for d in parsed_declarations(inputs, "input"))


def declared_shapes(inputs: object) -> list[tuple[int, ...]]:
    """The shapes of declared inputs, or those that are given instead.

    Raises
    ------
    CompileError
        N213 if they are neither a text nor shapes, S### if they are no declarations.
    """
    if isinstance(inputs, list | tuple) and all(map(_is_shape, inputs)):
        return [tuple(shape) for shape in inputs]
    return [extents(d) for d in parsed_declarations(inputs, "input")]


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple | list) and all(isinstance(extent, int) for extent in shape)


def _shapes(
    module: nn.Module, graph: fx.Graph, inputs: str | Sequence[tuple[int, ...]] | None, root: str
) -> list[tuple[int, ...]]:
    """The shapes of the arguments of the forward pass, without the batch."""
    arguments = [node for node in graph.nodes if node.op == "placeholder" and not node.args]
    if inputs is None:
        first = next((m for m in module.modules() if isinstance(m, nn.Linear) or is_gate_layer(m)), None)
        if first is None or len(arguments) != 1:
            hint = 'such as inputs="image: bit[8, 8]"'
            raise fail("N410", "the shapes of the inputs are not known", place=root, hint=hint)
        width: Any = first.in_features if isinstance(first, nn.Linear) else first.in_dim
        return [(int(width),)]
    shapes = declared_shapes(inputs)
    if len(arguments) == 1 and len(shapes) > 1:
        return [(sum(map(prod, shapes)),)]
    if len(arguments) != len(shapes):
        names = ", ".join(str(node.target) for node in arguments)
        message = f"the forward pass takes {len(arguments)} tensors ({names}); declared inputs: {len(shapes)}"
        raise fail("N410", message, place=root)
    return shapes


def _run(
    module: nn.Module,
    graph: fx.Graph,
    shapes: list[tuple[int, ...]],
    root: str,
    context: Context,
) -> Network:
    values: dict[fx.Node, Any] = {}
    start, given = 0, iter(shapes)
    for node in graph.nodes:
        place = path_of(node, root)
        match node.op:
            case "placeholder":
                if node.args:
                    values[node] = node.args[0]
                    continue
                shape = next(given)
                ids = np.arange(start, start + prod(shape), dtype=np.int64).reshape(shape)
                start += prod(shape)
                values[node] = Units(replicated(ids, context.batch))
            case "get_attr":
                values[node] = _attribute(module, str(node.target))
            case "output":
                return finished(fx.node.map_arg(node.args[0], lambda n: values[n]), context, root)
            case _:
                try:
                    values[node] = apply(node, module, values, context, place)
                except CompileError as error:  # a layer without units, say
                    raise at(error, place) from error
    raise AssertionError("a graph ends with its output")


def _attribute(module: nn.Module, target: str) -> Any:
    value: Any = module
    for part in target.split("."):
        value = getattr(value, part)
    return value


def finished(result: Any, context: Context, root: str) -> Network:
    """The network that gives what a forward pass returns.

    Raises
    ------
    CompileError
        N402, N410 if that is not one tensor that depends on the inputs.
    """
    head = "none"
    while isinstance(result, dict | tuple | list) and len(result) == 1:
        (result,) = result.values() if isinstance(result, dict) else result
    if isinstance(result, BatchHead):
        head, result = result.kind, result.scores
    if isinstance(result, Untold):
        raise fail(
            "N402", f"the forward pass returns {result.what}, which is not followed", place=root, hint=result.hint
        )
    if not isinstance(result, Units):
        kinds = {torch.Tensor: "a tensor of constants", dict: "a dictionary", tuple: "a tuple", list: "a list"}
        what = next((text for kind, text in kinds.items() if isinstance(result, kind)), type(result).__name__)
        hint = "let it return one tensor that is computed from the inputs"
        raise fail("N402", f"the forward pass returns {what}", place=root, hint=hint)
    if isinstance(result.element, Steps):
        hint = "end it with a DeQuantStub, or result.dequantize()"
        raise fail("N412", "the forward pass returns a quantised tensor", place=root, hint=hint)
    ids = sample_of(result.ids, context.batch, root)
    layers = context.drafts.finished(ids.ravel(), root)
    try:
        return Network(layers, root, head, str(context.dtype).removeprefix("torch."), ids.shape)
    except CompileError as error:  # a layer reads no input at all, say
        raise fail("N410", error.diagnostics[0].message, place=root) from error
