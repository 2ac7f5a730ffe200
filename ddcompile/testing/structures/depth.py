"""Deep networks that repeat: steps of an automaton, layers in turn, carries, comparisons, parities, maxima."""

from __future__ import annotations

import numpy as np

from ddcompile.frontends.network import Layer, Network
from ddcompile.testing.structures.layers import Unit, Wires, steps
from ddcompile.testing.structures.structure import Case, Structure, rule_text, unrolled

__all__ = ["DEPTH", "adder", "rule110"]


def rule110(n: int = 16, times: int = 6) -> Structure:
    """Steps of Wolfram's rule 110 on a ring: for every place and step a disjunction and a conjunction."""
    here = np.eye(n, dtype=np.int64)
    left, right = np.roll(here, -1, axis=1), np.roll(here, 1, axis=1)
    some, every = here + right, left + here + right
    bounds = np.repeat([1, 3], n)
    first = np.concatenate([some, every])
    # Each later layer reads `disjunction - conjunction`, which is the state before it.
    later = np.concatenate([first, -first], axis=1)
    last = np.concatenate([here, -here], axis=1)
    network = Network((steps(first, bounds), *(steps(later, bounds) for _ in range(times - 1)), steps(last, 1)))
    text = rule_text(
        f"rule110(cell: bit[{n}]) -> (next: bit[{n}])",
        f"state[0, i < {n}] = cell[i]",
        f"state[1 <= t < {times + 1}, i < {n}] = 2 <= state[t - 1, (i - 1) % {n}] + 2 * state[t - 1, i] "
        f"+ 2 * state[t - 1, (i + 1) % {n}] <= 4",
        f"next[i < {n}] = state[{times}, i]",
    )
    return Structure(text, network)


def drift(n: int = 16, times: int = 5) -> Structure:
    """Equal layers with a kernel to one side: majorities of a place and the two after it."""
    here = np.eye(n, dtype=np.int64)
    ahead = here + np.roll(here, 1, axis=1) + np.roll(here, 2, axis=1)
    network = Network(tuple(steps(ahead, 2) for _ in range(times)))
    text = rule_text(
        f"drift(x: bit[{n}]) -> (y: bit[{n}])",
        f"state[0, i < {n}] = x[i]",
        f"state[1 <= t < {times + 1}, i < {n}] = sum(j < 3: state[t - 1, (i + j) % {n}]) >= 2",
        f"y[i < {n}] = state[{times}, i]",
    )
    return Structure(text, network)


def alternating(n: int = 16, times: int = 3) -> Structure:
    """Two layers in turn: a place or the next one; a place and the fifth from it."""
    here = np.eye(n, dtype=np.int64)
    either, both = here + np.roll(here, 1, axis=1), here + np.roll(here, 5, axis=1)
    network = Network(tuple(steps(either, 1) if t % 2 == 0 else steps(both, 2) for t in range(2 * times)))
    text = rule_text(
        f"alternating(x: bit[{n}]) -> (y: bit[{n}])",
        f"state[0, i < {n}] = x[i]",
        f"some[1 <= t < {times + 1}, i < {n}] = state[t - 1, i] or state[t - 1, (i + 1) % {n}]",
        f"state[1 <= t < {times + 1}, i < {n}] = some[t, i] and some[t, (i + 5) % {n}]",
        f"y[i < {n}] = state[{times}, i]",
    )
    return Structure(text, network)


def adder(n: int = 8) -> Structure:
    """Addition of two numbers, lowest bit first: a carry a layer, the rest copied through."""
    a, b, c, y = ([f"{letter}{i}" for i in range(n)] for letter in "abcy")
    wires = Wires([*a, *b])
    for i in range(n + 1):
        units: dict[str, Unit] = {}
        kept = [*a[i:], *b[i:], *y[: max(i - 1, 0)]]
        carried = c[i - 1 : i] if i else []
        if i < n:
            units[c[i]] = ({a[i]: 1, b[i]: 1, **{name: 1 for name in carried}}, 2)
        if i:
            # The digit before is its sum less twice its carry.
            earlier = c[i - 2 : i - 1] if i > 1 else []
            units[y[i - 1]] = ({a[i - 1]: 1, b[i - 1]: 1, **{name: 1 for name in earlier}, c[i - 1]: -2}, 1)
        wires.add(units, [*kept, *carried])
    text = rule_text(
        f"adder(x: bit[2, {n}]) -> (y: bit[{n + 1}])",
        f"carry[i < {n}] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2",
        f"y[i < {n}] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]",
        f"y[{n}] = carry[{n - 1}]",
    )
    return Structure(text, wires.network([*y, c[n - 1]]))


