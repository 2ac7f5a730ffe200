"""200 random programs in all engines, bit for bit; `tests/benchmarks/must_hold.py` runs thousands."""

from __future__ import annotations

import pytest

from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.differential import ENGINES, Case, differences
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.inputs import random_inputs

PROGRAMS = 200
SAMPLES = 8


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_agrees_with_the_interpreter(engine: str) -> None:
    cases = []
    for seed in range(PROGRAMS):
        rule = rule_from_seed(seed)
        cases.append(Case(rule, random_inputs(rule, RandomChoose(seed), SAMPLES)))
    found = list(differences(cases, [engine]))
    assert not found, "\n\n".join(map(str, found[:3]))
