"""Networks over doubles: comparisons of one input are exact; what is smooth is lowered to real sums."""

from __future__ import annotations

from fractions import Fraction
from math import nextafter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import ddcompile as dd
from ddcompile.frontends.cuts import cuts_of
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.forms import Tensor, own_form
from ddcompile.frontends.network import INPUTS, Layer, Network, Pointwise
from ddcompile.frontends.normalization import Norm
from ddcompile.interpreter import interpret
from ddcompile.ir.verifier import check

INPUT_COUNT = 3
WEIGHTS = st.one_of(
    st.sampled_from([1.0, -1.0, 0.1, -3.0, 7.0, 1e-3, 0.0]),
    st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6),
)
BIASES = st.one_of(st.sampled_from([0.0, 1.0, 0.3, -2.0]), st.floats(-1e6, 1e6))


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """Units that look at one input each, or at none."""
    units = draw(st.integers(1, 5))
    weight = np.zeros((units, INPUT_COUNT))
    for row in weight:
        row[draw(st.integers(0, INPUT_COUNT - 1))] = draw(WEIGHTS)
    bias = np.array([draw(BIASES) for _ in range(units)])
    norm = None
    if draw(st.booleans()):
        lists = [
            np.array([draw(values) for _ in range(units)]) for values in (BIASES, st.floats(1e-3, 9), WEIGHTS, BIASES)
        ]
        norm = Norm(*lists, epsilon=draw(st.sampled_from([0.0, 1e-5])))
    return Layer(weight, bias, draw(st.sampled_from(["sign", "step", "nonnegative"])), norm)


def around(layer: Layer) -> np.ndarray:
    """Doubles on and about every threshold, in all inputs alike."""
    places = [0.0, 1.0, -1e300, 1e300]
    tensor = Tensor("x", (INPUT_COUNT,))
    for cut in cuts_of(layer.dense_weight(), layer.bias, [own_form(tensor)], layer.norm):
        assert cut is not None
        for value in (cut.low, cut.high, -cut.low, -cut.high):
            places += [value, nextafter(value, np.inf), nextafter(value, -np.inf)]
    return np.repeat(np.array(places)[:, None], INPUT_COUNT, axis=1)


@settings(max_examples=200, deadline=None)
@given(layers(), st.sampled_from(["x: real[3]", "x: real, y: real[2]", "x: real[1, 3]"]))
def test_comparisons_of_one_input_are_exact(layer: Layer, inputs: str) -> None:
    network = Network((layer,))
    rule = lower(network, inputs, None, None, "net")
    check(rule)
    X = around(layer)
    arrays = {"x: real[3]": [X], "x: real, y: real[2]": [X[:, 0], X[:, 1:]], "x: real[1, 3]": [X[:, None]]}[inputs]
    (found,) = interpret(rule, arrays)
    assert np.array_equal(found.reshape(len(X), -1), evaluate(network, X))


def test_a_threshold_between_doubles_is_both_of_them() -> None:
    (cut,) = cuts_of(np.array([[3.0]]), np.array([-1.0]), [own_form(Tensor("x", (1,)))], None)
    assert cut is not None
    assert cut.slope == 1
    assert Fraction(cut.low) < Fraction(1, 3) < Fraction(cut.high)
    assert nextafter(cut.low, 1) == cut.high


def test_a_threshold_that_no_double_is_near_stays_a_sum() -> None:
    tiny = Network((Layer(np.array([[5e-324]]), np.array([1e300]), "sign"),))
    assert "sign(sum(" in str(lower(tiny, "x: real[1]", None, None, "net"))


def text(network: Network, inputs: str, head: str | None = None) -> list[str]:
    rule = lower(network, inputs, None, head, "net")
    check(rule)
    return [line.strip() for line in str(rule).splitlines()[1:-1]]


def test_pointwise_units_keep_the_shape() -> None:
    scaled = Layer(Pointwise([[2.0] * 4]), [-1.0] * 4)  # type: ignore[arg-type]
    network = Network((scaled, Layer(Pointwise([[1.0] * 4]), [0.0] * 4, "step")))  # type: ignore[arg-type]
    assert text(network, "x: real[2, 2]") == ["y[i < 2, j < 2] = x[i, j] > 0.5"]


def test_units_that_look_at_several_inputs_are_sums_between_comparisons() -> None:
    weight = np.array([[1.0, 0, 0], [0, -2.0, 0], [1, 1, 1], [0, 0, 4.0]])
    network = Network((Layer(weight, np.array([0.5, 1, 0.25, 3]), "step"),))
    assert text(network, "x: real[3]") == [
        "const slope1_0: int[2] = [1, -1]",
        "const weight1_2: int[1, 3] = [[1, 1, 1]]",
        "const bias1_2: rat[1] = [0.25]",
        "y[u < 2] = slope1_0[u] * x[u] > -0.5",
        "y[2 <= u < 3] = sum(v < 3: weight1_2[u - 2, v] * x[v]) + bias1_2[u - 2] > 0",
        "y[3 <= u < 4] = x[u - 1] > -0.75",
    ]


