"""Whole certificates: steps must chain, ends must be the given programs, and what is not proved is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.prove.certificate import Certificate, CertifiedStep
from ddcompile.prove.checker import check

HEADER = "rule r(x: bit[3]) -> (y: bit) {\n"
FIRST = parse(HEADER + "y = x[0] + x[1] + x[2] > 1\n}")
MIDDLE = parse(HEADER + "y = x[0] + x[1] + x[2] >= 2\n}")
LAST = parse(HEADER + "s = sum(i < 3: x[i])\ny = s >= 2\n}")
OTHER = parse(HEADER + "s = sum(i < 3: x[i])\ny = s >= 3\n}")
CERTIFICATE = Certificate((CertifiedStep("one", FIRST, MIDDLE), CertifiedStep("two", MIDDLE, LAST)))


def test_steps_are_counted_together() -> None:
    verdict = check(CERTIFICATE)
    assert verdict
    assert verdict.obligations == {"a": 3}
    assert str(verdict) == "proved (3 obligations)\n  equal normal forms: 3"


def test_steps_must_chain() -> None:
    for certificate in (
        Certificate((CERTIFICATE.steps[0], CertifiedStep("two", FIRST, LAST))),
        Certificate((CERTIFICATE.steps[1], CERTIFICATE.steps[0])),
    ):
        verdict = check(certificate)
        assert verdict.status == "failed"
        assert "it does not begin where the step before ends" in str(verdict)


def test_the_failing_step_is_named() -> None:
    verdict = check(Certificate((CERTIFICATE.steps[0], CertifiedStep("two", MIDDLE, OTHER))))
    assert verdict.status == "failed"
    assert str(verdict).startswith(
        "failed: step 2 (two): y: its definition is not shown equal to its meaning: they differ"
    )


def test_an_invalid_program() -> None:
    broken = replace(MIDDLE, statements=())
    verdict = check(Certificate((CertifiedStep("one", FIRST, broken), CertifiedStep("two", broken, LAST))))
    assert verdict.status == "failed"
    assert verdict.failure is not None
    assert verdict.failure.step == "step 1 (one)"


def test_sizes_must_be_given() -> None:
    general = parse("rule r<N>(x: bit[N]) -> (y: bit) { y = sum(i < N: x[i]) > 1 }")
    assert check(Certificate((CertifiedStep("one", general, general),))).status == "failed"


def test_the_rule_at_hand() -> None:
    assert check(CERTIFICATE, rule=LAST)
    for rule in (MIDDLE, OTHER):
        verdict = check(CERTIFICATE, rule=rule)
        assert verdict.status == "failed"
        assert "the last program is another rule" in str(verdict)


def test_no_steps() -> None:
    assert check(Certificate())
    assert check(Certificate(), rule=FIRST).status == "failed"
    assert check(Certificate(), rule=FIRST, network_rule=FIRST)
    assert check(Certificate(), rule=MIDDLE, network_rule=FIRST).status == "failed"


def test_the_network() -> None:
    certificate = Certificate(CERTIFICATE.steps, "cd" * 32, {"file": "net.npz", "head": "sign"})
    assert check(certificate).trusted == ("lowering of network net.npz to the first program (not repeated here)",)
    seen: list[Mapping[str, Any]] = []

    def lower(description: Mapping[str, Any]) -> Rule:
        seen.append(description)
        return FIRST

    verdict = check(certificate, network_rule=lower)
    assert verdict.trusted == ("lowering of network net.npz to the first program (repeated by the front end, equal)",)
    assert seen == [{"sha256": "cd" * 32, "file": "net.npz", "head": "sign"}]
    assert check(certificate, network_rule=MIDDLE).status == "failed"
    assert str(check(Certificate(CERTIFICATE.steps, "cd" * 32))).splitlines()[-1] == (
        "  trusted: lowering of network cdcdcdcdcdcd to the first program (not repeated here)"
    )


def test_verdict_as_data() -> None:
    assert check(CERTIFICATE).to_json() == {
        "status": "proved",
        "obligations": {"equal normal forms": 3},
        "trusted": [],
    }
    failed = check(Certificate((CertifiedStep("two", MIDDLE, OTHER),))).to_json()
    assert failed["failure"]["place"] == "y"
    assert failed["failure"]["step"] == "step 1 (two)"
    assert set(failed["failure"]["inputs"]) == {"x[0]", "x[1]", "x[2]"}
