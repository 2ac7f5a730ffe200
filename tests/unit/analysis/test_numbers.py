"""Tabulated functions with integer values as short expressions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from ddcompile.analysis.decompositions import Search
from ddcompile.analysis.numbers import least_number
from ddcompile.ir.nodes import Read
from ddcompile.ir.printer import print_expression

_BIT, _COUNT, _TRIT = range(2), range(6), range(-1, 2)


@pytest.mark.parametrize(
    ("ranges", "function", "text"),
    [
        ((_COUNT,), lambda c: 1 if c >= 3 else -1, "sign(2 * a - 5)"),
        ((_TRIT, _TRIT), lambda a, b: (a > b) - (a < b), "sign(a - b)"),
        ((_TRIT,), lambda a: -a, "-a"),
        ((_BIT, _BIT, _BIT), lambda a, b, c: a + 2 * b + 4 * c, "a + 2 * b + 4 * c"),
        ((_BIT, _BIT), lambda a, b: 3 + 4 * (a ^ b), "if a == b then 3 else 7"),
        ((_COUNT,), lambda c: (c >= 2) + (c >= 4), "(a >= 2) + (a >= 4)"),
        ((_BIT, _BIT), lambda a, b: 5 if a else 1 if b else 0, "if a then 5 else b"),
        ((_COUNT,), lambda c: 7, "7"),
        ((_BIT,), lambda a: a, "a"),
        ((_COUNT, _COUNT), lambda a, b: 9 if (a, b) == (3, 1) else a + b, "if a == 3 and b == 1 then 9 else a + b"),
        ((range(16),), lambda a: {5: 0, 9: 1}.get(a, 3 * a), "if a == 9 then 1 else if a == 5 then 0 else 3 * a"),
    ],
)
def test_least_texts(ranges: tuple[range, ...], function: Callable[..., int], text: str) -> None:
    values = np.array([function(*each) for each in product(*ranges)]).reshape([len(r) for r in ranges])
    inputs = [Read(name) for name in "abc"[: len(ranges)]]
    found = least_number(Search(), ranges, values, inputs, 1000)
    assert found is not None
    assert print_expression(found) == text
    assert least_number(Search(), ranges, values, inputs, 1) is None


def test_irregular_values_are_looked_up() -> None:
    values = np.random.default_rng(0).integers(0, 9, (6, 6))
    search = Search()
    found = least_number(search, (_COUNT, _COUNT), values, [Read("a"), Read("b")], 1000)
    assert found is not None
    assert print_expression(found) == f"{next(iter(search.used(found)))}[a, b]"
    assert (next(iter(search.used(found).values())) == values).all()


def test_many_values_are_affine_or_nothing() -> None:
    wide = range(100)
    assert least_number(Search(), (wide,), np.arange(100) ** 2, [Read("a")], 1000) is None
    found = least_number(Search(), (wide,), 3 * np.arange(100) - 7, [Read("a")], 1000)
    assert found is not None
    assert print_expression(found) == "3 * a - 7"
