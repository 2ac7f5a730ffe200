"""Tampering changes something, and what it leaves is a file that can be read."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import ddcompile as dd
from ddcompile.ir.verifier import verify
from ddcompile.testing.builders import rule30
from ddcompile.testing.generate import rule_from_seed
from ddcompile.testing.mutations import mutate_rule
from ddcompile.testing.tampering import tampered


def test_changed_rules_differ_and_are_often_valid() -> None:
    rng = Random(0)
    changed = valid = 0
    for seed in range(200):
        rule = rule_from_seed(seed)
        mutant = mutate_rule(rule, rng)
        changed += mutant != rule
        valid += not verify(mutant)
    # Some entries and statements are swapped with equal ones, or a 0 is negated.
    assert changed > 160
    assert valid > 60


def test_tampered_certificates_are_whole_files() -> None:
    passes = "recode,reroll,slice-weights,collapse-cones,fold,dce"
    certificate = dd.distill(rule30(cells=6), "cell: bit[6]", passes=passes).certificate
    assert certificate is not None
    rng = Random(1)
    places = set()
    for _ in range(60):
        changed = tampered(certificate, rng)
        places.add(changed.what)
        steps = dd.Certificate.from_json(changed.certificate.to_json()).steps
        assert steps == changed.certificate.steps
        if changed.what in ("network", "rule", "witness", "program"):
            assert [step.name for step in steps] == [step.name for step in certificate.steps]
            for before, after in pairwise(steps):
                assert before.new == after.old
    assert places == {"network", "rule", "witness", "program", "type", "steps"}
