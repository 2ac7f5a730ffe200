"""Convolutional networks from torch to a proved rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ddcompile as dd
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Layer, Network


class Life(nn.Module):
    """The game of life: twice the sum of a cell and its neighbours, less the cell, is 5, 6 or 7."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
        with torch.no_grad():
            self.near.weight.fill_(2)
            self.near.weight[0, 0, 1, 1] = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.near(x.unsqueeze(1)).squeeze(1)
        return (y > 4).float() - (y > 7).float() > 0


class TwoChannels(nn.Module):
    """The same with a channel for each threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.both = nn.Conv2d(1, 2, 3, bias=True), nn.Conv2d(2, 1, 1, bias=False)
        with torch.no_grad():
            self.near.weight.fill_(2)
            self.near.weight[:, 0, 1, 1] = 1
            assert self.near.bias is not None
            self.near.bias.copy_(torch.tensor([-4.0, -7.0]))
            self.both.weight.copy_(torch.tensor([1.0, -1.0]).reshape(1, 2, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.pad(x.unsqueeze(1), (1, 1, 1, 1), mode="circular")
        return self.both((self.near(y) > 0).float()).squeeze(1) > 0


@pytest.mark.parametrize("make", [Life, TwoChannels])
@pytest.mark.parametrize("n", [6, 8])
def test_life_as_a_convolution_is_life_as_dense_layers(make: type[nn.Module], n: int) -> None:
    network = as_network(make().eval(), [(n, n)])
    flat = [Layer(r.dense_weight(), r.unit_bias(), r.activation, reads=r.reads) for r in network.layers]
    programs = [
        dd.distill(each, f"cell: bit[{n}, {n}]", outputs=f"next: bit[{n}, {n}]", name="life")
        for each in (network, Network(tuple(flat)))
    ]
    assert all(program.verdict for program in programs)
    assert str(programs[0]) == str(programs[1])
    assert len(str(programs[0]).splitlines()) == 3


class Sign(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sign(x)


class BinaryConv2d(nn.Conv2d):
    """Takes the signs of its weights."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.weight.sign(), self.bias, self.stride, self.padding)


class Residual(nn.Module):
    """Skip connections, a concatenation, averages over the grid."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.third, self.last = nn.Conv2d(4, 3, 3, stride=2, padding=1), nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first(x))
        x = torch.cat([x, F.relu(self.second(x) + x)], dim=1)
        return self.last(F.adaptive_avg_pool2d(F.relu(self.third(x)), 1).flatten(1))


def binary() -> nn.Module:
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.weight, norm.bias):
            assert tensor is not None
            tensor.copy_(0.5 * torch.randn(3))
    conv = BinaryConv2d(1, 3, 3, padding=1, bias=False)
    return nn.Sequential(conv, norm, Sign(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 2))


@pytest.mark.parametrize("make", [Residual, binary])
def test_networks_are_proved_and_as_torch_computes_them(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module = make().eval()
    inputs = "x: spin[1, 6, 6]"
    X = np.random.default_rng(0).choice([-1, 1], (5_000, 1, 6, 6))
    lowered = dd.distill(module, inputs, head="argmax", passes="")
    program = dd.distill(module, inputs, head="argmax")
    assert program.verdict
    assert program.cost <= lowered.cost
    expected = evaluate(as_network(module, inputs), X.reshape(len(X), -1), "argmax")
    assert (np.asarray(program(X)) == expected).all()
    safe = dd.float_safe(module, X, head="argmax")
    assert safe.mean() > 0.98
    with torch.no_grad():
        given = module(torch.from_numpy(X).float()).argmax(dim=1).numpy()
    assert (given == expected)[safe].all()


class Positive(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x > 0


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("circular", "5 <= 2 * sum(i < 3, l < 3: cell[0, (j + i - 1) % 6, (k + l - 1) % 6]) - cell[0, j, k] <= 7"),
        ("zeros", "2 * sum(i < 3, l < 3: pad(cell, 0)[0, j + i - 1, k + l - 1]) - cell[0, j, k]"),
    ],
)
def test_life_from_relus_with_weights_as_training_leaves_them(mode: str, text: str) -> None:
    torch.manual_seed(0)
    near, both = nn.Conv2d(1, 4, 3, padding=1, padding_mode=mode), nn.Conv2d(4, 1, 1)
    kernel = torch.full((3, 3), 2.0)
    kernel[1, 1] = 1
    assert near.bias is not None
    assert both.bias is not None
    with torch.no_grad():
        near.weight.copy_(kernel.expand(4, 1, 3, 3))
        near.bias.copy_(torch.tensor([-4.0, -5.0, -7.0, -8.0]))
        both.weight.copy_(torch.tensor([1.0, -1.0, -1.0, 1.0]).reshape(1, 4, 1, 1))
        both.bias.fill_(-0.5)
        for each in (near.weight, near.bias, both.weight, both.bias):
            each += 0.005 * torch.randn_like(each)
    net = nn.Sequential(near, nn.ReLU(), both, Positive()).eval()
    program = dd.distill(net, "cell: bit[1, 6, 6]", "next: bit[6, 6]", name="life")
    assert program.verdict.status == "proved"
    assert text in str(program)
    assert "const" not in str(program)


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("circular", "if cell[0, j] then cell[0, (j + 1) % 12] else cell[0, (j - 1) % 12]"),
        ("zeros", "if cell[0, j] then pad(cell, 0)[0, j + 1] else pad(cell, 0)[0, j - 1]"),
    ],
)
def test_a_rule_whose_neighbours_differ_from_relus(mode: str, text: str) -> None:
    rng = np.random.default_rng(0)
    rows = np.array([[k >> 2 & 1, k >> 1 & 1, k & 1] for k in range(8)], dtype=np.float64)
    weight, bias = rng.normal(size=(24, 3)), rng.normal(size=24)
    hidden = np.column_stack([np.maximum(rows @ weight.T + bias, 0), np.ones(8)])
    found = np.linalg.lstsq(hidden, np.array([2.0 * (184 >> k & 1) - 1 for k in range(8)]), rcond=None)[0]
    near, both = nn.Conv1d(1, 24, 3, padding=1, padding_mode=mode), nn.Conv1d(24, 1, 1)
    assert near.bias is not None
    assert both.bias is not None
    with torch.no_grad():
        near.weight.copy_(torch.tensor(weight.reshape(24, 1, 3)))
        near.bias.copy_(torch.tensor(bias))
        both.weight.copy_(torch.tensor(found[:-1].reshape(1, 24, 1)))
        both.bias.copy_(torch.tensor(found[-1:]))
    net = nn.Sequential(near, nn.ReLU(), both, Positive()).eval()
    program = dd.distill(net, "cell: bit[1, 12]", "next: bit[12]", name="traffic")
    assert program.verdict.status == "proved"
    assert text in str(program)
