"""Scores without what is common to them decide, and are rounded, as before."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.ir.parser import parse
from ddcompile.passes.pipeline import PASSES
from ddcompile.prove.checker import check_step
from ddcompile.testing import assert_equivalent

HEADS = {
    "argmax": ("class: int", "class = argmax(u < 3: score[u])"),
    "softmax": ("p: real[3]", "p[u < 3] = softmax(v < 3: score[v])[u]"),
}


@pytest.mark.parametrize("head", HEADS)
def test_random_scores(head: str) -> None:
    rng = np.random.default_rng(0)
    result, statement = HEADS[head]
    changed = 0
    for _ in range(30):
        own, common = rng.choice([0, 1, 2.5], (3, 4)), rng.choice([0.5, 1.25, -3], 4)
        weights, bias = own + common, rng.choice([0.75, 0.5], 3) + rng.integers(0, 2)
        rule = parse(
            f"""rule f(x: trit[4]) -> ({result}) {{
  const W: rat[3, 4] = {weights.tolist()}
  const b: rat[3] = {bias.tolist()}
  score[u < 3] = sum(i < 4: W[u, i] * x[i]) + b[u]
  {statement}
}}"""
        )
        rewrite = PASSES["scores"]()(rule)
        changed += rewrite.rule != rule
        assert_equivalent(rule, rewrite.rule)
        assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
        assert PASSES["scores"]()(rewrite.rule).rule == rewrite.rule
    assert changed > 20


def test_a_factor_of_scores_of_a_softmax_is_part_of_them() -> None:
    """Both rules have the same argmax, and another softmax."""
    texts = [
        f"""rule f(x: bit[3]) -> (p: real[3]) {{
  score[u < 3] = {factor} * x[u]
  p[u < 3] = softmax(v < 3: score[v])[u]
}}"""
        for factor in (1, 2)
    ]
    assert check_step(parse(texts[0]), parse(texts[1])).status == "failed"