def comparator(n: int = 8) -> Structure:
    """Which of two numbers, lowest bit first, is the larger: bit by bit, the rest copied through."""
    a, b = ([f"{letter}{i}" for i in range(n)] for letter in "ab")
    wires = Wires([*a, *b])
    for i in range(n):
        before = {"more": 1} if i else {}
        wires.add({"more": ({a[i]: 1, b[i]: -1, **before}, 1)}, [*a[i + 1 :], *b[i + 1 :]])
    text = rule_text(
        f"comparator(x: bit[2, {n}]) -> (y: bit)",
        f"more[i < {n}] = x[0, i] + pad(more, 0)[i - 1] > x[1, i]",
        f"y = more[{n - 1}]",
    )
    return Structure(text, wires.network())


def parity_chain(n: int = 10) -> Structure:
    """A parity, one bit after the other, two units a step, the rest copied through."""
    x = [f"x{i}" for i in range(n)]
    wires = Wires(x)
    wires.add({"some": ({x[0]: 1, x[1]: 1}, 1), "both": ({x[0]: 1, x[1]: 1}, 2)}, x[2:])
    for i in range(2, n):
        sums = {"some": 1, "both": -1, x[i]: 1}
        wires.add({"some": (sums, 1), "both": (sums, 2)}, x[i + 1 :])
    wires.add({"odd": ({"some": 1, "both": -1}, 1)})
    text = rule_text(f"parity_chain(x: bit[{n}]) -> (y: bit)", f"y = sum(i < {n}: x[i]) % 2")
    return Structure(text, wires.network())


def prefix_maxima(n: int = 6) -> Structure:
    """The largest number so far at every place: one rectified difference a layer, the rest copied through."""
    # Wires are the i maxima so far and the n - i numbers to come. A layer makes the i-th of them the difference to the
    # maximum before it, and the next one adds this maximum again.
    weights = []
    added = np.eye(n, dtype=np.int64)
    for i in range(1, n):
        difference = np.eye(n, dtype=np.int64)
        difference[i, i - 1] = -1
        weights.append(difference @ added)
        added = np.eye(n, dtype=np.int64)
        added[i, i - 1] = 1
    weights.append(added)
    zero = np.zeros(n, dtype=np.int64)
    network = Network((*(Layer(w, zero, "relu") for w in weights[:-1]), Layer(weights[-1], zero, "identity")))
    text = rule_text(f"prefix_maxima(x: int[0..9][{n}]) -> (y: int[{n}])", f"y[i < {n}] = max(j < i + 1: x[j])")
    return Structure(text, network)


def latches(n: int = 9) -> Structure:
    """Whether each place was set since it was last reset: every result is carried on to the next."""
    return unrolled(
        f"latches(set: bit[{n}], reset: bit[{n}]) -> (y: bit[{n}])",
        f"y[i < {n}] = set[i] or pad(y, 0)[i - 1] and not reset[i]",
    )


def alternate(n: int = 10) -> Structure:
    """The first one of every run, the third, the fifth, one after the other."""
    return unrolled(f"alternate(x: bit[{n}]) -> (y: bit[{n}])", f"y[i < {n}] = x[i] and not pad(y, 0)[i - 1]")


DEPTH = tuple(
    Case("depth", build, small)
    for build, small in (
        (rule110, (5, 3)),
        (drift, (6, 3)),
        (alternating, (7, 2)),
        (adder, (3,)),
        (comparator, (4,)),
        (parity_chain, (4,)),
        (prefix_maxima, (3,)),
        (latches, (4,)),
        (alternate, (5,)),
    )
)
