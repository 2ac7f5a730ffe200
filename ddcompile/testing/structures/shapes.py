"""More sums: over arcs, rectangles, wrapped lines of any slope, parts of rows, and several shapes in one layer."""

from __future__ import annotations

from itertools import product

import numpy as np

from ddcompile.frontends.network import Network
from ddcompile.testing.structures.layers import counted, indicators, steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text, unrolled

__all__ = ["SHAPES"]


def long_runs(n: int = 9) -> Structure:
    """How many intervals of a line have three places set."""
    places = [[(k,) for k in range(j, i + 1)] for i in range(n) for j in range(i - 1)]
    network = counted(indicators((n,), places), 3, n)
    text = rule_text(
        f"long_runs(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}, j < i: sum(j <= k < i + 1: x[k]) >= 3) >= {n}"
    )
    return Structure(text, network)


def arcs(n: int = 7) -> Structure:
    """How many arcs of a ring, of every length, have half of their places set."""
    pairs = [(i, j) for i in range(n) for j in range(2, n)]
    network = counted(2 * indicators((n,), [[((i + k) % n,) for k in range(j)] for i, j in pairs]), 3, len(pairs) // 2)
    text = rule_text(
        f"arcs(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}, 2 <= j < {n}: sum(k < j: x[(i + k) % {n}]) >= 2) >= {len(pairs) // 2}",
    )
    return Structure(text, network)


def rectangles(n: int = 4) -> Structure:
    """How many rectangles of a square, at least two wide and high, have four places set."""
    ends = [(j, i + 1) for i in range(n) for j in range(i)]
    places = [list(product(range(*a), range(*b))) for a, b in product(ends, repeat=2)]
    network = counted(indicators((n, n), places), 4, len(places) // 2)
    text = rule_text(
        f"rectangles(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < i, k < {n}, l < k: sum(j <= m < i + 1, l <= n < k + 1: x[m, n]) >= 4) "
        f">= {len(places) // 2}",
    )
    return Structure(text, network)


def corners(h: int = 6, w: int = 7) -> Structure:
    """How many rectangles that begin in the corner have three places set."""
    places = [list(product(range(i + 1), range(j + 1))) for i, j in product(range(h), range(w))]
    network = counted(indicators((h, w), places), 3, h * w // 2)
    text = rule_text(
        f"corners(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}, j < {w}: sum(k < i + 1, l < j + 1: x[k, l]) >= 3) >= {h * w // 2}",
    )
    return Structure(text, network)


def row_prefixes(h: int = 5, w: int = 7) -> Structure:
    """How many beginnings of rows have two places set."""
    places = [[(i, k) for k in range(j + 1)] for i, j in product(range(h), range(w))]
    network = counted(indicators((h, w), places), 2, h * w // 2)
    text = rule_text(
        f"row_prefixes(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}, j < {w}: sum(k < j + 1: x[i, k]) >= 2) >= {h * w // 2}",
    )
    return Structure(text, network)


def suffixes(n: int = 12) -> Structure:
    """How many ends of a line are filled by half."""
    network = counted(2 * np.tri(n, dtype=np.int64).T, n - np.arange(n), n // 2)
    text = rule_text(
        f"suffixes(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: 2 * sum(i <= j < {n}: x[j]) >= {n} - i) >= {n // 2}",
    )
    return Structure(text, network)


def knight_lines(n: int = 9) -> Structure:
    """How many lines of a torus that go two to the right for one down are well filled."""
    places = [[(j, (i + 2 * j) % n) for j in range(n)] for i in range(n)]
    network = counted(indicators((n, n), places), n // 2, n // 2)
    text = rule_text(
        f"knight_lines(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(j < {n}: x[j, (i + 2 * j) % {n}]) >= {n // 2}) >= {n // 2}",
    )
    return Structure(text, network)


def space_diagonals(n: int = 5) -> Structure:
    """How many diagonals of a block that wraps are well filled."""
    places = [[(k, (i + k) % n, (j + k) % n) for k in range(n)] for i, j in product(range(n), repeat=2)]
    network = counted(indicators((n, n, n), places), n // 2, n * n // 2)
    text = rule_text(
        f"space_diagonals(x: bit[{n}, {n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}: sum(k < {n}: x[k, (i + k) % {n}, (j + k) % {n}]) >= {n // 2}) >= {n * n // 2}",
    )
    return Structure(text, network)


def wrapped_bands(n: int = 8) -> Structure:
    """How many bands of a torus, three wide along the anti-diagonals, are well filled."""
    places = [[(j, (i - j + d) % n) for j in range(n) for d in range(3)] for i in range(n)]
    network = counted(indicators((n, n), places), 3 * n // 2, n // 2)
    text = rule_text(
        f"wrapped_bands(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(j < {n}, k < 3: x[j, (i - j + k) % {n}]) >= {3 * n // 2}) >= {n // 2}",
    )
    return Structure(text, network)


def middles(h: int = 6, w: int = 9) -> Structure:
    """Sums over the inner places of every row."""
    network = counted(indicators((h, w), [[(i, j) for j in range(2, w - 2)] for i in range(h)]), w // 2 - 1, h // 2)
    text = rule_text(
        f"middles(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}: sum(2 <= j < {w - 2}: x[i, j]) >= {w // 2 - 1}) >= {h // 2}",
    )
    return Structure(text, network)


def alternating_rows(h: int = 6, w: int = 8) -> Structure:
    """How many rows have more set at even places than at odd ones."""
    weight = np.kron(np.eye(h, dtype=np.int64), np.tile([1, -1], w // 2))
    network = counted(weight, 1, h // 2)
    text = rule_text(
        f"alternating_rows(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}: sum(j < {w // 2}: x[i, 2 * j] - x[i, 2 * j + 1]) > 0) >= {h // 2}",
    )
    return Structure(text, network)


def row_windows(h: int = 5, w: int = 9, size: int = 4) -> Structure:
    """How many windows of rows are well filled."""
    count = w - size + 1
    places = [[(i, j + k) for k in range(size)] for i, j in product(range(h), range(count))]
    network = counted(indicators((h, w), places), size // 2 + 1, h * count // 2)
    text = rule_text(
        f"row_windows(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}, j < {count}: sum(k < {size}: x[i, j + k]) >= {size // 2 + 1}) >= {h * count // 2}",
    )
    return Structure(text, network)


def all_but_planes(a: int = 4, b: int = 3, c: int = 5) -> Structure:
    """How often everything but a plane is well filled."""
    weight = np.ones((c, a, b, c), dtype=np.int64) - np.eye(c, dtype=np.int64)[:, None, None, :]
    network = counted(weight, a * b * (c - 1) // 2, c // 2)
    text = rule_text(
        f"all_but_planes(x: bit[{a}, {b}, {c}]) -> (y: bit)",
        f"total = sum(i < {a}, j < {b}, k < {c}: x[i, j, k])",
        f"y = sum(i < {c}: total - sum(j < {a}, k < {b}: x[j, k, i]) >= {a * b * (c - 1) // 2}) >= {c // 2}",
    )
    return Structure(text, network)


def spaces(a: int = 3, b: int = 4, c: int = 2, d: int = 5) -> Structure:
    """Sums over all but the second of four axes."""
    axes = product(range(a), range(c), range(d))
    cells = list(axes)
    network = counted(indicators((a, b, c, d), [[(i, j, k, m) for i, k, m in cells] for j in range(b)]), 15, b // 2)
    text = rule_text(
        f"spaces(x: bit[{a}, {b}, {c}, {d}]) -> (y: bit)",
        f"y = sum(i < {b}: sum(j < {a}, k < {c}, l < {d}: x[j, i, k, l]) >= 15) >= {b // 2}",
    )
    return Structure(text, network)


def houses(n: int = 3) -> Structure:
    """How many rows, columns and blocks of a square of blocks are well filled, all of them sums of equally many."""
    m, side = n * n, range(n)
    rows = [[(i, j) for j in range(m)] for i in range(m)]
    blocks = [[(n * a + i, n * b + j) for i in side for j in side] for a in side for b in side]
    columns = [[(j, i) for j, i in zip(range(m), [k] * m, strict=True)] for k in range(m)]
    network = counted(indicators((m, m), [*rows, *columns, *blocks]), m // 2, 3 * m // 2)
    text = rule_text(
        f"houses(x: bit[{m}, {m}]) -> (y: bit)",
        f"rows = sum(i < {m}: sum(j < {m}: x[i, j]) >= {m // 2})",
        f"columns = sum(i < {m}: sum(j < {m}: x[j, i]) >= {m // 2})",
        f"blocks = sum(i < {n}, j < {n}: sum(k < {n}, l < {n}: x[{n} * i + k, {n} * j + l]) >= {m // 2})",
        f"y = rows + columns + blocks >= {3 * m // 2}",
    )
    return Structure(text, network)


def rows_or_blocks(h: int = 6, w: int = 4) -> Structure:
    """Rows, and blocks of two rows, of which there are equally many with equally many places."""
    rows = [[(i, j) for j in range(w)] for i in range(h)]
    half = w // 2
    blocks = [[(2 * a + i, half * b + j) for i in (0, 1) for j in range(half)] for a in range(h // 2) for b in (0, 1)]
    network = counted(indicators((h, w), [*rows, *blocks]), half, h)
    text = rule_text(
        f"rows_or_blocks(x: bit[{h}, {w}]) -> (y: bit)",
        f"rows = sum(i < {h}: sum(j < {w}: x[i, j]) >= {half})",
        f"blocks = sum(i < {h // 2}, j < 2: sum(k < 2, l < {half}: x[2 * i + k, {half} * j + l]) >= {half})",
        f"y = rows + blocks >= {h}",
    )
    return Structure(text, network)


def margins(h: int = 7, w: int = 5) -> Structure:
    """Which rows and which columns are well filled, in one result."""
    rows = [[(i, j) for j in range(w)] for i in range(h)]
    columns = [[(i, j) for i in range(h)] for j in range(w)]
    network = Network((steps(indicators((h, w), [*rows, *columns]), 3),))
    text = rule_text(
        f"margins(x: bit[{h}, {w}]) -> (y: bit[{h + w}])",
        f"y[i < {h}] = sum(j < {w}: x[i, j]) >= 3",
        f"y[{h} <= i < {h + w}] = sum(j < {h}: x[j, i - {h}]) >= 3",
    )
    return Structure(text, network)


def triads(n: int = 7) -> Structure:
    """For each place, how many pairs of earlier ones are set together with it."""
    triples = [(i, j, k) for i in range(n) for j in range(i) for k in range(j)]
    first = steps(indicators((n,), [[(p,) for p in triple] for triple in triples]), 3)
    last = np.array([[triple[0] == i for triple in triples] for i in range(n)], dtype=np.int64)
    network = Network((first, steps(last[3:], 2)))
    text = rule_text(
        f"triads(x: bit[{n}]) -> (y: bit[{n - 3}])",
        f"y[i < {n - 3}] = x[i + 3] and sum(j < i + 3: x[j]) >= 3",
    )
    return Structure(text, network)


def degrees(n: int = 6, least: int = 3) -> Structure:
    """Which places of a graph have enough neighbours, each pair being known from one side."""
    return unrolled(
        f"degrees(x: bit[{n}, {n}]) -> (y: bit[{n}])",
        f"y[i < {n}] = sum(j < i: x[i, j]) + sum(i + 1 <= j < {n}: x[j, i]) >= {least}",
    )


def balance_points(n: int = 9) -> Structure:
    """Which places have as many set before them as behind."""
    return unrolled(
        f"balance_points(x: bit[{n}]) -> (y: bit[{n}])",
        f"y[i < {n}] = sum(j < i: x[j]) == sum(i + 1 <= j < {n}: x[j])",
    )


def within_frame(n: int = 7) -> Structure:
    """Whether more is set inside of a frame than on it."""
    return unrolled(
        f"within_frame(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = 2 * sum(1 <= i < {n - 1}, 1 <= j < {n - 1}: x[i, j]) > sum(i < {n}, j < {n}: x[i, j])",
    )


def trit_rows(n: int = 5) -> Structure:
    """The signs of the sums of rows of trits."""
    return unrolled(f"trit_rows(x: trit[{n}, {n}]) -> (y: trit[{n}])", f"y[i < {n}] = sign(sum(j < {n}: x[i, j]))")


SHAPES = tuple(
    Case("shapes", build, small)
    for build, small in (
        (long_runs, (5,)),
        (arcs, (4,)),
        (rectangles, (3,)),
        (corners, (3, 3)),
        (row_prefixes, (2, 4)),
        (suffixes, (6,)),
        (knight_lines, (3,)),
        (space_diagonals, (2,)),
        (wrapped_bands, (4,)),
        (middles, (3, 6)),
        (alternating_rows, (3, 4)),
        (row_windows, (2, 5, 3)),
        (all_but_planes, (2, 2, 3)),
        (spaces, (3, 2, 2, 5)),
        (houses, (2,)),
        (rows_or_blocks, (4, 4)),
        (margins, (3, 4)),
        (triads, (6,)),
        (degrees, (4, 2)),
        (balance_points, (5,)),
        (within_frame, (4,)),
        (trit_rows, (3,)),
    )
)
