"""The generator of rules: well-typed, all of it used. What occurs how often is in test_coverage.py."""

from __future__ import annotations

import pytest

from ddcompile.ir.nodes import Read, Rule
from ddcompile.ir.traverse import postorder
from ddcompile.ir.verifier import verify
from ddcompile.runtime.arrays import prepare
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.inputs import random_inputs
from ddcompile.testing.operands import THRESHOLD, Limits

SEEDS = range(300)


@pytest.mark.parametrize("limits", [Limits(), Limits(kinds=("rat", "bit")), THRESHOLD], ids=["all", "rat", "threshold"])
def test_rules_verify_and_inputs_are_legal(limits: Limits) -> None:
    for seed in SEEDS:
        rule = rule_from_seed(seed, limits)
        assert not verify(rule), str(rule)
        prepare(rule, random_inputs(rule, RandomChoose(seed), 2))


def test_every_statement_and_constant_is_used() -> None:
    for seed in SEEDS:
        rule = rule_from_seed(seed)
        used = {declaration.name for declaration in rule.outputs}
        defined = {statement.target for statement in rule.statements}
        for _ in defined:
            used |= {name for s in rule.statements if s.target in used for name in _reads(rule, s.target)}
        assert defined | {constant.name for constant in rule.constants} <= used


def _reads(rule: Rule, target: str) -> set[str]:
    found: set[str] = set()
    for statement in rule.statements:
        if statement.target == target:
            bounds = [bound for binder in statement.binders for bound in (binder.lower, binder.upper)]
            for expr in (statement.value, *bounds):
                found |= {node.tensor for node in postorder(expr) if isinstance(node, Read)}
    return found
