"""More little kernels on grids of one to four axes: strided, padded, wrapped on one axis, in turn, overlapping."""

from __future__ import annotations

from itertools import product

import numpy as np

from ddcompile.frontends.network import Network
from ddcompile.testing.structures.layers import around, box, counted, indicators, square, steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text, unrolled

__all__ = ["GRIDS", "neighbours"]


def padded_cube(n: int = 5) -> Structure:
    """How many places of a block have nine of the 27 around set, none being set outside."""
    network = counted(around((n, n, n), square(1, 3), box((n, n, n)), wrap=False), 9, n**3 // 2)
    text = rule_text(
        f"padded_cube(x: bit[{n}, {n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}, k < {n}: sum(di in -1..1, dj in -1..1, dk in -1..1: "
        f"pad(x, 0)[i + di, j + dj, k + dk]) >= 9) >= {n**3 // 2}",
    )
    return Structure(text, network)


def cropped_cube(n: int = 5) -> Structure:
    """How many 2 x 2 x 2 windows of a block are well filled."""
    m = n - 1
    network = counted(around((n, n, n), list(product(range(2), repeat=3)), box((m, m, m)), wrap=False), 5, m**3 // 3)
    text = rule_text(
        f"cropped_cube(x: bit[{n}, {n}, {n}]) -> (y: bit)",
        f"y = sum(i < {m}, j < {m}, k < {m}: sum(l < 2, m < 2, n < 2: x[i + l, j + m, k + n]) >= 5) >= {m**3 // 3}",
    )
    return Structure(text, network)


def strided_cube(m: int = 3) -> Structure:
    """Which 3 x 3 x 3 windows at every other place of a block are well filled."""
    n = 2 * m + 1
    origins = [(2 * i, 2 * j, 2 * k) for i, j, k in box((m, m, m))]
    network = Network((steps(around((n, n, n), list(product(range(3), repeat=3)), origins, wrap=False), 14),))
    text = rule_text(
        f"strided_cube(x: bit[{n}, {n}, {n}]) -> (y: bit[{m}, {m}, {m}])",
        f"y[i < {m}, j < {m}, k < {m}] = sum(l < 3, m < 3, n < 3: x[2 * i + l, 2 * j + m, 2 * k + n]) >= 14",
    )
    return Structure(text, network)


def dilated_line(n: int = 20) -> Structure:
    """A majority of a place of a line and those three before and after it, none being set outside."""
    network = counted(around((n,), [(-3,), (0,), (3,)], box((n,)), wrap=False), 2, n // 2)
    text = rule_text(
        f"dilated_line(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(j in -1..1: pad(x, 0)[i + 3 * j]) >= 2) >= {n // 2}",
    )
    return Structure(text, network)


def causal_square(n: int = 7) -> Structure:
    """Which places are set, or have two set above and left of them, none being set outside."""
    offsets = [(0, 0), *product((-1, 0), repeat=2)]
    network = Network((steps(around((n, n), offsets, box((n, n)), wrap=False), 2),))
    text = rule_text(
        f"causal_square(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"y[i < {n}, j < {n}] = sum(di in -1..0, dj in -1..0: pad(x, 0)[i + di, j + dj]) + x[i, j] >= 2",
    )
    return Structure(text, network)


def one_sided_torus(n: int = 7) -> Structure:
    """A kernel of different weights that looks to the right and below."""
    here, right, below = (around((n, n), [d], box((n, n)), wrap=True) for d in ((0, 0), (0, 1), (1, 0)))
    network = counted(2 * here + right - below, 2, n * n // 2)
    text = rule_text(
        f"one_sided_torus(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}: 2 * x[i, j] + x[i, (j + 1) % {n}] - x[(i + 1) % {n}, j] >= 2) >= {n * n // 2}",
    )
    return Structure(text, network)


def strided_ring(m: int = 9) -> Structure:
    """How many windows of five at every other place of a ring are well filled."""
    n = 2 * m
    network = counted(around((n,), [(k,) for k in range(5)], [(2 * i,) for i in range(m)], wrap=True), 3, m // 2)
    text = rule_text(
        f"strided_ring(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {m}: sum(j < 5: x[(2 * i + j) % {n}]) >= 3) >= {m // 2}",
    )
    return Structure(text, network)


def cylinder(h: int = 6, w: int = 7) -> Structure:
    """How many places have four of the nine around set, where columns wrap and rows are padded."""
    places = [[(i + a, (j + b) % w) for a, b in square(1, 2) if 0 <= i + a < h] for i, j in product(range(h), range(w))]
    network = counted(indicators((h, w), places), 4, h * w // 2)
    text = rule_text(
        f"cylinder(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {h}, j < {w}: sum(di in -1..1, dj in -1..1: pad(x, 0)[i + di, (j + dj) % {w}]) >= 4) "
        f">= {h * w // 2}",
    )
    return Structure(text, network)


def eroded_torus(n: int = 6) -> Structure:
    """Two kernels in turn: where a place or the next one is set, then where that is so on all four sides."""
    either = around((n, n), [(0, 0), (0, 1)], box((n, n)), wrap=True)
    cross = around((n, n), [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)], box((n, n)), wrap=True)
    network = Network((steps(either, 1), steps(cross, 4)))
    text = rule_text(
        f"eroded_torus(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"some[i < {n}, j < {n}] = x[i, j] or x[i, (j + 1) % {n}]",
        f"y[i < {n}, j < {n}] = sum(d in -1..1: some[(i + d) % {n}, j] + some[i, (j + d) % {n}]) - some[i, j] >= 4",
    )
    return Structure(text, network)


def eroded_line(n: int = 20) -> Structure:
    """Two padded kernels in turn: a majority of five, and a majority of three of those."""
    first = around((n,), square(2, 1), box((n,)), wrap=False)
    second = around((n,), square(1, 1), box((n,)), wrap=False)
    network = Network((steps(first, 3), steps(second, 2)))
    text = rule_text(
        f"eroded_line(x: bit[{n}]) -> (y: bit[{n}])",
        f"most[i < {n}] = sum(di in -2..2: pad(x, 0)[i + di]) >= 3",
        f"y[i < {n}] = sum(di in -1..1: pad(most, 0)[i + di]) >= 2",
    )
    return Structure(text, network)


def windowed_blocks(count: int = 4, size: int = 6) -> Structure:
    """In how many windows inside the blocks of a line two of three places are set."""
    n, inner = count * size, size - 2
    places = [[(size * i + j + k,) for k in range(3)] for i in range(count) for j in range(inner)]
    network = counted(indicators((n,), places), 2, count * inner // 2)
    text = rule_text(
        f"windowed_blocks(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {count}, j < {inner}: sum(k < 3: x[{size} * i + j + k]) >= 2) >= {count * inner // 2}",
    )
    return Structure(text, network)


def antidiagonal_windows(n: int = 7) -> Structure:
    """In how many places of a square two of three in a row towards the lower left are set."""
    m = n - 2
    places = [[(i + k, j + 2 - k) for k in range(3)] for i, j in product(range(m), repeat=2)]
    network = counted(indicators((n, n), places), 2, m * m // 2)
    text = rule_text(
        f"antidiagonal_windows(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {m}, j < {m}: sum(k < 3: x[i + k, j + 2 - k]) >= 2) >= {m * m // 2}",
    )
    return Structure(text, network)


def gradients(n: int = 7) -> Structure:
    """Two weighted kernels in one layer: steep places downwards against steep ones to the right."""
    m = n - 2
    smooth, change = np.array([1, 2, 1]), np.array([-1, 0, 1])
    layers = []
    for kernel in (np.outer(change, smooth), np.outer(smooth, change)):
        weight = np.zeros((m, m, n, n), dtype=np.int64)
        for i, j in product(range(m), repeat=2):
            weight[i, j, i : i + 3, j : j + 3] = kernel
        layers.append(weight.reshape(m * m, n, n))
    last = steps(np.repeat([1, -1], m * m).reshape(1, -1), 1)
    text = rule_text(
        f"gradients(x: bit[{n}, {n}]) -> (y: bit)",
        f"down[i < {n}, j < {m}] = x[i, j] + 2 * x[i, j + 1] + x[i, j + 2]",
        f"right[i < {m}, j < {n}] = x[i, j] + 2 * x[i + 1, j] + x[i + 2, j]",
        f"y = sum(i < {m}, j < {m}: down[i + 2, j] - down[i, j] >= 2) > "
        f"sum(i < {m}, j < {m}: right[i, j + 2] - right[i, j] >= 2)",
    )
    return Structure(text, Network((steps(np.concatenate(layers), 2), last)))


def tesseract(n: int = 4) -> Structure:
    """How many places of a wrapped grid of four axes have five of the nine at and next to them set."""
    shape = (n, n, n, n)
    unit = np.eye(4, dtype=np.int64)
    offsets = [(0, 0, 0, 0), *map(tuple, unit.tolist()), *map(tuple, (-unit).tolist())]
    network = counted(around(shape, offsets, box(shape), wrap=True), 5, n**4 // 2)
    moved = [", ".join(f"({i} + d) % {n}" if i == m else i for i in "ijkl") for m in "ijkl"]
    text = rule_text(
        f"tesseract(x: bit[{n}, {n}, {n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}, k < {n}, l < {n}: sum(d in -1..1: {' + '.join(f'x[{m}]' for m in moved)}) "
        f">= 3 * x[i, j, k, l] + 5) >= {n**4 // 2}",
    )
    return Structure(text, network)


def tiny_torus(h: int = 3, w: int = 6) -> Structure:
    """The nine around every place of a torus that is three high, so that kernels cover whole columns."""
    network = counted(around((h, w), square(1, 2), box((h, w)), wrap=True), 5, h * w // 2)
    count = -(-(h * w // 2) // 3)
    text = rule_text(
        f"tiny_torus(x: bit[{h}, {w}]) -> (y: bit)",
        f"y = sum(i < {w}: sum(j < {h}, di in -1..1: x[j, (i + di) % {w}]) >= 5) >= {count}",
    )
    return Structure(text, network)


def overlapping_ring(n: int = 4) -> Structure:
    """Five around every place of a ring of four, so that one of them counts twice."""
    network = Network((steps(around((n,), square(2, 1), box((n,)), wrap=True), 3),))
    text = rule_text(
        f"overlapping_ring(x: bit[{n}]) -> (y: bit[{n}])",
        f"total = sum(i < {n}: x[i])",
        f"y[i < {n}] = total + x[(i + 2) % {n}] >= 3",
    )
    return Structure(text, network)


def two_rings(n: int = 8) -> Structure:
    """The four neighbours of every place of a torus that is two high, where both above and below are the other one."""
    network = Network((steps(around((2, n), [(0, 1), (1, 0), (0, -1), (-1, 0)], box((2, n)), wrap=True), 3),))
    text = rule_text(
        f"two_rings(x: bit[2, {n}]) -> (y: bit[2, {n}])",
        f"y[i < 2, j < {n}] = 2 * x[1 - i, j] + x[i, (j - 1) % {n}] + x[i, (j + 1) % {n}] >= 3",
    )
    return Structure(text, network)


def thin_line(n: int = 16) -> Structure:
    """Windows of a line that is declared as a plane with one row."""
    m = n - 3
    places = [[(0, i + k) for k in range(4)] for i in range(m)]
    network = counted(indicators((1, n), places), 2, m // 2)
    text = rule_text(
        f"thin_line(x: bit[1, {n}]) -> (y: bit)",
        f"y = sum(i < {m}: sum(j < 4: x[0, i + j]) >= 2) >= {m // 2}",
    )
    return Structure(text, network)


def padded_levels(n: int = 12) -> Structure:
    """Where two or four of the five places around are set; four are out of reach at the ends."""
    return unrolled(
        f"padded_levels(x: bit[{n}]) -> (y: bit[{n}])",
        f"n[i < {n}] = sum(d in -2..2: pad(x, 0)[i + d])",
        f"y[i < {n}] = n[i] == 2 or n[i] == 4",
    )


def padded_interval(n: int = 8) -> Structure:
    """Where four to seven of the nine places around are set; corners have four, sides six."""
    return unrolled(
        f"padded_interval(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"y[i < {n}, j < {n}] = 4 <= sum(di in -1..1, dj in -1..1: pad(x, 0)[i + di, j + dj]) <= 7",
    )


def padded_spins(n: int = 6) -> Structure:
    """Where the sum of the nine spins around is at least three, 0 being outside."""
    return unrolled(
        f"padded_spins(s: spin[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"y[i < {n}, j < {n}] = sum(di in -1..1, dj in -1..1: pad(s, 0)[i + di, j + dj]) >= 3",
    )


def padded_block(n: int = 4) -> Structure:
    """Where 7 to 13 of the 27 places around in a block are set, most of which are at its border."""
    return unrolled(
        f"padded_block(x: bit[{n}, {n}, {n}]) -> (y: bit[{n}, {n}, {n}])",
        f"y[i < {n}, j < {n}, k < {n}] = "
        "7 <= sum(a in -1..1, b in -1..1, c in -1..1: pad(x, 0)[i + a, j + b, k + c]) <= 13",
    )


def neighbours(name: str, n: int, rule: str) -> Structure:
    """A rule about the eight neighbours of the places of a padded square."""
    return unrolled(
        f"{name}(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"n[i < {n}, j < {n}] = sum(di in -1..1, dj in -1..1: pad(x, 0)[i + di, j + dj]) - x[i, j]",
        f"y[i < {n}, j < {n}] = {rule}",
    )


def padded_high_life(n: int = 5) -> Structure:
    """HighLife on a square with nothing outside: a third layer, of which the border has a part."""
    rule = "if x[i, j] then n[i, j] == 2 or n[i, j] == 3 else n[i, j] == 3 or n[i, j] == 6"
    return neighbours("padded_high_life", n, rule)


def padded_day_and_night(n: int = 5) -> Structure:
    """Day & Night on a square with nothing outside."""
    return neighbours("padded_day_and_night", n, "n[i, j] == 3 or n[i, j] >= 6 or (x[i, j] and n[i, j] == 4)")


def lines_of_three(n: int = 3) -> Structure:
    """Whether a row, a column or a diagonal of a square is full."""
    return unrolled(
        f"lines_of_three(x: bit[{n}, {n}]) -> (win: bit)",
        f"win = any(i < {n}: all(j < {n}: x[i, j])) or any(j < {n}: all(i < {n}: x[i, j])) or "
        f"all(i < {n}: x[i, i]) or all(i < {n}: x[i, {n - 1} - i])",
    )


GRIDS = tuple(
    Case("grids", build, small)
    for build, small in (
        (padded_cube, (3,)),
        (cropped_cube, (3,)),
        (strided_cube, (1,)),
        (dilated_line, (8,)),
        (causal_square, (3,)),
        (one_sided_torus, (3,)),
        (strided_ring, (4,)),
        (cylinder, (3, 4)),
        (eroded_torus, (3,)),
        (eroded_line, (7,)),
        (windowed_blocks, (2, 5)),
        (antidiagonal_windows, (4,)),
        (gradients, (3,)),
        (tesseract, (2,)),
        (tiny_torus, (3, 4)),
        (overlapping_ring, (4,)),
        (two_rings, (3,)),
        (thin_line, (8,)),
        (padded_levels, (7,)),
        (padded_interval, (4,)),
        (padded_spins, (3,)),
        (padded_block, (3,)),
        (padded_high_life, (3,)),
        (padded_day_and_night, (3,)),
        (lines_of_three, (3,)),
    )
)
