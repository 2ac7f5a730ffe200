"""Relus in the checker: one normal form for every piecewise linear function of a sum, and tight bounds."""

from __future__ import annotations

import pytest

from ddcompile.ir.parser import parse
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


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_equal(first: str, second: str) -> None:
    verdict = check_results(parse(rule(first)), parse(rule(second)))
    assert verdict, str(verdict)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different(first: str, second: str) -> None:
    assert not check_results(parse(rule(first)), parse(rule(second)))
