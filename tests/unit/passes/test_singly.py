"""Networks of relus over few bits are written from what they compute, whatever numbers their weights are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.frontends.network import Layer, Network
from ddcompile.passes.collapse_tables import CollapseTables
from ddcompile.prove.checker import check_step


def _network(count: int, function: Callable[..., list[float]], last: str, dtype: type = np.float64) -> Network:
    """Random hidden units, and outputs that are near the numbers of a function of bits, as training leaves them."""
    rng = np.random.default_rng(count)
    rows = np.array(list(product((0, 1), repeat=count)), dtype=np.float64)
    weight, bias = rng.normal(size=(3 << count, count)), rng.normal(size=3 << count)
    hidden = np.column_stack([np.maximum(rows @ weight.T + bias, 0), np.ones(len(rows))])
    wanted = np.array([function(*row) for row in rows.astype(int)], dtype=np.float64)
    found = np.linalg.lstsq(hidden, wanted, rcond=None)[0]
    assert np.abs(hidden @ found - wanted).max() < 0.4
    return Network(
        (
            Layer(weight.astype(dtype), bias.astype(dtype), "relu"),
            Layer(found[:-1].T.astype(dtype), found[-1].astype(dtype), last),
        )
    )


def _text(network: Network, inputs: str, head: str = "none") -> str:
    program = dd.distill(network, inputs, head=head, name="f")
    assert program.verdict.status == "proved"
    return str(program).partition("{\n")[2]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_majority(dtype: type) -> None:
    network = _network(5, lambda *x: [2 * (sum(x) >= 3) - 1], "step", dtype)
    assert _text(network, "x: bit[5]") == "  y = sum(i < 5: x[i]) >= 3\n}"


@pytest.mark.parametrize(
    ("last", "text"),
    [
        ("step", "x[0] xor x[1]"),
        ("nonnegative", "x[0] xor x[1]"),
        ("sign", "2 * (x[0] xor x[1]) - 1"),
    ],
)
def test_signs(last: str, text: str) -> None:
    network = _network(2, lambda a, b: [2 * (a ^ b) - 1], last)
    assert _text(network, "x: bit[2]") == f"  y = {text}\n}}"


def test_ties_are_decided_as_the_network_does() -> None:
    first = Layer(np.array([[0.5, 0.25], [0.25, 0.5]]), np.zeros(2), "relu")
    for last, text in (("step", "x[0] > x[1]"), ("nonnegative", "x[0] >= x[1]"), ("sign", "sign(x[0] - x[1])")):
        network = Network((first, Layer(np.array([[1.0, -1.0]]), np.zeros(1), last)))
        assert _text(network, "x: bit[2]") == f"  y = {text}\n}}"


def test_each_element_has_its_own_text() -> None:
    network = _network(4, lambda *x: [2 * (sum(x) >= 2) - 1, 2 * (sum(x) % 2) - 1], "step")
    expected = "  total = sum(i < 4: x[i])\n  y[0] = total >= 2\n  y[1] = total % 2\n}"
    assert _text(network, "x: bit[4]") == expected


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda *x: [float(sum(x) == k) for k in range(4)], "sum(i < 3: x[i])"),
        (lambda a, b, c: [float(k == (0 if a else 1 if b else 2)) for k in range(3)], "if x[0] then 0 else 2 - x[1]"),
        (lambda *x: [float(k == (sum(x) >= 2)) for k in range(2)], "sum(i < 3: x[i]) >= 2"),
    ],
)
def test_classes(function: Callable[..., list[float]], text: str) -> None:
    assert _text(_network(3, function, "identity"), "x: bit[3]", "argmax") == f"  class = {text}\n}}"


def test_the_first_of_equal_scores_wins() -> None:
    scores = Layer(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]), np.zeros(3), "identity")
    network = Network((Layer(np.eye(2) / 3, np.zeros(2), "relu"), scores))
    assert _text(network, "x: bit[2]", "argmax") == "  class = x[1] > x[0]\n}"


def test_every_step_is_checked_again() -> None:
    network = _network(3, lambda *x: [float(sum(x) == k) for k in range(4)], "identity")
    rule = dd.distill(network, "x: bit[3]", head="argmax", passes="isolate", name="f").rule
    rewrite = CollapseTables()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables()(rewrite.rule).rule == rewrite.rule


def test_declines_where_a_table_would_be_longer_than_the_network() -> None:
    rng = np.random.default_rng(0)
    layers = (
        Layer(rng.normal(size=(1, 20)), rng.normal(size=1), "relu"),
        Layer(np.array([[1.0]]), np.array([-1.0]), "step"),
    )
    rule = dd.distill(Network(layers), "x: bit[20]", passes="isolate", name="f").rule
    assert CollapseTables()(rule).rule is rule


def test_tables_of_sums_may_be_longer_at_first() -> None:
    text = """
