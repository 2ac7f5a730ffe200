"""Torch modules: what they compute is what the network imported from them computes, exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ddcompile as dd
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate

Forward = Callable[[Any, torch.Tensor], torch.Tensor]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


class Straight(torch.autograd.Function):
    """A sign with a gradient, saved tensors and all."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * (x.abs() <= 1)


class StraightSetUp(torch.autograd.Function):
    """The same with its context set up apart."""

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x.sign()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0]


class BinarizeLinear(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight.sign(), self.bias)


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(5, 6))
        self.register_buffer("mask", torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert isinstance(self.mask, torch.Tensor)
        return F.linear(x, self.weight * self.mask[:, None]) * self.mask


class Module(nn.Module):
    """Some layers, and a forward pass that is a function of them and the input."""

    def __init__(self, run: Forward) -> None:
        super().__init__()
        self.run = run
        self.a, self.b = nn.Linear(6, 5), nn.Linear(6, 5)
        self.binary, self.scaled = BinarizeLinear(6, 5), Scaled()
        self.five, self.ten, self.three = nn.Linear(5, 3), nn.Linear(10, 3), nn.Linear(3, 4)
        self.tail = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(5, 4), nn.Hardtanh()), nn.Identity())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(self, x)


def in_place_after_others(m: Module, x: torch.Tensor) -> torch.Tensor:
    """What was made of the old numbers stays; weights that change in place are not those of whoever gave the module."""
    y = F.linear(x, m.a.weight.data.clamp_(-0.5, 0.5).mul_(2))
    y += torch.relu(y)
    return y


def einsums(m: Module, x: torch.Tensor) -> torch.Tensor:
    """A matrix, axes that are made and moved, constants first."""
    first = torch.einsum("bi,oi->bo", x, m.a.weight)
    second = torch.einsum("kjc,bij->bick", torch.arange(18.0).view(3, 3, 2), x.view(-1, 2, 3))
    third = torch.einsum("bi,i", [x, m.b.weight[0]])
    return torch.cat([first, second.flatten(1), third[:, None]], dim=1)


def unpacked(m: Module, x: torch.Tensor) -> torch.Tensor:
    left, right = x.chunk(2, dim=1)
    return m.three(left).sign() + m.three(right).relu()


def split_by_index(m: Module, x: torch.Tensor) -> torch.Tensor:
    y = m.a(x)
    return torch.cat([y[:, :2].relu(), y[..., 2:].sign()], dim=1)


def in_place(m: Module, x: torch.Tensor) -> torch.Tensor:
    y = m.a(x)
    y += 1
    return y.relu_().mul_(2)


