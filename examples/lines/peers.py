"""What is trained by descent on the same images: a multilayer perceptron and a small convolutional network."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn as nn
from sklearn.neural_network import MLPClassifier

__all__ = ["Convolutional", "Perceptron"]


class Perceptron:
    """scikit-learn's, with its defaults; images of another size are first scaled to that of the training images."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, seed: int) -> None:
        self._n = images.shape[1]
        self._model = MLPClassifier(max_iter=1000, random_state=seed).fit(images.reshape(len(images), -1), labels)

    def margins(self, images: np.ndarray) -> np.ndarray:
        """Positive for horizontal, of shape (images,)."""
        scaled = _scaled(images, self._n).reshape(len(images), -1)
        return self._model.predict_proba(scaled) @ np.array([-1.0, 1.0])


class Convolutional:
    """Two convolutions and a mean over the image, so that it takes images of every size."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, seed: int, steps: int = 200) -> None:
        torch.manual_seed(seed)
        self._model = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 5, padding=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 2),
        )
        optimizer = torch.optim.Adam(self._model.parameters(), lr=3e-3)
        x, y = _tensor(images), torch.from_numpy(labels)
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(self._model(x), y).backward()
            optimizer.step()
        self._model.eval()

    def margins(self, images: np.ndarray) -> np.ndarray:
        """Positive for horizontal, of shape (images,)."""
        with torch.no_grad():
            scores = [self._model(_tensor(image[None]))[0] for image in images]
        return np.array([float(score[1] - score[0]) for score in scores])


def _tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.astype(np.float32))[:, None]


def _scaled(images: np.ndarray, n: int) -> np.ndarray:
    """Pixels become those of the box that they stand for that are largest: thin lines do not vanish."""
    if images.shape[1] == n:
        return images
    starts = np.arange(n) * images.shape[1] // n
    return np.maximum.reduceat(np.maximum.reduceat(images, starts, 1), starts, 2)
