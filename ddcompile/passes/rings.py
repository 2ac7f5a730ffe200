"""Positions on rings in one form, `(i + 0) % 8` for `i`, so that statements that read there are seen to be alike.

Of three tensors over a ring of 8, which read `x[(i + 7) % 8]`, `x[i]` and `x[(i + 1) % 8]`, the second one has a form
of its own only because its text is shorter.
"""

from __future__ import annotations

from ddcompile.analysis.scopes import Ranges, index_ranges
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binary, Expr, Literal, Read, Statement
from ddcompile.ir.traverse import reads, rewrite
from ddcompile.ir.types import Types

__all__ = ["around", "in_range", "ring_form"]


def ring_form(position: Expr, extent: int, ranges: Ranges) -> Affine | None:
    """The form of a position that wraps around an axis, or that lies in it and could."""
    match position:
        case Binary("%", inner, Literal(modulus)) if modulus == extent:
            form = affine_of(inner)
            return form if form is not None and form.is_integral else None
    form = affine_of(position)
    if form is None or not form.is_integral or not all(name in ranges for name in form.names):
        return None
    low, high = form.bounds(ranges)
    return form if low >= 0 and high < extent else None


def around(statement: Statement, types: Types) -> Expr:
    """The value with all positions that move along a ring wrapped around it; rings are what some position wraps."""
    rings = {
        p.right.value
        for node in reads(statement.value)
        for p in node.positions
        if isinstance(p, Binary) and p.op == "%" and isinstance(p.right, Literal)
    }
    if not rings:
        return statement.value
    ranges = index_ranges(statement)

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.pad is not None or rings.isdisjoint(types.shape[node.tensor]):
            return node
        positions = []
        for position, extent in zip(node.positions, types.shape[node.tensor], strict=True):
            form = ring_form(position, extent, ranges) if extent in rings else None
            is_moved = form is not None and form.names and affine_of(position) is not None
            positions.append(Binary("%", position, Literal(extent)) if is_moved else position)
        return Read(node.tensor, tuple(positions), location=node.location)

    return rewrite(statement.value, step)


def in_range(statement: Statement) -> Statement:
    """The statement without remainders of positions that are in range."""
    ranges = index_ranges(statement)

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read):
            return node
        positions = tuple(_in_range(p, ranges) for p in node.positions)
        return Read(node.tensor, positions, node.pad, location=node.location) if positions != node.positions else node

    return Statement(statement.target, statement.positions, rewrite(statement.value, step), location=statement.location)


def _in_range(position: Expr, ranges: Ranges) -> Expr:
    match position:
        case Binary("%", inner, Literal(int(modulus))) if ring_form(inner, modulus, ranges) is not None:
            return inner
    return position
