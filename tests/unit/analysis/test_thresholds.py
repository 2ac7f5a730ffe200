"""Small threshold forms against all inputs."""

from __future__ import annotations

import random
import time
from fractions import Fraction
from itertools import product
from math import gcd

import pytest

from ddcompile.analysis.candidates import in_ratio, most_small, proposals, size_of, small_proposals
from ddcompile.analysis.extremes import signs_along
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


def test_weights_keep_their_ratio_where_that_is_asked_for_and_exact() -> None:
    *weights, bias = scaled(3.99, 2.02, -0.98, -5.5)
    domains = [BIT, Domain(-1, 2), BIT]
    kept = least_threshold(weights, bias, domains, zero_is_negative=True, keeps_ratio=True)
    assert kept == Threshold((4, 2, -1), 5, None, 6)
    # Over bits, it says that the first two are on and the last one is off.
    assert least_threshold(weights, bias, [BIT] * 3, zero_is_negative=True, keeps_ratio=True) == Threshold(
        (4, 2, -1), 5, None, 6
    )
    assert least_threshold(weights, bias, [BIT] * 3, zero_is_negative=True) == Threshold((1, 1, -1), 1, None, 2)


def test_a_ratio_that_is_not_exact_is_not_kept() -> None:
    *weights, bias = scaled(1.1, 1.0, 0.9, -2.0)
    ties = least_threshold(weights, bias, [BIT] * 3, zero_is_negative=True, keeps_ratio=True)
    assert ties == least_threshold(weights, bias, [BIT] * 3, zero_is_negative=True)
    assert ties is not None
    assert ties.coefficients != (1, 1, 1)


def test_no_weights_have_no_ratio() -> None:
    for bias in (-1, 0, 1):
        kept = least_threshold([0, 0], bias, [BIT] * 2, zero_is_negative=False, keeps_ratio=True)
        assert kept == least_threshold([0, 0], bias, [BIT] * 2, zero_is_negative=False)


def test_only_small_ratios_are_kept() -> None:
    slots = tuple((w, 1, 1) for w in (101, 99, 199, 202, 405))
    assert in_ratio(slots) == (1, 1, 2, 2, 4)
    assert in_ratio(((1, 1, 1), (1000, 1, 1))) is None
    assert in_ratio(((10**400, 1, 1), (3 * 10**400, 1, 2))) == (1, 3)


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


@pytest.mark.parametrize(
    ("zero_is_negative", "found"),
    [(True, Threshold((1, 1, 2, 2, *[3] * 6), 20, None, 21)), (False, Threshold((2, 2, 4, 4, *[5] * 6), 34, 35, 36))],
)
def test_small_forms_of_large_weights_that_nearly_agree(zero_is_negative: bool, found: Threshold) -> None:
    """No multiple of the weights rounds to the form, which tells them apart by far more than they differ."""
    weights = [1028863] * 2 + [1048575] * 2 + [1048576] * 6
    assert least_threshold(weights, -8368893, [BIT] * 10, zero_is_negative=zero_is_negative) == found


def test_small_proposals_are_all_that_do_not_fall_by_size() -> None:
    slots = [(1028863, 1, 2), (1048575, 1, 2), (1048576, 1, 6)]
    found = list(small_proposals(slots, -8368893))
    sizes = [size_of(form, slots) for form in found]
    # Positive with any one off, with two of the first, and with one of the first and one of the second; then negative.
    fitting = [
        (a, b, c)
        for a, b, c in product(range(8), repeat=3)
        if a <= b <= c and gcd(a, b, c) == 1 and max(c, 2 * a, a + b) < min(2 * b, 2 * a + b)
    ]
    assert sizes == sorted(sizes) == sorted(size_of(form, slots) for form in fitting)[: len(found)]
    assert set(found) <= set(fitting)


def test_many_slots_have_no_small_proposals() -> None:
    assert most_small(12) == 4
    assert most_small(13) == 0
    assert list(small_proposals([(1000 + k, 1, 2) for k in range(13)], -9000)) == []


@pytest.mark.parametrize(("other", "found", "above"), [(-27, -27, 757), (-45, -37, 621)])
def test_a_form_behind_many_smaller_ones(other: int, found: int, above: int) -> None:
    """Many smaller multiples of the one weight order most inputs as they should, and none is proved."""
    rng = random.Random(1)
    near = [w + rng.uniform(-1e-9, 1e-9) for w in [1] * 28 + [other] * 756]
    *weights, bias = scaled(*near, -(756 + 0.0004))
    form = least_threshold(weights, bias, [TRIT] * 784, zero_is_negative=False)
    assert form == Threshold((1,) * 28 + (found,) * 756, above - 1, None, above)


