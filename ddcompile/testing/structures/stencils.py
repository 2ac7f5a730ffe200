"""Little kernels at every place of a line, a square or a block: wrapped, padded, cropped, strided, dilated."""

from __future__ import annotations

from itertools import product

import numpy as np

from ddcompile.frontends.network import Network
from ddcompile.testing.structures.layers import around, box, counted, square, steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text, unrolled

__all__ = ["STENCILS", "cube_majority"]


def ring_vote(n: int = 24) -> Structure:
    """In how many places of a ring most of the five around are set."""
    network = counted(around((n,), square(2, 1), box((n,)), wrap=True), 3, n // 2)
    text = rule_text(
        f"ring_vote(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(di in -2..2: x[(i + di) % {n}]) >= 3) >= {n // 2}",
    )
    return Structure(text, network)


def spin_ring(n: int = 24) -> Structure:
    """The same over spins."""
    network = counted(around((n,), square(2, 1), box((n,)), wrap=True), 1, n // 2)
    text = rule_text(
        f"spin_ring(x: spin[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(di in -2..2: x[(i + di) % {n}]) > 0) >= {n // 2}",
    )
    return Structure(text, network)


def padded_line(n: int = 24) -> Structure:
    """In how many places of a line most of the five around are set, none being set outside."""
    network = counted(around((n,), square(2, 1), box((n,)), wrap=False), 3, n // 2)
    text = rule_text(
        f"padded_line(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(di in -2..2: pad(x, 0)[i + di]) >= 3) >= {n // 2}",
    )
    return Structure(text, network)


def padded_square(n: int = 8) -> Structure:
    """Whether four of the nine around every place of a square are set, none being set outside."""
    network = Network((steps(around((n, n), square(1, 2), box((n, n)), wrap=False), 4),))
    text = rule_text(
        f"padded_square(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"y[i < {n}, j < {n}] = sum(di in -1..1, dj in -1..1: pad(x, 0)[i + di, j + dj]) >= 4",
    )
    return Structure(text, network)


def padded_count(n: int = 8) -> Structure:
    """How many places of a square have four of the nine around set, none being set outside."""
    network = counted(around((n, n), square(1, 2), box((n, n)), wrap=False), 4, n * n // 3)
    text = rule_text(
        f"padded_count(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}: sum(di in -1..1, dj in -1..1: pad(x, 0)[i + di, j + dj]) >= 4) >= {n * n // 3}",
    )
    return Structure(text, network)


def cropped_square(n: int = 8) -> Structure:
    """How many 3 x 3 windows inside a square are well filled."""
    m = n - 2
    network = counted(around((n, n), list(product(range(3), repeat=2)), box((m, m)), wrap=False), 5, m * m // 2)
    text = rule_text(
        f"cropped_square(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {m}, j < {m}: sum(k < 3, l < 3: x[i + k, j + l]) >= 5) >= {m * m // 2}",
    )
    return Structure(text, network)


def strided_square(m: int = 4) -> Structure:
    """How many 3 x 3 windows at every other place are well filled."""
    n = 2 * m + 1
    origins = [(2 * i, 2 * j) for i, j in box((m, m))]
    network = counted(around((n, n), list(product(range(3), repeat=2)), origins, wrap=False), 5, m * m // 2)
    text = rule_text(
        f"strided_square(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {m}, j < {m}: sum(k < 3, l < 3: x[2 * i + k, 2 * j + l]) >= 5) >= {m * m // 2}",
    )
    return Structure(text, network)


def dilated_ring(n: int = 20) -> Structure:
    """A majority of a place of a ring and those three before and after it."""
    network = counted(around((n,), [(-3,), (0,), (3,)], box((n,)), wrap=True), 2, n // 2)
    text = rule_text(
        f"dilated_ring(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: sum(j < 3: x[(i + 3 * j) % {n}]) >= 2) >= {n // 2}",
    )
    return Structure(text, network)


def one_sided_ring(n: int = 20) -> Structure:
    """A kernel of different weights that looks ahead."""
    here, ahead, further = (around((n,), [(d,)], box((n,)), wrap=True) for d in range(3))
    network = counted(2 * here + ahead - further, 2, n // 2)
    text = rule_text(
        f"one_sided_ring(x: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: 2 * x[i] + x[(i + 1) % {n}] - x[(i + 2) % {n}] >= 2) >= {n // 2}",
    )
    return Structure(text, network)


def torus(n: int = 7) -> Structure:
    """A majority of a place of a torus and its four neighbours."""
    offsets = [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)]
    network = counted(around((n, n), offsets, box((n, n)), wrap=True), 3, n * n // 2)
    text = rule_text(
        f"torus(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}: sum(d in -1..1: x[(i + d) % {n}, j] + x[i, (j + d) % {n}]) - x[i, j] >= 3) "
        f">= {n * n // 2}",
    )
    return Structure(text, network)


def cube_majority(n: int = 5) -> Structure:
    """A majority of the 27 around every place of a block that wraps."""
    network = Network((steps(around((n, n, n), square(1, 3), box((n, n, n)), wrap=True), 14),))
    text = rule_text(
        f"cube_majority(x: bit[{n}, {n}, {n}]) -> (y: bit[{n}, {n}, {n}])",
        f"y[i < {n}, j < {n}, k < {n}] = sum(di in -1..1, dj in -1..1, dk in -1..1: "
        f"x[(i + di) % {n}, (j + dj) % {n}, (k + dk) % {n}]) >= 14",
    )
    return Structure(text, network)


def edges(n: int = 7) -> Structure:
    """Two kernels in one layer: edges to the right against edges downwards."""
    m = n - 1
    here, right, below = (
        [around((n, n), [offset], box(shape), wrap=False) for shape in ((n, m), (m, n))]
        for offset in ((0, 0), (0, 1), (1, 0))
    )
    layer = steps(np.concatenate([here[0] - right[0], here[1] - below[1]]), 1)
    last = steps(np.repeat([1, -1], n * m).reshape(1, -1), 1)
    text = rule_text(
        f"edges(x: bit[{n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {m}: x[i, j] > x[i, j + 1]) > sum(i < {m}, j < {n}: x[i, j] > x[i + 1, j])",
    )
    return Structure(text, Network((layer, last)))


def kernels(n: int = 16) -> Structure:
    """Three kernels of a ring in one layer, put together at every place: where it differs from both sides."""
    left, here, right = (around((n,), [(d,)], box((n,)), wrap=True) for d in (-1, 0, 1))
    begins, ends, hole = here - left, here - right, left + right - 2 * here
    layer = steps(np.concatenate([begins, ends, hole]), [1] * (2 * n) + [2] * n)
    last = steps(np.kron([[1, 1, 2]], np.eye(n, dtype=np.int64)), 2)
    text = rule_text(
        f"kernels(x: bit[{n}]) -> (y: bit[{n}])",
        f"y[i < {n}] = abs(x[(i - 1) % {n}] - 2 * x[i] + x[(i + 1) % {n}]) == 2",
    )
    return Structure(text, Network((layer, last)))


def channels(n: int = 6) -> Structure:
    """A majority over three channels of the nine around every place of a torus."""
    shape = (3, n, n)
    offsets = [(c, i, j) for c in range(3) for i, j in square(1, 2)]
    origins = [(0, i, j) for i, j in box((n, n))]
    network = counted(around(shape, offsets, origins, wrap=True), 14, n * n // 2)
    text = rule_text(
        f"channels(x: bit[3, {n}, {n}]) -> (y: bit)",
        f"y = sum(i < {n}, j < {n}: sum(k < 3, di in -1..1, dj in -1..1: x[k, (i + di) % {n}, (j + dj) % {n}]) >= 14) "
        f">= {n * n // 2}",
    )
    return Structure(text, network)


def channel_weights(n: int = 16) -> Structure:
    """Two channels out of two channels in: each place against its neighbour in the other channel."""
    shape = (2, n)
    origins = box(shape)
    own = around(shape, [(0, 0)], origins, wrap=True)
    other = around(shape, [(1, 1)], origins, wrap=True)
    network = Network((steps(own - other, 1),))
    text = rule_text(
        f"channel_weights(x: bit[2, {n}]) -> (y: bit[2, {n}])",
        f"y[i < 2, j < {n}] = x[i, j] > x[1 - i, (j + 1) % {n}]",
    )
    return Structure(text, network)


def opening(n: int = 8) -> Structure:
    """Squares of three by three that fit into what is set: an erosion, then a dilation."""
    return unrolled(
        f"opening(x: bit[{n}, {n}]) -> (y: bit[{n}, {n}])",
        f"fits[i < {n - 2}, j < {n - 2}] = all(k < 3, l < 3: x[i + k, j + l])",
        f"y[i < {n}, j < {n}] = any(k < 3, l < 3: pad(fits, 0)[i + k - 2, j + l - 2])",
    )


STENCILS = tuple(
    Case("stencils", build, small)
    for build, small in (
        (ring_vote, (7,)),
        (spin_ring, (7,)),
        (padded_line, (7,)),
        (padded_square, (3,)),
        (padded_count, (3,)),
        (cropped_square, (4,)),
        (strided_square, (2,)),
        (dilated_ring, (7,)),
        (one_sided_ring, (6,)),
        (torus, (3,)),
        (cube_majority, (3,)),
        (edges, (3,)),
        (kernels, (5,)),
        (channels, (3,)),
        (channel_weights, (4,)),
        (opening, (5,)),
    )
)
