"""Trace a module with torch.fx, and say where it cannot be traced."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import fx, nn

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.torch.checks import depends_on_mode
from ddcompile.frontends.torch.gates import gate_importer

__all__ = ["path_of", "trace"]


class _Tracer(fx.Tracer):
    """Keeps the path of the module whose forward pass is running."""

    def __init__(self) -> None:
        super().__init__()
        self.trace_asserts = True
        self.running: list[str] = []

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return gate_importer(m) is not None or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self.running.append(self.path_of_module(m))
        result = super().call_module(m, forward, args, kwargs)
        self.running.pop()
        return result


def trace(module: nn.Module, root: str) -> fx.Graph:
    """The operations of a forward pass, which must be that of eval mode; optional arguments have their defaults.

    Raises
    ------
    CompileError
        N401 if it cannot be traced, N403 if it is in training mode and depends on it.
    """
    for name, part in module.named_modules():
        if part.training and depends_on_mode(part):
            raise _in_training(f"`{type(part).__name__}`", f"{root}.{name}" if name else root)
    graph = _traced(module, root)
    training = [part for part in module.modules() if part.training]
    if training:
        for part in training:
            part.training = False
        try:
            other = _traced(module, root)
        finally:
            for part in training:
                part.training = True
        if _text(other) != _text(graph):
            raise _in_training("the forward pass", root)
    return graph


def _in_training(what: str, place: str) -> CompileError:
    message = f"{what} does another thing in training mode, in which the module is"
    return fail("N403", message, place=place, hint="call net.eval() first")


def _traced(module: nn.Module, root: str) -> fx.Graph:
    tracer = _Tracer()
    parameters = inspect.signature(type(module).forward).parameters.values()
    given = {p.name: p.default for p in parameters if p.default is not p.empty}
    try:
        return tracer.trace(module, concrete_args=given)
    except CompileError:
        raise
    except Exception as error:
        running = ".".join([root, *tracer.running[-1:]])
        text = str(error).split("\n", 1)[0].split(". ", 1)[0].rstrip(".")
        hint = "the forward pass must take the same course for every input; torch.where(c, a, b) chooses values"
        message = f"the forward pass cannot be traced: {text} ({type(error).__name__})"
        raise fail("N401", message, place=running, hint=hint) from error


def _text(graph: fx.Graph) -> str:
    return "\n".join(f"{node.op} {node.target} {node.args} {node.kwargs}" for node in graph.nodes)


def path_of(node: fx.Node, root: str) -> str:
    """Where in the network an operation is: `net.features.3`."""
    if node.op == "call_module":
        return f"{root}.{node.target}"
    stack = node.meta.get("nn_module_stack") or {}
    paths = [str(path) for path, _ in stack.values()] if stack else []
    inner = paths[-1] if paths else ""
    return f"{root}.{inner}" if inner else root
