"""Linear forms of kernel values: subscripts and extents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ddcompile.ir.affine import Affine
from ddcompile.kernel.nodes import Expr as KernelExpr
from ddcompile.kernel.values import Value, add, constant, multiply, subtract

__all__ = ["Form"]


@dataclass(frozen=True, slots=True)
class Form:
    """`constant + sum of coefficient * value`; values are kept apart by their expressions, outermost first."""

    constant: int
    terms: tuple[tuple[Value, int], ...] = ()

    @classmethod
    def of(cls, form: Affine, values: Mapping[str, Value]) -> Form:
        """An integer form, given the values of its names; numbers fold."""
        found = cls(int(form.constant))
        for name, coefficient in form.terms:
            value, factor = values[name], int(coefficient)
            found += cls(value.number * factor) if value.number is not None else cls(0, ((value, factor),))
        return found

    def __add__(self, other: Form) -> Form:
        total: dict[KernelExpr, tuple[Value, int]] = {}
        for value, coefficient in (*self.terms, *other.terms):
            known = total.get(value.expr)
            total[value.expr] = value, coefficient + (known[1] if known else 0)
        terms = tuple(term for term in total.values() if term[1])
        return Form(self.constant + other.constant, terms)

    def scale(self, factor: int) -> Form:
        """The form times a number."""
        return Form(self.constant * factor, tuple((v, c * factor) for v, c in self.terms))

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest value."""
        low = high = self.constant
        for value, c in self.terms:
            ends = c * value.low, c * value.high
            low, high = low + min(ends), high + max(ends)
        return low, high

    def value(self) -> Value:
        """The form as an expression: positive terms first, then negative ones, then the constant."""
        result = constant(0)
        for v, c in sorted(self.terms, key=lambda term: (term[1] < 0, -abs(term[1]), term[0].level)):
            product = multiply(constant(abs(c)), v)
            result = add(result, product) if c > 0 else subtract(result, product)
        return add(result, constant(self.constant))
