"""Trace a module with torch.fx, and say where it cannot be traced."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.torch.checks import depends_on_mode
from ddcompile.frontends.torch.gates import gate_importer
from ddcompile.frontends.torch.refusals import is_refused, refusal

__all__ = ["path_of", "trace"]


class _Proxy(fx.Proxy):
    """A tensor that is not known yet. fx would forget what is set of it, such as `self.weight.data = ...`."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("node", "tracer"):
            hint = "compute another tensor, as in F.linear(x, torch.sign(self.weight))"
            place = self.tracer.place if isinstance(self.tracer, _Tracer) else ""
            raise fail("N402", f"the forward pass sets `{name}` of a tensor", place=place, hint=hint)
        super().__setattr__(name, value)

    def __iadd__(self, other: Any) -> fx.Proxy:
        return self._changed(operator.iadd, other)

    def __isub__(self, other: Any) -> fx.Proxy:
        return self._changed(operator.isub, other)

    def __imul__(self, other: Any) -> fx.Proxy:
        return self._changed(operator.imul, other)

    def __itruediv__(self, other: Any) -> fx.Proxy:
        return self._changed(operator.itruediv, other)

    def _changed(self, function: Callable[..., Any], other: Any) -> fx.Proxy:
        """What fx takes for an operation that is not in place, so that other names kept what was before."""
        made: fx.Proxy = self.tracer.create_proxy("call_function", function, (self, other), {})
        return made


class _Tracer(fx.Tracer):
    """Keeps the path of the module whose forward pass is running."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self.trace_asserts = True
        self.base = root
        self.running: list[str] = []

    @property
    def place(self) -> str:
        """The module whose forward pass is running."""
        return ".".join([self.base, *self.running[-1:]])

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

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


_FACTORIES = ("arange", "empty", "eye", "full", "ones", "zeros")
"""Functions of torch that fx does not follow, and that may be given the size of a batch."""


@contextmanager
def _followed_factories(tracer: fx.Tracer) -> Iterator[None]:
    """Constants whose shape is that of a tensor that is not known yet: `torch.zeros(x.shape[0], 8)`."""
    originals = {name: getattr(torch, name) for name in _FACTORIES}

    def followed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            is_known = not _has_proxy((args, kwargs))
            return (
                function(*args, **kwargs) if is_known else tracer.create_proxy("call_function", function, args, kwargs)
            )

        return run

    try:
        for name, function in originals.items():
            setattr(torch, name, followed(function))
        yield
    finally:
        for name, function in originals.items():
            setattr(torch, name, function)


def _has_proxy(value: object) -> bool:
    match value:
        case fx.Proxy():
            return True
        case tuple() | list():
            return any(map(_has_proxy, value))
        case dict():
            return any(map(_has_proxy, value.values()))
    return False


def _traced(module: nn.Module, root: str) -> fx.Graph:
    tracer = _Tracer(root)
    parameters = inspect.signature(type(module).forward).parameters.values()
    given = {p.name: p.default for p in parameters if p.default is not p.empty}
    if type(module).__module__.startswith("torch.nn.") and is_refused(type(module).__name__):
        raise refusal(type(module).__name__, root)
    try:
        with _followed_factories(tracer):
            return tracer.trace(module, concrete_args=given)
    except CompileError:
        raise
    except Exception as error:
        text = str(error).split("\n", 1)[0].split(". ", 1)[0].rstrip(".")
        hint = "the forward pass must take the same course for every input; torch.where(c, a, b) chooses values"
        message = f"the forward pass cannot be traced: {text} ({type(error).__name__})"
        raise fail("N401", message, place=tracer.place, hint=hint) from error


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
