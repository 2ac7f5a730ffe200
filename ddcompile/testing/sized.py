"""Families of networks of every size, with inputs for them and oracles that know nothing of rules.

`SIZED` lists them by name: what sizes are given, at what others the rule that they have in common is tried, and what
plain NumPy, or Python integers, say is the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

from ddcompile.frontends.network import Network
from ddcompile.testing.samples import lines, rings
from ddcompile.testing.structures.depth import adder, drift
from ddcompile.testing.structures.families import rank
from ddcompile.testing.structures.layers import indicators, steps
from ddcompile.testing.structures.stencils import padded_square
from ddcompile.testing.structures.structure import Structure, rule_text
from ddcompile.testing.structures.yardsticks import orientation, rule30

__all__ = ["SIZED", "SizedFamily"]

Arrays: TypeAlias = tuple[np.ndarray, ...]
Draw: TypeAlias = Callable[..., Arrays]
Oracle: TypeAlias = Callable[..., np.ndarray]


@dataclass(frozen=True, slots=True)
class SizedFamily:
    """Networks of one structure and many sizes.

    Attributes
    ----------
    name : str
    build : callable
        Takes sizes to a network and its declarations.
    given : tuple of tuple of int
        Sizes from which a rule is made.
    held_out : tuple of int
        Sizes at which it is compared on many inputs.
    large : tuple of int
        Sizes at which it is compared on few.
    draw : callable
        `draw(rng, count, *sizes)` gives structured inputs, batch axis first.
    oracle : callable
        Takes them to the result.
    is_timed : bool
        Whether the last size is a number of steps, which the oracle is told, and the rule.
    """

    name: str
    build: Callable[..., Structure]
    given: tuple[tuple[int, ...], ...]
    held_out: tuple[int, ...]
    large: tuple[int, ...]
    draw: Draw
    oracle: Oracle
    is_timed: bool = False


def _around(h: int, w: int, offsets: Sequence[tuple[int, int]]) -> np.ndarray:
    """Ones at some offsets from every place of a torus."""
    places = [[((i + a) % h, (j + b) % w) for a, b in offsets] for i, j in product(range(h), range(w))]
    return indicators((h, w), places)


def life(h: int, w: int) -> Structure:
    """One step of Life on a torus, from two thresholds a cell."""
    offsets = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) for _ in range(2 if a or b else 1)]
    around = _around(h, w, offsets)
    first = steps(np.concatenate([around, around]), np.repeat([5, 8], h * w))
    last = steps(np.kron([[1, -1]], np.eye(h * w, dtype=np.int64)), 1)
    text = rule_text(
        f"life(cell: bit[{h}, {w}]) -> (next: bit[{h}, {w}])",
        f"next[i < {h}, j < {w}] = 5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % {h}, (j + dj) % {w}]) "
        "- cell[i, j] <= 7",
    )
    return Structure(text, Network((first, last)))


def radius2(n: int) -> Structure:
    """One step of an automaton that sees two cells to either side: whether two or three of five are set."""
    around = sum(np.roll(np.eye(n, dtype=np.int64), d, axis=1) for d in range(-2, 3))
    first = steps(np.concatenate([around, around]), np.repeat([2, 4], n))
    last = steps(np.kron([[1, -1]], np.eye(n, dtype=np.int64)), 1)
    text = rule_text(
        f"radius2(cell: bit[{n}]) -> (next: bit[{n}])",
        f"next[i < {n}] = 2 <= sum(di in -2..2: cell[(i + di) % {n}]) <= 3",
    )
    return Structure(text, Network((first, last)))


def strided(m: int) -> Structure:
    """Which 3 x 3 windows at every other place are well filled."""
    n = 2 * m + 1
    places = [[(2 * i + a, 2 * j + b) for a, b in product(range(3), repeat=2)] for i, j in product(range(m), repeat=2)]
    text = rule_text(
        f"strided(x: bit[{n}, {n}]) -> (y: bit[{m}, {m}])",
        f"y[i < {m}, j < {m}] = sum(k < 3, l < 3: x[2 * i + k, 2 * j + l]) >= 5",
    )
    return Structure(text, Network((steps(indicators((n, n), places), 5),)))


def half_of_half(h: int, w: int) -> Structure:
    """Whether at least half of the rows are at least half filled."""
    first = steps(np.kron(np.eye(h, dtype=np.int64), np.ones((1, w), dtype=np.int64)), -(-w // 2))
    text = rule_text(
        f"half_of_half(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}: sum(j < {w}: x[i, j]) >= {-(-w // 2)}) >= {-(-h // 2)}",
    )
    return Structure(text, Network((first, steps(np.ones((1, h), dtype=np.int64), -(-h // 2)))))


def above_a_third(n: int) -> Structure:
    """Whether more than a third of all places are set."""
    text = rule_text(f"above_a_third(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) >= {n // 3 + 1}")
    return Structure(text, Network((steps(np.ones((1, n), dtype=np.int64), n // 3 + 1),)))


def satisfiable(variables: int, clauses: int) -> Structure:
    """Whether setting all variables satisfies at least half of the clauses by most of their literals."""
    size = 2 * clauses * variables
    literals = np.arange(size).reshape(2, clauses, variables)
    weight = np.zeros((clauses, size), dtype=np.int64)
    for c in range(clauses):
        weight[c, literals[0, c]], weight[c, literals[1, c]] = 1, -1
    favours = steps(weight, 1)
    text = rule_text(
        f"satisfiable(plain: bit[{clauses}, {variables}], negated: bit[{clauses}, {variables}]) -> (y: bit)",
        f"y = sum(i < {clauses}: sum(j < {variables}: plain[i, j] - negated[i, j]) > 0) >= {-(-clauses // 2)}",
    )
    return Structure(text, Network((favours, steps(np.ones((1, clauses), dtype=np.int64), -(-clauses // 2)))))


def _which_way(image: np.ndarray) -> np.ndarray:
    """What the layers of the network for orientation say, in integers."""
    answers = []
    for one in image.astype(np.int64):
        n = len(one)
        ahead = np.sign(one.sum(axis=0)[:, None] - one.sum(axis=1)[None, :])
        everything = ahead.sum()
        vertical = n * ahead.sum(axis=1) - (n - 1) * everything > n * (n - 1)
        horizontal = (n - 1) * everything - n * ahead.sum(axis=0) > n * (n - 1)
        answers.append(horizontal.sum() > vertical.sum())
    return np.array(answers)


def _moved(x: np.ndarray, *offset: int) -> np.ndarray:
    """The cells that lie so far after every cell, on a ring or torus."""
    return np.roll(x, [-d for d in offset], axis=tuple(range(-len(offset), 0)))


def _life(cell: np.ndarray) -> np.ndarray:
    around = sum(_moved(cell, a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b)
    return np.asarray((around == 3) | ((cell == 1) & (around == 2)))


def _rule30(cell: np.ndarray) -> np.ndarray:
    return np.asarray((30 >> (4 * _moved(cell, -1) + 2 * cell + _moved(cell, 1))) & 1)


def _radius2(cell: np.ndarray) -> np.ndarray:
    around = np.asarray(sum(_moved(cell, d) for d in range(-2, 3)))
    return np.asarray((around == 2) | (around == 3))


def _padded(x: np.ndarray) -> np.ndarray:
    n = x.shape[-1]
    wide = np.pad(x, [(0, 0), (1, 1), (1, 1)])
    return np.asarray(sum(wide[:, a : a + n, b : b + n] for a in range(3) for b in range(3))) >= 4


def _strided(x: np.ndarray) -> np.ndarray:
    ends = x.shape[-1] - 2
    return np.asarray(sum(x[:, a : a + ends : 2, b : b + ends : 2] for a in range(3) for b in range(3))) >= 5


def _sums(x: np.ndarray) -> np.ndarray:
    """The sums of pairs of numbers in binary, lowest bit first, by Python's integers."""
    n = x.shape[-1]
    found = []
    for first, second in x.tolist():
        a, b = (int("".join(map(str, reversed(bits))), 2) for bits in (first, second))
        found.append([int(bit) for bit in reversed(f"{a + b:0{n + 1}b}")])
    return np.array(found)


