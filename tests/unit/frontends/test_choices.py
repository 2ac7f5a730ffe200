"""Choices between values without bounds: masks, `where`, products with signs and truth values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import ModelProto, helper, numpy_helper, parser
from torch import nn

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Choice, Layer, Network
from ddcompile.frontends.npz import npz_bytes

RNG = np.random.default_rng(0)
W = RNG.integers(-3, 4, (6, 6)).astype(np.float32)
K = RNG.integers(-2, 3, (2, 2, 3, 3)).astype(np.float32)


class Forward(nn.Module):
    def __init__(self, run: Callable[[Any, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.run = run
        self.a, self.b = nn.Linear(6, 6, bias=False), nn.Linear(6, 4)
        self.near = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        with torch.no_grad():
            self.a.weight.copy_(torch.from_numpy(W))
            self.b.weight.copy_(torch.from_numpy(W[:4]))
            self.near.weight.copy_(torch.from_numpy(K))
            self.b.bias.copy_(torch.tensor([1.0, 0, -2, 3]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(self, x)


TORCH: dict[str, tuple[Callable[[Any, torch.Tensor], torch.Tensor], tuple[int, ...]]] = {
    "where": (lambda m, x: m.b(torch.where(m.a(x) > 0, m.a(x), 0.25 * x)), (6,)),
    "where of constants, one by one": (lambda m, x: torch.where(x > 0, x, torch.arange(6.0)), (6,)),
    "mask": (lambda m, x: m.b(m.a(x) * (x > 0)), (6,)),
    "mask in front": (lambda m, x: (x > 1).float() * m.a(x), (6,)),
    "sign": (lambda m, x: torch.sign(m.a(x)) * x, (6,)),
    "two signs": (lambda m, x: torch.sign(m.a(x)) * torch.sign(x), (6,)),
    "two masks": (lambda m, x: ((m.a(x) > 0) * (x > 0)).float(), (6,)),
    "masks chosen": (lambda m, x: torch.where(x > 0, m.a(x) > 0, m.a(x) > 3).float(), (6,)),
    "masked_fill": (lambda m, x: m.a(x).masked_fill(x < 0, 2.5), (6,)),
    "one mask for all": (lambda m, x: torch.where((m.b(x) > 0)[:, :1], x, -x), (6,)),
    "threshold": (lambda m, x: F.threshold(m.a(x), 0.5, -1.0), (6,)),
    "hardshrink": (lambda m, x: F.hardshrink(m.a(x), 2.0), (6,)),
    "softshrink": (lambda m, x: F.softshrink(m.a(x), 2.0), (6,)),
    "grid": (lambda m, x: F.max_pool2d(torch.where(m.near(x) > 0, m.near(x), x), 2), (2, 4, 4)),
    "behind an average": (lambda m, x: torch.where(x > 0, x.mean(1, keepdim=True), 1.0) > 0.5, (6,)),
    "the inputs": (lambda m, x: torch.where(x > 0, x, 4.0), (6,)),
}


@pytest.mark.parametrize("name", TORCH)
def test_choices_of_torch(name: str) -> None:
    run, shape = TORCH[name]
    net = Forward(run).eval()
    network = as_network(net, [shape])
    X = RNG.integers(-3, 4, (5000, *shape))
    wanted = net(torch.from_numpy(X).float()).detach().numpy().reshape(5000, -1)
    exact = np.asarray(evaluate(network, X.reshape(5000, -1))).astype(float)
    assert np.array_equal(exact, wanted)
    program = dd.distill(net, f"x: int[-3..3][{', '.join(map(str, shape))}]", name="f", passes="")
    assert np.array_equal(np.asarray(program(X)).reshape(5000, -1), exact)


ONNX: dict[str, str] = {
    "Where": "h = MatMul (x, W) c = Greater (h, zero) a = Mul (x, quarter) y = Where (c, h, a)",
    "Where with constants": "h = MatMul (x, W) c = Greater (h, zero) y = Where (c, row, h)",
    "Mul by a bit": "h = MatMul (x, W) c = Greater (h, zero) f = Cast <to = 1> (c) g = Mul (f, x) y = MatMul (g, W)",
    "Mul by a sign": "h = MatMul (x, W) s = Sign (h) g = Mul (x, s) y = Relu (g)",
    "ThresholdedRelu": "h = MatMul (x, W) y = ThresholdedRelu <alpha = 2.0> (h)",
    "Shrink": "h = MatMul (x, W) y = Shrink <lambd = 2.0, bias = 0.5> (h)",
}


def model(body: str) -> ModelProto:
    constants = {"W": W, "zero": np.float32(0), "quarter": np.float32(0.25), "row": np.arange(6, dtype=np.float32)}
    graph = parser.parse_graph(f"g (float[N, 6] x) => (float[N, M] y) {{ {body} }}")
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items() if name in used
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize("name", ONNX)
def test_choices_of_onnx(name: str) -> None:
    proto = model(ONNX[name])
    X = RNG.integers(-3, 4, (5000, 6))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {"x": X.astype(np.float32)})
    exact = np.asarray(evaluate(as_network(proto), X)).astype(float)
    assert np.array_equal(exact, wanted)
    program = dd.distill(proto, "x: int[-3..3][6]", name="f", passes="")
    assert np.array_equal(np.asarray(program(X)), exact)


def test_a_choice_is_distilled_and_proved() -> None:
    net = Forward(lambda m, x: torch.where(x > 0, x, -2 * x)).eval()
    program = dd.distill(net, "x: int[-3..3][6]", name="fold")
    assert program.verdict
    assert "then x[i] else -2 * x[i]" in str(program)
    X = RNG.integers(-3, 4, (5000, 6))
    assert np.array_equal(np.asarray(program.jit()(X)), np.where(X > 0, X, -2 * X))


def test_what_decides_is_decided_safely() -> None:
    """A choice is safe where its condition is, whatever is chosen."""
    net = Forward(lambda m, x: torch.where(m.a(x) > 0.1, x, 0.0)).eval()
    X = np.array([[0.5, 0, 0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [np.float32(0.1) / 2, 0, 0, 0, 0, 0]])
    network = as_network(net, [(6,)])
    assert dd.float_safe(network, X).tolist() == [True, True, False]
    assert "chosen" in str(dd.inspect(network))


def test_layers_of_choices() -> None:
    """Layers that read the same values twice; the first layer must not, which is said."""
    copy = Layer(np.eye(2), np.zeros(2))
    network = Network((copy, Layer(Choice(2), np.zeros(2), reads=(0, 0, -1))))
    assert np.array_equal(evaluate(network, np.array([[1, -1]])), [[1, -1]])
    assert network.sha256 != Network((copy, Layer(Choice(2), np.zeros(2), reads=(0, -1, 0)))).sha256
    with pytest.raises(CompileError, match=r"N104.*no bias"):
        Layer(Choice(2), np.ones(2))
    with pytest.raises(CompileError, match="N112"):
        network.layers[1].dense_weight()
    with pytest.raises(CompileError, match=r"layer 1: error\[N112\]: a choice.*a \.npz file\n  hint: .*ONNX"):
        npz_bytes(network)


REFUSED: dict[str, tuple[Callable[[Any, torch.Tensor], Any], str]] = {
    "product": (lambda m, x: m.a(x) * m.a(x), "error[N402]: the product of two values that depend on the inputs"),
    "a number": (lambda m, x: torch.where(m.a(x), x, x), "error[N402]: `where` whose condition is known, or a number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused(name: str) -> None:
    run, text = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        as_network(Forward(run).eval(), [(6,)])
    assert text in str(caught.value)
    assert "hint:" in str(caught.value)
