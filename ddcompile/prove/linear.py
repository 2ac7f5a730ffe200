"""Sums of static factors times elements, evaluated with whole arrays: the weights of dense layers.

`sum(i < 28, j < 28: weight[u, i, j] * image[i, j])` costs a few array operations and one dictionary, not 784 rounds of
the stack machine. The result is the same form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ddcompile.ir.nodes import Binary, Expr, Literal, Read, Reduce, Unary
from ddcompile.ir.traverse import free_indices, postorder
from ddcompile.prove.elements import ConstantTable, Rows, Table
from ddcompile.prove.forms import Decline, Form, total
from ddcompile.prove.intervals import Interval, plus, times
from ddcompile.prove.static import SAFE, Static, evaluate, flat_positions, is_static, magnitude, product, scalar

__all__ = ["LinearSum"]

SMALLEST = 12
"""Sums that visibly have fewer terms are left to the stack machine."""

GRID_LIMIT = 1 << 24


@dataclass(frozen=True, slots=True)
class _Term:
    """`factor * element`, or a static number."""

    negative: bool
    factors: tuple[tuple[Expr, ...], ...]
    """Static factors in post-order."""
    read: Read | None
    positions: tuple[tuple[Expr, ...], ...]


@dataclass(slots=True)
class LinearSum:
    """A plan for one `sum` node."""

    names: tuple[str, ...]
    bounds: tuple[tuple[tuple[Expr, ...], tuple[Expr, ...]], ...]
    terms: tuple[_Term, ...]
    fixed: bool
    """Whether the bounds depend on no index outside the sum."""
    _grid: tuple[int, dict[str, Static]] | None = None

    @classmethod
    def of(cls, expr: Reduce, constants: AbstractSet[str]) -> LinearSum | None:
        """Plan a sum, or None if it has another shape or is short."""
        known = dict.fromkeys(constants)
        bounds = [e for b in expr.binders for e in (b.lower, b.upper)]
        if not all(is_static(e, known) for e in bounds) or _visible_size(expr) < SMALLEST:
            return None
        terms: list[_Term] = []
        stack: list[tuple[Expr, bool]] = [(expr.body, False)]
        while stack:
            node, negative = stack.pop()
            match node:
                case Binary("+", left, right):
                    stack += [(left, negative), (right, negative)]
                case Binary("-", left, right):
                    stack += [(left, negative), (right, not negative)]
                case Unary("-", operand):
                    stack.append((operand, not negative))
                case _:
                    term = _term(node, negative, known)
                    if term is None:
                        return None
                    terms.append(term)
        names = tuple(b.name for b in expr.binders)
        orders = tuple((tuple(postorder(b.lower)), tuple(postorder(b.upper))) for b in expr.binders)
        outer = set().union(*(free_indices(e) for e in bounds)) - set(names)
        return cls(names, orders, tuple(terms), not outer)

    def run(
        self,
        env: Mapping[str, int],
        scope: Mapping[str, Table],
        constants: Mapping[str, ConstantTable],
        trace: list[tuple[str, int]] | None,
    ) -> Form | None:
        """The form of the sum, or None where the stack machine has to do it."""
        tables = {name: (t.shape, t.static) for name, t in constants.items()}
        outer = {name: Static(scalar(value)) for name, value in env.items()}
        rows, grid = self._rows(outer, tables)
        indices = {**outer, **grid}
        gathered = _Gather()
        for term in self.terms:
            factors = [evaluate(nodes, indices, tables) for nodes in term.factors]
            if term.negative or not factors:
                factors.append(Static(scalar(-1 if term.negative else 1)))
            factor = reduce(product, factors)
            factor = Static(np.broadcast_to(factor.array, (rows,)), factor.exp)
            if term.read is None:
                gathered.number(factor)
                continue
            table = scope[term.read.tensor]
            if table.pending:
                return None
            positions = [evaluate(nodes, indices, tables) for nodes in term.positions]
            padded = term.read.pad is not None
            flat, inside = flat_positions(positions, table.shape, padded=padded)
            flat, inside = np.broadcast_to(flat, (rows,)), np.broadcast_to(inside, (rows,))
            if padded:
                assert term.read.pad is not None
                pad = evaluate(tuple(postorder(term.read.pad)), indices, tables)
                outside = Static(np.broadcast_to(pad.array, (rows,))[~inside], pad.exp)
                gathered.number(product(Static(factor.array[~inside], factor.exp), outside))
                flat, factor = flat[inside], Static(factor.array[inside], factor.exp)
            if trace is not None:
                trace.extend((term.read.tensor, k) for k in flat.tolist())
            gathered.elements(factor, flat, table)
        return gathered.form()

    def _rows(
        self, outer: Mapping[str, Static], tables: Mapping[str, tuple[tuple[int, ...], Static]]
    ) -> tuple[int, dict[str, Static]]:
        if self._grid is not None:
            return self._grid
        rows = 1
        columns: dict[str, np.ndarray] = {}
        for name, (lower_nodes, upper_nodes) in zip(self.names, self.bounds, strict=True):
            indices = {**outer, **{n: Static(c) for n, c in columns.items()}}
            lower = _column(evaluate(lower_nodes, indices, tables), rows)
            upper = _column(evaluate(upper_nodes, indices, tables), rows)
            counts = np.maximum(upper - lower, 0)
            total = int(counts.sum())
            if total > GRID_LIMIT:
                raise Decline(f"a sum of {total} terms")
            columns = {n: np.repeat(c, counts) for n, c in columns.items()}
            columns[name] = np.repeat(lower - (np.cumsum(counts) - counts), counts) + np.arange(total)
            rows = total
        grid = rows, {n: Static(c) for n, c in columns.items()}
        if self.fixed:
            self._grid = grid
        return grid


def _visible_size(expr: Reduce) -> int:
    """The number of terms as far as literal bounds tell; unknown ranges count as long."""
    size = 1
    for b in expr.binders:
        if isinstance(b.lower, Literal) and isinstance(b.upper, Literal):
            size *= max(0, int(b.upper.value - b.lower.value))
        else:
            size *= SMALLEST
    return size


def _column(value: Static, rows: int) -> np.ndarray:
    if value.exp or value.array.dtype == object:
        raise Decline("a bound that is no small integer")
    return np.broadcast_to(value.array, (rows,)).astype(np.int64)


def _term(node: Expr, negative: bool, constants: Mapping[str, object]) -> _Term | None:
    factors: list[tuple[Expr, ...]] = []
    read: Read | None = None
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Binary) and part.op == "*":
            stack += [part.right, part.left]
        elif is_static(part, constants):
            factors.append(tuple(postorder(part)))
        elif isinstance(part, Read) and read is None:
            if not all(is_static(p, constants) for p in part.positions):
                return None
            if part.pad is not None and not is_static(part.pad, constants):
                return None
            read = part
        else:
            return None
    positions = () if read is None else tuple(tuple(postorder(p)) for p in read.positions)
    return _Term(negative, tuple(factors), read, positions)


class _Gather:
    """Adds up terms of one form."""

    def __init__(self) -> None:
        self._parts: list[Form] = []

    def number(self, values: Static) -> None:
        """Add numbers."""
        self._parts.append(Form({}, _exact_sum(values.array), values.exp))

    def elements(self, factor: Static, flat: np.ndarray, table: Table) -> None:
        """Add `factor[k] * table[flat[k]]`."""
        kept = np.asarray(factor.array != 0)
        if not table.complete() and any(table.forms[k] is None for k in flat[~kept].tolist()):
            raise Decline(f"an undefined element of {table.name} is read")
        factors, flat = factor.array[kept], flat[kept]
        rows = table.rows()
        if rows is not None:
            self._parts.append(_weighted(rows, factors, flat, factor.exp))
            return
        terms: dict[int, int] = {}
        const, exp = 0, 0
        span: Interval = (0, 0)
        forms = [table.forms[k] for k in flat.tolist()]
        for form in forms:
            if form is None:
                raise Decline(f"an undefined element of {table.name} is read")
            exp = max(exp, form.exp)
        for number, form in zip(factors.tolist(), forms, strict=True):
            assert form is not None
            number <<= exp - form.exp
            const += number * form.const
            span = plus(span, times(form.span, (number, number)))
            for v, c in form.terms.items():
                terms[v] = terms.get(v, 0) + number * c
        self._parts.append(Form({v: c for v, c in terms.items() if c}, const, factor.exp + exp, *span))

    def form(self) -> Form:
        """The sum of all terms."""
        return total(self._parts)


def _weighted(rows: Rows, factors: np.ndarray, flat: np.ndarray, exp: int) -> Form:
    """The sum of `factors[k] * form[flat[k]]`, divided by `2**exp`; no factor is 0."""
    if factors.dtype != object and magnitude(factors) * max(rows.most, 1) >= SAFE:
        factors = factors.astype(object)
    places, repeated = flat, factors
    if not rows.are_terms:
        counts = rows.start[flat + 1] - rows.start[flat]
        ends = np.cumsum(counts)
        places = np.arange(int(counts.sum())) + np.repeat(rows.start[flat] - (ends - counts), counts)
        repeated = np.repeat(factors, counts)
    scaled = repeated * rows.factor[places]
    const = _dot(factors, rows.const[flat])
    is_positive = np.asarray(factors > 0).astype(bool)
    low, high = rows.low[flat], rows.high[flat]
    has_low, has_high = rows.has_low[flat], rows.has_high[flat]
    has_least = np.where(is_positive, has_low, has_high).all()
    has_most = np.where(is_positive, has_high, has_low).all()
    least = _dot(factors, np.where(is_positive, low, high)) if has_least else None
    most = _dot(factors, np.where(is_positive, high, low)) if has_most else None
    return Form(_collect(rows.variable[places].tolist(), scaled.tolist()), const, exp + rows.exp, least, most)


def _collect(variables: Sequence[int], factors: Sequence[int]) -> dict[int, int]:
    terms = dict(zip(variables, factors, strict=True))
    if len(terms) != len(variables):
        terms = dict.fromkeys(variables, 0)
        for v, c in zip(variables, factors, strict=True):
            terms[v] += c
        return {v: c for v, c in terms.items() if c}
    return terms


def _dot(factors: np.ndarray, values: np.ndarray) -> int:
    """The exact sum of products, each of which fits the type of the factors."""
    return _exact_sum(np.asarray(factors * values)) if values.any() else 0


def _exact_sum(array: np.ndarray) -> int:
    if array.dtype != object and magnitude(array) * max(array.size, 1) >= SAFE:
        array = array.astype(object)
    return int(array.sum()) if array.size else 0
