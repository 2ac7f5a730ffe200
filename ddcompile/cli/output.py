"""What commands print: programs, JSON reports, the passes as they run."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ddcompile.cli.progress import Progress
    from ddcompile.ir.nodes import Rule

__all__ = ["PassLog", "headline", "note", "print_json", "print_text", "table", "warnings_as_notes"]


def note(text: str) -> None:
    """A remark for people, on stderr."""
    click.echo(text, err=True)


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """What Python code would get as a warning is a remark on stderr."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        code = getattr(warning.category, "code", "")
        note(f"warning{f'[{code}]' if code else ''}: {warning.message}")


def print_text(text: str) -> None:
    """The result of a command, on stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def print_json(report: dict[str, Any]) -> None:
    """A report for programs, on stdout."""
    print_text(json.dumps(report, indent=2, ensure_ascii=False))


def table(columns: list[str], rows: list[list[str]], *, right: tuple[int, ...] = (), err: bool = False) -> None:
    """Print a table; the columns numbered in `right` hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for k, column in enumerate(columns):
        made.add_column(column, justify="right" if k in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    Console(stderr=err, highlight=False, markup=False).print(made)


@dataclass(slots=True)
class PassLog:
    """Follows a pipeline: prints programs after passes as asked, and keeps costs and times."""

    print_after: str | None = None
    rows: list[tuple[str, int, float]] = field(default_factory=list)
    progress: Progress | None = None

    @classmethod
    def checked(cls, print_after: str | None) -> PassLog:
        """A log, if `print_after` is a pass, "all" or None."""
        from ddcompile.passes.pipeline import PASSES

        if print_after is not None and print_after not in ("all", *PASSES):
            close = get_close_matches(print_after, ("all", *PASSES), 1) or [", ".join(("all", *PASSES))]
            message = f"there is no pass `{print_after}`; there is {close[0]}"
            raise click.BadParameter(message, param_hint="--print-after")
        return cls(print_after)

    def observer(self) -> Callable[[str, Rule, float], None]:
        """The function to call after every pass."""
        from ddcompile.analysis.cost import cost

        known: tuple[Rule | None, int] = None, 0

        def observe(name: str, rule: Rule, seconds: float) -> None:
            nonlocal known
            known = known if known[0] is rule else (rule, cost(rule))
            self.rows.append((name, known[1], seconds))
            if self.progress is not None:
                self.progress.costs(known[1])
            if self.print_after in ("all", name):
                note(f"# after {name}\n{rule}")

        return observe

    def print_times(self) -> None:
        """A table of the passes on stderr."""
        rows = [[name, f"{size:,}", f"{seconds:.3f}"] for name, size, seconds in self.rows]
        rows.append(["total", "", f"{sum(seconds for *_, seconds in self.rows):.3f}"])
        table(["pass", "cost after", "seconds"], rows, right=(1, 2), err=True)

    def report(self) -> list[dict[str, Any]]:
        """The same for JSON."""
        return [{"pass": name, "cost": size, "seconds": round(seconds, 6)} for name, size, seconds in self.rows]


def headline(text: object) -> str:
    """The first line of a longer text."""
    return str(text).split("\n", 1)[0]
