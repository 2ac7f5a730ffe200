"""Convolutional networks: operators and models, against exact evaluation and torch; a large one in seconds."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lines import Line
from torch import nn

import ddcompile as dd
from ddcompile.engines import compiled
from ddcompile.frontends import as_model
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Network

__all__ = ["windows"]

INPUTS = 5_000
SHAPES = {1: (4, 9), 2: (4, 6, 7), 3: (4, 3, 4, 4)}


class Sign(nn.Module):
    """The sign as a module."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sign."""
        return torch.sign(x)


class BinaryConv2d(nn.Conv2d):
    """Takes the signs of its weights."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A convolution of +1 and -1."""
        return F.conv2d(x, self.weight.sign(), self.bias, self.stride, self.padding)


class Residual(nn.Module):
    """Skip connections, a concatenation, averages over the grid."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.third = nn.Conv2d(8, 6, 3, stride=2, padding=1)
        self.last = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores."""
        x = F.relu(self.first(x))
        x = torch.cat([x, F.relu(self.second(x) + x)], dim=1)
        return self.last(F.adaptive_avg_pool2d(F.relu(self.third(x)), 1).flatten(1))


def _norm(channels: int, axes: int = 2) -> nn.Module:
    norm = getattr(nn, f"BatchNorm{axes}d")(channels)
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.weight, norm.bias):
            tensor.copy_(0.5 * torch.randn(channels))
        norm.running_var.copy_(torch.rand(channels) + 0.1)
    return norm  # type: ignore[no-any-return]


