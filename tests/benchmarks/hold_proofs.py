"""Tampered certificates: the checker accepts one only if exhaustive evaluation says that both ends are equal."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from lines import Line

import ddcompile as dd
from ddcompile.interpreter import interpret
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Rule
from ddcompile.testing.builders import orientation, random_ties, rule30, two_of_three
from ddcompile.testing.inputs import all_inputs
from ddcompile.testing.mutations import tampered
from ddcompile.testing.transforms import add_dead_units, duplicate_units, flip_signs, shuffle_units

__all__ = ["mutations"]

MUTATIONS = 200


def mutations() -> Iterator[Line]:
    """Change the network, the rule, a program between or a witness; recompute all hashes; check the file."""
    certificates = small_certificates()
    rng = random.Random(0)
    outcomes: Counter[tuple[str, str]] = Counter()
    for k in range(MUTATIONS):
        changed = tampered(certificates[k % len(certificates)], rng)
        accepted = is_accepted(changed.certificate)
        equal = are_equal(changed.certificate.steps[0].old, changed.certificate.steps[-1].new)
        outcomes["accepted" if accepted else "rejected", "equal" if equal else "unequal"] += 1
        if accepted and not equal:
            print(f"accepted, but unequal: {changed.what}\n{changed.certificate.to_json()}", file=sys.stderr)
    wrong, right = outcomes["accepted", "unequal"], outcomes["accepted", "equal"]
    refused = outcomes["rejected", "unequal"]
    yield Line("proofs", f"accepted of {MUTATIONS} tampered though unequal", str(wrong), "0", wrong == 0)
    yield Line("proofs", "rejected, unequal", str(refused), "> 0", refused > 0)
    yield Line("proofs", "accepted, and equal on all inputs", str(right), "any", True)
    cautious = MUTATIONS - wrong - right - refused
    yield Line("proofs", "rejected, though the ends are equal", str(cautious), "any", True)


def small_certificates() -> list[dd.Certificate]:
    """Certificates of networks of at most 9 bits."""
    rng = np.random.default_rng(0)
    ties = shuffle_units(flip_signs(add_dead_units(duplicate_units(random_ties(), rng), rng), rng), rng)
    networks = (
        (two_of_three(), "x: bit[3]", None),
        (orientation(3), "image: bit[3, 3]", "argmax"),
        (rule30(cells=7), "cell: bit[7]", None),
        (ties, "x: bit[8]", None),
    )
    found = []
    for network, inputs, head in networks:
        certificate = dd.distill(network, inputs, head=head).certificate
        assert certificate is not None
        assert certificate.steps
        assert is_accepted(certificate)
        found.append(certificate)
    return found


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
    """Whether both programs are valid and equal on all inputs."""
    try:
        for rule in (first, last):
            verifier.check(rule)
        arrays = all_inputs(first)
        assert arrays is not None
        results = zip(interpret(first, arrays), interpret(last, arrays), strict=True)
        return all(np.array_equal(a, b) for a, b in results)
    except dd.CompileError:
        return False