def _drifted(x: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        x = (x + _moved(x, 1) + _moved(x, 2)) // 2
    return x


def _ranks(x: np.ndarray) -> np.ndarray:
    """Wins less losses, by looking numbers up among the sorted ones."""
    found = []
    for v in x:
        places = [np.searchsorted(np.sort(v), v, side) for side in ("left", "right")]
        found.append(places[0] + places[1] - len(v))
    return np.array(found)


def _half_of_half(x: np.ndarray) -> np.ndarray:
    return np.asarray(2 * (2 * x.sum(axis=2, dtype=np.int64) >= x.shape[2]).sum(axis=1) >= x.shape[1])


def _third(x: np.ndarray) -> np.ndarray:
    return np.asarray(3 * x.sum(axis=1, dtype=np.int64) > x.shape[1])


def _satisfiable(plain: np.ndarray, negated: np.ndarray) -> np.ndarray:
    favours = plain.sum(axis=2, dtype=np.int64) > negated.sum(axis=2, dtype=np.int64)
    return np.asarray(2 * favours.sum(axis=1) >= favours.shape[1])


def _bits(rng: np.random.Generator, count: int, *shape: int) -> Arrays:
    """Bits of all densities, with stripes along an axis in some samples."""
    density = rng.uniform(0.02, 0.98, (count, *(1 for _ in shape))).astype(np.float32)
    found = rng.random((count, *shape), dtype=np.float32) < density
    for axis, extent in enumerate(shape):
        stripe = np.arange(extent).reshape([-1 if k == axis else 1 for k in range(len(shape))]) % rng.integers(2, 6)
        found[axis :: len(shape) + 1] ^= stripe == 0
    return (found.astype(np.uint8),)


def _even(rng: np.random.Generator, count: int, *shape: int) -> Arrays:
    """Bits with about a third or a half of ones in every line: one less, just so many, or one more."""
    share = rng.choice([1 / 3, 0.5], (count, *(1 for _ in shape)))
    ones = np.rint(share * shape[-1]) + rng.integers(-1, 2, (count, *shape[:-1], 1))
    return ((np.argsort(rng.random((count, *shape)), axis=-1) < ones).astype(np.uint8),)


def _images(rng: np.random.Generator, count: int, n: int) -> Arrays:
    return (lines(rng, count, n=n).reshape(count, n, n),)


def _rings(rng: np.random.Generator, count: int, n: int) -> Arrays:
    return (np.concatenate([rings(rng, count - count // 2, cells=n), _bits(rng, count // 2, n)[0]]),)


def _numbers(rng: np.random.Generator, count: int, n: int) -> Arrays:
    """Pairs of numbers in binary whose carries run far."""
    x = _bits(rng, count, 2, n)[0]
    x[::2, 1] = 1 - x[::2, 0]
    x[::2, :, 0] = 1
    return (x,)


def _clauses(rng: np.random.Generator, count: int, variables: int, clauses: int) -> Arrays:
    """Clauses of about three literals, of which more or fewer are plain."""
    plain = rng.uniform(1, 3, (count, 1, 1))
    rates = (plain / variables, (4 - plain) / variables / 2)
    return tuple((rng.random((count, clauses, variables)) < rate).astype(np.uint8) for rate in rates)


def _scores(rng: np.random.Generator, count: int, n: int) -> Arrays:
    return (rng.integers(0, rng.integers(1, 11, (count, 1)), (count, n)),)


def _line(rng: np.random.Generator, count: int, n: int, times: int) -> Arrays:
    return _bits(rng, count, n)


def _square(rng: np.random.Generator, count: int, n: int) -> Arrays:
    return _bits(rng, count, n, n)


def _odd(rng: np.random.Generator, count: int, m: int) -> Arrays:
    return _bits(rng, count, 2 * m + 1, 2 * m + 1)


_TORI = ((5, 6), (7, 5), (6, 8))
_RINGS = ((8,), (9,), (11,))
_ROWS = ((5, 6), (6, 7), (7, 9), (8, 5))
_CLAUSES = ((5, 10), (6, 12), (7, 20), (8, 9))
_CELLS = (10**7,)

_FAMILIES = (
    SizedFamily("orientation", orientation, ((6,), (8,), (10,), (12,)), (28,), (1024,), _images, _which_way),
    SizedFamily("life", life, _TORI, (19, 32), (4096, 4096), _bits, _life),
    SizedFamily("rule30", rule30, _RINGS, (101,), _CELLS, _rings, _rule30),
    SizedFamily("radius2", radius2, _RINGS, (101,), _CELLS, _rings, _radius2),
    SizedFamily("padded", padded_square, ((5,), (6,), (8,)), (33,), (2000,), _square, _padded),
    SizedFamily("strided", strided, ((3,), (4,), (6,)), (20,), (1000,), _odd, _strided),
    SizedFamily("adder", adder, ((4,), (5,), (7,)), (64,), (4096,), _numbers, _sums),
    SizedFamily("rank", rank, ((5,), (6,), (8,)), (40,), (1000,), _scores, _ranks),
    SizedFamily("halves", half_of_half, _ROWS, (20, 31), (999, 2000), _even, _half_of_half),
    SizedFamily("third", above_a_third, ((7,), (8,), (9,), (12,), (16,)), (100,), (10**6,), _even, _third),
    SizedFamily("satisfiable", satisfiable, _CLAUSES, (20, 91), (200, 1000), _clauses, _satisfiable),
    SizedFamily("drift", drift, ((9, 3), (8, 4), (11, 6)), (50, 20), (10**5, 100), _line, _drifted, True),
)

SIZED: dict[str, SizedFamily] = {family.name: family for family in _FAMILIES}
