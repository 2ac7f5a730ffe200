"""Queries: what is drawn inside a box is what is drawn at all, where it is in the box."""

from __future__ import annotations

import numpy as np
import pytest

from ddcompile.learn.domain import Continuous, Discrete, Domain

RANDOM = np.random.default_rng(0)


def shares(values: np.ndarray, bins: np.ndarray) -> np.ndarray:
    return np.histogram(values, bins)[0] / len(values)


def test_values_of_a_discrete_input() -> None:
    marginal = Discrete(np.array([-1.0, 0, 1, 5]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert marginal.mass(-np.inf, np.inf) == pytest.approx(1)
    assert marginal.mass(0, 5) == pytest.approx(0.5)
    drawn = marginal.draw(RANDOM, 20_000, 0, 5)
    assert set(drawn) == {0, 1}
    assert abs((drawn == 1).mean() - 0.6) < 0.02


def test_values_of_a_real_input_lie_evenly_between_neighbours() -> None:
    marginal = Continuous(np.array([0.0, 1, 1, 3, 10]))
    drawn = marginal.draw(RANDOM, 40_000, -np.inf, np.inf)
    assert abs(shares(drawn, np.array([0, 1, 1.5, 3, 6.5, 10])) - [0.25, 0.3125, 0.1875, 0.125, 0.125]).max() < 0.02
    for low, high in ((-5, 0.5), (0.5, 1), (1, 2), (2, 20), (0, 10)):
        assert marginal.mass(low, high) == pytest.approx(((drawn >= low) & (drawn < high)).mean(), abs=0.02)
        inside = marginal.draw(RANDOM, 1000, low, high)
        assert (inside >= low).all()
        assert (inside < high).all()


def test_one_value_alone() -> None:
    marginal = Continuous(np.array([2.5]))
    assert (marginal.mass(-np.inf, 2.5), marginal.mass(2.5, 3)) == (0, 1)
    assert set(marginal.draw(RANDOM, 10, 2.5, np.inf)) == {2.5}


def test_inside_a_box_the_distribution_is_the_same() -> None:
    rows = RANDOM.integers(0, 3, (40, 3)).astype(float)
    rows[:, 2] = rows[:, 0] + RANDOM.random(40)
    found = [np.unique(column, return_counts=True) for column in rows.T[:2]]
    marginals = (*(Discrete(values, counts / 40) for values, counts in found), Continuous(np.sort(rows[:, 2])))
    domain = Domain(marginals, rows, 0.3)
    everything = domain.draw(RANDOM, 200_000, {})
    box = {0: (1.0, np.inf), 2: (0.5, 2.2)}
    is_inside = (everything[:, 0] >= 1) & (everything[:, 2] >= 0.5) & (everything[:, 2] < 2.2)
    assert domain.probability(box) == pytest.approx(is_inside.mean(), abs=0.005)
    inside, expected = domain.draw(RANDOM, 50_000, box), everything[is_inside]
    for k, bins in enumerate((np.arange(4), np.arange(4), np.linspace(0.5, 2.2, 8))):
        assert abs(shares(inside[:, k], bins) - shares(expected[:, k], bins)).max() < 0.02
    both = [((part[:, 0] == 2) & (part[:, 1] == 0)).mean() for part in (inside, expected)]
    assert both[0] == pytest.approx(both[1], abs=0.02)
