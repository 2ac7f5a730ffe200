"""What a rule made from a network declares: its inputs, its results, what is done with the last layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from math import prod
from typing import Protocol

from ddcompile.diagnostics import CompileError, fail
from ddcompile.ir.findings import counted
from ddcompile.ir.nodes import Declaration, Expr, Kind, Literal, Type
from ddcompile.ir.parser import parse_declarations
from ddcompile.ir.syntax import is_name

__all__ = [
    "HEADS",
    "Interface",
    "checked_name",
    "declared_inputs",
    "declared_results",
    "extents",
    "fresh_name",
    "head_of",
    "parsed_declarations",
    "rule_name",
]

HEADS = ("argmax", "softmax", "sign", "none")

_WIDER: dict[Kind, tuple[Kind, ...]] = {
    "bit": ("bit", "int", "rat", "real"),
    "trit": ("trit", "int", "rat", "real"),
    "int": ("int", "rat", "real"),
    "rat": ("rat", "real"),
    "real": ("real",),
}


class Interface(Protocol):
    """What declarations are checked against: how many values a model reads and gives, and what it does last."""

    @property
    def inputs(self) -> int:
        """How many values are read."""

    @property
    def outputs(self) -> int:
        """How many values are given, before the head."""

    @property
    def head(self) -> str:
        """What the model itself does with its outputs."""

    @property
    def ending(self) -> str:
        """What gives the outputs, for messages."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the outputs, if it is known."""

    @property
    def kind(self) -> str:
        """What the inputs are taken for where they are not declared."""


def fresh_name(wanted: str, used: Container[str], last: dict[str, int] | None = None) -> str:
    """The name wanted, with the first number behind it that makes it unlike those in use.

    With `last`, the search goes on where it ended for the same name: for many names that are never free again.
    """
    k = 1 if last is None else last.get(wanted, 1)
    name = wanted if k == 1 else f"{wanted}_{k}"
    while name in used:
        k += 1
        name = f"{wanted}_{k}"
    if last is not None:
        last[wanted] = k
    return name


def head_of(network: Interface, head: str | None) -> str:
    """What is done with the last layer: what the user says, else what the network itself does.

    Raises
    ------
    CompileError
        N206 if there is no such head, N208 if it does not fit the last layer, N210 if it does
        not fit what the network itself does.
    """
    own = network.head
    head = own if head is None else head
    if head not in HEADS:
        raise fail("N206", f"unknown head `{head}`", hint=f"heads: {', '.join(HEADS)}")
    if own != "none" and head not in (own, "argmax"):
        raise fail("N210", f"the network itself ends in {own}; the head {head} cannot be put behind it")
    if head in ("argmax", "softmax") and network.outputs == 1:
        constant = "0" if head == "argmax" else "1"
        hint = "the head sign compares one unit with 0"
        raise fail("N208", f"{head} over one unit is always {constant}", hint=hint)
    return head


def checked_name(name: object) -> str:
    """The name that the user gives a rule.

    Raises
    ------
    CompileError
        U007 if it is no name.
    """
    if not (isinstance(name, str) and is_name(name)):
        raise fail("U007", f"`{name}` is not a name", place="name", hint="letters, digits and _, no reserved word")
    return name


def rule_name(name: str) -> str:
    """A name of a rule made from that of a file."""
    made = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    made = made if made[:1].isalpha() else f"net_{made}".rstrip("_")
    return made if is_name(made) else f"{made}_net"


def _added(counts: Sequence[int]) -> str:
    """How many values declarations hold, one by one and together."""
    return (" + ".join(map(str, counts)) or "none") + (f" = {sum(counts)}" if len(counts) > 1 else "")


