"""The example networks: deterministic builders, and generators of the inputs that they are made for.

`EXAMPLES` lists them by name, each with what `ddcompile.distill` needs to know; the demo, the examples folder, the
tests and the benchmarks all build from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.frontends.npz import npz_bytes
from ddcompile.testing.samples import lines, noise, rings
from ddcompile.testing.transforms import shuffle_units

__all__ = ["EXAMPLES", "Example", "orientation", "random_ties", "rule30", "save", "two_of_three"]

A = 0.73205080756887
B = 0.73205080691234


@dataclass(frozen=True, slots=True)
class Example:
    """A network whose short rule is known, and how to distill it.

    Attributes
    ----------
    name, about : str
        The name of the rule, and one line on what it shows.
    build : callable
        Gives the network; its argument is a seed that shuffles the hidden layers, or None for the plain order.
    inputs : str
        The declaration of the input.
    outputs, head : str or None
        The declaration of the output, and the head, where they are needed.
    structured : callable
        `structured(rng, count)` gives flat inputs like those the network was made for, as (count, inputs) uint8.
    """

    name: str
    about: str
    build: Callable[[int | None], Network]
    inputs: str
    outputs: str | None
    head: str | None
    structured: Callable[[np.random.Generator, int], np.ndarray]


def orientation(n: int, seed: int | None = None, a: float = A, b: float = B) -> Network:
    """Whether an n x n image shows more vertical or more horizontal full lines, as an essence network.

    Three layers, exactly as the method of essence networks makes them: n^2 sign units, each the max-margin separator of
    one vertical and one horizontal line (+1 on its column, -1 on its row, 0 where they cross); 2n sign units, each one
    line against all others; and two scores. Class 0 is vertical, class 1 horizontal.

    Parameters
    ----------
    n : int
        Height and width, and the number of lines of either kind.
    seed : int, optional
        Shuffles the units of both hidden layers.
    a, b : float
        Weights of the scores for the own kind and against the other; floats that agree to 8 digits.
    """
    separators = np.zeros((n, n, n, n))
    for i in range(n):
        separators[i, :, :, i] += 1
        separators[:, i, i, :] -= 1
    u = 1 / (n * (n * n - 1))
    bias = -(n * (n - 1) + 0.0004) * u
    lines_of = np.zeros((2, n, n, n))
    lines_of[0] = -(n - 1) * u
    lines_of[1] = (n - 1) * u
    for i in range(n):
        lines_of[0, i, i, :] = u
        lines_of[1, i, :, i] = -u
    scores = np.array([[a] * n + [-b] * n, [-b] * n + [a] * n])
    network = Network(
        (
            Layer(separators.reshape(n * n, n * n), np.zeros(n * n), "sign"),
            Layer(lines_of.reshape(2 * n, n * n), np.full(2 * n, bias), "sign"),
            Layer(scores, np.zeros(2), "identity"),
        ),
        name="orientation",
    )
    return _shuffled(network, seed)


def rule30(seed: int | None = None, cells: int = 20) -> Network:
    """One step of Wolfram's rule 30 on a ring: four conjunctions of three cells for a cell, and their disjunction."""
    ones = ((1, 0, 0), (0, 1, 1), (0, 1, 0), (0, 0, 1))
    conjunctions = np.zeros((cells, len(ones), cells))
    bias = np.zeros((cells, len(ones)))
    for cell in range(cells):
        for k, pattern in enumerate(ones):
            for offset, wanted in zip((-1, 0, 1), pattern, strict=True):
                conjunctions[cell, k, (cell + offset) % cells] = 1 if wanted else -1
            bias[cell, k] = 0.5 - sum(pattern)
    disjunctions = np.kron(np.eye(cells), np.ones((1, len(ones))))
    network = Network(
        (
            Layer(conjunctions.reshape(-1, cells), bias.ravel(), "step"),
            Layer(disjunctions, np.full(cells, -0.5), "step"),
        ),
        name="rule30",
    )
    return _shuffled(network, seed)


def two_of_three(seed: int | None = None) -> Network:
    """A majority of three bits as training leaves it: one step unit with uneven weights, and nothing to shuffle."""
    return Network((Layer(np.array([[0.3333, 0.3334, 0.3332]]), np.array([-0.5]), "step"),), name="two_of_three")


def random_ties(seed: int | None = None, sizes: tuple[int, ...] = (8, 6, 5, 3)) -> Network:
    """A random network of sign units with small integer weights: sums are often 0, and then so is the unit."""
    rng = np.random.default_rng(0 if seed is None else seed)
    layers = [
        Layer(rng.integers(-2, 3, (units, inputs)), rng.integers(-1, 2, units), "sign")
        for inputs, units in pairwise(sizes)
    ]
    return Network(tuple(layers), name="random_ties")


def save(network: Network, path: str | Path) -> None:
    """Write a network as a `.npz` file that `ddcompile distill` reads; equal networks give equal bytes."""
    Path(path).write_bytes(npz_bytes(network))


def _shuffled(network: Network, seed: int | None) -> Network:
    return network if seed is None else shuffle_units(network, np.random.default_rng(seed))


def _orientation(n: int) -> Example:
    return Example(
        "orientation",
        f"which way most full lines of an image run: {n * n + 2 * n + 2} units become a few lines of arithmetic",
        partial(orientation, n),
        f"image: bit[{n}, {n}]",
        None,
        "argmax",
        partial(lines, n=n),
    )


EXAMPLES: dict[str, Example] = {
    "orientation": _orientation(28),
    "orientation9": _orientation(9),
    "rule30": Example(
        "rule30",
        "a cellular automaton, found again in 100 threshold units in any order",
        rule30,
        "cell: bit[20]",
        None,
        None,
        partial(rings, cells=20),
    ),
    "two_of_three": Example(
        "two_of_three",
        "a majority vote behind uneven weights",
        two_of_three,
        "x: bit[3]",
        None,
        None,
        partial(noise, shape=3),
    ),
    "random_ties": Example(
        "random_ties",
        "sign units that are often exactly 0, which must stay so",
        random_ties,
        "x: bit[8]",
        None,
        None,
        partial(noise, shape=8),
    ),
}
