"""Convolutions, pooling and padding of torch: what they compute is what the network imported computes, exactly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ddcompile as dd
from ddcompile.frontends import as_network
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.interpreter import interpret

SHAPES = {1: (4, 9), 2: (4, 6, 7), 3: (4, 3, 4, 5)}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def small_integers(module: nn.Module) -> nn.Module:
    """Weights for which floating point is exact."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    return module.eval()


class Run(nn.Module):
    """A forward pass that is a function of the input."""

    def __init__(self, run: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.run = run

    def forward(self, x: torch.Tensor) -> Any:
        return self.run(x)


def assert_same(module: nn.Module, shape: tuple[int, ...], is_exact: bool = True, safe: float = 1) -> str:
    """torch itself, the import and the dense program; gives the text of the program."""
    X = np.random.default_rng(1).integers(-2, 3, (60, *shape))
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()).double().numpy()
    inputs = f"x: int[-2..2][{', '.join(map(str, shape))}]"
    network = as_network(module, inputs)
    assert network.shape == expected.shape[1:]
    found = evaluate(network, X.reshape(len(X), -1))
    is_safe = dd.float_safe(network, X)
    close = np.abs(found.astype(float).reshape(expected.shape) - expected) <= (0 if is_exact else 1e-5)
    assert close.all()
    assert not is_exact or is_safe.mean() >= safe
    head = "none" if is_exact else "sign"
    rule = lower(network, inputs, None, head, "net")
    assert dd.parse(str(rule)).rule == rule
    signs = found if is_exact else np.sign(found).astype(int)
    assert (np.asarray(interpret(rule, [X])).reshape(found.shape) == signs).all()
    return str(rule)


CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "stride": {"stride": 2, "padding": 1},
    "dilation": {"dilation": 2, "padding": 2, "bias": False},
    "groups": {"groups": 2},
    "depthwise": {"groups": 4, "padding": 1},
    "same": {"padding": "same", "kernel_size": 2},
    "valid": {"padding": "valid"},
    "circular": {"padding": 1, "padding_mode": "circular"},
    "circular same": {"padding": "same", "padding_mode": "circular", "kernel_size": 2},
    "reflect": {"padding": 1, "padding_mode": "reflect"},
    "replicate": {"padding": 2, "padding_mode": "replicate", "stride": 2},
    "one tap": {"kernel_size": 1},
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str, axes: int) -> None:
    options = {"kernel_size": 3, **CONVOLUTIONS[name]}
    text = assert_same(small_integers(getattr(nn, f"Conv{axes}d")(4, 4, **options)), SHAPES[axes])
    assert "sum(" in text
    assert len(text.splitlines()) < 12


TRANSPOSED: dict[str, dict[str, Any]] = {
    "plain": {},
    "stride": {"stride": 2, "padding": 1, "output_padding": 1},
    "groups": {"groups": 2, "stride": 3},
    "dilation": {"dilation": 2, "padding": 1, "bias": False},
    "cut": {"padding": 2, "kernel_size": 2, "stride": 2},
}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolutions(name: str, axes: int) -> None:
    options = {"kernel_size": 3, **TRANSPOSED[name]}
    assert_same(small_integers(getattr(nn, f"ConvTranspose{axes}d")(4, 2, **options)), SHAPES[axes])


