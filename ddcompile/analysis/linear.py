"""Exact linear forms of tensor elements.

`unit_rows` reads a tensor's clauses as units: every element is an affine form of other elements, or a function of one
(see `ddcompile.analysis.rows`). All arithmetic is on integers: a dyadic rational form is scaled by a power of two,
which thresholds do not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import numpy as np

from ddcompile.analysis.exact import LIMIT, Exact, NotExact, bound, exact_integers, objects, plus, shifted, times
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.rows import Activation, Row, activation_of
from ddcompile.ir.nodes import Binary, Binder, Expr, Index, Literal, Read, Reduce, Rule, Statement, Unary
from ddcompile.ir.traverse import postorder, rename_indices, rewrite
from ddcompile.ir.types import Types

__all__ = ["Atoms", "box_bounds", "is_integral", "unit_rows"]

_MAX_AXES = 28
_MAX_ENTRIES = 2**27


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


def is_integral(types: Types, tensor: str) -> bool:
    """Whether a tensor's elements are integers."""
    value = types.tensor[tensor]
    return value.kind != "real" and value.exponent == 0


def box_bounds(binder: Binder) -> tuple[int, int] | None:
    """The bounds of a binder with literal bounds, else None."""
    match binder:
        case Binder(_, Literal(int() as low), Literal(int() as high)):
            return low, high
    return None


class _NotLinear(Exception):
    """The expression is outside what this analysis reads."""


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
        self.starts: dict[str, np.ndarray] = {}
        self.inside: dict[str, np.ndarray] = {}
        summed = [b for node in postorder(statement.value) if isinstance(node, Reduce) for b in node.binders]
        moving = [b for b in summed if any(isinstance(n, Read) for e in (b.lower, b.upper) for n in postorder(e))]
        for binder in summed:
            if binder in moving:
                self.axis.setdefault(binder.name, len(self.axis))
            else:
                self.bind(binder)
        for binder in dict.fromkeys(moving):
            self.follow(binder)

    def bind(self, binder: Binder) -> None:
        bounds = box_bounds(binder)
        if bounds is None or self.ranges.get(binder.name, bounds) != bounds or bounds[1] < bounds[0]:
            raise _NotLinear
        self.ranges[binder.name] = bounds
        self.axis.setdefault(binder.name, len(self.axis))
        if len(self.axis) > _MAX_AXES:
            raise _NotLinear

    def follow(self, binder: Binder) -> None:
        """Let an index run between entries of tables: over the longest of these ranges, and inside its own."""
        ends = [self.constant(end) for end in (binder.lower, binder.upper)]
        low, high = (np.zeros(0) if e is None or e.exponent else e.values for e in ends)
        if binder.name in self.ranges or not low.dtype == high.dtype == np.int64:
            raise _NotLinear
        counts = high - low
        self.ranges[binder.name] = 0, max(int(counts.max()), 0)
        steps = self.index(binder.name)
        self.inside[binder.name] = (steps < counts).astype(np.int64)
        # Outside, any place of some range does.
        reached = np.broadcast_to(low, counts.shape)[counts > 0][:1].sum()
        self.starts[binder.name] = np.where(steps < counts, low, reached - steps)

    def full_shape(self, names: Sequence[str]) -> tuple[int, ...]:
        shape = [1] * len(self.axis)
        for name in names:
            low, high = self.ranges[name]
            shape[self.axis[name]] = high - low
        return tuple(shape)

    def index(self, name: str) -> np.ndarray:
        low, high = self.ranges[name]
        steps = np.arange(low, high, dtype=np.int64).reshape(self.full_shape([name]))
        return steps + self.starts[name] if name in self.starts else steps

    def constant(self, expr: Expr) -> Exact | None:
        """The value of an expression that reads constants and indices only; None when it reads a tensor."""
        stack: list[Exact] = []
        for node in postorder(expr):
            match node:
                case Literal(value):
                    array, exponent = exact_integers(objects([value]))  # type: ignore[list-item]
                    if bound(array) < LIMIT:
                        array = array.astype(np.int64)
                    stack.append(Exact(array.reshape((1,) * len(self.axis)), exponent))
                case Index(name) if name in self.ranges:
                    stack.append(Exact(self.index(name)))
                case Unary("-", _):
                    stack.append(times(Exact(np.full((1,) * len(self.axis), -1)), stack.pop()))
                case Binary("+" | "-" | "*" | "%" as op, _, _):
                    right, left = stack.pop(), stack.pop()
                    if op == "*":
                        stack.append(times(left, right))
                    elif op == "%":
                        if left.exponent or right.exponent or (right.values <= 0).any():
                            raise _NotLinear
                        stack.append(Exact(left.values % right.values))
                    else:
                        stack.append(plus(left, right, 1 if op == "+" else -1))
                case Read(name, positions, None) if name in self.constants:
                    places = stack[len(stack) - len(positions) :]
                    del stack[len(stack) - len(positions) :]
                    table, exponent = exact_integers(self.constants[name].values)
                    if positions:
                        table = table[tuple(self.in_range(p, n) for p, n in zip(places, table.shape, strict=True))]
                    else:
                        table = table.reshape((1,) * len(self.axis))
                    stack.append(Exact(table, exponent))
                case Read():
                    return None
                case _:
                    raise _NotLinear
        return stack[0]

    @staticmethod
    def in_range(place: Exact, extent: int) -> np.ndarray:
        values = place.values
        if place.exponent or values.dtype == object or (values < 0).any() or (values >= extent).any():
            raise _NotLinear
        return values

    def terms(self, expr: Expr) -> list[tuple[Exact, np.ndarray | None]]:
        """The summands of a linear expression: a coefficient, and the atoms it multiplies or None."""
        one = Exact(np.ones((1,) * len(self.axis), dtype=np.int64))
        work: list[tuple[Expr, Exact, frozenset[str]]] = [(expr, one, frozenset())]
        found: list[tuple[Exact, np.ndarray | None]] = []
        while work:
            node, factor, summed = work.pop()
            match node:
                case Binary("+", left, right):
                    work += [(right, factor, summed), (left, factor, summed)]
                    continue
                case Binary("-", left, right):
                    minus = Exact(-factor.values, factor.exponent)
                    work += [(right, minus, summed), (left, factor, summed)]
                    continue
                case Unary("-", operand):
                    work.append((operand, Exact(-factor.values, factor.exponent), summed))
                    continue
                case Reduce("sum", binders, body):
                    for inside in (self.inside[b.name] for b in binders if b.name in self.inside):
                        factor = times(factor, Exact(inside))
                    work.append((body, factor, summed | {b.name for b in binders}))
                    continue
                case Read(name, positions, pad) if name not in self.constants:
                    found += self.read(name, positions, pad, factor, summed)
                    continue
            value = self.constant(node)
            if value is not None:
                found.append((self.spread(times(factor, value), None, summed), None))
                continue
            match node:
                case Binary("*", left, right):
                    a = self.constant(left)
                    b = self.constant(right) if a is None else None
                    if a is not None:
                        work.append((right, times(factor, a), summed))
                    elif b is not None:
                        work.append((left, times(factor, b), summed))
                    else:
                        raise _NotLinear
                case _:
                    raise _NotLinear
        return found

    def read(
        self, name: str, positions: tuple[Expr, ...], pad: Expr | None, factor: Exact, summed: frozenset[str]
    ) -> list[tuple[Exact, np.ndarray | None]]:
        shape = self.atoms.shape[name]
        atom = np.zeros((1,) * len(self.axis), dtype=np.int64)
        inside = np.ones((1,) * len(self.axis), dtype=bool)
        for position, extent in zip(positions, shape, strict=True):
            place = self.constant(position)
            if place is None or place.exponent or place.values.dtype == object:
                raise _NotLinear
            inside = inside & (place.values >= 0) & (place.values < extent)
            atom = atom * extent + place.values
        found: list[tuple[Exact, np.ndarray | None]] = []
        if not inside.all():
            fill = None if pad is None else self.constant(pad)
            if fill is None:
                raise _NotLinear
            outside = times(times(factor, fill), Exact((~inside).astype(np.int64)))
            found.append((self.spread(outside, None, summed), None))
            factor = times(factor, Exact(inside.astype(np.int64)))
            atom = np.where(inside, atom, 0)
        atom = atom + self.atoms.offset[name]
        found.append((self.spread(factor, atom, summed), atom))
        return found

    def spread(self, factor: Exact, atom: np.ndarray | None, summed: frozenset[str]) -> Exact:
        """Multiply by the trip counts of reductions that neither the coefficient nor the atom depends on."""
        count = 1
        for name in summed:
            axis = self.axis[name]
            if factor.values.shape[axis] == 1 and (atom is None or atom.shape[axis] == 1):
                low, high = self.ranges[name]
                count *= high - low
        if count == 1:
            return factor
        return times(factor, Exact(np.full((1,) * len(self.axis), count, dtype=np.int64)))


