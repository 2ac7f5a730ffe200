"""What the checker accepts is true: its forms mean what rules mean, and accepted pairs agree on all inputs."""

from __future__ import annotations

import random

import numpy as np
import pytest

from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Network
from ddcompile.interpreter import interpret
from ddcompile.ir import verifier
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.passes import pipeline
from ddcompile.prove.certificate import Certificate
from ddcompile.prove.checker import check
from ddcompile.prove.engine import FormEngine
from ddcompile.prove.steps import check_results, check_step
from ddcompile.testing.builders import orientation, random_ties, rule30, two_of_three
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import Limits, rule_from_seed
from ddcompile.testing.inputs import all_inputs, random_inputs
from ddcompile.testing.mutations import mutate_rule
from ddcompile.testing.operands import THRESHOLD
from ddcompile.testing.tampering import tampered
from ddcompile.testing.transforms import add_dead_units, duplicate_units, flip_signs, shuffle_units


def equal_everywhere(first: Rule, second: Rule, limit: int = 1 << 16) -> bool:
    inputs = all_inputs(first, limit)
    assert inputs is not None
    results = zip(interpret(first, inputs), interpret(second, inputs), strict=True)
    return all(np.array_equal(a, b) for a, b in results)


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_forms_mean_what_rules_mean(start: int) -> None:
    """Random rules over all exact values, evaluated through their forms and by the interpreter."""
    for seed in range(start, start + 50):
        rule = rule_from_seed(seed, Limits(sizes=0.0, reals=0.0))
        inputs = random_inputs(rule, RandomChoose(seed), 40)
        for ours, theirs in zip(FormEngine(rule).run(inputs), interpret(rule, inputs), strict=True):
            assert np.array_equal(ours, theirs), f"seed {seed}\n{rule}"


PIECEWISE = ("relu({})", "abs({})", "max(-1, min({}, 1))", "min({}, 1)", "relu(2 - abs({}))")
WEIGHTS = ("1", "1", "-1", "2", "-2", "3", "0.5", "0.9", "1.1", "-0.95", "1.5")


def threshold_text(rng: random.Random, bits: int) -> str:
    """Two layers: units of several kinds over random weights, and one or two units over them."""
    lines = []
    units = rng.randint(1, 3)
    for u in range(units):
        terms = " + ".join(f"{rng.choice(WEIGHTS)} * x[{i}]" for i in range(bits) if rng.random() < 0.8)
        total = f"{terms or 'x[0]'} - {rng.choice(('0', '0.5', '1', '1.5', '2', '0.25'))}"
        kind = rng.choice(("sign({})", "({}) > 0", "({}) >= 0", "0 <= {} < 2", *PIECEWISE))
        lines.append(f"h{u} = {kind.format(total)}")
    hidden = " + ".join(f"{rng.choice(WEIGHTS)} * h{u}" for u in range(units))
    lines.append(f"y = {hidden} {rng.choice(('>', '>=', '<'))} {rng.choice(('0', '0.5', '1', '1.5', '2'))}")
    return "\n".join(lines)


def test_accepted_pairs_agree_on_all_inputs() -> None:
    """Thousands of pairs: a threshold program and the same with a few numbers changed."""
    rng = random.Random(11)
    accepted = refused = 0
    for k in range(2000):
        if k % 6 == 0:
            bits = rng.randint(1, 4)
            kind = rng.choice(("bit", "bit", "spin", "trit"))
            header = f"rule r(x: {kind}[{bits}]) -> (y: bit) {{\n"
            first = parse(header + threshold_text(rng, bits) + "\n}")
        second = mutate_rule(first, rng)
        for _ in range(rng.randint(0, 2)):
            second = mutate_rule(second, rng)
        if verifier.verify(second):
            continue
        verdict = check_step(first, second, verify=False) if rng.random() < 0.5 else check_results(first, second)
        equal = equal_everywhere(first, second)
        assert equal or not verdict, f"{verdict}\n{first}\n{second}"
        accepted, refused = accepted + bool(verdict), refused + (not verdict)
        if verdict.failure is not None and verdict.failure.inputs and verdict.failure.place == "y":
            assert not equal
    assert accepted > 150
    assert refused > 150


@pytest.mark.parametrize("seed", range(25))
def test_random_programs_and_their_mutations(seed: int) -> None:
    rng = random.Random(seed)
    first = rule_from_seed(seed, THRESHOLD)
    if first.sizes or all_inputs(first, 1 << 12) is None:
        return
    for _ in range(8):
        second = mutate_rule(first, rng)
        if not verifier.verify(second) and check_results(first, second):
            assert equal_everywhere(first, second), f"{first}\n{second}"


def disguised(network: Network) -> Network:
    rng = np.random.default_rng(0)
    return shuffle_units(flip_signs(add_dead_units(duplicate_units(network, rng), rng), rng), rng)


CERTIFIED = {
    "orientation": (orientation(3), "image: bit[3, 3]", "argmax"),
    "rule30": (rule30(1, 7), "cell: bit[7]", None),
    "two-of-three": (two_of_three(), "x: bit[3]", None),
    "ties": (disguised(random_ties(3, (6, 5, 4, 2))), "x: trit[6]", None),
}


@pytest.mark.parametrize("name", CERTIFIED)
def test_tampered_certificates(name: str) -> None:
    """Saved with all hashes right again; accepted only where both ends are valid and equal on all inputs."""
    network: Network
    network, inputs, head = CERTIFIED[name]
    dense = lower(network, inputs, None, head, "r")
    certificate = Certificate().extended(pipeline.run(dense))
    assert check(Certificate.from_json(certificate.to_json()))
    rng = random.Random(5)
    accepted = 0
    for _ in range(30):
        changed = tampered(certificate, rng)
        if not check(changed.certificate):
            continue
        accepted += 1
        first, last = changed.certificate.steps[0].old, changed.certificate.steps[-1].new
        assert not verifier.verify(first)
        assert not verifier.verify(last)
        assert equal_everywhere(first, last), changed.what
    assert accepted < 30