MAXIMA: dict[str, dict[str, Any]] = {
    "plain": {"kernel_size": 2},
    "padding": {"kernel_size": 3, "stride": 2, "padding": 1},
    "dilation": {"kernel_size": 2, "stride": 1, "padding": 1, "dilation": 2},
    "ceil": {"kernel_size": 2, "stride": 2, "ceil_mode": True},
    "ceil and padding": {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", MAXIMA)
def test_max_pooling(name: str, axes: int) -> None:
    assert_same(getattr(nn, f"MaxPool{axes}d")(**MAXIMA[name]), SHAPES[axes])


AVERAGES: dict[str, dict[str, Any]] = {
    "two": {"kernel_size": 2},
    "three": {"kernel_size": 3, "stride": 1},
    "padding": {"kernel_size": 3, "stride": 2, "padding": 1},
    "padding not counted": {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    "ceil": {"kernel_size": 2, "stride": 2, "ceil_mode": True},
    "ceil and padding": {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", AVERAGES)
def test_average_pooling(name: str, axes: int) -> None:
    assert_same(getattr(nn, f"AvgPool{axes}d")(**AVERAGES[name]), SHAPES[axes], name == "two")


OTHERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "adaptive average": (lambda: nn.AdaptiveAvgPool2d((2, 4)), (3, 4, 8)),
    "adaptive average of one axis": (lambda: nn.AdaptiveAvgPool2d((None, 1)), (3, 4, 8)),
    "adaptive maximum": (lambda: nn.AdaptiveMaxPool1d(3), (2, 7)),
    "F.max_pool2d": (lambda: Run(lambda x: F.max_pool2d(x, 2)), (2, 4, 4)),
    "F.avg_pool2d": (lambda: Run(lambda x: F.avg_pool2d(x, (2, 1), stride=1)), (2, 4, 4)),
    "F.adaptive_avg_pool2d": (lambda: Run(lambda x: F.adaptive_avg_pool2d(x, 2)), (2, 4, 4)),
    "divisor_override": (lambda: Run(lambda x: F.avg_pool2d(x, 3, divisor_override=2)), (2, 4, 4)),
    "F.conv2d of signs": (
        lambda: Run(lambda x: F.conv2d(x, (torch.ones(3, 2, 2, 2) - 0.5).sign(), padding=1)),
        (2, 4, 4),
    ),
    "F.conv1d": (lambda: Run(lambda x: F.conv1d(x, torch.ones(2, 2, 3), None, 2, "valid")), (2, 8)),
    "F.conv_transpose2d": (lambda: Run(lambda x: F.conv_transpose2d(x, torch.ones(2, 3, 2, 2), stride=2)), (2, 3, 3)),
    "F.pad": (lambda: Run(lambda x: F.pad(x, (1, 2))), (2, 3, 3)),
    "F.pad with a number": (lambda: Run(lambda x: F.pad(x, (1, 0, -1, 2), value=3.0)), (2, 3, 3)),
    "F.pad reflect": (lambda: Run(lambda x: F.pad(x, (1, 2, 2, 0), mode="reflect")), (2, 4, 4)),
    "ZeroPad2d": (lambda: nn.Sequential(nn.ZeroPad2d((1, 0, 2, 1)), nn.MaxPool2d(2)), (2, 3, 3)),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(1, 0.5), (2, 3)),
    "ReplicationPad3d": (lambda: nn.ReplicationPad3d(1), (1, 2, 2, 3)),
    "CircularPad2d": (lambda: nn.Sequential(nn.CircularPad2d(1), nn.AvgPool2d(2)), (1, 4, 3)),
    "PixelShuffle": (lambda: nn.Sequential(nn.PixelShuffle(2), nn.MaxPool2d(2, 1)), (4, 3, 3)),
    "PixelUnshuffle": (lambda: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 2, 2)), (1, 4, 6)),
    "ChannelShuffle": (lambda: nn.Sequential(nn.ChannelShuffle(2), nn.Conv2d(4, 2, 2, groups=2)), (4, 3, 3)),
    "Upsample": (lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(1, 2, 3, padding=1)), (1, 3, 4)),
    "permute": (lambda: Run(lambda x: F.max_pool2d(x.permute(0, 3, 1, 2), 2)), (4, 4, 2)),
    "permute and back": (lambda: Run(lambda x: F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)), (4, 4, 2)),
    "flip": (lambda: Run(lambda x: F.max_pool2d(x.flip(3)[:, :, ::2], 2)), (1, 4, 4)),
    "a column": (lambda: Run(lambda x: F.max_pool1d(x[:, :, :, 1], 2)), (2, 4, 3)),
    "unsqueeze": (lambda: Run(lambda x: F.conv2d(x.unsqueeze(1), torch.ones(2, 1, 3, 3)).flatten(1)), (4, 4)),
    "amax": (lambda: Run(lambda x: x.amax(dim=(2, 3), keepdim=True) - x), (2, 3, 3)),
    "max": (lambda: Run(lambda x: x.max(dim=2)[0]), (2, 3, 3)),
    "min": (lambda: Run(lambda x: torch.min(x, dim=1).values), (2, 3, 3)),
    "maximum": (lambda: Run(lambda x: torch.maximum(x[:, 0], x[:, 1]) + torch.min(x[:, 0], x[:, 1])), (2, 3, 3)),
    "mean over the grid": (lambda: Run(lambda x: x.mean(dim=(2, 3))), (2, 4, 2)),
    "sum over channels": (lambda: Run(lambda x: x.sum(dim=1)), (3, 4, 2)),
    "sum over a large grid": (lambda: Run(lambda x: x.sum((2, 3))), (3, 20, 20)),
    "linear layers at every place": (lambda: nn.Linear(40, 30), (60, 40)),
    "normalised": (lambda: normalised(2, nn.Conv2d(2, 3, 2)), (2, 4, 4)),
    "normalised and decided": (lambda: nn.Sequential(normalised(1, nn.Conv1d(2, 3, 2)), Run(torch.sign)), (2, 9)),
    "normalised maxima": (lambda: nn.Sequential(normalised(3, nn.MaxPool3d(2)), Run(torch.sign)), (3, 2, 4, 4)),
    "moved and normalised": (lambda: nn.Sequential(nn.ZeroPad2d(1), nn.BatchNorm2d(3), Run(torch.sign)), (3, 2, 2)),
    "residual": (lambda: Residual(), (1, 5, 5)),
    "dense blocks": (lambda: Run(lambda x: F.conv2d(torch.cat([x, F.relu(x)], 1), torch.ones(2, 4, 2, 2))), (2, 4, 4)),
}


