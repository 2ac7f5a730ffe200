"""What is said of a network before it is distilled: pages of text, and sets of values that hold."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

import ddcompile as dd
from ddcompile.frontends.declarations import declared_inputs
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.inspection import inspect_network
from ddcompile.frontends.network import INPUTS, Layer, Network, Pointwise
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.spans import spans_of
from ddcompile.testing.builders import EXAMPLES

WEIGHTS = st.sampled_from([0.0, 1.0, -2.0, 3.0, 0.5, -0.75, 0.1])
VALUES = {"bit": (0, 1), "spin": (-1, 1), "trit": (-1, 0, 1), "int[-2..3]": tuple(range(-2, 4))}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Layers that read one another in any way, with all exact activations."""
    widths, layers = [2], []
    for k in range(draw(st.integers(1, 4))):
        reads = tuple(draw(st.lists(st.integers(INPUTS, k - 1), min_size=1, max_size=2))) if k else (INPUTS,)
        same = len({widths[r + 1] for r in reads}) == 1
        units = widths[reads[0] + 1] if same and draw(st.booleans()) else draw(st.integers(1, 3))
        inputs = sum(widths[r + 1] for r in reads)
        norm = None
        activation = draw(st.sampled_from(["sign", "step", "nonnegative", "relu", "abs", "clamp[-1.5..2]", "identity"]))
        if activation == "sign" and draw(st.booleans()):
            norm = Norm([draw(WEIGHTS)] * units, [4.0] * units, [draw(WEIGHTS)] * units, [draw(WEIGHTS)] * units)  # type: ignore[arg-type]
        bias = np.array([draw(WEIGHTS) for _ in range(units)])
        if same and units == widths[reads[0] + 1] and draw(st.booleans()):
            factors = np.array([[draw(WEIGHTS) for _ in range(units)] for _ in reads])
            layers.append(Layer(Pointwise(factors), bias, activation, norm, reads))
        else:
            weight = np.array([[draw(WEIGHTS) for _ in range(inputs)] for _ in range(units)])
            layers.append(Layer(weight, bias, activation, norm, reads))
        widths.append(units)
    return Network(tuple(layers))


@settings(max_examples=150, deadline=None)
@given(networks(), st.sampled_from(sorted(VALUES)))
def test_no_value_is_outside_its_set(network: Network, kind: str) -> None:
    X = np.array(list(product(VALUES[kind], repeat=2)))
    inputs = f"x: {kind}[2]"
    spans = spans_of(network, declared_inputs(network, inputs))
    facts = inspect_network(network, inputs)
    for k, layer in enumerate(network.layers):
        before = (*network.layers[:k], Layer(layer.weight, layer.bias, reads=layer.reads))
        sums = evaluate(Network(before), X)
        values = evaluate(Network(network.layers[: k + 1]), X)
        for found, span in ((sums, spans[k][0]), (values, spans[k][1])):
            assert span is not None
            for column, unit in zip(found.T, range(layer.units), strict=True):
                scaled = np.array([Fraction(v) * 2**span.exponent for v in column.tolist()], dtype=object)
                one = type(span)(span.low[[unit]], span.high[[unit]], span.step[[unit]], span.exponent)
                assert one.holds(scaled).all()
        ties = facts.layers[k].ties
        if ties is not None:
            decided = values if layer.activation == "sign" else sums
            assert ties >= (decided == 0).any(axis=0).sum() - (_constant(layer) if layer.norm else 0)


def _constant(layer: Layer) -> int:
    """Normalised units without slope, which may be 0 everywhere and have no threshold."""
    assert layer.norm is not None
    return int((layer.norm.scale == 0).sum())


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples(name: str, golden: Callable[[str, str], None]) -> None:
    example = EXAMPLES[name]
    golden(f"frontends/inspect_{name}.txt", str(dd.inspect(example.build(None), example.inputs, example.head)))


class Signs(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sign(x)


def everything() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(6, 5),
        nn.BatchNorm1d(5),
        Signs(),
        nn.Linear(5, 4),
        nn.ReLU6(),
        nn.Linear(4, 4),
        nn.Tanh(),
        nn.Linear(4, 3),
        nn.Softmax(dim=1),
    ).eval()


def test_a_module(golden: Callable[[str, str], None]) -> None:
    pages = [str(dd.inspect(everything(), inputs)) for inputs in ("x: spin[2, 3]", "x: real[2, 3]", "x: rat[2, 3]")]
    golden("frontends/inspect_module.txt", "\n".join(pages))


def test_comparisons_of_reals() -> None:
    weight = np.array([[1.0, 0.0], [0.0, -2.0], [1.0, 1.0]])
    some = Network((Layer(weight, np.zeros(3), "step"),))
    every = Network((Layer(weight[:2], np.zeros(2), "step"), Layer(np.eye(2), np.zeros(2), "relu")))
    facts = dd.inspect(some, "x: real[2]")
    assert (facts.is_exact, facts.layers[0].sums) == (False, "real")
    assert facts.layers[0].exactness.startswith(
        "2 of 3 units compare one real value, exact; the others are sums of reals"
    )
    facts = dd.inspect(every, "x: real[2]")
    assert (facts.is_exact, facts.layers[0].exactness) == (
        True,
        "exact: every unit compares one real value with a constant",
    )


def test_what_will_be_refused() -> None:
    norm = Norm([0.0], [2.0], [1.0], [0.0])  # type: ignore[arg-type]
    facts = dd.inspect(Network((Layer([[1.0]], [0.0], "relu", norm),)))  # type: ignore[arg-type]
    assert (facts.is_exact, facts.layers[0].values) == (False, "rat")
    assert facts.layers[0].exactness.startswith("not compiled: batch norm whose factors are no doubles")


def test_the_report_is_the_same_as_data() -> None:
    report = dd.inspect(Network((Layer([[0.5, -1.0]], [0.25], "sign"),), "net", dtype="float32"), "x: spin[2]").report()  # type: ignore[arg-type]
    assert report["inputs"] == ["x: spin[2]"]
    assert report["is_exact"] is True
    assert report["layers"] == [
        {
            "reads": ("inputs",),
            "path": "",
            "units": 1,
            "parameters": 3,
            "activation": "sign",
            "distinct": 2,
            "weights": "-1..0.5 by 0.5",
            "sums": "-1.25..1.75",
            "values": "-1..1 by 2",
            "ties": 0,
            "exactness": "exact: signs of sums of integers over a power of two",
            "is_exact": True,
        }
    ]
