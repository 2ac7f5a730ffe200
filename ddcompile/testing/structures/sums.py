"""How many sums over rows, columns, planes, blocks, windows, strides, diagonals or triangles are large."""

from __future__ import annotations

from itertools import product

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import counted, indicators, steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text, unrolled

__all__ = ["SUMS"]


def rows(h: int = 8, w: int = 9) -> Structure:
    """How many rows are well filled."""
    places = [[(i, j) for j in range(w)] for i in range(h)]
    network = counted(indicators((h, w), places), w // 2, h // 2)
    text = rule_text(
        f"rows(x: bit[{h}, {w}]) -> (y: bit)", f"y = sum(i < {h}: sum(j < {w}: x[i, j]) >= {w // 2}) >= {h // 2}"
    )
    return Structure(text, network)


def columns(h: int = 8, w: int = 9) -> Structure:
    """How many columns are well filled."""
    places = [[(j, i) for j in range(h)] for i in range(w)]
    network = counted(indicators((h, w), places), h // 2, w // 2)
    text = rule_text(
        f"columns(x: bit[{h}, {w}]) -> (y: bit)", f"y = sum(i < {w}: sum(j < {h}: x[j, i]) >= {h // 2}) >= {w // 2}"
    )
    return Structure(text, network)


def spin_rows(h: int = 8, w: int = 9) -> Structure:
    """How many rows of spins point up."""
    weight = np.kron(np.eye(h, dtype=np.int64), np.ones((1, w), dtype=np.int64))
    network = counted(weight, 1, h // 2)
    text = rule_text(
        f"spin_rows(x: spin[{h}, {w}]) -> (y: bit)", f"y = sum(i < {h}: sum(j < {w}: x[i, j]) > 0) >= {h // 2}"
    )
    return Structure(text, network)


def planes(a: int = 4, b: int = 5, c: int = 6) -> Structure:
    """How many planes of a block, across its middle axis, are well filled."""
    places = [[(i, j, k) for i in range(a) for k in range(c)] for j in range(b)]
    network = counted(indicators((a, b, c), places), a * c // 2, b // 2)
    text = rule_text(
        f"planes(x: bit[{a}, {b}, {c}]) -> (y: bit)",
        f"y = sum(i < {b}: sum(j < {a}, k < {c}: x[j, i, k]) >= {a * c // 2}) >= {b // 2}",
    )
    return Structure(text, network)


def slabs(a: int = 3, b: int = 4, c: int = 5, d: int = 3) -> Structure:
    """Sums over the second and the last of four axes."""
    places = [[(i, j, k, m) for j in range(b) for m in range(d)] for i in range(a) for k in range(c)]
    network = counted(indicators((a, b, c, d), places), b * d // 2, a * c // 2)
    text = rule_text(
        f"slabs(x: bit[{a}, {b}, {c}, {d}]) -> (y: bit)",
        f"y = sum(i < {a}, j < {c}: sum(k < {b}, l < {d}: x[i, k, j, l]) >= {b * d // 2}) >= {a * c // 2}",
    )
    return Structure(text, network)


def blocks(n: int = 3, size: int = 3) -> Structure:
    """How many blocks of a square are well filled."""
    side = range(size)
    places = [[(size * a + i, size * b + j) for i in side for j in side] for a in range(n) for b in range(n)]
    network = counted(indicators((n * size, n * size), places), size * size // 2, n * n // 2)
    text = rule_text(
        f"blocks(x: bit[{n * size}, {n * size}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}: sum(k < {size}, l < {size}: x[{size} * i + k, {size} * j + l]) >= "
        f"{size * size // 2}) >= {n * n // 2}",
    )
    return Structure(text, network)


def all_but(h: int = 8, w: int = 6) -> Structure:
    """How often everything but a row is well filled."""
    weight = 1 - np.kron(np.eye(h, dtype=np.int64), np.ones((1, w), dtype=np.int64))
    network = counted(weight, (h - 1) * w // 2, h // 2)
    text = rule_text(
        f"all_but(x: bit[{h}, {w}]) -> (y: bit)",
        f"total = sum(i < {h}, j < {w}: x[i, j])",
        f"y = sum(i < {h}: total - sum(j < {w}: x[i, j]) >= {(h - 1) * w // 2}) >= {h // 2}",
    )
    return Structure(text, network)


def half_rows(h: int = 8, w: int = 10) -> Structure:
    """Sums over the first half of every row."""
    half = w // 2
    network = counted(indicators((h, w), [[(i, j) for j in range(half)] for i in range(h)]), half // 2, h // 2)
    text = rule_text(
        f"half_rows(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}: sum(j < {half}: x[i, j]) >= {half // 2}) >= {h // 2}",
    )
    return Structure(text, network)


def windows(n: int = 20, size: int = 5) -> Structure:
    """How many windows of a line are well filled."""
    count = n - size + 1
    places = [[(i + j,) for j in range(size)] for i in range(count)]
    network = counted(indicators((n,), places), size // 2 + 1, count // 2)
    text = rule_text(
        f"windows(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {count}: sum(j < {size}: x[i + j]) >= {size // 2 + 1}) >= {count // 2}",
    )
    return Structure(text, network)


def prefixes(n: int = 12) -> Structure:
    """Whether every prefix is filled by more than half."""
    weight = 2 * np.tri(n, dtype=np.int64)
    network = counted(weight, np.arange(n) + 1, n)
    text = rule_text(f"prefixes(x: bit[{n}]) -> (y: bit)", f"y = all(i < {n}: 2 * sum(j < i + 1: x[j]) > i)")
    return Structure(text, network)


def intervals(n: int = 8) -> Structure:
    """How many intervals of at least two places are filled by more than half."""
    pairs = [(i, j) for i in range(n) for j in range(i)]
    places = [[(k,) for k in range(j, i + 1)] for i, j in pairs]
    network = counted(2 * indicators((n,), places), [i - j + 2 for i, j in pairs], len(pairs) // 2)
    text = rule_text(
        f"intervals(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < i: 2 * sum(j <= k < i + 1: x[k]) >= i - j + 2) >= {len(pairs) // 2}",
    )
    return Structure(text, network)


def strides(step: int = 4, count: int = 6) -> Structure:
    """Sums over every `step`-th place."""
    places = [[(step * j + i,) for j in range(count)] for i in range(step)]
    network = counted(indicators((step * count,), places), count // 2, step // 2)
    text = rule_text(
        f"strides(x: bit[{step * count}]) -> (y: bit)",
        f"y = sum(i < {step}: sum(j < {count}: x[{step} * j + i]) >= {count // 2}) >= {step // 2}",
    )
    return Structure(text, network)


def wrapped_diagonals(n: int = 8) -> Structure:
    """How many diagonals of a torus are well filled."""
    places = [[(j, (i + j) % n) for j in range(n)] for i in range(n)]
    network = counted(indicators((n, n), places), n // 2, n // 2)
    text = rule_text(
        f"wrapped_diagonals(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(j < {n}: x[j, (i + j) % {n}]) >= {n // 2}) >= {n // 2}",
    )
    return Structure(text, network)


def wrapped_antidiagonals(n: int = 8) -> Structure:
    """How many anti-diagonals of a torus are well filled."""
    places = [[(j, (i - j) % n) for j in range(n)] for i in range(n)]
    network = counted(indicators((n, n), places), n // 2, n // 2)
    text = rule_text(
        f"wrapped_antidiagonals(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(j < {n}: x[j, (i - j) % {n}]) >= {n // 2}) >= {n // 2}",
    )
    return Structure(text, network)


def diagonals(n: int = 8, reach: int = 4) -> Structure:
    """Sums over the diagonals near the main one, which get shorter away from it."""
    offsets = range(-reach, reach + 1)
    places = [[(i, i + d) for i in range(n) if 0 <= i + d < n] for d in offsets]
    network = counted(indicators((n, n), places), n // 3, reach)
    text = rule_text(
        f"diagonals(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i in -{reach}..{reach}: sum(j < {n}: pad(x, 0)[j, i + j]) >= {n // 3}) >= {reach}",
    )
    return Structure(text, network)


def two_diagonals(n: int = 12) -> Structure:
    """The main diagonal against the other one, by a single unit."""
    weight = np.eye(n, dtype=np.int64) - np.fliplr(np.eye(n, dtype=np.int64))
    network = Network((Layer(weight.reshape(1, -1), np.array([0]), "sign"),))
    text = rule_text(
        f"two_diagonals(x: bit[{n}, {n}]) -> (y: trit)", f"y = sign(sum(i < {n}: x[i, i] - x[i, {n - 1} - i]))"
    )
    return Structure(text, network)


def triangles(n: int = 9) -> Structure:
    """What is below the diagonal against what is above it, by a single unit."""
    weight = np.tri(n, k=-1, dtype=np.int64)
    network = Network((Layer((weight - weight.T).reshape(1, -1), np.array([0]), "sign"),))
    text = rule_text(f"triangles(x: bit[{n}, {n}]) -> (y: trit)", f"y = sign(sum(i < {n}, j < i: x[i, j] - x[j, i]))")
    return Structure(text, network)


def triangle_rows(n: int = 8) -> Structure:
    """Sums over the part of every row that is left of the diagonal."""
    places = [[(i, j) for j in range(i)] for i in range(2, n)]
    network = counted(indicators((n, n), places), 2, n // 2)
    text = rule_text(
        f"triangle_rows(x: bit[{n}, {n}]) -> (y: bit)", f"y = sum(i < {n}: sum(j < i: x[i, j]) >= 2) >= {n // 2}"
    )
    return Structure(text, network)


def crosses(n: int = 7) -> Structure:
    """At how many places the row and the column through it are together well filled."""
    every = list(product(range(n), repeat=2))
    places = [[(i, k) for k in range(n)] + [(k, j) for k in range(n)] for i, j in every]
    network = counted(indicators((n, n), places), n, n * n // 2)
    text = rule_text(
        f"crosses(x: bit[{n}, {n}]) -> (y: bit)",
        f"row[i < {n}] = sum(j < {n}: x[i, j])",
        f"column[i < {n}] = sum(j < {n}: x[j, i])",
        f"y = sum(i < {n}, j < {n}: row[i] + column[j] >= {n}) >= {n * n // 2}",
    )
    return Structure(text, network)


def permutation(n: int = 5) -> Structure:
    """Whether there is one in every row and one in every column."""
    every = range(n)
    places = [[(i, j) for j in every] for i in every] + [[(i, j) for i in every] for j in every]
    hidden = steps(np.repeat(indicators((n, n), places), 2, axis=0), [1, 2] * (2 * n))
    both = np.kron(np.eye(2, dtype=np.int64), np.tile([1, -1], n))
    network = Network((hidden, steps(both, n), steps(np.ones((1, 2), dtype=np.int64), 2)))
    text = rule_text(
        f"permutation(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = all(i < {n}: sum(j < {n}: x[i, j]) == 1) and all(j < {n}: sum(i < {n}: x[i, j]) == 1)",
    )
    return Structure(text, network)


def largest_row(h: int = 6, w: int = 7) -> Structure:
    """How many pairs of rows have the later one fuller."""
    pairs = [(i, j) for i in range(h) for j in range(i)]
    weight = np.zeros((len(pairs), h, w), dtype=np.int64)
    for unit, (i, j) in enumerate(pairs):
        weight[unit, i], weight[unit, j] = 1, -1
    network = counted(weight, 1, len(pairs) // 2)
    text = rule_text(
        f"largest_row(x: bit[{h}, {w}]) -> (y: bit)",
        f"row[i < {h}] = sum(j < {w}: x[i, j])",
        f"y = sum(i < {h}, j < i: row[i] > row[j]) >= {len(pairs) // 2}",
    )
    return Structure(text, network)


def peaks(n: int = 9, m: int = 4) -> Structure:
    """Rows that have more than both of their neighbours."""
    return unrolled(
        f"peaks(x: bit[{n}, {m}]) -> (y: bit[{n - 2}])",
        f"row[i < {n}] = sum(j < {m}: x[i, j])",
        f"y[i < {n - 2}] = row[i + 1] > row[i] and row[i + 1] > row[i + 2]",
    )


SUMS = tuple(
    Case("sums", build, small)
    for build, small in (
        (rows, (3, 4)),
        (columns, (3, 4)),
        (spin_rows, (4, 3)),
        (planes, (2, 3, 2)),
        (slabs, (2, 2, 2, 2)),
        (blocks, (2, 2)),
        (all_but, (3, 4)),
        (half_rows, (3, 4)),
        (windows, (9, 3)),
        (prefixes, (6,)),
        (intervals, (5,)),
        (strides, (3, 4)),
        (wrapped_diagonals, (3,)),
        (wrapped_antidiagonals, (3,)),
        (diagonals, (4, 2)),
        (two_diagonals, (3,)),
        (triangles, (3,)),
        (triangle_rows, (4,)),
        (crosses, (3,)),
        (permutation, (3,)),
        (largest_row, (3, 3)),
        (peaks, (4, 3)),
    )
)
