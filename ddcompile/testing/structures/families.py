"""The same small network many times: on pairs, columns and blocks, with exceptions, duplicates and dead units."""

from __future__ import annotations

from itertools import product

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import counted, indicators, steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text
from ddcompile.testing.transforms import add_dead_units, duplicate_units

__all__ = ["FAMILIES", "rank"]


def rank(n: int = 9) -> Structure:
    """Everybody's wins less losses, from one sign unit for each pair of players."""
    pairs = [(i, j) for i in range(n) for j in range(i)]
    weight = np.zeros((len(pairs), n), dtype=np.int64)
    for unit, (i, j) in enumerate(pairs):
        weight[unit, i], weight[unit, j] = 1, -1
    zero = np.zeros(n, dtype=np.int64)
    network = Network((Layer(weight, np.zeros(len(pairs), dtype=np.int64), "sign"), Layer(weight.T, zero, "identity")))
    text = rule_text(f"rank(x: int[0..9][{n}]) -> (rank: int[{n}])", f"rank[i < {n}] = sum(j < {n}: sign(x[i] - x[j]))")
    return Structure(text, network)


def ordered_pairs(n: int = 8) -> Structure:
    """How many players each player beats, from one step unit for each ordered pair."""
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    weight = np.zeros((len(pairs), n), dtype=np.int64)
    winner = np.zeros((n, len(pairs)), dtype=np.int64)
    for unit, (i, j) in enumerate(pairs):
        weight[unit, i], weight[unit, j] = 1, -1
        winner[i, unit] = 1
    network = Network((steps(weight, 1), Layer(winner, np.zeros(n, dtype=np.int64), "identity")))
    text = rule_text(
        f"ordered_pairs(x: int[0..9][{n}]) -> (beaten: int[{n}])", f"beaten[i < {n}] = sum(j < {n}: x[i] > x[j])"
    )
    return Structure(text, network)


