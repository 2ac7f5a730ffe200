"""A network to attack with, and all of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.attack.exact import Exact, outputs

__all__ = ["KINDS", "MOST_ROWS", "Input", "Target", "declare", "grid"]

KINDS: Mapping[str, tuple[int, ...]] = {
    "bit": (0, 1),
    "spin": (-1, 1),
    "trit": (-1, 0, 1),
    "int[-1..2]": (-1, 0, 1, 2),
    "int[3..5]": (3, 4, 5),
    "int[-40..-38]": (-40, -39, -38),
    "int[0..6]": tuple(range(7)),
    f"int[{2**53 + 1}..{2**53 + 2}]": (2**53 + 1, 2**53 + 2),
    f"int[{-(2**62) - 1}..{1 - 2**62}]": tuple(range(-(2**62) - 1, 2 - 2**62)),
}
MOST_INPUTS = 14
MOST_ROWS = 1 << MOST_INPUTS


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input."""

    name: str
    kind: str
    shape: tuple[int, ...]

    @property
    def text(self) -> str:
        """Its declaration."""
        shape = f"[{', '.join(map(str, self.shape))}]" if self.shape else ""
        return f"{self.name}: {self.kind}{shape}"


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A network, its inputs, its results as declared (None for the default) and its head.

    Attributes
    ----------
    flat : numpy.ndarray of shape (all inputs, values)
        Every input, flattened in declared order; of rationals and reals, some.
    passes : str, optional
        The passes to distill with instead of the default ones.
    """

    family: str
    layers: tuple[Layer, ...]
    inputs: tuple[Input, ...]
    flat: np.ndarray
    outputs: str | None = None
    head: str | None = None
    passes: str | None = None

    @property
    def network(self) -> Network:
        """The network."""
        return Network(self.layers)

    @property
    def declared(self) -> str:
        """The declarations of the inputs."""
        return ", ".join(i.text for i in self.inputs)

    def arrays(self) -> list[np.ndarray]:
        """All inputs, an array for each declared one, batch axis first."""
        found, start = [], 0
        for i in self.inputs:
            count = prod(i.shape)
            values = self.flat[:, start : start + count].reshape(len(self.flat), *i.shape)
            found.append(values if i.kind in ("rat", "real") else values.astype(np.int64))
            start += count
        return found

    def expected(self, head: str | None) -> Exact:
        """The exact values for all inputs behind the head."""
        return outputs(self.layers, self.flat, head)


def grid(inputs: Sequence[Input]) -> np.ndarray | None:
    """All inputs, one a row; None if they are too many."""
    values = [KINDS[i.kind] for i in inputs for _ in range(prod(i.shape))]
    if prod(map(len, values)) > MOST_ROWS:
        return None
    return np.array(list(product(*values)), dtype=np.int64).reshape(-1, len(values))


def declare(rng: np.random.Generator, most: int = MOST_INPUTS) -> tuple[tuple[Input, ...], np.ndarray]:
    """Random declarations of one to three inputs, at least one value and at most `most` in all, and their grid."""
    while True:
        count = int(rng.choice([1, 1, 1, 2, 3]))
        kinds = rng.choice(list(KINDS), count, p=_weights())
        inputs = tuple(Input("xyz"[k], str(kind), _shape(rng, most)) for k, kind in enumerate(kinds))
        if 0 < sum(prod(i.shape) for i in inputs) <= most:
            flat = grid(inputs)
            if flat is not None:
                return inputs, flat


def _weights() -> list[float]:
    share = [0.4, 0.2, 0.2]
    return share + [(1 - sum(share)) / (len(KINDS) - len(share))] * (len(KINDS) - len(share))


def _shape(rng: np.random.Generator, most: int) -> tuple[int, ...]:
    match int(rng.integers(0, 5)):
        case 0:
            return ()
        case 1:
            return int(rng.integers(1, 5)), int(rng.integers(1, 5))
        case _:
            return (int(rng.integers(1, most + 1)),)
