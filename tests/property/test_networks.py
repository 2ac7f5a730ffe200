"""Rules become networks, and disguised networks, that compute the same on all inputs."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, given, settings

from ddcompile.frontends.evaluate import evaluate
from ddcompile.interpreter import interpret
from ddcompile.testing.disguised import Disguised
from ddcompile.testing.inputs import all_inputs
from ddcompile.testing.strategies import networks

many = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def check(disguised: Disguised) -> None:
    arrays = all_inputs(disguised.rule, limit=2000)
    assume(arrays is not None)
    assert arrays is not None
    expected = np.concatenate([a.reshape(len(a), -1) for a in interpret(disguised.rule, arrays)], axis=1)
    flat = np.concatenate([a.reshape(len(a), -1) for a in arrays], axis=1)
    assert (evaluate(disguised.network, flat) == expected).all(), str(disguised.rule)


@many
@given(disguised=networks(plain=True))
def test_network_of_a_rule_is_the_rule(disguised: Disguised) -> None:
    check(disguised)


@many
@given(disguised=networks())
def test_disguised_network_is_still_the_rule(disguised: Disguised) -> None:
    check(disguised)
