"""The saved networks as torch modules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

HERE = Path(__file__).parent
NAMES = ("signs", "relus")


class Classifier(nn.Module):
    """64-32-10: scores of the ten digits for images of shape (batch, 8, 8)."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.activation = {"sign": torch.sign, "relu": torch.relu}[activation]
        self.hidden = nn.Linear(64, 32)
        self.scores = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """The digit is the one with the largest score."""
        return self.scores(self.activation(self.hidden(torch.flatten(x, 1))))


def load(name: str) -> Classifier:
    """A saved network, `signs` or `relus`, in float32 and eval mode."""
    with np.load(HERE / f"{name}.npz") as arrays:
        module = Classifier(str(arrays["0.activation"]))
        for k, layer in enumerate((module.hidden, module.scores)):
            layer.weight.data = torch.tensor(arrays[f"{k}.weight"].astype(np.float32))
            layer.bias.data = torch.tensor(arrays[f"{k}.bias"])
    return module.eval()
