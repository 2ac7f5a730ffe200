"""Least expressions of Boolean functions of at most four inputs.

A function of k inputs is a table of 2**k bits: bit a of the table is the value where input j is bit j of a.
Expressions are made of `not`, `and`, `or`, `xor`, products, comparisons of two bits, comparisons of weighted sums of
inputs (`ddcompile.analysis.sums`) among which one may be any bit (`ddcompile.analysis.mixed_sums`) or two products of
inputs (`ddcompile.analysis.product_sums`), and `if` whose condition depends on at most two inputs or is short; the
cheapest of all is found. The cost counts tokens: those of the inputs' texts, operators, and the brackets that the
printer needs.

The search is Dijkstra's over (function, root operator) by rising cost, all functions of one cost at once. It is kept
for the costs of the inputs at hand and goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from itertools import combinations

import numpy as np

from ddcompile.analysis.mixed_sums import mixed_sums
from ddcompile.analysis.product_sums import product_sums
from ddcompile.analysis.sums import UNPRICED, PricedSums, priced_sums
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binary, Expr, If
from ddcompile.ir.traverse import postorder

__all__ = ["MOST_INPUTS", "least_expression"]

MOST_INPUTS = 4
_ROOTS = ("leaf", "and", "or", "xor", "not", "sum", "if", "!=", "==", ">", ">=", "*", "mixed", "products")
"""Root operators; of equally cheap expressions the earlier is taken."""
_FLAT = ("leaf", "and", "or", "xor", "not", "sum", "if")
_COMPARED = frozenset({"sum", "!=", "==", ">", ">=", "mixed", "products"})
_BRACKETED: dict[str, frozenset[str]] = {
    "not": frozenset({"and", "xor", "or", "if"}),
    "and": frozenset({"xor", "or", "if"}),
    "xor": frozenset({"and", "or", "if"}),
    "or": frozenset({"xor", "if"}),
    "if": frozenset(),
    "term": frozenset({"and", "xor", "or", "if", "not"}) | _COMPARED,
}
"""The roots of operands that need brackets; terms are operands of comparisons and of products."""
_CHUNK = 1 << 22
"""Most pairs combined at a time."""


def least_expression(
    table: int, inputs: Sequence[Expr], costs: Sequence[int], limit: int, *, nested: bool = True
) -> Expr | None:
    """The cheapest expression of a truth table, if it is cheaper than `limit`; None if not.

    Parameters
    ----------
    table
        2**k bits; bit a is the value where input j is bit j of a.
    inputs, costs
        The k <= 4 input expressions (bits) and the tokens of each. Equally cheap expressions are told apart by the
        order of the inputs.
    nested
        Whether sums may have summands that are no inputs.
    """
    full = (1 << (1 << len(inputs))) - 1
    if table in (0, full):
        return builder.expr_of(int(table == full))
    search = _search(tuple(costs), nested)
    if not search.reach(table, limit):
        return None
    return search.expression(table, inputs)


class _Search:
    """Functions by the cost of their least expressions, found so far.

    `price[root][t]` is the cost of the cheapest expression of t with that root; `within[op][t]` that of the cheapest
    operand of op with value t, brackets included. `levels[op][c]` lists the functions whose operands cost c.
    """

    def __init__(self, costs: tuple[int, ...], nested: bool) -> None:
        self.roots = _ROOTS if nested else _FLAT
        count = len(costs)
        rows = 1 << count
        self.full = (1 << rows) - 1
        self.size = 1 << rows
        self.leaves = [sum(1 << a for a in range(rows) if a >> j & 1) for j in range(count)]
        self.costs = costs
        self.sums: PricedSums = priced_sums(costs)
        self.price = {root: np.full(self.size, UNPRICED, dtype=np.int32) for root in _ROOTS}
        self.within = {op: np.full(self.size, UNPRICED, dtype=np.int32) for op in _BRACKETED}
        self.levels: dict[str, list[np.ndarray]] = {op: [] for op in _BRACKETED}
        self.mixed = mixed_sums(costs)
        self.products = product_sums(costs)
        self.conditions = dict.fromkeys(_conditions(self.leaves, self.full))
        self.least = min(costs)
        self.most_condition = sum(sorted(costs)[-3:]) + 2
        # Of conditions the values that branches can take under them, by cost; and which are known already.
        self.branches: dict[int, list[np.ndarray]] = {}
        self.branched: dict[int, np.ndarray] = {}

    def reach(self, table: int, limit: int) -> bool:
        """Search on until the least cost of a table is known or reaches the limit; whether it is below it."""
        free = self.within["if"]
        while len(self.levels["if"]) < limit and free[table] > len(self.levels["if"]):
            self._next()
        return bool(free[table] < limit)

    def _next(self) -> None:
        """Find all expressions of the next cost."""
        cost = len(self.levels["if"])
        for root in self.roots:
            found = np.zeros(self.size, dtype=bool)
            self._mark(root, cost, found)
            found[[0, self.full]] = False
            tables = np.flatnonzero(found)
            # An expression counts if some operator takes it as an operand at a lower cost than those before.
            useful = np.zeros(len(tables), dtype=bool)
            for op, within in self.within.items():
                own = cost + 2 * (root in _BRACKETED[op])
                useful |= own < within[tables]
                within[tables] = np.minimum(within[tables], own)
            self.price[root][tables[useful]] = cost
        for op, within in self.within.items():
            self.levels[op].append(np.flatnonzero(within == cost))
        if cost <= self.most_condition:
            new = self.levels["if"][cost].tolist()
            self.conditions.update(dict.fromkeys(c for found in new for c in (found, self.full ^ found)))

    def _branches(self, condition: int, most: int) -> list[np.ndarray]:
        """The values that branches can take under a condition, those of each cost up to `most`, new ones alone."""
        if condition not in self.branches:
            self.branches[condition] = []
            self.branched[condition] = np.zeros(self.size, dtype=bool)
        branches, known = self.branches[condition], self.branched[condition]
        for level in self.levels["if"][len(branches) : most + 1]:
            values = level & condition
            values = values[~known[values]]
            if len(values):
                known[values] = True
                values.sort()
                values = values[np.append(True, values[1:] != values[:-1])]
            branches.append(values)
        return branches

    def _mark(self, root: str, cost: int, found: np.ndarray) -> None:
        """Mark the functions that have an expression of this cost and root."""
        match root:
            case "leaf":
                found[[t for t, c in zip(self.leaves, self.costs, strict=True) if c == cost]] = True
            case "not":
                if cost:
                    found[self.full ^ self.levels["not"][cost - 1]] = True
            case "sum":
                found[self.sums.price == cost] = True
            case "products":
                found[self.products.price == cost] = True
            case "if":
                for _, then, otherwise in self._choices(cost):
                    found[(then[:, None] | otherwise[None, :]).ravel()] = True
            case "mixed":
                for own in np.unique(self.mixed.price[self.mixed.price < cost]).tolist():
                    with_it, without = self.mixed.tables[self.mixed.price == own].T
                    for z in self.levels["term"][cost - own]:
                        found[(with_it & z) | (without & ~z & self.full)] = True
            case _:
                for left, right in self._pairs(root, cost):
                    step = max(1, _CHUNK // len(right))
                    for start in range(0, len(left), step):
                        some = left[start : start + step, None]
                        found[_combined(root, some, right[None, :], self.full).ravel()] = True

    def _pairs(self, op: str, cost: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Functions whose operands of op cost together one less, the cheaper first."""
        levels = self.levels[_operand_place(op)]
        for first in range((cost - 1) // 2 + 1):
            left, right = levels[first], levels[cost - 1 - first] if cost else levels[0]
            if len(left) and len(right):
                yield left, right
                if op in (">", ">=") and first < cost - 1 - first:
                    yield right, left

    def _choices(self, cost: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Conditions, and the values of both branches under them, whose `if` has this cost."""
        for condition in self.conditions:
            rest = cost - 3 - int(self.within["if"][condition])
            if rest < 2 * self.least:
                continue
            yes, no = (self._branches(c, rest - self.least) for c in (condition, self.full ^ condition))
            for k in range(self.least, rest - self.least + 1):
                if len(yes[k]) and len(no[rest - k]):
                    yield condition, yes[k], no[rest - k]

    def expression(self, table: int, inputs: Sequence[Expr]) -> Expr:
        """The least expression of a function that was reached."""
        return self._written(table, "if", inputs)

    def _written(self, table: int, within: str, inputs: Sequence[Expr]) -> Expr:
        """The cheapest operand; the depth is bounded by its cost, which is below the limit."""
        wanted = int(self.within[within][table])
        root = next(r for r in self.roots if self.price[r][table] + 2 * (r in _BRACKETED[within]) == wanted)
        cost = int(self.price[root][table])
        match root:
            case "leaf":
                return inputs[min(j for j, t in enumerate(self.leaves) if t == table)]
            case "not":
                return builder.negate(self._written(self.full ^ table, "not", inputs))
            case "sum":
                return self.sums.expression(table, inputs)
            case "products":
                return self.products.expression(table, inputs)
            case "mixed":
                return self._with_bit(table, cost, inputs)
            case "if":
                return self._conditional(table, cost, inputs)
        parts = [self._written(t, _operand_place(root), inputs) for t in self._parts(table, root, cost)]
        if root in ("!=", "==", ">", ">="):
            return builder.compare(root, parts[0], parts[1])  # type: ignore[arg-type]
        operands = sorted((x for p in parts for x in _operands(p, root)), key=lambda x: _rank(x, inputs))
        if root in ("xor", "*"):
            return reduce(builder.xor if root == "xor" else builder.mul, operands)
        return builder.conj(*operands) if root == "and" else builder.disj(*operands)

    def _parts(self, table: int, root: str, cost: int) -> tuple[int, int]:
        for left, right in self._pairs(root, cost):
            match root:
                case "and":
                    left, right = left[left & table == table], right[right & table == table]
                case "or":
                    left, right = left[left | table == table], right[right | table == table]
            for one in left:
                hits = right[_combined(root, one, right, self.full) == table]
                if len(hits):
                    return int(one), int(hits[0])
        raise AssertionError("a function that was reached has parts")

    def _with_bit(self, table: int, cost: int, inputs: Sequence[Expr]) -> Expr:
        """The cheapest comparison of a sum in which one summand is any bit."""
        for price in np.unique(self.mixed.price[self.mixed.price < cost]).tolist():
            found = self.mixed.find(table, price, self.levels["term"][cost - price])
            if found is not None:
                return self.mixed.expression(found[0], inputs, self._written(found[1], "term", inputs))
        raise AssertionError("a function that was reached has parts")

    def _conditional(self, table: int, cost: int, inputs: Sequence[Expr]) -> Expr:
        for condition, then, otherwise in self._choices(cost):
            rest = self.full ^ condition
            if table & condition in then and table & rest in otherwise:
                branches = [self._branch(table & part, part, inputs) for part in (condition, rest)]
                return builder.conditional(self._written(condition, "if", inputs), *branches)
        raise AssertionError("a function that was reached has parts")

    def _branch(self, value: int, condition: int, inputs: Sequence[Expr]) -> Expr:
        """The cheapest function of a value under a condition."""
        for tables in self.levels["if"]:
            hits = tables[tables & condition == value]
            if len(hits):
                return self._written(int(hits[0]), "if", inputs)
        raise AssertionError("a function that was reached has parts")


def _search(costs: tuple[int, ...], nested: bool) -> _Search:
    """The search over inputs of these costs so far; searches over fewer inputs take little memory."""
    return (_large_search if len(costs) == MOST_INPUTS else _small_search)(costs, nested)


_small_search = lru_cache(maxsize=128)(_Search)
_large_search = lru_cache(maxsize=12)(_Search)


def _operand_place(op: str) -> str:
    """The place of an operator's operands, which says what needs brackets there."""
    return op if op in _BRACKETED else "term"


def _combined(op: str, left: np.ndarray, right: np.ndarray, full: int) -> np.ndarray:
    match op:
        case "and" | "*":
            found = left & right
        case "or":
            found = left | right
        case ">":
            found = left & ~right
        case ">=":
            found = left | (right ^ full)
        case "xor" | "!=":
            found = left ^ right
        case _:
            found = left ^ right ^ full
    return np.asarray(found)


def _conditions(leaves: Sequence[int], full: int) -> list[int]:
    """All functions of at most two of the inputs, but constants."""
    found = dict.fromkeys(t for leaf in leaves for t in (leaf, full ^ leaf))
    for a, b in combinations(leaves, 2):
        for number in range(1, 15):
            corners = (a & b, a & ~b, b & ~a, full & ~(a | b))
            found[sum(c for k, c in enumerate(corners) if number >> k & 1)] = None
    return list(found)


def _operands(expr: Expr, op: str) -> list[Expr]:
    found, work = [], [expr]
    while work:
        match work.pop():
            case Binary(own, left, right) if own == op:
                work += [right, left]
            case other:
                found.append(other)
    return found


def _rank(expr: Expr, inputs: Sequence[Expr]) -> tuple[bool, list[int]]:
    """Operands that read fewer inputs first, then by the order of these."""
    places = {x: j for j, x in enumerate(inputs)}
    used = [places[n] for n in postorder(expr) if n in places]
    return isinstance(expr, If), [len(used), *used]
