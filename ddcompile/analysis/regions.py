"""Which elements the clauses of a tensor define, for all sizes: extents, overlaps and gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ddcompile.analysis.cases import System
from ddcompile.analysis.conditions import Conditions
from ddcompile.analysis.polyhedra import at_most, equal
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Expr, Statement

__all__ = ["Region", "extents_of", "form_of", "outside", "overlap", "region_of"]

_MOST = 400
"""Systems that are looked at to find the gaps between clauses."""


@dataclass(frozen=True, slots=True)
class Region:
    """The elements that a clause defines: those at `positions` where the indices satisfy `domain`."""

    clause: Statement
    positions: tuple[Affine, ...]
    domain: System

    def at(self, places: Sequence[Affine]) -> System:
        """The system that says that the element at some places is defined here."""
        values: dict[str, Affine] = {}
        system: list[Affine] = []
        for position, own, place in zip(self.clause.positions, self.positions, places, strict=True):
            if isinstance(position, Binder):
                values[position.name] = place
            else:
                system += equal(own, place)
        return (*system, *(form.substitute(values) for form in self.domain))


def region_of(clause: Statement) -> Region:
    """The region of a clause of a legal rule, whose bounds and positions are affine."""
    positions: list[Affine] = []
    domain: list[Affine] = []
    for position in clause.positions:
        if isinstance(position, Binder):
            index = Affine(0, ((position.name, 1),))
            positions.append(index)
            domain += [at_most(form_of(position.lower), index), at_most(index, form_of(position.upper) - 1)]
        else:
            positions.append(form_of(position))
    return Region(clause, tuple(positions), tuple(domain))


def form_of(expr: Expr) -> Affine:
    """The form of an expression that the verifier has found to be affine."""
    form = affine_of(expr)
    assert form is not None, "not affine"
    return form


def extents_of(regions: Sequence[Region], conditions: Conditions) -> tuple[Affine, ...] | None:
    """The least box from 0 that holds some regions, if all of them have elements; None if no affine form gives it."""
    found = []
    for all_ends in zip(*(_ends(region) for region in regions), strict=True):
        # Of ends that differ by a number, the greatest.
        ends = list({end.terms: end for end in sorted(all_ends, key=lambda end: end.constant)}.values())
        greatest = next((end for end in ends if all(conditions.holds((), end - other) for other in ends)), None)
        if greatest is None:
            # One that is the greatest for large sizes.
            late = (end for end in ends if all(value > 0 for other in ends for _, value in (end - other).terms))
            greatest = next(late, None)
            if greatest is None or not conditions.exclude(*([other - greatest - 1] for other in ends)):
                return None
        found.append(greatest)
    return tuple(found)


def _ends(region: Region) -> Iterator[Affine]:
    """One more than the greatest position on every axis; indices are eliminated from the innermost."""
    for form in region.positions:
        for binder in reversed(region.clause.binders):
            value = form.coefficient(binder.name)
            if value:
                bound = form_of(binder.upper) - 1 if value > 0 else form_of(binder.lower)
                form = form.substitute({binder.name: bound})
        yield form + 1


def overlap(first: Region, second: Region) -> System | None:
    """The system that says that two clauses define the same element; None if they visibly do not."""
    gaps = (a - b for a, b in zip(first.positions, second.positions, strict=True) if a.names == a.sizes)
    if any(gap.is_constant and gap.constant for gap in gaps):
        return None
    return (*first.domain, *second.at(first.positions))


def outside(
    regions: Sequence[Region], places: Sequence[Affine], system: System, conditions: Conditions
) -> Iterator[System]:
    """Systems that describe, together, where a system holds and the element at some places is in none of the regions.

    None at all proves that there is no such element. What is too much to look at is described by a system that says
    nothing.
    """
    stack: list[tuple[System, int]] = [(system, 0)]
    for _ in range(_MOST):
        if not stack:
            return
        known, number = stack.pop()
        if number == len(regions):
            yield known
            continue
        inside: list[Affine] = []
        for form in regions[number].at(places):
            beyond = (*known, *inside, -form - 1)
            if not conditions.is_impossible(beyond):
                stack.append((beyond, number + 1))
            inside.append(form)
    yield ()
