"""Classifiers that no short rule is, with samples to ask about and samples to test on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["MODELS", "Task", "random_network"]


@dataclass(frozen=True)
class Task:
    """A fitted classifier; `train` and `test` have samples and labels."""

    name: str
    model: Any
    inputs: str
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def _fitted(name: str, model: Any, inputs: str, samples: np.ndarray, labels: np.ndarray) -> Task:
    parts = train_test_split(samples, labels, test_size=0.3, random_state=0, stratify=labels)
    return Task(name, model.fit(parts[0], parts[2]), inputs, (parts[0], parts[2]), (parts[1], parts[3]))


def _tanh(*layers: int) -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier(layers, activation="tanh", max_iter=2000, random_state=0))


def iris() -> Task:
    return _fitted("iris, tanh", _tanh(20, 20), "flower: real[4]", *load_iris(return_X_y=True))


def wine() -> Task:
    return _fitted("wine, tanh", _tanh(50), "wine: real[13]", *load_wine(return_X_y=True))


def cancer() -> Task:
    return _fitted("cancer, deep tanh", _tanh(50, 50, 50), "cell: real[30]", *load_breast_cancer(return_X_y=True))


def forest() -> Task:
    model = RandomForestClassifier(100, random_state=0)
    return _fitted("cancer, forest", model, "cell: real[30]", *load_breast_cancer(return_X_y=True))


def digits() -> Task:
    images, labels = load_digits(return_X_y=True)
    model = MLPClassifier((64, 64), max_iter=1000, random_state=0)
    return _fitted("digits, deep relu", model, "image: bit[64]", (images > 7).astype(np.uint8), labels)


def random_network() -> Task:
    """A torch module of three tanh layers with random weights, on 12 bits: small enough to be asked everything."""
    torch.manual_seed(1)
    sizes = (12, 32, 32, 32)
    layers: list[torch.nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [torch.nn.Linear(before, after), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(32, 2)).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(2)
    points = np.array(list(product((0, 1), repeat=12)), dtype=np.uint8)
    with torch.no_grad():
        labels = net(torch.from_numpy(points.astype(float))).argmax(1).numpy()
    return Task("12 bits, deep tanh", net, "x: bit[12]", (points, labels), (points, labels))


MODELS: tuple[Callable[[], Task], ...] = (iris, wine, cancer, forest, digits, random_network)
