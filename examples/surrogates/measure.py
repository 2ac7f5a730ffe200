"""Let trees stand for classifiers, and count how far they agree.

`python measure.py [--splits 3 15 63] [--seeds 20] [--models iris digits]`
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from models import MODELS, Task, random_network
from sklearn.tree import DecisionTreeClassifier

import ddcompile as dd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, nargs="*", default=[3, 15, 63], help="bounds of trees")
    parser.add_argument("--seeds", type=int, default=20, help="draws of queries, for the test of intervals (20)")
    names = [make.__name__ for make in MODELS]
    parser.add_argument("--models", nargs="*", default=names, choices=names, help="all")
    given = parser.parse_args()
    start = time.process_time()
    print("model               splits  cost  queries  agreement (95%)          test  of tree  right  model")
    for make in MODELS:
        if make.__name__ not in given.models:
            continue
        task = make()
        for splits in given.splits:
            print(line(task, splits), flush=True)
    print(coverage(given.seeds))
    print(f"{time.process_time() - start:.0f} s of processor time")


def surrogate(task: Task, splits: int, seed: int = 0) -> dd.Program:
    """Without samples where every input can be asked for."""
    samples = None if "12 bits" in task.name else task.train[0]
    tree = dd.learn.Tree(samples=samples, splits=splits, seed=seed)
    return dd.distill(task.model, task.inputs, via=tree, name="tree")


def answers(task: Task, points: np.ndarray) -> np.ndarray:
    return np.asarray(task.model.predict(points)) if hasattr(task.model, "predict") else task.test[1]


def line(task: Task, splits: int) -> str:
    program = surrogate(task, splits)
    known = program.verdict.fidelity
    points, labels = task.test
    wanted, given = answers(task, points), program(points)
    # What a tree of as many leaves makes of the model's answers to the training samples alone.
    peer = DecisionTreeClassifier(max_leaf_nodes=splits + 1, random_state=0)
    peer.fit(task.train[0], answers(task, task.train[0]))
    cells = [(given == wanted).mean(), (peer.predict(points) == wanted).mean(), (given == labels).mean()]
    cells.append((wanted == labels).mean())
    shares = "".join(f"{100 * share:8.1f}" for share in cells)
    agreement = f"{100 * known.agreed / known.held_out:.2f} ({100 * known.low:.2f}-{100 * known.high:.2f})"
    return f"{task.name:18}  {splits:6}  {program.cost:4}  {known.queries:7}  {agreement:20}  {shares}"


def coverage(seeds: int) -> str:
    """In how many draws of queries the interval holds the true share, which is known for 12 bits."""
    task = random_network()
    held = 0
    for seed in range(seeds):
        program = surrogate(task, 15, seed)
        true = float((program(task.test[0]) == task.test[1]).mean())
        held += program.verdict.fidelity.low <= true <= program.verdict.fidelity.high
    return f"12 bits, 15 splits: the interval holds the true agreement in {held} of {seeds} draws"


if __name__ == "__main__":
    main()
