"""Relus in the checker: one normal form for every piecewise linear function of a sum, and tight bounds."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from ddcompile.interpreter import interpret
from ddcompile.ir.parser import parse
from ddcompile.prove.engine import FormEngine
from ddcompile.prove.steps import check_results

SUM = "sum(i < 29: x[i])"
WEIGHTED = "sum(i < 29: w[i] * x[i])"
CONSTANT = f"const w: int[29] = [{', '.join(str(3 + 7 * k % 31) for k in range(29))}]  "


def rule(body: str) -> str:
    return f"rule r(x: trit[29]) -> (y: rat) {{ {CONSTANT}{body} }}"


EQUAL = [
    (f"y = max(-1, min({SUM}, 1))", f"y = sign({SUM})"),
    (f"y = max(-1, min(3 * {SUM}, 1))", f"y = sign({SUM})"),
    (f"y = sign(max(-1, min({WEIGHTED}, 1)))", f"y = sign({WEIGHTED})"),
    (f"y = max(-1, min(0.25 * {SUM} - 1, 1))", f"y = min(1, max(0.25 * {SUM} - 1, -1))"),
    (f"y = max(-1, min(0.25 * {SUM}, 1))", f"y = -1 + relu(0.25 * {SUM} + 1) - relu(0.25 * {SUM} - 1)"),
    (f"y = relu({SUM} + 29)", f"y = {SUM} + 29"),
    (f"y = abs(2 * {SUM} + 58)", f"y = 2 * {SUM} + 58"),
    (f"y = abs({SUM} - 29)", f"y = 29 - {SUM}"),
    (f"y = relu({SUM} - 27)", f"y = ({SUM} >= 28) + ({SUM} >= 29)"),
    (f"y = relu(relu({SUM}) - 4)", f"y = relu({SUM} - 4)"),
    (f"y = abs(abs({SUM}))", f"y = abs({SUM})"),
    (f"y = relu(1 - abs({SUM}))", f"y = {SUM} == 0"),
    (f"y = max(-1, min({SUM}, 1)) + 5 > 3", "y = 1"),
    (f"h[u < 40] = max(-1, min(0.5 * {SUM} - u, 1))  y = sum(u < 40: h[u]) >= 41", "y = 0"),
    (f"h[u < 40] = abs({SUM} - u)  y = relu(sum(u < 40: h[u]) + 1)", f"y = 1 + sum(u < 40: abs({SUM} - u))"),
    (f"h[u < 40] = min({SUM} - u, 0)  y = relu(sum(u < 40: h[u]))", "y = 0"),
    (f"a = relu({WEIGHTED} + 5)  y = a - relu(2 * {WEIGHTED} + 10)", f"y = -relu({WEIGHTED} + 5)"),
    (f"a = relu({WEIGHTED})  y = relu(-{WEIGHTED}) - a", f"y = -{WEIGHTED}"),
]

DIFFERENT = [
    (f"y = max(-1, min(0.5 * {SUM}, 1))", f"y = sign({SUM})"),
    (f"y = relu({SUM} + 28)", f"y = {SUM} + 28"),
    (f"y = abs({SUM} - 28)", f"y = 28 - {SUM}"),
    (f"y = relu({SUM} - 26)", f"y = ({SUM} >= 28) + ({SUM} >= 29)"),
    (f"h[u < 40] = max(-1, min({SUM} - u, 1))  y = sum(u < 40: h[u]) >= 19", "y = 0"),
]


OF_RATIONALS = [
    ("y = max(-1, min(s, 1))", "y = min(1, max(s, -1))", True),
    ("y = max(-1, min(s, 1))", "y = -max(-1, min(-s, 1))", True),
    ("y = max(-1, min(s, 1))", "y = -1 + relu(s + 1) - relu(s - 1)", True),
    ("y = max(-0.5, min(6 * s - 0.25, 0.75))", "y = -max(-0.75, min(0.25 - 6 * s, 0.5))", True),
    ("y = relu(relu(s) - 4)", "y = relu(s - 4)", True),
    ("y = abs(abs(s) - 1)", "y = relu(-1 - s) + 2 * relu(s - 1) + relu(s + 1) - 2 * relu(s)", True),
    ("y = abs(max(-1, min(s, 1)))", "y = min(abs(s), 1)", True),
    ("y = relu(1 - abs(3 * s))", "y = relu(3 * s + 1) - 6 * relu(s) + relu(3 * s - 1)", True),
    ("y = max(-1, min(s, 1))", "y = -max(-1, min(s, 1))", False),
    ("y = max(-1, min(s, 1))", "y = max(-1, min(s, 2))", False),
    ("y = max(-1, min(s, 1))", "y = sign(s)", False),
    ("y = relu(relu(s) - 4)", "y = relu(s + 4)", False),
    ("y = relu(1 - abs(s))", "y = s == 0", False),
    ("y = relu(1 - abs(s))", "y = relu(1 - s)", False),
]


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_equal(first: str, second: str) -> None:
    verdict = check_results(parse(rule(first)), parse(rule(second)))
    assert verdict, str(verdict)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different(first: str, second: str) -> None:
    assert not check_results(parse(rule(first)), parse(rule(second)))


@pytest.mark.parametrize(("first", "second", "are_equal"), OF_RATIONALS)
def test_functions_of_a_sum_of_rationals(first: str, second: str, are_equal: bool) -> None:
    header = "rule r(x: rat[2], b: bit[2]) -> (y: rat) { s = 2 * x[0] - 3 * x[1] + b[0] + 5 * b[1]  "
    rules = [parse(f"{header}{body} }}") for body in (first, second)]
    assert bool(check_results(*rules)) == are_equal


def test_relus_of_relus_are_evaluated_alike() -> None:
    """Random functions of one sum, against the values that the interpreter gives."""
    rng = random.Random(0)
    points = np.array([Fraction(k, 64) for k in range(-640, 641)], dtype=object)[:, None]
    for _ in range(60):
        text, made = "x[0]", []
        for _ in range(rng.randint(1, 5)):
            factor, offset = rng.choice((-3, -1, 1, 2, 6)), rng.choice((-4, -0.5, 0, 0.25, 1, 3))
            text = f"{rng.choice(('relu', 'abs'))}({factor} * ({text}) + ({offset}))"
            made.append(text)
        text = " + ".join(f"({rng.choice((-2, 1, 3))}) * {part}" for part in made)
        r = parse(f"rule r(x: rat[1]) -> (y: rat) {{ y = relu({text} - 3) }}")
        (found,) = FormEngine(r).run([points])
        (expected,) = interpret(r, [points])
        assert found.tolist() == expected.tolist()
