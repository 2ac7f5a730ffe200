"""Thresholds between integers: functions of the sizes that are rounded, and thresholds that may as well be others.

`s >= t` with t = 3, 3, 4, 4 at N = 5, 6, 7, 8 is `2 * s >= N`. Where s is never t - 1, as a sum of an even number of
spins is never odd, `s >= t - 1` is the same; this is a guess here, which the proofs at the given sizes decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import ceil, floor, lcm

from ddcompile.generalization.fit import Fit, Point, Rounding, row_of, solve_linear
from ddcompile.generalization.polynomials import Monomial, Polynomial, monomials
from ddcompile.ir.nodes import Number

__all__ = ["fit_rounded", "fit_slack"]

_LARGEST_DENOMINATOR = 4
_LARGEST_FRACTION = 2
_LARGEST_SLACK = 3
_FACTORS = tuple(Fraction(n, 2) for n in (0, 2, -2, 1, -1, 4, -4))


def fit_rounded(
    values: Sequence[Number], points: Sequence[Point], rounding: Rounding, shifts: Sequence[Point] = ()
) -> Fit | None:
    """The simplest polynomial of degree at most 2 that gives integers when it is rounded.

    Its coefficients are at most two, below 2, over a denominator of at most four.

    Parameters
    ----------
    values : sequence of int
    points : sequence of mapping
    rounding : {"up", "down"}
    shifts : sequence of mapping
        What may be added to the sizes first, if nothing fits without: extents that occur, such as N - 2.
    """
    found = _rounded(values, points, rounding, [dict.fromkeys(points[0], 0)])
    return found or (_rounded(values, points, rounding, shifts) if shifts else None)


def _rounded(
    values: Sequence[Number], points: Sequence[Point], rounding: Rounding, shifts: Sequence[Point]
) -> Fit | None:
    names = list(points[0])
    distinct = len({tuple(p.values()) for p in points})
    for count in range(1, min(3, distinct)):
        for highest in (1, 2):
            supports = [m for m in combinations(monomials(names, highest), count) if max(map(len, m)) == highest]
            found = {
                made.shifted(shift)
                for shift in shifts
                for denominator, support in product(range(2, _LARGEST_DENOMINATOR + 1), supports)
                for made in _near(values, _moved(points, shift), support, denominator, rounding)
            }
            if found:
                likely = min(found, key=_oddness)
                return Fit.of(likely, count + 1, values, len(found) == 1)
    return None


def fit_slack(values: Sequence[Number], points: Sequence[Point], rounding: Rounding) -> Fit | None:
    """The least odd affine function that, rounded, gives every value or the integer that asks one less."""
    if len({(*p.values(), v) for p, v in zip(points, values, strict=True)}) > len({(*p.values(),) for p in points}):
        return None
    basis = monomials(list(points[0]), 1)[:_LARGEST_SLACK]
    nearest, less = (ceil, -1) if rounding == "up" else (floor, 1)
    for count in (1, 2):
        found: set[Polynomial] = set()
        for chosen in product(_FACTORS, repeat=len(basis)):
            if sum(c != 0 for c in chosen) == count and sum(map(abs, chosen)) <= _LARGEST_SLACK:
                made = Polynomial.of(dict(zip(basis, chosen, strict=True)))
                gaps = [nearest(made.evaluate(p)) - v for p, v in zip(points, values, strict=True)]
                if _is_whole_apart(made) and all(gap in (0, less) for gap in gaps):
                    found.add(made)
        if found:
            likely = min(found, key=_oddness)
            return Fit.of(likely, count, values, len(found) == 1)
    return None


def _oddness(polynomial: Polynomial) -> tuple[Fraction, int, str]:
    return polynomial.weight, polynomial.denominator, str(polynomial)


def _moved(points: Sequence[Point], shift: Point) -> list[Point]:
    return [{name: value + shift[name] for name, value in p.items()} for p in points]


def _near(
    values: Sequence[Number], points: Sequence[Point], support: Sequence[Monomial], denominator: int, rounding: Rounding
) -> Iterator[Polynomial]:
    """All polynomials of these monomials, integers over a denominator, that round to the values."""
    if not all(isinstance(v, int) for v in values):
        return
    rows = [row_of(support, p) for p in points]
    chosen = _independent(rows)
    if len(chosen) < len(support):
        return
    sign = -1 if rounding == "up" else 1
    for rests in product(range(denominator), repeat=len(chosen)):
        exact = [
            [*rows[k], Fraction(denominator * values[k] + sign * rest)] for k, rest in zip(chosen, rests, strict=True)
        ]
        solution = solve_linear(exact, len(support))
        assert solution is not None, "independent rows"
        if not all(c and c.denominator == 1 for c in solution):
            continue
        made = Polynomial.of({m: c / denominator for m, c in zip(support, solution, strict=True)})
        if (
            made.denominator == denominator
            and _is_natural(made)
            and all(
                0 <= sign * (denominator * made.evaluate(p) - denominator * v) < denominator
                for p, v in zip(points, values, strict=True)
            )
        ):
            yield made


def _is_natural(polynomial: Polynomial) -> bool:
    """Whether something rounded is a fraction below 2 of sizes, and a small number of such parts.

    Many others round to any values, and smaller parts that are added make no difference.
    """
    return _is_whole_apart(polynomial) and all(
        abs(c) < _LARGEST_FRACTION if m else abs(c) <= _LARGEST_FRACTION for m, c in polynomial.terms
    )


def _independent(rows: Sequence[Sequence[Fraction]]) -> list[int]:
    """The numbers of the first rows that span all of them."""
    chosen: list[int] = []
    kept: list[list[Fraction]] = []
    for number, given in enumerate(rows):
        row = list(given)
        for other in kept:
            column = next(k for k, value in enumerate(other) if value)
            factor = row[column] / other[column]
            row = [a - factor * b for a, b in zip(row, other, strict=True)]
        if any(row):
            kept.append(row)
            chosen.append(number)
    return chosen


def _is_whole_apart(polynomial: Polynomial) -> bool:
    """Whether what is added has no finer fractions than what the sizes are multiplied by."""
    return lcm(*(c.denominator for m, c in polynomial.terms if m)) == polynomial.denominator
