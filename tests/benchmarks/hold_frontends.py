"""Every front end: exact evaluation of the network against the program, and torch itself wherever float_safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from hold_families import families
from lines import Line, count
from torch import nn

import ddcompile as dd
from ddcompile.engines import ENGINES, compiled
from ddcompile.frontends import as_network
from ddcompile.frontends.evaluate import evaluate
from ddcompile.testing.samples import boundary

__all__ = ["frontends"]

INPUTS = 5_000
PYTHON_INPUTS = 1_000
"""The emitted Python runs one sample at a time."""


class Sign(nn.Module):
    """The sign as a module."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sign."""
        return torch.sign(x)


class Residual(nn.Module):
    """A skip connection, a concatenation, a recoding of the inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(36, 12), nn.Linear(12, 12)
        self.last = nn.Linear(24, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores."""
        y = torch.relu(self.first(2 * x.flatten(1) - 1))
        z = nn.functional.hardtanh(self.second(y) + y)
        return self.last(torch.cat([torch.where(y > 0.25, 1.0, -1.0), z], dim=1))


class Cuts(nn.Module):
    """Reals compared with constants, one at a time, and a vote."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.randn(36))
        self.last = nn.Linear(36, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores."""
        return self.last((x > self.at).to(self.at.dtype) - (3 * x <= 0.1).to(self.at.dtype))


def _sequence(*middle: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 16), *middle, nn.Linear(16, 4))


def _batch_norm() -> nn.Module:
    norm = nn.BatchNorm1d(16)
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.weight, norm.bias):
            assert tensor is not None
            tensor.copy_(0.5 * torch.randn(16))
        assert norm.running_var is not None
        norm.running_var.copy_(torch.rand(16) + 0.1)
    return _sequence(norm, Sign())


@dataclass(frozen=True, slots=True)
class Case:
    """A module, its inputs, and how much of them must be safe."""

    make: Callable[[], nn.Module]
    inputs: str
    low: int
    dtype: torch.dtype = torch.float32
    safe: float = 0.98


CASES = {
    "sign": Case(lambda: _sequence(Sign()), "x: bit[6, 6]", 0),
    "sign float64": Case(lambda: _sequence(Sign()), "x: spin[6, 6]", -1, torch.float64),
    "sign float16": Case(lambda: _sequence(Sign()), "x: bit[6, 6]", 0, torch.float16, 0.0),
    "sign bfloat16": Case(lambda: _sequence(Sign()), "x: bit[6, 6]", 0, torch.bfloat16, 0.0),
    "batch norm": Case(_batch_norm, "x: spin[6, 6]", -1),
    "relu": Case(lambda: _sequence(nn.ReLU()), "x: bit[6, 6]", 0),
    "hardtanh": Case(lambda: _sequence(nn.Hardtanh()), "x: spin[6, 6]", -1),
    "residual": Case(Residual, "x: bit[6, 6]", 0),
    "reals": Case(Cuts, "x: real[36]", 0, safe=0.5),  # the other half lies within a double of the thresholds
}


def frontends() -> Iterator[Line]:
    """torch modules of every type; the same networks as files; operators and families one by one."""
    for name, case in CASES.items():
        torch.manual_seed(0)
        module = case.make().eval().to(case.dtype)
        X = _samples(module, case)
        network = as_network(module, case.inputs)
        expected = evaluate(network, X.reshape(len(X), -1), "argmax")
        yield from _programs("torch", name, module, case, X, expected)
        mask = dd.float_safe(module, X, head="argmax")
        with torch.no_grad():
            scores = module(torch.from_numpy(X).to(case.dtype))
        same = int((scores.argmax(dim=1).numpy() == expected)[mask].sum())
        safe = f"{same} of {int(mask.sum())} safe, of {len(X)}"
        is_right = same == mask.sum() and mask.mean() >= case.safe
        yield Line("torch", f"{name}: torch = network where safe", safe, f"all; >= {case.safe:.0%} safe", is_right)
    with TemporaryDirectory() as folder:
        for name in ("sign", "relu"):
            torch.manual_seed(0)
            yield from _files(Path(folder), name, CASES[name])
    yield from families()


