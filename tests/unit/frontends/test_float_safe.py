"""Where samples are called safe, every order of summation decides as exact arithmetic does."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.float_safe import float_safe
from ddcompile.frontends.float_types import FLOAT_TYPES
from ddcompile.frontends.network import INPUTS, Layer, Network, Pointwise
from ddcompile.frontends.normalization import Norm

TORCH = {name: getattr(torch, name) for name in FLOAT_TYPES}


class Sign(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sign(x)


def any_order(weight: np.ndarray, bias: np.ndarray, x: np.ndarray, dtype: Any, rng: np.random.Generator) -> np.ndarray:
    """`weight @ x + bias` in a type, added up in a random tree of random order, now and then fused."""
    w, values, b = weight.astype(dtype), x.astype(dtype), bias.astype(dtype)
    sums = []
    for row, offset in zip(w, b, strict=True):
        terms = [dtype(a * c) for a, c in zip(row, values, strict=True)] + [offset]
        while len(terms) > 1:
            i, j = rng.choice(len(terms), 2, replace=False)
            total = dtype(terms[i] + terms[j])
            terms = [t for k, t in enumerate(terms) if k not in (i, j)] + [total]
        sums.append(terms[0])
    return np.array(sums)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("spread", [1.0, 1e-3, 300.0])
def test_every_order_decides_alike(dtype: Any, spread: float) -> None:
    rng = np.random.default_rng(0)
    safe = unsafe = 0
    for _ in range(30):
        weight = (rng.standard_normal((8, 12)) * spread).astype(dtype)
        X = rng.integers(-3, 4, (20, 12))
        # Biases that make the exact sum of some sample tiny, so that its sign hangs on the rounding.
        near = np.array(
            [-float(sum(Fraction(float(a)) * int(c) for a, c in zip(w, X[0], strict=True))) for w in weight]
        )
        bias = (near * rng.choice([1, 1 + 1e-3, 1 + 1e-7, 1 - 1e-4], 8)).astype(dtype)
        network = Network((Layer(weight, bias, "sign"),), dtype=np.dtype(dtype).name)
        mask = float_safe(network, X)
        expected = evaluate(network, X)
        for x, row, is_safe in zip(X, expected, mask, strict=True):
            safe += int(is_safe)
            unsafe += int(not is_safe)
            for _ in range(3 if is_safe else 0):
                assert np.array_equal(np.sign(any_order(weight, bias, x, dtype, rng)), row)
    assert safe > 100
    assert unsafe >= 30


def test_an_adversarial_sum_is_not_safe() -> None:
    big = 2.0**24
    network = Network((Layer([[big, 1.0, -big]], [0.0], "sign"),), dtype="float32")  # type: ignore[arg-type]
    X = np.array([[1, 1, 1], [0, 1, 0], [1, 0, 0], [1, 0, 1]])
    assert (np.float32(big) + np.float32(1)) - np.float32(big) == 0  # where exactly it is 1
    assert float_safe(network, X).tolist() == [False, True, True, False]
    assert float_safe(network, X, "float64").tolist() == [True] * 4


@pytest.mark.parametrize("dtype", FLOAT_TYPES)
def test_small_integers_are_safe_on_ties(dtype: str) -> None:
    rng = np.random.default_rng(1)
    network = Network((Layer(rng.integers(-1, 2, (9, 12)), rng.integers(-1, 2, 9), "sign"), Layer(np.eye(9), [0] * 9)))  # type: ignore[arg-type]
    X = rng.integers(0, 2, (50, 12))
    assert (evaluate(network, X) == 0).any()
    assert float_safe(network, X, dtype, "argmax").all()


def modules() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(32)
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.weight, norm.bias):
            assert tensor is not None
            tensor.copy_(torch.randn(32) * 0.3)
        assert norm.running_var is not None
        norm.running_var.copy_(torch.rand(32) + 0.1)
    return {
        "sign": nn.Sequential(nn.Flatten(), nn.Linear(64, 32), Sign(), nn.Linear(32, 10)),
        "batch norm": nn.Sequential(nn.Flatten(), nn.Linear(64, 32), norm, Sign(), nn.Linear(32, 10)),
        "relu": nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
        "relu6": nn.Sequential(
            nn.Flatten(), nn.Linear(64, 32), nn.ReLU6(), nn.Linear(32, 24), Sign(), nn.Linear(24, 9)
        ),
    }


@pytest.mark.parametrize("name", modules())
@pytest.mark.parametrize("dtype", FLOAT_TYPES)
def test_torch_decides_alike_where_it_is_safe(name: str, dtype: str) -> None:
    net = modules()[name].eval().to(TORCH[dtype])
    X = np.random.default_rng(2).integers(0, 2, (400, 8, 8))
    mask = dd.float_safe(net, X, head="argmax")
    with torch.no_grad():
        winners = net(torch.from_numpy(X).to(TORCH[dtype])).argmax(dim=1).numpy()
    expected = evaluate(as_network(net, "x: bit[8, 8]"), X.reshape(-1, 64), "argmax")
    assert np.array_equal(winners[mask], expected[mask])
    if dtype in ("float32", "float64"):
        assert mask.mean() >= 0.98
    assert np.array_equal(dd.float_safe(net, X, TORCH[dtype], "argmax"), mask)


def test_rounding_of_weights_and_inputs_counts() -> None:
    network = Network((Layer([[0.1, -0.1]], [0.0], "sign"),), dtype="float64")  # type: ignore[arg-type]
    X = np.array([[1.0, 1.0 - 2.0**-30], [3.0, 2.0]])
    assert float_safe(network, X).tolist() == [True, True]
    assert float_safe(network, X, np.float32).tolist() == [False, True]


def test_what_is_too_large_or_too_long_is_not_safe() -> None:
    wide = Network((Layer(np.full((1, 300), 0.75), [0.1], "step"),))  # type: ignore[arg-type]
    X = np.ones((1, 300), dtype=int)
    assert float_safe(wide, X, "float32").all()
    assert not float_safe(wide, X, "bfloat16").any()  # n u > 1/2: nothing is known
    large = Network((Layer([[60000.0]], [0.5], "relu"), Layer([[1.0]], [-1.0], "step")))  # type: ignore[arg-type]
    assert float_safe(large, np.array([[0], [2]]), "float16").tolist() == [True, False]


def test_errors_pass_through_layers_that_decide_nothing() -> None:
    near = [[1 + 2.0**-20, -1.0]]
    layers = (
        Layer(np.array([[0.3, 0.4], [0.3, 0.4]]), [0.1, 0.1], "relu"),  # type: ignore[arg-type]
        Layer(near, [0.0], "sign"),  # type: ignore[arg-type]
    )
    X = np.array([[1, 1]])
    assert float_safe(Network(layers), X, "float64").all()
    assert not float_safe(Network(layers), X, "float16").any()
    skip = (*layers[:1], Layer(Pointwise([[1.0, 1.0], [-1.0, -1.0]]), [0.0, 0.0], "step", reads=(0, INPUTS)))  # type: ignore[arg-type]
    assert float_safe(Network(skip), X, "float32").all()


def test_batch_norm_near_its_threshold() -> None:
    mean = float(np.float32(np.sqrt(2)))
    network = Network((Layer([[1.0]], [mean], "sign", Norm([mean], [2.0], [1.0], [0.0])),))  # type: ignore[arg-type]
    assert float_safe(network, np.array([[0], [1]]), "float32").tolist() == [False, True]


def test_the_winner_must_be_clear() -> None:
    scores = Network((Layer([[0.1, 0.0], [0.0, 0.1], [0.05, 0.05]], [0.0, 0.0, 0.0]),), head="argmax")  # type: ignore[arg-type]
    X = np.array([[3, 1], [2, 2], [1, 3]])
    assert float_safe(scores, X, "float32").tolist() == [True, False, True]
    assert float_safe(scores, X, "float32", "none").all()


@pytest.mark.parametrize(
    ("X", "options", "text"),
    [
        (np.zeros((2, 3)), {}, "A004.*the network takes arrays of shape \\(samples, 2\\), not \\(2, 3\\)"),
        (np.array([[np.nan, 0]]), {}, "A006.*inputs must be finite"),
        (np.array([["a", "b"]]), {}, "A002.*the network takes numbers, not <U1"),
        (np.zeros((1, 2)), {"dtype": "int8"}, "N413.*`int8` is no type to compute in"),
    ],
)
def test_bad_arguments(X: np.ndarray, options: dict[str, str], text: str) -> None:
    network = Network((Layer([[1.0, 1.0]], [0.0]),), dtype="float32")  # type: ignore[arg-type]
    with pytest.raises(CompileError, match=text):
        float_safe(network, X, **options)


def test_what_is_not_known_is_said() -> None:
    smooth = Network((Layer([[1.0]], [0.0], "tanh"), Layer([[1.0]], [0.0], "sign")))  # type: ignore[arg-type]
    with pytest.raises(CompileError, match=r"N413.*the type in which it is computed is not known"):
        float_safe(smooth, np.zeros((1, 1)))
    with pytest.raises(CompileError, match=r"N414.*a decision depends on tanh, whose errors are not known"):
        float_safe(smooth, np.zeros((1, 1)), "float32")
    last = Network(smooth.layers[:1])
    assert float_safe(last, np.zeros((1, 1)), "float32").all()


def test_which_numbers_a_type_holds() -> None:
    half = FLOAT_TYPES["float16"]
    held = [0.0, 1.0, -2048.0, 2.0**-24, 0.5 + 2.0**-11, 1 + 2.0**-10]
    lost = [2049.0, 2.0**-25, 0.1, 1 + 2.0**-11, 65536.0]
    assert half.holds(np.array(held))
    assert [half.holds(np.array([v])) for v in lost] == [False] * 5
    assert not FLOAT_TYPES["float64"].holds(np.array([2**53 + 1]))
    assert not FLOAT_TYPES["float64"].holds(np.array([Fraction(1, 3)], dtype=object))
