"""What is known of a rule with sizes: where it is proved, where it was predicted, and what it assumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ddcompile.ir.nodes import Rule
from ddcompile.ir.printer import print_rule

if TYPE_CHECKING:
    from ddcompile.prove.verdict import Verdict

__all__ = ["Assumption", "Evidence", "Generalization"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What comparing the rule at some sizes with a given program said."""

    sizes: Mapping[str, int]
    rule: Rule
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"sizes": dict(self.sizes), "rule": print_rule(self.rule), **self.verdict.to_json()}


@dataclass(frozen=True, slots=True)
class Assumption:
    """A function of the sizes that the given programs do not determine.

    Attributes
    ----------
    statement : int
        The number of the statement, or -1 for the declarations.
    target : str
        The tensor that the statement defines, or "".
    function : str
        The function as text, such as `N - 1`.
    values : tuple of str
        Its values at the sizes that are given.
    """

    statement: int
    target: str
    function: str
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"tensor": self.target, "function": self.function, "values": list(self.values)}


@dataclass(frozen=True, slots=True)
class Generalization:
    """What is known of a rule with sizes that was made from programs of fixed sizes.

    Attributes
    ----------
    statements : int
        How many statements the rule has.
    given : tuple of Evidence
        The programs that it was made from: at their sizes it is proved equal to them.
    predicted : tuple of Evidence
        Programs that were held out.
    assumed : tuple of Assumption
        What more sizes could refute.
    notes : tuple of str
        What is the same in all given programs, though it need not be.
    """

    statements: int
    given: tuple[Evidence, ...]
    predicted: tuple[Evidence, ...] = ()
    assumed: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"proved at {listed([e.sizes for e in self.given])}"]
        if self.predicted:
            parts.append(f"predicted at {listed([e.sizes for e in self.predicted])}")
        return "; ".join([*parts, "elsewhere a definition"])

    def annotate(self, text: str) -> str:
        """The text of the rule, with comments where something is assumed."""
        lines = text.split("\n")
        first = len(lines) - 1 - self.statements
        for number in range(-1, self.statements):
            found = dict.fromkeys(a.function for a in self.assumed if a.statement == number)
            if found:
                lines[first + number if number >= 0 else 0] += f"  # assumed: {', '.join(found)}"
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "known": str(self),
            "given": [e.to_json() for e in self.given],
            "predicted": [e.to_json() for e in self.predicted],
            "assumed": [a.to_json() for a in self.assumed],
            "notes": list(self.notes),
        }


def listed(points: Sequence[Mapping[str, int]]) -> str:
    """Sizes as text: `N = 6, 8, 10`, `(H, W) = (5, 6), (7, 5)`."""
    names = list(points[0])
    if len(names) == 1:
        return f"{names[0]} = {', '.join(str(p[names[0]]) for p in points)}"
    rows = ", ".join(f"({', '.join(str(v) for v in p.values())})" for p in points)
    return f"({', '.join(names)}) = {rows}" if names else "all sizes"
