"""Exact numbers as sums of integers and doubles."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.frontends.evaluate import evaluate
from ddcompile.ir import builder
from ddcompile.passes.literals import NoLiteral, sum_of_literals


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ((0.1, 0.2), (0.1, 0.2)),
        ((-0.1, -0.2), (-0.1, -0.2)),
        ((0.1, 0.05, 0.05, 0.1), (0.1, 0.2)),
        ((0.7, 1e-30), (0.7, 1e-30)),
        ((1e300, 1e-300), (1e300, 1e-300)),
        ((3,), (3,)),
        ((0.1,), (0.1,)),
    ],
)
def test_short_sums(terms: tuple[float, ...], expected: tuple[float, ...]) -> None:
    value = sum(map(Fraction, terms))
    found = sum_of_literals(value)
    assert sorted(found) == sorted(map(Fraction, expected))


def test_terms_add_up_exactly() -> None:
    rng = random.Random(0)
    for _ in range(300):
        value = sum(Fraction(rng.gauss(0, 1) * 10 ** rng.randint(-9, 9)) for _ in range(rng.randint(1, 4)))
        found = sum_of_literals(value)
        assert sum(found) == value
        assert all(map(builder.has_literal, found))


def test_numbers_beyond_doubles_are_an_integer_and_the_rest() -> None:
    value = Fraction(2) ** 1030 + Fraction(0.1)
    assert sum_of_literals(value) == (2**1030, Fraction(0.1))
    assert sum_of_literals(-value) == (-(2**1030), Fraction(-0.1))


def test_layers_whose_product_is_beyond_doubles() -> None:
    layers = (dd.Layer(np.array([[1.7e308], [0.5]]), np.zeros(2)), dd.Layer(np.array([[2.0, 1.0]]), np.zeros(1)))
    program = dd.distill(dd.Network(layers), inputs="x: bit[1]")
    assert program.verdict
    assert program([[0], [1]]).tolist() == [0, 2 * Fraction(1.7e308) + Fraction(0.5)]


def test_numbers_below_the_smallest_double_have_none() -> None:
    with pytest.raises(NoLiteral):
        sum_of_literals(Fraction(3, 2**1200))


def test_layers_whose_product_has_none_are_left_apart() -> None:
    layers = [dd.Layer(np.array([[1e-200, 3e-200], [2e-200, 1e-200]]), np.zeros(2)) for _ in range(2)]
    network = dd.Network((*layers, dd.Layer(np.array([[1e-200, 0.5]]), np.zeros(1))))
    program = dd.distill(network, inputs="x: bit[2]")
    assert program.verdict
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert program(x).tolist() == evaluate(network, x)[:, 0].tolist()