def declared_inputs(network: Interface, inputs: str | None) -> tuple[Declaration, ...]:
    """The declarations of a network's inputs; without any, a flat `x: bit[n]`, or what else it says that it is of.

    Raises
    ------
    CompileError
        N201 if they do not add up to what the network reads, N203 if one has sizes.
    """
    flat = f"x: {network.kind}[{network.inputs}]"
    declarations = parsed_declarations(flat if inputs is None else inputs, "input")
    counts = [prod(extents(d)) for d in declarations]
    if sum(counts) != network.inputs:
        held = _added(counts)
        raise fail("N201", f"the network reads {counted(network.inputs, 'value')}, but the inputs hold {held}")
    return declarations


def parsed_declarations(text: object, file: str) -> tuple[Declaration, ...]:
    """Declarations of the user; mistakes are located in `file`.

    Raises
    ------
    CompileError
        S### if they are no declarations, N209 if two have one name, N213 if they are no text.
    """
    if not isinstance(text, str):
        kind = type(text).__name__
        what = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
        hint = f'declare them in one text, such as {file}s="x: bit[3], y: bit"'
        raise fail("N213", f"{file}s are declared by a text, not by {what}", place=file, hint=hint)
    try:
        declarations = parse_declarations(text)
    except CompileError as error:
        raise CompileError(
            replace(d, location=replace(d.location, file=file) if d.location else None) for d in error.diagnostics
        ) from None
    _check_names(declarations)
    return declarations


def _check_names(declarations: Sequence[Declaration]) -> None:
    names = [d.name for d in declarations]
    for name in names:
        if names.count(name) > 1:
            raise fail("N209", f"two declarations have the name `{name}`")


def extents(declaration: Declaration) -> tuple[int, ...]:
    """The shape of a declaration.

    Raises
    ------
    CompileError
        N203 if it is not one of positive numbers.
    """
    found = []
    for extent in declaration.type.shape:
        if not isinstance(extent, Literal) or not isinstance(extent.value, int) or extent.value < 1:
            raise fail("N203", f"`{declaration.name}` must have positive numbers as extents, as in bit[28, 28]")
        found.append(extent.value)
    return tuple(found)


def declared_results(
    network: Interface,
    inputs: Sequence[Declaration],
    outputs: str | None,
    head: str,
    kind: Kind,
    found: Callable[[], tuple[int, ...] | None] | None = None,
) -> tuple[Declaration, ...]:
    """The declarations of the results, checked against the network and the head.

    Where there are none, and neither the network nor the count tells the shape, `found` is asked for one.
    """
    units = network.outputs
    if outputs is None:
        name = fresh_name({"argmax": "class", "softmax": "p"}.get(head, "y"), {d.name for d in inputs})
        if head == "argmax":
            range_ = Type("bit") if units == 2 else Type("int", (), 0, units - 1)
            return (Declaration(name, range_),)
        shape: tuple[Expr, ...] = ()
        if network.shape is not None and len(network.shape) > 1:
            shape = tuple(map(Literal, network.shape))
        elif units > 1 and len(inputs) == 1 and prod(extents(inputs[0])) == units:
            shape = inputs[0].type.shape
        elif units > 1:
            shape = tuple(map(Literal, (found and found()) or (units,)))
        return (Declaration(name, Type(kind, shape)),)
    results = parsed_declarations(outputs, "output")
    _check_names((*inputs, *results))
    counts = [prod(extents(d)) for d in results]
    if head == "argmax":
        if len(results) != 1 or results[0].type.shape:
            raise fail("N204", "the head argmax gives one scalar, as in `class: bit`")
        _check_kind(results[0], "bit" if units == 2 else "int", "argmax")
        return results
    if sum(counts) != units:
        held = _added(counts)
        raise fail("N204", f"the network has {counted(units, 'output')}, but the results hold {held}")
    for result in results:
        _check_kind(result, kind, network.ending if head == "none" else head)
    return results


def _check_kind(result: Declaration, kind: Kind, source: str) -> None:
    if result.type.kind not in _WIDER[kind]:
        hint = "sign(0) is 0, a third value" if kind == "trit" else ""
        kinds = " or ".join(_WIDER[kind])
        message = f"`{result.name}` is declared {result.type.kind}, but {source} gives {kind}; declare {kinds}"
        raise fail("N205", message, hint=hint)
