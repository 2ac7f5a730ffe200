"""The clause of a family some of whose units are others: what they add to the sum, or what they are, under a condition.

For rows of which the second one counts one element twice, and the third one is something else::

    if i == 2 then x[0, 1] > x[3, 2] else sum(j < 9: x[i, j]) + (if i == 1 then x[1, 4] else 0) >= 5
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.families import fit_free
from ddcompile.analysis.linear import Atoms
from ddcompile.analysis.rows import Row, activated
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Binding, Constant, Expr, Literal, Read
from ddcompile.ir.traverse import postorder, rename_indices
from ddcompile.passes.layers import Names, exact_expression
from ddcompile.passes.moving import family_clause
from ddcompile.passes.offsets import Offset, number_of, offset_of
from ddcompile.passes.orient import has_opposite, negated
from ddcompile.passes.selection import is_at, places_of
from ddcompile.passes.signatures import classes_of

__all__ = ["Build", "Moved", "with_exceptions"]

Build: TypeAlias = Callable[[Offset, Expr], tuple[list[Constant], Expr]]
"""Makes the clause of a family from its offset and what is added to its sum."""

Moved: TypeAlias = Callable[[Sequence[int]], Mapping[int, int]]
"""The weights of a family by atom, at a place."""

_WRITTEN = 24
"""How many operands of one unit are written out at most."""
_CONDITION = 6
"""About what a condition costs besides the places it compares with."""


def with_exceptions(
    rows: Sequence[Row | None],
    odd: Sequence[int],
    binders: Sequence[Binder],
    build: Build,
    moved: Moved,
    atoms: Atoms,
    names: Names,
    stem: str,
) -> tuple[list[Constant], Expr] | None:
    """Constants and the value of a clause for a family and exceptions; None if a number cannot be written.

    Parameters
    ----------
    rows
        Of all units, row-major over the box of the binders, None where there is no unit.
    odd
        Which of them are exceptions.
    build, moved
        What makes the clause of the family, and what the family is at a place.
    """
    places = places_of(binders)
    constants: list[Constant] = []
    whole: dict[int, Expr] = {}
    added: dict[int, Expr] = {}
    usual = next(r for k, r in enumerate(rows) if r is not None and k not in odd)
    for k in odd:
        row = rows[k]
        assert row is not None
        own = names.copy()
        opposite = next((j for j in whole if _is_opposite(rows[j], row)), None)
        if opposite is None:
            tables, value = _unit_value(row, binders, atoms, own, stem)
        else:
            tables, value = [], builder.neg(whole[opposite])
        change = _change(row, usual, moved(places[k]), atoms)
        if change is not None and change[1] + _CONDITION < sum(map(cost, tables)) + cost(value):
            added[k] = change[0]
            continue
        names(stem)
        names.taken |= own.taken
        whole[k] = value
        constants += tables
    offset = offset_of([None if k in whole else r for k, r in enumerate(rows)], binders, names, stem)
    if offset is None:
        return None

    def at(k: int) -> Expr:
        return is_at(places[k], binders)

    def term(k: int, value: Expr) -> Expr:
        less = builder.neg(value)
        if cost(less) < cost(value):
            return builder.neg(builder.conditional(at(k), less, 0))
        return builder.conditional(at(k), value, 0)

    extra = builder.add_all(term(k, e) for k, e in added.items())
    new, value = build(offset, extra)
    for k, unit in reversed(whole.items()):
        value = builder.conditional(at(k), unit, value)
    return constants + new, value


def _is_opposite(one: Row | None, other: Row) -> bool:
    """Whether a unit is the other one times -1."""
    if one is None or one.kind == "positive" or not has_opposite(one):
        return False
    less = negated(one)
    return (
        (less.kind, less.bias, less.low, less.high, less.exponent)
        == (other.kind, other.bias, other.low, other.high, other.exponent)
        and np.array_equal(less.atoms, other.atoms)
        and np.array_equal(less.weights, other.weights)
    )


def _change(row: Row, usual: Row, expected: Mapping[int, int], atoms: Atoms) -> tuple[Expr, int] | None:
    """What a unit adds to the sum that is expected of it, and the price; None if it is another kind of unit."""
    if (row.kind, row.low, row.high, row.exponent) != (usual.kind, usual.low, usual.high, usual.exponent):
        return None
    weights = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    change = {a: weights.get(a, 0) - expected.get(a, 0) for a in sorted({*weights, *expected})}
    change = {a: w for a, w in change.items() if w}
    if len(change) > _WRITTEN:
        return None
    value = _total(change, row.exponent, atoms)
    return value, cost(value) + (0 if number_of(row) == number_of(usual) else _CONDITION)


def _unit_value(
    row: Row, binders: Sequence[Binder], atoms: Atoms, names: Names, stem: str
) -> tuple[list[Constant], Expr]:
    """Constants and the value of one unit: its operands written out, or a sum over a table, whichever is shorter.

    The binders are those around it.
    """
    classes = classes_of(row, atoms)
    (family,) = fit_free([classes], [atoms.shape[n] for n in atoms.names])
    number = exact_expression(number_of(row))
    tables, value = family_clause(row, family, Offset(1, number), (), classes, atoms, names, stem)
    inner = {b.name for n in postorder(value) if isinstance(n, Binding) for b in n.binders}
    around = {b.name for b in binders}
    if not inner.isdisjoint(around):
        free = names.indices(len(inner), avoid=inner | around)
        value = rename_indices(value, dict(zip(sorted(inner), free, strict=True)))
    if len(row.atoms) > _WRITTEN:
        return tables, value
    weights = dict(zip(row.atoms.tolist(), row.weights.tolist(), strict=True))
    written = activated(row, _total(weights, row.exponent, atoms), number)
    return ([], written) if cost(written) < sum(map(cost, tables)) + cost(value) else (tables, value)


def _total(weights: Mapping[int, int], exponent: int, atoms: Atoms) -> Expr:
    """A weighted sum with its operands written out, what is added before what is subtracted."""
    terms = []
    for atom, weight in sorted(weights.items(), key=lambda item: (item[1] < 0, item[0])):
        name, place = atoms.place_of(atom)
        read = Read(name, tuple(map(Literal, place)))
        factor = exact_expression(Fraction(weight, 2**exponent))
        terms.append(builder.mul(factor, read))
    return builder.add_all(terms)