def unit_rows(rule: Rule, types: Types, atoms: Atoms, target: str) -> list[Row] | None:
    """The rows of every element of `target`, row-major; None if some clause is not of this form, or over reals."""
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
        except (_NotLinear, NotExact):
            return None
        for element, row in found:
            rows[element] = row
    return None if any(row is None for row in rows) else [row for row in rows if row is not None]


def _apart(statement: Statement) -> Statement:
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
    statement = _apart(statement)
    unit = activation_of(statement.value)
    reader = _Reader(rule, types, atoms, statement)
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
    if not unit.strict:
        # s >= 0 is s + 1 > 0 for integers only.
        numbers = {int(t) for _, atom, _ in triples for t in np.unique(atoms.tensor_of(atom))}
        if not all(is_integral(types, atoms.names[t]) for t in numbers):
            raise _NotLinear
    rows = _assemble(unit, triples, bias, exponent)
    return list(zip(elements.tolist(), rows, strict=True))


def _gather(
    reader: _Reader, terms: list[tuple[Exact, np.ndarray | None]], domain: tuple[int, ...], exponent: int
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
    unit: Activation,
    triples: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    bias: np.ndarray,
    exponent: int,
) -> list[Row]:
    count = len(bias)
    empty = np.zeros(0, dtype=np.int64)
    element = np.concatenate([t[0] for t in triples]) if triples else empty
    atom = np.concatenate([t[1] for t in triples]) if triples else empty
    parts = [t[2] for t in triples]
    if any(p.dtype == object for p in parts) or sum(bound(p) for p in parts) * max(1, len(element)) >= LIMIT:
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
    shift = 0 if unit.strict else 1
    kept_exponent = 0 if unit.kind in ("sign", "positive") else exponent
    return [
        Row(unit.kind, atom[a:b], weight[a:b], int(bias[k]) + shift, kept_exponent, unit.low, unit.high)
        for k, (a, b) in enumerate(pairwise(edges.tolist()))
    ]
