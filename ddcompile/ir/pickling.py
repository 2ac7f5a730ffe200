"""Nodes to flat lists and back, for pickling: `pickle` recurses, which deep expressions do not survive.

Every node is an entry `(class, fields, location)` whose child nodes are `Ref`s to earlier entries. A node that is used
several times is one entry. Hashes are computed anew: those of strings differ from process to process.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from ddcompile.diagnostics import Location
    from ddcompile.ir.nodes import Node

__all__ = ["Entry", "Ref", "flatten", "restore"]


_NAMES: dict[type, tuple[str, ...]] = {}
"""The fields of each class of nodes but its location, filled in as the classes are met."""


class Ref(NamedTuple):
    """The node of an entry, by its number."""

    number: int


Entry: TypeAlias = "tuple[type[Node], tuple[Any, ...], Location | None]"


def flatten(root: Node) -> list[Entry]:
    """The entries of a node and of all below it, the node itself last."""
    numbers: dict[int, int] = {}
    entries: list[Entry] = []
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if id(node) in numbers:
            continue
        values = [getattr(node, name) for name in _names(type(node))]
        if not ready:
            stack.append((node, True))
            stack += [(kid, False) for value in values for kid in _nodes(value)]
            continue
        flat = tuple(_replaced(value, numbers) for value in values)
        numbers[id(node)] = len(entries)
        entries.append((type(node), flat, node.location))
    return entries


def restore(entries: list[Entry]) -> Node:
    """The node of the last entry."""
    nodes: list[Node] = []
    for kind, values, location in entries:
        nodes.append(kind(*(_restored(value, nodes) for value in values), location=location))
    return nodes[-1]


def _names(kind: type[Node]) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(f.name for f in fields(kind) if f.init and f.name != "location")
    return _NAMES[kind]


def _nodes(field: Any) -> tuple[Node, ...]:
    """The nodes in a field: the field itself or entries of a tuple."""
    from ddcompile.ir.nodes import Node

    items = field if isinstance(field, tuple) else (field,)
    return tuple(item for item in items if isinstance(item, Node))


def _replaced(field: Any, numbers: dict[int, int]) -> Any:
    if isinstance(field, tuple):
        return tuple(_replaced(item, numbers) for item in field)
    return Ref(numbers[id(field)]) if id(field) in numbers and _nodes(field) else field


def _restored(field: Any, nodes: list[Node]) -> Any:
    if isinstance(field, Ref):
        return nodes[field.number]
    if isinstance(field, np.ndarray):
        field.flags.writeable = False
    return tuple(_restored(item, nodes) for item in field) if isinstance(field, tuple) else field
