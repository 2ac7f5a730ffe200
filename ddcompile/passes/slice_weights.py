"""Write a sum weighted by a constant table as a few sums over slices.

Before, with `kernel` = 1 in column 3 and -1 in row 3 of a 7 x 7 table, 0 where they cross::

    d = sign(sum(a < 7, b < 7: kernel[a, b] * image[a, b]))

After::

    d = sign(sum(a < 7: image[a, 3]) - sum(b < 7: image[3, b]))

A triangle, a band or a diagonal of one value is a sum whose inner bounds, or whose column, move with the row
(`ddcompile.analysis.runs`); a checkerboard or a ramp is a formula (`ddcompile.analysis.formulas`). Tables that are so
but for a few entries are written with slices for what remains::

    y = sum(i < 7, j < 8: (i + j) % 2 * x[i, j]) - x[2, 6] - 2 * x[5, 3] >= 15

The table may be read at the summed indices (plus offsets) in any order, times anything: the identity
sum_b K[b] R(b) = sum_b F[b] R(b) + sum_k c_k sum_{b in slice k} R(b) does not look at R. Slices come from
`ddcompile.analysis.slices`; the sum is rewritten when the text gets shorter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import lcm, prod
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.formulas import Formula, formulas
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.runs import Run, affine_runs, entries_of, peeled_runs
from ddcompile.analysis.slices import Slice, decompose
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of, simplify
from ddcompile.ir.nodes import Binary, Binder, Constant, Expr, Index, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import free_indices, reads, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.fold import folded
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["SliceWeights"]


_WRITTEN = 3
"""How many places a slice may have that is written out."""

_SPARSE = 4
"""What is written apart from a form of the table has one entry in so many, at most."""

_MOST_FORMULAS = 4
"""How many formulas are tried that leave different entries."""

_MOST_RUNS = 4
"""How many runs a table may become."""

_STRIDES = 2
"""How many slices a formula may be."""

_HUGE = 2**48
"""Entries of tables that are formulas are less."""

_NOTHING = Literal(0)


@dataclass(frozen=True, slots=True)
class SliceWeights(Pass):
    """Write a sum weighted by a constant table as a few sums over slices."""

    name: ClassVar[str] = "slice-weights"
    slices: int = option(8, "how many slices a table may become", high=64)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        tables = {c.name: c for c in rule.constants}
        types = infer(rule)
        reals = Reals(types)
        names = names_of(rule)
        uses = Counter(n.tensor for s in rule.statements for n in reads(s.value) if n.tensor in tables)
        statements = []
        made: list[Constant] = []
        for statement in rule.statements:

            def step(node: Expr, statement: Statement = statement) -> Expr:
                match node:
                    case Reduce("sum", binders, Binary("*", left, right)) if not reals(node):
                        for read, rest in ((left, right), (right, left)):
                            if not isinstance(read, Read) or read.tensor not in tables or read.pad is not None:
                                continue
                            table = tables[read.tensor]
                            part = _part(read, table, binders, self.slices)
                            if part is None:
                                continue
                            price = cost(node) + cost(table) / uses[table.name]
                            for new, residues in _forms(part, binders, rest, self.slices, names.copy()(table.name)):
                                new = folded(statement, new, tables, types)
                                if cost(new) + sum(map(cost, residues)) < price:
                                    made.extend(residues)
                                    names.taken.update(c.name for c in residues)
                                    return new
                return node

            value = rewrite(statement.value, step)
            statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
        if all(a.value is b.value for a, b in zip(statements, rule.statements, strict=True)):
            return unchanged(rule)
        return Rewrite(with_statements(rule, statements, made))


@dataclass(frozen=True, slots=True)
class _Axis:
    """How one axis of a table is read: at `index + offset`; bounds are the first index and the one after the last."""

    name: str
    offset: int
    bounds: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The part of a table that a sum reads, as integers or exact numbers, and how."""

    values: np.ndarray
    axes: list[_Axis]


