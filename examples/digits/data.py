"""The digits of scikit-learn as images of -1 and +1, and which of them training never sees."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DARK = 8
"""Pixels are 0 to 16; from here on they count as ink."""


def greys() -> np.ndarray:
    """All 1,797 images as scanned, (1797, 8, 8), 0 to 16."""
    return np.asarray(load_digits().images)


def images() -> tuple[np.ndarray, np.ndarray]:
    """All 1,797 images, (1797, 8, 8) int8 of -1 and +1, and their digits."""
    return np.where(greys() >= DARK, 1, -1).astype(np.int8), load_digits().target


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the images to train on, and of the quarter that is held out; every digit has its share."""
    train, test = train_test_split(np.arange(len(labels)), test_size=0.25, stratify=labels, random_state=0)
    return train, test