def test_results_of_another_shape_are_copied() -> None:
    network = Network((Layer(np.array([[1.0, 0], [1.0, 0]]), np.array([0.0, -1.0]), "nonnegative"),))
    rule = lower(network, "x: real[2]", "a: bit, b: bit[1, 1]", None, "net")
    check(rule)
    a, b = interpret(rule, [np.array([[0.5, 9], [1.0, 9]])])
    assert (a.tolist(), b.tolist()) == ([1, 1], [[[0]], [[1]]])


def test_a_sum_behind_a_batch_norm_is_compared() -> None:
    norm = Norm([0.0] * 2, [2.0] * 2, [1.0, 0.0], [1.0, -1.0])
    network = Network((Layer(np.array([[1.0, 1.0], [1.0, 1.0]]), np.zeros(2), "sign", norm),))
    assert text(network, "x: real[2]")[-2:] == [
        "sum1[u < 2] = sum(v < 2: weight1[u, v] * x[v]) + bias1[u]",
        "y[u < 2] = (slope1[u] * sum1[u] > low1[u]) - (slope1[u] * sum1[u] < high1[u])",
    ]
    (found,) = interpret(lower(network, "x: real[2]", None, None, "net"), [np.array([[-1.4, 0], [-0.7, -0.8]])])
    assert found.tolist() == [[1, -1], [-1, -1]]


def test_decisions_over_reals_are_discrete_from_there_on() -> None:
    first = Layer(np.eye(3), np.array([-0.5, -0.25, 0.125]), "step")
    last = Layer(np.array([[1, 1, 0], [0, 1, 2]]), np.array([0, -1]))
    network = Network((first, last), head="argmax")
    program = dd.distill(network, "x: real[3]")
    assert program.verdict
    X = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    assert np.array_equal(program(X), evaluate(network, X))


def test_smooth_layers_and_softmax() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) for shape in ((4, 6), (3, 4))]
    layers = (Layer(weights[0], rng.standard_normal(4), "tanh"), Layer(weights[1], rng.standard_normal(3)))
    network = Network(
        (*layers[:1], Layer(weights[1], layers[1].bias, "sigmoid"), Layer(np.eye(3), np.zeros(3))), head="softmax"
    )
    lines = text(network, "x: bit[6]")
    assert lines[-1] == "p[u < 3] = softmax(v < 3: score[v])[u]"
    assert lines[-4].startswith("layer1[u < 4] = tanh(sum(i < 6: ")
    assert lines[-3].startswith("layer2[u < 3] = sigmoid(sum(v < 4: ")
    for inputs, X in (("x: bit[6]", rng.integers(0, 2, (50, 6))), ("x: real[6]", rng.standard_normal((50, 6)))):
        (found,) = interpret(lower(network, inputs, None, None, "net"), [X])
        hidden = np.tanh(X @ weights[0].T + layers[0].bias)
        scores = 1 / (1 + np.exp(-(hidden @ weights[1].T + layers[1].bias)))
        expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        assert np.allclose(found, expected, rtol=1e-12, atol=0)
        (winner,) = interpret(lower(network, inputs, None, "argmax", "net"), [X])
        assert np.array_equal(winner, scores.argmax(axis=1))


def test_softmax_of_exact_scores_in_any_layout() -> None:
    network = Network((Layer(np.arange(8).reshape(4, 2), np.zeros(4)),))
    rule = lower(network, "x: int[0..2][2]", "a: real[2, 1], b: real, c: real", "softmax", "net")
    check(rule)
    results = interpret(rule, [np.array([[1, 2], [0, 1]])])
    together = np.concatenate([r.reshape(2, -1) for r in results], axis=1)
    scores = np.array([[2.0, 8, 14, 20], [1, 3, 5, 7]])
    assert np.allclose(together, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), rtol=1e-14)


def test_exact_results_may_be_declared_real() -> None:
    skip = Layer(np.array([[0.1, 1.0]]), np.array([0.0]), "identity", reads=(INPUTS,))
    rule = lower(Network((skip,)), "x: bit[2]", "y: real", None, "net")
    check(rule)
    (found,) = interpret(rule, [np.array([[1, 0], [1, 1]])])
    assert found.tolist() == [0.1, 1.1]


@pytest.mark.parametrize("kind", ["sign", "step", "nonnegative"])
def test_a_network_over_reals_is_verified_against_itself(kind: str) -> None:
    network = Network((Layer(np.eye(2) * 3, np.array([1.0, -1.0]), kind),))
    program = dd.distill(network, "x: real[2]")
    assert dd.verify(network, program)
