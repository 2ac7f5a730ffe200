"""Circuits of threshold units over affine forms: what a rule becomes element by element on its way to a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, gcd, lcm
from typing import Literal as OneOf

from ddcompile.diagnostics import CompileError, fail
from ddcompile.ir.nodes import Number

__all__ = ["Atom", "Circuit", "Form", "Gate", "constant", "scaled_to_integers", "total"]

Gate = OneOf["input", "step", "sign"]

_LARGEST = 64
"""Units that one function of an affine form, or one product of two, may take."""
_MOST_UNITS = 5000


@dataclass(frozen=True, slots=True)
class Form:
    """An affine form: coefficients of atoms by number, ascending and not zero, and a constant."""

    terms: tuple[tuple[int, Number], ...]
    constant: Number

    def __add__(self, other: Form) -> Form:
        """The sum of two forms."""
        terms = dict(self.terms)
        for atom, factor in other.terms:
            terms[atom] = terms.get(atom, 0) + factor
        return _form(terms, self.constant + other.constant)

    def __sub__(self, other: Form) -> Form:
        """The difference of two forms."""
        return self + other.scaled(-1)

    def scaled(self, factor: Number) -> Form:
        """The form times a number."""
        return _form({atom: factor * c for atom, c in self.terms}, factor * self.constant)

    def plus(self, number: Number) -> Form:
        """The form plus a number."""
        return Form(self.terms, _plain(self.constant + number))


def constant(value: Number) -> Form:
    """The form that is a number."""
    return Form((), _plain(value))


def _form(terms: dict[int, Number], constant: Number) -> Form:
    return Form(tuple((atom, _plain(terms[atom])) for atom in sorted(terms) if terms[atom]), _plain(constant))


def _plain(value: Number) -> Number:
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


@dataclass(frozen=True, slots=True)
class Atom:
    """An input or a unit: its values, ascending; how it is made; and the longest way to it from the inputs."""

    values: tuple[int, ...]
    gate: Gate
    operand: Form
    depth: int


class Circuit:
    """Units as they are built; equal ones are built once.

    Parameters
    ----------
    activation : {"step", "sign"}
        What the network will have. With step, the sign of a form takes two units.
    """

    def __init__(self, activation: OneOf["step", "sign"]) -> None:
        """Start empty."""
        self.activation = activation
        self.atoms: list[Atom] = []
        self._known: dict[tuple[Gate, Form], int] = {}

    def input(self, values: tuple[int, ...]) -> Form:
        """One more input."""
        self.atoms.append(Atom(values, "input", constant(0), 0))
        return Form(((len(self.atoms) - 1, 1),), 0)

    # ---- units --------------------------------------------------------------------------------------------------

    def step(self, form: Form) -> Form:
        """1 where `form > 0`, else 0."""
        form = scaled_to_integers(form)
        low, high = self.bounds(form)
        if low > 0 or high <= 0:
            return constant(int(low > 0))
        return self._one_atom(form, lambda v: int(v > 0)) or self._unit("step", _tight(form), (0, 1))

    def sign(self, form: Form) -> Form:
        """The sign of a form."""
        form = scaled_to_integers(form)
        low, high = self.bounds(form)
        if low > 0 or high < 0 or low == high:
            return constant((low > 0) - (high < 0))
        simple = self._one_atom(form, lambda v: (v > 0) - (v < 0))
        if simple is not None:
            return simple
        if self.activation == "step":
            return self.step(form) - self.step(form.scaled(-1))
        common = gcd(*(int(c) for _, c in form.terms), int(form.constant))
        return self._unit("sign", form.scaled(Fraction(1, common)), (-1, 0, 1))

    def _unit(self, gate: Gate, form: Form, values: tuple[int, ...]) -> Form:
        if (gate, form) not in self._known:
            if len(self.atoms) >= _MOST_UNITS:
                raise fail("N304", f"unrolling takes more than {_MOST_UNITS} inputs and units")
            depth = 1 + max(self.atoms[atom].depth for atom, _ in form.terms)
            self._known[gate, form] = len(self.atoms)
            self.atoms.append(Atom(values, gate, form, depth))
        return Form(((self._known[gate, form], 1),), 0)

    def _one_atom(self, form: Form, function: Callable[[Number], int]) -> Form | None:
        """A function of one atom as an affine form of it, if it is one."""
        if len(form.terms) != 1:
            return None
        ((atom, factor),) = form.terms
        values = self.atoms[atom].values
        images = [function(factor * v + form.constant) for v in values]
        slope = Fraction(images[1] - images[0], values[1] - values[0])
        if any(images[0] + slope * (v - values[0]) != image for v, image in zip(values, images, strict=True)):
            return None
        return _form({atom: slope}, images[0] - slope * values[0])

    # ---- bits ---------------------------------------------------------------------------------------------------

    def conjunction(self, bits: Sequence[Form]) -> Form:
        """1 where all of the bits are 1."""
        return self.step(total(bits).plus(1 - len(bits)))

    def disjunction(self, bits: Sequence[Form]) -> Form:
        """1 where any of the bits is 1."""
        return self.step(total(bits))

    def parity(self, a: Form, b: Form) -> Form:
        """1 where just one of two bits is 1."""
        return a + b - self.conjunction((a, b)).scaled(2)

    # ---- numbers ------------------------------------------------------------------------------------------------

    def bounds(self, form: Form) -> tuple[Number, Number]:
        """Bounds of a form; exact if its atoms are independent."""
        low = high = form.constant
        for atom, factor in form.terms:
            ends = sorted((factor * self.atoms[atom].values[0], factor * self.atoms[atom].values[-1]))
            low, high = low + ends[0], high + ends[1]
        return low, high

    def function(self, form: Form, function: Callable[[Number], Number]) -> Form:
        """A function of one form: its first value, and what it gains at each further value of the form.

        Raises
        ------
        CompileError
            N302 if it takes too many units.
        """
        first, gains = self._gains(form, function)
        return total(unit.scaled(gain) for unit, gain in gains).plus(first)

    def product(self, a: Form, b: Form) -> Form:
        """The product of two forms.

        Raises
        ------
        CompileError
            N302 if it takes too many units.
        """
        if not a.terms or not b.terms:
            return b.scaled(a.constant) if not a.terms else a.scaled(b.constant)
        (first, gains), (start, others) = self._gains(a, lambda v: v), self._gains(b, lambda v: v)
        if len(gains) * len(others) > _LARGEST:
            raise _too_many()
        parts = [self.conjunction((s, t)).scaled(x * y) for s, x in gains for t, y in others]
        return total([*parts, b.scaled(first), a.scaled(start), constant(-first * start)])

    def _gains(self, form: Form, function: Callable[[Number], Number]) -> tuple[Number, list[tuple[Form, Number]]]:
        """The function at the least value of a form, and for each later value the unit that is 1 from there on."""
        low, high = self.bounds(form)
        spacing = _spacing(form)
        if spacing == 0:
            return function(low), []
        count = int((high - low) / spacing)
        if count > _LARGEST * _LARGEST:
            raise _too_many()
        values = [low + spacing * k for k in range(count + 1)]
        images = [function(v) for v in values]
        steps = [(v, after - before) for v, before, after in zip(values[1:], images, images[1:], strict=False)]
        steps = [(v, gain) for v, gain in steps if gain]
        if len(steps) > _LARGEST:
            raise _too_many()
        return images[0], [(self.step(form.plus(spacing / 2 - v)), gain) for v, gain in steps]


def _too_many() -> CompileError:
    return fail("N302", f"one expression takes more than {_LARGEST} threshold units", hint="narrow its range")


def total(forms: Iterable[Form]) -> Form:
    """The sum of some forms."""
    terms: dict[int, Number] = {}
    number: Number = 0
    for form in forms:
        number += form.constant
        for atom, factor in form.terms:
            terms[atom] = terms.get(atom, 0) + factor
    return _form(terms, number)


def _spacing(form: Form) -> Fraction:
    """The largest number of which the differences of a form's values are multiples, if atoms take all integers."""
    exact = [Fraction(c) for _, c in form.terms]
    if not exact:
        return Fraction(0)
    scale = lcm(*(c.denominator for c in exact))
    return Fraction(gcd(*(int(c * scale) for c in exact)), scale)


def scaled_to_integers(form: Form) -> Form:
    """A form times the least positive integer that makes all its coefficients integers."""
    return form.scaled(lcm(*(Fraction(c).denominator for _, c in form.terms), Fraction(form.constant).denominator))


def _tight(form: Form) -> Form:
    """The smallest integer form that is positive where this integer form is."""
    common = gcd(*(int(c) for _, c in form.terms))
    return Form(tuple((atom, int(c) // common) for atom, c in form.terms), ceil(Fraction(form.constant) / common))
