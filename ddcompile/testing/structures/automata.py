"""Steps of cellular automata as deep networks whose cells are coded in different hidden units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import indicators, steps
from ddcompile.testing.structures.structure import Build, Case, Structure, rule_text, unrolled

__all__ = ["AUTOMATA", "Code", "minterms", "thresholds"]

Code = Callable[[Sequence[int]], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Step units for a function of three bits from its eight values: weights, least sums, and what the units add."""


def minterms(values: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A unit for every row of the table that is 1; their sum is the function."""
    ones = np.array([row for row, value in zip(product((0, 1), repeat=3), values, strict=True) if value])
    return 2 * ones - 1, ones.sum(axis=1), np.ones(len(ones), dtype=np.int64)


def thresholds(values: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A unit for every change of the function along the number that the three bits are."""
    changes = np.diff([0, *values])
    at_least = np.flatnonzero(changes)
    return np.tile([4, 2, 1], (len(at_least), 1)), at_least, changes[at_least]


def _repeated(n: int, times: int, code: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Network:
    """Steps of an automaton on a ring; every layer reads the sums that are the cells before it."""
    weights, at_least, signs = code
    around = np.stack([np.roll(np.eye(n, dtype=np.int64), k, axis=1) for k in (-1, 0, 1)])
    first = np.einsum("uk,kij->iuj", weights, around).reshape(n * len(weights), n)
    cells = np.kron(np.eye(n, dtype=np.int64), signs)
    bounds = np.tile(at_least, n)
    later = [steps(first @ cells, bounds) for _ in range(times - 1)]
    return Network((steps(first, bounds), *later, steps(cells, 1)))


def _elementary(number: int, expression: str, code: Code, times: int) -> Build:
    """A builder of steps of one of Wolfram's rules; `l`, `c` and `r` in the expression are the cells that count."""
    values = [number >> k & 1 for k in range(8)]
    name = f"rule{number}_{code.__name__}"

    def build(n: int = 13, times: int = times) -> Structure:
        reads = {"l": f"state[t - 1, (i - 1) % {n}]", "c": "state[t - 1, i]", "r": f"state[t - 1, (i + 1) % {n}]"}
        text = rule_text(
            f"{name}(cell: bit[{n}]) -> (next: bit[{n}])",
            f"state[0, i < {n}] = cell[i]",
            f"state[1 <= t < {times + 1}, i < {n}] = {' '.join(reads.get(w, w) for w in expression.split())}",
            f"next[i < {n}] = state[{times}, i]",
        )
        return Structure(text, _repeated(n, times, code(values)))

    build.__name__ = name
    build.__doc__ = f"Steps of rule {number} on a ring, by {code.__name__}."
    return build


ELEMENTARY = tuple(
    _elementary(number, expression, code, times)
    for number, expression, code, times in (
        (22, "l + c + r == 1", minterms, 3),
        (30, "l xor ( c or r )", thresholds, 4),
        (30, "l xor ( c or r )", minterms, 3),
        (45, "l xor ( c >= r )", thresholds, 3),
        (54, "c xor ( l or r )", minterms, 6),
        (60, "l xor c", minterms, 4),
        (90, "l xor r", thresholds, 3),
        (105, "l xor c == r", minterms, 3),
        (106, "l and c xor r", thresholds, 3),
        (110, "2 <= l + 2 * c + 2 * r <= 4", minterms, 4),
        (126, "1 <= l + c + r <= 2", thresholds, 2),
        (150, "l xor c xor r", thresholds, 4),
        (172, "if l then r else c", minterms, 3),
        (184, "if c then r else l", thresholds, 6),
    )
)


def life_steps(n: int = 6, times: int = 2) -> Structure:
    """Steps of Life on a torus, from two thresholds a cell and step."""
    places = [
        [((i + a) % n, (j + b) % n) for a in (-1, 0, 1) for b in (-1, 0, 1) for _ in range(2 if a or b else 1)]
        for i, j in product(range(n), repeat=2)
    ]
    around = indicators((n, n), places).reshape(n * n, n * n)
    first = np.concatenate([around, around])
    bounds = np.repeat([5, 8], n * n)
    cells = np.kron([[1, -1]], np.eye(n * n, dtype=np.int64))
    later = [steps(first @ cells, bounds) for _ in range(times - 1)]
    text = rule_text(
        f"life_steps(cell: bit[{n}, {n}]) -> (next: bit[{n}, {n}])",
        f"state[0, i < {n}, j < {n}] = cell[i, j]",
        f"state[1 <= t < {times + 1}, i < {n}, j < {n}] = 5 <= "
        f"2 * sum(di in -1..1, dj in -1..1: state[t - 1, (i + di) % {n}, (j + dj) % {n}]) - state[t - 1, i, j] <= 7",
        f"next[i < {n}, j < {n}] = state[{times}, i, j]",
    )
    return Structure(text, Network((steps(first, bounds), *later, steps(cells, 1))))


def framed(n: int = 12, times: int = 4) -> Structure:
    """Equal layers after a different one and before another: pairs, steps to one side, counts of a few places."""
    here = np.eye(n, dtype=np.int64)
    pair = steps(np.kron(here, [1, 1]), 2)
    some, both = here + np.roll(here, 1, axis=1), here + np.roll(here, 2, axis=1)
    middle = [steps(some if t == 0 else both + np.roll(here, 3, axis=1), 1 if t == 0 else 2) for t in range(times + 1)]
    last = steps(np.kron(np.eye(n // 3, dtype=np.int64), [1, 1, 1]), 2)
    text = rule_text(
        f"framed(x: bit[{2 * n}]) -> (y: bit[{n // 3}])",
        f"pair[i < {n}] = x[2 * i] and x[2 * i + 1]",
        f"state[0, i < {n}] = pair[i] or pair[(i + 1) % {n}]",
        f"state[1 <= t < {times + 1}, i < {n}] = state[t - 1, i] + state[t - 1, (i + 2) % {n}] "
        f"+ state[t - 1, (i + 3) % {n}] >= 2",
        f"y[i < {n // 3}] = sum(j < 3: state[{times}, 3 * i + j]) >= 2",
    )
    return Structure(text, Network((pair, *middle, last)))


def relu_diffusion(n: int = 10, times: int = 3) -> Structure:
    """Equal rectified layers over whole numbers: what a place has more than the next one, and what is there."""
    here = np.eye(n, dtype=np.int64)
    weight = 2 * here - np.roll(here, 1, axis=1)
    zero = np.zeros(n, dtype=np.int64)
    text = rule_text(
        f"relu_diffusion(x: int[0..9][{n}]) -> (y: int[{n}])",
        f"state[0, i < {n}] = x[i]",
        f"state[1 <= t < {times + 1}, i < {n}] = relu(2 * state[t - 1, i] - state[t - 1, (i + 1) % {n}])",
        f"y[i < {n}] = state[{times}, i]",
    )
    return Structure(text, Network(tuple(Layer(weight, zero, "relu") for _ in range(times))))


def exclusive_steps(n: int = 11, times: int = 3) -> Structure:
    """Steps of rule 30 whose values are sums of what several layers before have: a cell less twice what is carried."""
    return unrolled(
        f"exclusive_steps(x: bit[{n}]) -> (y: bit[{n}])",
        f"state[0, i < {n}] = x[i]",
        f"state[1 <= t < {times + 1}, i < {n}] = state[t - 1, (i - 1) % {n}] xor "
        f"(state[t - 1, i] or state[t - 1, (i + 1) % {n}])",
        f"y[i < {n}] = state[{times}, i]",
    )


AUTOMATA = tuple(
    Case("automata", build, small)
    for build, small in (
        *((build, (5, 2)) for build in ELEMENTARY),
        (life_steps, (3, 2)),
        (framed, (6, 2)),
        (relu_diffusion, (4, 2)),
        (exclusive_steps, (5, 2)),
    )
)