FORWARD: dict[str, Forward] = {
    "straight-through": lambda m, x: Straight.apply(m.a(x)),
    "straight-through, set up apart": lambda m, x: StraightSetUp.apply(m.a(x)),
    "straight-through by detach": lambda m, x: m.five(m.a(x) + (m.a(x).sign() - m.a(x)).detach()),
    "binarized weights": lambda m, x: m.five(torch.sign(m.binary(2 * x - 1))),
    "masked weights": lambda m, x: m.scaled(x),
    "nested": lambda m, x: m.tail(m.a(x)),
    "heaviside 0": lambda m, x: torch.heaviside(m.a(x), torch.tensor(0.0)),
    "heaviside 1": lambda m, x: torch.heaviside(m.a(x), torch.ones(5)),
    "heaviside 1/2": lambda m, x: m.a(x).heaviside(torch.tensor([0.5])),
    "relu": lambda m, x: torch.relu(m.a(x)),
    "relu6": lambda m, x: F.relu6(m.a(x)),
    "hardtanh": lambda m, x: F.hardtanh(m.a(x), -2.0, 2),
    "clamp from": lambda m, x: m.a(x).clamp(min=-1),
    "clamp to": lambda m, x: torch.clamp_max(m.a(x), 2),
    "clip": lambda m, x: m.a(x).clip(-1, 2.5),
    "clamp nothing": lambda m, x: m.a(x).clamp(-float("inf"), float("inf")),
    "abs": lambda m, x: m.a(x).abs() - torch.abs(m.b(x)),
    "skip": lambda m, x: m.five(F.relu(m.a(x)) + m.b(x)),
    "skip over sign": lambda m, x: m.a(x) + m.a(x).sign(),
    "cat": lambda m, x: m.ten(torch.cat([F.relu(m.a(x)), m.b(x).sign()], dim=1)),
    "cat with input": lambda m, x: F.relu(torch.cat([m.a(x), x], dim=-1)),
    "stack": lambda m, x: torch.stack([m.a(x), m.b(x)], dim=2).flatten(1),
    "flip and slice": lambda m, x: m.five(F.relu(m.a(x)).flip(1)[:, :5]),
    "part of a layer": lambda m, x: m.a(x)[:, 1:3],
    "one unit": lambda m, x: m.a(x)[:, 2],
    "parts": split_by_index,
    "unpacked": unpacked,
    "greater": lambda m, x: (m.a(x) > 0).float(),
    "at least": lambda m, x: (m.a(x) >= 1).float() * 2 - 1,
    "less": lambda m, x: m.a(x).lt(0.5).to(x.dtype),
    "at most": lambda m, x: m.a(x).le(1).type_as(x),
    "greater than another": lambda m, x: (m.a(x) > m.b(x)).int().float(),
    "where": lambda m, x: torch.where(m.a(x) <= 0, 0.125, 3.0),
    "where, far apart": lambda m, x: torch.where(m.a(x) > 0, 2.0**-60, 1.0),
    "not": lambda m, x: (~(m.a(x) > 0)).float(),
    "mask times number": lambda m, x: (m.a(x) > 0) * 2.0 - 1.0,
    "times a vector": lambda m, x: m.a(x) * torch.tensor([1.0, 2, 3, 4, 5]) + 1,
    "halves": lambda m, x: m.a(x) / 4 + x[:, :5] / 2,
    "from one": lambda m, x: 1 - m.a(x),
    "negative": lambda m, x: -m.a(x) - torch.neg(m.b(x)),
    "weighted sum": lambda m, x: torch.add(m.a(x), m.b(x), alpha=3) - 2 * m.a(x),
    "sum": lambda m, x: m.a(x).sum(1, keepdim=True) + x.sum(dim=-1)[:, None],
    "mean": lambda m, x: x[:, :4].mean(dim=1),
    "sum of an axis": lambda m, x: x.view(-1, 2, 3).sum(dim=1),
    "matmul": lambda m, x: torch.sign(x @ m.a.weight.t() + m.a.bias),
    "matrix times vector": lambda m, x: x.matmul(m.a.weight[0]),
    "addmm": lambda m, x: torch.addmm(m.a.bias, x, m.a.weight.T),
    "rows": lambda m, x: m.three(x.view(x.shape[0], 2, 3)).sign().flatten(1),
    "transposed": lambda m, x: m.a(x.view(-1, 2, 3).transpose(1, 2).reshape(x.size(0), 6)),
    "permuted": lambda m, x: m.a(torch.permute(x.unflatten(1, (3, 2)), (0, 2, 1)).contiguous().view(-1, 6)),
    "squeezed": lambda m, x: m.a(x).unsqueeze(1).relu().squeeze(1),
    "in place": in_place,
    "in place after others": in_place_after_others,
    "einsum": einsums,
    "ones and zeros": lambda m, x: (
        torch.where(m.a(x) > 0, torch.ones_like(m.b(x)), -torch.ones_like(m.b(x)))
        - torch.where(x[:, :1] > 0, torch.zeros_like(m.a(x)), 0.5)
    ),
    "twice": lambda m, x: m.five(m.a(x).relu()) + m.five(m.b(x).relu()),
    "same": lambda m, x: x + x,
    "nothing": lambda m, x: x,
    "argmax": lambda m, x: m.a(x).argmax(dim=-1),
    "softmax and argmax": lambda m, x: torch.argmax(F.softmax(m.a(x), dim=1), 1),
    "dropout": lambda m, x: F.dropout(m.a(x), 0.5, m.training),
    "batch norm": lambda m, x: F.batch_norm(m.a(x), torch.ones(5), torch.full((5,), 4.0), eps=0.0).relu(),
    "leaky relu": lambda m, x: m.five(F.leaky_relu(m.a(x), 0.25)) + F.leaky_relu(m.b(x), -2.0)[:, :3],
    "prelu": lambda m, x: F.prelu(m.a(x), torch.tensor([0.5])),
    "prelu of channels": lambda m, x: F.prelu(m.a(x), torch.tensor([1.0, -0.5, 0.0, 0.25, 2.0])),
    "prelu of grids": lambda m, x: torch.prelu(x.view(-1, 2, 3) - 1, torch.tensor([0.5, 3.0])),
    "hardsigmoid": lambda m, x: (F.hardsigmoid(m.a(x) / 4) > 0.3125).float(),
    "maximum": lambda m, x: torch.maximum(m.a(x), torch.tensor(1.0)) + torch.zeros(5).maximum(m.b(x)),
    "max and min with constants": lambda m, x: torch.max(m.a(x), torch.ones(5)) + torch.min(torch.zeros(5), m.b(x)),
    "maximum with several": lambda m, x: torch.maximum(torch.tensor([-2.0, -1, 0, 0.5, 2]), m.a(x)),
    "minimum": lambda m, x: m.a(x)[:, :, None].minimum(torch.full((1, 5, 2), 1.5)).flatten(1),
    "minimum with several": lambda m, x: torch.minimum(m.a(x), torch.tensor([-2.0, -1, 0, 0.5, 2])),
    "greater of two": lambda m, x: m.five(torch.maximum(m.a(x), m.b(x))) - torch.minimum(m.five(m.a(x)), x[:, :1]),
    "equal": lambda m, x: (m.a(x) == 1).float() + (m.a(x) == m.b(x)).float(),
    "unequal": lambda m, x: torch.ne(m.a(x), torch.arange(5)).float() - (torch.tensor(2) != m.b(x)).float(),
    "equal masks": lambda m, x: ((m.a(x) > 0) == (m.b(x) > 0)).float() - ((m.a(x) > 0) != True).float(),  # noqa: E712
    "masks": lambda m, x: (((m.a(x) > 0) & (m.b(x) < 1)) | (m.b(x) >= 3)).float(),
    "masks, exclusive": lambda m, x: ((m.a(x) > 0) ^ (m.b(x) > 0)).float() * 2,
    "masks by name": lambda m, x: torch.logical_and(m.a(x) > 0, torch.logical_or(m.a(x) < 2, m.b(x) == 0)).float(),
    "masks by method": lambda m, x: (m.a(x) > 0).logical_xor(m.b(x) > 1).logical_not().bitwise_or(m.b(x) == 2).float(),
    "mask and constants": lambda m, x: (
        ((m.a(x) > 0) & torch.arange(5).gt(2)).float() - (torch.arange(5).gt(1) | (m.b(x) > 0)).float()
    ),
    "mask and not constants": lambda m, x: ((m.a(x) > 0) ^ torch.arange(5).gt(2)).float(),
    "casts": lambda m, x: m.five(m.a(x).sign().long().float()),
}


