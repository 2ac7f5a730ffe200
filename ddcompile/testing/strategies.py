"""Hypothesis strategies: rules, their inputs, and networks that are known to be some rule in disguise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as OneOf, TypeVar

import numpy as np
from hypothesis import assume, strategies as st

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.printer import print_type
from ddcompile.testing.choose import Choose
from ddcompile.testing.generate import random_rule
from ddcompile.testing.inputs import input_values, random_inputs
from ddcompile.testing.networks import network_of
from ddcompile.testing.operands import THRESHOLD, Limits
from ddcompile.testing.transforms import disguise

__all__ = ["Disguised", "disguised_network", "inputs", "networks", "rules"]

T = TypeVar("T")


class _Drawn(Choose):
    """Choices that Hypothesis makes, and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def choice(self, options: Sequence[T]) -> T:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def boolean(self, p: float = 0.5) -> bool:
        # A threshold on an integer shrinks to False, and is rarer where p is small.
        return p > 0 and self.draw(st.integers(0, 99)) >= 100 * (1 - p)


@dataclass(frozen=True, slots=True)
class Disguised:
    """A network and the rule that it was made from."""

    rule: Rule
    network: Network

    def dense(self) -> Rule:
        """The dense program of the network: the inputs of the rule, and one flat result."""
        inputs = ", ".join(f"{declared.name}: {print_type(declared.type)}" for declared in self.rule.inputs)
        kind = {"step": "bit", "sign": "trit"}.get(self.network.layers[-1].activation, "rat")
        return lower(self.network, inputs, f"out: {kind}[{self.network.outputs}]", None, "network")


@st.composite
def rules(draw: st.DrawFn, limits: Limits | None = None) -> Rule:
    """Random rules that the verifier accepts.

    Parameters
    ----------
    limits : Limits, optional
        What may occur and how large.
    """
    return random_rule(_Drawn(draw), limits)


@st.composite
def inputs(draw: st.DrawFn, rule: Rule, count: int = 3) -> tuple[np.ndarray, ...]:
    """Batches of legal inputs of a rule, `count` samples each."""
    return random_inputs(rule, _Drawn(draw), count)


def disguised_network(choose: Choose, limits: Limits = THRESHOLD, *, plain: bool = False) -> Disguised | None:
    """A random rule as a network, shuffled, doubled, padded, flipped and disturbed unless `plain`.

    None if the rule cannot be unrolled.
    """
    rule = random_rule(choose, limits)
    activations: tuple[OneOf["step", "sign"], ...] = ("step", "sign")
    try:
        network = network_of(rule, choose.choice(activations))
    except CompileError:
        return None
    values = input_values(rule)
    assert values is not None
    if not plain:
        network = disguise(network, np.random.default_rng(choose.integer(0, 2**32 - 1)), values)
    return Disguised(rule, network)


@st.composite
def networks(draw: st.DrawFn, limits: Limits = THRESHOLD, *, plain: bool = False) -> Disguised:
    """Networks unrolled from random rules, and disguised unless `plain`."""
    found = disguised_network(_Drawn(draw), limits, plain=plain)
    assume(found is not None)
    assert found is not None
    return found
