"""Short expressions of functions of a few small integers, such as counts of interchangeable inputs.

A function is given by its table over all values of its inputs. When its value depends on one sum of the inputs with
small weights, it is a function of one number, and that is written as a comparison, an interval, or a residue:
`s >= 3`, `s == 2`, `5 <= 2 * count - cell <= 7`, `total % 3 == 1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import gcd

import numpy as np

from ddcompile.analysis.comparisons import normal_comparison
from ddcompile.analysis.cost import cost
from ddcompile.analysis.levels import joined_levels
from ddcompile.ir import builder
from ddcompile.ir.nodes import Compare, Expr, Literal
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import chain_operands

__all__ = ["MOST_ROWS", "least_of_counts", "of_used_inputs"]

MOST_ROWS = 1 << 12
"""Most rows of a table."""
_WIDEST = 1 << 40
"""Inputs with values further apart are not looked at."""
_MOST_INPUTS = 4
_WEIGHTS = (1, 2, 3, -1, -2, -3)
_MOST_DERIVED = 12
"""Most weights that come from where the table changes."""
_MOST_MODULUS = 16


def least_of_counts(ranges: Sequence[range], table: np.ndarray, inputs: Sequence[Expr], limit: int) -> Expr | None:
    """The cheapest expression found for a function of integers with values 0 and 1, cheaper than `limit`.

    Parameters
    ----------
    ranges
        The values of each input; together at most MOST_ROWS combinations.
    table
        0 or 1 for all combinations: an array with an axis for each input.
    inputs
        The expressions of the inputs. All of them matter.
    """
    if not 0 < len(ranges) <= _MOST_INPUTS or table.size > MOST_ROWS or any(len(r) * r.step >= _WIDEST for r in ranges):
        return None
    best = _least_of_sum(ranges, table, inputs, limit)
    for axis in (k for k, r in enumerate(ranges) if r == range(2) and len(ranges) > 1):
        found = _either(axis, ranges, table, inputs, limit if best is None else cost(best))
        best = best if found is None else found
    return best


def of_used_inputs(table: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """A table without the axes of inputs that do not matter, and the other axes."""
    kept = list(range(table.ndim))
    for axis in reversed(kept.copy()):
        if (table == table.take([0], axis=axis)).all():
            table = np.asarray(table.take(0, axis=axis))
            del kept[axis]
    return table, kept


def _either(axis: int, ranges: Sequence[range], table: np.ndarray, inputs: Sequence[Expr], limit: int) -> Expr | None:
    """A function of a bit and other integers as one of two functions of the others, in less than `limit`."""
    halves: list[Expr] = []
    beside = min(cost(inputs[axis]), cost(builder.negate(inputs[axis]))) + 1
    for value in (1, 0):
        half, used = of_used_inputs(table.take(value, axis=axis))
        others = [k for k in range(len(ranges)) if k != axis]
        kept = [others[k] for k in used]
        found: Expr | None = Literal(int(half.item())) if not kept else None
        if kept:
            found = least_of_counts([ranges[k] for k in kept], half, [inputs[k] for k in kept], limit - beside)
        if found is None:
            return None
        halves.append(found)
    match halves:
        case Literal(0), other:
            found = builder.conj(builder.negate(inputs[axis]), *chain_operands("and", other))
        case Literal(1), other:
            found = builder.disj(inputs[axis], *chain_operands("or", other))
        case other, Literal(0):
            found = builder.conj(inputs[axis], *chain_operands("and", other))
        case other, Literal(1):
            found = builder.disj(builder.negate(inputs[axis]), *chain_operands("or", other))
        case then, otherwise:
            found = builder.conditional(inputs[axis], then, otherwise)
    return found if found is not None and cost(found) < limit else None


def _least_of_sum(ranges: Sequence[range], table: np.ndarray, inputs: Sequence[Expr], limit: int) -> Expr | None:
    """The cheapest function of one sum of the inputs."""
    flat = table.ravel().astype(bool)
    if flat.all() or not flat.any():
        return builder.expr_of(int(flat[0]))
    if sum(map(cost, inputs)) + len(inputs) >= limit:
        return None  # every input is written
    # Above the least ones, which may be beyond words.
    values = [v.ravel() for v in np.meshgrid(*(r.step * np.arange(len(r)) for r in ranges), indexing="ij")]
    best = limit, 0
    chosen: Expr | None = None
    least = sum(map(cost, inputs)) + len(inputs) - 1
    for weights in _weights(ranges, table):
        size = sum(map(abs, weights))
        if (least + 2 * sum(abs(w) != 1 for w in weights), size) > best:
            continue
        total = sum(w * v for w, v in zip(weights, values, strict=True))
        levels, place = np.unique(total, return_inverse=True)
        hits = np.bincount(place, weights=flat)
        if ((hits > 0) & (hits < np.bincount(place))).any():
            continue
        base = sum(w * r.start for w, r in zip(weights, ranges, strict=True))
        for sign in (1, -1) if len(ranges) > 1 else (1,):
            terms = [(sign * w, x) for w, x in zip(weights, inputs, strict=True)]
            sums = [sign * (base + level) for level in levels.tolist()[::sign]]
            for expr in _of_one(sums, (hits > 0)[::sign].tolist(), terms):
                rank = cost(expr), size
                comes_first = chosen is not None and rank == best and print_expression(expr) < print_expression(chosen)
                if rank < best or comes_first:
                    best, chosen = rank, expr
    return chosen


def _weights(ranges: Sequence[range], table: np.ndarray) -> Iterator[tuple[int, ...]]:
    """Small weights, and for inputs beside others those by which they may move a bound of another input."""
    if len(ranges) == 1:
        yield (1,)
        return
    found: set[int] = set()
    for axis in range(len(ranges)):
        others = tuple(k for k in range(len(ranges)) if k != axis)
        changes = np.flatnonzero(np.diff(table.astype(np.int8), axis=axis).any(axis=others))
        found |= {int(abs(a - b)) for a in changes[:_MOST_DERIVED] for b in changes[:_MOST_DERIVED]}
    derived = sorted(found - {0, *_WEIGHTS})[: _MOST_DERIVED if len(ranges) <= 3 else 0]
    choices = (*_WEIGHTS, *derived, *(-d for d in derived))
    fitting = {
        (a, b): {
            (v, w)
            for v, w in product(choices, repeat=2)
            if _is_kept(table, (a, b), (v * ranges[a].step, w * ranges[b].step))
        }
        for a, b in combinations(range(len(ranges)), 2)
    }
    for weights in product(choices, repeat=len(ranges)):
        if weights[0] > 0 and gcd(*weights) == 1 and all((weights[a], weights[b]) in fitting[a, b] for a, b in fitting):
            yield weights


def _is_kept(table: np.ndarray, axes: tuple[int, int], steps: tuple[int, int]) -> bool:
    """Whether a table stays as it is along two axes where the sum of these two inputs, an element a step, does."""
    common = gcd(*steps)
    moves = steps[1] // common, -steps[0] // common
    here: list[slice] = [slice(None)] * table.ndim
    there = here.copy()
    for axis, move in zip(axes, moves, strict=True):
        here[axis], there[axis] = (
            slice(max(-move, 0), -move if move > 0 else None),
            slice(max(move, 0), move if move < 0 else None),
        )
    return bool((table[tuple(here)] == table[tuple(there)]).all())


def _of_one(levels: list[int], hits: list[bool], terms: Sequence[tuple[int, Expr]]) -> Iterator[Expr]:
    """Ways to write a function of one sum; between the values that it takes, bounds are free."""
    form = _sum(sorted(terms, key=lambda term: term[0] < 0))
    edges = [k for k in range(1, len(levels)) if hits[k] != hits[k - 1]]
    if len(edges) == 1:
        low, high = levels[edges[0] - 1], levels[edges[0]]
        op, bounds = (">=", range(low + 1, high + 1)) if hits[-1] else ("<=", range(low, high))
        for bound in _plainest(bounds):
            comparison = builder.compare(">=" if op == ">=" else "<=", form, bound)
            yield normal_comparison(comparison) if isinstance(comparison, Compare) else comparison
    if len(edges) == 2:
        first, last = levels[edges[0]], levels[edges[1] - 1]
        if first == last:
            sides = [_sum([(s * w, x) for w, x in terms if s * w > 0]) for s in (1, -1)]
            yield builder.compare("==" if hits[edges[0]] else "!=", sides[0], builder.add(sides[1], first))
        inside = builder.chain(
            _plainest(range(levels[edges[0] - 1] + 1, first + 1))[0],
            "<=",
            form,
            "<=",
            _plainest(range(last, levels[edges[1]]))[0],
        )
        yield inside if hits[edges[0]] else builder.negate(inside)
    if len(edges) > 2:
        for modulus in range(2, min(_MOST_MODULUS, levels[-1] - levels[0] + 1)):
            kinds = {v % modulus for v, hit in zip(levels, hits, strict=True) if hit}
            others = {v % modulus for v, hit in zip(levels, hits, strict=True) if not hit}
            if kinds & others:
                continue
            residue = builder.mod(form, modulus)
            if modulus == 2:
                yield residue if kinds == {1} else builder.compare("==", residue, 0)
            elif len(kinds) == 1:
                yield builder.compare("==", residue, min(kinds))
            elif len(others) == 1:
                yield builder.compare("!=", residue, min(others))
            elif max(others) < min(kinds):
                yield builder.compare(">=", residue, min(kinds))
            elif max(kinds) < min(others):
                yield builder.compare("<=", residue, max(kinds))
        if len(terms) == 1 or all(abs(w) == 1 for w, _ in terms):
            yield from joined_levels(levels, hits, form)


def _sum(terms: Sequence[tuple[int, Expr]]) -> Expr:
    return builder.add_all(builder.mul(w, x) for w, x in terms)


def _plainest(bounds: range) -> list[int]:
    """The bound of fewest tokens: not negative, then small."""
    return [min(bounds, key=lambda b: (b < 0, abs(b)))]
