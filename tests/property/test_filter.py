"""`ddcompile opt` is a filter: what a pipeline makes at any stage can be printed, read, and gone on with."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from ddcompile.frontends.dense import lower
from ddcompile.ir.nodes import Rule
from ddcompile.testing.builders import EXAMPLES
from ddcompile.testing.disguised import Disguised
from ddcompile.testing.filtering import stages
from ddcompile.testing.operands import Limits
from ddcompile.testing.strategies import networks, rules

SMALL = [name for name, example in EXAMPLES.items() if example.build(None).parameters < 20_000]

few = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def check_stages(rule: Rule) -> None:
    for stage in stages(rule):
        assert not stage.fault, f"before {stage.name}: {stage.fault}\n{stage.text}"


@pytest.mark.parametrize("name", SMALL)
def test_examples(name: str) -> None:
    example = EXAMPLES[name]
    check_stages(lower(example.build(1), example.inputs, example.outputs, example.head, name))


@few
@given(rule=rules(Limits(tensors=3, sizes=0.0)))
def test_random_rules(rule: Rule) -> None:
    check_stages(rule)


@few
@given(disguised=networks())
def test_random_networks(disguised: Disguised) -> None:
    check_stages(disguised.dense())
