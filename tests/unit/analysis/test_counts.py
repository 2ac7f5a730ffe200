"""Expressions of functions of small integers have the tables they were asked for, and are the short ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from ddcompile.analysis.counts import MOST_ROWS, least_of_counts
from ddcompile.analysis.evaluate import evaluated
from ddcompile.ir import builder
from ddcompile.ir.nodes import Read
from ddcompile.ir.printer import print_expression

T, S, A, B = (Read(name, ()) for name in "tsab")
COUNT, BIT, BIG = range(10), range(2), 2**62


@pytest.mark.parametrize(
    ("ranges", "inputs", "function", "text"),
    [
        ([COUNT], [T], lambda t: t > 3, "t >= 4"),
        ([COUNT], [T], lambda t: t < 3, "t <= 2"),
        ([COUNT], [T], lambda t: t == 9, "t >= 9"),
        ([COUNT], [T], lambda t: t == 4, "t == 4"),
        ([COUNT], [T], lambda t: t != 4, "t != 4"),
        ([COUNT], [T], lambda t: 2 <= t <= 6, "2 <= t <= 6"),
        ([COUNT], [T], lambda t: not 2 <= t <= 6, "not 2 <= t <= 6"),
        ([COUNT], [T], lambda t: t % 2, "t % 2"),
        ([COUNT], [T], lambda t: t % 3 == 1, "t % 3 == 1"),
        ([COUNT], [T], lambda t: t % 4 in (2, 3), "t % 4 >= 2"),
        ([range(-3, 4)], [T], lambda t: t in (-1, 0), "-1 <= t <= 0"),
        ([COUNT, BIT], [T, A], lambda t, a: t == 3 or (t == 4 and a), "5 <= 2 * t - a <= 7"),
        ([COUNT, BIT], [T, A], lambda t, a: t >= (8 if a else 2), "t - 6 * a >= 2"),
        ([COUNT, BIT], [T, A], lambda t, a: (t + a) % 3 == 0, "(t + a) % 3 == 0"),
        ([COUNT, COUNT], [T, S], lambda t, s: t > s, "t > s"),
        ([COUNT, COUNT], [T, S], lambda t, s: t == s, "s == t"),
        ([COUNT, BIT, BIT], [T, A, B], lambda t, a, b: t + a > 4 + 2 * b, "t + a - 2 * b >= 5"),
        (
            [COUNT, BIT],
            [T, A],
            lambda t, a: 3 <= t <= 4 if a else t in (3, 6),
            "if a then 3 <= t <= 4 else t == 3 or t == 6",
        ),
        ([COUNT, BIT], [T, A], lambda t, a: a and t in (3, 6), "a and (t == 3 or t == 6)"),
        ([COUNT, BIT], [T, A], lambda t, a: a or t in (3, 6), "a or t == 3 or t == 6"),
        ([COUNT, BIT], [T, A], lambda t, a: t in (3, 6) and not a, "not a and (t == 3 or t == 6)"),
        ([COUNT, BIT], [T, A], lambda t, a: t in (3, 6) or not a, "not a or t == 3 or t == 6"),
        ([range(BIG, BIG + 3)] * 2, [T, S], lambda t, s: 2 * t + s > 3 * BIG + 3, f"2 * t + s >= {3 * BIG + 4}"),
        ([range(-(2**80), 3 - 2**80), BIT], [T, A], lambda t, a: t + 2**80 == a + 1, "(2 * t + a) % 3 == 0"),
        ([range(2**63, 2**63 + 4)], [T], lambda t: t % 2, "t % 2"),
    ],
)
def test_known_functions(ranges: list[range], inputs: list[Read], function: Callable[..., bool], text: str) -> None:
    shape = tuple(map(len, ranges))
    table = np.array([bool(function(*values)) for values in product(*ranges)]).reshape(shape)
    expr = least_of_counts(ranges, table, inputs, 100)
    assert expr is not None
    assert print_expression(expr) == text
    axes = np.meshgrid(*(np.array(r, dtype=object) for r in ranges), indexing="ij")
    assert (evaluated(expr, dict(zip(inputs, axes, strict=True)), np.zeros(shape, dtype=object)) == table).all()


def test_what_is_found_has_the_table() -> None:
    rng = np.random.default_rng(1)
    found = 0
    axes = np.meshgrid(np.arange(5).astype(object), np.arange(2).astype(object), indexing="ij")
    for _ in range(100):
        table = rng.integers(0, 2, size=(5, 2))
        expr = least_of_counts([range(5), BIT], table, [T, A], 100)
        if expr is not None:
            found += 1
            assert (evaluated(expr, {T: axes[0], A: axes[1]}, np.zeros((5, 2), dtype=object)) == table).all()
    assert found > 10


def test_declines() -> None:
    scattered = np.random.default_rng(3).integers(0, 2, 33)
    assert least_of_counts([range(33)], scattered, [T], 100) is None
    assert least_of_counts([COUNT], np.arange(10) > 3, [T], 3) is None
    assert least_of_counts([range(MOST_ROWS + 1)], np.arange(MOST_ROWS + 1) > 3, [T], 100) is None


def test_a_residue_of_a_sum_is_a_bit() -> None:
    assert least_of_counts([COUNT], np.arange(10) % 2, [T], 100) == builder.mod(T, 2)
