"""Exact linear forms of tensor elements.

`unit_rows` reads a tensor's clauses as units: every element is an affine form of other elements, or the sign of one,
or the bit that says whether one is positive. All arithmetic is on integers: a dyadic rational form is scaled by a power
of two, which thresholds do not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Literal as OneOf

import numpy as np

from ddcompile.ir.nodes import Binary, Binder, Compare, Expr, Index, Literal, Read, Reduce, Rule, Statement, Unary
from ddcompile.ir.traverse import postorder, substitute
from ddcompile.ir.types import Types

__all__ = ["Atoms", "Row", "RowKind", "box_bounds", "exact_integers", "unit_rows"]

RowKind = OneOf["affine", "sign", "positive"]
_LIMIT = 2**62
_MAX_AXES = 28
_MAX_ENTRIES = 2**27


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One element: `weights . x + bias` over atoms `x`, its sign, or whether it is positive.

    An affine row's value is scaled: divide by `2 ** exponent`. Atoms are sorted and distinct, weights are not zero.
    """

    kind: RowKind
    atoms: np.ndarray
    weights: np.ndarray
    bias: int
    exponent: int = 0


class Atoms:
    """Numbers the elements of inputs and statement tensors, tensor after tensor, row-major inside each."""

    def __init__(self, shape: dict[str, tuple[int, ...]]) -> None:
        self.names = tuple(shape)
        self.shape = shape
        self.offset: dict[str, int] = {}
        total = 0
        for name in self.names:
            self.offset[name] = total
            total += prod(self.shape[name])
        self.count = total
        self._starts = np.array([self.offset[n] for n in self.names], dtype=np.int64)

    @classmethod
    def of_rule(cls, rule: Rule, types: Types) -> Atoms:
        """The atoms of a rule: inputs, then statement tensors in the order of the text."""
        names = dict.fromkeys([*(d.name for d in rule.inputs), *(s.target for s in rule.statements)])
        return cls({name: types.shape[name] for name in names})

    def tensor_of(self, atoms: np.ndarray) -> np.ndarray:
        """The position in `names` of each atom's tensor."""
        return np.searchsorted(self._starts, atoms, side="right") - 1

    def slice(self, name: str) -> slice:
        """The range of atoms of one tensor."""
        start = self.offset[name]
        return slice(start, start + prod(self.shape[name]))


@dataclass(frozen=True, slots=True, eq=False)
class _Exact:
    """`values * 2 ** -exponent`, an array with one axis for every index in scope of the statement."""

    values: np.ndarray
    exponent: int = 0


class _NotLinear(Exception):
    """The expression is outside what this analysis reads."""


