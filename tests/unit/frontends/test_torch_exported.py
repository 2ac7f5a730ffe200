"""Exported programs: the networks imported from them are those of the modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ddcompile as dd
from ddcompile.frontends import as_network

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


class Mixed(nn.Module):
    """Most of what there is."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding="same", padding_mode="circular")
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.back = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.last = nn.Linear(8, 3)
        self.register_buffer("mask", torch.tensor([1.0, 2.0]).reshape(2, 1, 1))
        self.register_buffer("shift", torch.ones(1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.sign(self.norm(self.first(x)))
        y = F.max_pool2d(y + self.second(y).relu_(), 2)
        z = F.hardtanh(self.back(y)) * self.mask + self.shift
        z = F.adaptive_avg_pool2d(z.permute(0, 1, 3, 2)[:, :, 1:7, :6], 2)
        return self.last(z.flatten(1)).argmax(dim=1)


class Run(nn.Module):
    def __init__(self, run: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.run = run

    def forward(self, x: torch.Tensor) -> Any:
        return self.run(x)


def exported(module: nn.Module, *shape: int, **options: Any) -> Any:
    return torch.export.export(module.eval(), (torch.zeros(shape),), **options)


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mixed": (Mixed, (1, 8, 8)),
    "linear": (lambda: nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.ReLU6(), nn.Linear(5, 2)), (6,)),
    "bits": (lambda: Run(lambda x: torch.where(x.reshape(-1, 6) > 0.5, 1.0, -1.0).sum(dim=1)), (2, 3)),
    "shapes": (lambda: Run(lambda x: torch.cat([x[:, 1:], x.flip(1)], 1).view(x.shape[0], -1).clamp(0, 1)), (3, 2)),
    "upsampling": (lambda: Run(lambda x: F.interpolate(F.pad(x, (1, 1)), scale_factor=2)), (2, 3)),
    "average": (
        lambda: nn.Sequential(nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.AdaptiveMaxPool2d(1)),
        (2, 4, 4),
    ),
    "cast": (lambda: Run(lambda x: (x > 0).float() - (x < 0).to(torch.float32)), (3,)),
    "kinks": (lambda: nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(), nn.Linear(4, 2)), (3,)),
    "extremes": (lambda: Run(lambda x: torch.maximum(x, torch.ones(3)) - x.minimum(x.flip(1))), (3,)),
    "masks": (lambda: Run(lambda x: ((x > 0) & (x != 2) | (x == 3) ^ ~(x < 1)).float()), (3,)),
    "head": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=1)), (3,)),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("batch", ["fixed", "dynamic", "decomposed"])
def test_the_network_is_that_of_the_module(name: str, batch: str) -> None:
    make, shape = MODULES[name]
    module = make().eval()
    options = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if batch == "dynamic" else {}
    if name == "mixed" and batch == "decomposed":
        module.first.padding_mode = "zeros"  # type: ignore[union-attr,assignment]
    program = exported(module, 4, *shape, **options)
    if batch == "decomposed":
        program = program.run_decompositions()
    found, wanted = as_network(program, [shape]), as_network(module, [shape])
    assert found.sha256 == wanted.sha256
    assert (found.shape, found.head, found.dtype) == (wanted.shape, wanted.head, wanted.dtype)


@pytest.mark.parametrize("module", [nn.PReLU(), nn.PReLU(3), nn.Hardsigmoid()])
def test_activations_that_decompose_otherwise(module: nn.Module) -> None:
    assert as_network(exported(module, 4, 3), [(3,)]).sha256 == as_network(module.eval(), [(3,)]).sha256


def test_an_exported_program_is_distilled() -> None:
    module = nn.Sequential(nn.Conv1d(1, 1, 3, padding=1, bias=False), Run(lambda x: torch.sign(x).flatten(1)))
    with torch.no_grad():
        module[0].weight.fill_(1.0)  # type: ignore[union-attr,operator]
    program = dd.distill(exported(module, 1, 1, 5), "x: bit[5]")
    assert program.verdict
    assert program([1, 0, 0, 0, 1]).tolist() == [1, 1, 0, 1, 1]


class Attends(nn.Module):
    """Attention, which is exported as the operations that it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(1, 1, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.unsqueeze(2)
        found: torch.Tensor = self.inner(x, x, x)[0]
        return found


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "dynamic grid": (
        lambda: exported(nn.Conv1d(1, 1, 3), 2, 1, 8, dynamic_shapes=({2: torch.export.Dim("n", min=4)},)),
        r"N410.*axis 2 of the input `input` has no fixed size",
    ),
    "other inputs": (lambda: exported(nn.Linear(4, 1), 2, 4), r"N410.*exported for inputs of shape \(4,\)"),
    "training": (
        lambda: torch.export.export(nn.BatchNorm1d(5).train(), (torch.zeros(2, 5),)),
        r"N40[23]",
    ),
    "unknown": (lambda: exported(nn.Sequential(nn.Linear(5, 5), nn.GELU()), 2, 5), r"net.1: error\[N402\]: `GELU`"),
    "parts of a module": (lambda: exported(Attends(), 2, 5), r"net.inner: error\[N402\]: `MultiheadAttention`"),
    "indices": (lambda: exported(Run(lambda x: x.max(1).indices), 2, 5), r"N402.*where the largest value is"),
    "several results": (lambda: exported(Run(lambda x: (x, x + 1)), 2, 5), r"N402.*a tuple"),
    "control flow": (
        lambda: exported(Run(lambda x: torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))), 2, 5),
        r"N4(02|11)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(dd.CompileError, match=message):
        as_network(make(), [(5,)] if name != "dynamic grid" else [(1, 8)])
