"""Short expressions of tabulated functions with integer values: scores of several classes, signs.

Tried, and the cheapest taken:

* an affine function of the inputs, but for a few of their values: `if x[0] == 7 then 2 else x[0] + x[1]`;
* a bit, scaled and moved: `2 * (count >= 3) - 1`;
* the sign of a sum: `sign(2 * count - 5)`;
* binary digits: `2 * (x[0] and x[1]) + (x[0] xor x[1])`;
* steps, of which each adds as much: `(count >= 2) + (count >= 5)`;
* one value after another, each under a condition: `if x[0] and x[1] then 2 else if x[2] then 1 else 0`;
* one value at one of two values of an input, and any of these expressions at the other: `if x[0] then 0 else 2 - x[1]`;
* a table that is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import gcd

import numpy as np

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.decompositions import Search
from ddcompile.ir import builder
from ddcompile.ir.nodes import Compare, Expr
from ddcompile.ir.printer import print_expression

__all__ = ["least_number"]

_FEW = 4
"""Most rows that an affine function does not fit."""
_MOST_VALUES = 32
"""Most different values."""


def least_number(
    search: Search, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr], limit: int
) -> Expr | None:
    """The cheapest expression found for a function of integers, if it is cheaper than `limit`.

    Parameters
    ----------
    search
        What looks for functions with values 0 and 1, with the tables that expressions look up.
    ranges
        The values of each input.
    values
        The integers for all combinations: an axis for each input.
    inputs
        The expressions of the inputs.
    """
    if _are_bits(values):
        return search.least_but_few(ranges, values, inputs, limit)
    return _least_of_more(search, ranges, values, inputs, limit)


def _are_bits(values: np.ndarray) -> bool:
    return {0, 1}.issuperset(np.unique(values).tolist())


def _least_of_more(
    search: Search, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr], limit: int
) -> Expr | None:
    """The same for a function that has other values than 0 and 1."""
    best: tuple[int, str, Expr] | None = None
    for ways in (_ways, _split):
        for expr in ways(search, ranges, values, inputs, limit):
            rank = search.price(expr), print_expression(expr), expr
            if rank[0] < limit and (best is None or rank[:2] < best[:2]):
                best = rank
        limit = limit if best is None else best[0] + 1
    return None if best is None else best[2]


def _ways(
    search: Search, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr], limit: int
) -> Iterator[Expr]:
    def bit(chosen: np.ndarray) -> Expr | None:
        return search.least(ranges, chosen.astype(np.int8), inputs, limit)

    def scaled(parts: Sequence[tuple[int, Expr | None]]) -> Expr | None:
        terms = [builder.mul(factor, part) for factor, part in parts if part is not None]
        return builder.add(builder.add_all(terms), low) if len(terms) == len(parts) else None

    affine = _affine(ranges, values, inputs)
    if affine is not None and np.count_nonzero(affine[1]) <= _FEW:
        found, wrong = affine
        for value in np.unique(values[wrong]).tolist():
            there = bit(wrong & (values == value))
            if there is None:
                break
            found = builder.conditional(there, value, found)
        else:
            yield found
    low, *_ = levels = np.unique(values).tolist()
    if len(levels) == 1 or len(levels) > _MOST_VALUES:
        return
    factor = gcd(*(v - low for v in levels))
    places = (values - low) // factor
    top = (levels[-1] - low) // factor
    ways: list[Expr | None] = []
    if top & top + 1 == 0:  # else the range of the text would be larger than that of the function
        ways.append(scaled([(factor << k, bit(places >> k & 1)) for k in range(top.bit_length())]))
    if top < _MOST_VALUES:
        steps = [bit(places >= k) for k in range(1, top + 1)]
        ways.append(scaled([(factor, step) for step in steps]))
        if levels[0] == -1 and levels[-1] == 1:
            ways.append(_sign(ranges, values, inputs, steps[-1]))
    ways.append(_chain([(v, bit(values == v)) for v in levels], search))
    ways.append(search.looked_up(ranges, values, inputs))
    yield from (way for way in ways if way is not None)


def _split(
    search: Search, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr], limit: int
) -> Iterator[Expr]:
    """The one value that the function has at one of two values of an input, and what it is at the other.

    The first such input is taken: where there are several, any order of them costs the same.
    """
    for axis, own in enumerate(ranges):
        for side in range(2 if len(own) == 2 else 0):
            half, rest = values.take(side, axis=axis), values.take(1 - side, axis=axis)
            if (half != half.flat[0]).any():
                continue
            others = [k for k in range(len(ranges)) if k != axis]
            least = search.least if _are_bits(rest) else partial(_least_of_more, search)
            found = least([ranges[k] for k in others], rest, [inputs[k] for k in others], limit)
            if found is not None:
                condition = inputs[axis] if own == range(2) else builder.compare(">=", inputs[axis], own[1])
                condition = condition if side else builder.negate(condition)
                yield builder.conditional(condition, int(half.flat[0]), found)
            return


def _affine(ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr]) -> tuple[Expr, np.ndarray] | None:
    """The affine function of the inputs that the function changes as in most places, and where it is another value.

    None if there is none with integer weights.
    """
    weights = []
    for axis, own in enumerate(ranges):
        change = _usual(np.diff(values, axis=axis)) if len(own) > 1 else 0
        if change % own.step:
            return None
        weights.append(change // own.step)
    rest = values - _totals(ranges, weights)
    base = _usual(rest)
    terms = sorted(zip(weights, inputs, strict=True), key=lambda term: term[0] < 0)
    return builder.add(builder.add_all(builder.mul(w, x) for w, x in terms if w), base), rest != base


def _usual(values: np.ndarray) -> int:
    """The most frequent value, the least one of equals."""
    levels, counts = np.unique(values, return_counts=True)
    return int(levels[counts.argmax()])


def _totals(ranges: Sequence[range], weights: Sequence[int]) -> np.ndarray:
    grids = np.meshgrid(*(np.array(r, dtype=object) for r in ranges), indexing="ij")
    return np.asarray(sum((w * g for w, g in zip(weights, grids, strict=True)), start=0))


def _sign(ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr], positive: Expr | None) -> Expr | None:
    """The sign of the sum, less a constant, of which a bound tells where it is positive."""
    match positive:
        case Compare((">=" | ">",), (left, right)):
            form = integer_terms(builder.sub(left, right))
        case Compare(("<=" | "<",), (left, right)):
            form = integer_terms(builder.sub(right, left))
        case _:
            return None
    number = {text: k for k, text in enumerate(inputs)}
    if form is None or not form[0].keys() <= number.keys():
        return None
    weights = [form[0].get(text, 0) for text in inputs]
    totals = _totals(ranges, weights)
    least, most = int(totals[values == 1].min()), int(totals[values == -1].max())
    # Twice the sum, where no integer is between.
    factor, bound = (1, min(max(0, most + 1), least - 1)) if least - most > 1 else (2, least + most)
    if (np.sign(factor * totals - bound) != values).any():
        return None
    terms = sorted(((w, x) for w, x in zip(weights, inputs, strict=True) if w), key=lambda t: t[0] < 0)
    total = builder.mul(factor, builder.add_all(builder.mul(w, x) for w, x in terms))
    return builder.unary("sign", builder.sub(total, bound))


def _chain(parts: Sequence[tuple[int, Expr | None]], search: Search) -> Expr | None:
    """One value after another, the one with the dearest condition last, without it."""
    known = [(search.price(condition), value, condition) for value, condition in parts if condition is not None]
    if len(known) < len(parts) - 1:
        return None
    known.sort(key=lambda part: part[:2])
    last = {value for value, _ in parts} - {value for _, value, _ in known[: len(parts) - 1]}
    found = builder.expr_of(last.pop())
    for _, value, condition in reversed(known[: len(parts) - 1]):
        found = builder.conditional(condition, value, found)
    return found
