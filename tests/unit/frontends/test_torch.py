"""Torch modules: what they compute is what the network imported from them computes, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ddcompile as dd
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def small_integers(module: nn.Module) -> nn.Module:
    """Weights for which floating point is exact, ties included."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    return module.eval()


def samples(shape: tuple[int, ...], count: int = 200, low: int = 0, high: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high, (count, *shape))


def assert_same(module: nn.Module, inputs: str, shape: tuple[int, ...]) -> None:
    """The import against torch itself, and the dense program against the import."""
    X = samples(shape)
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()).double().numpy()
    network = as_network(module, inputs)
    found = evaluate(network, X.reshape(len(X), -1))
    assert np.array_equal(found.astype(float).reshape(expected.shape), expected)
    program = dd.distill(module, inputs, passes="")
    assert np.array_equal(np.asarray(program(X)).astype(float).reshape(expected.shape), expected)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU(inplace=True), nn.Hardtanh(), nn.ReLU6(), nn.Identity()])
def test_layers_in_sequence(activation: nn.Module) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), activation, nn.Dropout(0.5), nn.Linear(5, 3))
    assert_same(small_integers(net), "x: bit[2, 3]", (2, 3))


class Signs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4, bias=False))
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.sign(self.features(x.view(x.size(0), -1) * 2 - 1))
        return self.last(x).argmax(dim=1)


def test_a_module_with_its_own_forward_pass_and_head() -> None:
    net = small_integers(Signs())
    network = as_network(net, "x: bit[2, 3]")
    assert (network.head, network.dtype, network.outputs) == ("argmax", "float32", 3)
    assert [layer.path for layer in network.layers[2:]] == ["net.features.0", "net.features.1", "net.last"]
    assert_same(net, "x: bit[2, 3]", (2, 3))
    program = dd.distill(net, "x: bit[2, 3]")
    assert str(program).startswith("rule net(x: bit[2, 3]) -> (class: int[0..2]) {")
    assert program.certificate is not None
    assert dd.verify(net, program).status == "proved"
    assert dd.check(program.certificate, net).status == "proved"


def test_files_of_torch_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(dd.CompileError) as caught:
        dd.distill(path)
    assert str(caught.value) == (
        f"{path}: error[N003]: not a .npz file of arrays: it holds `net/data.pkl`\n"
        "  hint: reading what torch.save wrote can run code: load the module yourself, and give it to dd.distill"
    )
