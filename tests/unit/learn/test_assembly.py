"""Networks of several outputs with any number of labels, and their export to torch."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import ddcompile as dd
from ddcompile.learn import ENNClassifier


def all_values(values: list[int], n: int) -> np.ndarray:
    return np.array(list(product(values, repeat=n)))


@pytest.mark.parametrize(
    ("labels", "activation"),
    [
        ([0, 1], "step"),
        ([-1, 1], "sign"),
        ([-1, 0, 1], "sign"),
        ([0, 1, 2], "clamp[0..2]"),
        ([3, 5, 9, 4], "clamp[3..9]"),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_outputs_are_labels(labels: list[int], activation: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = all_values([0, 1], 4)
    y = rng.choice(labels, (16, 3))
    used = rng.permutation(16)[:12]
    classifier = ENNClassifier().fit(points[used], y[used])
    assert classifier.to_network().layers[-1].activation == activation
    program = dd.distill(classifier)
    assert program.verdict is not None
    assert program.verdict.status == "proved"
    assert np.array_equal(program(points), classifier.predict(points))


def test_labels_that_are_no_numbers_are_numbered() -> None:
    points = all_values([0, 1], 3)
    expected = np.stack([points[:, 0], points[:, 1] + 2 * points[:, 2]], axis=1)
    y = np.stack([np.array(["no", "yes"])[expected[:, 0]], np.array(["a", "b", "c", "d"])[expected[:, 1]]], axis=1)
    classifier = ENNClassifier().fit(points, y)
    assert np.array_equal(dd.distill(classifier)(points), expected)


def test_outputs_that_never_change() -> None:
    points = all_values([0, 1], 3)
    y = np.stack([np.full(8, 2), points.sum(axis=1), np.full(8, 0)], axis=1)
    classifier = ENNClassifier().fit(points, y)
    assert np.array_equal(classifier.predict(points), y)
    assert np.array_equal(dd.distill(classifier)(points), y)
    still = ENNClassifier().fit(points, np.full((8, 2), 5))
    assert np.array_equal(dd.distill(still)(points), np.full((8, 2), 5))


@pytest.mark.parametrize(("how", "kind"), [("shared", "auto"), ("relevance", "exact")])
def test_grids_of_trits(how: str, kind: str) -> None:
    rng = np.random.default_rng(0)
    cells, unseen = rng.integers(-1, 2, (80, 9)), rng.integers(-1, 2, (400, 9))

    def after(cells: np.ndarray) -> np.ndarray:
        return np.sign(np.roll(cells, 1, 1) + cells + np.roll(cells, -1, 1))

    classifier = ENNClassifier(**{how: kind}).fit(cells, after(cells))
    assert np.array_equal(classifier.predict(unseen), after(unseen))
    program = dd.distill(classifier, inputs="cell: trit[9]", outputs="next: trit[9]")
    assert np.array_equal(program(unseen), after(unseen))


def test_a_grid_that_was_given_is_the_shape_of_results() -> None:
    cells = np.random.default_rng(0).integers(0, 2, (30, 6))
    classifier = ENNClassifier(grid=(2, 3)).fit(cells, cells[:, ::-1])
    assert classifier.to_network().shape == (2, 3)


def _classifiers() -> dict[str, tuple[ENNClassifier, np.ndarray]]:
    rng = np.random.default_rng(0)
    bits, trits, reals = rng.integers(0, 2, (60, 12)), rng.integers(-1, 2, (60, 8)), rng.normal(size=(60, 6))
    one = ENNClassifier().fit(bits, np.minimum(bits.sum(axis=1) // 3, 3))
    soft = ENNClassifier(targets="probabilities").fit(bits, np.stack([1 + bits[:, 0], 2 - bits[:, 1]], axis=1))
    return {
        "one": (one, rng.integers(0, 2, (5000, 12))),
        "probabilities": (soft, rng.integers(0, 2, (5000, 12))),
        "grids of bits": (ENNClassifier().fit(bits, bits ^ np.roll(bits, 1, 1)), rng.integers(0, 2, (5000, 12))),
        "grids of trits": (ENNClassifier().fit(trits, -trits), rng.integers(-1, 2, (5000, 8))),
        "reals": (ENNClassifier().fit(reals, (reals.sum(axis=1) > 0).astype(int)), rng.normal(size=(5000, 6))),
    }


@pytest.mark.parametrize("name", ["one", "probabilities", "grids of bits", "grids of trits", "reals"])
def test_the_torch_module_is_the_network(name: str) -> None:
    torch: Any = pytest.importorskip("torch")
    classifier, unseen = _classifiers()[name]
    inputs = torch.from_numpy(unseen.astype(float))
    answers = classifier.to_torch()(inputs).numpy()
    if classifier.n_outputs_ == 1:
        answers = classifier.classes_[answers]
    assert np.array_equal(answers, classifier.predict(unseen))
    if unseen.dtype.kind == "i":
        assert torch.equal(classifier.to_torch()(torch.from_numpy(unseen)), classifier.to_torch()(inputs))
        assert torch.equal(classifier.to_torch()(inputs.float()), classifier.to_torch()(inputs))
    assert dd.distill(classifier.to_torch(), passes="dce").network_sha256 == classifier.to_network().sha256
    if classifier.n_outputs_ == 1:
        assert np.array_equal(classifier.to_torch("none")(inputs).numpy(), classifier.scores(unseen)[0])
        softmax = classifier.to_torch("softmax")(inputs).numpy()
        assert softmax == pytest.approx(classifier.predict_proba(unseen), abs=1e-12)
