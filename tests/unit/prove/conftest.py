"""Helpers of the checker's tests: steps written as three texts."""

from __future__ import annotations

from typing import Protocol

import pytest

from ddcompile.ir.parser import parse, parse_statements
from ddcompile.prove.steps import WitnessClauses, check_step
from ddcompile.prove.verdict import Verdict


class Prove(Protocol):
    """Checks a step from texts of an old rule, a new rule and a witness."""

    def __call__(self, old: str, new: str, witness: str = "") -> Verdict: ...


@pytest.fixture
def prove() -> Prove:
    def run(old: str, new: str, witness: str = "") -> Verdict:
        constants, statements = parse_statements(witness) if witness.strip() else ((), ())
        return check_step(parse(old), parse(new), WitnessClauses(statements, constants))

    return run
