"""A small part of the attack on soundness (`tests/benchmarks/must_hold.py --only attack`), and that it would tell."""

from __future__ import annotations

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.frontends.evaluate import evaluate
from ddcompile.testing.attack import FAMILIES, Target, attempt
from ddcompile.testing.attack.exact import outputs
from ddcompile.testing.attack.target import Input, grid

NETWORKS = 3


@pytest.mark.parametrize("family", FAMILIES)
def test_networks_stay_themselves(family: str) -> None:
    for k in range(NETWORKS):
        target = FAMILIES[family](np.random.default_rng((99, k)))
        trial = attempt(target, again=k == 0)
        assert not trial.fault, f"{k}: {trial}"
        assert not trial.wrong, f"{k}: {trial}"
        assert not trial.longer, f"{k}: {trial}"


@pytest.mark.parametrize("family", FAMILIES)
def test_two_exact_evaluations_agree(family: str) -> None:
    for k in range(2 * NETWORKS):
        target = FAMILIES[family](np.random.default_rng((98, k)))
        head = None if target.head == "softmax" else target.head
        values = target.expected(head)
        expected = evaluate(target.network, target.flat, head or "none").reshape(values.array.shape)
        assert (expected == values.fractions()).astype(bool).all()
        assert len(np.unique(target.flat, axis=0)) == len(target.flat)


def test_exact_values() -> None:
    flat = np.array([[0, 1], [1, 0], [1, 1]])
    layer = dd.Layer(np.array([[2.0**70, -0.5]]), np.array([-(2.0**70)]), "relu")
    assert outputs((layer,), flat, None).fractions().tolist() == [[0], [0], [0]]
    ramp = dd.Layer(np.array([[0.5, 2.0], [-1.0, 0.25]]), np.array([0.0, 0.0]), "hardtanh")
    assert outputs((ramp,), flat, None).fractions().tolist() == [[1, 0.25], [0.5, -1], [1, -0.75]]
    assert outputs((ramp,), flat, "argmax").array.tolist() == [[0], [0], [0]]


@pytest.mark.parametrize("head", [None, "argmax", "softmax"])
def test_a_wrong_rule_is_told(monkeypatch: pytest.MonkeyPatch, head: str | None) -> None:
    """The rule of another network, which differs where both inputs are 1."""
    inputs = (Input("x", "bit", (2,)),)
    flat = grid(inputs)
    assert flat is not None
    zero = np.zeros(2)
    right = dd.Layer(np.array([[1, 1], [2, 0]]), zero, "identity")
    wrong = dd.Layer(np.array([[1, 1], [2, 0]]), zero, "hardtanh")
    target = Target("", (right,), inputs, flat, None, head)
    assert not attempt(target).wrong
    other = dd.distill(dd.Network((wrong,)), "x: bit[2]", head=head, name="network")
    monkeypatch.setattr(dd, "distill", lambda *_, **__: other)
    assert attempt(target).wrong


def test_results_that_cannot_be_seen_to_fit_their_type() -> None:
    """Sums of bits that are -1, 0 or 1 by the function alone are no program of trits."""
    target = FAMILIES["rules"](np.random.default_rng((11, list(FAMILIES).index("rules"), 66)))
    trial = attempt(target)
    assert (trial.wrong, trial.fault) == (0, "")


def test_products_beyond_all_doubles_are_no_inputs() -> None:
    target = FAMILIES["passes in any order"](
        np.random.default_rng((0, list(FAMILIES).index("passes in any order"), 108))
    )
    assert target.flat.size
    assert np.isfinite(target.flat).all()
