"""Hypothesis strategies: rules, their inputs, and networks that are known to be some rule in disguise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from hypothesis import assume, strategies as st

from ddcompile.ir.nodes import Rule
from ddcompile.testing.choose import Choose
from ddcompile.testing.disguised import Disguised, disguised_network
from ddcompile.testing.generate import random_rule
from ddcompile.testing.inputs import random_inputs
from ddcompile.testing.operands import THRESHOLD, Limits

__all__ = ["inputs", "networks", "rules"]

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


@st.composite
def networks(draw: st.DrawFn, limits: Limits = THRESHOLD, *, plain: bool = False) -> Disguised:
    """Networks unrolled from random rules, and disguised unless `plain`."""
    found = disguised_network(_Drawn(draw), limits, plain=plain)
    assume(found is not None)
    assert found is not None
    return found
