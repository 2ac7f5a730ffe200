"""A function of the sizes for every hole of a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from ddcompile.generalization.fit import Fit, Point, fit, fit_modulo, fit_rounded, likely
from ddcompile.generalization.holes import Hole, Template
from ddcompile.generalization.polynomials import Polynomial

__all__ = ["Solution", "Times", "Unsolved", "fractional", "fractions", "solve"]


@dataclass(frozen=True, slots=True)
class Unsolved:
    """A hole through whose values no function goes."""

    number: int
    hole: Hole


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
    fits : tuple of Fit
        By the numbers of the holes.
    """

    fits: tuple[Fit, ...]

    @property
    def polynomials(self) -> tuple[Polynomial, ...]:
        """The functions alone."""
        return tuple(f.polynomial for f in self.fits)


def solve(
    template: Template, points: Sequence[Point], *, is_integral: bool = True, times: Times | None = None
) -> Solution | list[Unsolved]:
    """Fit every hole.

    Parameters
    ----------
    template : Template
    points : sequence of mapping
        The sizes of each program.
    is_integral : bool
        Whether all values are integers, so that thresholds may be rounded.
    times : Times, optional
        A number of steps that some holes are.
    """
    found: list[Fit | None] = []
    for number, hole in enumerate(template.holes):
        if times is not None and number in times.holes:
            gap = hole.values[0] - times.values[0]
            found.append(Fit(Polynomial.of({(times.name,): 1, (): gap}), 2 if gap else 1))
        else:
            found.append(_fitted(hole, points, is_integral))
    unsolved = [Unsolved(k, template.holes[k]) for k, each in enumerate(found) if each is None]
    return unsolved or Solution(tuple(each for each in found if each is not None))


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


def _fitted(hole: Hole, points: Sequence[Point], is_integral: bool) -> Fit | None:
    """The function of one hole: one that the values determine, else a likely one."""
    distinct = len({tuple(p.values()) for p in points})
    degree = 1 if hole.role in ("structure", "offset") else 2
    found: Fit | None = None
    if distinct > 1:
        found = fit(hole.values, points, degree, whole=degree == 1) or fit(hole.values, points, degree)
    if hole.role == "offset" and (found is None or found.coefficients > 1):
        found = fit_modulo(hole.values, hole.moduli, points) or found
    rounded = fit_rounded(hole.values, points, hole.rounding) if hole.rounding and is_integral else None
    if found is not None and found.coefficients < distinct:
        is_shorter = rounded is not None and rounded.coefficients < found.coefficients
        is_settled = not hole.rounding or _is_settled(found, points)
        return rounded if is_shorter else Fit(found.polynomial, found.coefficients, found.is_unique and is_settled)
    if rounded is not None and rounded.coefficients < distinct:
        return rounded
    if len(hole.values) == 1:
        return likely(hole.values, points, degree) or Fit(Polynomial.of({(): hole.values[0]}), 1, False)
    return likely(hole.values, points, degree) or rounded or found


def _is_settled(found: Fit, points: Sequence[Point]) -> bool:
    """Whether sizes of all residues are given where a threshold is a fraction of them."""
    factor = found.polynomial.denominator
    return all(len({p[name] % factor for p in points}) == factor for name in found.polynomial.names)