def clashes(n: int = 9) -> Structure:
    """How many of all pairs of places are both set."""
    places = [[(i,), (j,)] for i in range(n) for j in range(i)]
    network = counted(indicators((n,), places), 2, n)
    count = next(k for k in range(n + 1) if k * (k - 1) // 2 >= n)
    text = rule_text(f"clashes(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) >= {count}")
    return Structure(text, network)


def exact_columns(h: int = 5, w: int = 8) -> Structure:
    """Whether a column has two places set, by the same three units on every column."""
    column = np.kron(np.ones((1, h), dtype=np.int64), np.eye(w, dtype=np.int64))
    first = steps(np.concatenate([column, column]), np.repeat([2, 3], w))
    last = steps(np.kron([[1, -1]], np.eye(w, dtype=np.int64)), 1)
    text = rule_text(f"exact_columns(x: bit[{h}, {w}]) -> (y: bit[{w}])", f"y[i < {w}] = sum(j < {h}: x[j, i]) == 2")
    return Structure(text, Network((first, last)))


def parity_blocks(n: int = 4) -> Structure:
    """The parity of every 2 x 2 block, by the same five units on each."""
    places = [[(2 * a + i, 2 * b + j) for i in (0, 1) for j in (0, 1)] for a, b in product(range(n), repeat=2)]
    block = indicators((2 * n, 2 * n), places)
    first = steps(np.concatenate([block] * 4), np.repeat([1, 2, 3, 4], n * n))
    last = steps(np.kron([[1, -1, 1, -1]], np.eye(n * n, dtype=np.int64)), 1)
    text = rule_text(
        f"parity_blocks(x: bit[{2 * n}, {2 * n}]) -> (y: bit[{n}, {n}])",
        f"y[i < {n}, j < {n}] = sum(k < 2, l < 2: x[2 * i + k, 2 * j + l]) % 2",
    )
    return Structure(text, Network((first, last)))


def exceptions(h: int = 9, w: int = 9) -> Structure:
    """Well filled rows, where one row has to be filled more than the others and another one does not count."""
    weight = np.kron(np.eye(h, dtype=np.int64), np.ones((1, w), dtype=np.int64))
    bounds = np.full(h, w // 2)
    bounds[1] = w - 1
    network = counted(np.delete(weight, h - 1, axis=0), bounds[:-1], h // 2)
    text = rule_text(
        f"exceptions(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h - 1}: sum(j < {w}: x[i, j]) >= (if i == 1 then {w - 1} else {w // 2})) >= {h // 2}",
    )
    return Structure(text, network)


def repeated(h: int = 6, w: int = 7) -> Structure:
    """Well filled rows, each by several equal units, and as many units again that nothing reads."""
    weight = np.kron(np.eye(h, dtype=np.int64), np.ones((1, w), dtype=np.int64))
    network = counted(weight, w // 2, h // 2)
    rng = np.random.default_rng(0)
    network = add_dead_units(duplicate_units(network, rng, 2 * h), rng, 3 * h)
    text = rule_text(
        f"repeated(x: bit[{h}, {w}]) -> (y: bit)", f"y = sum(i < {h}: sum(j < {w}: x[i, j]) >= {w // 2}) >= {h // 2}"
    )
    return Structure(text, network)


def negated(n: int = 9) -> Structure:
    """Units and their negations, of which the reader takes the difference."""
    ring = np.eye(n, dtype=np.int64)
    pair = ring + np.roll(ring, 1, axis=1)
    first = Layer(np.concatenate([pair, -pair]), np.repeat([-1, 1], n), "sign")
    last = Layer(np.repeat([1, -1], n).reshape(1, -1), np.zeros(1, dtype=np.int64), "identity")
    text = rule_text(f"negated(x: bit[{n}]) -> (y: int)", f"y = 4 * sum(i < {n}: x[i]) - {2 * n}")
    return Structure(text, Network((first, last)))


def mixed(n: int = 8) -> Structure:
    """3 x 3 windows on a torus, of which 3 % are replaced by units without structure."""
    ones = range(-1, 2)
    places = [[((i + a) % n, (j + b) % n) for a in ones for b in ones] for i in range(n) for j in range(n)]
    weight = indicators((n, n), places)
    odd = [(1, 2), (n - 1, 1)]
    terms = [[((0, 1), 1), ((2, 0), 1), ((2, 2), -1)], [((1, 1), 1), ((0, 2), -1), ((2, n - 1), 1), ((1, n - 1), 1)]]
    bounds = np.full(n * n, 5)
    written = []
    for bound, (i, j), unit in zip((1, 2), odd, terms, strict=True):
        weight[n * i + j] = 0
        bounds[n * i + j] = bound
        for place, factor in unit:
            weight[(n * i + j, *place)] = factor
        sums = "".join(f" {'+' if factor > 0 else '-'} x[{a}, {b}]" for (a, b), factor in unit)
        written.append(f"({sums.removeprefix(' + ')} >= {bound}) - window[{i}, {j}]")
    network = counted(weight, bounds, n * n // 2)
    text = rule_text(
        f"mixed(x: bit[{n}, {n}]) -> (y: bit)",
        f"window[i < {n}, j < {n}] = sum(di in -1..1, dj in -1..1: x[(i + di) % {n}, (j + dj) % {n}]) >= 5",
        f"y = sum(i < {n}, j < {n}: window[i, j]) + {' + '.join(written)} >= {n * n // 2}",
    )
    return Structure(text, network)


def rows_on_a_ring(h: int = 10, w: int = 7) -> Structure:
    """Two structures one after the other: well filled rows, and a majority of three neighbouring rows on a ring."""
    weight = np.kron(np.eye(h, dtype=np.int64), np.ones((1, w), dtype=np.int64))
    ring = np.eye(h, dtype=np.int64)
    around = ring + np.roll(ring, 1, axis=1) + np.roll(ring, -1, axis=1)
    network = Network((steps(weight, w // 2 + 1), steps(around, 2)))
    text = rule_text(
        f"rows_on_a_ring(x: bit[{h}, {w}]) -> (y: bit[{h}])",
        f"full[i < {h}] = sum(j < {w}: x[i, j]) >= {w // 2 + 1}",
        f"y[i < {h}] = sum(di in -1..1: full[(i + di) % {h}]) >= 2",
    )
    return Structure(text, network)


def lines(players: int = 2, n: int = 3) -> Structure:
    """Whether a player holds a row, a column or a diagonal of a square board, for each player."""
    places = [[(i, j) for j in range(n)] for i in range(n)]
    turned = [[(j, i) for i, j in line] for line in places]
    diagonals = [[(i, i) for i in range(n)], [(i, n - 1 - i) for i in range(n)]]
    line = indicators((n, n), [*places, *turned, *diagonals])
    board = np.eye(players, dtype=np.int64)
    network = Network(
        (
            steps(np.kron(board, line.reshape(len(line), -1)), n),
            steps(np.kron(board, np.ones((1, len(line)), dtype=np.int64)), 1),
        )
    )
    text = rule_text(
        f"lines(x: bit[{players}, {n}, {n}]) -> (y: bit[{players}])",
        f"y[p < {players}] = any(i < {n}: all(j < {n}: x[p, i, j]) or all(j < {n}: x[p, j, i])) "
        f"or all(i < {n}: x[p, i, i]) or all(i < {n}: x[p, i, {n - 1} - i])",
    )
    return Structure(text, network)


FAMILIES = tuple(
    Case("families", build, small)
    for build, small in (
        (rank, (4,)),
        (ordered_pairs, (4,)),
        (clashes, (5,)),
        (exact_columns, (3, 4)),
        (parity_blocks, (1,)),
        (exceptions, (4, 3)),
        (repeated, (3, 4)),
        (negated, (5,)),
        (mixed, (3,)),
        (rows_on_a_ring, (4, 3)),
        (lines, (2, 2)),
    )
)
