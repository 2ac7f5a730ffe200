"""Whether elements that expressions read are there, as far as ranges of indices tell."""

from __future__ import annotations

from collections.abc import Mapping

from ddcompile.analysis.scopes import index_ranges
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binary, Literal, Statement
from ddcompile.ir.traverse import reads

__all__ = ["has_values"]


def has_values(statement: Statement, shape: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether everything that a statement reads is visibly there."""
    ranges = index_ranges(statement)
    for node in reads(statement.value):
        for position, extent in zip(node.positions, shape.get(node.tensor, (0,) * len(node.positions)), strict=True):
            match position:
                case Binary("%", _, Literal(modulus)) if modulus == extent:
                    continue
            form = affine_of(position)
            if form is None or not form.names <= ranges.keys():
                return False
            low, high = form.bounds(ranges)
            if node.pad is None and not 0 <= low <= high < extent:
                return False
    return True
