"""Where random choices come from: one protocol, so that one generator serves Hypothesis and `random.Random`."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol, TypeVar

__all__ = ["Choose", "RandomChoose"]

T = TypeVar("T")


class Choose(Protocol):
    """A source of choices. The simplest outcome comes first: the low end, the first option, False."""

    def integer(self, low: int, high: int) -> int:
        """An integer, both ends included."""

    def choice(self, options: Sequence[T]) -> T:
        """One of a non-empty sequence."""

    def boolean(self, p: float = 0.5) -> bool:
        """True with probability about `p`."""


class RandomChoose:
    """Choices from a seeded `random.Random`."""

    def __init__(self, seed: int) -> None:
        """Equal seeds give equal choices."""
        self.random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        """An integer, both ends included."""
        return self.random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        """One of a non-empty sequence."""
        return options[self.random.randrange(len(options))]

    def boolean(self, p: float = 0.5) -> bool:
        """True with probability `p`."""
        return self.random.random() < p
