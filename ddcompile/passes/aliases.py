"""What is known of units before their text is: the ranges of their values, and which say the same as another.

Ranges come from the declared inputs, layer by layer and unit by unit; a unit is an alias if it is a constant, or a
copy of something else up to a factor and an offset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.exact import LIMIT, bound, integers
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, value_of
from ddcompile.analysis.thresholds import Domain
from ddcompile.ir.types import Types
from ddcompile.passes.layers import Layer

__all__ = ["Alias", "Range", "Ranges", "RepeatedUnits", "alias_of", "combined", "compose", "is_shared", "reduced"]

Range: TypeAlias = tuple[Fraction, Fraction]
_FEW_VALUES = 64


@dataclass(frozen=True, slots=True)
class Alias:
    """The value `offset + factor * atom`; a constant when the factor is 0. Both are dyadic."""

    offset: Fraction
    factor: Fraction
    atom: int


class Ranges:
    """Least and greatest values of atoms, as far as they are known."""

    def __init__(self, types: Types, atoms: Atoms) -> None:
        self._low = np.zeros(atoms.count, dtype=object)
        self._high = np.zeros(atoms.count, dtype=object)
        self._exponent = np.zeros(atoms.count, dtype=np.int64)
        self._known = np.zeros(atoms.count, dtype=bool)
        for name in atoms.names:
            value, where = types.tensor[name], atoms.slice(name)
            if value.kind != "real" and value.low is not None and value.high is not None:
                self._low[where], self._high[where] = value.low, value.high
                self._exponent[where], self._known[where] = value.exponent, True

    def of(self, row: Row) -> Range | None:
        """The range of a row's form, divided by its scale; None if that of an atom is not known."""
        if not self._known[row.atoms].all():
            return None
        exponents = self._exponent[row.atoms]
        top = int(exponents.max(initial=0))
        ends = self._in_words(row) if not (exponents != top).any() else None
        if ends is not None:
            scale = 1 << top + row.exponent
            return Fraction(ends[0] + (row.bias << top), scale), Fraction(ends[1] + (row.bias << top), scale)
        scaled = row.weights.astype(object)
        if (exponents != top).any():
            scaled = scaled * np.array([1 << top - int(e) for e in exponents], dtype=object)
        sides = scaled * self._low[row.atoms], scaled * self._high[row.atoms]
        bias, scale = row.bias << top, 1 << top + row.exponent
        least, most = sum(np.minimum(*sides).tolist()), sum(np.maximum(*sides).tolist())
        return Fraction(least + bias, scale), Fraction(most + bias, scale)

    def _in_words(self, row: Row) -> tuple[int, int] | None:
        """The range of a row's form without its bias, if machine words hold all there is on the way."""
        if row.weights.dtype == object or not len(row.weights):
            return None
        try:
            low, high = self._low[row.atoms].astype(np.int64), self._high[row.atoms].astype(np.int64)
        except OverflowError:
            return None
        if bound(row.weights) * max(bound(low), bound(high)) * len(low) >= LIMIT:
            return None
        ends = row.weights * low, row.weights * high
        return int(np.minimum(*ends).sum()), int(np.maximum(*ends).sum())

    def record(self, atom: int, row: Row, of_form: Range) -> None:
        """Note the range of an atom that is a unit, from that of the unit's form."""
        ends = [value_of(row, end) for end in of_form]
        if row.kind == "abs":
            ends = [max(Fraction(0), *of_form[:1], -of_form[1]), max(ends)]
        top = max(e.denominator for e in ends).bit_length() - 1
        self._low[atom], self._high[atom] = (int(e * (1 << top)) for e in ends)
        self._exponent[atom], self._known[atom] = top, True


def combined(row: Row, aliases: Mapping[int, Alias]) -> Row:
    """The row with operands replaced by what they are aliases of."""
    if not aliases or aliases.keys().isdisjoint(row.atoms.tolist()):
        return row if row.has_scale else reduced(row)
    total: dict[int, Fraction] = {}
    bias = Fraction(row.bias)
    for atom, weight in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
        alias = aliases.get(atom)
        if alias is None:
            total[atom] = total.get(atom, Fraction(0)) + weight
            continue
        bias += weight * alias.offset
        if alias.factor:
            total[alias.atom] = total.get(alias.atom, Fraction(0)) + weight * alias.factor
    kept = sorted(a for a, w in total.items() if w)
    scale = max([bias.denominator, *(total[a].denominator for a in kept)])
    weights = integers([int(total[a] * scale) for a in kept])
    exponent = row.exponent + (scale.bit_length() - 1 if row.has_scale else 0)
    atoms = np.array(kept, dtype=np.int64)
    return reduced(replace(row, atoms=atoms, weights=weights, bias=int(bias * scale), exponent=exponent))


def compose(row: Row, forms: Mapping[int, Row]) -> Row:
    """The row with affine operands, whose rows are given, written out; positive rows need integers there."""
    if not forms or forms.keys().isdisjoint(row.atoms.tolist()):
        return row
    top = max(forms[a].exponent for a in row.atoms.tolist() if a in forms)
    bias = row.bias << top
    total: dict[int, int] = {}
    for atom, weight in zip(row.atoms.tolist(), row.weights.tolist(), strict=True):
        form = forms.get(atom)
        if form is None:
            total[atom] = total.get(atom, 0) + (weight << top)
            continue
        factor = weight << (top - form.exponent)
        bias += factor * form.bias
        for inner, own in zip(form.atoms.tolist(), form.weights.tolist(), strict=True):
            total[inner] = total.get(inner, 0) + factor * own
    exponent = row.exponent + top if row.has_scale else 0
    return reduced(replace(row.over(total, bias), exponent=exponent))


