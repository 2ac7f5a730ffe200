"""Distill a target and compare what comes out with its exact values on all inputs."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from math import exp, fsum

import numpy as np

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.analysis.reals import differing
from ddcompile.frontends.dense import lower
from ddcompile.interpreter import interpret
from ddcompile.testing.attack.target import Target

__all__ = ["Trial", "attempt"]

NEAR = 1e-12
"""How far a softmax may be from that of the exact scores, worked out in doubles; rounding is a thousandth of this."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one network.

    Attributes
    ----------
    wrong : int
        Inputs on which the rule is not the network.
    fault : str
        A crash, a step that is not proved, a certificate that is refused; "" if there was none.
    seconds : float
        Of processor time, to distill and prove.
    longer : int
        By how much the rule costs more than the dense program, if all passes had their turn.
    saved : float
        The share of the cost of the dense program that is gone.
    """

    family: str
    inputs: int
    wrong: int = 0
    fault: str = ""
    seconds: float = 0.0
    longer: int = 0
    saved: float = 0.0


def attempt(target: Target, *, again: bool = False) -> Trial:
    """Distill a network and compare; with `again`, its certificate is written, read and checked as well."""
    start = time.process_time()
    rows = len(target.flat)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parts = target.network, target.declared, target.outputs, target.head, "network"
            program = dd.distill(*parts, passes=target.passes)
        seconds = time.process_time() - start
        fault = "" if program.verdict else f"not proved: {program.verdict}"
        if again and not fault:
            assert program.certificate is not None
            read = dd.Certificate.from_json(program.certificate.to_json())
            verdict = dd.check(read, target.network)
            fault = "" if verdict else f"the certificate is refused: {verdict}"
        dense = lower(*parts)
        wrong = int(_wrong(target, program, dense).sum())
    except Exception as error:
        cause = error.__cause__ or error
        fault = f"{type(error).__name__}: {error} ({type(cause).__name__}: {cause})"
        return Trial(target.family, rows, 0, fault, time.process_time() - start)
    before = cost(dense)
    longer = max(0, program.cost - before) if target.passes is None else 0
    return Trial(target.family, rows, wrong, fault, seconds, longer, 1 - program.cost / before)


def _wrong(target: Target, program: dd.Program, dense: dd.ir.nodes.Rule) -> np.ndarray:
    """On which inputs the rule is not the network."""
    arrays = target.arrays()
    found = np.concatenate([r.reshape(len(target.flat), -1) for r in interpret(program.rule, arrays)], axis=1)
    rounds = program.verdict is not None and program.verdict.status == "faithful"
    if rounds or target.head == "softmax":
        given = np.concatenate([r.reshape(len(target.flat), -1) for r in interpret(dense, arrays)], axis=1)
        differ = np.asarray(differing(found, given).any(axis=1))
        return differ if rounds else _far(target, found) | differ
    expected = target.expected(target.head)
    if expected.exp:
        found = found.astype(object) * (1 << expected.exp)
    return np.asarray((found != expected.array).astype(bool).any(axis=1))


def _far(target: Target, found: np.ndarray) -> np.ndarray:
    """Where probabilities are not those of the exact scores."""
    scores = target.expected(None)
    known: dict[tuple[int, ...], list[float]] = {}
    far = np.zeros(len(found), dtype=bool)
    for k, row in enumerate(map(tuple, scores.array.tolist())):
        if row not in known:
            powers = [exp(max(-800.0, _difference(s, max(row), scores.exp))) for s in row]
            known[row] = [p / fsum(powers) for p in powers]
        far[k] = any(abs(a - b) > NEAR for a, b in zip(found[k].tolist(), known[row], strict=True))
    return far


def _difference(score: int, most: int, shift: int) -> float:
    """The difference of two scores as a double; minus infinity where it is too large for one."""
    gap = score - most
    if gap == 0:
        return 0.0
    if gap.bit_length() - shift > 1000:
        return -float("inf")
    down = max(0, gap.bit_length() - 64)
    return float(np.ldexp(float(gap >> down), down - shift))
