"""The short version of `examples/tables`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddcompile as dd

pytest.importorskip("sklearn")

from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier


@pytest.fixture(scope="module")
def compare(example: Any) -> Any:
    return example("tables", "compare")


@pytest.fixture(scope="module")
def rules(example: Any) -> Any:
    return example("tables", "rules")


@pytest.mark.parametrize(("name", "least"), [("cancer", 0.93), ("digits", 0.88)])
def test_rules_are_proved_and_right(compare: Any, name: str, least: float) -> None:
    table = compare.TABLES[name]()
    order = np.random.default_rng(0).permutation(len(table.labels))
    network, rule = compare.Row(), compare.Row()
    options = {"subconcepts": 20, **compare.OPTIONS.get(name, {})}
    compare.measure_rule(table, order[::2], order[1::2], options, 0, network, rule)
    assert rule.proved == 1
    assert network.right == rule.right
    assert rule.right[0] > least


@pytest.mark.parametrize("has_bits", [True, False])
@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize(
    "model", [DecisionTreeClassifier(max_depth=4), LogisticRegression(), MLPClassifier(4, max_iter=50)]
)
@pytest.mark.filterwarnings("ignore")
def test_texts_of_peers_say_what_they_do(
    rules: Any, monkeypatch: pytest.MonkeyPatch, has_bits: bool, labels: int, model: Any
) -> None:
    points = np.random.default_rng(0).normal(size=(300, 5))
    if has_bits:
        points = (points > 0).astype(float)
    model.fit(points, np.minimum((points[:, :2] > 0).sum(axis=1), labels - 1))
    programs = []
    monkeypatch.setattr(rules, "_cost", lambda text: programs.append(dd.parse(text)) or programs[-1].cost)
    assert rules.cost(model, 5, has_bits) == programs[0].cost
    seen = points.astype(np.uint8) if has_bits else points
    assert np.mean(programs[0](seen) == model.predict(points)) > 0.99


def test_rule_lists_are_choices(rules: Any) -> None:
    listed = [
        {"index_col": 2, "cutoff": 0.5, "flip": True, "val_right": 0.9},
        {"index_col": 0, "cutoff": 0.5, "flip": False, "val_right": 0.8},
        {"val": 0.1},
    ]
    assert rules._greedy(listed, True) == "if not x[2] then 1 else if x[0] then 1 else 0"
    assert rules._greedy(listed, False) == "if x[2] < 0.5 then 1 else if x[0] >= 0.5 then 1 else 0"
