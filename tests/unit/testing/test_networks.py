"""Rules unrolled into threshold layers: known shapes, and what is refused."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.evaluate import evaluate
from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.testing.inputs import all_inputs
from ddcompile.testing.networks import network_of

RULES = {
    "copy": "rule copy(x: bit[3]) -> (y: bit[3]) { y[i < 3] = x[2 - i] }",
    "trit": "rule thirds(x: trit[2]) -> (y: trit) { a = sign(x[0] + x[1])  y = if a == x[0] then x[1] else -a }",
    "spin": "rule spins(x: spin[3]) -> (y: bit) { c = x[0] + x[1] > 0  y = c xor x[2] > 0 }",
    "mixed": "rule mixed(x: bit[2], y: spin) -> (s: int, b: bit) { s = 3 * x[0] - y * x[1]  b = x[0] or x[1] }",
    "constant": "rule constant(x: bit) -> (y: bit[2]) { y[0] = 1 > 0  y[1] = x > 5 }",
    "functions": "rule functions(x: trit[3]) -> (y: int) { y = abs(x[0]) + max(x[1], x[2]) % 2 + argmax(i < 3: x[i]) }",
    "carry": """rule add(x: bit[2, 3]) -> (y: bit[4]) {
      carry[i < 3] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2
      y[i < 3] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]
      y[3] = carry[2]
    }""",
    "halves": "rule halves(x: bit[2]) -> (y: rat) { y = 0.5 * x[0] - 0.25 * x[1] + 0.125 }",
}


@pytest.mark.parametrize("activation", ["step", "sign"])
@pytest.mark.parametrize("name", RULES)
def test_network_is_the_rule(name: str, activation: Literal["step", "sign"]) -> None:
    rule = parse(RULES[name])
    arrays = all_inputs(rule)
    assert arrays is not None
    expected = [array.reshape(len(array), -1) for array in interpret(rule, arrays)]
    found = evaluate(network_of(rule, activation), np.concatenate([a.reshape(len(a), -1) for a in arrays], axis=1))
    assert (found == np.concatenate(expected, axis=1)).all()


def test_full_adder_layers_copy_what_is_read_later() -> None:
    network = network_of(parse(RULES["carry"]))
    assert [layer.activation for layer in network.layers] == ["step"] * len(network.layers)
    assert len(network.layers) > 3


def test_majority_is_one_unit() -> None:
    network = network_of(parse("rule majority(x: bit[3]) -> (y: bit) { y = sum(i < 3: x[i]) >= 2 }"))
    (layer,) = network.layers
    assert layer.dense_weight().tolist() == [[2, 2, 2]]
    assert layer.bias.tolist() == [-3]


def test_deep_expressions_and_long_recurrences_are_unrolled() -> None:
    total = " + ".join(["x[0]"] * 5000)
    assert network_of(parse(f"rule deep(x: bit[1]) -> (y: bit) {{ y = {total} > 2500 }}")).inputs == 1
    scan = parse("rule scan(x: bit[1]) -> (y: bit) { a[i < 3000] = pad(a, 0)[i - 1] or x[0]  y = a[2999] }")
    assert network_of(scan).layers[-1].dense_weight().shape == (1, 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("rule f(x: int[0..9]) -> (y: bit) { y = x > 3 }", "N301"),
        ("rule f(x: bit[2]) -> (y: bit) { y = x[x[0]] }", "N301"),
        ("rule f(x: bit[200]) -> (y: int) { y = abs(sum(i < 200: x[i]) - 99) }", "N302"),
        ("rule f(x: bit) -> (y: int) { y = 100000000000000000001 * x }", "N303"),
    ],
)
def test_what_threshold_units_do_not_compute_is_refused(text: str, code: str) -> None:
    with pytest.raises(CompileError) as caught:
        network_of(parse(text))
    assert caught.value.diagnostics[0].code == code
