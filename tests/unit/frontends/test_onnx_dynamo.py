"""Models exported by torch's default exporter, that of torch.export: the network is that of the module.

The files in `tests/golden/frontends/dynamo` are what it makes of the modules here; `pytest --update-golden` writes them
anew where onnxscript, which it needs, is installed. Weights are multiples of 1/8, so that floats round nothing.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto
from torch import nn
from torch.nn import functional

import ddcompile as dd
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate

GOLDEN = Path(__file__).parents[2] / "golden" / "frontends" / "dynamo"


class Made(nn.Module):
    """A module of a function of modules and a tensor."""

    def __init__(self, function: Callable[..., torch.Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, *self.parts)


class Binary(nn.Module):
    """A linear layer or a convolution of the signs of its weights."""

    def __init__(self, of: nn.Module) -> None:
        super().__init__()
        self.of = of

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        apply = functional.linear if isinstance(self.of, nn.Linear) else functional.conv2d
        return torch.sign(apply(x, torch.where(self.of.weight >= 0, 1.0, -1.0)))


def life(x: torch.Tensor) -> torch.Tensor:
    kernel = torch.tensor([[[[2.0, 2, 2], [2, 1, 2], [2, 2, 2]]]])
    near = functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="circular"), kernel)
    return torch.logical_and(near >= 5, near <= 7).float()


def gates(x: torch.Tensor) -> torch.Tensor:
    left, right = x[:, :4] > 0.5, x[:, 4:] > 0.5
    return (torch.logical_xor(left, right) | torch.logical_not(left & right)).float()


def residual(x: torch.Tensor, first: nn.Module, second: nn.Module, third: nn.Module) -> torch.Tensor:
    y = torch.relu(first(x))
    return torch.relu(y + third(torch.relu(second(y))))


def joined(x: torch.Tensor, first: nn.Module, second: nn.Module) -> torch.Tensor:
    return torch.cat([x, functional.relu(first(x)), -functional.relu(second(x))], dim=1)


def rows(x: torch.Tensor, linear: nn.Module) -> torch.Tensor:
    return linear(x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, 2)).transpose(1, 2).flatten(1)


def small(*parts: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 6), *parts, nn.Linear(6, 3))


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "argmax": (lambda: Made(lambda x, f: f(x).argmax(1), small(nn.ReLU())), (8,)),
    "average": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 2)), (1, 6, 6)),
    "binary": (lambda: nn.Sequential(Binary(nn.Linear(8, 6)), Binary(nn.Linear(6, 4))), (8,)),
    "binary_windows": (lambda: nn.Sequential(Binary(nn.Conv2d(1, 3, 3)), Binary(nn.Conv2d(3, 2, 3))), (1, 6, 6)),
    "circular": (lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), (1, 5, 5)),
    "clamp": (lambda: small(nn.Hardtanh(-0.5, 1.5), nn.Dropout()), (8,)),
    "convolutions": (
        lambda: nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        (1, 6, 6),
    ),
    "global": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1)), (1, 6, 6)),
    "groups": (lambda: nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.ReLU(), nn.Conv2d(4, 2, 1)), (4, 4, 4)),
    "joined": (lambda: Made(joined, nn.Linear(8, 3), nn.Linear(8, 2)), (8,)),
    "leaky": (lambda: small(nn.LeakyReLU(0.25), nn.PReLU()), (8,)),
    "life": (lambda: Made(life), (1, 6, 6)),
    "line": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3, 2, 2, 2), nn.ReLU(), nn.MaxPool1d(2)), (2, 10)),
    "logic": (lambda: Made(gates), (8,)),
    "mlp": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3)), (1, 4, 4)),
    "mean": (lambda: Made(lambda x, f: f(x).mean((2, 3)), nn.Conv2d(1, 2, 3)), (1, 4, 4)),
    "one_hot": (lambda: Made(lambda x, f: functional.one_hot(f(x).argmax(1), 3), small(nn.ReLU())), (8,)),
    "padded": (lambda: nn.Sequential(nn.ConstantPad2d(1, 0.5), nn.Conv2d(1, 1, 3), nn.ReflectionPad2d(1)), (1, 4, 4)),
    "residual": (lambda: Made(residual, *(nn.Conv2d(k, 2, 3, padding=1) for k in (1, 2, 2))), (1, 4, 4)),
    "rows": (lambda: Made(rows, nn.Linear(2, 3)), (2, 2, 3)),
    "shuffled": (lambda: nn.Sequential(nn.Conv2d(1, 4, 1), nn.PixelShuffle(2), nn.ReLU()), (1, 3, 3)),
    "sign": (lambda: Made(lambda x, f: torch.sign(f(x)), small(nn.ReLU())), (8,)),
    "step": (lambda: Made(lambda x, f, g: g((f(x) > 0.25).float()), nn.Linear(8, 6), nn.Linear(6, 2)), (8,)),
    "triangle": (lambda: Made(lambda x: torch.cumsum(torch.tril(x), 2) - torch.triu(x, 1)), (4, 4)),
    "top": (lambda: Made(lambda x, f: torch.topk(f(x), 1, dim=1)[0], small(nn.ReLU())), (8,)),
    "up": (lambda: nn.Sequential(nn.ConvTranspose2d(1, 2, 3, 2, 1, 1), nn.ReLU(), nn.Conv2d(2, 1, 3)), (1, 4, 4)),
    "wider": (lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3)), (1, 3, 3)),
    "where": (lambda: Made(lambda x, f: torch.where(f(x) > 0.25, 1.0, -1.0), nn.Linear(8, 4)), (8,)),
}
ONLY_ONNX = ("one_hot", "top", "triangle")
"""What torch's own front end does not take; the forward pass is what it is compared with."""


