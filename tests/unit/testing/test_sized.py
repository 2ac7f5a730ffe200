"""Families of networks of every size: oracles agree with the networks, and one rule is found for all sizes."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.frontends.evaluate import evaluate
from ddcompile.testing.sized import SIZED

COUNT = 200


@pytest.mark.parametrize("name", SIZED)
def test_oracles_are_the_networks(name: str) -> None:
    family = SIZED[name]
    for sizes in family.given[:2]:
        drawn = family.draw(np.random.default_rng(1), COUNT, *sizes)
        built = family.build(*sizes)
        flat = np.concatenate([array.reshape(COUNT, -1) for array in drawn], axis=1).astype(np.int64)
        expected = evaluate(built.plain, flat, built.head).reshape(COUNT, -1)
        found = family.oracle(*drawn, *(sizes[1:] if family.is_timed else ()))
        assert (found.reshape(COUNT, -1) == expected).all()
        assert len(np.unique(found)) > 1


@pytest.mark.parametrize("name", ["rule30", "rank", "third"])
def test_one_rule_for_every_size(name: str) -> None:
    family = SIZED[name]
    given = []
    for seed, sizes in enumerate(family.given):
        built = family.build(*sizes)
        given.append(dd.distill(built.network(seed), built.inputs, built.outputs, built.head, name))
    program = dd.generalize(given)
    assert program.generalization is not None
    assert not program.generalization.assumed
    drawn = family.draw(np.random.default_rng(2), COUNT, *family.held_out)
    assert (program.jit()(*drawn) == family.oracle(*drawn)).all()
