"""Dense programs: steps are proved once they are known to shorten it, and units are not put in order alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ddcompile.analysis.cost import cost
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Layer, Network
from ddcompile.ir.nodes import Rule
from ddcompile.passes import pipeline, reroll
from ddcompile.passes.following import Step
from ddcompile.passes.reroll import Reroll


def _majorities(scale: float = 1.0) -> Rule:
    """Whether two of three neighbours on a ring are set, and whether a majority of these."""
    weight = scale * (np.eye(8) + np.eye(8, k=1) + np.eye(8, k=-1) + np.eye(8, k=7) + np.eye(8, k=-7))
    layers = Layer(weight, np.full(8, -1.5 * scale), "step"), Layer(np.ones((1, 8)), np.full(1, -4.0), "step")
    return lower(Network(layers), "x: bit[8]", None, None, "network")


def _random(units: int) -> Rule:
    rng = np.random.default_rng(0)
    layers = (
        Layer(rng.normal(size=(units, 8)), rng.normal(size=units), "sign"),
        Layer(np.ones((1, units)), np.zeros(1), "sign"),
    )
    return lower(Network(layers), "x: bit[8]", None, None, "network")


def test_proofs_are_asked_for_in_order_after_all_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pipeline.run(_majorities())
    monkeypatch.setattr(pipeline, "_DENSE", cost(_majorities()))
    events: list[str] = []

    def accept(step: Step) -> bool:
        events.append("accept")
        return True

    found = pipeline.run(_majorities(), None, lambda *_: events.append("pass"), accept)
    first = events.index("accept")
    assert events[first : first + 2] == ["accept", "accept"]
    assert all(a.new == b.old for a, b in pairwise(found))
    assert found[-1].new == expected[-1].new


@pytest.mark.parametrize("refused", ["reroll", "forward", "name"])
def test_a_step_that_is_not_proved_is_left_out(refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pipeline.run(_majorities(0.3), accept=lambda step: step.name != refused)
    assert any(step.name == refused for step in pipeline.run(_majorities(0.3)))
    monkeypatch.setattr(pipeline, "_DENSE", cost(_majorities(0.3)))
    found = pipeline.run(_majorities(0.3), accept=lambda step: step.name != refused)
    assert refused not in {step.name for step in found}
    assert found[-1].new == expected[-1].new


def test_what_is_not_shortened_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_DENSE", 1)
    monkeypatch.setattr(pipeline, "_shorter", lambda rule, *_: [Step("forward", rule, rule, None, 0.0)])
    asked: list[str] = []

    def accept(step: Step) -> bool:
        asked.append(step.name)
        return True

    pipeline.run(_majorities(), accept=accept)
    assert "forward" not in asked


def test_units_are_not_put_in_order_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = pipeline.run(_random(6), "forward")[-1].new
    assert Reroll()(rule).rule != rule
    monkeypatch.setattr(reroll, "_DENSE", 1)
    assert Reroll()(rule).rule == rule
    assert Reroll()(_majorities()).rule != _majorities()