class Block(nn.Module):
    """Two normalised convolutions, and what goes past them."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(before, after, 3, stride, 1), nn.Conv2d(after, after, 3, 1, 1)
        self.past = nn.Conv2d(before, after, 1, stride)
        self.norms = nn.ModuleList(_norm(after) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        one, two, three = self.norms
        return F.relu(two(self.second(F.relu(one(self.first(x))))) + three(self.past(x)))


def _deep(width: int = 3) -> nn.Module:
    """As residual networks are built: normalised convolutions before relus."""
    blocks = [Block(width, width), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)]
    first = nn.Conv2d(1 if width == 3 else 3, width, 3, 1 if width == 3 else 2, 1, bias=False)
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10))
    return nn.Sequential(first, _norm(width), nn.ReLU(), *blocks, *head)


def _binary() -> nn.Module:
    return nn.Sequential(
        BinaryConv2d(1, 6, 3, padding=1, bias=False), _norm(6), Sign(), nn.MaxPool2d(2),
        BinaryConv2d(6, 8, 3, bias=False), _norm(8), Sign(), nn.Flatten(), nn.Linear(32, 2),
    )  # fmt: skip


OPTIONS: dict[str, dict[str, Any]] = {
    "stride": {"stride": 2, "padding": 1},
    "dilation": {"dilation": 2, "padding": 2},
    "groups": {"groups": 2, "padding": 1},
    "depthwise": {"groups": 4},
    "circular": {"padding": 1, "padding_mode": "circular"},
    "reflect": {"padding": 1, "padding_mode": "reflect"},
    "replicate": {"padding": 1, "padding_mode": "replicate"},
    "same": {"padding": "same"},
}


def _operators() -> Iterator[tuple[str, Callable[[], nn.Module], int]]:
    for axes in (1, 2, 3):
        for name, options in OPTIONS.items():
            yield f"Conv{axes}d {name}", lambda a=axes, o=options: getattr(nn, f"Conv{a}d")(4, 4, 3, **o), axes
        yield f"ConvTranspose{axes}d", lambda a=axes: getattr(nn, f"ConvTranspose{a}d")(4, 2, 3, 2, 1, 1), axes
        yield f"MaxPool{axes}d", lambda a=axes: _with(a, getattr(nn, f"MaxPool{a}d")(3, 2, 1)), axes
        yield f"AvgPool{axes}d", lambda a=axes: _with(a, getattr(nn, f"AvgPool{a}d")(3, 2, 1)), axes
        yield (
            f"AvgPool{axes}d without padding",
            lambda a=axes: _with(a, getattr(nn, f"AvgPool{a}d")(3, 2, 1, count_include_pad=False)),
            axes,
        )
        yield f"AdaptiveAvgPool{axes}d", lambda a=axes: _with(a, getattr(nn, f"AdaptiveAvgPool{a}d")(1)), axes
        yield f"BatchNorm{axes}d", lambda a=axes: _with(a, _norm(4, a)), axes


def _with(axes: int, module: nn.Module) -> nn.Module:
    """Behind a convolution, so that there are many values."""
    return nn.Sequential(getattr(nn, f"Conv{axes}d")(4, 4, 3, padding=1), module)


def windows() -> Iterator[Line]:
    """Operators, models, and networks of 10**6 parameters on 224 x 224 inputs, plain and residual."""
    for name, make, axes in _operators():
        torch.manual_seed(0)
        yield from _lines(name, nn.Sequential(make(), Sign()).eval(), SHAPES[axes], "int[-2..2]", "", None)
    for name, make, low in (("residual", Residual, 0), ("binary", _binary, -1)):
        torch.manual_seed(0)
        kind = "bit" if low == 0 else "spin"
        yield from _lines(name, make().eval(), (1, 8, 8), kind, None, "argmax")
    torch.manual_seed(0)
    yield from _lines("residual, batch norm merged", _deep().eval(), (1, 8, 8), "int[-2..2]", "", "argmax")
    yield _large(_plain())
    yield _large(_deep(64))


def _lines(
    name: str, module: nn.Module, shape: tuple[int, ...], kind: str, passes: str | None, head: str | None
) -> Iterator[Line]:
    inputs = f"x: {kind}[{', '.join(map(str, shape))}]"
    values = {"bit": [0, 1], "spin": [-1, 1], "int[-2..2]": [-2, -1, 0, 1, 2]}[kind]
    X = np.random.default_rng(0).choice(values, (INPUTS, *shape))
    program = _distilled(module, inputs, head, passes)
    if passes is None:
        verdict = str(program.verdict).split("\n", 1)[0]
        yield Line("windows", f"{name}: verdict", verdict, "proved", bool(program.verdict))
    network = as_model(module, inputs, fuse_batch_norm=True)
    assert isinstance(network, Network)
    expected = evaluate(network, X.reshape(INPUTS, -1), head)
    found = np.asarray(compiled(program.rule, "jit")([X])).reshape(expected.shape)
    equal = int((found == expected).reshape(INPUTS, -1).all(axis=1).sum())
    yield Line("windows", f"{name}: program = network", f"{equal:,}", f"{INPUTS:,}", equal == INPUTS)
    mask = dd.float_safe(module, X, head=head)
    with torch.no_grad():
        scores = module(torch.from_numpy(X).float())
    given = (scores.argmax(dim=1) if head else scores).numpy().reshape(expected.shape)
    same = int((given == expected).reshape(INPUTS, -1).all(axis=1)[mask].sum())
    safe = f"{same:,} of {int(mask.sum()):,} safe"
    yield Line("windows", f"{name}: torch = network where safe", safe, "all; some", same == mask.sum() > 0)


def _distilled(module: nn.Module, inputs: str, head: str | None, passes: str | None = None) -> dd.Program:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dd.RoundedWarning)
        return dd.distill(module, inputs, head=head, passes=passes, fuse_batch_norm=True)


def _plain() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, 1, 1), nn.ReLU(), nn.Conv2d(128, 256, 3, 2, 1), nn.ReLU(), nn.Conv2d(256, 256, 3, 1, 1),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def _large(net: nn.Module) -> Line:
    start = time.process_time()
    _distilled(net.eval(), "image: bit[3, 224, 224]", "argmax")
    seconds = time.process_time() - start
    what = f"{sum(p.numel() for p in net.parameters()):,} parameters on 224 x 224"
    return Line("windows", what, f"{seconds:.1f} s", "< 10 s", seconds < 10)
