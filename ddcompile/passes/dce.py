"""Drop statements that no result needs, and constants that nothing reads.

Before::

    score[u < 2] = ...
    total = sum(i < 9: x[i])
    y = total >= 5

After::

    total = sum(i < 9: x[i])
    y = total >= 5
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcompile.ir.nodes import Rule
from ddcompile.passes.options import Pass
from ddcompile.passes.rewrite import Rewrite, read_names, with_statements

__all__ = ["Dce", "dce"]


@dataclass(frozen=True, slots=True)
class Dce(Pass):
    """Drop statements that no result needs, and constants that nothing reads."""

    name: ClassVar[str] = "dce"

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        return dce(rule)


def dce(rule: Rule) -> Rewrite:
    """Drop statements that no result needs, and constants that nothing reads."""
    readers: dict[str, set[str]] = {}
    for statement in rule.statements:
        readers.setdefault(statement.target, set()).update(read_names([statement]))
    live: set[str] = set()
    work = [d.name for d in rule.outputs]
    while work:
        name = work.pop()
        if name not in live:
            live.add(name)
            work += readers.get(name, ())
    kept = [s for s in rule.statements if s.target in live]
    new = with_statements(rule, kept)
    return Rewrite(rule if new == rule else new)
