"""What is decided about tanh and sigmoid without computing them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.monotone import decision, order

HALF = Fraction(1, 2)


def smooth(name: str) -> tuple[Drafts, np.ndarray, np.ndarray]:
    """Three inputs, and `2 * f(x) + 1` of them."""
    drafts = Drafts(3)
    units = drafts.mapped(np.arange(3), "f", name)
    return drafts, units, drafts.mapped(units, "recoded", "identity", 2, 1)


@pytest.mark.parametrize(
    ("name", "factor", "shift", "expected"),
    [
        ("sigmoid", 1, -2, (1, 0)),  # 2 f + 1 > 2 where f > 1/2
        ("sigmoid", -1, 2, (-1, 0)),
        ("sigmoid", 1, -1, (0, 1)),  # f > 0 always
        ("sigmoid", 1, -4, (0, -1)),  # f > 3/2 never
        ("sigmoid", -1, 1, (0, -1)),
        ("sigmoid", 0, 5, (0, 5)),
        ("tanh", 3, -3, (1, 0)),  # f > 0
        ("tanh", 1, 1, (0, 1)),  # f > -1 always
        ("tanh", 1, -3, (0, -1)),
    ],
)
def test_decisions(name: str, factor: int, shift: int, expected: tuple[int, int]) -> None:
    drafts, _, units = smooth(name)
    found = decision(drafts, [(units, factor)], shift)
    assert found is not None
    assert found.ids.tolist() == [0, 1, 2]
    assert set(zip(found.factors.tolist(), found.shifts.tolist(), strict=True)) == {expected}


def test_differences_of_one_unit_are_decided() -> None:
    drafts, units, recoded = smooth("sigmoid")
    found = decision(drafts, [(recoded, 1), (units, -4)], 0)  # 2 f + 1 - 4 f
    assert found is not None
    assert found.factors.tolist() == [-1, -1, -1]


def test_what_is_not_decided() -> None:
    drafts, units, recoded = smooth("sigmoid")
    assert decision(drafts, [(recoded, 1)], Fraction(-5, 4)) is None  # f > 1/8: its logarithm is no number that we have
    assert decision(drafts, [(units, 1), (units[::-1], -1)], 0) is None  # two units, for the middle one is not alone
    assert decision(drafts, [(np.arange(3), 1)], 0) is None
    plain = Drafts(3)
    assert decision(plain, [(plain.mapped(np.arange(3), "", "relu"), 1)], 0) is None
    assert order(drafts, np.arange(3)) is None
    assert order(drafts, np.array([units[0], recoded[1]])) is None


def test_orders() -> None:
    drafts, _, recoded = smooth("tanh")
    turned = drafts.mapped(recoded, "", "identity", -1, 0)
    for units, side in ((recoded, 1), (turned, -1)):
        found = order(drafts, units)
        assert found is not None
        assert (found.ids.tolist(), found.factors.tolist()) == ([0, 1, 2], [side] * 3)


class Likely(nn.Module):
    """Whether a sigmoid is above a half."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Truth values as numbers."""
        return (torch.sigmoid(self.linear(x)) > 0.5).float()


def test_a_module_is_exact() -> None:
    torch.manual_seed(0)
    net = Likely().eval()
    network = as_network(net, "x: bit[6]")
    assert [layer.activation for layer in network.layers] == ["step"]
    X = np.random.default_rng(0).integers(0, 2, (100, 6))
    with torch.no_grad():
        expected = net(torch.from_numpy(X).float()).numpy()
    assert np.array_equal(evaluate(network, X), expected)
    with pytest.raises(CompileError, match="N414"):
        dd.float_safe(network, X)
    assert dd.distill(net, "x: bit[6]").verdict.status == "proved"
