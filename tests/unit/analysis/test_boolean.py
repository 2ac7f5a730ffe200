"""Least expressions have the table they were asked for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import inf

import numpy as np
import pytest

from ddcompile.analysis.boolean import least_expression
from ddcompile.analysis.cost import cost
from ddcompile.interpreter import interpret
from ddcompile.ir import builder
from ddcompile.ir.nodes import Expr, Literal, Rule, Statement
from ddcompile.ir.parser import parse_declarations
from ddcompile.ir.printer import print_expression


def table_of(expr: Expr, count: int) -> int:
    rule = Rule("f", parse_declarations(f"x: bit[{count}]"), parse_declarations("y: bit"), (Statement("y", (), expr),))
    inputs = np.array([[a >> j & 1 for j in range(count)] for a in range(1 << count)], dtype=np.uint8)
    (values,) = interpret(rule, [inputs])
    return sum(int(v) << a for a, v in enumerate(values))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_function_of_few_inputs(count: int) -> None:
    inputs = [builder.read("x", j) for j in range(count)]
    for table in range(1 << (1 << count)):
        expr = least_expression(table, inputs, [cost(x) for x in inputs], limit=200)
        assert expr is not None
        assert table_of(expr, count) == table


def test_known_least_forms() -> None:
    left, centre, right = inputs = [builder.read("x", j) for j in range(3)]
    values = [a ^ (b | c) for c, b, a in product((0, 1), repeat=3)]
    table = sum(v << a for a, v in enumerate(values))
    assert least_expression(table, inputs, [4, 4, 4], 100) == builder.xor(left, builder.disj(centre, right))
    majority = sum((sum(bits) >= 2) << a for a, bits in enumerate(product((0, 1), repeat=3)))
    assert str(least_expression(majority, inputs, [4, 4, 4], 100)).count("x[") == 3


def test_nothing_dearer_than_the_limit() -> None:
    inputs = [builder.read("x", j) for j in range(2)]
    assert least_expression(0b0110, inputs, [4, 4], limit=9) is None
    assert least_expression(0b0110, inputs, [4, 4], limit=10) is not None


def test_constants() -> None:
    assert least_expression(0b1111, [builder.read("x", 0), builder.read("x", 1)], [4, 4], 10) == Literal(1)


_BITS = ("disjunction", "exclusive", "conjunction", "negation", "comparison", "leaf")
"""From the loosest to the tightest: what stands left in this list needs brackets in what stands right of it."""


def exhaustive(count: int, most: int) -> dict[int, int]:
    """The least cost up to `most` of every function of inputs that are one token each, by the grammar from below.

    Rows are bits of tables, and sums are tuples of their values in all rows; nothing is shared with the search that
    is tested. Found by repetition: every round combines all that is known until nothing gets cheaper.
    """
    rows = range(1 << count)
    full = (1 << (1 << count)) - 1
    leaves = [tuple(a >> j & 1 for a in rows) for j in range(count)]

    def table(values: tuple[int, ...]) -> int:
        return sum(int(v) << a for a, v in enumerate(values))

    sums: dict[int, set[tuple[int, ...]]] = {0: {tuple(0 for _ in rows)}}
    known: dict[tuple[int, ...], int] = {}
    terms = [(tuple(w * v for v in leaf), 1 + 2 * (w > 1)) for leaf in leaves for w in (1, 2, 3)]
    for size in range(1, most):
        found = {t for t, c in terms if c == size}
        for sign, (term, price) in product((1, -1), terms):
            if size - price - 1 > 0:
                shorter = sums.get(size - price - 1, set())
                found |= {tuple(a + sign * b for a, b in zip(s, term, strict=True)) for s in shorter}
        sums[size] = {s for s in found if s not in known}
        known |= {s: size for s in sums[size]}
    least: dict[int, int] = {}

    def offer(values: tuple[int, ...], price: int) -> None:
        if price <= most:
            own = table(values)
            least[own] = min(price, least.get(own, most + 1))

    numbers = range(-12, 13)
    for s, price in known.items():
        if price + 2 > most:
            continue
        low, high = min(s), max(s)
        for k in (k for k in numbers if low <= k <= high):
            own = price + 2 + (k < 0)
            offer(tuple(v >= k for v in s), own)
            offer(tuple(v <= k for v in s), own)
            offer(tuple(v == k for v in s), own)
            offer(tuple(v != k for v in s), own)
            for top in range(k, high + 1) if price + 4 <= most else ():
                offer(tuple(k <= v <= top for v in s), price + 4 + (k < 0) + (top < 0))
        single = price == 1 or any(s == t for t, c in terms if c == 3)
        for m in range(2, 6) if price + 4 <= most else ():
            for k in range(m):
                for negated in (False, True):
                    offer(tuple((v % m == k) != negated for v in s), price + 4 + 2 * (not single))
        # Either side of a comparison of two sums, a number added on one of them.
        for other, price_of_other in known.items():
            if price + price_of_other + 1 > most:
                continue
            for k in (0, 1, 2) if price + price_of_other + 3 <= most else (0,):
                own = price + price_of_other + 1 + 2 * (k > 0)
                both = list(zip(s, other, strict=True))
                offer(tuple(a >= b + k for a, b in both), own)
                offer(tuple(a > b + k for a, b in both), own)
                offer(tuple(a == b + k for a, b in both), own)
                offer(tuple(a != b + k for a, b in both), own)
    forms: dict[str, dict[int, int]] = {kind: {} for kind in ("if", *_BITS)}
    forms["comparison"] = least
    forms["leaf"] = {table(leaf): 1 for leaf in leaves}
    one_of_two = {t for t in range(1, full) if sum(_matters(t, j, count) for j in range(count)) <= 2}

    def operand(tightest: str, also: tuple[str, ...] = ()) -> dict[int, int]:
        """What may be an operand, brackets paid."""
        best: dict[int, int] = {}
        for place, kind in enumerate(("if", *_BITS)):
            bare = place >= ("if", *_BITS).index(tightest) and kind not in also
            for t, c in forms[kind].items():
                best[t] = min(best.get(t, inf), c + 2 * (not bare))  # type: ignore[assignment]
        return best

    while True:
        before = {kind: dict(found) for kind, found in forms.items()}
        for t, c in operand("negation").items():
            _least(forms["negation"], full ^ t, c + 1, most)
        for kind, mixed, join in (
            ("conjunction", (), lambda a, b: a & b),
            ("exclusive", ("conjunction",), lambda a, b: a ^ b),
            ("disjunction", ("exclusive",), lambda a, b: a | b),
        ):
            parts = sorted(operand(kind, mixed).items(), key=lambda item: item[1])
            for t, c in parts:
                for other, d in parts:
                    if c + d + 1 > most:
                        break
                    _least(forms[kind], join(t, other), c + d + 1, most)
        anything = operand("if")
        for condition in one_of_two & anything.keys():
            branches = []
            for part in (condition, full ^ condition):
                best: dict[int, int] = {}
                for t, c in anything.items():
                    best[t & part] = min(best.get(t & part, most), c)
                branches.append(best)
            for (t, c), (other, d) in product(*(b.items() for b in branches)):
                _least(forms["if"], t | other, anything[condition] + c + d + 3, most)
        if forms == before:
            return {t: c for t, c in operand("if").items() if c <= most and t not in (0, full)}


def _least(found: dict[int, int], table: int, price: int, most: int) -> None:
    if price <= most and price < found.get(table, most + 1):
        found[table] = price


def _matters(table: int, j: int, count: int) -> bool:
    return any((table >> a ^ table >> (a ^ 1 << j)) & 1 for a in range(1 << count))


def test_all_functions_of_three_inputs_at_their_least_cost() -> None:
    golden = exhaustive(3, 12)
    assert len(golden) == 254
    inputs = [builder.read(name) for name in "abc"]
    for table, price in golden.items():
        assert least_expression(table, inputs, [1, 1, 1], price) is None
        expr = least_expression(table, inputs, [1, 1, 1], price + 1)
        assert expr is not None
        assert cost(expr) == price


def test_cheap_functions_of_four_inputs_at_their_least_cost() -> None:
    golden = exhaustive(4, 7)
    inputs = [builder.read(name) for name in "abcd"]
    found = set()
    for table in range(1, (1 << 16) - 1):
        expr = least_expression(table, inputs, [1, 1, 1, 1], 8)
        if expr is not None:
            found.add(table)
            assert cost(expr) == golden[table]
    assert found == golden.keys()


def test_functions_of_four_inputs_have_their_tables() -> None:
    rng = np.random.default_rng(0)
    inputs = [builder.read("x", j) for j in range(4)]
    for table in rng.integers(1, (1 << 16) - 1, size=200).tolist():
        expr = least_expression(table, inputs, [4, 4, 4, 4], 200)
        assert expr is not None
        assert table_of(expr, 4) == table
        assert least_expression(table, inputs, [4, 4, 4, 4], cost(expr)) is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("if a then b else c xor d", lambda a, b, c, d: b if a else c ^ d),
        ("a + b + c + d == 2", lambda a, b, c, d: a + b + c + d == 2),
        ("a == b and c == d", lambda a, b, c, d: a == b and c == d),
        ("2 <= a + b + c + d <= 3", lambda a, b, c, d: 2 <= a + b + c + d <= 3),
        ("a xor b xor c xor d", lambda a, b, c, d: a ^ b ^ c ^ d),
    ],
)
def test_every_kind_of_operator(text: str, values: Callable[[int, int, int, int], int]) -> None:
    table = sum(int(values(*(a >> j & 1 for j in range(4)))) << a for a in range(16))
    expr = least_expression(table, [builder.read(name) for name in "abcd"], [1, 1, 1, 1], 100)
    assert expr is not None
    assert print_expression(expr) == text
