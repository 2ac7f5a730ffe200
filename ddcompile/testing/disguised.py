"""Networks that are known to be a rule in disguise: unrolled, then shuffled, doubled, padded, flipped and disturbed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

import numpy as np

from ddcompile.diagnostics import CompileError
from ddcompile.frontends.dense import lower
from ddcompile.frontends.network import Network
from ddcompile.ir.nodes import Rule
from ddcompile.ir.printer import print_type
from ddcompile.testing.choose import Choose
from ddcompile.testing.generate import random_rule
from ddcompile.testing.inputs import input_values
from ddcompile.testing.networks import network_of
from ddcompile.testing.operands import THRESHOLD, Limits
from ddcompile.testing.transforms import disguise

__all__ = ["Disguised", "disguised_network"]


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
