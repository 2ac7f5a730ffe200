"""A network of known structure with the rule that a person would write for it, and the disguises it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ddcompile.analysis.cost import cost
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.network import Network
from ddcompile.interpreter import interpret
from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_type
from ddcompile.ir.types import extents
from ddcompile.testing.inputs import all_inputs, input_values
from ddcompile.testing.networks import network_of
from ddcompile.testing.samples import boundary
from ddcompile.testing.transforms import disguise, signs_for_steps

__all__ = ["Build", "Case", "Structure", "rule_text", "unrolled"]

_ALL = 2**14
"""Inputs that are all tried; where there are more, samples are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A network and the rule that a person who knows its structure would write.

    Attributes
    ----------
    text : str
        The rule, as short and plain as we can write it; its inputs and results are those of the network.
    plain : Network
        The network in the order in which its structure shows.
    head : {"argmax"} or None
        What is done with its last layer.
    extra : int
        What exceptions cost that the rule leaves out; where there are some, the network is not the rule.
    rule : Rule
        The rule of the text.
    """

    text: str
    plain: Network
    head: str | None = None
    extra: int = 0
    rule: Rule = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", parse(self.text))

    @property
    def written(self) -> int:
        """What a person's rule costs."""
        return cost(self.rule) + self.extra

    @property
    def inputs(self) -> str:
        """The declarations of the inputs, as `ddcompile.distill` takes them."""
        return ", ".join(f"{d.name}: {print_type(d.type)}" for d in self.rule.inputs)

    @property
    def outputs(self) -> str:
        """The declarations of the results, likewise."""
        return ", ".join(f"{d.name}: {print_type(d.type)}" for d in self.rule.outputs)

    def network(self, seed: int | None = None) -> Network:
        """The plain network, or one of the same function that hides its structure.

        Units are duplicated, negated, scaled, disturbed where no sum is 0, shuffled among dead ones; for odd seeds,
        hidden step units become sign units first.
        """
        if seed is None:
            return self.plain
        values = input_values(self.rule)
        assert values is not None
        network = signs_for_steps(self.plain) if seed % 2 else self.plain
        return disguise(network, np.random.default_rng(seed), values)

    def samples(self, network: Network, count: int = 1000, seed: int = 0) -> np.ndarray:
        """Inputs to compare with, flattened.

        Parameters
        ----------
        network : Network
            Of this function.
        count : int
            How many samples are taken where there are more than 2**14 inputs: random ones of all densities, and twice
            as many on either side of a change of the result.
        seed : int
            Of the random numbers.
        """
        every = all_inputs(self.rule, _ALL)
        if every is not None:
            return np.concatenate([array.reshape(len(array), -1) for array in every], axis=1).astype(np.int64)
        rng = np.random.default_rng(seed)
        random, first, second = (_random(self.rule, count, rng) for _ in range(3))
        return np.concatenate([random, boundary(lambda x: evaluate(network, x, self.head), first, second, rng)])

    def disagreements(self, network: Network, count: int = 1000, seed: int = 0) -> int:
        """On how many of the `samples` a network and the rule differ."""
        flat = self.samples(network, count, seed)
        expected = evaluate(network, flat, self.head).reshape(len(flat), -1)
        parts, start = [], 0
        for declared in self.rule.inputs:
            shape = extents(declared.type)
            size = int(np.prod(shape))
            parts.append(flat[:, start : start + size].reshape(len(flat), *shape))
            start += size
        found = np.concatenate([r.reshape(len(flat), -1) for r in interpret(self.rule, parts)], axis=1)
        return int((found != expected).any(axis=1).sum())


def _random(rule: Rule, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random inputs; each sample has one usual value, and its own share of others."""
    values = input_values(rule)
    assert values is not None
    low = np.array([min(v) for v in values])
    high = np.array([max(v) for v in values])
    step = np.array([sorted(v)[1] - min(v) for v in values])
    uniform = low + step * rng.integers(0, (high - low) // step + 1, (count, len(values)))
    usual = np.where(rng.random((count, 1)) < 0.5, low, high)
    return np.asarray(np.where(rng.random(uniform.shape) < rng.uniform(0, 1, (count, 1)), usual, uniform))


Build: TypeAlias = Callable[..., Structure]
"""A builder; its arguments are extents, all with defaults."""


@dataclass(frozen=True, slots=True)
class Case:
    """A builder in its section, with the arguments of a small instance for quick tests."""

    section: str
    build: Build
    small: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The name of the builder."""
        return str(self.build.__name__)


def rule_text(signature: str, *statements: str) -> str:
    """The text of a rule from its signature, as `rows(x: bit[8, 9]) -> (y: bit)`, and its statements."""
    return "\n".join([f"rule {signature} {{", *(f"  {s}" for s in statements), "}"])


def unrolled(signature: str, *statements: str) -> Structure:
    """A rule, as for `rule_text`, beside the network that it is when it is unrolled."""
    text = rule_text(signature, *statements)
    return Structure(text, network_of(parse(text)))
