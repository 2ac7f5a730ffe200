"""Functions of few inputs, or of few classes of inputs that may be exchanged."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import Wires, indicators, steps
from ddcompile.testing.structures.structure import Build, Case, Structure, rule_text, unrolled

__all__ = ["CONES", "interval", "life", "table"]


def table(n: int, function: Callable[[tuple[int, ...]], bool]) -> Network:
    """A function of n bits from its table: a unit for every row that is 1, and whether any of them is."""
    ones = np.array([row for row in product((0, 1), repeat=n) if function(row)], dtype=np.int64)
    return Network((steps(2 * ones - 1, ones.sum(axis=1)), steps(np.ones((1, len(ones)), dtype=np.int64), 1)))


def life_table(n: int = 3) -> Structure:
    """Life for the middle of n x n cells, of which the middle nine count, from the rows of the table."""
    cell = table(9, lambda row: 5 <= 2 * sum(row) - row[4] <= 7)
    places = [(n // 2 + i) * n + n // 2 + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
    weight = np.zeros((cell.layers[0].units, n * n), dtype=np.int64)
    weight[:, places] = cell.layers[0].dense_weight()
    network = Network((Layer(weight, cell.layers[0].bias, "step"), cell.layers[1]))
    first, middle = n // 2 - 1, n // 2
    at = ("i", "j") if first == 0 else (f"i + {first}", f"j + {first}")
    text = rule_text(
        f"life_table(cell: bit[{n}, {n}]) -> (next: bit)",
        f"next = 5 <= 2 * sum(i < 3, j < 3: cell[{at[0]}, {at[1]}]) - cell[{middle}, {middle}] <= 7",
    )
    return Structure(text, network)


def life_tables(n: int = 4) -> Structure:
    """Life on a torus, from the rows of its table at every cell."""
    cell = table(9, lambda row: 5 <= 2 * sum(row) - row[4] <= 7)
    rows = cell.layers[0].units
    weight = np.zeros((n, n, rows, n, n), dtype=np.int64)
    for i, j in product(range(n), repeat=2):
        for k, (a, b) in enumerate(product((-1, 0, 1), repeat=2)):
            weight[i, j, :, (i + a) % n, (j + b) % n] += cell.layers[0].dense_weight()[:, k]
    first = Layer(weight.reshape(n * n * rows, n * n), np.tile(cell.layers[0].bias, n * n), "step")
    last = steps(np.kron(np.eye(n * n, dtype=np.int64), np.ones((1, rows), dtype=np.int64)), 1)
    return Structure(_life_text("life_tables", n), Network((first, last)))


def life(n: int = 8) -> Structure:
    """Life on a torus, from two thresholds a cell."""
    places = [
        [((i + a) % n, (j + b) % n) for a in (-1, 0, 1) for b in (-1, 0, 1) for _ in range(2 if a or b else 1)]
        for i, j in product(range(n), repeat=2)
    ]
    around = indicators((n, n), places)
    first = steps(np.concatenate([around, around]), np.repeat([5, 8], n * n))
    last = steps(np.kron([[1, -1]], np.eye(n * n, dtype=np.int64)), 1)
    return Structure(_life_text("life", n), Network((first, last)))


def _life_text(name: str, n: int) -> str:
    return rule_text(
        f"{name}(cell: bit[{n}, {n}]) -> (next: bit[{n}, {n}])",
        f"next[i < {n}, j < {n}] = 5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % {n}, (j + dj) % {n}]) "
        "- cell[i, j] <= 7",
    )


def two_counts(n: int = 32) -> Structure:
    """Whether just one of two groups of inputs is well filled: 2n inputs in two classes."""
    first = np.kron(np.eye(2, dtype=np.int64), np.ones((1, n), dtype=np.int64))
    second = steps(np.ones((2, 2), dtype=np.int64), [1, 2])
    network = Network((steps(first, [n // 3, n // 2]), second, steps(np.array([[1, -1]]), 1)))
    text = rule_text(
        f"two_counts(x: bit[{n}], z: bit[{n}]) -> (y: bit)",
        f"y = sum(i < {n}: x[i]) >= {n // 3} xor sum(i < {n}: z[i]) >= {n // 2}",
    )
    return Structure(text, network)


def gated_count(n: int = 24) -> Structure:
    """A count of inputs against one bound or another, as a further input says."""
    ones = np.ones(n, dtype=np.int64)
    first = steps(np.array([[*ones, n], [*ones, -n]]), [n + 2 * n // 3, n // 3])
    network = Network((first, steps(np.ones((1, 2), dtype=np.int64), 1)))
    text = rule_text(
        f"gated_count(x: bit[{n}], strict: bit) -> (y: bit)",
        f"y = sum(i < {n}: x[i]) >= {n // 3} + {2 * n // 3 - n // 3} * strict",
    )
    return Structure(text, network)


def multiplexer(bits: int = 3) -> Structure:
    """The input whose number the selecting bits give."""
    n = 2**bits
    numbers = np.array(list(product((0, 1), repeat=bits)), dtype=np.int64)
    weight = np.concatenate([2 * numbers - 1, np.eye(n, dtype=np.int64)], axis=1)
    network = Network((steps(weight, numbers.sum(axis=1) + 1), steps(np.ones((1, n), dtype=np.int64), 1)))
    text = rule_text(f"multiplexer(s: bit[{bits}], x: bit[{n}]) -> (y: bit)", f"y = x[{_number(bits)}]")
    return Structure(text, network)


def decoder(bits: int = 3) -> Structure:
    """The number that some bits give, one-hot."""
    n = 2**bits
    numbers = np.array(list(product((0, 1), repeat=bits)), dtype=np.int64)
    network = Network((steps(2 * numbers - 1, numbers.sum(axis=1)),))
    text = rule_text(f"decoder(s: bit[{bits}]) -> (y: bit[{n}])", f"y[i < {n}] = {_number(bits)} == i")
    return Structure(text, network)


def _number(bits: int) -> str:
    parts = [f"{2 ** (bits - 1 - k)} * s[{k}]" for k in range(bits - 1)]
    return " + ".join([*parts, f"s[{bits - 1}]"])


def interval(n: int = 11) -> Structure:
    """Whether a count lies between two bounds."""
    first = steps(np.ones((2, n), dtype=np.int64), [n // 4 + 1, n // 2 + 2])
    text = rule_text(f"interval(x: bit[{n}]) -> (y: bit)", f"y = {n // 4 + 1} <= sum(i < {n}: x[i]) <= {n // 2 + 1}")
    return Structure(text, Network((first, steps(np.array([[1, -1]]), 1))))


def residue(n: int = 12, modulus: int = 3) -> Structure:
    """Whether a count leaves the rest 1, from all its thresholds."""
    first = steps(np.ones((n, n), dtype=np.int64), np.arange(n) + 1)
    hits = [int(k % modulus == 1) for k in range(n + 1)]
    text = rule_text(f"residue(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) % {modulus} == 1")
    return Structure(text, Network((first, steps(np.diff(hits).reshape(1, -1), 1))))


def parity(n: int = 12) -> Structure:
    """A parity from all thresholds of the count."""
    first = steps(np.ones((n, n), dtype=np.int64), np.arange(n) + 1)
    last = steps((-1) ** np.arange(n).reshape(1, -1), 1)
    text = rule_text(f"parity(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) % 2")
    return Structure(text, Network((first, last)))


def counted_xor(n: int = 5) -> Structure:
    """A threshold of n inputs and the exclusive or of two more, through two layers."""
    x = [f"x{i}" for i in range(n)]
    wires = Wires([*x, "a", "b"])
    pair = {"a": 1, "b": 1}
    wires.add({"many": ({name: 1 for name in x}, n // 2 + 1), "some": (pair, 1), "both": (pair, 2)})
    wires.add({"y": ({"many": 1, "some": 1, "both": -1}, 2)})
    text = rule_text(
        f"counted_xor(x: bit[{n}], a: bit, b: bit) -> (y: bit)",
        f"y = sum(i < {n}: x[i]) >= {n // 2 + 1} and (a xor b)",
    )
    return Structure(text, wires.network())


def majority_table(n: int = 5) -> Structure:
    """A majority from the rows of its table."""
    network = table(n, lambda row: sum(row) > n // 2)
    text = rule_text(f"majority_table(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) >= {n // 2 + 1}")
    return Structure(text, network)


def _of_four(name: str, expression: str, function: Callable[[int, int, int, int], int]) -> Build:
    """A builder of a function of four inputs from the rows of its table."""

    def build() -> Structure:
        text = rule_text(f"{name}(a: bit, b: bit, c: bit, d: bit) -> (y: bit)", f"y = {expression}")
        return Structure(text, table(4, lambda row: bool(function(*row))))

    build.__name__ = name
    build.__doc__ = f"A function of four inputs: {expression}."
    return build


OF_FOUR = (
    _of_four("chosen", "if a then b else c xor d", lambda a, b, c, d: b if a else c ^ d),
    _of_four("nested", "a and (b or c and d)", lambda a, b, c, d: a and (b or (c and d))),
    _of_four("two_of_four", "a + b + c + d == 2", lambda a, b, c, d: a + b + c + d == 2),
    _of_four("odd", "a xor b xor c xor d", lambda a, b, c, d: a ^ b ^ c ^ d),
    _of_four("two_pairs", "a and b or c and d", lambda a, b, c, d: (a and b) or (c and d)),
    _of_four("larger", "2 * a + b > 2 * c + d", lambda a, b, c, d: 2 * a + b > 2 * c + d),
    _of_four("same_pairs", "a == b and c == d", lambda a, b, c, d: a == b and c == d),
    _of_four("one_ignored", "a + b + c >= 2", lambda a, b, c, d: a + b + c >= 2),
)


def equal_words(n: int = 6) -> Structure:
    """Whether two words are equal, from units that compare them bit by bit."""
    return unrolled(f"equal_words(a: bit[{n}], b: bit[{n}]) -> (y: bit)", f"y = all(i < {n}: a[i] == b[i])")


CONES = tuple(
    Case("cones", build, small)
    for build, small in (
        *((build, ()) for build in OF_FOUR),
        (majority_table, (3,)),
        (life_table, (3,)),
        (life_tables, (3,)),
        (life, (3,)),
        (two_counts, (4,)),
        (gated_count, (6,)),
        (multiplexer, (2,)),
        (decoder, (2,)),
        (interval, (5,)),
        (residue, (5,)),
        (parity, (4,)),
        (counted_xor, (3,)),
        (equal_words, (4,)),
    )
)
