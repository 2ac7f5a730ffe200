"""Which networks are compiled operation by operation, and are not called proved."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.ir.parser import parse
from ddcompile.prove.rounding import goes_on_from_rounded
from ddcompile.prove.static import Static, plus

EXACT = (
    ("x: real[2]", "y: bit", "y = x[0] > 0.1 and x[1] <= -2"),
    ("x: real[2]", "y: bit", "y = x[0] < x[1]"),
    ("x: real[2]", "y: real", "y = if x[0] > 1 then x[1] else 0.5"),
    ("x: real[2]", "y: real[2]", "y[i < 2] = tanh(x[i])"),
    ("x: real", "y: trit", "y = sign(-x)"),
    ("x: bit[3]", "y: real", "y = sigmoid(0.1 * x[0] + 0.2 * x[1] - x[2])"),
    ("x: bit[3]", "p: real[3]", "p[i < 3] = softmax(j < 3: 0.1 * x[j])[i]"),
    ("x: bit[3]", "y: real", "y = sum(i < 3: 0.1 * x[i])"),
)
ROUNDED = (
    ("x: real[2]", "y: real", "y = x[0] + x[1]"),
    ("x: real[2]", "y: bit", "y = sum(i < 2: 0.5 * x[i]) > 0"),
    ("x: bit[2]", "y: bit", "y = tanh(0.1 * x[0]) > 0.05"),
    ("x: bit[2]", "y: real", "y = 0.5 * tanh(0.1 * x[0])"),
    ("x: bit[2]", "y: real", "h[i < 2] = sigmoid(x[i])\ny = max(i < 2: exp(h[i]))"),
    ("x: bit[2]", "y: bit", "p[i < 2] = softmax(j < 2: x[j])[i]\ny = argmax(i < 2: p[i])"),
    ("x: int[0..9]", "y: trit", "r = real(0.1 * x)\ny = sign(r)"),
    ("x: real, z: int", "y: bit", "y = x < z"),
)


@pytest.mark.parametrize(
    ("inputs", "results", "body", "goes_on"),
    [*((*case, False) for case in EXACT), *((*case, True) for case in ROUNDED)],
)
def test_rules(inputs: str, results: str, body: str, goes_on: bool) -> None:
    assert goes_on_from_rounded(parse(f"rule r({inputs}) -> ({results}) {{\n{body}\n}}")) is goes_on


@pytest.mark.parametrize(("activation", "status"), [("tanh", "faithful"), ("relu", "proved")])
def test_networks(activation: str, status: str) -> None:
    first = dd.Layer(np.array([[0.25, -0.75], [1.5, 0.125]]), np.array([0.5, -0.25]), activation)  # type: ignore[arg-type]
    network = dd.Network((first, dd.Layer(np.array([[0.5, -1.25]]), np.array([0.375]))))
    program = dd.distill(network, inputs="x: bit[2]")
    assert program.verdict is not None
    assert program.certificate is not None
    assert program.verdict.status == status
    assert program.verdict
    assert dd.verify(network, program).status == status
    assert dd.check(program.certificate, network).status == status
    assert dd.optimize(program).verdict == program.verdict


def test_nothing_is_added_to_what_is_very_small() -> None:
    nothing, small = Static(np.zeros(3, dtype=np.int64), 0), Static(np.ones(3, dtype=np.int64), 1074)
    assert plus(nothing, small).array.tolist() == [1, 1, 1]
