"""Shapes of results that nobody declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.frontends.network import Layer, Network
from ddcompile.frontends.result_shapes import found_shape

Places = Iterable[Sequence[tuple[int, ...]]]


def _network(extents: tuple[int, ...], units: Places, activation: str = "step", hidden: bool = False) -> Network:
    """Units that each read some places of an input; through shuffled copies of these, if so asked for."""
    weight = np.array([_row(extents, places) for places in units])
    if not hidden:
        return Network((Layer(weight, np.full(len(weight), -0.5), activation),))
    order = np.random.default_rng(0).permutation(weight.shape[1])
    copies = Layer(np.eye(weight.shape[1])[order], np.full(weight.shape[1], -0.5), "step")
    return Network((copies, Layer(weight[:, order], np.full(len(weight), -0.5), activation)))


def _row(extents: tuple[int, ...], places: Iterable[tuple[int, ...]]) -> np.ndarray:
    row = np.zeros(extents)
    for place in places:
        row[place] = 1
    return row.ravel()


def _windows(
    image: tuple[int, int], size: tuple[int, int], stride: int = 1, wrap: bool = False
) -> list[list[tuple[int, ...]]]:
    """The places of all windows of an image, row by row."""
    (rows, columns), (high, wide) = image, size
    ends = (rows, columns) if wrap else (rows - high + 1, columns - wide + 1)
    return [
        [((i + k) % rows, (j + m) % columns) for k in range(high) for m in range(wide)]
        for i in range(0, ends[0], stride)
        for j in range(0, ends[1], stride)
    ]


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(
    ("extents", "units", "shape"),
    [
        ((8, 8), _windows((8, 8), (2, 2)), (7, 7)),
        ((8, 8), _windows((8, 8), (3, 3)), (6, 6)),
        ((6, 9), _windows((6, 9), (3, 2)), (4, 8)),
        ((8, 8), _windows((8, 8), (2, 2), stride=2), (4, 4)),
        ((8, 8), _windows((8, 8), (3, 3), stride=2, wrap=True), (4, 4)),
        ((5, 7), 3 * _windows((5, 7), (2, 2)), (3, 4, 6)),
        ((5, 7), [w for w in _windows((5, 7), (2, 2)) for _ in range(2)], (4, 6, 2)),
        ((4, 6), [[(i, j)] for j in range(6) for i in range(3)], (6, 3)),
        ((4, 5, 6), [[(i, j, k), (i + 1, j, k)] for i in range(3) for j in range(5) for k in range(6)], (3, 5, 6)),
        ((4, 5, 6), [[(i, j, k) for i in range(4)] for j in range(5) for k in range(6)], (5, 6)),
        ((6, 6), [[(i, j) for j in range(6)] for i in range(6) for _ in range(2)], (6, 2)),
        ((6, 6), [[(i, j) for j in range(6)] for i in range(6)], None),
        ((6, 6), [[(i, j) for j in range(6)] for i in range(6)] + [[(i, j) for i in range(6)] for j in range(6)], None),
        ((6, 6), [[(i, 5 - i)] for i in range(6)], None),
        ((7, 7), 2 * _windows((7, 7), (7, 7)), None),
        ((8, 8), [[(i, j), (i + k, j + 1 - k)] for k in range(2) for i in range(7) for j in range(7)], (2, 7, 7)),
        ((6,), [[(i,), (j,)] for i in range(6) for j in range(6)], (6, 6)),
        ((6,), [[(i,), (j,)] if i != j else [] for i in range(6) for j in range(6)], (6, 6)),
        ((9,), [[(i,), (4 + j,)] for i in range(4) for j in range(5)], (4, 5)),
        ((6,), [[(i,), (j,)] for i in range(6) for j in range(i)], None),
        ((37,), [[(i,), (i + 1,)] for i in range(36)], None),
        ((6,), [[(k,) for k in range(6)]] * 8, None),
        ((6,), [[]] * 8, None),
        ((2, 2), [[(0, 0)], [(0, 1)], [(1, 0)], [(1, 0), (1, 1)]], None),
        ((4, 4), [[(i, j), (i + 1, j + 1)] for i in (0, 2) for j in (0, 2)], (2, 2)),
        ((3, 3), [[(0, 0), (0, 2)], [(0, 0), (0, 1)], [(1, 0), (2, 2)], [(1, 1), (2, 2)]], None),
    ],
)
def test_shapes(extents: tuple[int, ...], units: Places, shape: tuple[int, ...] | None, hidden: bool) -> None:
    assert found_shape(_network(extents, units, hidden=hidden), [extents]) == shape


def test_noise_is_not_seen() -> None:
    clean = _network((8, 8), _windows((8, 8), (3, 3)))
    noise = np.random.default_rng(1).uniform(-0.01, 0.01, clean.layers[0].weight.shape)
    noisy = Network((Layer(clean.layers[0].dense_weight() + noise, clean.layers[0].bias, "step"),))
    assert found_shape(noisy, [(8, 8)]) == (6, 6)


def test_two_images() -> None:
    windows = _windows((5, 6), (2, 2))
    weight = np.array([np.concatenate([_row((5, 6), w), _row((5, 6), w[:1])]) for w in windows])
    network = Network((Layer(weight, np.zeros(len(weight)), "step"),))
    assert found_shape(network, [(5, 6), (5, 6)]) == (4, 5)
    assert found_shape(network, [(60,)]) is None


def test_tables_of_two_words() -> None:
    pairs = [[(i,), (4 + j,)] for i in range(4) for j in range(3)]
    network = _network((7,), pairs)
    assert found_shape(network, [(4,), (3,)]) == (4, 3)
    sums = _network((8,), [[(j,) for j in range(8) if j % 4 <= k] for k in range(4)])
    assert found_shape(sums, [(4,), (4,)]) is None


def test_random_units_have_no_shape() -> None:
    weight = np.random.default_rng(2).normal(size=(24, 36))
    assert found_shape(Network((Layer(weight, np.zeros(24), "sign"),)), [(6, 6)]) is None


def test_what_is_too_large_is_not_looked_at() -> None:
    network = Network((Layer(np.ones((4, 5000)), np.zeros(4), "sign"),))
    assert found_shape(network, [(50, 100)]) is None


@pytest.mark.parametrize(
    ("read", "declared"),
    [
        (lambda n: dd.distill(n, "image: bit[8, 8]"), "y: bit[7, 7]"),
        (lambda n: dd.distill(n, "image: bit[8, 8]", "z: bit[49]"), "z: bit[49]"),
        (lambda n: dd.distill(n), "y: bit[49]"),
        (lambda n: dd.distill(n, "image: bit[8, 8]", head="argmax"), "class: int[0..48]"),
    ],
)
def test_declared_results(read: Callable[[Network], dd.Program], declared: str) -> None:
    program = read(_network((8, 8), _windows((8, 8), (2, 2))))
    assert f"-> ({declared})" in str(program)
    assert program.verdict is not None
    assert program.verdict.status == "proved"


def test_probabilities_stay_in_a_row() -> None:
    network = _network((5, 5), _windows((5, 5), (2, 2)), "identity")
    assert "-> (p: real[16])" in str(dd.distill(network, "image: bit[5, 5]", head="softmax"))
    pairs = _network((4,), [[(i,), (j,)] for i in range(4) for j in range(4)], "identity")
    assert "-> (p: real[16])" in str(dd.distill(pairs, "x: bit[4]", head="softmax"))
    assert "-> (y: rat[4, 4])" in str(dd.distill(pairs, "x: bit[4]"))