def normalised(axes: int, module: nn.Module) -> nn.Module:
    """With factors that are exact: a variance of 4, no epsilon."""
    norm = getattr(nn, f"BatchNorm{axes}d")(3, eps=0.0)
    norm.running_var.fill_(4.0)
    norm.running_mean.copy_(torch.tensor([-1.0, 0.5, 2.0]))
    return nn.Sequential(module, norm)


class Residual(nn.Module):
    """A skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.first(x))
        return F.max_pool2d(F.relu(self.second(y) + y), 2)


@pytest.mark.parametrize("name", OTHERS)
def test_other_operations(name: str) -> None:
    make, shape = OTHERS[name]
    assert_same(small_integers(make()), shape, safe=0.2 if "normalised" in name else 1)


def test_a_permutation_is_read_in_place() -> None:
    text = assert_same(OTHERS["permute"][0](), OTHERS["permute"][1])
    assert "const" not in text


def test_averages_go_on_until_a_sign() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 2), nn.AvgPool2d(3, stride=1), nn.ReLU(), nn.Conv2d(2, 2, 2), nn.Hardtanh(), nn.AvgPool2d(2)
    )
    net = nn.Sequential(net, nn.Flatten(), nn.Linear(2, 3))
    text = assert_same(small_integers(net), (1, 6, 6), is_exact=False)
    assert "9" in text


def test_sigmoids_of_averages_are_of_the_averages() -> None:
    X = np.random.default_rng(0).integers(0, 2, (50, 1, 4))
    module = nn.Sequential(nn.Conv1d(1, 2, 1), nn.AvgPool1d(2), nn.Sigmoid()).eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()).numpy()
    assert np.allclose(dd.distill(module, "x: bit[1, 4]")(X), expected, rtol=1e-6)
    with pytest.raises(dd.CompileError, match=r"N409.*tanh of an average, a fraction over 3 that is no double"):
        dd.distill(nn.Sequential(nn.AvgPool1d(3), nn.Tanh()).eval(), "x: bit[1, 6]")


def test_results_that_are_thirds_are_refused() -> None:
    with pytest.raises(dd.CompileError, match=r"N409.*fractions over 3 that are no doubles"):
        dd.distill(nn.AvgPool1d(3), "x: bit[1, 6]")


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: nn.Conv2d(1, 2, 3), (1, 2, 2), r"net.0: error\[N410\]: windows of \(3, 3\) do not fit"),
        (lambda: nn.Conv2d(2, 2, 1), (1, 2, 2), r"a kernel for 2 channels moves over values of shape \(1, 2, 2\)"),
        (lambda: nn.Conv2d(1, 2, 1), (2, 2), r"N410.*values of shape \(2, 2\)"),
        (lambda: nn.AdaptiveAvgPool1d(3), (1, 8), r"N409.*of 8 to 3: windows of several sizes"),
        (lambda: nn.MaxPool1d(2, return_indices=True), (1, 8), r"N409.*gives positions"),
        (lambda: nn.Upsample(scale_factor=1.5), (1, 8), r"N409.*not whole"),
        (lambda: nn.Upsample(scale_factor=2, mode="linear"), (1, 8), r"N409.*mode `linear`"),
        (lambda: Run(lambda x: F.conv1d(x, x)), (1, 8), r"N402.*depends on the inputs"),
        (lambda: Run(lambda x: x.max(2)[1]), (1, 8), r"N402.*where the largest value is"),
        (lambda: Run(lambda x: x.amax(0)), (1, 8), r"N411.*samples of the batch"),
        (lambda: nn.BatchNorm2d(1, track_running_stats=False), (1, 2, 2), "N403"),
        (lambda: nn.LSTM(3, 3), (2, 3), "N402.*LSTM"),
        (lambda: nn.LPPool2d(2, 2), (1, 4, 4), "N402.*LPPool2d"),
    ],
)
def test_what_is_refused_is_named(make: Callable[[], nn.Module], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(dd.CompileError, match=message):
        as_network(nn.Sequential(make()).eval(), [shape])


def test_a_large_network_is_lowered_as_stencils_in_seconds() -> None:
    def block(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.ReLU())

    net = nn.Sequential(
        block(3, 32), block(32, 64), nn.MaxPool2d(2), block(64, 128), block(128, 256, 2), block(256, 256),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    start = time.process_time()
    program = dd.distill(net.eval(), "image: bit[3, 224, 224]", head="argmax")
    assert time.process_time() - start < 20
    assert as_network(net, [(3, 224, 224)]).parameters > 900_000
    assert len(program.rule.statements) == 9
    assert sum(c.values.size for c in program.rule.constants) < 1_000_000
