"""What is done with the last layer: the larger of scores, and scores that were merged from several weights."""

from __future__ import annotations

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text

__all__ = ["HEADS"]


def mirrored(n: int = 9) -> Structure:
    """Two scores of which one is the negation of the other."""
    weight = 0.7320508 * np.repeat([1.0, -1.0], n)
    network = Network((Layer(np.array([weight, -weight]), np.zeros(2), "identity"),))
    text = rule_text(
        f"mirrored(x: bit[2, {n}]) -> (class: bit)", f"class = sum(i < {n}: x[1, i]) > sum(i < {n}: x[0, i])"
    )
    return Structure(text, network, "argmax")


def mirrored_counts(h: int = 8, w: int = 8) -> Structure:
    """Well filled rows against well filled columns, by scores that mirror each other up to rounding."""
    row = np.kron(np.eye(h, dtype=np.int64), np.ones((1, w), dtype=np.int64))
    column = np.kron(np.ones((1, h), dtype=np.int64), np.eye(w, dtype=np.int64))
    a, b = 0.73205080756887, 0.73205080691234
    scores = np.array([[a] * h + [-b] * w, [-b] * h + [a] * w])
    hidden = steps(np.concatenate([row, column]), [w // 2] * h + [h // 2] * w)
    text = rule_text(
        f"mirrored_counts(x: bit[{h}, {w}]) -> (class: bit)",
        f"class = sum(i < {w}: sum(j < {h}: x[j, i]) >= {h // 2}) > sum(i < {h}: sum(j < {w}: x[i, j]) >= {w // 2})",
    )
    return Structure(text, Network((hidden, Layer(scores, np.zeros(2), "identity"))), "argmax")


def common_factor(classes: int = 4, n: int = 6) -> Structure:
    """The fullest of some groups, by scores with a common factor and a common offset."""
    weight = 1.25 * np.kron(np.eye(classes), np.ones((1, n)))
    network = Network((Layer(weight, np.full(classes, 0.7), "identity"),))
    text = rule_text(
        f"common_factor(x: bit[{classes}, {n}]) -> (class: int)",
        f"class = argmax(i < {classes}: sum(j < {n}: x[i, j]))",
    )
    return Structure(text, network, "argmax")


def shared_part(classes: int = 4, n: int = 6) -> Structure:
    """The fullest of some groups, where all scores have a part in common."""
    own = np.kron(np.eye(classes, dtype=np.int64), np.ones((1, n), dtype=np.int64))
    weight = np.array(3 * own + np.arange(classes * n) % 5)
    network = Network((Layer(weight, np.zeros(classes, dtype=np.int64), "identity"),))
    text = rule_text(
        f"shared_part(x: bit[{classes}, {n}]) -> (class: int)", f"class = argmax(i < {classes}: sum(j < {n}: x[i, j]))"
    )
    return Structure(text, network, "argmax")


def merged(n: int = 3) -> Structure:
    """Two equal units whose weights add up to a number that is no double."""
    hidden = steps(np.ones((2, n), dtype=np.int64), n // 2 + 1)
    network = Network((hidden, Layer(np.array([[0.1, 0.2]]), np.array([0.0]), "identity")))
    text = rule_text(
        f"merged(x: bit[{n}]) -> (y: rat)", f"y = if sum(i < {n}: x[i]) >= {n // 2 + 1} then 0.1 + 0.2 else 0"
    )
    return Structure(text, network)


HEADS = tuple(
    Case("heads", build, small)
    for build, small in (
        (mirrored, (4,)),
        (mirrored_counts, (3, 3)),
        (common_factor, (3, 3)),
        (shared_part, (3, 3)),
        (merged, (3,)),
    )
)
