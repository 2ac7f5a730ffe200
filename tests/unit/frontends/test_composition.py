"""Recodings become part of the layer that reads them, if every number stays a double."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import INPUTS, Layer, Network, Pointwise
from ddcompile.interpreter import interpret
from ddcompile.ir.verifier import check

BITS = np.array(list(product((0, 1), repeat=3)))
NUMBERS = st.sampled_from([1.0, -1.0, 2.0, 0.5, -0.25, 3.0, 0.1, 0.0, 2.0**60, 5e-324, 1 + 2.0**-52])
INTEGERS = st.sampled_from([0, 1, -3, 2**53 + 1, 2**62])


def lines(layers: tuple[Layer, ...], inputs: str = "x: bit[3]") -> list[str]:
    rule = lower(Network(layers), inputs, None, None, "net")
    check(rule)
    return [line.strip() for line in str(rule).splitlines()[1:-1]]


def recoding(factor: float, shift: float) -> Layer:
    return Layer(Pointwise([[factor] * 3]), [shift] * 3)  # type: ignore[arg-type]


def test_spins_made_of_bits() -> None:
    read = Layer([[1, 2, 3], [0.5, 0, 1]], [1, 0], "sign")  # type: ignore[arg-type]
    assert lines((recoding(2, 0), recoding(1, -1), read)) == [
        "const weight3: int[2, 3] = [[2, 4, 6], [1, 0, 2]]",
        "const bias3: rat[2] = [-5.0, -1.5]",
        "y[u < 2] = sign(sum(v < 3: weight3[u, v] * x[v]) + bias3[u])",
    ]


@pytest.mark.parametrize(
    ("layers", "statement"),
    [
        ((recoding(3, 1), Layer([[1, 2, 3]], [0])), "layer1[u < 3] = 3 * x[u] + 1"),  # type: ignore[arg-type]
        ((recoding(2, 0.1), Layer([[1, 2.0**70, 0]], [1e-20])), "layer1[u < 3] = 2 * x[u] + 0.1"),  # type: ignore[arg-type]
        ((recoding(2, -1), Layer([[2**62 + 1, 0, 0]], [0])), "layer1[u < 3] = 2 * x[u] - 1"),  # type: ignore[arg-type]
    ],
)
def test_what_is_not_exact_in_doubles_stays(layers: tuple[Layer, ...], statement: str) -> None:
    assert statement in lines(layers)


def test_reals_are_recoded_as_written() -> None:
    read = Layer([[1, 2, 3]], [1])  # type: ignore[arg-type]
    assert "layer1[u < 3] = 2 * x[u] - 1" in lines((recoding(2, -1), read), "x: real[3]")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nothing_changes(data: st.DataObject) -> None:
    def numbers(count: int, source: st.SearchStrategy[float] = NUMBERS) -> np.ndarray:
        return np.array([data.draw(source) for _ in range(count)])

    factor = data.draw(NUMBERS)
    first = Layer(Pointwise([[factor] * 3]), numbers(3))  # type: ignore[arg-type]
    second = Layer(numbers(6).reshape(2, 3), numbers(2), "sign", reads=(INPUTS,))
    third = Layer(
        numbers(12, data.draw(st.sampled_from([NUMBERS, INTEGERS]))).reshape(2, 6), numbers(2), reads=(0, INPUTS)
    )
    network = Network((first, second, third))
    (found,) = interpret(lower(network, "x: bit[3]", None, None, "net"), [BITS])
    assert found.tolist() == evaluate(network, BITS).tolist()
