"""Exact evaluation, against plain rational arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Layer, Network, Pointwise

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
WEIGHTS = st.one_of(
    st.integers(-3, 3).map(float),
    st.sampled_from([0.1, -0.3333, 1e-30, 2.0**60, -(2.0**53) - 2]),
    FINITE.filter(lambda v: v == 0 or 1e-60 < abs(v) < 1e60),
)


PLAIN: dict[str, Callable[[Fraction], Fraction]] = {
    "sign": lambda s: Fraction((s > 0) - (s < 0)),
    "step": lambda s: Fraction(s > 0),
    "nonnegative": lambda s: Fraction(s >= 0),
    "relu": lambda s: max(s, Fraction(0)),
    "abs": abs,
    "hardtanh": lambda s: max(Fraction(-1), min(Fraction(1), s)),
    "identity": lambda s: s,
    "clamp[0..6]": lambda s: max(Fraction(0), min(Fraction(6), s)),
    "clamp[-0.1..]": lambda s: max(Fraction(-0.1), s),
    "clamp[..2.5]": lambda s: min(Fraction(2.5), s),
}


def plainly(network: Network, row: list[int]) -> list[Fraction]:
    values = [Fraction(v) for v in row]
    for layer in network.layers:
        sums = [
            sum((Fraction(w) * x for w, x in zip(weights, values, strict=True)), Fraction(bias))
            for weights, bias in zip(layer.dense_weight().tolist(), layer.bias.tolist(), strict=True)
        ]
        values = [PLAIN[layer.activation](total) for total in sums]
    return values


@st.composite
def networks(draw: st.DrawFn) -> Network:
    widths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    layers = []
    for inputs, units in pairwise(widths):
        weight = draw(st.lists(st.lists(WEIGHTS, min_size=inputs, max_size=inputs), min_size=units, max_size=units))
        bias = draw(st.lists(WEIGHTS, min_size=units, max_size=units))
        layers.append(Layer(np.array(weight), np.array(bias), draw(st.sampled_from(sorted(PLAIN)))))
    return Network(tuple(layers))


@settings(max_examples=150, deadline=None)
@given(networks(), st.data())
def test_evaluation_is_rational_arithmetic(network: Network, data: st.DataObject) -> None:
    number = st.one_of(st.integers(-2, 2), st.integers(-(2**63), 2**63 - 1))
    row = st.lists(number, min_size=network.inputs, max_size=network.inputs)
    X = data.draw(st.lists(row, min_size=1, max_size=3))
    expected = [plainly(network, x) for x in X]
    assert evaluate(network, np.array(X, dtype=np.int64)).tolist() == expected
    signs = [[(v > 0) - (v < 0) for v in values] for values in expected]
    assert evaluate(network, np.array(X, dtype=np.int64), "sign").tolist() == signs
    winners = [values.index(max(values)) for values in expected]
    assert evaluate(network, np.array(X, dtype=np.int64), "argmax").tolist() == winners


def test_a_tie_that_floats_miss_is_zero() -> None:
    network = Network((Layer(np.array([[1e17, 1.0, -1e17, -1.0]]), np.zeros(1), "sign"),))
    assert evaluate(network, np.ones((1, 4), dtype=np.uint8)).tolist() == [[0]]
    network = Network((Layer(np.array([[0.1, 0.2]]), np.array([-0.3]), "sign"),))
    exact = Fraction(0.1) + Fraction(0.2) - Fraction(0.3)
    assert exact > 0
    assert evaluate(network, np.ones((1, 2), dtype=np.uint8)).tolist() == [[1]]


def test_types_of_results() -> None:
    X = np.array([[1, -1]], dtype=np.int8)
    identity = np.eye(2)
    cases = {"sign": np.int8, "step": np.uint8, "relu": np.int64, "identity": np.int64}
    for activation, dtype in cases.items():
        assert evaluate(Network((Layer(identity, np.zeros(2), activation),)), X).dtype == dtype  # type: ignore[arg-type]
    assert evaluate(Network((Layer(identity * 0.5, np.zeros(2)),)), X).tolist() == [[Fraction(1, 2), Fraction(-1, 2)]]
    assert evaluate(Network((Layer(identity, np.zeros(2)),)), X, "argmax").dtype == np.uint8
    assert evaluate(Network((Layer(np.ones((3, 2)), np.zeros(3)),)), X, "argmax").dtype == np.int64


def test_many_rows_go_in_pieces() -> None:
    rng = np.random.default_rng(5)
    network = Network((Layer(rng.integers(-3, 4, (6, 5)), rng.integers(-3, 4, 6)),))
    X = rng.integers(0, 2, (5000, 5))
    layer = network.layers[0]
    assert np.array_equal(evaluate(network, X), X @ layer.dense_weight().T + layer.bias)
    assert evaluate(network, X[:0]).shape == (0, 6)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([["a"] * 3]), r"A002.*the network takes numbers, not <U1"),
        (np.array([[0, np.inf, 0]]), r"A006.*inputs must be finite"),
        (np.zeros((2, 4), dtype=int), r"A004.*arrays of shape \(batch, 3\), not \(2, 4\)"),
        (np.zeros(3, dtype=int), r"A004.*arrays of shape \(batch, 3\), not \(3,\)"),
    ],
)
def test_wrong_inputs_are_refused(X: np.ndarray, message: str) -> None:
    network = Network((Layer(np.ones((1, 3)), np.zeros(1)),))
    with pytest.raises(CompileError, match=message):
        evaluate(network, X)


def test_an_unknown_head_is_refused() -> None:
    network = Network((Layer(np.ones((1, 3)), np.zeros(1)),))
    with pytest.raises(CompileError, match="N206"):
        evaluate(network, np.zeros((1, 3), dtype=int), "max")


def test_what_is_not_rational_is_refused() -> None:
    smooth = Network((Layer(np.ones((2, 3)), np.zeros(2), "tanh"),), head="softmax")
    with pytest.raises(CompileError, match=r"N408.*softmax has no exact values"):
        evaluate(smooth, np.zeros((1, 3), dtype=int))
    with pytest.raises(CompileError, match=r"N408.*tanh has no exact values"):
        evaluate(smooth, np.zeros((1, 3), dtype=int), "none")


def test_floats_are_the_numbers_that_they_are() -> None:
    X = np.array([[0.1, 0.2, 0.3], [1e-300, 2.0**70, -0.0]])
    network = Network((Layer(np.ones((1, 3)), np.array([-0.6])),))
    expected = [sum(map(Fraction, row), Fraction(-0.6)) for row in X.tolist()]
    assert evaluate(network, X).ravel().tolist() == expected
    assert evaluate(network, X, "sign").tolist() == [[(v > 0) - (v < 0)] for v in expected]


def test_what_is_divided_is_added_to_numbers_that_times_the_divisor_are_no_doubles() -> None:
    """3 * 0.1 is no double: all is multiplied by a power of two as well."""
    mean = Layer(np.ones((1, 3)), np.zeros(1), divisor=3)
    network = Network((mean, Layer([[0.7]], [0.1], "relu"), Layer([[1.0], [0.3]], [-0.1, 0.0])))
    X = np.array([[1, 2, 4], [-9, 0, 0]])
    hidden = [max(Fraction(0.7) * int(row.sum()) / 3 + Fraction(0.1), Fraction(0)) for row in X]
    assert evaluate(network, X).tolist() == [[h - Fraction(0.1), Fraction(0.3) * h] for h in hidden]


def test_every_value_is_divided_by_its_own() -> None:
    network = Network((Layer(Pointwise([[1, 2]]), [-1, 0.5], divisors=[0.3, 7]),))
    X = np.array([[4, 5], [0, -2]])
    expected = [[(Fraction(int(a)) - 1) / Fraction(0.3), Fraction(2 * int(b) + 0.5) / 7] for a, b in X]
    assert evaluate(network, X).tolist() == expected


@pytest.mark.parametrize("divisors", [[0.3], [1, 0], [1, -2]])
def test_divisors_that_do_not_fit_are_refused(divisors: list[float]) -> None:
    with pytest.raises(CompileError, match=r"N104.*divisors are positive numbers, one a channel"):
        Layer(Pointwise([[1, 2]]), [-1, 0.5], divisors=np.array(divisors))
