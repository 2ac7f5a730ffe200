"""Positions of clauses that are numbers, or ranges of numbers."""

from __future__ import annotations

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binder, Expr, Statement
from ddcompile.kernel.grid.expressions import Environment, Place, Refused

__all__ = ["TIME", "constant", "extent_of", "in_time", "span"]

TIME = -1
"""Stands for the axis of time."""


def constant(expr: Expr) -> int:
    """A number.

    Raises
    ------
    Refused
        If it is none.
    """
    form = affine_of(expr)
    if form is None or not form.is_constant or not form.is_integral:
        raise Refused("a position or bound is no number")
    return int(form.constant)


def span(binder: Binder) -> tuple[int, int]:
    """The first position of a range, and that behind it."""
    return constant(binder.lower), constant(binder.upper)


def extent_of(position: Binder | Expr) -> tuple[int, int]:
    """The same of a range, or of one position."""
    if isinstance(position, Binder):
        return span(position)
    return constant(position), constant(position) + 1


def in_time(statement: Statement) -> Environment:
    """What the index of time stands for in a clause of a recurrence."""
    time = statement.positions[0]
    assert isinstance(time, Binder)
    return {time.name: Place(TIME)}
