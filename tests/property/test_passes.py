"""Every pass of the registry, on random rules and on networks unrolled from rules and disguised.

A pass gives a valid rule with the same meaning, gives it again unchanged, and its witness convinces the checker.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from ddcompile.analysis.cost import cost
from ddcompile.frontends.dense import lower
from ddcompile.ir.nodes import Rule
from ddcompile.ir.printer import print_type
from ddcompile.ir.verifier import verify
from ddcompile.passes import pipeline
from ddcompile.passes.pipeline import PASSES
from ddcompile.prove.steps import check_step
from ddcompile.testing import assert_equivalent
from ddcompile.testing.operands import Limits
from ddcompile.testing.strategies import Disguised, networks, rules

LIMITS = Limits(tensors=3, sizes=False)

few = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
every_pass = pytest.mark.parametrize("name", PASSES)


def dense(disguised: Disguised) -> Rule:
    """The dense program of a network, over the inputs of the rule that it was made from."""
    inputs = ", ".join(f"{d.name}: {print_type(d.type)}" for d in disguised.rule.inputs)
    return lower(disguised.network, inputs, None, None, "network")


def check_meaning(name: str, old: Rule) -> None:
    rewrite = PASSES[name](old)
    assert not verify(rewrite.rule), f"{name} made\n{rewrite.rule}\nfrom\n{old}"
    assert (rewrite.rule.inputs, rewrite.rule.outputs) == (old.inputs, old.outputs)
    assert_equivalent(old, rewrite.rule)


def check_idempotent(name: str, old: Rule) -> None:
    once = PASSES[name](old).rule
    assert str(PASSES[name](once).rule) == str(once), f"{name} changes its own result, from\n{old}"


def check_accepted(name: str, old: Rule) -> None:
    rewrite = PASSES[name](old)
    verdict = check_step(old, rewrite.rule, rewrite.witness)
    assert verdict.status == "proved", f"{name}: {verdict}\n{old}\n{rewrite.rule}"


@every_pass
@few
@given(rule=rules(LIMITS))
def test_pass_keeps_the_meaning_of_rules(name: str, rule: Rule) -> None:
    check_meaning(name, rule)


@every_pass
@few
@given(rule=rules(LIMITS))
def test_pass_is_idempotent_on_rules(name: str, rule: Rule) -> None:
    check_idempotent(name, rule)


@every_pass
@few
@given(rule=rules(LIMITS))
def test_checker_accepts_the_pass_on_rules(name: str, rule: Rule) -> None:
    check_accepted(name, rule)


@every_pass
@few
@given(disguised=networks())
def test_pass_keeps_the_meaning_of_networks(name: str, disguised: Disguised) -> None:
    check_meaning(name, dense(disguised))


@every_pass
@few
@given(disguised=networks())
def test_pass_is_idempotent_on_networks(name: str, disguised: Disguised) -> None:
    check_idempotent(name, dense(disguised))


@every_pass
@few
@given(disguised=networks())
def test_checker_accepts_the_pass_on_networks(name: str, disguised: Disguised) -> None:
    check_accepted(name, dense(disguised))


@few
@given(disguised=networks())
def test_pipeline_shortens_networks_and_proves_it(disguised: Disguised) -> None:
    old = dense(disguised)
    steps = pipeline.run(old)
    new = steps[-1].new if steps else old
    assert cost(new) <= cost(old)
    assert_equivalent(old, new)
    for step in steps:
        verdict = check_step(step.old, step.new, step.witness)
        assert verdict.status == "proved", f"{step.name}: {verdict}\n{step.old}\n{step.new}"
