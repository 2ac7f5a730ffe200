"""Tampered certificates: the checker accepts one only if exhaustive evaluation says that its steps are true."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from lines import Line, count

import ddcompile as dd
from ddcompile.analysis.reals import differing
from ddcompile.interpreter import interpret
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Rule
from ddcompile.prove.decide import RULES
from ddcompile.testing.builders import orientation, random_ties, rule30, two_of_three
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.claims import CLAIMS
from ddcompile.testing.inputs import all_inputs, random_inputs
from ddcompile.testing.structures import STRUCTURES
from ddcompile.testing.tampering import tampered
from ddcompile.testing.transforms import add_dead_units, duplicate_units, flip_signs, shuffle_units
from ddcompile.testing.uncovered import uncovered

__all__ = ["MUTATIONS", "mutations"]

MUTATIONS = 1000
SAMPLES = 300
"""Inputs that are tried where a changed type lets too many in."""
DISTILLED = (
    "fibonacci", "ties", "parity", "ring_vote", "padded_line", "same_pairs", "adder", "rule110", "drift",
    "saturating_counter", "decoder",
)  # fmt: skip


@dataclass(slots=True)
class Outcomes:
    """What came of tampering with the certificates of one kind."""

    right: int = 0
    wrong: int = 0
    refused: int = 0
    cautious: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many certificates were tampered with."""
        return self.right + self.wrong + self.refused + self.cautious


def mutations(total: int = MUTATIONS, seed: int = 0) -> Iterator[Line]:
    """Change one thing in a certificate; recompute all hashes; check the file; compare the two sides of every step."""
    certificates = {**{name: claim.certificate() for name, claim in CLAIMS.items()}, **small_certificates()}
    rules = {name: _rules(certificate) for name, certificate in certificates.items()}
    missing = uncovered(list(certificates.values()))
    unused = ", ".join(missing) or "0"
    yield Line("proofs", "functions of the checker that no certificate needs", unused, "0", not missing)
    rng = random.Random(seed)
    found = {name: Outcomes() for name in certificates}
    kinds: Counter[str] = Counter()
    names = list(certificates)
    for k in range(total):
        name = names[k % len(names)]
        kinds[_tamper(certificates[name], rng, found[name])] += 1
    for name, outcomes in found.items():
        used = " ".join(f"{RULES[r]} {n}" for r, n in rules[name].items())
        parts = f"{outcomes.refused} refused, {outcomes.right} true and accepted, {outcomes.cautious} true and refused"
        print(f"proofs: {name} ({used}): {parts}{', WRONG ' * bool(outcomes.wrong)}", file=sys.stderr)
    for rule, title in RULES.items():
        mine = [name for name in names if rules[name][rule]]
        wrong = sum(found[name].wrong for name in mine)
        tried = sum(found[name].total for name in mine)
        line = f"{wrong} wrong of {count(tried)}, {len(mine)} certificates"
        yield Line("proofs", f"by {title}", line, "0 of > 0", wrong == 0 < tried)
    every = list(found.values())
    wrong, refused = sum(o.wrong for o in every), sum(o.refused for o in every)
    faults = [fault for o in every for fault in o.faults]
    shown = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    yield Line("proofs", f"accepted of {count(total)} tampered though untrue", f"{wrong} ({shown})", "0", wrong == 0)
    yield Line("proofs", "refused, untrue", count(refused), "> half", 2 * refused > total)
    yield Line("proofs", "accepted, and true on all inputs", count(sum(o.right for o in every)), "any", True)
    yield Line("proofs", "refused, though true", count(sum(o.cautious for o in every)), "any", True)
    yield Line("proofs", "crashes of the checker", "; ".join(sorted(set(faults))) or "0", "0", not faults)


def _tamper(certificate: dd.Certificate, rng: random.Random, outcomes: Outcomes) -> str:
    changed = tampered(certificate, rng)
    try:
        accepted = is_accepted(changed.certificate)
    except Exception as error:
        outcomes.faults.append(f"{type(error).__name__}: {error}")
        print(f"crashed: {changed.what}\n{changed.certificate.to_json()}", file=sys.stderr)
        accepted = False
    true = all(are_equal(step.old, step.new) for step in changed.certificate.steps)
    outcomes.right += accepted and true
    outcomes.wrong += accepted and not true
    outcomes.refused += not accepted and not true
    outcomes.cautious += not accepted and true
    if accepted and not true:
        print(f"accepted, but untrue: {changed.what}\n{changed.certificate.to_json()}", file=sys.stderr)
    return changed.what


def small_certificates() -> dict[str, dd.Certificate]:
    """Certificates of distilled networks of few bits."""
    rng = np.random.default_rng(0)
    ties = shuffle_units(flip_signs(add_dead_units(duplicate_units(random_ties(), rng), rng), rng), rng)
    networks: dict[str, tuple[dd.Network, str, str | None]] = {
        "network two of three": (two_of_three(), "x: bit[3]", None),
        "network orientation": (orientation(3), "image: bit[3, 3]", "argmax"),
        "network rule 30": (rule30(cells=7), "cell: bit[7]", None),
        "network of ties": (ties, "x: bit[8]", None),
    }
    for name in DISTILLED:
        case = STRUCTURES[name]
        structure = case.build(*case.small)
        networks[f"network {name}"] = (structure.network(1), structure.inputs, structure.head)
    found = {}
    for name, (network, inputs, head) in networks.items():
        certificate = dd.distill(network, inputs, head=head).certificate
        assert certificate is not None
        assert certificate.steps
        found[name] = certificate
    return found


def _rules(certificate: dd.Certificate) -> Counter[str]:
    verdict = dd.check(certificate)
    assert verdict, str(verdict)
    return Counter(dict(verdict.obligations))


def is_accepted(certificate: dd.Certificate) -> bool:
    """Whether the checker proves the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "certificate.json")
        certificate.save(path)
        try:
            return bool(dd.check(path))
        except dd.CompileError:
            return False


def are_equal(first: Rule, last: Rule) -> bool:
    """Whether both programs are valid and equal on all inputs; on many, where a changed type lets too many in."""
    try:
        for rule in (first, last):
            verifier.check(rule)
        arrays = all_inputs(first, 1 << 13) or random_inputs(first, RandomChoose(0), SAMPLES)
        results = zip(interpret(first, arrays), interpret(last, arrays), strict=True)
        return all(a.shape == b.shape and not differing(a, b).any() for a, b in results)
    except (dd.CompileError, ValueError):
        return False
