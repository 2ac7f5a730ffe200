"""A function of the sizes for every hole of a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Literal as OneOf, TypeAlias

from ddcompile.generalization.fit import Fit, Point, fit, fit_modulo, likely
from ddcompile.generalization.holes import Hole, Template
from ddcompile.generalization.polynomials import Polynomial
from ddcompile.generalization.rounding import fit_rounded, fit_slack

__all__ = ["Rounds", "Solution", "Times", "fractional", "fractions", "solve"]

Rounds: TypeAlias = OneOf["never", "exactly", "loosely"]


@dataclass(frozen=True, slots=True)
class Times:
    """A number of steps that no size tells, and the holes that are it and a constant.

    Attributes
    ----------
    name : str
        What it is called.
    values : tuple of int
        The number in each program.
    holes : frozenset of int
    """

    name: str
    values: tuple[int, ...]
    holes: frozenset[int]


@dataclass(frozen=True, slots=True)
class Solution:
    """What fills the holes of a template.

    Attributes
    ----------
    fits : tuple of Fit or None
        By the numbers of the holes; None where no function goes through the values.
    """

    fits: tuple[Fit | None, ...]

    @property
    def unsolved(self) -> list[int]:
        """The holes without a function."""
        return [number for number, found in enumerate(self.fits) if found is None]

    @property
    def polynomials(self) -> tuple[Polynomial, ...]:
        """The functions alone; 0 where there is none."""
        return tuple(Polynomial() if f is None else f.polynomial for f in self.fits)


def solve(
    template: Template, points: Sequence[Point], *, rounds: Rounds = "exactly", times: Times | None = None
) -> Solution:
    """Fit every hole.

    Parameters
    ----------
    template : Template
    points : sequence of mapping
        The sizes of each program.
    rounds : {"never", "exactly", "loosely"}
        How thresholds may be rounded: not at all, if not all values are integers; to the values; or to those or the
        integers that ask one less, where that saves coefficients.
    times : Times, optional
        A number of steps that some holes are.
    """
    found: dict[int, Fit | None] = {}
    for number, hole in enumerate(template.holes):
        if times is not None and number in times.holes:
            gap = hole.values[0] - times.values[0]
            found[number] = Fit(Polynomial.of({(times.name,): 1, (): gap}), 2 if gap else 1)
        elif hole.role in ("structure", "offset"):
            found[number] = _affine(hole, points)
    shifts = _shifts([f.polynomial for f in found.values() if f is not None], list(points[0]))
    for number, hole in enumerate(template.holes):
        if number not in found:
            found[number] = _value(hole, points, rounds, shifts)
    return Solution(tuple(found[number] for number in range(len(template.holes))))


def fractions(template: Template, solution: Solution) -> dict[str, int]:
    """By what the sizes would have to be divided so that extents, bounds and positions have integer coefficients."""
    wanted: dict[str, int] = {}
    for hole, polynomial in zip(template.holes, solution.polynomials, strict=True):
        if hole.role in ("structure", "offset"):
            for m, coefficient in polynomial.terms:
                for name in m:
                    wanted[name] = lcm(wanted.get(name, 1), coefficient.denominator)
    return {name: factor for name, factor in wanted.items() if factor > 1}


def fractional(template: Template, solution: Solution) -> set[int]:
    """The extents, bounds and positions whose functions are fractions."""
    holes = enumerate(zip(template.holes, solution.polynomials, strict=True))
    return {k for k, (hole, p) in holes if hole.role in ("structure", "offset") and p.denominator > 1}


def _shifts(polynomials: Sequence[Polynomial], names: Sequence[str]) -> list[Point]:
    """What is added to single sizes in extents and bounds."""
    found: list[Point] = []
    for polynomial in polynomials:
        terms = dict(polynomial.terms)
        for name in names:
            gap = terms.get((), 0)
            if terms.keys() == {(name,), ()} and terms[(name,)] == 1 and gap == int(gap):
                shift = {other: int(gap) if other == name else 0 for other in names}
                if shift not in found:
                    found.append(shift)
    return found


def _affine(hole: Hole, points: Sequence[Point]) -> Fit | None:
    """An extent, a bound, a position, or what is added to one below a modulus."""
    distinct = _distinct(points)
    found = fit(hole.values, points, 1, whole=True) or fit(hole.values, points, 1) if distinct > 1 else None
    if hole.role == "offset" and (found is None or found.coefficients > 1):
        found = fit_modulo(hole.values, hole.moduli, points) or found
    if found is None or found.coefficients >= distinct:
        found = likely(hole.values, points, 1) or found
    if found is None and hole.role == "offset":
        # Where a whole ring is gone around, it does not matter where; the proofs tell.
        return Fit(Polynomial(), 1, False)
    return _constant(hole) if found is None and len(hole.values) == 1 else found


def _value(hole: Hole, points: Sequence[Point], rounds: Rounds, shifts: Sequence[Point]) -> Fit | None:
    """A number among values: one that is determined by few coefficients, rounded if it is a threshold of integers."""
    distinct = _distinct(points)
    exact = fit(hole.values, points, 2) if distinct > 1 else None
    rounding = None if rounds == "never" else hole.rounding
    rounded = None if rounding is None else fit_rounded(hole.values, points, rounding, shifts)
    loose = fit_slack(hole.values, points, rounding) if rounding is not None and rounds == "loosely" else None
    if loose is not None and all(f is None or f.coefficients > loose.coefficients + 1 for f in (exact, rounded)):
        return loose
    found = [f for f in (exact, rounded) if f is not None and f.coefficients < distinct]
    if found:
        best = min(found, key=lambda f: (f.coefficients, f.polynomial.digits))
        is_only = sum(f.coefficients == best.coefficients for f in found) == 1
        is_settled = best is not exact or rounding is None or _is_settled(best, points)
        return replace(best, is_unique=best.is_unique and is_only and is_settled)
    guess = likely(hole.values, points, 2) or rounded
    return guess or (_constant(hole) if len(hole.values) == 1 else exact)


def _constant(hole: Hole) -> Fit:
    return Fit(Polynomial.of({(): hole.values[0]}), 1, False)


def _distinct(points: Sequence[Point]) -> int:
    return len({tuple(p.values()) for p in points})


def _is_settled(found: Fit, points: Sequence[Point]) -> bool:
    """Whether sizes of all residues are given where a threshold is a fraction of them."""
    factor = found.polynomial.denominator
    return all(len({p[name] % factor for p in points}) == factor for name in found.polynomial.names)
