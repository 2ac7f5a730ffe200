"""Expressions of tabulated functions have the tables they were asked for, and are the short ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest

from ddcompile.analysis.cones import Table
from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.evaluate import evaluated
from ddcompile.analysis.symmetries import merged
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Expr, Literal, Read
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import rewrite
from ddcompile.ir.verifier import verify

BIT, SPIN, TRIT = range(2), range(-1, 2, 2), range(-1, 2)


def table_of(ranges: Sequence[range], function: Callable[..., object]) -> np.ndarray:
    values = [int(bool(function(*row))) for row in product(*ranges)]
    return np.array(values).reshape([len(r) for r in ranges])


def atom(name: str) -> Read:
    tensor, _, place = name.partition(" ")
    return Read(tensor, (Literal(int(place)),) if place else ())


def values_of(search: Search, expr: Expr, ranges: Sequence[range], inputs: Sequence[Read]) -> list[int]:
    """The value of an expression for all inputs; elements that are looked up or selected are found by their numbers."""
    found = []
    tables = search.used(expr)
    for row in product(*ranges):
        given = dict(zip(inputs, row, strict=True))

        def step(node: Expr, given: dict[Read, int] = given) -> Expr:
            if not isinstance(node, Read):
                return node
            if node in given:
                return Literal(given[node])
            zero = np.zeros(1, dtype=object)
            place = [int(evaluated(p, {}, zero)[0]) for p in node.positions]
            if node.tensor in tables:
                return Literal(int(tables[node.tensor][tuple(place)]))
            return Literal(given[Read(node.tensor, tuple(map(Literal, place)))])

        found.append(int(evaluated(rewrite(expr, step), {}, np.zeros(1, dtype=object))[0]))
    return found


@pytest.mark.parametrize(
    ("ranges", "names", "function", "text"),
    [
        ([range(6), BIT, BIT], "n a b", lambda n, a, b: n >= 3 and a != b, "(a xor b) and n >= 3"),
        ([range(12)], "n", lambda n: 3 <= n <= 9 and n != 5, "n != 5 and 3 <= n <= 9"),
        ([range(13)], "n", lambda n: n in (1, 2, 5, 7, 8, 11), "n % 3 != 0 and n % 6 != 4"),
        ([range(10)], "n", lambda n: n in (0, 3, 4, 9), "1 <= n <= 2 xor not 5 <= n <= 8"),
        ([range(6), range(7)], "n m", lambda n, m: (n >= 3) ^ (m >= 2), "m >= 2 xor n >= 3"),
        ([range(6), range(7), BIT], "n m a", lambda n, m, a: n > m if a else m >= 3, "if a then n > m else m >= 3"),
        ([BIT] * 5, "a b c d e", lambda a, b, c, d, e: (a if b else c) ^ (d and e), None),
        ([BIT] * 5, "a b c d e", lambda a, b, c, d, e: (a and b) or (c and d) or e, None),
        ([BIT] * 6, "a b c d e f", lambda a, b, c, d, e, f: 4 * a + 2 * b + c > 4 * d + 2 * e + f, None),
        ([BIT] * 6, "a b c d e f", lambda a, b, c, d, e, f: (a, b, c) == (d, e, f), None),
        (
            [BIT] * 9,
            "a b c d e f g h i",
            lambda *x: sum(sum(x[k : k + 3]) >= 2 for k in (0, 3, 6)) >= 2,
            "(d + e + f >= 2) + (a + b + c >= 2) > (g + h + i <= 1)",
        ),
        ([SPIN] * 3, "a b c", lambda a, b, c: a * b * c > 0, "(a + b + c) % 4 == 3"),
        ([SPIN, SPIN, range(5)], "a b n", lambda a, b, n: a > 0 and ((b > 0) ^ (n > 2)), None),
        ([TRIT] * 2, "a b", lambda a, b: a * b > 0, "not -1 <= a + b <= 1"),
        ([TRIT] * 3, "a b c", lambda a, b, c: a == b or c == 0, None),
    ],
)
def test_known_functions(ranges: list[range], names: str, function: Callable[..., object], text: str | None) -> None:
    inputs = [Read(name) for name in names.split()]
    search = Search()
    table = table_of(ranges, function)
    expr = search.least(ranges, table, inputs, 40)
    assert expr is not None
    if text is not None:
        assert print_expression(expr) == text
    assert values_of(search, expr, ranges, inputs) == table.ravel().tolist()


@pytest.mark.parametrize(
    ("names", "function", "text"),
    [
        (["s 0", "s 1", *(f"x {k}" for k in range(4))], lambda a, b, *x: x[2 * a + b], "x[2 * s[0] + s[1]]"),
        (["s 0", "s 1", *(f"x {k}" for k in range(4))], lambda a, b, *x: x[a + 2 * b], "x[2 * s[1] + s[0]]"),
        (["s 0", *(f"x {k}" for k in range(2, 4))], lambda a, *x: x[1 - a], "x[3 - s[0]]"),
        (
            ["s 0", "s 1", *(f"x {k}" for k in range(4)), "u", "v"],
            lambda a, b, c, d, e, f, u, v: u or (v and (c, d, e, f)[2 * a + b]),
            "u or x[2 * s[0] + s[1]] and v",
        ),
    ],
)
def test_selected_elements(names: list[str], function: Callable[..., object], text: str) -> None:
    inputs = [atom(name) for name in names]
    ranges = [BIT] * len(inputs)
    search = Search()
    table = table_of(ranges, function)
    expr = search.least(ranges, table, inputs, 60)
    assert expr is not None
    assert print_expression(expr) == text
    assert values_of(search, expr, ranges, inputs) == table.ravel().tolist()


def test_numbers_without_structure_are_looked_up() -> None:
    rng = np.random.default_rng(3)
    table = rng.integers(0, 2, (33,))
    search = Search()
    expr = search.least([range(2, 35)], table, [Read("n")], 100)
    assert expr is not None
    assert print_expression(expr) == "hit[n - 2]"
    assert search.used(expr)["hit"].tolist() == table.tolist()
    assert search.price(expr) > 33
    assert Search().least([range(2, 35)], table, [Read("n")], 33) is None


@pytest.mark.parametrize("seed", range(8))
def test_what_is_found_has_the_table(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranges = [(BIT, BIT, SPIN, TRIT, range(5))[k] for k in rng.integers(0, 5, rng.integers(1, 6))]
    inputs = [Read(f"x{k}") for k in range(len(ranges))]
    table = (rng.random([len(r) for r in ranges]) < rng.choice([0.15, 0.5])).astype(np.int64)
    search = Search()
    expr = search.least(ranges, table, inputs, 1000)
    assert expr is not None
    assert values_of(search, expr, ranges, inputs) == table.ravel().tolist()


@pytest.mark.parametrize(
    ("inputs", "function", "wrong", "text"),
    [
        (
            8,
            lambda *x: x[:4] > x[4:],
            ["11011001"],
            "(((d > h) + c > g) + b > f) + a > e and a + b + d + e + h - c - g < 5",
        ),
        (7, lambda *x: x[2 + 2 * x[0] + x[1]], ["1111101"], None),
        (8, lambda *x: x[2 + 2 * x[0] + x[1]], ["11011001", "01111001"], None),
        (7, lambda *x: 2 <= sum(x) <= 3, ["1111000"], None),
        (8, lambda *x: sum(x) >= 5, ["11110000", "00000111"], None),
    ],
)
def test_all_rows_but_few(inputs: int, function: Callable[..., object], wrong: list[str], text: str | None) -> None:
    ranges, names = [BIT] * inputs, [Read(name) for name in "abcdefgh"[:inputs]]
    table = table_of(ranges, function)
    usual = Search()
    plain = usual.least(ranges, table, names, 1000)
    assert plain is not None
    for row in wrong:
        table[tuple(map(int, row))] ^= 1
    search = Search()
    expr = search.least_but_few(ranges, table, names, 1000)
    assert expr is not None
    if text is not None:
        assert print_expression(expr) == text
    assert search.price(expr) <= usual.price(plain) + 5 * inputs * len(wrong)
    assert values_of(search, expr, ranges, names) == table.ravel().tolist()


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b, c: a >= 0 and (b >= 0 and a) > c,
        lambda a, b, c: (a if b >= 0 else 1 - c) > 0 and c >= 0,
        lambda a, b, c: a >= 0 and b >= 0 and (a == b or c < 0),
    ],
)
def test_numbers_that_are_0_or_1_under_a_condition_are_no_bits(function: Callable[..., object]) -> None:
    ranges, inputs = [TRIT] * 3, [Read(name) for name in "abc"]
    table = table_of(ranges, function)
    expr = Search().least(ranges, table, inputs, 60)
    assert expr is not None
    rule = parse(f"rule f(a: trit, b: trit, c: trit) -> (y: bit) {{\n  y = {print_expression(expr)}\n}}")
    assert not verify(rule)
    (found,) = interpret(rule, [np.array(column) for column in zip(*product(*ranges), strict=True)])
    assert found.tolist() == table.ravel().tolist()


def test_the_search_is_bounded() -> None:
    rng = np.random.default_rng(1)
    table = rng.integers(0, 2, (2,) * 13)
    assert Search().least([BIT] * 13, table, [Read(f"x{k}") for k in range(13)], 10_000) is None


@pytest.mark.parametrize(
    ("ranges", "function", "classes"),
    [
        ([BIT] * 4, lambda a, b, c, d: a + b + c + d >= 2, [[(0, 1), (1, 1), (2, 1), (3, 1)]]),
        ([BIT] * 3, lambda a, b, c: a + b >= 1 and c, [[(0, 1), (1, 1)], [(2, 1)]]),
        ([BIT] * 3, lambda a, b, c: a - b + c >= 1, [[(0, 1), (1, -1), (2, 1)]]),
        ([BIT] * 3, lambda a, b, c: a ^ c, [[(0, 1), (2, 1)]]),
        ([range(4), BIT], lambda n, a: n + a >= 2, [[(0, 1), (1, 1)]]),
        ([range(4), BIT], lambda n, a: 2 * n + a >= 4, [[(0, 1)]]),
        ([SPIN] * 2, lambda a, b: a > b, [[(0, 1), (1, -1)]]),
    ],
)
def test_sums_that_say_all(
    ranges: list[range], function: Callable[..., object], classes: list[list[tuple[int, int]]]
) -> None:
    table = table_of(ranges, function)
    found = merged(Table(tuple(((k, 1),) for k in range(len(ranges))), tuple(ranges), table))
    assert [list(c) for c in found.classes] == classes
    for row in product(*ranges):
        sums = [sum(sign * row[k] for k, sign in members) for members in found.classes]
        place = tuple(r.index(s) for r, s in zip(found.ranges, sums, strict=True))
        assert found.values[place] == function(*row)


def test_a_table_under_a_condition_holds_all_values_of_its_inputs() -> None:
    """Where the condition does not hold, the element is never looked at, but must be one."""
    rows = ["10011011", "11100111", "01001111", "10100011", "10110111"]
    table = np.array([[int(bit) for bit in row] for row in rows]).T
    ranges, inputs = [range(8), range(5)], [Read("n"), Read("m")]
    search = Search()
    expr = search.least(ranges, table, inputs, 1000)
    assert expr is not None
    (held,) = search.used(expr).values()
    assert held.shape == (8, 5)
    assert values_of(search, expr, ranges, inputs) == table.ravel().tolist()
