"""Piecewise linear functions of one integer, against their values at every integer of a range."""

from __future__ import annotations

from random import Random

import pytest

from ddcompile.prove.curves import Curve, curve_of, extremes, jumps, positive, rectified

LOW, HIGH = -9, 11


def value(curve: Curve, p: int) -> int:
    piece = [q for q in curve if q.start is None or q.start <= p][-1]
    return piece.slope * p + piece.const


def random_curve(random: Random) -> tuple[Curve, list[int]]:
    slope, const = random.randint(-2, 2), random.randint(-6, 6)
    steps = {random.randint(-8, 10): random.randint(-5, 5) for _ in range(random.randint(0, 3))}
    ramps = {random.randint(-8, 10): random.randint(-3, 3) for _ in range(random.randint(0, 3))}
    values = []
    for p in range(LOW, HIGH + 1):
        above = sum(c for t, c in steps.items() if p >= t) + sum(c * (p - t) for t, c in ramps.items() if p >= t)
        values.append(slope * p + const + above)
    return curve_of(slope, const, steps, ramps), values


@pytest.mark.parametrize("seed", range(200))
def test_curves(seed: int) -> None:
    curve, values = random_curve(Random(seed))
    points = range(LOW, HIGH + 1)
    assert [value(curve, p) for p in points] == values
    assert [value(rectified(curve, LOW, HIGH), p) for p in points] == [max(v, 0) for v in values]
    for strict in (False, True):
        bits = positive(curve, LOW, HIGH, strict=strict)
        assert [value(bits, p) for p in points] == [int(v > 0 if strict else v >= 0) for v in values]
    assert extremes(curve, LOW, HIGH) == (min(values), max(values))


@pytest.mark.parametrize("seed", range(50))
def test_jumps_add_up_to_the_curve(seed: int) -> None:
    curve, values = random_curve(Random(seed))
    first = curve[0]
    found = list(jumps(curve))
    for p, wanted in zip(range(LOW, HIGH + 1), values, strict=True):
        reached = [jump for jump in found if jump.start <= p]
        total = sum(jump.rise + jump.slope * (p - jump.start) for jump in reached)
        assert first.slope * p + first.const + total == wanted


def test_unbounded_ends() -> None:
    limited = curve_of(0, 0, {}, {-1: 1, 1: -1})
    assert extremes(limited, None, None) == (0, 2)
    assert extremes(curve_of(1, 0, {}, {}), None, 3) == (None, 3)
    assert extremes(curve_of(0, 1, {}, {0: 2}), None, None) == (1, None)
    assert extremes(rectified(curve_of(-2, 5, {}, {}), None, None), None, None) == (0, None)