def _samples(module: nn.Module, case: Case) -> np.ndarray:
    """Half noise; half pairs of neighbours between which the network decides otherwise, or reals at the thresholds."""
    rng = np.random.default_rng(0)
    network = as_network(module, case.inputs)
    shape = (6, 6) if "6, 6" in case.inputs else (36,)
    if "real" in case.inputs:
        at = module.at.detach().double().numpy()  # type: ignore[union-attr,operator]
        noise = rng.standard_normal((INPUTS // 2, 36))
        near = np.stack([np.nextafter(at, at + d) for d in (-1, 0, 1)])[
            rng.integers(0, 3, (INPUTS // 2, 36)), range(36)
        ]
        return np.concatenate([noise, np.where(rng.random(near.shape) < 0.5, near, np.nextafter(0.1 / 3, 1))])
    values = np.array([case.low, 1])

    def decide(flat: np.ndarray) -> np.ndarray:
        return evaluate(network, values[flat], "argmax")

    ends = [rng.integers(0, 2, (INPUTS // 4, 36)).astype(np.uint8) for _ in range(2)]
    bits = np.concatenate([rng.integers(0, 2, (INPUTS // 2, 36)), boundary(decide, *ends, rng)])
    return values[bits].reshape(-1, *shape)


def _programs(section: str, name: str, model: Any, case: Case, X: np.ndarray, expected: np.ndarray) -> Iterator[Line]:
    """Distilled, proved, and run by every engine."""
    program = dd.distill(model, case.inputs, head="argmax")
    proved = str(program.verdict).split("\n", 1)[0]
    yield Line(section, f"{name}: verdict", proved, "proved", bool(program.verdict))
    shape = X.shape[1:] if section == "torch" else (6, 6)
    same, run = 0, 0
    for engine in ENGINES:
        used = slice(0, len(X), len(X) // PYTHON_INPUTS) if engine == "python" else slice(None)
        found = np.asarray(compiled(program.rule, engine)([X[used].reshape(-1, *shape)]))
        same, run = same + int((found == expected[used]).sum()), run + len(found)
    wanted = PYTHON_INPUTS + INPUTS * (len(ENGINES) - 1)
    what = f"{name}: {', '.join(ENGINES)} = network"
    yield Line(section, what, f"{same} of {run}", f"all of {count(wanted)}", same == run >= wanted)


def _files(folder: Path, name: str, case: Case) -> Iterator[Line]:
    """The network of a module, written to files and read again."""
    module = case.make().eval()
    X = _samples(module, case)
    network = as_network(module, case.inputs)
    expected = evaluate(network, X.reshape(len(X), -1), "argmax")
    arrays: dict[str, Any] = {}
    tables = []
    for k, layer in enumerate(network.layers):
        weight, bias = layer.dense_weight(), layer.bias
        arrays |= {f"{k}.weight": weight, f"{k}.bias": bias, f"{k}.activation": layer.activation}
        tables.append(folder / f"{name}{k}.csv")
        np.savetxt(tables[-1], np.concatenate([weight.T, bias[None]]), fmt="%.17g", delimiter=",")
    np.savez(folder / f"{name}.npz", **arrays)
    for section, model in (("npz", folder / f"{name}.npz"), ("csv", tables)):
        activation = _activations(network) if section == "csv" else None
        read = dd.load_network(model, activation)
        same = read.sha256 == network.sha256
        yield Line(section, f"{name}: hash of the module's network", "equal" if same else "another", "equal", same)
        yield from _programs(section, name, read, case, X, expected)


def _activations(network: dd.Network) -> str:
    """The activations as the option gives them."""
    return ",".join(layer.activation for layer in network.layers)
