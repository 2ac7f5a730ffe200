"""Which planes a subconcept reads, and how much of its margin remains."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("sklearn")

from ddcompile.learn.bank import Bank
from ddcompile.learn.claims import Claim, claim
from ddcompile.learn.linear import signs
from ddcompile.learn.steps import Steps
from ddcompile.learn.subconcepts import Parts, single_parts, ward_parts


def bank_of(seed: int, number: int, prices: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Bank:
    rng = np.random.default_rng(seed)
    points = np.array(list(product([0, 1], repeat=6)))[rng.permutation(64)[:40]]
    kinds = rng.integers(0, 3, 40)
    parts: Parts = ward_parts(points, kinds, number) if number < 40 else single_parts(kinds)
    return Bank(points, parts, prices, 1.0, Steps())


def of_all_planes(bank: Bank, s: int) -> Claim:
    planes = bank.planes(s, bank.rivals(s))
    distinct = np.unique(np.column_stack(planes), axis=0)
    return Claim((distinct[:, :-1], distinct[:, -1]), np.ones(len(distinct), dtype=np.int64), 0, False)


def margin(bank: Bank, s: int, unit: Claim) -> float:
    """Between the sums of a part's samples and of others, by the length of the weights."""
    kind, samples = bank.parts[s]
    values = unit.weights @ signs(bank.points, unit.planes).astype(int)
    return float((values[samples].min() - values[bank.kinds != kind].max()) / np.sqrt((unit.weights**2).sum()))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("number", [24, 40])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.9, 1.0])
def test_planes_that_go_leave_the_part_of_the_margin_that_was_stated(seed: int, number: int, kept: float) -> None:
    bank = bank_of(seed, number)
    for s, (kind, samples) in enumerate(bank.parts):
        unit = claim(bank, s, kept)
        assert unit.is_exact
        values = unit.weights @ signs(bank.points, unit.planes).astype(int) + unit.bias
        assert (values[samples] > 0).all()
        assert (values[bank.kinds != kind] < 0).all()
        assert margin(bank, s, unit) >= kept * margin(bank, s, of_all_planes(bank, s)) - 1e-9
        assert len(unit.weights) <= len(bank.rivals(s))


def test_fewer_planes_are_read_for_less_margin() -> None:
    bank = bank_of(0, 40)
    counts = [sum(len(claim(bank, s, kept).weights) for s in range(40)) for kept in (0.0, 0.5, 1.0)]
    assert counts[0] < counts[1] < counts[2]


def test_the_border_is_nearer_to_what_costs_less() -> None:
    even, dear = bank_of(1, 40), bank_of(1, 40, (1.0, 9.0, 9.0))
    biases = [(claim(even, s, 1.0).bias, claim(dear, s, 1.0)) for s in range(40) if even.parts[s][0] == 0]
    assert any(unit.bias / unit.weights[0] < bias for bias, unit in biases)


def test_parts_that_cannot_be_told_apart_are_not_exact() -> None:
    bank = bank_of(2, 3)
    found = [claim(bank, s, 0.5) for s in range(3)]
    assert not any(unit.is_exact for unit in found)
