"""One true step for every mechanism of the checker: proved, and not once it is tampered with and untrue."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from ddcompile.analysis.reals import differing
from ddcompile.interpreter import interpret
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Rule
from ddcompile.prove.certificate import Certificate
from ddcompile.prove.checker import check
from ddcompile.prove.decide import RULES
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.claims import CLAIMS
from ddcompile.testing.inputs import all_inputs, random_inputs
from ddcompile.testing.tampering import tampered
from ddcompile.testing.uncovered import uncovered

CHANGES = 6


def equal(first: Rule, second: Rule) -> bool:
    arrays = all_inputs(first, 1 << 13) or random_inputs(first, RandomChoose(0), 100)
    pairs = zip(interpret(first, arrays), interpret(second, arrays), strict=True)
    return not any(np.asarray(differing(a, b)).any() for a, b in pairs)


@pytest.mark.parametrize("name", CLAIMS)
def test_true_claims_are_proved_and_untrue_ones_are_not(name: str) -> None:
    certificate = CLAIMS[name].certificate()
    (step,) = certificate.steps
    assert check(Certificate.from_json(certificate.to_json())), str(check(certificate))
    assert equal(step.old, step.new)
    rng = Random(name)
    for _ in range(CHANGES):
        changed = tampered(certificate, rng)
        if check(changed.certificate):
            for step in changed.certificate.steps:
                assert not verifier.verify(step.old)
                assert not verifier.verify(step.new)
                assert equal(step.old, step.new), f"{changed.what}\n{step.old}\n{step.new}\n{step.witness}"


def test_claims_need_all_of_the_checker() -> None:
    certificates = [claim.certificate() for claim in CLAIMS.values()]
    assert uncovered(certificates) == []
    counts = [check(certificate).obligations for certificate in certificates]
    assert {rule for found in counts for rule, n in found.items() if n} == set(RULES)
