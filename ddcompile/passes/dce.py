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
from ddcompile.passes.rewrite import Rewrite, needed, reads_of, with_statements

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
    live = needed((d.name for d in rule.outputs), reads_of(rule.statements))
    kept = [s for s in rule.statements if s.target in live]
    new = with_statements(rule, kept)
    return Rewrite(rule if new == rule else new)