def exact_integers(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Split exact numbers into integers and one exponent: `array == integers * 2 ** -exponent`."""
    if array.dtype == np.int64:
        return array, 0
    if array.dtype == np.float64:
        mantissa, power = np.frexp(array)
        whole = np.ldexp(mantissa, 53).astype(np.int64)
        nonzero = whole != 0
        if not nonzero.any():
            return whole, 0
        zeros = np.zeros_like(whole)
        low = whole & -whole
        zeros[nonzero] = np.log2(low[nonzero].astype(np.float64)).astype(np.int64)
        whole >>= zeros
        power = power.astype(np.int64) - 53 + zeros
        least = int(min(power[nonzero].min(), 0))
        shift = np.where(nonzero, power - least, 0)
        width = np.where(nonzero, np.frexp(np.abs(whole).astype(np.float64))[1], 0)
        if int((shift + width).max()) < 62:
            return whole << shift, -least
        flat = [int(w) << int(s) for w, s in zip(whole.ravel(), shift.ravel(), strict=True)]
        return _objects(flat).reshape(array.shape), -least
    exponent = 0
    for value in array.flat:
        denominator = Fraction(value).denominator
        if denominator & (denominator - 1):
            raise _NotLinear
        exponent = max(exponent, denominator.bit_length() - 1)
    return _objects([int(Fraction(v) * 2**exponent) for v in array.flat]).reshape(array.shape), exponent


def _objects(values: Sequence[int]) -> np.ndarray:
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def _bound(array: np.ndarray) -> int:
    return int(np.abs(array).max()) if array.size else 0


def _times(a: _Exact, b: _Exact) -> _Exact:
    x, y = a.values, b.values
    if (x.dtype == object or y.dtype == object or _bound(x) * _bound(y) >= _LIMIT) and x.dtype != object:
        x = x.astype(object)
    return _Exact(np.asarray(x * y), a.exponent + b.exponent)


def _plus(a: _Exact, b: _Exact, sign: int) -> _Exact:
    exponent = max(a.exponent, b.exponent)
    x, y = _shifted(a, exponent), _shifted(b, exponent)
    if x.dtype != y.dtype or _bound(x) + _bound(y) >= _LIMIT:
        x, y = x.astype(object), y.astype(object)
    return _Exact(np.asarray(x + sign * y), exponent)


def _shifted(a: _Exact, exponent: int) -> np.ndarray:
    shift = exponent - a.exponent
    if shift == 0:
        return a.values
    if a.values.dtype == object or _bound(a.values) << shift >= _LIMIT:
        return np.asarray(a.values.astype(object) * (1 << shift))
    return np.asarray(a.values << shift)


def box_bounds(binder: Binder) -> tuple[int, int] | None:
    """The bounds of a binder with literal bounds, else None."""
    match binder:
        case Binder(_, Literal(int() as low), Literal(int() as high)):
            return low, high
    return None


class _Reader:
    """Reads one statement: the axes in scope and the tables of the rule."""

    def __init__(self, rule: Rule, types: Types, atoms: Atoms, statement: Statement) -> None:
        self.atoms = atoms
        self.constants = {c.name: c for c in rule.constants}
        self.ranges: dict[str, tuple[int, int]] = {}
        self.axis: dict[str, int] = {}
        for binder in statement.binders:
            self.bind(binder)
        self.domain_axes = len(self.axis)
        for node in postorder(statement.value):
            if isinstance(node, Reduce):
                for binder in node.binders:
                    self.bind(binder)

    def bind(self, binder: Binder) -> None:
        bounds = box_bounds(binder)
        if bounds is None or self.ranges.get(binder.name, bounds) != bounds or bounds[1] < bounds[0]:
            raise _NotLinear
        self.ranges[binder.name] = bounds
        self.axis.setdefault(binder.name, len(self.axis))
        if len(self.axis) > _MAX_AXES:
            raise _NotLinear

    def full_shape(self, names: Sequence[str]) -> tuple[int, ...]:
        shape = [1] * len(self.axis)
        for name in names:
            low, high = self.ranges[name]
            shape[self.axis[name]] = high - low
        return tuple(shape)

    def index(self, name: str) -> np.ndarray:
        low, high = self.ranges[name]
        return np.arange(low, high, dtype=np.int64).reshape(self.full_shape([name]))

    def constant(self, expr: Expr) -> _Exact | None:
        """The value of an expression that reads constants and indices only; None when it reads a tensor."""
        stack: list[_Exact] = []
        for node in postorder(expr):
            match node:
                case Literal(value):
                    array, exponent = exact_integers(_objects([value]))  # type: ignore[list-item]
                    if _bound(array) < _LIMIT:
                        array = array.astype(np.int64)
                    stack.append(_Exact(array.reshape((1,) * len(self.axis)), exponent))
                case Index(name):
                    stack.append(_Exact(self.index(name)))
                case Unary("-", _):
                    stack.append(_times(_Exact(np.full((1,) * len(self.axis), -1)), stack.pop()))
                case Binary("+" | "-" | "*" | "%" as op, _, _):
                    right, left = stack.pop(), stack.pop()
                    if op == "*":
                        stack.append(_times(left, right))
                    elif op == "%":
                        if left.exponent or right.exponent or (right.values <= 0).any():
                            raise _NotLinear
                        stack.append(_Exact(left.values % right.values))
                    else:
                        stack.append(_plus(left, right, 1 if op == "+" else -1))
                case Read(name, positions, None) if name in self.constants:
                    places = stack[len(stack) - len(positions) :]
                    del stack[len(stack) - len(positions) :]
                    table, exponent = exact_integers(self.constants[name].values)
                    if positions:
                        table = table[tuple(self.in_range(p, n) for p, n in zip(places, table.shape, strict=True))]
                    else:
                        table = table.reshape((1,) * len(self.axis))
                    stack.append(_Exact(table, exponent))
                case Read():
                    return None
                case _:
                    raise _NotLinear
        return stack[0]

    @staticmethod
    def in_range(place: _Exact, extent: int) -> np.ndarray:
        values = place.values
        if place.exponent or values.dtype == object or (values < 0).any() or (values >= extent).any():
            raise _NotLinear
        return values

    def terms(self, expr: Expr) -> list[tuple[_Exact, np.ndarray | None]]:
        """The summands of a linear expression: a coefficient, and the atoms it multiplies or None."""
        one = _Exact(np.ones((1,) * len(self.axis), dtype=np.int64))
        work: list[tuple[Expr, _Exact, frozenset[str]]] = [(expr, one, frozenset())]
        found: list[tuple[_Exact, np.ndarray | None]] = []
        while work:
            node, factor, summed = work.pop()
            match node:
                case Binary("+", left, right):
                    work += [(right, factor, summed), (left, factor, summed)]
                    continue
                case Binary("-", left, right):
                    minus = _Exact(np.asarray(-factor.values), factor.exponent)
                    work += [(right, minus, summed), (left, factor, summed)]
                    continue
                case Unary("-", operand):
                    work.append((operand, _Exact(np.asarray(-factor.values), factor.exponent), summed))
                    continue
                case Reduce("sum", binders, body):
                    work.append((body, factor, summed | {b.name for b in binders}))
                    continue
                case Read(name, positions, pad) if name not in self.constants:
                    found += self.read(name, positions, pad, factor, summed)
                    continue
            value = self.constant(node)
            if value is not None:
                found.append((self.spread(_times(factor, value), None, summed), None))
                continue
            match node:
                case Binary("*", left, right):
                    a = self.constant(left)
                    b = self.constant(right) if a is None else None
                    if a is not None:
                        work.append((right, _times(factor, a), summed))
                    elif b is not None:
                        work.append((left, _times(factor, b), summed))
                    else:
                        raise _NotLinear
                case _:
                    raise _NotLinear
        return found

    def read(
        self, name: str, positions: tuple[Expr, ...], pad: Expr | None, factor: _Exact, summed: frozenset[str]
    ) -> list[tuple[_Exact, np.ndarray | None]]:
        shape = self.atoms.shape[name]
        atom = np.zeros((1,) * len(self.axis), dtype=np.int64)
        inside = np.ones((1,) * len(self.axis), dtype=bool)
        for position, extent in zip(positions, shape, strict=True):
            place = self.constant(position)
            if place is None or place.exponent or place.values.dtype == object:
                raise _NotLinear
            inside = inside & (place.values >= 0) & (place.values < extent)
            atom = atom * extent + place.values
        found: list[tuple[_Exact, np.ndarray | None]] = []
        if not inside.all():
            fill = None if pad is None else self.constant(pad)
            if fill is None:
                raise _NotLinear
            outside = _times(_times(factor, fill), _Exact((~inside).astype(np.int64)))
            found.append((self.spread(outside, None, summed), None))
            factor = _times(factor, _Exact(inside.astype(np.int64)))
            atom = np.where(inside, atom, 0)
        atom = atom + self.atoms.offset[name]
        found.append((self.spread(factor, atom, summed), atom))
        return found

    def spread(self, factor: _Exact, atom: np.ndarray | None, summed: frozenset[str]) -> _Exact:
        """Multiply by the trip counts of reductions that neither the coefficient nor the atom depends on."""
        count = 1
        for name in summed:
            axis = self.axis[name]
            if factor.values.shape[axis] == 1 and (atom is None or atom.shape[axis] == 1):
                low, high = self.ranges[name]
                count *= high - low
        if count == 1:
            return factor
        return _times(factor, _Exact(np.full((1,) * len(self.axis), count, dtype=np.int64)))


def unit_rows(rule: Rule, types: Types, atoms: Atoms, target: str) -> list[Row] | None:
    """The rows of every element of `target`, row-major; None if some clause is not of this form."""
    shape = atoms.shape[target]
    rows: list[Row | None] = [None] * prod(shape)
    for statement in rule.statements:
        if statement.target != target:
            continue
        try:
            found = _clause_rows(rule, types, atoms, statement)
        except _NotLinear:
            return None
        for element, row in found:
            rows[element] = row
    return None if any(row is None for row in rows) else [row for row in rows if row is not None]


def _clause_rows(rule: Rule, types: Types, atoms: Atoms, statement: Statement) -> list[tuple[int, Row]]:
    kind, positive, negative, strict = _activation(statement.value)
    reader = _Reader(rule, types, atoms, statement)
    terms = reader.terms(positive)
    if negative is not None:
        terms += [(_Exact(np.asarray(-c.values), c.exponent), a) for c, a in reader.terms(negative)]
    places = []
    for position in statement.positions:
        place = reader.index(position.name) if isinstance(position, Binder) else None
        if place is None:
            assert not isinstance(position, Binder)
            value = reader.constant(position)
            if value is None or value.exponent:
                raise _NotLinear
            place = value.values
        places.append(place)
    domain = reader.full_shape([b.name for b in statement.binders])
    element = np.zeros(domain, dtype=np.int64)
    for place, extent in zip(places, atoms.shape[statement.target], strict=True):
        element = element * extent + place
    elements = element.ravel()
    exponent = max([c.exponent for c, _ in terms], default=0)
    bias, triples = _gather(reader, terms, domain, exponent)
    rows = _assemble(kind, triples, bias, exponent, strict)
    return list(zip(elements.tolist(), rows, strict=True))


def _activation(value: Expr) -> tuple[RowKind, Expr, Expr | None, bool]:
    """Split a clause into its kind and the two sides whose difference decides it."""
    match value:
        case Unary("sign", operand):
            return "sign", operand, None, True
        case Compare((">" | ">=" as op,), (left, right)):
            return "positive", left, right, op == ">"
        case Compare(("<" | "<=" as op,), (left, right)):
            return "positive", right, left, op == "<"
        case Reduce("argmax", (binder,), body) if box_bounds(binder) == (0, 2):
            return "positive", _at(body, binder.name, 1), _at(body, binder.name, 0), True
    return "affine", value, None, True


def _at(body: Expr, name: str, value: int) -> Expr:
    return substitute(body, {name: Literal(value)})


def _gather(
    reader: _Reader, terms: list[tuple[_Exact, np.ndarray | None]], domain: tuple[int, ...], exponent: int
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Biases of all elements, and for each term the (element, atom, weight) triples."""
    count = prod(domain)
    bias = np.zeros(domain, dtype=object)
    triples = []
    numbers = np.arange(count, dtype=np.int64).reshape(domain)
    for coefficient, atom in terms:
        values = _shifted(coefficient, exponent)
        if atom is None:
            summed = tuple(range(reader.domain_axes, values.ndim))
            bias = bias + np.asarray(values.astype(object).sum(axis=summed, keepdims=True), dtype=object)
            continue
        shape = np.broadcast_shapes(values.shape, atom.shape, domain)
        if prod(shape) > _MAX_ENTRIES:
            raise _NotLinear
        weights = np.broadcast_to(values, shape).ravel()
        keep = np.flatnonzero(weights != 0)
        triples.append(
            (
                np.broadcast_to(numbers, shape).ravel()[keep],
                np.broadcast_to(atom, shape).ravel()[keep],
                weights[keep],
            )
        )
    return np.broadcast_to(bias, domain).ravel(), triples


def _assemble(
    kind: RowKind,
    triples: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    bias: np.ndarray,
    exponent: int,
    strict: bool,
) -> list[Row]:
    count = len(bias)
    empty = np.zeros(0, dtype=np.int64)
    element = np.concatenate([t[0] for t in triples]) if triples else empty
    atom = np.concatenate([t[1] for t in triples]) if triples else empty
    parts = [t[2] for t in triples]
    if any(p.dtype == object for p in parts) or sum(_bound(p) for p in parts) * max(1, len(element)) >= _LIMIT:
        parts = [p.astype(object) for p in parts]
    weight = np.concatenate(parts) if parts else empty
    order = np.lexsort((atom, element))
    element, atom, weight = element[order], atom[order], weight[order]
    if len(element):
        first = np.flatnonzero(np.r_[True, (np.diff(element) != 0) | (np.diff(atom) != 0)])
        if len(first) != len(element):
            weight = np.add.reduceat(weight, first)
            element, atom = element[first], atom[first]
            keep = np.flatnonzero(weight != 0)
            element, atom, weight = element[keep], atom[keep], weight[keep]
    edges = np.searchsorted(element, np.arange(count + 1))
    # Over integers s >= 0 is s + 1 > 0.
    shift = 0 if strict else 1
    kept_exponent = exponent if kind == "affine" else 0
    return [
        Row(kind, atom[a:b], weight[a:b], int(bias[k]) + shift, kept_exponent)
        for k, (a, b) in enumerate(pairwise(edges.tolist()))
    ]
