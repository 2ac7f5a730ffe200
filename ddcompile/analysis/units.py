"""The clauses of a tensor as units: every element is an affine form of other elements, or a function of one.

See `ddcompile.analysis.rows` for the functions, and `ddcompile.analysis.linear` for the forms.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import prod
from typing import TypeAlias

import numpy as np

from ddcompile.analysis.exact import LIMIT, Exact, NotExact, bound, shifted
from ddcompile.analysis.linear import Atoms, NotLinear, Reader, is_integral
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.rows import Activation, Row, activation_of
from ddcompile.ir.nodes import Binder, Expr, Reduce, Rule, Statement
from ddcompile.ir.traverse import rename_indices, rewrite
from ddcompile.ir.types import Types

__all__ = ["apart", "unit_rows"]

_MAX_ENTRIES = 2**27


def unit_rows(rule: Rule, types: Types, atoms: Atoms, target: str) -> list[Row] | None:
    """The rows of every element of `target`, row-major; None if some clause is not of this form, or over reals."""
    shapes = tuple(atoms.shape.items())
    known = next((rows for of, own, rows in tuple(_RECENT) if of is types and own == shapes), None)
    if known is None:
        known = {}
        _RECENT.append((types, shapes, known))
    if target not in known:
        known[target] = _rows(rule, types, atoms, target)
    found = known[target]
    return None if found is None else list(found)


_Shapes: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]

_RECENT: deque[tuple[Types, _Shapes, dict[str, list[Row] | None]]] = deque(maxlen=2)
"""The rows of the rules asked for last, by their types: one pass after another asks for those of one rule."""


def _rows(rule: Rule, types: Types, atoms: Atoms, target: str) -> list[Row] | None:
    reals = Reals(types)
    if reals.tensor(target):
        return None
    shape = atoms.shape[target]
    rows: list[Row | None] = [None] * prod(shape)
    for statement in rule.statements:
        if statement.target != target:
            continue
        if reals(statement.value):
            return None
        try:
            found = _clause_rows(rule, types, atoms, statement)
        except (NotLinear, NotExact):
            return None
        for element, row in found:
            rows[element] = row
    return None if any(row is None for row in rows) else [row for row in rows if row is not None]


def apart(statement: Statement) -> Statement:
    """The statement with other names for reductions whose index has another range elsewhere in it."""
    ranges = {b.name: (b.lower, b.upper) for b in statement.binders}

    def step(node: Expr) -> Expr:
        if not isinstance(node, Reduce):
            return node
        names: dict[str, str] = {}
        for b in node.binders:
            name, turn = b.name, 0
            while ranges.setdefault(name, (b.lower, b.upper)) != (b.lower, b.upper):
                name, turn = f"{b.name}'{turn}", turn + 1
            if name != b.name:
                names[b.name] = name
        return rename_indices(node, names) if names else node

    return Statement(statement.target, statement.positions, rewrite(statement.value, step))


def _clause_rows(rule: Rule, types: Types, atoms: Atoms, statement: Statement) -> list[tuple[int, Row]]:
    statement = apart(statement)
    unit = activation_of(statement.value)
    reader = Reader(rule, types, atoms, statement)
    terms = reader.terms(unit.positive)
    if unit.negative is not None:
        terms += [(Exact(-c.values, c.exponent), a) for c, a in reader.terms(unit.negative)]
    places = []
    for position in statement.positions:
        place = reader.index(position.name) if isinstance(position, Binder) else None
        if place is None:
            assert not isinstance(position, Binder)
            value = reader.constant(position)
            if value is None or value.exponent:
                raise NotLinear
            place = value.values
        places.append(place)
    domain = reader.full_shape([b.name for b in statement.binders])
    element = np.zeros(domain, dtype=np.int64)
    for place, extent in zip(places, atoms.shape[statement.target], strict=True):
        element = element * extent + place
    elements = element.ravel()
    exponent = max([c.exponent for c, _ in terms], default=0)
    bias, triples = _gather(reader, terms, domain, exponent)
    numbers = {int(t) for _, atom, _ in triples for t in np.unique(atoms.tensor_of(atom))}
    over_integers = unit.strict or all(is_integral(types, atoms.names[t]) for t in numbers)
    rows = _assemble(unit, triples, bias, exponent, is_inclusive=not over_integers)
    return list(zip(elements.tolist(), rows, strict=True))


def _gather(
    reader: Reader, terms: list[tuple[Exact, np.ndarray | None]], domain: tuple[int, ...], exponent: int
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Biases of all elements, and for each term the (element, atom, weight) triples."""
    count = prod(domain)
    bias = np.zeros(domain, dtype=object)
    triples = []
    numbers = np.arange(count, dtype=np.int64).reshape(domain)
    for coefficient, atom in terms:
        values = shifted(coefficient, exponent)
        if atom is None:
            summed = tuple(range(reader.domain_axes, values.ndim))
            bias = bias + np.asarray(values.astype(object).sum(axis=summed, keepdims=True), dtype=object)
            continue
        shape = np.broadcast_shapes(values.shape, atom.shape, domain)
        if prod(shape) > _MAX_ENTRIES:
            raise NotLinear
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
    unit: Activation,
    triples: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    bias: np.ndarray,
    exponent: int,
    *,
    is_inclusive: bool,
) -> list[Row]:
    count = len(bias)
    empty = np.zeros(0, dtype=np.int64)
    element = np.concatenate([t[0] for t in triples]) if triples else empty
    atom = np.concatenate([t[1] for t in triples]) if triples else empty
    parts = [t[2] for t in triples]
    # Machine words where the sum of the magnitudes of any row fits.
    longest = int(np.bincount(element, minlength=1).max()) if len(element) else 0
    if any(p.dtype == object for p in parts) or sum(bound(p) for p in parts) * max(1, longest) >= LIMIT:
        parts = [p.astype(object) for p in parts]
    weight = np.concatenate(parts) if parts else empty
    steps = np.diff(element)
    if ((steps < 0) | ((steps == 0) & (np.diff(atom) < 0))).any():
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
    shift = 0 if unit.strict or is_inclusive else 1
    kept_exponent = 0 if unit.kind in ("sign", "positive") else exponent
    return [
        Row(unit.kind, atom[a:b], weight[a:b], int(bias[k]) + shift, kept_exponent, unit.low, unit.high, is_inclusive)
        for k, (a, b) in enumerate(pairwise(edges.tolist()))
    ]
