"""Essence networks, learned from all or some values of a function of few inputs."""

from __future__ import annotations

import warnings

import numpy as np

from ddcompile.testing.attack.target import Target, declare

__all__ = ["learned"]

Random = np.random.Generator
MOST_VALUES = 6
MOST_SAMPLES = 60
LARGEST_VALUE = 1 << 20
"""Greater whole numbers are learned as reals."""
MOST_PARAMETERS = 4000


def learned(rng: Random) -> Target:
    """Labels, numbers or probabilities, for one output or several."""
    from ddcompile.learn import ENNClassifier  # takes a second to import

    while True:
        inputs, flat = declare(rng, MOST_VALUES)
        if np.abs(flat).max() > LARGEST_VALUE:
            continue
        chosen = rng.permutation(len(flat))[: int(rng.integers(2, MOST_SAMPLES))]
        several = bool(rng.random() < 0.3)
        outputs = int(rng.integers(1, 4)) if several else 1
        columns: list[np.ndarray] = []
        for _ in range(outputs):
            columns.append(_labels(rng, np.column_stack([flat, *columns])))
        labels = np.stack(columns, axis=1)[chosen]
        if len(np.unique(labels)) == 1:
            continue
        head = "none" if several else str(rng.choice(["argmax", "softmax", "none"]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            classifier = ENNClassifier(
                rng.choice(np.array(["auto", "separable", "samples", 4], dtype=object)),
                relevance=rng.choice(np.array([None, None, "exact", "chained"], dtype=object)),
                kept_margin=float(rng.choice([0, 0.5, 1])),
                random_state=0,
            ).fit(flat[chosen], labels if several else labels[:, 0])
        network = classifier.to_network(head)
        if network.parameters <= MOST_PARAMETERS:
            return Target("learned", network.layers, inputs, flat, None, None if head == "none" else head)


def _labels(rng: Random, flat: np.ndarray) -> np.ndarray:
    """A function of all inputs: of a weighted sum, of its residue, of a few values, or anything."""
    kinds = int(rng.integers(2, 4))
    weights = rng.integers(-2, 3, flat.shape[1])
    sums = flat @ weights
    match int(rng.integers(0, 4)):
        case 0:
            return np.digitize(sums, np.sort(rng.choice(sums, kinds - 1)))
        case 1:
            return np.asarray(sums % kinds)
        case 2:
            read = flat[:, : int(rng.integers(1, 1 + min(3, flat.shape[1])))]
            _, numbers = np.unique(read, axis=0, return_inverse=True)
            return np.asarray(rng.integers(0, kinds, len(flat))[numbers.ravel()])
        case _:
            return rng.integers(0, kinds, len(flat))