def is_shared(layer: Layer, layers: Sequence[Layer], atoms: Atoms) -> bool:
    """Whether there would be more operands if the sums of an affine tensor were written into what reads them.

    Only sums of integers that are no results count.
    """
    rows = layer.rows or []
    if not rows or layer.is_pinned or any(row.exponent or row.kind != "affine" for row in rows):
        return False
    span = atoms.slice(layer.name)
    forms = dict(zip(range(span.start, span.stop), rows, strict=True))
    more = -sum(len(row.atoms) for row in rows)
    for other in layers:
        for row in other.rows or ():
            if ((row.atoms >= span.start) & (row.atoms < span.stop)).any():
                more += len(compose(row, forms).atoms) - len(row.atoms)
    return more > 0


def reduced(row: Row) -> Row:
    """The row over the least integers: without common factor if only its sign matters, else without one of scale."""
    if not len(row.weights):
        return row
    if row.has_scale:
        low = int(np.bitwise_or.reduce(row.weights)) | row.bias
        shift = min(row.exponent, (low & -low).bit_length() - 1)
        if shift <= 0:
            return row
        weights = row.weights >> shift
        return replace(row, weights=weights, bias=row.bias >> shift, exponent=row.exponent - shift)
    divisor = gcd(*row.weights.tolist())
    if row.kind == "sign":
        divisor = gcd(divisor, row.bias)
    if divisor <= 1:
        return row
    # w . x + bias > 0 over integers is w/g . x > floor(-bias / g).
    bias = row.bias // divisor if row.kind == "sign" else -(-row.bias // divisor)
    return replace(row, weights=row.weights // divisor, bias=bias)


def alias_of(row: Row, span: Range | None, domain: Domain | None) -> Alias | None:
    """The row as a constant, or as an affine function of its only operand, which has the values of `domain`."""
    if span is not None:
        ends = span if row.kind == "abs" else (value_of(row, span[0]), value_of(row, span[1]))
        if ends[0] == ends[1]:
            return Alias(value_of(row, span[0]), Fraction(0), -1)
    if len(row.weights) != 1 or domain is None or not 0 < domain.bits <= _FEW_VALUES:
        return None
    points = range(domain.low, domain.high + 1, domain.step)
    weight = int(row.weights[0])
    values = [value_of(row, Fraction(weight * x + row.bias, 1 << row.exponent)) for x in points]
    factor = (values[1] - values[0]) / domain.step
    offset = values[0] - factor * points[0]
    if factor.denominator & (factor.denominator - 1) or any(
        v != offset + factor * x for v, x in zip(values, points, strict=True)
    ):
        return None
    return Alias(offset, factor, int(row.atoms[0]))


class RepeatedUnits:
    """Finds units that are multiples of an earlier one."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], tuple[int, Fraction, Fraction]] = {}

    def find(self, row: Row, atom: int) -> Alias | None:
        """The row by an earlier element; otherwise it is remembered."""
        common = _canonical(row)
        found = self._by(common)
        if common[0] not in self._seen:
            self._seen[common[0]] = atom, *common[1:]
        return found

    def known(self, row: Row) -> Alias | None:
        """The row by an element that is remembered."""
        return self._by(_canonical(row))

    def _by(self, common: tuple[tuple[object, ...], Fraction, Fraction]) -> Alias | None:
        key, factor, offset = common
        if key not in self._seen:
            return None
        first, other, shift = self._seen[key]
        ratio = factor / other
        if ratio.denominator & (ratio.denominator - 1):
            return None
        return Alias(offset - ratio * shift, ratio, first)


def _canonical(row: Row) -> tuple[tuple[object, ...], Fraction, Fraction]:
    """What rows have in common that differ by a factor and an offset, and these: `offset + factor * common`."""
    row = reduced(row)
    weights, bias = row.weights.tolist(), row.bias
    factor, offset = Fraction(1), Fraction(0)
    is_even = row.kind == "abs"
    is_odd = row.kind in ("affine", "sign", "positive") or (row.low is not None and row.high == -row.low)
    if (is_even or is_odd) and weights and weights[0] < 0:
        weights, bias = [-w for w in weights], (1 if row.kind == "positive" else 0) - bias
        if row.kind == "positive":  # not s > 0 is 1 - s > 0 over integers
            offset = Fraction(1)
        if is_odd:
            factor = Fraction(-1)
    scale: object = row.exponent
    if row.kind == "affine":
        offset += factor * Fraction(bias, 1 << row.exponent)
        bias = 0
    if row.kind in ("affine", "abs") or (row.low in (0, None) and row.high in (0, None) and row.kind == "clamp"):
        content = gcd(bias, *weights) or 1
        weights, bias = [w // content for w in weights], bias // content
        factor *= Fraction(content, 1 << row.exponent)
        scale = None
    key = (row.kind, row.low, row.high, scale, row.atoms.tobytes(), tuple(weights), bias)
    return key, factor, offset
