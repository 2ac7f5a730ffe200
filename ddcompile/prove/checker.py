"""The checker: re-reads a certificate and proves every step again, from the texts of its programs alone.

It shares no code with the passes: it imports `ddcompile.ir`, the diagnostics, numpy and the standard library. It trusts
no listed obligation (there are none), no name of a pass, no hash and no witness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from ddcompile.diagnostics import CompileError
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Rule
from ddcompile.prove.certificate import Certificate
from ddcompile.prove.decide import RuleName
from ddcompile.prove.rounding import goes_on_from_rounded
from ddcompile.prove.steps import check_results, check_step
from ddcompile.prove.verdict import Failure, Verdict

__all__ = ["NetworkRule", "check", "check_results", "check_step", "of_network"]

NetworkRule: TypeAlias = Rule | Callable[[Mapping[str, Any]], Rule]
"""The first program as lowered again, or a function that lowers the network from its description."""


def check(
    certificate: Certificate | str | Path, rule: Rule | None = None, network_rule: NetworkRule | None = None
) -> Verdict:
    """Prove that the first and the last program of a certificate are equal for all inputs.

    Parameters
    ----------
    certificate
        A certificate or the file of one.
    rule
        The rule in question, if it is at hand: the last program must be equal to it.
    network_rule
        The program of the network, lowered again by a front end, or a function that does so from the certificate's
        description of the network: the first program must be equal to it.

    Returns
    -------
    Verdict
        `proved`; `faithful` if the first program is that of a network which goes on computing with rounded numbers;
        `surrogate` if it is a tree that stands for a model; or `failed` with the first obligation that is not shown.
        `trusted` lists what is outside: the way from the file of the network to the first program.

    Raises
    ------
    CompileError
        C### if the file cannot be read or is no certificate.
    """
    if not isinstance(certificate, Certificate):
        certificate = Certificate.load(certificate)
    trusted: list[str] = []
    counts: Counter[RuleName] = Counter()
    failure = _chain_failure(certificate) or _ends_failure(certificate, rule, network_rule, trusted)
    verified: set[int] = set()
    for number, step in enumerate(certificate.steps, 1):
        if failure is not None:
            break
        place = f"step {number} ({step.name})"
        try:
            for program in (step.old, step.new):
                if id(program) not in verified:
                    verifier.check(program)
                    verified.add(id(program))
        except CompileError as error:
            failure = Failure("program", error.diagnostics[0].message, place)
            break
        verdict = check_step(step.old, step.new, step.witness, verify=False)
        counts.update(verdict.obligations)
        if verdict.failure is not None:
            failure = replace(verdict.failure, step=place)
    verdict = Verdict("proved" if failure is None else "failed", dict(counts), failure, tuple(trusted))
    fidelity = certificate.surrogate
    if fidelity is not None:
        return replace(verdict, status="surrogate" if failure is None else "failed", fidelity=fidelity)
    is_of_network = certificate.network_sha256 and certificate.steps
    return of_network(verdict, certificate.steps[0].old) if is_of_network else verdict


def of_network(verdict: Verdict, dense: Rule) -> Verdict:
    """A verdict on the program of a network as one on the network: exact arithmetic, or the operations that it does."""
    is_faithful = verdict.status == "proved" and goes_on_from_rounded(dense)
    return replace(verdict, status="faithful") if is_faithful else verdict


def _chain_failure(certificate: Certificate) -> Failure | None:
    """Whether some step does not begin where the one before ends."""
    for number, (before, after) in enumerate(zip(certificate.steps, certificate.steps[1:], strict=False), 2):
        if before.new is not after.old and before.new != after.old:
            return Failure("program", "it does not begin where the step before ends", f"step {number} ({after.name})")
    return None


def _ends_failure(
    certificate: Certificate, rule: Rule | None, network_rule: NetworkRule | None, trusted: list[str]
) -> Failure | None:
    """Whether the ends of a certificate are not the given programs; notes what is left to trust."""
    described = {"sha256": certificate.network_sha256, **certificate.network}
    first = certificate.steps[0].old if certificate.steps else None
    last = certificate.steps[-1].new if certificate.steps else None
    if network_rule is not None:
        lowered = network_rule if isinstance(network_rule, Rule) else network_rule(described)
        first = first or lowered
        last = last or lowered
        if certificate.surrogate is not None:
            return Failure("network", "the certificate is that of a surrogate, which stands for a network but is none")
        if first != lowered:
            return Failure("network", "the first program is not what the network is lowered to")
    if rule is not None and last != rule:
        what = "no program is named" if last is None else "the last program is another rule"
        return Failure("rule", what)
    if certificate.surrogate is not None:
        trusted.append("what is said of its agreement with the model (not repeated here)")
    if certificate.network_sha256:
        file = certificate.network.get("file")
        source = f"network {file or certificate.network_sha256[:12]}"
        if network_rule is None:
            trusted.append(f"lowering of {source} to the first program (not repeated here)")
        else:
            trusted.append(f"lowering of {source} to the first program (repeated by the front end, equal)")
    return None
