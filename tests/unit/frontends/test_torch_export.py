"""Layers as a torch module."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddcompile.frontends.activations import ACTIVATIONS
from ddcompile.frontends.network import Layer, Network, Sparse
from ddcompile.frontends.torch import exporter, module_of, network_of


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "clamp[-2..3]", "clamp[..4]", "clamp[1..1]"])
@pytest.mark.parametrize("head", ["none", "argmax", "softmax"])
def test_what_is_exported_is_imported_as_the_same(activation: str, head: str) -> None:
    rng = np.random.default_rng(0)
    first = Layer(rng.integers(-3, 4, (4, 5)), rng.normal(size=4), activation)
    network = Network((first, Layer(rng.normal(size=(3, 4)), np.arange(3))), head=head)
    assert network_of(module_of(network)).sha256 == network.sha256


def test_large_weights_that_are_mostly_0_stay_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network((Layer(Sparse([1, -2], [0, 3], [0, 1, 1, 1, 2], (4, 5)), np.arange(4), "sign"),))
    dense = module_of(network)
    monkeypatch.setattr(exporter, "MAX_DENSE", 1)
    sparse = module_of(network)
    assert sum(parameter.numel() for parameter in sparse.parameters()) == 0
    x = torch.randn(7, 5, dtype=torch.float64)
    assert torch.equal(sparse(x), dense(x))
