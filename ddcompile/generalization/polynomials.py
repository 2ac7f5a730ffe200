"""Polynomials of degree at most 2 in the sizes, with exact rational coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import lcm, prod
from typing import TypeAlias

from ddcompile.ir.builder import add, mul, sub
from ddcompile.ir.nodes import Expr, Literal, Number, Size

__all__ = ["Monomial", "Polynomial", "monomials"]

Monomial: TypeAlias = tuple[str, ...]
"""The sizes that are multiplied, in order; without any, 1."""


def monomials(names: Sequence[str], degree: int) -> list[Monomial]:
    """All products of up to `degree` sizes, low degrees first."""
    return [m for d in range(degree + 1) for m in combinations_with_replacement(names, d)]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A sum of coefficients times monomials; equal polynomials are equal objects. Build it with `Polynomial.of`."""

    terms: tuple[tuple[Monomial, Fraction], ...] = ()

    @classmethod
    def of(cls, coefficients: Mapping[Monomial, Number]) -> Polynomial:
        """The polynomial with these coefficients."""
        return cls(tuple((m, Fraction(c)) for m, c in sorted(coefficients.items()) if c))

    @property
    def degree(self) -> int:
        """The greatest degree of a monomial; 0 of a constant."""
        return max((len(m) for m, _ in self.terms), default=0)

    @property
    def names(self) -> frozenset[str]:
        """The sizes that matter."""
        return frozenset(name for m, _ in self.terms for name in m)

    @property
    def denominator(self) -> int:
        """The least number that makes all coefficients integers."""
        return lcm(*(c.denominator for _, c in self.terms))

    @property
    def weight(self) -> Fraction:
        """The sum of the coefficients without their signs: how odd the polynomial is."""
        return sum((abs(c) for _, c in self.terms), Fraction(0))

    @property
    def digits(self) -> int:
        """The binary digits of the coefficients."""
        return sum(c.numerator.bit_length() + c.denominator.bit_length() - 1 for _, c in self.terms)

    def shifted(self, shift: Mapping[str, int]) -> Polynomial:
        """The polynomial of the sizes plus some numbers."""
        result: dict[Monomial, Fraction] = {}
        for m, coefficient in self.terms:
            for kept in product((True, False), repeat=len(m)):
                left = tuple(name for name, is_kept in zip(m, kept, strict=True) if is_kept)
                others = (shift[name] for name, is_kept in zip(m, kept, strict=True) if not is_kept)
                result[left] = result.get(left, Fraction(0)) + coefficient * prod(others)
        return Polynomial.of(result)

    def scale(self, factor: Number) -> Polynomial:
        """The polynomial times a number."""
        return Polynomial.of({m: c * factor for m, c in self.terms})

    def plus(self, number: Number) -> Polynomial:
        """The polynomial plus a number."""
        coefficients: dict[Monomial, Number] = dict(self.terms)
        coefficients[()] = coefficients.get((), Fraction(0)) + number
        return Polynomial.of(coefficients)

    def evaluate(self, sizes: Mapping[str, int]) -> Fraction:
        """The value at some sizes."""
        return sum((c * prod(sizes[name] for name in m) for m, c in self.terms), Fraction(0))

    def to_expr(self) -> Expr:
        """The shortest plain expression: `N * N - N + 1`, `2 * N - 1`, `3 - N`. The coefficients must have literals."""
        result: Expr = Literal(0)
        for m, c in self._ordered():
            if m:
                result = sub(result, _product(-c, m)) if c < 0 else add(result, _product(c, m))
            else:
                result = Literal(c) if result == Literal(0) else add(result, c)
        return result

    def __str__(self) -> str:
        parts = [f"{'-' if c < 0 else '+'} {_text(abs(c), m)}" for m, c in self._ordered()]
        return " ".join(parts).removeprefix("+ ") or "0"

    def _ordered(self) -> list[tuple[Monomial, Fraction]]:
        """What is added before what is subtracted, high degrees first, the constant last unless it is all added."""
        ordered = sorted(self.terms, key=lambda term: (not term[0], term[1] < 0, -len(term[0]), term[0]))
        is_first = ordered and ordered[-1][1] > 0 and not ordered[-1][0] and all(c < 0 for m, c in ordered if m)
        return [ordered[-1], *ordered[:-1]] if is_first else ordered


def _text(size: Fraction, m: Monomial) -> str:
    factors = [*([str(size)] if size != 1 or not m else []), *m]
    return " * ".join(factors)


def _product(coefficient: Number, m: Monomial) -> Expr:
    result: Expr = Literal(coefficient)
    for name in m:
        result = mul(result, Size(name))
    return result
