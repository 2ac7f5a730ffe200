"""Inputs next to a threshold."""

from __future__ import annotations

import numpy as np

from ddcompile.analysis.nearby import closest, walked


def unit(operands: int, most: int) -> tuple[np.ndarray, float, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(operands)
    slopes, bits = rng.normal(size=operands), rng.integers(1, most + 1, operands)
    return slopes, -float(slopes @ bits) / 2, bits, rng


def test_walks_end_on_both_sides_of_the_threshold() -> None:
    for operands, most in ((3, 4), (20, 1), (60, 2)):
        slopes, bias, bits, rng = unit(operands, most)
        points = walked(slopes, bias, bits, 40, rng)
        assert points.shape == (80, operands)
        assert ((points >= 0) & (points <= bits)).all()
        values = points @ slopes + bias
        assert np.count_nonzero((values[:40] < 0) != (values[40:] < 0)) > 30


def test_sums_of_halves_come_nearer_than_walks() -> None:
    for operands, most in ((2, 3), (21, 1), (200, 2)):
        slopes, bias, bits, rng = unit(operands, most)
        start = walked(slopes, bias, bits, 4, rng)
        points = closest(start, slopes, bias, bits, 10, rng)
        assert ((points >= 0) & (points <= bits)).all()
        values, before = np.abs(points @ slopes + bias), np.abs(start @ slopes + bias)
        assert values.min() <= before.min()
    assert values.min() < 1e-4 < before.min()
    assert (points @ slopes + bias < 0).any()
    assert (points @ slopes + bias > 0).any()