def _part(read: Read, table: Constant, binders: tuple[Binder, ...], limit: int) -> _Part | None:
    """What a sum reads of a table; None if it is not read at different indices of the sum."""
    bounds = {b.name: box_bounds(b) for b in binders}
    axes: list[_Axis] = []
    for position in read.positions:
        form = affine_of(position)
        if form is None or not form.is_integral or len(form.names) != 1:
            return None
        (name,) = form.names
        bound = bounds.get(name)
        if form.coefficient(name) != 1 or bound is None or any(a.name == name for a in axes):
            return None
        axes.append(_Axis(name, int(form.constant), bound))
    if any(b is None for b in bounds.values()):
        return None
    values = _window(table.values, axes, limit)
    return None if values is None else _Part(values, axes)


def _forms(
    part: _Part, binders: tuple[Binder, ...], rest: Expr, limit: int, name: str
) -> list[tuple[Expr, list[Constant]]]:
    """The sum without its table, and tables of that name for residues; what is best first."""
    values, axes = part.values, part.axes
    rings = [k for k, axis in enumerate(axes) if _is_ring(axis, rest)]
    pieces = decompose(values, limit)
    runs = affine_runs(values, min(limit, _MOST_RUNS), rings, wraps=True)
    found: list[tuple[int, Expr, list[Constant]]] = []

    def add(terms: Sequence[Slice | Run], start: Expr = _NOTHING, tables: Sequence[Constant] = ()) -> None:
        total = _total(terms, axes, binders, rest, start)
        if total is not None:
            # Slices are shared and read further by other passes; what else there is has to be worth it.
            moves = any(isinstance(t, Run) and (t.slopes or None in map(t.count, range(len(axes)))) for t in terms)
            factor = 2 if moves or start != _NOTHING else 1
            found.append((factor * (cost(total) + sum(map(cost, tables))), total, list(tables)))

    if pieces is not None:
        add(_positive_first(pieces))
    if runs is not None:
        add(runs)
    if all(terms is None or len(terms) > 1 for terms in (pieces, runs)):
        for start, tables, left in _by_formulas(part, binders, rest, name):
            pieces = decompose(left, limit - 1)
            if pieces is not None:
                pieces = _positive_first(pieces)
                add(pieces, start, tables)
                strides = decompose(values - left, min(_STRIDES, limit - len(pieces)))
                if strides is not None:
                    add([*_positive_first(strides), *pieces])
        left = values
        peeled: list[Run] = []
        for run in peeled_runs(values, min(limit, _MOST_RUNS), rings, wraps=True):
            peeled.append(run)
            left = left - entries_of(run, values.shape)
            pieces = decompose(left, limit - len(peeled)) if _is_sparse(left) else None
            if pieces is not None:
                add([*peeled, *_positive_first(pieces)])
    return [(total, tables) for _, total, tables in sorted(found, key=lambda f: f[0])]