rule f(x: bit[9]) -> (y: bit[9]) {
  hidden[u < 2, i < 9] = relu(0.75 * x[(i - 1) % 9] + 0.7 * x[i] + 0.8 * x[(i + 1) % 9] - 1.0 * u - 0.125)
  y[i < 9] = 1.1 * hidden[0, i] - 0.9 * hidden[1, i] >= 0.7
}
"""
    rule = dd.parse(text).rule
    assert CollapseTables()(rule).rule is rule
    rewrite = CollapseTables(sliced=1)(rule)
    assert "hidden" not in str(rewrite.rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert CollapseTables(sliced=1)(rewrite.rule).rule == rewrite.rule


def test_comparisons_in_three_ways() -> None:
    def classes(a: int, b: int, c: int, d: int) -> list[float]:
        first, second = 2 * a + b, 2 * c + d
        return [float(first < second), float(first == second), float(first > second)]

    text = _text(_network(4, classes, "identity"), "x: bit[4]", "argmax")
    assert "const" not in text
    assert "class = " in text


def test_signs_on_rings_are_one_clause() -> None:
    text = """
rule f(x: bit[9]) -> (y: trit[9]) {
  hidden[u < 2, i < 9] = relu(0.75 * x[(i - 1) % 9] + 0.7 * x[i] + 0.8 * x[(i + 1) % 9] - 1.0 * u - 0.125)
  y[i < 9] = sign(1.1 * hidden[0, i] - 0.9 * hidden[1, i] - 0.7)
}
"""
    program = dd.optimize(dd.parse(text))
    assert program.verdict.status == "proved"
    assert str(program).count("y[") == 1
    assert "hidden" not in str(program)


def test_integers_of_limited_sums() -> None:
    hidden = Layer(np.array([[0.5, 0.5], [0.25, 0.25]]), np.array([0.0, -0.25]), "relu")
    network = Network((hidden, Layer(np.array([[2.0, -4.0]]), np.zeros(1), "identity")))
    assert _text(network, "x: bit[2]") == "  y = x[0] or x[1]\n}"


def test_conjunctions_of_many_inputs() -> None:
    weights = np.arange(1.0, 9.5)[:9] / 8
    hidden = Layer(weights[None], np.array([0.0625 - weights.sum()]), "relu")
    network = Network((hidden, Layer(np.array([[1.0]]), np.array([-0.03125]), "sign")))
    assert _text(network, "x: bit[9]") == "  y = 2 * all(i < 9: x[i]) - 1\n}"


def _minterms(functions: list[Callable[[tuple[int, ...]], int]], count: int) -> Network:
    """A unit for every assignment, and functions as sums of those where they hold."""
    rows = list(product((0, 1), repeat=count))
    places = np.array(rows)
    reader = np.array([[function(row) for row in rows] for function in functions])
    hidden = Layer(2 * places - 1, 0.5 - places.sum(axis=1), "step")
    return Network((hidden, Layer(reader, np.full(len(functions), -0.5), "step")))


def test_results_of_few_inputs_each_are_the_least_expressions_whatever_units_they_share() -> None:
    def digit(k: int) -> Callable[[tuple[int, ...]], int]:
        return lambda row: (3 * sum(b << j for j, b in enumerate(row)) + 5) % 16 >> k & 1

    program = dd.distill(_minterms([digit(k) for k in range(4)], 4))
    assert [line.split(" = ")[1] for line in str(program).splitlines()[1:-1]] == [
        "not x[0]",
        "x[1]",
        "x[0] xor x[1] == x[2]",
        "x[3] xor x[0] + x[1] > x[2]",
    ]


def test_threshold_units_are_written_one_by_one_only_where_that_is_asked_for_and_they_reach_few_inputs() -> None:
    rule = dd.distill(_minterms([lambda row: row[0] ^ row[1], lambda row: row[2] & row[3]], 4), passes="isolate").rule
    assert len(CollapseTables(alone=4)(rule).rule.statements) == 2
    assert CollapseTables(alone=3)(rule).rule == rule
