"""Small threshold forms against all inputs."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import pytest

from ddcompile.analysis.thresholds import Domain, Threshold, least_threshold

BIT, SPIN, TRIT = Domain(0, 1), Domain(-1, 1, 2), Domain(-1, 1)


def scaled(*values: float) -> list[int]:
    """Doubles as integers over their common denominator."""
    exact = [Fraction(v) for v in values]
    unit = max(v.denominator for v in exact)
    return [int(v * unit) for v in exact]


def decision(form: Threshold, x: tuple[int, ...]) -> int:
    value = sum(c * v for c, v in zip(form.coefficients, x, strict=True))
    if form.above is not None and value >= form.above:
        return 1
    if form.below is not None and value <= form.below:
        return -1
    assert value == form.tie
    return 0


def test_forms_decide_as_the_original_on_all_inputs() -> None:
    rng = random.Random(0)
    for _ in range(600):
        domains = [rng.choice([BIT, SPIN, TRIT, Domain(-2, 3)]) for _ in range(rng.randint(1, 5))]
        weights = [
            rng.choice(
                [rng.randint(-5, 5), rng.randint(-999, 999), 100 + rng.randint(-3, 3), 10**25 + rng.randint(0, 9)]
            )
            for _ in domains
        ]
        bias, zero_is_negative = rng.choice([rng.randint(-600, 600), -(10**25)]), rng.random() < 0.5
        form = least_threshold(weights, bias, domains, zero_is_negative=zero_is_negative)
        if form is None:
            continue
        for x in product(*(range(d.low, d.high + 1, d.step) for d in domains)):
            value = sum(w * v for w, v in zip(weights, x, strict=True)) + bias
            sign = (value > 0) - (value < 0)
            assert decision(form, x) == (-1 if zero_is_negative and sign == 0 else sign)


def test_uneven_majority() -> None:
    *weights, bias = scaled(0.3333, 0.3334, 0.3332, -0.5)
    assert least_threshold(weights, bias, [BIT] * 3, zero_is_negative=True) == Threshold((1, 1, 1), 1, None, 2)


def test_a_bias_a_hair_past_an_integer() -> None:
    u = 1 / 47.6
    own, other, bias = scaled(u, -27 * u, -(756 + 0.0004) * u)
    form = least_threshold([own] * 28 + [other] * 756, bias, [TRIT] * 784, zero_is_negative=False)
    assert form == Threshold((1,) * 28 + (-27,) * 756, 756, None, 757)


def test_a_hair_between_weights_decides_ties() -> None:
    weights = scaled(0.123456784, -0.123456781)
    domains = [Domain(0, 9), Domain(0, 9)]
    form = least_threshold(weights, 0, domains, zero_is_negative=False)
    assert form is not None
    assert max(map(abs, form.coefficients)) <= 10
    assert decision(form, (5, 5)) == 1
    assert decision(form, (0, 0)) == 0


def test_an_attained_tie_is_kept() -> None:
    form = least_threshold([1, -1], 0, [BIT, BIT], zero_is_negative=False)
    assert form == Threshold((1, -1), -1, 0, 1)


def test_noise_over_a_tie_is_not_cleaned() -> None:
    """With weights 1 and -1 exactly (1, 1) ties; with noise it does not, and must not after."""
    weights = scaled(1 + 2**-40, -1.0)
    form = least_threshold(weights, 0, [BIT, BIT], zero_is_negative=False)
    assert form is not None
    assert decision(form, (1, 1)) == 1
    assert decision(form, (0, 0)) == 0


@pytest.mark.parametrize("bias", [5, -5])
def test_constant_units(bias: int) -> None:
    form = least_threshold([1, 2], bias, [BIT, BIT], zero_is_negative=True)
    assert form is not None
    assert form.coefficients == (0, 0)
    assert decision(form, (0, 0)) == (1 if bias > 0 else -1)
