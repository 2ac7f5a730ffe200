"""The dense program of a network: its text, its declarations, its mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.activations import ACTIVATIONS, SMOOTH, Activation
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.verifier import verify


def network(*widths: int, activations: tuple[Activation, ...] = (), scale: float = 1.0) -> Network:
    """Weights 0, 1, 2, ... times a scale, all in order; biases likewise."""
    chosen = activations or ("sign",) * (len(widths) - 2) + ("identity",)
    return Network(
        tuple(
            Layer(np.arange(units * inputs).reshape(units, inputs) * scale, np.arange(units), activation)
            for inputs, units, activation in zip(widths, widths[1:], chosen, strict=False)
        )
    )


def lines(rule: Rule) -> list[str]:
    assert verify(rule) == []
    return [line.strip() for line in str(rule).splitlines()]


def test_the_whole_text() -> None:
    assert lines(lower(network(4, 3, 2), "x: bit[2, 2]", None, "argmax", "net")) == [
        "rule net(x: bit[2, 2]) -> (class: bit) {",
        "const weight1: int[3, 2, 2] = [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]",
        "const bias1: int[3] = [0, 1, 2]",
        "const weight2: int[2, 3] = [[0, 1, 2], [3, 4, 5]]",
        "const bias2: int[2] = [0, 1]",
        "layer1[u < 3] = sign(sum(i < 2, j < 2: weight1[u, i, j] * x[i, j]) + bias1[u])",
        "score[u < 2] = sum(v < 3: weight2[u, v] * layer1[v]) + bias2[u]",
        "class = argmax(u < 2: score[u])",
        "}",
    ]


def test_several_inputs_and_results_are_laid_out_in_order() -> None:
    rule = lower(network(7, 6), "a: bit[2, 2], u: spin[2], c: bit", "s: int, t: int[2, 2], r: rat[1]", None, "net")
    values = {c.name: c.values.tolist() for c in rule.constants}
    assert values["weight1_s_a"] == [[0, 1], [2, 3]]
    assert values["weight1_s_u"] == [4, 5]
    assert values["weight1_s_c"] == 6
    assert values["weight1_t_c"] == [[13, 20], [27, 34]]
    assert values["bias1_t"] == [[1, 2], [3, 4]]
    assert lines(rule)[-4:] == [
        "s = sum(i < 2, j < 2: weight1_s_a[i, j] * a[i, j]) + sum(i < 2: weight1_s_u[i] * u[i]) + weight1_s_c * c"
        " + bias1_s",
        "t[p < 2, q < 2] = sum(i < 2, j < 2: weight1_t_a[p, q, i, j] * a[i, j])"
        " + sum(i < 2: weight1_t_u[p, q, i] * u[i]) + weight1_t_c[p, q] * c + bias1_t[p, q]",
        "r[u1 < 1] = sum(i < 2, j < 2: weight1_r_a[u1, i, j] * a[i, j]) + sum(i < 2: weight1_r_u[u1, i] * u[i])"
        " + weight1_r_c[u1] * c + bias1_r[u1]",
        "}",
    ]


@pytest.mark.parametrize(
    ("activation", "text"),
    [
        ("sign", "y = sign(sum(i < 2: weight1[i] * x[i]) + bias1)"),
        ("step", "y = sum(i < 2: weight1[i] * x[i]) + bias1 > 0"),
        ("relu", "y = relu(sum(i < 2: weight1[i] * x[i]) + bias1)"),
        ("abs", "y = abs(sum(i < 2: weight1[i] * x[i]) + bias1)"),
        ("nonnegative", "y = sum(i < 2: weight1[i] * x[i]) + bias1 >= 0"),
        ("clamp[..0.5]", "y = min(sum(i < 2: weight1[i] * x[i]) + bias1, 0.5)"),
        ("clamp[2..]", "y = max(2, sum(i < 2: weight1[i] * x[i]) + bias1)"),
        ("identity", "y = sum(i < 2: weight1[i] * x[i]) + bias1"),
        ("hardtanh", "y = max(-1, min(sum(i < 2: weight1[i] * x[i]) + bias1, 1))"),
    ],
)
def test_activations(activation: Activation, text: str) -> None:
    assert lines(lower(network(2, 1, activations=(activation,)), None, None, None, "net"))[-2] == text


def test_every_activation_is_lowered() -> None:
    for activation in (*set(ACTIVATIONS).difference(SMOOTH), "clamp[-0.5..6]"):
        for scale in (1.0, 0.3):
            net = network(3, 2, 2, activations=(activation, activation), scale=scale)
            assert verify(lower(net, None, None, None, "net")) == []


@pytest.mark.parametrize(
    ("net", "options", "header"),
    [
        (network(3, 2), {}, "rule net(x: bit[3]) -> (y: int[2]) {"),
        (network(3, 1), {}, "rule net(x: bit[3]) -> (y: int) {"),
        (network(3, 2, scale=0.5), {}, "rule net(x: bit[3]) -> (y: rat[2]) {"),
        (network(3, 2), {"inputs": "x: rat[3]"}, "rule net(x: rat[3]) -> (y: rat[2]) {"),
        (network(3, 2, 2, scale=0.5, activations=("step", "step")), {}, "rule net(x: bit[3]) -> (y: bit[2]) {"),
        (network(3, 2), {"head": "sign"}, "rule net(x: bit[3]) -> (y: trit[2]) {"),
        (network(3, 2, 1, activations=("relu", "sign")), {}, "rule net(x: bit[3]) -> (y: trit) {"),
        (network(4, 4), {"inputs": "g: bit[2, 2]"}, "rule net(g: bit[2, 2]) -> (y: int[2, 2]) {"),
        (network(4, 4), {"inputs": "a: bit[2], b: bit[2]"}, "rule net(a: bit[2], b: bit[2]) -> (y: int[4]) {"),
        (network(1, 1), {}, "rule net(x: bit[1]) -> (y: int) {"),
        (network(3, 1), {"inputs": "y: bit[3]"}, "rule net(y: bit[3]) -> (y_2: int) {"),
        (network(3, 5), {"head": "argmax"}, "rule net(x: bit[3]) -> (class: int[0..4]) {"),
        (network(3, 2), {"head": "argmax", "outputs": "k: int"}, "rule net(x: bit[3]) -> (k: int) {"),
        (network(3, 4), {"outputs": "y: rat[4, 1]"}, "rule net(x: bit[3]) -> (y: rat[4, 1]) {"),
    ],
)
def test_declarations(net: Network, options: dict[str, Any], header: str) -> None:
    rule = lower(net, *(options.get(key) for key in ("inputs", "outputs", "head")), "net")
    assert lines(rule)[0] == header


def test_names_give_way_to_those_of_the_user() -> None:
    text = lines(lower(network(3, 2, 2), "weight1: bit, layer1: bit, score: bit", "v: bit", "argmax", "net"))
    assert text[0] == "rule net(weight1: bit, layer1: bit, score: bit) -> (v: bit) {"
    assert text[-4:] == [
        "layer1_2[u < 2] = weight1_weight1[u] * weight1 + weight1_layer1[u] * layer1 + weight1_score[u] * score"
        " + bias1[u]".replace("= ", "= sign(").replace("bias1[u]", "bias1[u])"),
        "score_2[u < 2] = sum(v1 < 2: weight2[u, v1] * layer1_2[v1]) + bias2[u]",
        "v = argmax(u < 2: score_2[u])",
        "}",
    ]


@pytest.mark.parametrize(
    ("net", "options", "code", "message"),
    [
        (network(3, 2), {"inputs": "x: bit[2, 2]"}, "N201", "the network reads 3 values, but the inputs hold 4"),
        (network(3, 2), {"inputs": ""}, "N201", "the network reads 3 values, but the inputs hold none"),
        (
            network(3, 2),
            {"inputs": "x: bit[2], y: bit[2]"},
            "N201",
            "the network reads 3 values, but the inputs hold 2 + 2 = 4",
        ),
        (
            network(3, 2),
            {"inputs": "x: bit[0]"},
            "N203",
            "`x` must have positive numbers as extents, as in bit[28, 28]",
        ),
        (network(3, 2), {"outputs": "y: int[3]"}, "N204", "the network has 2 outputs, but the results hold 3"),
        (
            network(3, 2),
            {"outputs": "y: bit[2]", "head": "argmax"},
            "N204",
            "the head argmax gives one scalar, as in `class: bit`",
        ),
        (
            network(3, 2),
            {"outputs": "y: bit[2]"},
            "N205",
            "`y` is declared bit, but identity gives int; declare int or rat or real",
        ),
        (
            network(3, 2),
            {"outputs": "y: spin[2]", "head": "sign"},
            "N205",
            "`y` is declared spin, but sign gives trit; declare trit or int or rat or real",
        ),
        (
            network(3, 3),
            {"outputs": "y: bit", "head": "argmax"},
            "N205",
            "`y` is declared bit, but argmax gives int; declare int or rat or real",
        ),
        (network(3, 2), {"head": "max"}, "N206", "unknown head `max`"),
        (
            network(3, 2),
            {"head": "softmax", "outputs": "y: int[2]"},
            "N205",
            "`y` is declared int, but softmax gives real; declare real",
        ),
        (network(3, 1), {"head": "argmax"}, "N208", "argmax over one unit is always 0"),
        (network(3, 1), {"head": "softmax"}, "N208", "softmax over one unit is always 1"),
        (network(3, 1), {"inputs": "a: bit[3]", "outputs": "a: int"}, "N209", "two declarations have the name `a`"),
        (network(3, 1), {"inputs": ["a: bit[3]"]}, "N213", "inputs are declared by a text, not by a list"),
        (network(3, 1), {"outputs": 5}, "N213", "outputs are declared by a text, not by an int"),
        (network(3, 2), {"outputs": "a: int, a: int"}, "N209", "two declarations have the name `a`"),
        (network(2, 2), {"inputs": "a: bit, a: bit"}, "N209", "two declarations have the name `a`"),
    ],
)
def test_what_does_not_fit_is_said(net: Network, options: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        lower(net, *(options.get(key) for key in ("inputs", "outputs", "head")), "net")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (code, message)


def test_declarations_that_are_none() -> None:
    with pytest.raises(CompileError, match=r"error\[S"):
        lower(network(3, 2), "x = bit", None, None, "net")
