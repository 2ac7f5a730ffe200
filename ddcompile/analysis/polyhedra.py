"""Systems of affine inequalities over integers: emptiness, implication and projection.

A system is a collection of affine forms, each of which is to be at least 0. Variables are eliminated one after the
other (J. Fourier, 1826; T. Motzkin, 1936), equations with a unit coefficient by substitution first. Every inequality is
divided by the common divisor of its coefficients and its constant rounded down, which keeps all integer points. So
what is proved holds for all integers, while a system without integer points may count as one that has some.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import product
from math import gcd
from typing import TypeAlias

from ddcompile.ir.affine import Affine

__all__ = ["at_most", "equal", "implies", "is_empty", "project"]

_MOST = 600
"""Inequalities beyond which a system counts as too large to decide."""
_FEW = 24
"""Inequalities of a projection up to which those that follow from others are left out."""

_Row: TypeAlias = tuple[tuple[str, int], ...]
_Rows: TypeAlias = dict[_Row, int]
"""The least constant of all inequalities with the same coefficients; sorted by name, without zeros."""


def at_most(left: Affine, right: Affine) -> Affine:
    """The form that is at least 0 where left <= right."""
    return right - left


def equal(left: Affine, right: Affine) -> tuple[Affine, Affine]:
    """The forms that are both at least 0 where left == right."""
    return right - left, left - right


def is_empty(system: Iterable[Affine]) -> bool:
    """Whether it is proved that no integers satisfy a system."""
    return project(system, ()) is None


def implies(system: Iterable[Affine], form: Affine) -> bool:
    """Whether it is proved that a form is at least 0 wherever a system is satisfied."""
    return is_empty([*system, -form - 1])


def project(system: Iterable[Affine], names: Collection[str]) -> list[Affine] | None:
    """What a system says of some variables alone.

    Parameters
    ----------
    system
        Forms with integer coefficients that are to be at least 0.
    names
        The variables to keep.

    Returns
    -------
    list of Affine or None
        A system that the kept variables of every solution satisfy, without more inequalities than needed; empty if
        nothing is known of them. None if it is proved that there is no solution.
    """
    sizes: set[str] = set()
    rows: _Rows = {}
    for form in system:
        sizes |= form.sizes
        if not _add(rows, {name: int(value) for name, value in form.terms}, int(form.constant)):
            return None
    while True:
        reduced: _Rows | None
        equation = _equation(rows, names)
        if equation is not None:
            reduced = _substituted(rows, *equation)
        else:
            name = _cheapest(rows, names)
            if name is None:
                kept = [Affine.of(constant, dict(row), sorted(sizes)) for row, constant in sorted(rows.items())]
                return _irredundant(kept) if len(kept) <= _FEW else kept
            reduced = _eliminated(rows, name)
        if reduced is None:
            return None
        rows = reduced
        if len(rows) > _MOST:
            return []


def _add(rows: _Rows, terms: dict[str, int], constant: int) -> bool:
    """Add an inequality; False if it contradicts itself."""
    kept = tuple(sorted((name, value) for name, value in terms.items() if value))
    if not kept:
        return constant >= 0
    divisor = gcd(*(value for _, value in kept))
    if divisor > 1:
        kept = tuple((name, value // divisor) for name, value in kept)
        constant //= divisor
    rows[kept] = min(constant, rows.get(kept, constant))
    opposite = tuple((name, -value) for name, value in kept)
    return opposite not in rows or rows[opposite] + rows[kept] >= 0


def _equation(rows: _Rows, names: Collection[str]) -> tuple[str, _Row, int] | None:
    """A variable to eliminate with the coefficient 1 or -1 in an equation, and one of the two inequalities of that."""
    for row, constant in rows.items():
        if rows.get(tuple((n, -v) for n, v in row)) == -constant:
            for name, value in row:
                if value in (1, -1) and name not in names:
                    return name, row, constant
    return None


def _substituted(rows: _Rows, name: str, equation: _Row, constant: int) -> _Rows | None:
    """Eliminate a variable by an equation; None for a contradiction."""
    value = dict(equation)[name]
    found: _Rows = {}
    for other, other_constant in rows.items():
        terms = dict(other)
        factor = -terms.get(name, 0) * value
        for n, v in equation:
            terms[n] = terms.get(n, 0) + factor * v
        if not _add(found, terms, other_constant + factor * constant):
            return None
    return found


def _cheapest(rows: _Rows, names: Collection[str]) -> str | None:
    """The variable whose elimination adds the fewest inequalities; None if all are to be kept."""
    lower: dict[str, int] = {}
    upper: dict[str, int] = {}
    for row in rows:
        for name, value in row:
            if name not in names:
                side = lower if value > 0 else upper
                side[name] = side.get(name, 0) + 1
    candidates = sorted({*lower, *upper})
    if not candidates:
        return None
    return min(candidates, key=lambda n: lower.get(n, 0) * upper.get(n, 0) - lower.get(n, 0) - upper.get(n, 0))


def _eliminated(rows: _Rows, name: str) -> _Rows | None:
    """Eliminate a variable by adding up every pair of a lower and an upper bound; None for a contradiction."""
    found: _Rows = {}
    lower: list[tuple[dict[str, int], int]] = []
    upper: list[tuple[dict[str, int], int]] = []
    for row, constant in rows.items():
        terms = dict(row)
        value = terms.get(name, 0)
        if not value:
            found[row] = constant
        else:
            (lower if value > 0 else upper).append((terms, constant))
    for (below, a), (above, b) in product(lower, upper):
        p, q = -above[name], below[name]
        terms = {n: p * below.get(n, 0) + q * above.get(n, 0) for n in {*below, *above}}
        if not _add(found, terms, p * a + q * b):
            return None
    return found


def _irredundant(system: list[Affine]) -> list[Affine]:
    """Without those inequalities that the others imply."""
    kept = list(system)
    for form in system:
        others = [other for other in kept if other is not form]
        if implies(others, form):
            kept = others
    return kept
