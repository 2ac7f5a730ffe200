"""Tables of weights that are a form but for a few entries are written as the form and what is added to it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ddcompile.analysis.cost import cost
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.passes.slice_weights import SliceWeights
from ddcompile.prove.checker import check_step

ROW, COLUMN = np.indices((8, 9))
CUBE = np.indices((5, 6, 4))


def rule_of(weights: np.ndarray) -> Rule:
    """A sum with weights."""
    kind = "int" if weights.dtype == np.int64 else "rat"
    shape = ", ".join(map(str, weights.shape))
    names = "ijk"[: weights.ndim]
    binders = ", ".join(f"{name} < {n}" for name, n in zip(names, weights.shape, strict=True))
    return parse(
        f"rule f(x: bit[{shape}]) -> (y: rat) {{\n  const W: {kind}[{shape}] = {weights.tolist()}\n"
        f"  y = sum({binders}: W[{', '.join(names)}] * x[{', '.join(names)}])\n}}"
    )


def sliced(weights: np.ndarray) -> str:
    """How the sum is written then; proved."""
    rule = rule_of(weights)
    rewrite = SliceWeights()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert cost(rewrite.rule) <= cost(rule)
    assert SliceWeights()(rewrite.rule).rule == rewrite.rule
    (statement,) = str(rewrite.rule).splitlines()[1:-1]
    return statement.removeprefix("  y = ")


def changed(weights: np.ndarray, places: Mapping[tuple[int, ...], int]) -> np.ndarray:
    """Weights of which some are greater."""
    new = weights.astype(np.int64)
    for place, more in places.items():
        new[place] += more
    return new


@pytest.mark.parametrize(
    ("form", "places", "expected"),
    [
        (ROW > COLUMN, {(5, 2): -1}, "sum(i < 8, j < i: x[i, j]) - x[5, 2]"),
        (ROW > COLUMN, {(7, 0): -1}, "sum(i < 8, j < i: x[i, j]) - x[7, 0]"),
        (ROW >= COLUMN, {(6, 1): -1, (6, 4): 2}, "sum(i < 8, j < i + 1: x[i, j]) + 2 * x[6, 4] - x[6, 1]"),
        (ROW > COLUMN, {(2, 7): 1}, "sum(i < 8, j < i: x[i, j]) + x[2, 7]"),
        (3 * (ROW == COLUMN), {(2, 3): -1, (6, 0): 2}, "3 * sum(i < 8: x[i, i]) + 2 * x[6, 0] - x[2, 3]"),
        (
            (ROW + COLUMN) % 2,
            {(2, 6): -1, (5, 3): -2},
            "sum(i < 8, j < 9: (i + j) % 2 * x[i, j]) - x[2, 6] - 2 * x[5, 3]",
        ),
        ((ROW + COLUMN) % 2 + (ROW == 3), {}, "sum(i < 8, j < 9: (i + j) % 2 * x[i, j]) + sum(j < 9: x[3, j])"),
        ((ROW - COLUMN) % 3 == 1, {(2, 6): -1}, "sum(i < 8, j < 9: ((i - j) % 3 == 1) * x[i, j]) - x[2, 6]"),
        (ROW % 2, {(5, 2): 1, (0, 0): 1}, "sum(i < 4, j < 9: x[2 * i + 1, j]) + x[0, 0] + x[5, 2]"),
        ((ROW + COLUMN) % 2 * (ROW > 1) * (COLUMN > 2), {}, "sum(2 <= i < 8, 3 <= j < 9: (i + j) % 2 * x[i, j])"),
        (2 * ROW + COLUMN, {(7, 8): -1}, "sum(i < 8, j < 9: (2 * i + j) * x[i, j]) - x[7, 8]"),
        ((ROW > COLUMN) * (ROW - COLUMN), {(1, 6): 4}, "sum(i < 8, j < i: (i - j) * x[i, j]) + 4 * x[1, 6]"),
        (COLUMN == (2 * ROW + 5) % 9, {(2, 2): 1}, "sum(i < 8: x[i, (2 * i - 4) % 9]) + x[2, 2]"),
        ((COLUMN - 2 * ROW - 5) % 9 < 2, {}, "sum(i < 8, j < 2: x[i, (2 * i + j - 4) % 9])"),
        (sum(CUBE) % 2, {(4, 3, 0): -1}, "sum(i < 5, j < 6, k < 4: (i + j + k) % 2 * x[i, j, k]) - x[4, 3, 0]"),
        (CUBE[0] == CUBE[1], {(1, 2, 1): 2}, "2 * x[1, 2, 1] + sum(i < 5, k < 4: x[i, i, k])"),
        (np.arange(1, 17), {(6,): 3}, "sum(i < 16: (i + 1) * x[i]) + 3 * x[6]"),
        (np.arange(16) % 3, {(7,): 1}, "sum(i < 16: i % 3 * x[i]) + x[7]"),
    ],
)
def test_forms_come_out(form: np.ndarray, places: Mapping[tuple[int, ...], int], expected: str) -> None:
    assert sliced(changed(form, places)) == expected


def test_rational_weights() -> None:
    weights = changed((ROW + COLUMN) % 2, {(2, 2): 1}) * 0.5
    assert sliced(weights) == "sum(i < 8, j < 9: 0.5 * ((i + j) % 2) * x[i, j]) + 0.5 * x[2, 2]"


def test_what_differs_in_many_places_stays_a_table() -> None:
    weights = changed(
        (ROW + COLUMN) % 2, {(i, (i * i) % 9): i + 2 for i in range(8)} | {(i, 8 - i): 3 for i in range(8)}
    )
    rule = rule_of(weights)
    assert SliceWeights()(rule).rule == rule


FORMS = [
    ROW > COLUMN,
    (ROW + COLUMN) % 2,
    (ROW + 2 * COLUMN) % 3,
    ROW - 2 * COLUMN,
    COLUMN == (4 * ROW + 1) % 9,
    abs(ROW - COLUMN) < 2,
    (ROW > 2) * (COLUMN + 1),
]


@settings(max_examples=25)
@given(
    st.sampled_from(FORMS),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 8), st.integers(-2, 2)), max_size=6),
    st.sampled_from([1, Fraction(1, 4)]),
    st.booleans(),
)
def test_what_is_written_is_proved(
    form: np.ndarray, places: list[tuple[int, int, int]], scale: Fraction, flipped: bool
) -> None:
    weights = changed(form, {(i, j): more for i, j, more in places})
    weights = weights.T if flipped else weights
    rule = rule_of(weights if scale == 1 else weights * float(scale))
    rewrite = SliceWeights()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
    assert cost(rewrite.rule) <= cost(rule)
