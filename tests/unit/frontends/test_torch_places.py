"""Operations of torch that say places, count, move windows or go on in time: as torch does them, and exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate

Run = Callable[[Any, torch.Tensor], Any]


class Forward(nn.Module):
    """Weights are small multiples of 1/8, so that float32 rounds nothing and ties are frequent."""

    def __init__(self, run: Run, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.run = run
        self.a, self.b, self.inner = nn.Linear(6, 4), nn.Linear(4, 3), inner or nn.Identity()
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randint(-8, 9, parameter.shape, generator=generator) / 8)

    def forward(self, x: torch.Tensor) -> Any:
        return self.run(self, x)


def unrolled(m: Any, x: torch.Tensor) -> torch.Tensor:
    state = torch.zeros(x.shape[0], 3)
    for k in range(2):
        state = m.inner(x[:, k], state)
    return state


def matrices(m: Any, x: torch.Tensor) -> torch.Tensor:
    """The same matrices for every sample."""
    after = torch.bmm(x, m.b.weight[:2, :2].expand(x.size(0), 2, 2))
    return torch.bmm(m.a.weight[:2, :3].expand(x.size(0), 2, 3), after)


CASES: dict[str, tuple[Run, nn.Module | None, tuple[int, ...], tuple[int, int]]] = {
    "argmax in between": (lambda m, x: m.b(F.one_hot(m.a(x).argmax(1), 4).float()), None, (6,), (-3, 3)),
    "argmax of two": (lambda m, x: m.a(x)[:, :2].argmax(1) * 2.0, None, (6,), (-3, 3)),
    "argmax as an integer": (lambda m, x: m.a(x).argmax(dim=1).to(torch.int32), None, (6,), (-3, 3)),
    "argmax of a grid": (lambda m, x: x.argmax(dim=1), None, (3, 2, 2), (-3, 3)),
    "argmax that keeps its axis": (lambda m, x: x.argmax(dim=-1, keepdim=True), None, (4, 3), (-3, 3)),
    "any": (lambda m, x: (m.a(x) > 2).any(dim=1).float(), None, (6,), (-3, 3)),
    "all": (lambda m, x: (x > -3).all(dim=(1, 2)).float(), None, (2, 3), (-3, 3)),
    "how many": (lambda m, x: (m.a(x) > 0).sum(dim=1, keepdim=True) >= 2, None, (6,), (-3, 3)),
    "how many are not 0": (lambda m, x: torch.count_nonzero(x, dim=1).float(), None, (6,), (-3, 3)),
    "sums so far": (lambda m, x: m.a(torch.cumsum(x, dim=1)), None, (6,), (-3, 3)),
    "sums so far along a grid": (lambda m, x: x.cumsum(1).flatten(1), None, (3, 2), (-3, 3)),
    "windows": (lambda m, x: F.unfold(x, 2, padding=(1, 0), stride=(2, 1)).flatten(1), None, (2, 3, 4), (-3, 3)),
    "windows of one axis": (lambda m, x: x.unfold(1, 3, 2).sum(dim=2), None, (7,), (-3, 3)),
    "Unfold": (lambda m, x: m.inner(x).flatten(1), nn.Unfold(2), (1, 3, 3), (-3, 3)),
    "round": (lambda m, x: torch.round(torch.sigmoid(m.a(x))), None, (6,), (-3, 3)),
    "embedding": (lambda m, x: m.inner(x.long()).flatten(1), nn.Embedding(5, 3), (4,), (0, 4)),
    "bags": (lambda m, x: m.inner(x.long()), nn.EmbeddingBag(5, 3, mode="sum"), (4,), (0, 4)),
    "codes": (lambda m, x: F.one_hot(x.long(), 5).float().sum(dim=1), None, (4,), (0, 4)),
    "a dictionary of one": (lambda m, x: {"logits": m.a(x)}, None, (6,), (-3, 3)),
    "constants beside": (lambda m, x: torch.cat([x, torch.ones(x.shape[0], 2)], dim=1), None, (6,), (-3, 3)),
    "zeros of its own": (lambda m, x: torch.cat([x.new_zeros(x.size(0), 2), x], 1), None, (4,), (-3, 3)),
    "division": (lambda m, x: (x - 127) / 255 > 0.25, None, (6,), (0, 255)),
    "divisions": (lambda m, x: (x / torch.tensor([3.0, -7, 1, 5, 2, 9])).sum(1, keepdim=True) > 1, None, (6,), (-9, 9)),
    "channels scaled": (
        lambda m, x: (x / torch.tensor([3.0, 5]).view(1, 2, 1, 1)).amax((1, 2, 3), keepdim=True) > 0.5,
        None,
        (2, 2, 2),
        (-3, 3),
    ),
    "RNN": (lambda m, x: m.inner(x)[0][:, -1], nn.RNN(3, 2, nonlinearity="relu", batch_first=True), (3, 3), (-1, 1)),
    "RNN of two ways and layers": (
        lambda m, x: m.inner(x.transpose(0, 1))[1].transpose(0, 1).flatten(1),
        nn.RNN(2, 2, 2, nonlinearity="relu", bidirectional=True),
        (2, 2),
        (-1, 1),
    ),
    "RNN without biases": (
        lambda m, x: m.inner(x)[1][0],
        nn.RNN(3, 2, nonlinearity="relu", batch_first=True, bias=False),
        (3, 3),
        (-1, 1),
    ),
    "the same matrix": (
        matrices,
        None,
        (3, 2),
        (-1, 1),
    ),
    "RNNCell": (unrolled, nn.RNNCell(3, 3, nonlinearity="relu"), (2, 3), (-1, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_exactly_as_torch(name: str) -> None:
    run, inner, shape, (low, high) = CASES[name]
    net = Forward(run, inner).eval()
    declared = f"x: int[{low}..{high}][{', '.join(map(str, shape))}]"
    network = as_network(net, declared)
    X = np.random.default_rng(0).integers(low, high + 1, (5000, *shape))
    with torch.no_grad():
        found = net(torch.from_numpy(X).float())
    wanted = (next(iter(found.values())) if isinstance(found, dict) else found).numpy().astype(float).reshape(5000, -1)
    exact = np.asarray(evaluate(network, X.reshape(5000, -1))).astype(float).reshape(5000, -1)
    assert np.array_equal(exact, wanted)
    program = dd.distill(net, declared, name="f", passes="")
    assert np.array_equal(np.asarray(program(X)).astype(float).reshape(5000, -1), wanted)


EXPORTED = (
    "argmax in between", "any", "sums so far", "embedding", "codes", "division", "RNN", "RNN of two ways and layers",
    "RNN without biases", "RNNCell", "argmax of a grid", "the same matrix",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:The tensor attributes")
@pytest.mark.parametrize("name", EXPORTED)
def test_exported_programs(name: str) -> None:
    run, inner, shape, (low, high) = CASES[name]
    net = Forward(run, inner).eval()
    program = torch.export.export(net, (torch.zeros(2, *shape),))
    X = np.random.default_rng(1).integers(low, high + 1, (500, *shape))
    flat = X.reshape(500, -1)
    declared = f"x: int[{low}..{high}][{', '.join(map(str, shape))}]"
    of_program, of_module = (evaluate(as_network(model, declared), flat).astype(float) for model in (program, net))
    assert np.array_equal(of_program, of_module)


def test_the_number_of_the_largest_score_is_a_head() -> None:
    run, inner, shape, _ = CASES["argmax as an integer"]
    assert as_network(Forward(run, inner).eval(), [shape]).head == "argmax"


def test_torch_makes_zeros_as_before() -> None:
    """Functions of torch are replaced while a module is traced, and no longer."""
    before = torch.zeros
    as_network(Forward(unrolled, nn.RNNCell(3, 3, nonlinearity="relu")).eval(), [(2, 3)])
    with pytest.raises(CompileError):
        as_network(Forward(lambda m, x: x if x.sum() > 0 else -x).eval(), [(6,)])
    assert torch.zeros is before


REFUSED: dict[str, tuple[Run, nn.Module | None, str]] = {
    "argmax of many": (
        lambda m, x: x.repeat(1, 20).argmax(1) * 2,
        None,
        "error[N409]: `argmax` over 120 scores",
    ),
    "argmax of all": (lambda m, x: x.argmax(), None, "error[N409]: `argmax` over dim=None"),
    "codes of any number": (
        lambda m, x: F.one_hot(x.long()),
        None,
        "error[N409]: `one_hot` of as many classes",
    ),
    "any of all": (lambda m, x: (x > 0).any(), None, "error[N411]: `any` over the samples of the batch"),
    "round": (lambda m, x: torch.round(m.a(x)), None, "error[N402]: `round` of other things than a sigmoid"),
    "a first state": (
        lambda m, x: m.inner(x[:, None], x[None, :, :2])[0],
        nn.RNN(6, 2, batch_first=True),
        "error[N409]: `RNN` with a first state of its own",
    ),
    "a smooth function": (lambda m, x: F.gelu(x), None, "`gelu` is not an operation that is imported: a smooth"),
    "a norm": (
        lambda m, x: m.inner(x),
        nn.LayerNorm(6),
        "`LayerNorm` is not an operation that is imported: it",
    ),
    "gates": (lambda m, x: m.inner(x), nn.LSTMCell(6, 2), "`LSTMCell` is not an operation that is imported: its gates"),
    "samples of their own": (
        lambda m, x: torch.cat([x, torch.arange(x.shape[0]).float()[:, None]], 1),
        None,
        "error[N411]: a constant differs from sample to sample",
    ),
    "two results": (lambda m, x: (m.a(x), x), None, "error[N402]: the forward pass returns a tuple"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused(name: str) -> None:
    run, inner, text = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        as_network(Forward(run, inner).eval(), "x: int[0..4][6]")
    assert text in str(caught.value)
