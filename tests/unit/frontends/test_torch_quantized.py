"""Quantised modules of torch: levels are those of torch wherever rounding to single precision decides nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
import torch.ao.quantization as ao
from torch import nn
from torch.ao.nn import quantized
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")


class Stubs(nn.Module):
    """Quantised between its ends."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.quant, self.inner, self.dequant = ao.QuantStub(), inner, ao.DeQuantStub()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dequant(self.inner(self.quant(x)))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
        self.both = quantized.FloatFunctional()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.both.add_relu(x, self.second(torch.relu(self.first(x))))


class Plain(nn.Module):
    """What quantize_fx finds by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.last = nn.Conv2d(1, 3, 3, padding=1), nn.Linear(75, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(self.near(x)).flatten(1))


def converted(inner: nn.Module, shape: Sequence[int], fused: Sequence[Sequence[str]] = ()) -> nn.Module:
    """A module quantised in eager mode, calibrated on normal numbers."""
    net = Stubs(inner).eval()
    if fused:
        net = ao.fuse_modules(net, [[f"inner.{name}" for name in names] for names in fused])
    net.qconfig = ao.get_default_qconfig("fbgemm")
    prepared = ao.prepare(net)
    prepared(torch.randn(64, *shape))
    return ao.convert(prepared)


def of_graph() -> nn.Module:
    example = (torch.randn(64, 1, 5, 5),)
    prepared = prepare_fx(Plain().eval(), ao.get_default_qconfig_mapping("fbgemm"), example)
    prepared(*example)
    return convert_fx(prepared)


def windows() -> nn.Module:
    inner = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(12, 5), nn.ReLU(),
        nn.Linear(5, 3),
    )  # fmt: skip
    return converted(inner, (1, 6, 6), [("0", "1"), ("5", "6")])


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "windows": (windows, (1, 6, 6)),
    "dense": (lambda: converted(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)), (6,)), (6,)),
    "residual": (lambda: converted(Residual(), (6,)), (6,)),
    "graph": (of_graph, (1, 5, 5)),
}


def made(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(), shape


@pytest.mark.parametrize("name", NETWORKS)
def test_levels_are_those_of_torch(name: str) -> None:
    net, shape = made(name)
    network = as_network(net, [shape])
    X = np.random.default_rng(0).normal(size=(400, *shape)).astype(np.float32)
    given = net(torch.from_numpy(X)).numpy().astype(np.float64).reshape(400, -1)
    exact = np.asarray(evaluate(network, X.reshape(400, -1)), dtype=np.float64).reshape(400, -1)
    safe = dd.float_safe(network, X)
    assert safe.mean() > 0.8
    assert np.abs(given - exact)[safe].max() < 1e-6


def test_halves_go_to_the_even_level() -> None:
    """With scales that are powers of two, floats round nothing, and ties are those of the levels; 3 is odd."""
    X = np.arange(-8, 8, 0.125, dtype=np.float32).reshape(-1, 1)
    for zero in (0, 3):
        module = quantized.Quantize(0.25, zero, torch.qint8)
        network = as_network(nn.Sequential(module, quantized.DeQuantize()).eval(), [(1,)])
        given = module(torch.from_numpy(X)).dequantize().numpy()
        assert np.array_equal(np.asarray(evaluate(network, X), dtype=np.float64), given)
        assert not dd.float_safe(network, X)[1::2].any()


def test_a_layer_becomes_a_proved_rule() -> None:
    """Sums of whole steps are compared with whole numbers."""
    layer = quantized.Linear(3, 1)
    weight = torch.quantize_per_tensor(torch.tensor([[0.5, 0.25, -0.5]]), 0.25, 0, torch.qint8)
    layer.set_weight_bias(weight, torch.tensor([0.125]))
    layer.scale, layer.zero_point = 0.5, 1
    net = nn.Sequential(quantized.Quantize(1.0, 0, torch.quint8), layer, quantized.DeQuantize()).eval()
    program = dd.distill(net, "x: bit[3]", name="layer")
    assert program.verdict
    bits = np.array(list(np.ndindex(2, 2, 2)))
    given = net(torch.from_numpy(bits).float()).numpy().ravel()
    assert np.array_equal(np.asarray(program(bits), dtype=np.float64), given)


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "dynamic": (lambda: ao.quantize_dynamic(nn.Sequential(nn.Linear(3, 2))), "net.0: error[N404]: `Linear` takes its"),
    "clamped": (
        lambda: nn.Sequential(quantized.Quantize(1.0, 0, torch.quint8), nn.Hardtanh()).eval(),
        "net.1: error[N412]: `Hardtanh` of a quantised tensor",
    ),
    "other": (
        lambda: nn.Sequential(quantized.Quantize(1.0, 0, torch.quint8), quantized.Hardswish(1.0, 0)).eval(),
        "net.1: error[N404]: `Hardswish`, which is quantised, is not imported",
    ),
    "wide": (
        lambda: nn.Sequential(quantized.Quantize(1.0, 0, torch.qint32)).eval(),
        "net.0: error[N412]: values are quantised to torch.qint32",
    ),
    "left": (
        lambda: nn.Sequential(quantized.Quantize(1.0, 0, torch.quint8)).eval(),
        "net: error[N412]: the forward pass returns a quantised tensor",
    ),
    "half-made": (
        lambda: ao.prepare_qat(_trained(nn.Sequential(nn.Linear(3, 2)))).eval(),
        "error[N404]: `Linear` is quantised only in part",
    ),
}


def _trained(net: nn.Module) -> nn.Module:
    net.qconfig = ao.get_default_qat_qconfig("fbgemm")
    return net.train()


@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused(name: str) -> None:
    make, text = REFUSED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = make()
    with pytest.raises(CompileError) as caught:
        as_network(net, [(3,)])
    assert text in str(caught.value)
    assert "hint:" in str(caught.value)