def small_integers(module: nn.Module) -> nn.Module:
    """Weights for which floating point is exact, ties included."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    return module.eval()


def assert_same(module: nn.Module, inputs: str, shape: tuple[int, ...], low: int = 0, high: int = 2) -> None:
    """The import against torch itself; the dense and the distilled program against the import."""
    X = np.random.default_rng(1).integers(low, high, (100, *shape))
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()).double().numpy()
    network = as_network(module, inputs)
    found = evaluate(network, X.reshape(len(X), -1))
    assert np.array_equal(found.astype(float).reshape(expected.shape), expected)
    assert dd.float_safe(module, X).all()
    for passes in ("", None) if high == 2 else ("",):
        program = dd.distill(module, inputs, passes=passes)
        assert program.verdict
        assert np.array_equal(np.asarray(program(X)).reshape(found.shape), found)


@pytest.mark.parametrize("name", FORWARD)
def test_every_operation(name: str) -> None:
    module = small_integers(Module(FORWARD[name]))
    assert_same(module, "x: bit[6]", (6,))
    assert_same(module, "x: int[-3..3][6]", (6,), -3, 4)


ACTIVATIONS = [
    nn.ReLU(),
    nn.ReLU(inplace=True),
    nn.Hardtanh(),
    nn.ReLU6(),
    nn.Identity(),
    nn.LeakyReLU(0.5, inplace=True),
    nn.PReLU(),
    nn.PReLU(5, 0.5),
]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_in_sequence(activation: nn.Module) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), activation, nn.Dropout(0.5), nn.Linear(5, 3))
    assert_same(small_integers(net), "x: bit[2, 3]", (2, 3))


@pytest.mark.parametrize("kind", [nn.LeakyReLU, nn.PReLU, nn.Hardsigmoid])
def test_kinks_that_round_decide_as_torch_where_that_is_safe(kind: type[nn.Module]) -> None:
    net = nn.Sequential(nn.Linear(6, 8), kind(), nn.Linear(8, 4)).eval()
    X = np.random.default_rng(1).integers(0, 2, (200, 6))
    with torch.no_grad():
        theirs = net(torch.from_numpy(X).float()).argmax(1).numpy()
    safe = dd.float_safe(net, X, head="argmax")
    assert safe.mean() > 0.9
    program = dd.distill(net, "x: bit[6]", head="argmax")
    assert np.array_equal(np.asarray(program(X)).ravel()[safe], theirs[safe])


def test_an_equality_with_what_the_type_rounds_is_not_safe() -> None:
    net = Module(lambda m, x: (x == 0.1).float())
    X = np.array([[0.1, 0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0, 0]], dtype=np.float32)
    assert dd.float_safe(net.eval(), X, head="argmax").tolist() == [False, True]


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
    assert dd.verify(program, net).status == "proved"
    assert dd.check(program.certificate, net).status == "proved"


def test_operations_that_change_no_number_are_one_layer() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(), Module(FORWARD["nothing"]))
    (layer,) = as_network(nn.Sequential(*net, nn.ReLU()).eval(), "x: bit[2, 3]").layers
    assert (layer.activation, layer.norm is not None, layer.path) == ("relu", True, "net.1")
    added = small_integers(Module(FORWARD["matmul"]))
    assert [layer.activation for layer in as_network(added, "x: bit[6]").layers] == ["sign"]


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, x: torch.Tensor, y: torch.Tensor, scale: float = 2.0) -> torch.Tensor:
        return F.relu(self.a(x) - scale * self.b(y))


def test_several_inputs() -> None:
    net = small_integers(Pair())
    x, y = (np.random.default_rng(0).integers(0, 2, (50, n)) for n in (3, 2))
    with torch.no_grad():
        expected = net(torch.from_numpy(x).float(), torch.from_numpy(y).float()).numpy()
    program = dd.distill(net, "x: bit[3], y: bit[2]")
    assert np.array_equal(program(x, y), expected)
    assert dd.float_safe(net, (x, y)).all()
    flat = dd.distill(small_integers(Module(FORWARD["relu"])), "x: bit[2], y: bit[2, 2]")
    assert [d.name for d in flat.rule.inputs] == ["x", "y"]


class Optional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None, *, scale: float = 2.0) -> torch.Tensor:
        torch._assert(x.shape[1] == 6, "six values")
        y: torch.Tensor = self.a(x) * scale
        return y if mask is None else y + mask


def test_optional_arguments_have_their_defaults() -> None:
    assert_same(small_integers(Optional()), "x: bit[6]", (6,))


def test_the_results_have_the_shape_that_the_module_gives() -> None:
    net = nn.Sequential(nn.Linear(6, 6), nn.Unflatten(1, (3, 2))).eval()
    assert str(dd.distill(net, "x: bit[6]", passes="")).startswith("rule net(x: bit[6]) -> (y: rat[3, 2]) {")
    assert as_network(nn.Linear(6, 2)).shape == (2,)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_of_every_type_are_exact(dtype: torch.dtype) -> None:
    net = nn.Linear(4, 3).to(dtype)
    (layer,) = as_network(net).layers
    assert as_network(net).dtype == str(dtype).removeprefix("torch.")
    assert np.array_equal(layer.dense_weight(), net.weight.detach().double().numpy())
    assert as_network(net).sha256 == as_network(net.double()).sha256


def test_parametrized_weights_are_those_that_they_stand_for() -> None:
    plain = nn.Linear(4, 3)
    net = nn.utils.parametrizations.weight_norm(plain)
    assert np.array_equal(as_network(net).layers[0].dense_weight(), net.weight.detach().double().numpy())


def test_training_mode_matters_only_where_something_depends_on_it() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Dropout(0.0))
    assert net.training
    assert as_network(net).sha256 == as_network(nn.Sequential(*net).eval()).sha256
    net.train()
    as_network(net)
    assert all(part.training for part in net.modules())


def test_files_of_torch_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(dd.CompileError) as caught:
        dd.distill(path)
    assert str(caught.value) == (
        f"{path}: error[N003]: not a .npz file of arrays: it holds `net/data.pkl`\n"
        "  hint: reading what torch.save wrote can run code: load the module yourself, and give it to dd.distill"
    )


def test_what_is_no_network() -> None:
    with pytest.raises(dd.CompileError, match="U011"):
        dd.distill(3)


def test_smooth_modules_agree_with_torch_to_its_precision() -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, 3), nn.Softmax(dim=1))
    net = net.double().eval()
    X = np.random.default_rng(0).standard_normal((50, 6))
    with torch.no_grad():
        expected = net(torch.from_numpy(X)).numpy()
    program = dd.distill(net, "x: real[6]")
    assert str(program).splitlines()[-2] == "  p[i < 3] = softmax(j < 3: score[j])[i]"
    assert np.allclose(program(X), expected, rtol=1e-13, atol=0)
    assert np.array_equal(program.jit()(X), program(X))
    assert np.array_equal(dd.distill(net, "x: real[6]", head="argmax")(X), expected.argmax(axis=1))
    with pytest.raises(dd.CompileError, match=r"N210.*the network itself ends in softmax; the head sign"):
        dd.distill(net, "x: real[6]", head="sign")
