"""Layers as a torch module."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.activations import ACTIVATIONS
from ddcompile.frontends.network import Gates, Layer, Maximum, Network, Pointwise, Sparse, Window
from ddcompile.frontends.normalization import Norm
from ddcompile.frontends.npz import npz_bytes
from ddcompile.frontends.torch import exporter, module_of, network_of


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "clamp[-2..3]", "clamp[..4]", "clamp[1..1]"])
@pytest.mark.parametrize("head", ["none", "argmax", "softmax"])
def test_what_is_exported_is_imported_as_the_same(activation: str, head: str) -> None:
    rng = np.random.default_rng(0)
    first = Layer(rng.integers(-3, 4, (4, 5)), rng.normal(size=4), activation)
    network = Network((first, Layer(rng.normal(size=(3, 4)), np.arange(3))), head=head)
    assert network_of(module_of(network)).sha256 == network.sha256


def test_what_is_more_than_a_matrix_is_refused() -> None:
    """By modules and by files alike, which would else be of another network."""
    norm, window = Norm([0.0], [2.0], [1.0], [1.0]), Window((4,), (2,))  # type: ignore[arg-type]
    wide, zeros = np.ones((1, 4)), np.zeros(1)
    for layer, what in (
        (Layer(wide, zeros, "relu", norm, path="net.1"), "a batch norm"),
        (Layer(Maximum(window, 1), zeros), "a maximum over windows"),
        (Layer(wide, zeros, divisor=3), "a division"),
        (Layer(Pointwise(wide), np.zeros(4), divisors=np.arange(1, 5)), "a division"),
    ):
        for write, where in ((module_of, "a module of linear layers"), (npz_bytes, "a .npz file")):
            with pytest.raises(CompileError, match=f"layer 0.*N112.*{what}, for which there is no place in {where}"):
                write(Network((layer,)))
    gates = Network((Layer(Gates([6], [[0, 1]], 2), zeros),))  # type: ignore[arg-type]
    assert npz_bytes(gates)
    with pytest.raises(CompileError, match=r"N112.*logic gates"):
        module_of(gates)


def test_large_weights_that_are_mostly_0_stay_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network((Layer(Sparse([1, -2], [0, 3], [0, 1, 1, 1, 2], (4, 5)), np.arange(4), "sign"),))
    dense = module_of(network)
    monkeypatch.setattr(exporter, "MAX_DENSE", 1)
    sparse = module_of(network)
    assert sum(parameter.numel() for parameter in sparse.parameters()) == 0
    x = torch.randn(7, 5, dtype=torch.float64)
    assert torch.equal(sparse(x), dense(x))