def _by_formulas(
    part: _Part, binders: tuple[Binder, ...], rest: Expr, name: str
) -> list[tuple[Expr, list[Constant], np.ndarray]]:
    """Sums by formulas of most of a table or of a box of it, tables of that name for residues, and what remains."""
    values = part.values
    scale = lcm(*(v.denominator for v in values.ravel().tolist()))
    if scale * max(map(abs, values.ravel().tolist())) >= _HUGE:
        return []
    found: dict[bytes, tuple[int, int, str, Expr, list[Constant], np.ndarray]] = {}
    whole = (values * scale).astype(np.int64)
    for box in _boxes(values):
        inner = whole[tuple(slice(*ends) for ends in box)]
        axes = [
            replace(axis, bounds=(axis.bounds[0] + first, axis.bounds[0] + end))
            for axis, (first, end) in zip(part.axes, box, strict=True)
        ]
        ends = {axis.name: Binder(axis.name, *map(Literal, axis.bounds)) for axis in axes}
        for formula in formulas(inner, exceptions=inner.size // _SPARSE):
            left = whole.copy()
            left[tuple(slice(*ends) for ends in box)] -= formula.at(np.indices(inner.shape))
            weight, made = _weight(formula, axes, name)
            weight = builder.mul(Fraction(1, scale), weight)
            total = builder.summation([ends.get(b.name, b) for b in binders], builder.mul(weight, rest))
            price = cost(total) + sum(map(cost, made))
            way = int(np.count_nonzero(left)), price, print_expression(total), total, made, left
            found[left.tobytes()] = min(found.get(left.tobytes(), way), way, key=lambda w: w[:3])
    best = sorted(found.values(), key=lambda w: w[:3])[:_MOST_FORMULAS]
    return [(total, made, left if scale == 1 else _exact(left) / scale) for *_, total, made, left in best]


def _boxes(values: np.ndarray) -> set[tuple[tuple[int, int], ...]]:
    """The whole of an array, where it is not 0, and where at least two entries in a row are not."""
    boxes = {tuple((0, n) for n in values.shape)}
    for least in (1, 2):
        counts = ((values != 0).sum(axis=tuple(b for b in range(values.ndim) if b != a)) for a in range(values.ndim))
        places = [np.flatnonzero(count >= least) for count in counts]
        if all(p.size for p in places):
            boxes.add(tuple((int(p[0]), int(p[-1]) + 1) for p in places))
    return boxes


def _weight(formula: Formula, axes: list[_Axis], name: str) -> tuple[Expr, list[Constant]]:
    """An entry by its place, and a table of that name for residues if it needs one."""
    form = Affine.of(formula.constant)
    for axis, slope in zip(axes, formula.slopes, strict=True):
        form += Affine.of(-slope * axis.bounds[0], {axis.name: slope})
    inner = form.to_expr()
    if formula.modulus:
        inner = simplify(Binary("%", inner, Literal(formula.modulus)))
    if not formula.values:
        return builder.add(builder.mul(formula.factor, inner), formula.offset), []
    usual = max(formula.values, key=lambda v: (formula.values.count(v), -v))
    if len(formula.values) - formula.values.count(usual) > 1:
        return Read(name, (inner,)), [Constant.of(name, formula.values)]
    ((residue, value),) = ((r, v) for r, v in enumerate(formula.values) if v != usual)
    return builder.add(builder.mul(value - usual, builder.compare("==", inner, residue)), usual), []


def _is_sparse(values: np.ndarray) -> bool:
    return bool(_SPARSE * np.count_nonzero(values) <= values.size)


def _total(
    parts: Sequence[Slice | Run], axes: list[_Axis], binders: tuple[Binder, ...], rest: Expr, total: Expr
) -> Expr | None:
    """The sum of sums, and of what it begins with; None if a coefficient cannot be written."""
    if not all(builder.has_literal(p.coefficient) for p in parts):
        return None
    for part in parts:
        term = _run_sum(part, axes, binders, rest) if isinstance(part, Run) else _piece_sum(part, axes, binders, rest)
        total = builder.add(total, term)
    return total


def _window(values: np.ndarray, axes: list[_Axis], limit: int) -> np.ndarray | None:
    """The part of the table that the sum reads, as integers or exact numbers."""
    part = []
    for axis, extent in zip(axes, values.shape, strict=True):
        low, high = (end + axis.offset for end in axis.bounds)
        if low < 0 or high > extent or high <= low:
            return None
        part.append(slice(low, high))
    window = values[tuple(part)]
    if window.dtype != np.int64:
        if len(set(window.ravel().tolist())) > limit:
            return None
        return _exact(window)
    return window


def _exact(values: np.ndarray) -> np.ndarray:
    exact = np.empty(values.size, dtype=object)
    exact[:] = [Fraction(v) for v in values.ravel().tolist()]
    return exact.reshape(values.shape)


def _positive_first(pieces: list[Slice]) -> list[Slice]:
    return [p for p in pieces if p.coefficient > 0] + [p for p in pieces if p.coefficient <= 0]


def _is_ring(axis: _Axis, rest: Expr) -> bool:
    """Whether an index counts up to multiples of the length of its range only: it is read in `(i + k) % n` alone."""
    count = axis.bounds[1] - axis.bounds[0]

    def step(node: Expr) -> Expr:
        match node:
            case Binary("%", inner, Literal(int(modulus))):
                form = affine_of(inner)
                if form is not None and form.is_integral and int(form.coefficient(axis.name)) * count % modulus == 0:
                    return substitute(node, {axis.name: Literal(0)})
        return node

    return axis.name not in free_indices(rewrite(rest, step))


def _run_sum(run: Run, axes: list[_Axis], binders: tuple[Binder, ...], rest: Expr) -> Expr:
    """`coefficient * sum(row, low(row) <= column < high(row): rest)`; a line of one column a row is substituted."""
    names = [axes[axis].name for axis in run.order]
    starts = {b.name: bounds[0] for b in binders if (bounds := box_bounds(b)) is not None}
    place = {n: Affine.of(-starts[n], {n: 1}) for n in names}
    kept = [b for b in binders if b.name not in names]
    values: dict[str, Affine] = {}
    wrapped: dict[str, Expr] = {}
    for k, name in enumerate(names):
        low, high = (
            sum(
                (place[n].substitute(values).scale(slope) for n, slope in zip(names, slopes, strict=False)),
                Affine.of(starts[name] + constant),
            )
            for constant, slopes in (run.low[k], run.high[k])
        )
        count = run.count(k)
        if run.order[k] in run.wrapped:
            # Places after the start of the axis, modulo its extent.
            form = low + Affine.of(-starts[name])
            if count is not None and count > 1:
                kept.append(Binder(name, Literal(0), Literal(count)))
                form += Affine.of(0, {name: 1})
            first, end = axes[run.order[k]].bounds
            wrapped[name] = builder.add(builder.mod(form.to_expr(), end - first), first)
        elif count == 1:
            values[name] = low
        elif count is not None and run.order[k] in run.rings and not low.is_constant:
            kept.append(Binder(name, Literal(0), Literal(count)))
            values[name] = low + Affine.of(0, {name: 1})
        else:
            kept.append(Binder(name, low.to_expr(), high.to_expr()))
    coefficient = run.coefficient
    if run.slopes:
        ramp = Affine.of(coefficient)
        for axis, slope in zip(axes, run.slopes, strict=True):
            ramp += Affine.of(-slope * axis.bounds[0], {axis.name: slope})
        coefficient, rest = 1, builder.mul(ramp.to_expr(), rest)
    moved = substitute(rest, {name: form.to_expr() for name, form in values.items()} | wrapped)
    return builder.mul(coefficient, builder.summation(kept, moved))


def _piece_sum(piece: Slice, axes: list[_Axis], binders: tuple[Binder, ...], rest: Expr) -> Expr:
    """`coefficient * sum(slice: rest)`; an axis of one position is substituted."""
    parts = {axis.name: part for axis, part in zip(axes, piece.axes, strict=True)}
    kept = []
    values: dict[str, Expr] = {}
    for binder in binders:
        if binder.name not in parts:
            kept.append(binder)
            continue
        start, count, step = parts[binder.name]
        first = box_bounds(binder)
        assert first is not None
        low = first[0] + start
        if count == 1:
            values[binder.name] = Literal(low)
        elif step == 1:
            kept.append(Binder(binder.name, Literal(low), Literal(low + count)))
        else:
            kept.append(Binder(binder.name, Literal(0), Literal(count)))
            values[binder.name] = builder.add(builder.mul(step, Index(binder.name)), low)
    result = builder.mul(piece.coefficient, builder.summation(kept, substitute(rest, values)))
    if len(parts) < len(binders) or prod(count for _, count, _ in piece.axes) > _WRITTEN:
        return result
    starts = {b.name: bounds[0] for b in binders if (bounds := box_bounds(b)) is not None}
    every = product(*(range(starts[n] + a, starts[n] + a + k * step, step) for n, (a, k, step) in parts.items()))
    places = (dict(zip(parts, map(Literal, point), strict=True)) for point in every)
    terms = (builder.mul(piece.coefficient, substitute(rest, dict(place))) for place in places)
    return min(result, builder.add_all(terms), key=cost)
