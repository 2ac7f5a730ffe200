"""Train both networks on binarised digits and write `signs.npz` and `relus.npz`: `python train.py [-o FOLDER]`.

Takes less than a minute on one core; equal versions of torch give equal files.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from data import DARK, greys, images, split
from torch import Tensor, nn

RUNS = 3
"""Trainings of the network of signs, from different seeds; the one that fits its training images best is kept."""
BATCH = 64
HIDDEN = 32
DARK_RANGE = 5
"""How far the limit between ink and paper is moved, at most, while training."""
WINDOW = 8.0
"""Sums of a hidden sign within this distance of 0 pass gradients."""
SCALE = 0.4
"""Scores are sums of -1 and +1; they are multiplied by this before the softmax of the loss."""


class Signs(nn.Module):
    """64-32-10 with weights of -1 and +1 and hidden signs, trained through real weights that have these signs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(HIDDEN, 64) * 0.3)
        self.first_bias = nn.Parameter(torch.randn(HIDDEN))
        self.second = nn.Parameter(torch.randn(10, HIDDEN) * 0.3)
        self.second_bias = nn.Parameter(torch.zeros(10))

    def forward(self, x: Tensor) -> Tensor:
        """Scores; in the backward pass, signs count as the identity near 0 (a straight-through estimator)."""
        total = x.flatten(1) @ _straight_through(self.first, _signs).T + self.first_bias
        hidden = _straight_through((total / WINDOW).clamp(-1, 1), lambda _: torch.sign(total))
        return hidden @ _straight_through(self.second, _signs).T + self.second_bias

    @torch.no_grad()
    def limit(self) -> None:
        """Keep the real weights where their signs can still change."""
        self.first.clamp_(-1, 1)
        self.second.clamp_(-1, 1)


def _signs(weight: Tensor) -> Tensor:
    return torch.where(weight >= 0, 1.0, -1.0)


def _straight_through(x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    return x + (function(x) - x).detach()


def relus() -> nn.Sequential:
    """64-32-10 with ordinary float32 weights and hidden relus."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))


def fit(module: nn.Module, grey: Tensor, y: Tensor, *, epochs: int, rate: float, scale: float, decay: float) -> None:
    """Minimise the cross entropy with Adam and a cosine schedule; what counts as ink varies from image to image."""
    biases = [p for p in module.parameters() if p.ndim == 1]
    weights = [p for p in module.parameters() if p.ndim > 1]
    groups = [{"params": weights, "weight_decay": decay}, {"params": biases, "lr": 5 * rate}]
    optimizer = torch.optim.Adam(groups, lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        dark = DARK + (2 * torch.rand(len(grey), 1, 1) - 1) * DARK_RANGE
        x = torch.where(grey >= dark, 1.0, -1.0)
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(scale * module(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if isinstance(module, Signs):
                module.limit()
        schedule.step()


def accuracy(module: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of digits that have the largest score."""
    with torch.no_grad():
        return float((module(x).argmax(1) == y).float().mean())


def save(path: Path, activation: str, layers: list[tuple[Tensor, Tensor]]) -> None:
    """Write a network file: weights (as int8 if they are -1 and +1), biases, activations."""
    arrays: dict[str, np.ndarray] = {}
    for k, (weight, bias) in enumerate(layers):
        exact = weight.detach().numpy()
        arrays[f"{k}.weight"] = exact.astype(np.int8) if np.isin(exact, (-1, 1)).all() else exact
        arrays[f"{k}.bias"] = bias.detach().numpy()
        arrays[f"{k}.activation"] = np.array(activation if k + 1 < len(layers) else "identity")
    with open(path, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent, help="folder (that of the script)")
    folder = parser.parse_args().output
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    pixels, labels = images()
    x, y = torch.tensor(pixels, dtype=torch.float32), torch.tensor(labels)
    grey = torch.tensor(greys(), dtype=torch.float32)
    train, test = split(labels)

    trained = []
    for seed in range(RUNS):
        torch.manual_seed(seed)
        module: nn.Module = Signs()
        fit(module, grey[train], y[train], epochs=600, rate=0.003, scale=SCALE, decay=0.0)
        trained.append(module)
    signs = max(trained, key=lambda module: accuracy(module, x[train], y[train]))
    layers = [(_signs(signs.first), signs.first_bias), (_signs(signs.second), signs.second_bias)]
    save(folder / "signs.npz", "sign", layers)
    print(f"signs: {accuracy(signs, x[train], y[train]):.1%} train, {accuracy(signs, x[test], y[test]):.1%} test")

    torch.manual_seed(0)
    module = relus()
    fit(module, grey[train], y[train], epochs=60, rate=0.003, scale=1.0, decay=1e-3)
    save(folder / "relus.npz", "relu", [(layer.weight, layer.bias) for layer in (module[1], module[3])])
    print(f"relus: {accuracy(module, x[train], y[train]):.1%} train, {accuracy(module, x[test], y[test]):.1%} test")


if __name__ == "__main__":
    main()
