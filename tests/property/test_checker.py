"""The checker accepts a changed rule only if evaluation finds no difference: on all inputs, or of reals on some."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from ddcompile.analysis.reals import differing
from ddcompile.diagnostics import CompileError
from ddcompile.interpreter import interpret
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Rule
from ddcompile.prove.steps import check_step
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.inputs import all_inputs, random_inputs
from ddcompile.testing.mutations import mutate_rule
from ddcompile.testing.operands import THRESHOLD, Limits

SMALL = Limits(tensors=3, elements=6, sizes=0.0, kinds=("bit", "spin", "trit"))


REALS = Limits(tensors=3, elements=8, sizes=0.0, reals=1.0)


def are_equal(first: Rule, second: Rule, arrays: tuple[np.ndarray, ...]) -> bool:
    pairs = zip(interpret(first, arrays), interpret(second, arrays), strict=True)
    return not any(differing(a, b).any() for a, b in pairs)


@pytest.mark.parametrize("limits", [SMALL, THRESHOLD, REALS], ids=["rules", "thresholds", "reals"])
def test_changed_rules_are_accepted_only_if_equal(limits: Limits) -> None:
    rng = Random(0)
    changed = accepted = 0
    for seed in range(100):
        rule = rule_from_seed(seed, limits)
        arrays = random_inputs(rule, RandomChoose(seed), 100) if limits is REALS else all_inputs(rule)
        if arrays is None:
            continue
        for _ in range(3):
            mutant = mutate_rule(rule, rng)
            try:
                verifier.check(mutant)
            except CompileError:
                continue
            changed += 1
            if check_step(rule, mutant).status == "proved":
                accepted += 1
                assert are_equal(rule, mutant, arrays), f"accepted, but unequal:\n{rule}\n{mutant}"
    assert changed > 100
    assert 0 < accepted < changed
