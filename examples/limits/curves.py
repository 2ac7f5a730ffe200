"""Learning curves of essence networks over samples, wrong labels and imbalance, beside a tree and a perceptron.

`python curves.py [--seeds 3] [--tasks majority ...] [--plots FOLDER]`
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import ddcompile as dd

INPUTS = 16
SAMPLES = 150
"""Where wrong labels and imbalance are varied."""
UNSEEN = 1000
AXES: dict[str, tuple[float, ...]] = {
    "samples": (25, 50, 100, 200, 400),
    "wrong labels": (0, 0.05, 0.1, 0.2, 0.3),
    "share of label 1": (0.05, 0.1, 0.2, 0.5),
}


def majority(x: np.ndarray) -> np.ndarray:
    """Whether most of the first nine bits are 1."""
    return x[:, :9].sum(axis=1) > 4


def choice(x: np.ndarray) -> np.ndarray:
    """The one of four bits that two others name."""
    return x[np.arange(len(x)), 2 + 2 * x[:, 0] + x[:, 1]] == 1


def cases(x: np.ndarray) -> np.ndarray:
    """Whether one of three conjunctions of two or three bits holds."""
    return (x[:, :3].all(axis=1)) | (x[:, 3] > x[:, 4]) & (x[:, 5] == 1) | x[:, 6:8].all(axis=1)


TASKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"majority": majority, "choice": choice, "cases": cases}


class Reals(dd.learn.ENNClassifier):
    """An essence network that is not made for rules: real weights, and four subconcepts a label, fixed beforehand.

    Inputs are shown as 0 and 0.7, so that nothing is a whole number.
    """

    def __init__(self) -> None:
        super().__init__(8)

    def fit(self, X: np.ndarray, y: np.ndarray) -> Reals:
        super().fit(0.7 * X, y)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(super().predict(0.7 * X))


MODELS: dict[str, Callable[[int], Any]] = {
    "essence network": lambda seed: dd.learn.ENNClassifier(random_state=seed),
    "with fewest inputs": lambda seed: dd.learn.ENNClassifier(relevance="exact", random_state=seed),
    "unsymbolic": lambda seed: Reals(),
    "decision tree": lambda seed: DecisionTreeClassifier(random_state=seed),
    "perceptron": lambda seed: MLPClassifier(max_iter=200, random_state=seed),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="draws of samples (3)")
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS), help="all, if none is named")
    parser.add_argument("--plots", type=Path, help="where plots are saved, by matplotlib")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.process_time()
    for axis, places in AXES.items():
        for task in given.tasks:
            curves = measured(task, axis, places, given.seeds)
            print("\n".join(table(task, axis, places, curves)), flush=True)
            if given.plots is not None:
                plot(given.plots / f"{axis.split()[0]}_{task}.png", task, axis, places, curves)
    print(f"{time.process_time() - start:.0f} s of processor time")


def measured(task: str, axis: str, places: tuple[float, ...], seeds: int) -> dict[str, np.ndarray]:
    """Of each model, balanced accuracy on unseen samples with right labels, of shape (places, seeds), in percent."""
    curves = {name: np.zeros((len(places), seeds)) for name in MODELS}
    for p, place in enumerate(places):
        for seed in range(seeds):
            points, labels, unseen, wanted = drawn(TASKS[task], axis, place, seed)
            for name, make in MODELS.items():
                found = make(seed).fit(points, labels).predict(unseen)
                curves[name][p, seed] = 100 * balanced_accuracy_score(wanted, found)
    return curves


def drawn(
    function: Callable[[np.ndarray], np.ndarray], axis: str, place: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Samples and labels to learn from, and unseen ones."""
    rng = np.random.default_rng(seed)
    count = int(place) if axis == "samples" else SAMPLES
    share = place if axis == "share of label 1" else 0.5
    points = of_labels(function, rng, count, share)
    wrong = rng.random(count) < (place if axis == "wrong labels" else 0)
    unseen = of_labels(function, rng, UNSEEN, 0.5)
    return points, (function(points) ^ wrong).astype(int), unseen, function(unseen).astype(int)


def of_labels(
    function: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator, count: int, share: float
) -> np.ndarray:
    """Random bits of which a share, two samples at least, have label 1."""
    ones = max(round(count * share), 2)
    found: list[np.ndarray] = []
    for label, wanted in ((True, ones), (False, count - ones)):
        parts: list[np.ndarray] = []
        while sum(map(len, parts)) < wanted:
            drawn = rng.integers(0, 2, (4 * count, INPUTS))
            parts.append(drawn[function(drawn) == label])
        found.append(np.concatenate(parts)[:wanted])
    return rng.permutation(np.concatenate(found))


def table(task: str, axis: str, places: tuple[float, ...], curves: dict[str, np.ndarray]) -> Iterator[str]:
    yield f"{task}, {axis}".ljust(24) + "".join(f"{place:>13g}" for place in places)
    for name, found in curves.items():
        means, errors = found.mean(axis=1), found.std(axis=1, ddof=1) / found.shape[1] ** 0.5
        cells = (f"{mean:5.1f} +- {error:.1f}".rjust(13) for mean, error in zip(means, errors, strict=True))
        yield name.ljust(24) + "".join(cells)
    yield ""


def plot(file: Path, task: str, axis: str, places: tuple[float, ...], curves: dict[str, np.ndarray]) -> None:
    """Save one plot of a few kilobytes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4, 3), dpi=72, layout="constrained")
    for name, found in curves.items():
        errors = found.std(axis=1, ddof=1) / found.shape[1] ** 0.5
        axes.errorbar(places, found.mean(axis=1), errors, label=name, linewidth=1, capsize=2)
    if axis != "wrong labels":
        axes.set_xscale("log")
        axes.set_xticks(places, [f"{place:g}" for place in places], minor=False)
        axes.minorticks_off()
    axes.set(title=task, xlabel=axis, ylabel="balanced accuracy, %")
    axes.legend(fontsize=7)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
