"""Python names for the names of a rule: the same wherever Python allows it.

A keyword or a builtin gets a trailing underscore (`class` becomes `class_`), a leading underscore gets a `u` in
front; so every name that begins with an underscore is free for helpers and temporaries.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterator
from dataclasses import dataclass

from ddcompile.ir.nodes import Binder, Binding, Rule
from ddcompile.ir.traverse import postorder
from ddcompile.kernel.names import Names

__all__ = ["MODULES", "PythonNames", "field_name", "python_names"]

_IMPORTED = frozenset({"Any", "Fraction", "NamedTuple", "Sequence", "TypeVar", "annotations", "json", "main", "sys"})
MODULES = frozenset({
    "collections", "contextlib", "copyreg", "decimal", "enum", "fractions", "functools", "genericpath", "itertools",
    "json", "keyword", "math", "numbers", "operator", "os", "posixpath", "re", "reprlib", "stat", "sys", "types",
    "typing", "warnings",
})  # fmt: skip
"""What emitted modules import, and what that imports: a script that has such a name would be found in its place."""

_RESERVED = frozenset(keyword.kwlist) | frozenset(dir(builtins)) | _IMPORTED


@dataclass(frozen=True, slots=True)
class PythonNames:
    """The names of one module.

    Attributes
    ----------
    function : str
        The function, named after the rule.
    result : str
        The class of several results.
    of : dict
        From each name of the rule (tensor, constant, size or index) to its Python name.
    fresh : Names
        Gives names for temporaries, which begin with an underscore.
    """

    function: str
    result: str
    of: dict[str, str]
    fresh: Names


def python_names(rule: Rule) -> PythonNames:
    """Choose a Python name for everything that the rule names."""
    taken = Names()
    words = [word[:1].upper() + word[1:] for word in rule.name.split("_")]
    function, result = taken.fresh(_safe(rule.name)), taken.fresh(_safe("".join(words) + "Result"))
    wanted = list(dict.fromkeys(_identifiers(rule)))
    kept = {name for name in wanted if name == _safe(name)}
    chosen = {name: taken.fresh(_safe(name)) for name in sorted(wanted, key=lambda name: name not in kept)}
    return PythonNames(function, result, chosen, taken)


def field_name(name: str) -> str:
    """The name of a result as a field of a named tuple, whose own methods must stay reachable."""
    return name + "_" if name in ("count", "index") else name


def _safe(name: str) -> str:
    """A name that Python allows and that hides nothing."""
    if name.startswith("_"):
        name = "u" + name
    return name + "_" if name in _RESERVED else name


def _identifiers(rule: Rule) -> Iterator[str]:
    """Every name in the rule but its own, in the order of the text."""
    yield from rule.sizes
    yield from (d.name for d in (*rule.inputs, *rule.outputs))
    yield from (c.name for c in rule.constants)
    for statement in rule.statements:
        yield statement.target
        yield from (p.name for p in statement.positions if isinstance(p, Binder))
        for node in postorder(statement.value):
            if isinstance(node, Binding):
                yield from (binder.name for binder in node.binders)
