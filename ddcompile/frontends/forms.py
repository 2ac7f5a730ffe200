"""Affine forms of tensors, element by element, and the names and reads with which they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count as naturals, islice
from math import prod

import numpy as np

from ddcompile.frontends.declarations import fresh_name
from ddcompile.frontends.weights import stretched
from ddcompile.ir.builder import add, has_literal, mul
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Number, Read

__all__ = [
    "Form",
    "Names",
    "Tensor",
    "binders",
    "combined",
    "element",
    "factor",
    "flat_index",
    "own_form",
    "target_shape",
    "without_ones",
]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that a layer reads or gives."""

    name: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many elements there are."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """`sum of factors * tensor + shift`, element by element in row-major order; all numbers have literals.

    Factors and shifts are arrays of one number an element, or of a single number for all.
    """

    terms: tuple[tuple[Tensor, np.ndarray], ...]
    shift: np.ndarray
    count: int

    def alone(self) -> Tensor | None:
        """The tensor that the form is nothing but a name for."""
        if len(self.terms) == 1 and factor(self.shift) == 0 and factor(self.terms[0][1]) == 1:
            return self.terms[0][0]
        return None

    def stretched(self, factors: np.ndarray, shift: np.ndarray) -> Form:
        """The form with other factors, multiplied by integers, and another shift."""
        terms = tuple((tensor, stretched(values, factors)) for tensor, values in self.terms)
        return Form(terms, shift, self.count)

    def full(self, values: np.ndarray) -> np.ndarray:
        """Factors or shifts as one number an element."""
        return np.broadcast_to(values, (self.count,))

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of this shape can be written by reading the terms at affine positions."""
        return all(
            without_ones(tensor.shape) == without_ones(shape) or len(tensor.shape) <= 1 for tensor, _ in self.terms
        )


class Names:
    """Hands out names that are not in use yet."""

    def __init__(self, used: Iterable[str]) -> None:
        self.used = set(used)
        self._last: dict[str, int] = {}

    def fresh(self, wanted: str) -> str:
        """The name wanted, or one much like it."""
        name = fresh_name(wanted, self.used, self._last)
        self.used.add(name)
        return name

    def unused(self, wanted: str, beside: Collection[str]) -> str:
        """An index name that is in use neither as a name nor beside it; it may be bound again elsewhere."""
        candidates = chain([wanted], (f"{wanted}{k}" for k in naturals(1)))
        return next(name for name in candidates if name not in self.used and name not in beside)

    def indices(self, wanted: str, count: int) -> tuple[str, ...]:
        """`count` distinct index names, letters of `wanted` first; they may be bound again elsewhere."""
        candidates = chain(wanted, (f"{wanted[0]}{k}" for k in naturals(1)))
        return tuple(islice((name for name in candidates if name not in self.used), count))


def own_form(tensor: Tensor) -> Form:
    """A tensor as a form of itself."""
    return Form(((tensor, _objects([1])),), _objects([0]), tensor.count)


def combined(reads: Sequence[Sequence[Form]], factors: np.ndarray, bias: np.ndarray) -> list[Form] | None:
    """The forms `sum over k of factors[k] * reads[k] + bias`, piece by piece.

    None if the pieces of what is read differ in number or size, if a number would have no literal, or if two of the
    tensors have shapes of several axes that differ.
    """
    layout = [form.count for form in reads[0]]
    if any([form.count for form in forms] != layout for forms in reads[1:]):
        return None
    units = sum(layout)
    each = units // len(bias)
    found, start = [], 0
    for k, count in enumerate(layout):
        part = slice(start, start + count)
        start += count
        terms: dict[Tensor, np.ndarray] = {}
        shift = _spread(bias, each, part)
        for forms, row in zip(reads, factors, strict=True):
            own = _spread(row, each, part)
            shift = shift + own * forms[k].shift
            for tensor, values in forms[k].terms:
                terms[tensor] = terms.get(tensor, 0) + own * values
        kept = tuple((tensor, values) for tensor, values in terms.items() if (values != 0).any())
        form = Form(kept or tuple(terms.items())[:1], shift, count)
        numbers = chain(form.shift.tolist(), *(values.tolist() for _, values in form.terms))
        if not all(has_literal(v) for v in numbers) or not form.fits(target_shape(form)):
            return None
        found.append(form)
    return found


def _spread(values: np.ndarray, each: int, part: slice) -> np.ndarray:
    """The numbers of a part of the units, of which so many neighbours have one; a single number if all are equal."""
    if len(values) == 1:
        return _objects(values.tolist())
    return _objects(np.repeat(values, each)[part].tolist())


def _objects(values: Sequence[Number | float]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = [v if isinstance(v, int) else Fraction(v) for v in values]
    return array


def factor(values: np.ndarray) -> Number | None:
    """The number that all entries are; None if they differ."""
    first: Number = values.tolist()[0]
    return first if (values == first).all() else None


def target_shape(form: Form) -> tuple[int, ...]:
    """The shape to give to what a form makes: that of its tensors with several axes, else flat."""
    shapes = {tensor.shape for tensor, _ in form.terms if len(tensor.shape) > 1}
    return min(shapes) if shapes else (form.count,)


def element(tensor: Tensor, target: Tensor, at: Sequence[str]) -> Expr:
    """The element of a tensor that belongs to an element of the target."""
    if without_ones(tensor.shape) == without_ones(target.shape):
        used = iter([i for i, extent in zip(at, target.shape, strict=True) if extent > 1])
        return Read(tensor.name, tuple(Literal(0) if extent == 1 else Index(next(used)) for extent in tensor.shape))
    return Read(tensor.name, (flat_index(target.shape, at),))


def without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    """The extents that are no 1."""
    return tuple(extent for extent in shape if extent != 1)


def flat_index(shape: Sequence[int], at: Sequence[str]) -> Expr:
    """The row-major number of an element."""
    flat: Expr = Literal(0)
    for name, extent in zip(at, shape, strict=True):
        flat = add(mul(extent, flat), Index(name))
    return flat


def binders(indices: Sequence[str], shape: Sequence[int]) -> tuple[Binder, ...]:
    """The ranges of indices over a shape."""
    return tuple(Binder(i, Literal(0), Literal(n)) for i, n in zip(indices, shape, strict=True))
