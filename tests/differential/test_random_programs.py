"""200 random programs in all engines, bit for bit; `tests/benchmarks/must_hold.py` runs thousands."""

from __future__ import annotations

import pytest

from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.differential import ENGINES, Case, differences
from ddcompile.testing.generate import Limits, rule_from_seed
from ddcompile.testing.inputs import random_inputs

PROGRAMS = 200
RATIONAL = 60
SAMPLES = 8


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_agrees_with_the_interpreter(engine: str) -> None:
    check(engine, PROGRAMS, Limits())


@pytest.mark.parametrize("engine", ENGINES)
def test_rational_inputs(engine: str) -> None:
    check(engine, RATIONAL, Limits(kinds=("rat", "rat", "int", "bit")))


def check(engine: str, programs: int, limits: Limits) -> None:
    cases = []
    for seed in range(programs):
        rule = rule_from_seed(seed, limits)
        cases.append(Case(rule, random_inputs(rule, RandomChoose(seed), SAMPLES)))
    found = list(differences(cases, [engine]))
    assert not found, "\n\n".join(map(str, found[:3]))
