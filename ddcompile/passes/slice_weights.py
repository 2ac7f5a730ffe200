"""Write a sum weighted by a constant table as a few sums over slices.

Before, with `kernel` = 1 in column 3 and -1 in row 3 of a 7 x 7 table, 0 where they cross::

    d = sign(sum(a < 7, b < 7: kernel[a, b] * image[a, b]))

After::

    d = sign(sum(a < 7: image[a, 3]) - sum(b < 7: image[3, b]))

A triangle, a band or a diagonal of one value is a sum whose inner bounds, or whose column, move with the row
(`ddcompile.analysis.runs`). The table may be read at the summed indices (plus offsets) in any order, times anything:
the identity sum_b K[b] R(b) = sum_k c_k sum_{b in slice k} R(b) does not look at R. Slices come from
`ddcompile.analysis.slices`; the sum is rewritten when the text gets shorter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.analysis.formulas import formulas
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.runs import Run, affine_runs
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
                            new = _sliced(part, binders, rest, self.slices)
                            new = None if new is None else folded(statement, new, tables, types)
                            if new is not None and cost(new) < price:
                                return new
                            formula = _formula(part, names.copy()(table.name))
                            if formula is None:
                                continue
                            weight, residues = formula
                            new = builder.summation(binders, builder.mul(weight, rest))
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


def _formula(part: _Part, name: str) -> tuple[Expr, list[Constant]] | None:
    """The cheapest formula of a table, with a table of that name for residues if it needs one."""
    found: list[tuple[Expr, list[Constant]]] = []
    for formula in formulas(part.values):
        form = Affine.of(formula.constant)
        for axis, slope in zip(part.axes, formula.slopes, strict=True):
            form += Affine.of(-slope * axis.bounds[0], {axis.name: slope})
        inner = form.to_expr()
        if formula.modulus:
            inner = simplify(Binary("%", inner, Literal(formula.modulus)))
        if formula.values:
            table = Constant.of(name, formula.values)
            found.append((Read(name, (inner,)), [table]))
        else:
            found.append((builder.add(builder.mul(formula.factor, inner), formula.offset), []))
    return min(found, key=lambda f: (cost(f[0]) + sum(map(cost, f[1])), print_expression(f[0])), default=None)


def _sliced(part: _Part, binders: tuple[Binder, ...], rest: Expr, limit: int) -> Expr | None:
    """The sum over slices; None if there is no short form."""
    values, axes = part.values, part.axes
    pieces = decompose(values, limit)
    rings = [k for k, axis in enumerate(axes) if _is_ring(axis, rest)]
    runs = affine_runs(values, rings=rings)
    slices = None if pieces is None else _total(_positive_first(pieces), axes, binders, rest)
    moving = None if runs is None else _total(runs, axes, binders, rest)
    if runs is None or moving is None or slices is None:
        return moving or slices
    # Slices are shared and read further by other passes; bounds that move have to be worth it.
    factor = 1 if all(run.count(k) for run in runs for k in range(len(axes))) else 2
    return moving if factor * cost(moving) < cost(slices) else slices


def _total(
    parts: Sequence[Slice] | Sequence[Run], axes: list[_Axis], binders: tuple[Binder, ...], rest: Expr
) -> Expr | None:
    """The sum of sums; None if a coefficient cannot be written."""
    if not all(builder.has_literal(p.coefficient) for p in parts):
        return None
    total: Expr = Literal(0)
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
        exact = np.empty(window.size, dtype=object)
        exact[:] = [Fraction(v) for v in window.ravel().tolist()]
        return exact.reshape(window.shape)
    return window


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
    for k, name in enumerate(names):
        low, high = (
            sum(
                (place[n].substitute(values).scale(slope) for n, slope in zip(names, slopes, strict=False)),
                Affine.of(starts[name] + constant),
            )
            for constant, slopes in (run.low[k], run.high[k])
        )
        count = run.count(k)
        if count == 1:
            values[name] = low
        elif count is not None and run.order[k] in run.rings and not low.is_constant:
            kept.append(Binder(name, Literal(0), Literal(count)))
            values[name] = low + Affine.of(0, {name: 1})
        else:
            kept.append(Binder(name, low.to_expr(), high.to_expr()))
    moved = substitute(rest, {name: form.to_expr() for name, form in values.items()})
    return builder.mul(run.coefficient, builder.summation(kept, moved))


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
