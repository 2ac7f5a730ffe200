"""Essence networks and their rules on tables, against classifiers of scikit-learn and rule lists of imodels.

`python compare.py [TABLE ...] [--folds 5] [--repeat 0.05]`
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rules
from data import TABLES, Table
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

import ddcompile as dd

FEWER_FOLDS = {"chess": 3, "digits": 3, "mnist": 2}
BAYESIAN = ("votes",)
"""Tables for which the Bayesian rule list is fitted in seconds; for others it takes minutes, or needs bits."""
FEWEST_INPUTS = ("votes", "tictactoe", "cancer", "digits")
"""Tables for which the fewest inputs are looked for."""
OPTIONS: dict[str, dict[str, Any]] = {
    "cancer": {"thresholds": 7},
    "digits": {"subconcepts": 20},
    "mnist": {"subconcepts": 20},
}
"""How measures become bits; and two subconcepts a digit: validation of more takes minutes."""


@dataclass
class Row:
    """What was measured of one classifier, once a fold."""

    right: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    fitting: list[float] = field(default_factory=list)
    predicting: list[float] = field(default_factory=list)
    proved: int = 0
    """Rules that are proved, and give what the network gives for every sample that was left out."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="all, if none is named")
    parser.add_argument("--folds", type=int, default=5, help="at most (5)")
    parser.add_argument("--repeat", type=float, default=0.05, help="seconds for which predictions are repeated (0.05)")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    threadpool_limits(1)
    start = time.process_time()
    for name in given.tables or TABLES:
        try:
            table = TABLES[name]()
        except ModuleNotFoundError as error:
            print(f"{name}: needs the package {error.name}\n")
            continue
        report(name, table, min(given.folds, FEWER_FOLDS.get(name, given.folds)), given.repeat)
    print(f"{time.process_time() - start:.0f} s of processor time")


def report(name: str, table: Table, folds: int, repeat: float) -> None:
    """Print what was measured of all classifiers on a table."""
    samples, inputs = table.inputs.shape
    kind = "bits" if table.has_bits else "measures"
    print(f"{name}: {samples:,} samples, {inputs} {kind}, {len(np.unique(table.labels))} labels, {folds} folds")
    print("                         right        size  fit, s   us a sample  proved")
    for title, row in rows(name, table, folds, repeat):
        right = f"{100 * np.mean(row.right):5.1f} +- {100 * np.std(row.right, ddof=1) / len(row.right) ** 0.5:.1f}"
        size = f"{np.mean(row.sizes):8,.0f}" if row.sizes else " " * 8
        proved = f"  {row.proved} of {folds}" if title.startswith("  ") else ""
        times = f"{np.mean(row.fitting):6.2f}   {np.mean(row.predicting) * 1e6:11.2f}"
        print(f"{title:22}  {right}  {size}  {times}{proved}", flush=True)
    print()


def rows(name: str, table: Table, folds: int, repeat: float) -> Iterator[tuple[str, Row]]:
    """One by one: networks with their rules, then peers, all on the same folds."""
    parts = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(table.inputs, table.labels))
    options = OPTIONS.get(name, {})
    ways = {"essence network": {}, "with fewest inputs": {"relevance": "exact"}}
    for title, more in ways.items():
        if more and name not in FEWEST_INPUTS:
            continue
        network, rule = Row(), Row()
        for used, held in parts:
            measure_rule(table, used, held, {**options, **more}, repeat, network, rule)
        yield title, network
        yield "  its rule", rule
    for title, make in peers(name, table).items():
        row = Row()
        for used, held in parts:
            measure_peer(table, used, held, make, repeat, row)
        yield title, row


def peers(name: str, table: Table) -> dict[str, Callable[[], Any]]:
    """With their defaults; those of imodels if it is installed."""
    found: dict[str, Callable[[], Any]] = {
        "decision tree": lambda: DecisionTreeClassifier(random_state=0),
        "random forest": lambda: RandomForestClassifier(random_state=0),
        "logistic regression": lambda: LogisticRegression(max_iter=5000),
        "perceptron": lambda: MLPClassifier(max_iter=1000, random_state=0),
    }
    if len(np.unique(table.labels)) > 2:
        return found
    try:
        import imodels
    except ModuleNotFoundError:
        return found
    found["greedy rule list"] = lambda: imodels.GreedyRuleListClassifier(max_depth=10)
    if name in BAYESIAN:
        found["Bayesian rule list"] = lambda: imodels.BayesianRuleListClassifier(n_chains=1, max_iter=5000)
    return found


def measure_rule(
    table: Table, used: np.ndarray, held: np.ndarray, options: dict[str, Any], repeat: float, network: Row, rule: Row
) -> None:
    classifier = dd.learn.ENNClassifier(**options, random_state=0)
    measure(classifier, table.inputs, table.labels, used, held, repeat, network)
    start = time.process_time()
    kind = "bit" if table.has_bits else "real"
    program = dd.distill(classifier, f"x: {kind}[{table.inputs.shape[1]}]", "class: int")
    rule.fitting.append(time.process_time() - start)
    run = program.jit()
    seen = table.inputs[held]
    labels = classifier.classes_[run(seen)]
    rule.right.append(float((labels == table.labels[held]).mean()))
    rule.sizes.append(program.cost)
    rule.predicting.append(seconds(lambda: run(seen), repeat) / len(held))
    rule.proved += program.verdict.status == "proved" and np.array_equal(labels, classifier.predict(seen))


def measure_peer(
    table: Table, used: np.ndarray, held: np.ndarray, make: Callable[[], Any], repeat: float, row: Row
) -> None:
    inputs = table.inputs.astype(float)
    if not table.has_bits:
        inputs = StandardScaler().fit(inputs[used]).transform(inputs)
    model = make()
    measure(model, inputs, table.labels, used, held, repeat, row)
    if not row.sizes:
        row.sizes.append(rules.cost(model, inputs.shape[1], table.has_bits))


def measure(
    model: Any, inputs: np.ndarray, labels: np.ndarray, used: np.ndarray, held: np.ndarray, repeat: float, row: Row
) -> None:
    start = time.process_time()
    model.fit(inputs[used], labels[used])
    row.fitting.append(time.process_time() - start)
    seen = inputs[held]
    row.right.append(float((np.asarray(model.predict(seen)) == labels[held]).mean()))
    row.predicting.append(seconds(lambda: model.predict(seen), repeat) / len(held))


def seconds(action: Callable[[], Any], least: float) -> float:
    """The least processor time that an action took, repeated for some time."""
    start = time.process_time()
    best = float("inf")
    while True:
        before = time.process_time()
        action()
        after = time.process_time()
        best = min(best, after - before)
        if after - start >= least:
            return best


if __name__ == "__main__":
    main()
