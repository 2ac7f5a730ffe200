"""The table of structures as Markdown, and its place in README.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from structures_lines import Line

from ddcompile.testing.structures import STRUCTURES

__all__ = ["README", "description", "page", "with_page"]

README = Path(__file__).parents[2] / "README.md"
BEGIN = "<!-- written by: python tests/benchmarks/structures.py --readme -->\n"
END = "<!-- end -->\n"


def description(name: str) -> str:
    """What a structure is, in a sentence."""
    return (STRUCTURES[name].build.__doc__ or "").splitlines()[0].rstrip(".").replace("|", "\\|")


def page(rows: Sequence[Line]) -> str:
    """A folded table for every section of named structures, and a line for those that are drawn by a seed."""
    parts = []
    for section in dict.fromkeys(row.section for row in rows):
        inside = [row for row in rows if row.section == section]
        within = sum(row.is_within for row in inside)
        if inside[0].name not in STRUCTURES:
            parts.append(f"{section}, drawn by a seed: {within} of {len(inside)}\n")
            continue
        parts.append(f"<details><summary>{section}: {within} of {len(inside)}</summary>\n")
        parts.append("| structure | what it is | weights | written | found | ratio | proved |")
        parts.append("|---|---|--:|--:|--:|--:|--:|")
        for row in inside:
            found, ratio = (f"{row.worst}", f"{row.worst / row.written:.2f}") if row.worst else ("-", "-")
            cells = (f"`{row.name}`", description(row.name), f"{row.parameters:,}", f"{row.written}", found, ratio)
            parts.append(f"| {' | '.join(cells)} | {row.proved} |")
        parts.append("\n</details>\n")
    return "\n".join(parts)


def with_page(text: str, rows: Sequence[Line]) -> str:
    """A text with the tables in the place that its comments mark."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{page(rows)}\n{END}{after}"
