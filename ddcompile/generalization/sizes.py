"""The sizes of programs: which extents of their inputs vary together, and what they are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from ddcompile.generalization.fit import Point, fit
from ddcompile.generalization.polynomials import Polynomial
from ddcompile.ir.nodes import Literal, Rule

__all__ = ["Sizes", "candidates", "divided", "find_sizes", "shapes_of", "with_times"]

_FIXED = 4
"""Extents up to this are no sizes where a single program is given."""
_LETTERS = ("N", "M", "K", "L", "P", "Q", "R", "S")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes and their values in each program.

    Attributes
    ----------
    names : tuple of str
    points : tuple of mapping
        One for each program.
    extents : mapping
        The extents that vary, by input and axis.
    notes : tuple of str
        What is the same in all given programs, though it need not be so in others.
    """

    names: tuple[str, ...]
    points: tuple[Point, ...]
    extents: Mapping[tuple[str, int], Polynomial]
    notes: tuple[str, ...] = ()


def shapes_of(rule: Rule) -> dict[tuple[str, int], int]:
    """The extents of the inputs of a rule without sizes, by input and axis."""
    return {
        (d.name, axis): int(extent.value)
        for d in rule.inputs
        for axis, extent in enumerate(d.type.shape)
        if isinstance(extent, Literal)
    }


def find_sizes(rules: Sequence[Rule], taken: Collection[str]) -> Sizes:
    """The sizes of rules with the same inputs but for their extents; `taken` are names that are in use."""
    shapes = [shapes_of(rule) for rule in rules]
    vectors = {axis: tuple(shape[axis] for shape in shapes) for axis in shapes[0]}
    first: dict[tuple[int, ...], tuple[str, int]] = {}
    notes: list[str] = []
    for axis, vector in vectors.items():
        is_fixed = vector[0] <= _FIXED if len(rules) == 1 else len(set(vector)) == 1
        if is_fixed:
            continue
        if vector in first:
            notes.append(f"{_axis(axis)} is as long as {_axis(first[vector])} in all given programs: one size")
            continue
        first[vector] = axis
    names = _names(list(first.values()), rules[0], taken)
    chosen: dict[str, tuple[int, ...]] = {}
    extents: dict[tuple[str, int], Polynomial] = {}
    of_vector: dict[tuple[int, ...], Polynomial] = {}
    for (vector, axis), name in zip(first.items(), names, strict=True):
        points = _points(chosen, len(rules))
        found = fit(vector, points, 1, whole=True) if chosen else None
        if found is not None and found.coefficients < len({tuple(p.values()) for p in points}):
            notes.append(f"{_axis(axis)} is {found.polynomial} in all given programs: no size of its own")
            of_vector[vector] = found.polynomial
        else:
            chosen[name] = vector
            of_vector[vector] = Polynomial.of({(name,): 1})
    for axis, vector in vectors.items():
        if vector in of_vector:
            extents[axis] = of_vector[vector]
    return Sizes(tuple(chosen), tuple(_points(chosen, len(rules))), extents, tuple(notes))


def divided(sizes: Sizes, factors: Mapping[str, int]) -> Sizes | None:
    """The same with n = q * m + r in place of some sizes, 0 <= r < q; None if r is not the same in all programs."""
    rests: dict[str, int] = {}
    for name, factor in factors.items():
        found = {p[name] % factor for p in sizes.points}
        if len(found) > 1 or min(p[name] for p in sizes.points) < factor:
            return None
        rests[name] = found.pop()
    points = tuple({n: (v - rests[n]) // factors[n] if n in rests else v for n, v in p.items()} for p in sizes.points)
    extents = {axis: _substituted(extent, factors, rests) for axis, extent in sizes.extents.items()}
    return Sizes(sizes.names, points, extents, sizes.notes)


def with_times(sizes: Sizes, numbers: Sequence[int], times: Sequence[int], taken: Collection[str]) -> Sizes:
    """The same with a number of steps, which is known of the programs with these numbers."""
    name = next(letter for letter in chain(("T",), (f"T{k}" for k in count(2))) if letter not in taken)
    known = dict(zip(numbers, times, strict=True))
    points = tuple({**p, **({name: known[k]} if k in known else {})} for k, p in enumerate(sizes.points))
    return Sizes((*sizes.names, name), points, sizes.extents, sizes.notes)


def candidates(sizes: Sizes, number: int) -> list[Point]:
    """The sizes of one program; if it is not known how many steps it takes, all that are likely."""
    point = sizes.points[number]
    missing = [name for name in sizes.names if name not in point]
    if not missing:
        return [point]
    most = max(p[name] for p in sizes.points for name in missing if name in p)
    return [{**point, missing[0]: times} for times in range(1, most + 2)]


def _substituted(extent: Polynomial, factors: Mapping[str, int], rests: Mapping[str, int]) -> Polynomial:
    """An affine form of the sizes as one of the divided sizes."""
    result = Polynomial()
    for m, coefficient in extent.terms:
        name = m[0] if m else ""
        term = Polynomial.of({m: coefficient * factors.get(name, 1)})
        coefficients = dict(result.terms)
        for key, value in term.plus(coefficient * rests.get(name, 0)).terms:
            coefficients[key] = coefficients.get(key, value * 0) + value
        result = Polynomial.of(coefficients)
    return result


def _points(chosen: Mapping[str, tuple[int, ...]], count: int) -> list[dict[str, int]]:
    return [{name: vector[k] for name, vector in chosen.items()} for k in range(count)]


def _axis(axis: tuple[str, int]) -> str:
    return f"axis {axis[1]} of `{axis[0]}`"


def _names(axes: Sequence[tuple[str, int]], rule: Rule, taken: Collection[str]) -> list[str]:
    """H and W for the two extents of one input, D, H and W for three; else N, M, ..."""
    is_one = len(rule.inputs) == 1
    usual = {2: ("H", "W"), 3: ("D", "H", "W")}.get(len(axes), _LETTERS) if is_one else _LETTERS
    free = [letter for letter in (*usual, *_LETTERS) if letter not in taken]
    letters = list(dict.fromkeys(free))
    return [letters[k] if k < len(letters) else f"N{k}" for k in range(len(axes))]
