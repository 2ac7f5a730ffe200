"""Import what torch.export gives: a graph of aten operations, with its parameters and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.network import Network
from ddcompile.frontends.torch.importer import are_whole, declared_shapes, finished
from ddcompile.frontends.torch.operations import Context, apply
from ddcompile.frontends.torch.refusals import is_refused, refusal
from ddcompile.frontends.torch.tracing import path_of
from ddcompile.frontends.torch.values import Units, replicated

__all__ = ["network_of_exported"]

_BATCHES = (2, 3)


def network_of_exported(
    program: ExportedProgram, inputs: str | Sequence[tuple[int, ...]] | None = None, name: str = "net"
) -> Network:
    """Import an exported program, with or without `run_decompositions`.

    Parameters
    ----------
    program : torch.export.ExportedProgram
        The first axis of its inputs is the batch; it may be dynamic, the others not.
    inputs : str or sequence of shapes, optional
        Declarations that hold as many values as the program reads.
    name : str

    Raises
    ------
    CompileError
        N4## as `network_of`; N410 for dynamic shapes.
    """
    constants = _constants(program, name)
    given = [node for node in program.graph.nodes if node.op == "placeholder" and node.name not in constants]
    batches: tuple[int, ...] = _BATCHES
    shapes: list[tuple[int, ...]] = []
    for node in given:
        batch, shape = _shape(node, name)
        shapes.append(shape)
        batches = batches if batch is None else (batch,)
    _check_inputs(inputs, shapes, name)
    for spec in program.graph_signature.output_specs:
        if spec.kind != OutputKind.USER_OUTPUT:
            hint = "export the module in eval mode, without state that changes"
            raise fail("N402", f"the program changes `{spec.target}`", place=name, hint=hint)
    kinds = {t.dtype for t in constants.values() if isinstance(t, torch.Tensor) and t.dtype.is_floating_point}
    if len(kinds) > 1:
        text = " and ".join(sorted(map(str, kinds)))
        raise fail(
            "N412", f"parameters of types {text}", place=name, hint="convert the module to one type: net.float()"
        )
    dtype = next(iter(kinds), torch.float32)
    read, is_whole = sum(map(prod, shapes)), are_whole(inputs)
    contexts = [Context(Drafts(read), batch, dtype, is_whole) for batch in batches]
    found = [_run(program, constants, shapes, name, context) for context in contexts]
    if found[0].sha256 != found[-1].sha256:
        raise fail("N411", "what the program computes depends on the size of the batch", place=name)
    return found[0]


def _constants(program: ExportedProgram, root: str) -> dict[str, Any]:
    """Parameters, buffers and constants by the names of their nodes."""
    found: dict[str, Any] = {}
    for spec in program.graph_signature.input_specs:
        argument = getattr(spec.arg, "name", "")
        if spec.kind == InputKind.USER_INPUT:
            if not isinstance(spec.arg, torch.export.graph_signature.TensorArgument):
                found[argument] = getattr(spec.arg, "value", None)
            continue
        target = str(spec.target)
        held = program.state_dict if target in program.state_dict else program.constants
        if target not in held:
            raise fail("N402", f"the program takes `{target}`, which holds no numbers", place=root)
        found[argument] = held[target]
    return found


def _shape(node: fx.Node, root: str) -> tuple[int | None, tuple[int, ...]]:
    """The size of the batch, None if it is dynamic, and the shape of a sample."""
    value: Any = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.dim() == 0:
        raise fail("N410", f"the input `{node.name}` is no tensor with a batch", place=root)
    batch, *sample = list[Any](value.shape)
    for axis, extent in enumerate(sample, start=1):
        if not isinstance(extent, int):
            hint = "export with dynamic_shapes for axis 0 alone, or without"
            raise fail("N410", f"axis {axis} of the input `{node.name}` has no fixed size", place=root, hint=hint)
    return batch if isinstance(batch, int) else None, tuple(sample)


def _check_inputs(inputs: str | Sequence[tuple[int, ...]] | None, shapes: Sequence[tuple[int, ...]], root: str) -> None:
    if inputs is None:
        return
    declared = declared_shapes(inputs)
    if sum(map(prod, declared)) != sum(map(prod, shapes)):
        text = ", ".join(str(shape) for shape in shapes)
        message = f"the program was exported for inputs of shape {text} a sample; those declared hold another number"
        raise fail("N410", message, place=root)


def _run(
    program: ExportedProgram,
    constants: dict[str, Any],
    shapes: Sequence[tuple[int, ...]],
    root: str,
    context: Context,
) -> Network:
    values: dict[fx.Node, Any] = {}
    start, given = 0, iter(shapes)
    for node in program.graph.nodes:
        place = path_of(node, root)
        match node.op:
            case "placeholder" if node.name in constants:
                values[node] = constants[node.name]
            case "placeholder":
                shape = next(given)
                ids = np.arange(start, start + prod(shape), dtype=np.int64).reshape(shape)
                start += prod(shape)
                values[node] = Units(replicated(ids, context.batch))
            case "output":
                results = fx.node.map_arg(node.args[0], lambda n: values[n])
                return finished(results[0] if len(results) == 1 else results, context, root)
            case "call_function":
                try:
                    values[node] = apply(node, program.graph_module, values, context, place)
                except CompileError as error:
                    raise _of_module(error, node, place) from error
            case _:
                raise fail("N402", f"`{node.target}` is not an operation that is imported", place=place)
    raise AssertionError("a graph ends with its output")


def _of_module(error: CompileError, node: fx.Node, place: str) -> CompileError:
    """The refusal of the module that an operation is exported from, if it is one that is not imported."""
    for _, kind in node.meta.get("nn_module_stack", {}).values():
        package, _, name = str(kind).rpartition(".")
        if package.startswith("torch.nn.") and is_refused(name):
            return refusal(name, place)
    return error
