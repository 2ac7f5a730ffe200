"""What each traced operation does to units: finds the operation, checks what goes in, and calls the function for it."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.utils import parametrize

from ddcompile.diagnostics import CompileError, fail
from ddcompile.frontends.torch import (
    arithmetic,
    aten,
    contractions,
    convolutions,
    logic,
    places,
    pooling,
    quantized,
    recurrent,
    shapes,
    units,
)
from ddcompile.frontends.torch.context import Context
from ddcompile.frontends.torch.gates import gate_importer
from ddcompile.frontends.torch.modules import MODULES
from ddcompile.frontends.torch.refusals import refusal
from ddcompile.frontends.torch.values import BatchHead, Steps, Units, Untold

__all__ = ["Context", "apply", "changes"]

Operation = Callable[..., Any]

_OPERATIONS: Mapping[str, Operation] = {
    **shapes.OPERATIONS,
    **arithmetic.OPERATIONS,
    **contractions.OPERATIONS,
    **logic.OPERATIONS,
    **units.OPERATIONS,
    **convolutions.OPERATIONS,
    **pooling.OPERATIONS,
    **places.OPERATIONS,
    **recurrent.OPERATIONS,
    **quantized.OPERATIONS,
}
"""Operations by the name that they have as a function of torch or a method of tensors."""

_SPACES: tuple[Any, ...] = (builtins, torch, F, torch._C._nn, torch.special, operator)
_NAME_OF: dict[Any, str] = {
    getattr(space, name): name for space in _SPACES for name in (*_OPERATIONS, "softmax") if hasattr(space, name)
}
_ALIASES = {
    "__and__": "logical_and",
    "__getitem__": "getitem",
    "__or__": "logical_or",
    "__xor__": "logical_xor",
    "absolute": "abs",
    "and_": "logical_and",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
    "divide": "div",
    "greater": "gt",
    "greater_equal": "ge",
    "iadd": "add",
    "imul": "mul",
    "invert": "logical_not",
    "isub": "sub",
    "itruediv": "div",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "negative": "neg",
    "not_equal": "ne",
    "or_": "logical_or",
    "pos": "positive",
    "rmul": "mul",
    "sgn": "sign",
    "subtract": "sub",
    "true_divide": "div",
    "truediv": "div",
    "inv": "logical_not",
    "bitwise_not": "logical_not",
    "xor": "logical_xor",
}
_NAME_OF[F.unfold] = "im2col"  # a method of tensors has the name
for _alias, _name in _ALIASES.items():
    _NAME_OF |= {getattr(space, _alias): _name for space in _SPACES if hasattr(space, _alias)}

_FRESH = frozenset(
    name
    for part in (arithmetic, contractions, logic, convolutions, pooling, units)
    for name in part.OPERATIONS
    if "dropout" not in name and name != "positive"
)
"""Operations that give new numbers, never parts of their operands."""

_MODULES = {**MODULES, **places.MODULES, **quantized.MODULES, **recurrent.MODULES}

_SAME_NUMBERS = ("long", "int", "to", "clone", "contiguous", "detach", "cpu", "_to_copy", "type")
"""What may be done with the number of the largest score without changing it."""

_ASSERTS = ("_assert", "_assert_is_none", "_assert_scalar", "_assert_tensor_metadata")
"""How asserts, and optional arguments, are traced."""


@dataclass(frozen=True, slots=True)
class _Call:
    """An operation as traced: what it is called, and the function for it if it is known."""

    name: str
    function: Operation | None
    is_inplace: bool


def apply(node: fx.Node, module: nn.Module, values: Mapping[fx.Node, Any], context: Context, place: str) -> Any:
    """The value of a node.

    Raises
    ------
    CompileError
        N4## at the place, if it is not one that networks are made of.
    """
    args = fx.node.map_arg(node.args, lambda n: values[n])
    kwargs = dict(fx.node.map_arg(node.kwargs, lambda n: values[n]))
    call = _call_of(node, module)
    if call.name in _ASSERTS:
        return None
    flat: list[Any] = []
    fx.node.map_arg((node.args, node.kwargs), lambda n: flat.append(values[n]))
    heads = [value for value in flat if isinstance(value, BatchHead)]
    if heads and (heads[0].kind == "softmax" or call.name in _SAME_NUMBERS):
        return _after_head(heads[0], call, args, kwargs, context, place)
    if heads:
        found = {id(head): places.settled(context, place, head) for head in heads}
        args, kwargs, flat = (_with(value, found) for value in (args, kwargs, flat))
    for value in flat:
        if isinstance(value, Untold):
            raise fail("N402", f"`{call.name}` of {value.what}, which is not followed", place=place, hint=value.hint)
    if not any(isinstance(value, Units) for value in flat):
        return _constant(node, module, args, kwargs, place)
    if call.is_inplace and not _is_owner(node, module):
        hint = "use the operation that is not in place"
        raise fail("N402", f"`{call.name}` changes in place what is read elsewhere", place=place, hint=hint)
    if call.function is None:
        raise refusal(call.name, place)
    function = call.function
    if any(isinstance(value, Units) and isinstance(value.element, Steps) for value in flat):
        function = quantized.of_steps(call.name, function, place)
    kwargs.pop("inplace", None)
    try:
        return function(context, place, *args, **kwargs)
    except CompileError:
        raise
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        text = str(error).split("\n", 1)[0].rstrip(".")
        raise fail("N410", f"`{call.name}` does not take this: {text}", place=place) from error


def _call_of(node: fx.Node, module: nn.Module) -> _Call:
    match node.op:
        case "call_module":
            part = module.get_submodule(str(node.target))
            kind = type(part)
            kind = kind.__mro__[1] if parametrize.is_parametrized(part) else kind
            function = _MODULES.get(kind) or gate_importer(part)
            bound = None if function is None else (lambda c, p, *a, **k: function(c, p, part, *a, **k))
            name = f"quantized.{kind.__name__}" if kind in quantized.MODULES else kind.__name__
            return _Call(name, bound, bool(getattr(part, "inplace", False)))
        case "call_method":
            name = str(node.target)
            is_inplace = name.endswith("_") and not name.endswith("__")
            plain = name.rstrip("_") if is_inplace else name
            plain = _ALIASES.get(plain, plain)
            return _Call(name, _OPERATIONS.get(plain), is_inplace)
    target: Any = node.target
    if isinstance(target, torch._ops.OpOverload):
        return _aten(target)
    if isinstance(target, torch._ops.OpOverloadPacket):
        name = target._qualified_op_name.removeprefix("aten::")
        return _Call(name, _OPERATIONS.get(name), False)
    name = getattr(target, "__name__", str(target))
    known = _NAME_OF.get(target) if _is_hashable(target) else None
    is_inplace = bool(node.kwargs.get("inplace", False)) or name in ("iadd", "isub", "imul", "itruediv")
    return _Call(name, None if known is None else _OPERATIONS.get(known), is_inplace)


def _aten(target: torch._ops.OpOverload) -> _Call:
    """An operation of an exported program."""
    name = target._schema.name.removeprefix("aten::")
    is_inplace = name.endswith("_") and not name.endswith("__")
    plain = name.rstrip("_") if is_inplace else name
    plain = _ALIASES.get(plain, plain)
    function = aten.moved(target, plain) or aten.OPERATIONS.get(plain) or _OPERATIONS.get(plain)
    return _Call(name, function, is_inplace)


def changes(node: fx.Node, module: nn.Module) -> bool:
    """Whether an operation is in place."""
    return node.op.startswith("call") and _call_of(node, module).is_inplace


def _is_hashable(target: object) -> bool:
    return type(target).__hash__ is not None


def _constant(node: fx.Node, module: nn.Module, args: Any, kwargs: Any, place: str) -> Any:
    """What torch computes out of constants."""
    target: Any = node.target
    try:
        with torch.no_grad():
            match node.op:
                case "call_method":
                    return getattr(args[0], target)(*args[1:], **kwargs)
                case "call_module":
                    return module.get_submodule(target)(*args, **kwargs)
            return target(*args, **kwargs)
    except Exception as error:
        text = str(error).split("\n", 1)[0].rstrip(".")
        name = getattr(node.target, "__name__", str(node.target))
        raise fail("N410", f"`{name}` of constants fails: {text}", place=place) from error


def _with(value: Any, found: Mapping[int, Units]) -> Any:
    """Arguments with numbers in place of heads."""
    match value:
        case BatchHead():
            return found.get(id(value), value)
        case tuple() | list():
            return type(value)(_with(part, found) for part in value)
        case dict():
            return {key: _with(part, found) for key, part in value.items()}
    return value


def _after_head(head: BatchHead, call: _Call, args: Any, kwargs: Any, context: Context, place: str) -> Any:
    """Softmax does not change which unit is largest; other types do not change its number."""
    if head.kind == "softmax" and call.name in ("argmax",) and args and args[0] is head:
        return places.argmax(context, place, head.scores, *args[1:], **kwargs)
    if head.kind == "argmax" and not any(value is torch.bool for value in (*args, *kwargs.values())):
        return head
    hint = "end the network with it, or leave it out and choose a head"
    raise fail("N402", f"`{call.name}` follows {head.kind}, which must come last", place=place, hint=hint)


def _is_owner(node: fx.Node, module: nn.Module) -> bool:
    """Whether nobody reads later what an operation in place changes; who has read it has made new numbers of it."""
    earlier = set(takewhile(lambda other: other is not node, node.graph.nodes))
    reader, changed = node, node.args[0] if node.args else None
    while isinstance(changed, fx.Node):
        others = [user for user in changed.users if user is not reader]
        if changed.op == "get_attr" or any(u not in earlier or not _is_fresh(u, module) for u in others):
            return False
        reader, changed = changed, changed.args[0] if _is_view(changed) and changed.args else None
    return True


def _is_fresh(node: fx.Node, module: nn.Module) -> bool:
    """Whether what an operation gives is certainly no part of its operands."""
    if node.op == "call_module":
        part = module.get_submodule(str(node.target))
        return isinstance(part, nn.Linear | nn.modules.conv._ConvNd | nn.modules.batchnorm._NormBase)
    return node.op in ("call_method", "call_function") and not _is_view(node)


def _is_view(node: fx.Node) -> bool:
    """Whether what an operation gives may be a part of its operand."""
    if node.op not in ("call_method", "call_function"):
        return False
    target: Any = node.target
    if isinstance(target, torch._ops.OpOverload):
        return target._schema.name.removeprefix("aten::").rstrip("_") not in _FRESH
    name = str(target) if node.op == "call_method" else _NAME_OF.get(target) if _is_hashable(target) else None
    return name not in _FRESH
