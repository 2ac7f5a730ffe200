"""Learn the orientation of lines from full columns and rows, distil it, and try it on other images.

`python learn.py [--seed 0] [--count 200] [--peers 5] [--largest 1024]`
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from images import SETS, drawn, full_lines
from threadpoolctl import threadpool_limits

import ddcompile as dd

N = 28
SIZES = (6, 8, 10, 12)
ENLARGED = ("diagonal", "zigzag", "dotted", "thick", "noise 10%")
OUTPUTS = "vertical: int, horizontal: int"
FOLDER = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the test images (0)")
    parser.add_argument("--count", type=int, default=200, help="images in a set (200)")
    parser.add_argument("--peers", type=int, default=5, help="networks of either kind that are trained by descent (5)")
    parser.add_argument("--largest", type=int, default=1024, help="height and width of the largest images (1024)")
    given = parser.parse_args()
    threadpool_limits(1)
    start = time.process_time()
    classifier = learned(N)
    program, general = distilled(classifier, N), generalized(N)
    hand = dd.load(FOLDER / "hand.rule")
    print(program)
    print(f"{program.verdict.status}; cost {program.cost}, by hand {hand.cost}")
    print(general)
    print(general.generalization)
    report(classifier, general, given.seed, given.count, given.peers, given.largest)
    print(f"{time.process_time() - start:.0f} s of processor time")


def learned(n: int) -> dd.learn.ENNClassifier:
    """An essence network with one subconcept for each line."""
    images, labels = full_lines(n)
    return dd.learn.ENNClassifier("samples").fit(images.reshape(len(images), -1), labels)


def distilled(classifier: dd.learn.ENNClassifier, n: int) -> dd.Program:
    """The rule of both scores, so that a tie can be told."""
    return dd.distill(classifier.to_network("none"), f"image: bit[{n}, {n}]", OUTPUTS, name="orientation")


def generalized(held_out: int) -> dd.Program:
    """The rule for every size, from networks learned at small ones."""
    return dd.generalize([distilled(learned(n), n) for n in SIZES], hold_out=[distilled(learned(held_out), held_out)])


def report(
    classifier: dd.learn.ENNClassifier, general: dd.Program, seed: int, count: int, peers: int, largest: int
) -> None:
    """Print right answers in percent, and ties, for each test set and size."""
    import torch
    from peers import Convolutional, Perceptron

    torch.set_num_threads(1)

    lines, labels = full_lines(N)
    trained = [
        [kind(lines, labels, k) for k in range(peers)] for kind in (Perceptron, Convolutional)
    ]
    run = general.jit()
    print("set            size  network      rule         perceptrons     convolutional")
    sizes = [n for n in (64, 256, 1024) if n <= largest]
    for name, n in [*((name, N) for name in SETS), *((name, n) for n in sizes for name in ENLARGED)]:
        images, answers = drawn(name, seed, count if n == N else max(count // 20, 2), n)
        tests: list[list[Callable[[np.ndarray], np.ndarray]]] = [
            [lambda images: decision(classifier, images)] if n == N else [],
            [lambda images: difference(run(images))],
            *([model.margins for model in models] for models in trained),
        ]
        cells = [cell([outcome(test(images), answers) for test in some]) for some in tests]
        print(f"{name:12}  {n:5}  {cells[0]:11}  {cells[1]:11}  {cells[2]:14}  {cells[3]}", flush=True)


def decision(classifier: dd.learn.ENNClassifier, images: np.ndarray) -> np.ndarray:
    return np.asarray(classifier.decision_function(images.reshape(len(images), -1)))


def difference(scores: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.asarray(scores[1], dtype=np.int64) - scores[0]


def outcome(margins: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The share of right answers, and that of ties, which are none."""
    return float(((margins != 0) & ((margins > 0) == (labels == 1))).mean()), float((margins == 0).mean())


def cell(outcomes: list[tuple[float, float]]) -> str:
    if not outcomes:
        return ""
    right, ties = np.array(outcomes).T * 100
    spread = f" ({right.min():.0f}-{right.max():.0f})" if len(outcomes) > 1 else ""
    tied = f" tie {ties.mean():.0f}" if ties.any() else ""
    return f"{right.mean():5.1f}{spread}{tied}"


if __name__ == "__main__":
    main()