def module(name: str) -> nn.Module:
    made = MODULES[name][0]().eval()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for tensor in made.parameters():
            tensor.copy_(torch.from_numpy(rng.integers(-8, 9, tensor.shape) / 8))
    return made


def exported(made: nn.Module, shape: tuple[int, ...], samples: bool) -> ModelProto:
    """Without what it says about files of this machine."""
    given = torch.zeros(2 if samples else 1, *shape)
    dynamic = ({0: torch.export.Dim.DYNAMIC},) if samples else None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(made, (given,), dynamo=True, dynamic_shapes=dynamic, verbose=False)
    assert program is not None
    model: ModelProto = program.model_proto
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    return model


def check(model: ModelProto, name: str) -> None:
    """Its network gives what the module gives, and is that of the module."""
    made, shape = module(name), MODULES[name][1]
    network = as_network(model)
    X = np.random.default_rng(0).integers(-1, 2, (200, *shape))
    X[:100] = abs(X[:100])
    with torch.no_grad():
        expected = made(torch.from_numpy(X).float()).numpy()
    found = evaluate(network, X.reshape(200, -1), network.head).astype(np.float64)
    assert np.array_equal(found.reshape(200, -1), expected.reshape(200, -1))
    if name not in ONLY_ONNX:
        own = as_network(made, f"x: spin[{', '.join(map(str, shape))}]")
        assert (network.head, network.shape) == (own.head, own.shape)


HOW = ("given", "exported", "exported as one sample") if find_spec("onnxscript") else ("given",)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", MODULES)
def test_model(name: str, how: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.onnx"
    if how != "given":
        check(exported(module(name), MODULES[name][1], how == "exported"), name)
        return
    if request.config.getoption("--update-golden") and len(HOW) > 1:
        path.parent.mkdir(exist_ok=True)
        onnx.save(exported(module(name), MODULES[name][1], True), path)
    check(onnx.load(path), name)


def test_life_is_distilled_to_the_rule_of_the_module() -> None:
    inputs, outputs = "cell: bit[1, 6, 6]", "next: bit[6, 6]"
    of_model = dd.distill(onnx.load(GOLDEN / "life.onnx"), inputs, outputs, name="life")
    assert of_model.known == "proved"
    assert of_model == dd.distill(module("life"), inputs, outputs, name="life")
