"""Short expressions of tabulated functions of any few integers: counts of interchangeable inputs, bits, spins.

Tried at every function, and the cheapest taken:

* the least expression, for at most four bits (`ddcompile.analysis.boolean`);
* a function of one weighted sum (`ddcompile.analysis.counts`);
* some inputs that matter by one bit only, that bit a function on its own (Ashenhurst 1957, The decomposition of
  switching functions);
* a selected element: `x[2 * s[0] + s[1]]` (`ddcompile.analysis.selections`);
* a condition and what the function is under it and without it (Shannon): `if`, or `and`, `or`, `xor`;
* a table that is looked up.

If asked for, a long function is also taken without a few of its rows (`ddcompile.analysis.outliers`), and these are
added, or taken away, each with what may be: `x[0] + ... + x[7] >= 5 or x[2] and x[6]`.

The search is bounded by the number of functions looked at, and goes by rising cost only where that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from ddcompile.analysis.boolean import MOST_INPUTS, least_expression
from ddcompile.analysis.cost import cost
from ddcompile.analysis.counts import least_of_counts
from ddcompile.analysis.functions import MOST_SUBSETS, Function, matter_by_one_bit, part_of, without_idle
from ddcompile.analysis.outliers import largest_box, smoothed
from ddcompile.analysis.selections import selected
from ddcompile.analysis.symmetries import merged_inputs
from ddcompile.ir import builder
from ddcompile.ir.nodes import Constant, Expr, Read
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import reads, rewrite

__all__ = ["Search"]

_MOST_FUNCTIONS = 200
"""Most functions looked at for one table."""
_MOST_WORK = 1 << 25
"""Most entries of tables looked at for one table."""
_MOST_SUM_ROWS = 1 << 10
_MOST_SPLITS = 3
_FEW_ROWS, _MORE_SPLITS = 64, 8
"""Of functions of few rows, more conditions are tried."""
_MOST_SUM = 12
"""What a sum costs at most: terms side by side are one slice."""
_MOST_ENTRIES = 1 << 12
"""Most entries of a table that is looked up."""
_PLAIN = 40
"""A function that costs less is not looked at without some of its rows; nor is one of another number of rows."""
_ROWS = range(32, 257)
_GUESSES, _FUNCTIONS_LEFT = 2, 40
"""So many tables are looked at in its place; for each part of what comes of one, so many functions at least."""


class Search:
    """The search for one function; `tables` are those that its expression looks up.

    Parameters
    ----------
    name
        Of the first table.
    functions
        How many functions are looked at.
    """

    def __init__(self, name: str = "hit", functions: int = _MOST_FUNCTIONS) -> None:
        self.name = name
        self.tables: dict[str, np.ndarray] = {}
        self._sums: dict[Expr, Expr] = {}
        """What sums of inputs with a name stand for: they are one statement, however often they are read."""
        self._bits: dict[Expr, list[tuple[int, Expr]]] = {}
        """The factors and the texts of few bits, by their sum."""
        self._wholes: dict[Expr, range] = {}
        """The values that texts have anywhere: under a condition, functions are of some of them."""
        self._left = functions
        self._work = _MOST_WORK
        self._known: dict[object, tuple[int, Expr | None]] = {}

    def least(self, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr], limit: int) -> Expr | None:
        """The cheapest expression found, if it is cheaper than `limit`.

        Parameters
        ----------
        ranges
            The values of each input.
        values
            0 or 1 for all combinations: an axis for each input.
        inputs
            The expressions of the inputs.
        """
        found = self._least(self._function(ranges, values.astype(np.int8), inputs), limit)
        return None if found is None else self._written(found)

    def least_but_few(
        self, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr], limit: int
    ) -> Expr | None:
        """The same, or where that is long, another function with the few rows that it lacks or has too many."""
        function = self._function(ranges, values.astype(np.int8), inputs)
        found = self._least(function, limit)
        limit = limit if found is None else self.price(found)
        if limit > _PLAIN and function.values.size in _ROWS:
            for guess in islice(smoothed(function.ranges, function.values), _GUESSES):
                mended = self._mended(guess, function, limit)
                if mended is not None:
                    limit, found = mended
        return None if found is None else self._written(found)

    def _function(self, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr]) -> Function:
        self._wholes.update(zip(inputs, ranges, strict=True))
        return without_idle(Function(tuple(ranges), values, tuple(inputs)))

    @property
    def left(self) -> int:
        """How many functions may still be looked at."""
        return self._left

    def looked_up(self, ranges: Sequence[range], values: np.ndarray, inputs: Sequence[Expr]) -> Expr | None:
        """The element of a constant table that a function of few rows is; its values are any integers."""
        if values.size > _MOST_ENTRIES:
            return None
        return self._lookup(self._function(ranges, values, inputs))

    def _written(self, expr: Expr) -> Expr:
        """The expression with sums in the place of their names; those of sums have none left."""
        return rewrite(expr, lambda node: self._sums.get(node, node))

    def price(self, expr: Expr) -> int:
        """What an expression costs, the tables that it looks up included."""
        found = set(reads(expr))
        looked_up = {r.tensor for r in found} & self.tables.keys()
        sums = (min(cost(self._sums[r]), _MOST_SUM) for r in found & self._sums.keys())
        return cost(expr) + sum(_declared(self.tables[n]) for n in looked_up) + sum(sums)

    def used(self, expr: Expr) -> Mapping[str, np.ndarray]:
        """The tables that an expression looks up."""
        names = {r.tensor for r in reads(expr)}
        return {n: t for n, t in self.tables.items() if n in names}

    def _least(self, function: Function, limit: int) -> Expr | None:
        key = function.key()
        tried, found = self._known.get(key, (0, None))
        if found is not None:
            return found if self.price(found) < limit else None
        if limit <= tried or self._left <= 0 or self._work <= 0:
            return None
        self._left -= 1
        self._work -= function.values.size * min(1 << len(function.inputs), MOST_SUBSETS)
        for expr in self._ways(function, limit):
            price = self.price(expr)
            if price >= limit:
                continue
            if price + 1 < limit or found is None or print_expression(expr) < print_expression(found):
                found, limit = expr, price + 1
        self._known[key] = (limit, found)
        return found

    def _ways(self, function: Function, limit: int) -> Iterator[Expr]:
        ranges, values, inputs = function.ranges, function.values, function.inputs
        if not inputs:
            yield builder.expr_of(int(values))
            return
        found = selected(ranges, values, inputs)
        if found is not None:
            yield found
            if len(inputs) > MOST_INPUTS:
                return
            limit = min(limit, self.price(found))
        terms = self._bits.get(inputs[0], ()) if len(inputs) == 1 else ()
        if terms and ranges[0] == range(-sum(s < 0 for s, _ in terms), sum(s > 0 for s, _ in terms) + 1):
            found = _of_bits(ranges[0], values, terms, limit)
            if found is not None:
                yield found
                limit = min(limit, self.price(found))
        are_bits = all(r == range(2) for r in ranges)
        if are_bits and len(inputs) <= MOST_INPUTS:
            number = sum(1 << int(k) for k in np.flatnonzero(values.T.ravel()))
            found = least_expression(number, inputs, [cost(x) + 2 * _is_joined(x) for x in inputs], limit)
            if found is not None:
                yield found
            return
        joined = self._joined(function)
        if len(joined.inputs) < len(inputs):
            found = self._least(joined, limit)
            if found is not None:
                yield found
                limit = min(limit, self.price(found))
        wide = [
            k for k, own in enumerate(ranges) if len(own) > 2 and len(inputs) > 1 and matter_by_one_bit(values, (k,))
        ]
        for expr in self._parted(function, (wide[0],), limit) if wide else ():
            yield expr
            limit = min(limit, self.price(expr))
        if len(joined.inputs) < len(inputs):
            return
        if len(inputs) == 1 or values.size <= _MOST_SUM_ROWS:
            found = least_of_counts(ranges, values, inputs, limit)
            if found is not None:
                yield found
                limit = min(limit, self.price(found))
        part = part_of(function)
        if part is not None:
            yield from self._parted(function, part, limit)
        elif len(inputs) > 1:
            yield from self._split(function, limit)
        if values.size <= _MOST_ENTRIES:
            found = self._lookup(function)
            if found is not None and self.price(found) < limit:
                yield found

    def _joined(self, function: Function) -> Function:
        """The function over sums of inputs where only these matter."""
        table = merged_inputs(function.ranges, function.values)
        inputs = []
        for members in table.classes:
            terms = [(sign, function.inputs[k]) for k, sign in members]
            inputs.append(self._sum(terms))
            wholes = [(sign, self._wholes.get(function.inputs[k], function.ranges[k])) for k, sign in members]
            ends = [sorted((sign * own[0], sign * own[-1])) for sign, own in wholes]
            self._wholes.setdefault(inputs[-1], range(sum(low for low, _ in ends), sum(high for _, high in ends) + 1))
            if 1 < len(terms) <= MOST_INPUTS and all(function.ranges[k] == range(2) for k, _ in members):
                self._bits[inputs[-1]] = terms
        return Function(table.ranges, table.values, tuple(inputs))

    def _sum(self, terms: Sequence[tuple[int, Expr]]) -> Expr:
        """A sum of inputs, positive terms first; a name for it if there are many."""
        ordered = sorted(terms, key=lambda term: -term[0])
        if len(terms) <= 2:
            return builder.add_all(builder.mul(sign, x) for sign, x in ordered)
        total = builder.add_all(builder.mul(sign, self._written(x)) for sign, x in ordered)
        name = next((n for n, known in self._sums.items() if known == total), None)
        if name is None:
            name = Read(f"{self.name}:{len(self._sums)}")
            self._sums[name] = total
        return name

    def _parted(self, function: Function, part: tuple[int, ...], limit: int) -> Iterator[Expr]:
        """The part as a function, and the whole as a function of that bit and the other inputs."""
        rest = [k for k in range(len(function.inputs)) if k not in part]
        matrix = function.values.transpose([*part, *rest]).reshape(-1, *(len(function.ranges[k]) for k in rest))
        bit = (matrix != matrix[:1]).reshape(len(matrix), -1).any(axis=1)
        shape = [len(function.ranges[k]) for k in part]
        for inner in (bit, ~bit):
            inside = Function(
                tuple(function.ranges[k] for k in part), inner.reshape(shape).astype(np.int8),
                tuple(function.inputs[k] for k in part),
            )  # fmt: skip
            condition = self._least(without_idle(inside), limit)
            if condition is None:
                continue
            outer = np.stack([matrix[~inner][0], matrix[inner][0]])
            outside = Function(
                (range(2), *(function.ranges[k] for k in rest)), outer,
                (condition, *(function.inputs[k] for k in rest)),
            )  # fmt: skip
            found = self._least(without_idle(outside), limit)
            if found is not None:
                yield found
                limit = min(limit, self.price(found))

    def _split(self, function: Function, limit: int) -> Iterator[Expr]:
        """The function under a condition on one input, and without it."""
        splits = []
        for axis, own in enumerate(function.ranges):
            changes = np.diff(function.values, axis=axis) != 0
            for edge in np.flatnonzero(changes.any(axis=tuple(k for k in range(changes.ndim) if k != axis))).tolist():
                parts = [
                    without_idle(
                        Function(
                            (*function.ranges[:axis], half, *function.ranges[axis + 1 :]),
                            function.values.take(range(start, start + len(half)), axis=axis),
                            (*function.inputs[:axis], _within(function, axis, half), *function.inputs[axis + 1 :]),
                        )
                    )
                    for start, half in ((edge + 1, own[edge + 1 :]), (0, own[: edge + 1]))
                ]
                splits.append((sum(p.values.size for p in parts), axis, edge, parts))
        splits.sort(key=lambda s: s[:3])
        values_are_few = function.values.size <= _FEW_ROWS
        for _, axis, edge, (above, below) in splits[: _MORE_SPLITS if values_are_few else _MOST_SPLITS]:
            own, text = function.ranges[axis], function.inputs[axis]
            condition = text if own == range(2) else builder.compare(">=", text, own[edge + 1])
            then = self._least(above, limit)
            if then is None:
                continue
            otherwise = self._least(below, limit)
            if otherwise is None:
                continue
            for expr in _chosen(condition, then, otherwise, above, below):
                yield expr
                limit = min(limit, self.price(expr))

    def _mended(self, guess: np.ndarray, function: Function, limit: int) -> tuple[int, Expr] | None:
        """Another function with what it lacks, and without what it has too many; and what that costs."""

        def least(values: np.ndarray) -> Expr | None:
            self._left = max(self._left, _FUNCTIONS_LEFT)
            return self._least(without_idle(Function(function.ranges, values, function.inputs)), limit)

        lacking, wrong = (_around(function.values == value, guess != value) for value in (1, 0))
        more, less = least(lacking), least(wrong)
        if more is None or less is None:
            return None
        more, less = self._written(more), builder.negate(self._written(less))
        usual = least(guess)
        if usual is None:
            return None
        expr = builder.conj(builder.disj(usual, more), less)
        price = self.price(usual) + cost(expr) - cost(usual)
        return (price, expr) if price < limit else None

    def _lookup(self, function: Function) -> Expr | None:
        """An element of a constant table, which goes on beyond the function where the inputs may."""
        positions, margins = [], []
        for own, text in zip(function.ranges, function.inputs, strict=True):
            if own.step != 1:
                if len(own) != 2:
                    return None
                positions.append(builder.compare(">=", text, own[1]))
                margins.append((0, 0))
            else:
                whole = self._wholes.get(text, own)
                positions.append(builder.sub(text, whole[0]))
                margins.append((own[0] - whole[0], whole[-1] - own[-1]))
        table = np.pad(function.values.astype(np.int64), margins, mode="edge")
        name = next((n for n, t in self.tables.items() if np.array_equal(t, table)), None)
        if name is None:
            name = f"{self.name}{len(self.tables) or ''}"
            self.tables[name] = table
        return Read(name, tuple(positions))


def _around(chosen: np.ndarray, places: np.ndarray) -> np.ndarray:
    """1 around some of the chosen places, as far as there are no others."""
    found = np.zeros(chosen.shape, dtype=np.int8)
    for place in np.argwhere(chosen & places).tolist():
        found[largest_box(chosen, place)] = 1
    return found


def _within(function: Function, axis: int, half: range) -> Expr:
    """The text of an input where it has values of a half only: 0 and 1 make no bit of a number."""
    text = function.inputs[axis]
    return builder.compare(">=", text, 1) if half == range(2) != function.ranges[axis] else text


def _chosen(condition: Expr, then: Expr, otherwise: Expr, above: Function, below: Function) -> Iterator[Expr]:
    yes, no = builder.literal_value(then), builder.literal_value(otherwise)
    if no == 0:
        yield builder.conj(condition, then)
    elif yes == 1:
        yield builder.disj(condition, otherwise)
    elif no == 1:
        yield builder.disj(builder.negate(condition), then)
    elif yes == 0:
        yield builder.conj(builder.negate(condition), otherwise)
    else:
        if above.inputs == below.inputs and above.ranges == below.ranges and (above.values != below.values).all():
            yield builder.xor(condition, otherwise)
        yield builder.conditional(condition, then, otherwise)


def _declared(table: np.ndarray) -> int:
    """What declares a table: its name and type, and its entries."""
    return cost(Constant.of("t", table))


def _is_joined(expr: Expr) -> bool:
    return not isinstance(expr, Read)


def _of_bits(levels: range, values: np.ndarray, terms: Sequence[tuple[int, Expr]], limit: int) -> Expr | None:
    """The least expression of a function of a sum of few bits."""
    number = 0
    for row in range(1 << len(terms)):
        total = sum(sign for k, (sign, _) in enumerate(terms) if row >> k & 1)
        number |= int(values[levels.index(total)]) << row
    inputs = [x for _, x in terms]
    return least_expression(number, inputs, [cost(x) + 2 * _is_joined(x) for x in inputs], limit)
