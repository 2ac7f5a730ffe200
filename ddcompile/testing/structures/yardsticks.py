"""Networks that other documents name with a length: the rule found must not be longer."""

from __future__ import annotations

from ddcompile.testing import builders
from ddcompile.testing.structures.structure import Case, Structure, rule_text

__all__ = ["YARDSTICKS"]


def rule30(n: int = 20) -> Structure:
    """One step of Wolfram's rule 30 on a ring."""
    text = rule_text(
        f"rule30(cell: bit[{n}]) -> (next: bit[{n}])",
        f"next[i < {n}] = cell[(i - 1) % {n}] xor (cell[i] or cell[(i + 1) % {n}])",
    )
    return Structure(text, builders.rule30(cells=n))


def orientation(n: int = 28) -> Structure:
    """Whether an image shows more vertical or more horizontal full lines."""
    text = rule_text(
        f"orientation(image: bit[{n}, {n}]) -> (class: bit)",
        f"row[i < {n}] = sum(j < {n}: image[i, j])",
        f"column[i < {n}] = sum(j < {n}: image[j, i])",
        f"taller[i < {n}, j < {n}] = sign(row[i] - column[j])",
        f"total = sum(i < {n}, j < {n}: taller[i, j])",
        f"rows = sum(i < {n}: {n} * sum(j < {n}: taller[i, j]) - {n - 1} * total > {n * (n - 1)})",
        f"columns = sum(i < {n}: {n - 1} * total - {n} * sum(j < {n}: taller[j, i]) > {n * (n - 1)})",
        "class = rows > columns",
    )
    return Structure(text, builders.orientation(n), "argmax")


YARDSTICKS = tuple(Case("yardsticks", build, small) for build, small in ((rule30, (6,)), (orientation, (4,))))
