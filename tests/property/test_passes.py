"""Every pass of the registry, on random rules and on networks unrolled from rules and disguised.

A pass gives a valid rule with the same meaning, gives it again unchanged, and its witness convinces the checker.
Hypothesis finds small counterexamples; the seeds reach larger programs.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from ddcompile.analysis.cost import cost
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.verifier import verify
from ddcompile.passes import pipeline
from ddcompile.passes.pipeline import PASSES
from ddcompile.prove.steps import check_step
from ddcompile.testing import assert_equivalent
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.disguised import Disguised, disguised_network
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.operands import Limits
from ddcompile.testing.strategies import networks, rules

LIMITS = Limits(tensors=3, sizes=0.0)
SEEDS = 12

few = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
every_pass = pytest.mark.parametrize("name", PASSES)


def check_pass(name: str, old: Rule) -> None:
    rewrite = PASSES[name]()(old)
    new = rewrite.rule
    assert not verify(new), f"{name} made\n{new}\nfrom\n{old}"
    assert (new.inputs, new.outputs) == (old.inputs, old.outputs)
    assert_equivalent(old, new)
    assert str(PASSES[name]()(new).rule) == str(new), f"{name} changes its own result:\n{new}\nfrom\n{old}"
    verdict = check_step(old, new, rewrite.witness)
    assert verdict.status == "proved", f"{name}: {verdict}\n{old}\n{new}"


@every_pass
@few
@given(rule=rules(LIMITS))
def test_pass_on_rules(name: str, rule: Rule) -> None:
    check_pass(name, rule)


@every_pass
@few
@given(disguised=networks())
def test_pass_on_networks(name: str, disguised: Disguised) -> None:
    check_pass(name, disguised.dense())


@every_pass
def test_pass_on_larger_rules(name: str) -> None:
    for seed in range(SEEDS):
        check_pass(name, rule_from_seed(seed, LIMITS))


@every_pass
def test_pass_on_rules_over_reals(name: str) -> None:
    for seed in range(SEEDS):
        check_pass(name, rule_from_seed(seed, replace(LIMITS, reals=1.0)))


@every_pass
def test_pass_on_larger_networks(name: str) -> None:
    for seed in range(SEEDS):
        disguised = disguised_network(RandomChoose(seed))
        if disguised is not None and disguised.network.parameters < 4000:
            check_pass(name, disguised.dense())


@every_pass
def test_pass_on_constants_beyond_64_bits(name: str) -> None:
    text = "const w: int[2] = [36893488147419103232, 1]  y = w[0] * x[0] - w[1] * x[1] > 0"
    check_pass(name, parse(f"rule wide(x: bit[2]) -> (y: bit) {{ {text} }}"))


@few
@given(disguised=networks())
def test_pipeline_shortens_networks_and_proves_it(disguised: Disguised) -> None:
    old = disguised.dense()
    steps = pipeline.run(old)
    new = steps[-1].new if steps else old
    assert cost(new) <= cost(old)
    assert_equivalent(old, new)
    for step in steps:
        verdict = check_step(step.old, step.new, step.witness)
        assert verdict.status == "proved", f"{step.name}: {verdict}\n{step.old}\n{step.new}"
