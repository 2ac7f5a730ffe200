"""Functions of a few bits as multilinear polynomials, of which there is exactly one for every function.

A bit that is a function of a few others is written as a sum of integers times products of these, such as
`a - a * b + a * b * c` for `a and (b <= c)`. So sums of such bits are equal where their polynomials are, however the
bits are said. A product of bits is the threshold that tells whether all of them are set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from ddcompile.prove.forms import Form, bounded
from ddcompile.prove.nodes import Node

__all__ = ["BITS", "Monomials", "expanded"]

BITS = 6
"""Most bits that one function is written over."""


class Monomials(Protocol):
    """What knows the products of bits that variables are."""

    @property
    def nodes(self) -> Sequence[Node]:
        """What variables stand for."""

    @property
    def factors(self) -> Mapping[int, frozenset[int]]:
        """The bits of which variables are products; other bits are themselves."""

    def monomial(self, bits: frozenset[int]) -> int:
        """The variable that is the product of two or more bits."""


def expanded(store: Monomials, forms: Sequence[Form], function: Callable[..., int]) -> Form | None:
    """The polynomial of a function of the values of forms, times their denominators; None if it takes many bits."""
    bits: set[int] = set()
    for form in forms:
        for v in form.terms:
            if not store.nodes[v].is_bit:
                return None
            bits |= store.factors.get(v, frozenset((v,)))
            if len(bits) > BITS:
                return None
    place = {v: 1 << k for k, v in enumerate(sorted(bits))}
    columns = [_values(store, form, place) for form in forms]
    return _polynomial(store, [int(function(*row)) for row in zip(*columns, strict=True)], place)


def _values(store: Monomials, form: Form, place: Mapping[int, int]) -> list[int]:
    """The values of a form for all values of bits; the bits that are set, by their places, give the row."""
    values = [0] * (1 << len(place))
    values[0] = form.const
    for v, c in form.terms.items():
        values[sum(place[u] for u in store.factors.get(v, (v,)))] += c
    return _over_subsets(values, 1)


def _over_subsets(values: Iterable[int], sign: int) -> list[int]:
    """The sum over the subsets of every set, or, with the sign -1, what has these sums."""
    result = list(values)
    step = 1
    while step < len(result):
        for row in range(len(result)):
            if row & step:
                result[row] += sign * result[row ^ step]
        step *= 2
    return result


def _polynomial(store: Monomials, values: Sequence[int], place: Mapping[int, int]) -> Form:
    terms: dict[int, int] = {}
    coefficients = _over_subsets(values, -1)
    for row, c in enumerate(coefficients):
        if c and row:
            bits = _strongest(store, [v for v, bit in place.items() if row & bit])
            (v,) = bits if len(bits) == 1 else (store.monomial(bits),)
            terms[v] = terms.get(v, 0) + c
    form = Form({v: c for v, c in terms.items() if c}, coefficients[0])
    return bounded(form, (min(values), max(values)), 0)


def _strongest(store: Monomials, bits: Sequence[int]) -> frozenset[int]:
    """Bits of which all are set where all of some others are: of thresholds of one form, the greatest alone."""
    kept: dict[object, int] = {}
    for v in bits:
        node = store.nodes[v]
        name = ("base", node.base) if node.kind == "step" else v
        other = kept.get(name)
        kept[name] = v if other is None else max(v, other, key=lambda u: (store.nodes[u].number, store.nodes[u].strict))
    return frozenset(kept.values())
