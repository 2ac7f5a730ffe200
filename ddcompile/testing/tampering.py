"""Certificates after one change: what a checker must not be talked into."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ddcompile.ir.nodes import Rule
from ddcompile.prove.certificate import Certificate, CertifiedStep
from ddcompile.prove.steps import WitnessClauses
from ddcompile.testing.mutations import change_constants, change_statements, mutate_rule, with_other_type

__all__ = ["Tampered", "tampered"]


@dataclass(frozen=True, slots=True)
class Tampered:
    """A certificate after one change; `what` says which."""

    certificate: Certificate
    what: str


def tampered(certificate: Certificate, rng: random.Random) -> Tampered:
    """Change the network, the rule, a program in between, a witness, a type, or the list of steps.

    Programs between two steps are changed in both, so that the chain stays whole; saved, all hashes are right.

    Parameters
    ----------
    certificate : Certificate
        With at least one step.
    rng : random.Random
        Chooses the place and the change.
    """
    steps = list(certificate.steps)
    k = rng.randrange(len(steps))
    kinds = ["network", "rule", "rule", "program", "type", "steps"]
    if steps[k].witness.statements or steps[k].witness.constants:
        kinds += ["witness", "witness", "witness"]
    kind = rng.choice(kinds)
    match kind:
        case "network":
            steps[0] = replace(steps[0], old=mutate_rule(steps[0].old, rng))
        case "rule":
            steps[-1] = replace(steps[-1], new=mutate_rule(steps[-1].new, rng))
        case "witness":
            steps[k] = replace(steps[k], witness=_mutate_witness(steps[k], rng))
        case "type":
            steps = _with_types(steps, rng)
        case "steps":
            steps = _other_steps(steps, rng)
        case _:
            _change_program(steps, k, mutate_rule(steps[k].new, rng))
    return Tampered(replace(certificate, steps=tuple(steps)), kind)


def _change_program(steps: list[CertifiedStep], k: int, changed: Rule) -> None:
    steps[k] = replace(steps[k], new=changed)
    if k + 1 < len(steps):
        steps[k + 1] = replace(steps[k + 1], old=changed)


def _with_types(steps: list[CertifiedStep], rng: random.Random) -> list[CertifiedStep]:
    """One declaration of another kind, in one program or in all of them alike."""
    k = rng.randrange(len(steps))
    if rng.random() < 0.5:
        _change_program(steps, k, with_other_type(steps[k].new, rng))
        return steps
    seed = rng.random()
    return [
        replace(
            step,
            old=with_other_type(step.old, random.Random(seed)),
            new=with_other_type(step.new, random.Random(seed)),
        )
        for step in steps
    ]


def _other_steps(steps: list[CertifiedStep], rng: random.Random) -> list[CertifiedStep]:
    """A step dropped, repeated, or turned round; witnesses exchanged or left out."""
    k, other = rng.randrange(len(steps)), rng.randrange(len(steps))
    match rng.randrange(5):
        case 0 if len(steps) > 1:
            del steps[k]
        case 1:
            steps.insert(other, steps[k])
        case 2:
            steps[k] = replace(steps[k], old=steps[k].new, new=steps[k].old)
        case 3 if k != other:
            first, second = steps[k].witness, steps[other].witness
            steps[k], steps[other] = replace(steps[k], witness=second), replace(steps[other], witness=first)
        case _:
            steps[k] = replace(steps[k], witness=WitnessClauses())
    return steps


def _mutate_witness(step: CertifiedStep, rng: random.Random) -> WitnessClauses:
    witness = step.witness
    if witness.constants and (not witness.statements or rng.random() < 0.5):
        return replace(witness, constants=change_constants(witness.constants, rng))
    names = [s.target for s in step.old.statements] + [c.name for c in witness.constants]
    return replace(witness, statements=change_statements(witness.statements, rng, names))
