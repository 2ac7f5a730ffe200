"""Elements of small tensors in the places where they are read."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_rule
from ddcompile.passes.unfold import Unfold
from ddcompile.prove.steps import check_step

HEAD = "rule r(x: real[3]) -> (y: int) {\n"
ABOVE = """const place: int[3] = [0, 2, 2]
const bound: rat[3] = [0.5, 18, 20.5]
above[i < 3] = x[place[i]] > bound[i]
"""


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("y = above[0] > above[1] or above[2]", "y = (x[0] > 0.5) > (x[2] > 18) or x[2] > 20.5"),
        ("y = sum(i < 3: above[i]) >= 2", "y = (x[0] > 0.5) + (x[2] > 18) + (x[2] > 20.5) >= 2"),
        ("y = above[2]", "y = x[2] > 20.5"),
    ],
)
def test_applies(reader: str, text: str) -> None:
    rule = parse(HEAD + ABOVE + reader + "}")
    rewrite = Unfold()(rule)
    assert text in print_rule(rewrite.rule)
    assert len(rewrite.rule.statements) == 1
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    points = np.random.default_rng(0).uniform(0, 1, (200, 3)) * [1, 1, 40]
    assert np.array_equal(interpret(rewrite.rule, [points])[0], interpret(rule, [points])[0])


@pytest.mark.parametrize(
    "reader",
    [
        # Read twice, so that it would be computed twice.
        "y = above[0] + 2 * above[0] * above[1]",
        # In a loop.
        "y = sum(j < 9: j * above[1])",
        # At a place that moves.
        "y = sum(j < 3: (j + 1) * above[j])",
    ],
)
def test_declines(reader: str) -> None:
    rule = parse(HEAD + ABOVE + reader + "}")
    assert Unfold()(rule).rule == rule


@pytest.mark.parametrize(
    "text",
    [
        # Longer written out.
        "const bound: int[3] = [5, 7, 6]\nabove[i < 3] = x[1] + x[1] * x[2] > x[0] * x[2] + 2 * x[1] + bound[i]",
        # Without tables, where sums can be written as loops.
        "above[i < 3] = x[i] > 4",
    ],
)
def test_declines_what_reads_no_tables_or_would_get_longer(text: str) -> None:
    rule = parse(f"rule r(x: int[3]) -> (y: int) {{\n{text}\ny = sum(i < 3: above[i]) }}")
    assert Unfold()(rule).rule == rule


def test_declines_what_is_not_small() -> None:
    rule = parse(HEAD + ABOVE + "y = above[0] > above[1] or above[2]}")
    assert Unfold(elements=2)(rule).rule == rule


def test_a_learned_rule_is_one_line() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3))
    classifier = dd.learn.ENNClassifier(thresholds="auto", relevance="exact")
    classifier.fit(points, (points[:, 0] > 0.5) & (points[:, 2] < 0.25))
    program = dd.distill(classifier)
    assert "class = x[0] > 0.5 and not x[2] > 0.18" in str(program)
    assert program.verdict.status == "proved"
