"""What became of structures that were distilled: lines of a table, which are kept in files and put together again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

__all__ = ["WITHIN", "Found", "Line", "merged", "read", "record"]

WITHIN = 1.3
"""How long a rule may be beside the written one."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one shuffle was distilled to; `failure` says why it was not."""

    seed: int | None
    text: str = ""
    cost: int = 0
    verdict: str = ""
    left_out: int = 0
    seconds: float = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A structure and what became of its shuffles."""

    section: str
    name: str
    parameters: int
    written: int
    rule: str
    found: tuple[Found, ...]

    @property
    def failure(self) -> str:
        """Why a shuffle was not distilled, if one was not."""
        return next((f.failure for f in self.found if f.failure), "")

    @property
    def worst(self) -> int:
        """The cost of the longest rule found; 0 if there is none."""
        return max((f.cost for f in self.found if not f.failure), default=0)

    @property
    def texts(self) -> int:
        """How many different rules were found."""
        return len({f.text for f in self.found if not f.failure})

    @property
    def proved(self) -> str:
        """How many shuffles were proved, of how many."""
        return f"{sum(f.verdict == 'proved' for f in self.found if not f.failure)}/{len(self.found)}"

    @property
    def is_within(self) -> bool:
        """Whether every shuffle gave a proved rule that is hardly longer than the written one."""
        proved = all(f.verdict == "proved" for f in self.found)
        return not self.failure and proved and self.worst <= WITHIN * self.written

    def __str__(self) -> str:
        """A row of the table."""
        seconds = max(f.seconds for f in self.found)
        ratio = f"{self.worst / self.written:8.2f}" if self.worst else f"{'-':>8}"
        row = f"{self.name:22}{self.parameters:9}{self.written:9}{self.worst or '-':>8}{ratio}"
        row += f"{self.texts:>7}{self.proved:>8}{seconds:>8.1f}"
        return f"{row}  {'ok' if self.is_within else self.failure or '.'}"


def record(line: Line, path: Path) -> None:
    """Add a line to a file, which keeps it whatever comes after."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(line)) + "\n")


def read(path: Path) -> list[Line]:
    """The lines of a file; one that was not written to its end is left out.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If the file cannot be read, or is another kind of file.
    """
    lines = []
    for text in path.read_text(encoding="utf-8").split("\n")[:-1]:
        fields = json.loads(text)
        lines.append(Line(**{**fields, "found": tuple(Found(**f) for f in fields["found"])}))
    return lines


def merged(lines: Iterable[Line], order: Sequence[str]) -> list[Line]:
    """One line for every structure, with the shuffles of all its lines, in an order of names.

    Of two lines of one shuffle the later one counts, and a structure whose rule was rewritten is that of its last line.
    """
    last: dict[str, Line] = {}
    for line in lines:
        earlier = last.get(line.name)
        if earlier is not None and earlier.rule == line.rule and earlier.written == line.written:
            shuffles = {f.seed: f for f in (*earlier.found, *line.found)}
            line = replace(line, found=tuple(shuffles.values()))
        last[line.name] = line
    return [last[name] for name in order if name in last]
