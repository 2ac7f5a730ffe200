"""Exact functions of the sizes through given values: the fewest coefficients first, then the lowest degree.

Nothing is approximated: a function fits when it gives every value exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import prod
from typing import Literal as OneOf, TypeAlias

from ddcompile.generalization.polynomials import Monomial, Polynomial, monomials
from ddcompile.ir.nodes import Number

__all__ = ["Fit", "Point", "Rounding", "fit", "fit_modulo", "likely", "row_of", "solve_linear"]

Point: TypeAlias = Mapping[str, int]
"""The sizes of one given program."""
Rounding: TypeAlias = OneOf["up", "down"]

_LARGEST_SUPPORT = 3
_LARGEST_DENOMINATOR = 4
_LARGEST_BASIS = 6
_SMALL = 4
"""Numbers up to this are taken for constants where a single program is given."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A function of the sizes that gives some values.

    Attributes
    ----------
    polynomial : Polynomial
        The function. Of a threshold that is rounded, the function before it is rounded.
    coefficients : int
        How many numbers were fitted: coefficients other than 0, and their denominator.
    is_unique : bool
        Whether no other function with as many coefficients of as low a degree gives the values, and it is written with
        fewer digits than they are.
    """

    polynomial: Polynomial
    coefficients: int
    is_unique: bool = True

    @classmethod
    def of(cls, polynomial: Polynomial, coefficients: int, values: Sequence[Number], is_only: bool) -> Fit:
        """A function that was fitted, and whether it is the only one of its form."""
        digits = sum(abs(Fraction(v).numerator).bit_length() + 1 for v in values)
        return cls(polynomial, coefficients, is_only and polynomial.digits + len(polynomial.terms) <= digits)


def fit(values: Sequence[Number], points: Sequence[Point], degree: int, *, whole: bool = False) -> Fit | None:
    """The simplest polynomial of at most this degree through the values.

    Parameters
    ----------
    values : sequence of int or Fraction
        One for each point.
    points : sequence of mapping
        Sizes by name; all have the same names.
    degree : int
        0, 1 or 2.
    whole : bool
        Whether only integer coefficients will do.

    Returns
    -------
    Fit or None
        None if there is none with at most as many coefficients as there are different points, and no more than three.
    """
    names = list(points[0])
    distinct = len({tuple(p.values()) for p in points})
    for count in range(1, min(distinct, _LARGEST_SUPPORT) + 1):
        for highest in range(degree + 1):
            found = []
            for support in combinations(monomials(names, highest), count):
                if max(map(len, support)) == highest:
                    solved = _through(values, points, support)
                    if solved is not None and _is_plain(solved, whole):
                        found.append(solved)
            if found:
                best = min(found, key=_oddness)
                return Fit.of(best, count + (best.denominator > 1), values, len(found) == 1)
    return None


def fit_modulo(values: Sequence[Number], moduli: Sequence[Number], points: Sequence[Point]) -> Fit | None:
    """The constant nearest to 0 that equals the values modulo the moduli, which differ: an offset on rings."""
    if not all(isinstance(v, int) for v in (*values, *moduli)):
        return None
    reach = max(int(m) for m in moduli)
    for size in range(reach + 1):
        found = [c for c in {size, -size} if all((c - v) % m == 0 for v, m in zip(values, moduli, strict=True))]
        if found:
            return Fit(Polynomial.of({(): max(found)}), 1, len(found) == 1)
    return None


def likely(values: Sequence[Number], points: Sequence[Point], degree: int) -> Fit | None:
    """The least odd polynomial with small integer coefficients through values that do not determine one.

    A number that is the same everywhere is a constant if it is small.
    """
    if len(set(values)) == 1 and -_SMALL <= values[0] <= _SMALL:
        return Fit(Polynomial.of({(): values[0]}), 1, False)
    basis = monomials(list(points[0]), degree)[:_LARGEST_BASIS]
    found: list[tuple[int, int, str, Polynomial]] = []
    for chosen in product((0, 1, -1, 2, -2), repeat=len(basis)):
        weight = sum(abs(c) for c in chosen)
        if weight > min([_LARGEST_SUPPORT, *(f[0] for f in found)]):
            continue
        made = Polynomial.of(dict(zip(basis, chosen, strict=True)))
        if made.names and all(made.evaluate(p) == v for p, v in zip(points, values, strict=True)):
            found.append((weight, made.degree, str(made), made))
    return Fit(min(found)[3], len(min(found)[3].terms), False) if found else None


def _oddness(polynomial: Polynomial) -> tuple[int, Fraction, str]:
    return polynomial.denominator, polynomial.weight, str(polynomial)


def _is_plain(polynomial: Polynomial, whole: bool) -> bool:
    return polynomial.denominator <= (1 if whole else _LARGEST_DENOMINATOR) or not polynomial.names


def row_of(support: Sequence[Monomial], point: Point) -> list[Fraction]:
    """The values of monomials at some sizes."""
    return [Fraction(prod(point[name] for name in m)) for m in support]


def _through(values: Sequence[Number], points: Sequence[Point], support: Sequence[Monomial]) -> Polynomial | None:
    """The polynomial of these monomials through all values; None without one, or with a coefficient that is 0."""
    rows = [[*row_of(support, p), Fraction(v)] for p, v in zip(points, values, strict=True)]
    solution = solve_linear(rows, len(support))
    if solution is None or not all(solution):
        return None
    return Polynomial.of(dict(zip(support, solution, strict=True)))


def solve_linear(rows: list[list[Fraction]], count: int) -> list[Fraction] | None:
    """The one solution of linear equations, right sides last; None if there is none or more than one."""
    rows = [list(row) for row in rows]
    for column in range(count):
        pivot = next((k for k in range(column, len(rows)) if rows[k][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column]
        factor = head[column]
        head[:] = [value / factor for value in head]
        for number, row in enumerate(rows):
            if number != column and row[column]:
                scale = row[column]
                row[:] = [a - scale * b for a, b in zip(row, head, strict=True)]
    if any(row[count] for row in rows[count:]):
        return None
    return [rows[k][count] for k in range(count)]
