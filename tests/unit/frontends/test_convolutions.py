"""Layers of windows: convolutions, maxima, averages, as stencils."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.diagnostics import CompileError
from ddcompile.frontends.declarations import declared_inputs
from ddcompile.frontends.dense import lower
from ddcompile.frontends.drafts import Drafts
from ddcompile.frontends.evaluate import evaluate
from ddcompile.frontends.inspection import inspect_network
from ddcompile.frontends.network import Layer, Network, Window
from ddcompile.frontends.spans import spans_of
from ddcompile.frontends.weights import Convolution, Maximum, dense_of
from ddcompile.interpreter import interpret

GEOMETRIES = [
    Window((5, 6), (3, 3), before=(1, 1), after=(1, 1)),
    Window((5, 6), (3, 2), (2, 1), (1, 0), (1, 2)),
    Window((7, 6), (3, 2), (1, 2), (2, 1), (1, 1), (2, 3)),
    Window((5, 4), (3, 3), before=(1, 1), after=(1, 1), is_circular=True),
    Window((9,), (4,), (3,), (2,), (1,)),
    Window((3, 1, 4), (2, 3, 2), (1, 1, 2), (0, 1, 1), (1, 1, 0)),
    Window((1, 5), (1, 3), before=(0, 1), after=(0, 1)),
    Window((2, 2), (3, 3), before=(1, 1), after=(1, 1), is_circular=True),
]


def direct(window: Window, values: np.ndarray) -> list[list[tuple[int, ...] | None]]:
    """Every window as positions of the grid, straight from the definition."""
    found = []
    for result in product(*map(range, window.result)):
        places: list[tuple[int, ...] | None] = []
        for tap in product(*map(range, window.kernel)):
            at = [
                s * r + d * t - b
                for s, r, d, t, b in zip(window.stride, result, window.dilation, tap, window.before, strict=True)
            ]
            if window.is_circular:
                at = [p % n for p, n in zip(at, window.grid, strict=True)]
            inside = all(0 <= p < n for p, n in zip(at, window.grid, strict=True))
            places.append(tuple(at) if inside else None)
        found.append(places)
    return found


def convolved(window: Window, kernel: np.ndarray, bias: np.ndarray, groups: int, x: np.ndarray) -> np.ndarray:
    outputs, inner = kernel.shape[:2]
    total = [
        [
            sum(
                (
                    kernel[o, c].ravel()[t] * x[(o // (outputs // groups) * inner + c, *place)]
                    for c in range(inner)
                    for t, place in enumerate(places)
                    if place is not None
                ),
                start=bias[o],
            )
            for places in direct(window, x)
        ]
        for o in range(outputs)
    ]
    return np.array(total, dtype=object)


def results(network: Network, inputs: str, X: np.ndarray, head: str = "none") -> np.ndarray:
    rule = lower(network, inputs, None, head, "net")
    assert dd.parse(str(rule)).rule == rule
    return np.asarray(interpret(rule, [X]))


@pytest.mark.parametrize("window", GEOMETRIES, ids=str)
@pytest.mark.parametrize(("channels", "outputs", "groups"), [(1, 1, 1), (2, 3, 1), (4, 4, 4), (4, 6, 2), (2, 4, 2)])
def test_a_convolution_is_what_it_says(window: Window, channels: int, outputs: int, groups: int) -> None:
    rng = np.random.default_rng(0)
    kernel = rng.integers(-3, 4, (outputs, channels // groups, *window.kernel))
    bias = rng.integers(-3, 4, outputs)
    drafts = Drafts(channels * int(np.prod(window.grid)))
    ids = drafts.convolution(np.arange(drafts.inputs).reshape(channels, *window.grid), kernel, bias, window, "", groups)
    assert ids.shape == (outputs, *window.result)
    network = Network(drafts.finished(ids.ravel(), ""), shape=ids.shape)
    X = rng.integers(-2, 3, (3, channels, *window.grid))
    wanted = np.array([convolved(window, kernel, bias, groups, x).ravel() for x in X])
    assert (evaluate(network, X.reshape(3, -1)) == wanted).all()
    layer = network.layers[0]
    assert (X.reshape(3, -1) @ layer.dense_weight().T + layer.unit_bias() == wanted).all()
    declared = ", ".join(map(str, (channels, *window.grid)))
    found = results(network, f"x: int[-2..2][{declared}]".replace("][", ", ", 0), X)
    assert (found.reshape(3, -1) == wanted).all()


@pytest.mark.parametrize("window", [w for w in GEOMETRIES if not w.is_circular and w.counts().all()], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["int[-2..2]", "rat"])
def test_maxima_and_averages_are_of_the_places_in_the_grid(window: Window, channels: int, kind: str) -> None:
    rng = np.random.default_rng(1)
    X = rng.integers(-2, 3, (4, channels, *window.grid))
    flat = X.reshape(4, -1)
    inputs = f"x: {kind}[{', '.join(map(str, (channels, *window.grid)))}]"

    def looked_at(x: np.ndarray) -> list[list[list[int]]]:
        windows = direct(window, x)
        return [
            [[x[(c, *place)] for place in places if place is not None] for places in windows] for c in range(channels)
        ]

    seen = [looked_at(x) for x in X]
    start = np.arange(flat.shape[1]).reshape(channels, *window.grid)
    drafts = Drafts(flat.shape[1])
    ids = drafts.maximum(start, window, "")
    network = Network(drafts.finished(ids.ravel(), ""), shape=ids.shape)
    wanted = np.array([[max(v) for row in x for v in row] for x in seen])
    assert (evaluate(network, flat) == wanted).all()
    assert (results(network, inputs, X).reshape(4, -1) == wanted).all()
    drafts = Drafts(flat.shape[1])
    ids = drafts.average(start, window, "")
    network = Network(drafts.finished(ids.ravel(), ""), shape=ids.shape)
    means = np.array([[Fraction(int(sum(v)), len(v)) for row in x for v in row] for x in seen], dtype=object)
    assert (evaluate(network, flat) == means).all()
    assert (results(network, inputs, X, "sign").reshape(4, -1) == np.sign(means).astype(int)).all()


def test_a_window_beyond_the_grid_has_no_maximum() -> None:
    with pytest.raises(CompileError, match="N103"):
        Maximum(Window((2,), (2,), before=(2,), after=(0,)), 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Window((4, 4), (3,)),
        lambda: Window((2,), (3,)),
        lambda: Window((4,), (2,), (0,)),
        lambda: Convolution(np.ones((2, 1, 3)), Window((4,), (2,))),
        lambda: Convolution(np.ones((3, 1, 2)), Window((4,), (2,)), 2),
        lambda: Layer(Maximum(Window((4,), (2,)), 1), np.ones(1, dtype=int)),
        lambda: Layer(Convolution(np.ones((2, 1, 2)), Window((4,), (2,))), np.ones(6, dtype=int)),
    ],
)
def test_shapes_that_do_not_fit(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CompileError, match=r"N10[34]"):
        make()


def test_two_layers_are_read_as_channels_one_after_the_other() -> None:
    rng = np.random.default_rng(2)
    window = Window((4, 4), (3, 3), before=(1, 1), after=(1, 1))
    drafts = Drafts(16)
    start = np.arange(16).reshape(1, 4, 4)
    first = drafts.convolution(start, rng.integers(-2, 3, (2, 1, 3, 3)), np.zeros(2, dtype=int), window, "")
    averaged = drafts.average(drafts.mapped(first.ravel(), "", "relu").reshape(first.shape), window, "")
    both = np.concatenate([start, averaged])
    last = drafts.convolution(both, rng.integers(-2, 3, (2, 3, 3, 3)), rng.integers(-2, 3, 2), window, "")
    decided = drafts.mapped(last.ravel(), "", "sign")
    network = Network(drafts.finished(decided, ""), shape=(2, 4, 4))
    X = rng.integers(0, 2, (50, 4, 4))
    assert (results(network, "x: bit[4, 4]", X).reshape(50, -1) == evaluate(network, X.reshape(50, -1))).all()
    text = str(lower(network, "x: bit[4, 4]", None, None, "net"))
    assert "pad(x, 0)[i + di - 1, j + dj - 1]" in text
    assert "const weight3: int[4, 4]" in text, "by how much each average counts, for all channels"


def test_units_in_another_order_are_put_in_order_first() -> None:
    rng = np.random.default_rng(3)
    window = Window((3, 4), (2, 2))
    drafts = Drafts(24)
    ids = np.arange(24).reshape(3, 4, 2).transpose(2, 0, 1)
    kernel, bias = rng.integers(-3, 4, (2, 2, 2, 2)), rng.integers(-3, 4, 2)
    found = drafts.convolution(ids, kernel, bias, window, "")
    network = Network(drafts.finished(found.ravel(), ""), shape=found.shape)
    X = rng.integers(-2, 3, (5, 3, 4, 2))
    wanted = np.array([convolved(window, kernel, bias, 1, x.transpose(2, 0, 1)).ravel() for x in X])
    assert (evaluate(network, X.reshape(5, -1)) == wanted).all()
    assert (results(network, "x: int[-2..2, 3, 4, 2]".replace("2, 3", "2][3"), X).reshape(5, -1) == wanted).all()


def test_the_results_may_be_declared_flat_or_in_parts() -> None:
    rng = np.random.default_rng(4)
    window = Window((4, 4), (3, 3))
    drafts = Drafts(16)
    found = drafts.convolution(
        np.arange(16).reshape(1, 4, 4), rng.integers(-3, 4, (3, 1, 3, 3)), np.ones(3), window, ""
    )
    network = Network(drafts.finished(found.ravel(), ""), shape=(12,))
    X = rng.integers(0, 2, (9, 16))
    wanted = evaluate(network, X)
    for inputs, parts in (("x: bit[16]", [X]), ("a: bit[2, 4], b: bit[8]", [X[:, :8].reshape(9, 2, 4), X[:, 8:]])):
        for outputs in ("y: int[12]", "y: int[3, 2, 2]", "y: int[2, 4], z: int[4]"):
            found = interpret(lower(network, inputs, outputs, None, "net"), parts)
            flat = [np.asarray(f).reshape(9, -1) for f in (found if isinstance(found, tuple) else (found,))]
            assert (np.concatenate(flat, axis=1) == wanted).all()


def test_a_matrix_of_a_small_circle_adds_up_taps() -> None:
    weight = Convolution(np.array([[[1, 2, 4]]]), Window((2,), (3,), before=(1,), after=(1,), is_circular=True))
    assert dense_of(weight).tolist() == [[2, 5], [5, 2]]


@pytest.mark.parametrize("window", GEOMETRIES, ids=str)
def test_sets_of_values_hold_what_comes_out(window: Window) -> None:
    rng = np.random.default_rng(5)
    drafts = Drafts(2 * int(np.prod(window.grid)))
    start = np.arange(drafts.inputs).reshape(2, *window.grid)
    kernel, bias = 2 * rng.integers(-2, 3, (4, 1, *window.kernel)), rng.integers(-2, 3, 4)
    found = drafts.convolution(start, kernel, bias, window, "", 2)
    found = drafts.pointwise([found.ravel()], np.array([[1, -2, 3, 4]]), np.zeros(4, dtype=int), "", "relu")
    network = Network(drafts.finished(found, ""))
    sets = spans_of(network, declared_inputs(network, f"x: bit[{drafts.inputs}]"))
    values = evaluate(network, rng.integers(0, 2, (300, drafts.inputs)))
    assert inspect_network(network).is_exact
    last = sets[len(network.layers) - 1][1]
    assert last is not None
    units = last.in_blocks(network.outputs)
    assert all(units.holds(row.astype(object)).all() for row in values)
    assert units.greatest() <= 4 * (4 * window.taps + 2)
