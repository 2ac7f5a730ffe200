"""Shapes of inputs: how many there are, their batch axes, the sizes that they give a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ddcompile.diagnostics import fail
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import Rule
from ddcompile.ir.specialize import checked_sizes, solve_sizes, specialize
from ddcompile.ir.types import extents
from ddcompile.ir.verifier import check

__all__ = ["bound", "check_number", "matched", "specialized"]


def bound(rule: Rule, arrays: Sequence[Any], named: Mapping[str, Any]) -> tuple[Rule, tuple[Any, ...]]:
    """What a call with some arguments by name is about: the rule at sizes that are named, and inputs in order.

    Raises
    ------
    CompileError
        A007 for a name that is no input or is given twice, A001 if an input is missing, A013 for what is no size.
    """
    sizes = {name: named[name] for name in rule.sizes if name in named}
    own = [declaration.name for declaration in rule.inputs]
    free = own[len(arrays) :]
    for name in named:
        if name not in free and name not in sizes:
            reason = "is given twice" if name in own else "is no input"
            raise fail("A007", f"`{name}` {reason}", place=rule.name, hint=f"inputs: {', '.join(own)}")
    missing = [name for name in free if name not in named]
    if missing and len(named) > len(sizes):
        raise fail("A001", f"the input `{missing[0]}` is missing", place=rule.name)
    given = (*arrays, *(named[name] for name in free if name in named))
    return (specialized(rule, sizes) if sizes else rule), given


def check_number(rule: Rule, count: int) -> None:
    """Refuse another number of inputs than the rule takes.

    Raises
    ------
    CompileError
        A001.
    """
    if count != len(rule.inputs):
        names = ", ".join(f"`{d.name}`" for d in rule.inputs)
        raise fail(
            "A001",
            f"`{rule.name}` takes {counted(len(rule.inputs), 'input')}, not {count}",
            place=rule.name,
            hint=f"in this order: {names}" if names else "",
        )


def matched(rule: Rule, shapes: Sequence[tuple[int, ...]]) -> tuple[Rule, tuple[int, ...]]:
    """The rule without sizes, and the batch axes, for inputs of some shapes.

    Raises
    ------
    CompileError
        A001, A003, A004 or A011 if the shapes are not those that the rule takes.
    """
    check_number(rule, len(shapes))
    batch_shape = _batch_shape(shapes, rule)
    own = [shape[len(batch_shape) :] for shape in shapes]
    if rule.sizes:
        rule = specialized(rule, solve_sizes(rule, own))
    for shape, declaration in zip(own, rule.inputs, strict=True):
        expected = extents(declaration.type)
        if shape != expected:
            raise fail(
                "A004",
                f"`{declaration.name}` has shape {_shape_text(expected)}, not {_shape_text(shape)}"
                + (f" after {counted(len(batch_shape), 'batch axis', 'batch axes')}" if batch_shape else ""),
                place=declaration.name,
            )
    return rule, batch_shape


def specialized(rule: Rule, sizes: Mapping[str, Any]) -> Rule:
    """The rule at given sizes, others staying, with all checks of the verifier; remembered for a while.

    Raises
    ------
    CompileError
        A013 if a size is no positive whole number; if the rule is at fault at these sizes.
    """
    return _specialized(rule, tuple(sorted(checked_sizes(rule, sizes).items())))


@lru_cache(maxsize=64)
def _specialized(rule: Rule, sizes: tuple[tuple[str, int], ...]) -> Rule:
    special = specialize(rule, dict(sizes), partly=True)
    check(special)
    return special


def _batch_shape(shapes: Sequence[tuple[int, ...]], rule: Rule) -> tuple[int, ...]:
    found: tuple[int, ...] | None = None
    for shape, declaration in zip(shapes, rule.inputs, strict=True):
        rank = len(declaration.type.shape)
        if len(shape) < rank:
            raise fail(
                "A003",
                f"`{declaration.name}` has {counted(rank, 'axis', 'axes')}, "
                f"but the array only {len(shape)}: {_shape_text(shape)}",
                place=declaration.name,
            )
        batch = shape[: len(shape) - rank]
        if found is None:
            found = batch
        elif batch != found:
            raise fail(
                "A003",
                f"`{declaration.name}` has batch axes {_shape_text(batch)}, "
                f"but `{rule.inputs[0].name}` has {_shape_text(found)}",
                place=declaration.name,
            )
    return found or ()


def _shape_text(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
