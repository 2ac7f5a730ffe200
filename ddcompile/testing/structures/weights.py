"""Weights and biases that are not what they seem: nearly equal, a hair off, tied, larger than need be, in turn."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text

__all__ = ["WEIGHTS"]


def noisy_vote(n: int = 28) -> Structure:
    """A single unit over an image, whose weights differ by less than could matter."""
    rng = np.random.default_rng(5)
    weight = 1 + rng.uniform(-0.4, 0.4, (1, n * n)) / (n * n)
    bound = n * n // 2 + 1
    network = Network((Layer(weight, np.array([0.5 - bound]), "step"),))
    text = rule_text(f"noisy_vote(x: bit[{n}, {n}]) -> (y: bit)", f"y = sum(i < {n}, j < {n}: x[i, j]) >= {bound}")
    return Structure(text, network)


def noisy_rows(h: int = 16, w: int = 28) -> Structure:
    """Sums of rows, weights as training leaves them: all but zero elsewhere, all but one in the row."""
    rng = np.random.default_rng(6)
    weight = np.kron(np.eye(h), np.ones((1, w))) + rng.uniform(-0.4, 0.4, (h, h * w)) / (h * w)
    last = steps(np.ones((1, h), dtype=np.int64), h // 2)
    network = Network((Layer(weight, np.full(h, 0.5 - w // 2), "step"), last))
    text = rule_text(
        f"noisy_rows(x: bit[{h}, {w}]) -> (y: bit)", f"y = sum(i < {h}: sum(j < {w}: x[i, j]) >= {w // 2}) >= {h // 2}"
    )
    return Structure(text, network)


def uneven(n: int = 9) -> Structure:
    """A majority behind integer weights of many sizes."""
    weight = 100 + np.array([[7 * i * i % 11 for i in range(n)]])
    count = n // 2 + 1
    bound = int(np.sort(weight[0])[:count].sum())
    assert bound > np.sort(weight[0])[n - count + 1 :].sum()
    text = rule_text(f"uneven(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) >= {count}")
    return Structure(text, Network((steps(weight, bound),)))


def ties(n: int = 6) -> Structure:
    """As many for as against is a third state, which later units see."""
    weight = np.repeat([1, -1], n).reshape(1, -1)
    zero = np.array([0])
    text = rule_text(f"ties(x: bit[2, {n}]) -> (y: trit)", f"y = sign(sum(i < {n}: x[0, i] - x[1, i]))")
    return Structure(text, Network((Layer(weight, zero, "sign"), Layer(np.array([[3]]), zero, "sign"))))


def noisy_ties(n: int = 4) -> Structure:
    """Near ties that are none: the noise decides them, and must stay."""
    rng = np.random.default_rng(7)
    noise = rng.integers(-3, 4, 2 * n) / 64
    weight = np.repeat([1, -1], n) + noise
    entries = ", ".join(map(str, (64 * weight).astype(int).tolist()))
    text = rule_text(
        f"noisy_ties(x: bit[{2 * n}]) -> (y: trit)",
        f"const w: int[{2 * n}] = [{entries}]",
        f"y = sign(sum(i < {2 * n}: w[i] * x[i]))",
    )
    return Structure(text, Network((Layer(weight.reshape(1, -1), np.array([0]), "sign"),)))


def hair_off(n: int = 28) -> Structure:
    """A row of ties against all others, with a bias a hair off an attained sum."""
    weight = np.kron(np.eye(n, dtype=np.int64), np.full((1, n), n)) - (n - 1)
    bias = np.full(n, -(n * (n - 1) + 0.0004))
    text = rule_text(
        f"hair_off(x: trit[{n}, {n}]) -> (y: trit[{n}])",
        f"total = sum(i < {n}, j < {n}: x[i, j])",
        f"y[i < {n}] = sign({2 * n} * sum(j < {n}: x[i, j]) - {2 * n - 2} * total - {2 * n * (n - 1) + 1})",
    )
    return Structure(text, Network((Layer(weight, bias, "sign"),)))


def unreachable(n: int = 8) -> Structure:
    """A reader of two thresholds of one count, of which the larger implies the smaller."""
    first = steps(np.ones((2, n), dtype=np.int64), [n // 4, n // 2 + 1])
    text = rule_text(f"unreachable(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) >= {n // 4}")
    return Structure(text, Network((first, steps(np.array([[1, 3]]), 1))))


def scattered(n: int = 40, share: int = 3) -> Structure:
    """Every `share`-th input counts half, behind weights with noise."""
    rng = np.random.default_rng(8)
    clean = np.where(np.arange(n) % share == 0, 1, 2)
    bound = int(clean.sum() // 2)
    weight = clean + rng.uniform(-0.4, 0.4, n) / n
    count = len(range(0, n, share))
    text = rule_text(
        f"scattered(x: bit[{n}]) -> (y: bit)",
        f"y = 2 * sum(i < {n}: x[i]) - sum(i < {count}: x[{share} * i]) >= {bound}",
    )
    return Structure(text, Network((Layer(weight.reshape(1, -1), np.array([0.5 - bound]), "step"),)))


def fibonacci(n: int = 8) -> Structure:
    """Weights that no smaller integers replace."""
    weights = [a for a, _ in accumulate(range(n - 1), lambda p, _: (p[1], p[0] + p[1]), initial=(1, 1))]
    bound = sum(weights) // 2
    text = rule_text(
        f"fibonacci(x: bit[{n}]) -> (y: bit)",
        f"const w: int[{n}] = [{', '.join(map(str, weights))}]",
        f"y = sum(i < {n}: w[i] * x[i]) >= {bound}",
    )
    return Structure(text, Network((steps(np.array([weights]), bound),)))


def checkerboard(h: int = 7, w: int = 8) -> Structure:
    """Ones and zeros in turn along rows and columns."""
    weight = np.indices((h, w)).sum(axis=0) % 2
    bound = h * w // 4 + 1
    text = rule_text(
        f"checkerboard(x: bit[{h}, {w}]) -> (y: bit)", f"y = sum(i < {h}, j < {w}: (i + j) % 2 * x[i, j]) >= {bound}"
    )
    return Structure(text, Network((steps(weight[None], bound),)))


def in_turn(n: int = 20) -> Structure:
    """Three weights in turn."""
    bound = 2 * n // 3
    text = rule_text(
        f"in_turn(x: bit[{n}]) -> (y: bit)",
        "const w: int[3] = [1, 4, -2]",
        f"y = sum(i < {n}: w[i % 3] * x[i]) >= {bound}",
    )
    return Structure(text, Network((steps(np.array([[(1, 4, -2)[i % 3] for i in range(n)]]), bound),)))


WEIGHTS = tuple(
    Case("weights", build, small)
    for build, small in (
        (noisy_vote, (3,)),
        (noisy_rows, (3, 4)),
        (uneven, (5,)),
        (ties, (3,)),
        (noisy_ties, (3,)),
        (hair_off, (3,)),
        (unreachable, (6,)),
        (scattered, (7,)),
        (fibonacci, (5,)),
        (checkerboard, (3, 4)),
        (in_turn, (7,)),
    )
)
