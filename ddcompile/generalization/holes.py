"""Holes: the numbers in which programs of different sizes differ, and the template that is left around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal as OneOf, TypeAlias

from ddcompile.generalization.fit import Rounding
from ddcompile.ir.nodes import Expr, Literal, Number, Rule, Size

__all__ = ["Hole", "Holes", "Place", "Role", "Template", "Unlike", "hole_of"]

Role: TypeAlias = OneOf["structure", "value", "threshold", "offset"]
"""What a number does: extents, bounds and positions are affine; values are polynomials; a threshold is one side of a
comparison of integers; an offset is added below a modulus."""

Place: TypeAlias = int
"""The number of a statement, or -1 for the signature of the rule."""

_MARK = "?"


class Unlike(Exception):
    """Programs are not alike in one place: what each of them has there."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Hole:
    """A number that differs from program to program.

    Attributes
    ----------
    values : tuple of int or Fraction
        The number in each program.
    role : str
        What it does.
    rounding : {"up", "down"} or None
        How a threshold may be rounded without a difference to integers.
    moduli : tuple of int or Fraction
        The moduli below which an offset is added.
    """

    values: tuple[Number, ...]
    role: Role
    rounding: Rounding | None = None
    moduli: tuple[Number, ...] = ()


@dataclass(slots=True)
class Holes:
    """The holes met so far, each once, and where they occur.

    Attributes
    ----------
    is_open : bool
        Whether numbers that are the same in all programs are holes, too: there is one program only.
    """

    is_open: bool = False
    holes: dict[Hole, int] = field(default_factory=dict)
    places: dict[int, list[Place]] = field(default_factory=dict)

    def number(self, hole: Hole, place: Place) -> Expr:
        """What stands for a number in the template: itself if it is the same everywhere, else its hole."""
        if len(set(hole.values)) == 1 and not self.is_open:
            return Literal(hole.values[0])
        number = self.holes.setdefault(hole, len(self.holes))
        places = self.places.setdefault(number, [])
        if place not in places:
            places.append(place)
        return Size(f"{_MARK}{number}")


def hole_of(expr: Expr) -> int | None:
    """The number of the hole that an expression is."""
    is_hole = isinstance(expr, Size) and expr.name.startswith(_MARK)
    return int(expr.name[len(_MARK) :]) if is_hole and isinstance(expr, Size) else None


@dataclass(frozen=True, slots=True)
class Template:
    """What programs have in common.

    Attributes
    ----------
    rule : Rule
        The common rule; a hole is a size whose name is no name.
    holes : tuple of Hole
        By their numbers.
    places : tuple of tuple of int
        Where each occurs, as numbers of statements; -1 is the signature.
    """

    rule: Rule
    holes: tuple[Hole, ...]
    places: tuple[tuple[Place, ...], ...]

    @classmethod
    def of(cls, rule: Rule, holes: Holes) -> Template:
        """The template with the holes that were met."""
        found: Sequence[Hole] = list(holes.holes)
        return cls(rule, tuple(found), tuple(tuple(holes.places[k]) for k in range(len(found))))