def test_numbers_beyond_words_are_rounded_outwards() -> None:
    rng = random.Random(2)
    weights = [(2**80 if k < 20 else 0) + rng.randrange(-(2**70), 2**70) for k in range(300)]
    form = least_threshold(weights, 2**79 - 9 * 2**80, [BIT] * 300, zero_is_negative=True)
    assert form == Threshold((1,) * 20 + (0,) * 280, 8, None, 9)


@pytest.mark.parametrize("nudge", [-1, 1])
@pytest.mark.parametrize("zero_is_negative", [False, True])
def test_rounding_outwards_never_decides_a_near_tie(nudge: int, zero_is_negative: bool) -> None:
    """Where the candidate is 0 the original is 0 or the nudge, 90 bits below its weights."""
    ones = [(2**90 + 2**70, 1), (2**90 - 2**70, 1)]
    groups = [(-2, [(nudge - 2**91, 1)]), (1, ones)]
    proved = signs_along(groups, 0, zero_is_negative)
    assert proved == ((0, None, 1) if zero_is_negative and nudge < 0 else None)
    assert signs_along(groups, 2**80, zero_is_negative) == (-1, None, 0)


def test_disguises_of_a_unit_have_forms_that_agree() -> None:
    """Scaled, negated and complemented, a unit's form is scaled, negated and complemented."""
    rng = random.Random(3)
    for _ in range(200):
        count = rng.randint(1, 6)
        weights = [rng.choice([rng.randint(-9, 9), rng.randint(-99, 99)]) for _ in range(count)]
        bias, is_step = rng.randint(-40, 40), rng.random() < 0.5
        domains = [rng.choice([BIT, SPIN, TRIT]) for _ in range(count)]
        form = least_threshold(weights, bias, domains, zero_is_negative=is_step)
        assert form is not None
        scale = 2 ** rng.randint(0, 40)
        other = least_threshold([scale * w for w in weights], scale * bias, domains, zero_is_negative=is_step)
        assert other == form
        # A step unit is negated with its zeros: w . x + bias <= 0.
        other = least_threshold([-w for w in weights], is_step - bias, domains, zero_is_negative=is_step)
        assert other == form.negated()
        moved = [(d.low + d.high, -1) if rng.random() < 0.5 else (0, 1) for d in domains]
        complemented = [w * sign for w, (_, sign) in zip(weights, moved, strict=True)]
        new_bias = bias + sum(w * start for w, (start, _) in zip(weights, moved, strict=True))
        other = least_threshold(complemented, new_bias, domains, zero_is_negative=is_step)
        assert other is not None
        assert [abs(c) for c in other.coefficients] == [abs(c) for c in form.coefficients]


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


def test_weights_that_nearly_tie_take_bounded_time() -> None:
    """Every form that is found allows another that is a little smaller; the sums reach too far for a table."""
    weights = [2**44 - 4677, 2**44 - 1, 2**44, 2**44 + 1, 2**44 + 3]
    domains = [Domain(-1, 1), Domain(0, 1), Domain(-1, 1), Domain(0, 3), Domain(-1, 1)]
    start = time.process_time()
    found = least_threshold(weights, -(2**45), domains, zero_is_negative=False)
    assert time.process_time() - start < 10
    assert found is not None
    for values in product(*(range(d.low, d.high + 1) for d in domains)):
        original = sum(w * v for w, v in zip(weights, values, strict=True)) - 2**45
        assert decision(found, values) == (original > 0) - (original < 0)


def test_operands_of_ranges_beyond_64_bits_are_left_out_of_proposals() -> None:
    found = list(proposals([(3, 1, 2), (5, 1, 1), (2, 1, 2**70)], -7))
    assert found[-1] == (3, 5, 2)
    assert (1, 2, 0) in found


@pytest.mark.parametrize("domain", [Domain(0, 10**310), Domain(0, 10**310, 10**310), Domain(-(10**310), 10**310)])
def test_operands_of_ranges_beyond_doubles_are_no_error(domain: Domain) -> None:
    """The exact weights are what is left to propose; none need be proved."""
    slots = [(7, domain.step, domain.bits), (8, domain.step, domain.bits)]
    assert list(proposals(slots, -5))[-1] == (7, 8)
    assert all(size_of(form, slots) for form in small_proposals(slots, -5))
    assert least_threshold([7, 8], -5, [domain] * 2, zero_is_negative=False) is None
    never = least_threshold([7, 8], -15 * domain.high, [domain] * 2, zero_is_negative=True)
    assert never == Threshold((0, 0), 0, None, None)
