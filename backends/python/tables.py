"""Python text of constant tensors: nested lists of numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ddcompile.backends.python.notation import number, real_number
from ddcompile.backends.shared.writer import Writer
from ddcompile.ir.nodes import Constant
from ddcompile.ir.scaled import doubles

__all__ = ["nested_type", "table"]


def nested_type(container: str, element: str, rank: int) -> str:
    """`list[list[int]]`, for instance."""
    return f"{container}[" * rank + element + "]" * rank


def table(writer: Writer, name: str, constant: Constant) -> None:
    """Write the definition of a constant; the numbers of a rational one become Fractions when it is loaded."""
    is_real = constant.type.kind == "real"
    values = doubles(constant.values) if is_real else constant.values
    rank = values.ndim
    exact = constant.type.kind == "rat"
    element = "float" if is_real else "Fraction" if exact else "int"
    opening = f"{name}: {nested_type('Sequence', element, rank)} = "
    closing = ""
    if rank == 0:
        shown = _number(values.item())
        writer.line(opening + (f"Fraction({shown})" if exact else shown))
        return
    if exact:
        rows = [f"a{k}" for k in range(rank)]
        opening += "[" * rank + "Fraction(a0)"
        for row, outer in pairwise(rows):
            opening += f" for {row} in {outer}]"
        opening += f" for {rows[-1]} in "
        closing = "]"
    _rows(writer, values.tolist(), opening, closing)


def _rows(writer: Writer, values: list[Any], opening: str, closing: str) -> None:
    """Write nested lists, a row of numbers on one line if it fits."""
    if not values or not isinstance(values[0], list):
        texts = [_number(value) for value in values]
        line = f"{opening}[{', '.join(texts)}]{closing}"
        if len(line) <= 100:
            writer.line(line)
            return
        with writer.block(opening + "[", "]" + closing):
            writer.fill(texts)
        return
    with writer.block(opening + "[", "]" + closing):
        for row in values:
            _rows(writer, row, "", ",")


def _number(value: Any) -> str:
    """An entry; in a rational table, a double stands for its exact value."""
    return str(real_number(value)) if isinstance(value, float) else str(number(value))
