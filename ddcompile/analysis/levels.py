"""Ways to write which values of a number count, where one comparison, interval or residue does not say it.

Two or three of those joined by `and`, `or` or `xor`: `3 <= n <= 9 and n != 5`, `n % 2 == 1 or n >= 8`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, pairwise

from ddcompile.ir import builder
from ddcompile.ir.nodes import CompareOp, Expr

__all__ = ["joined_levels"]

_MOST_EDGES = 12
"""Most places where the value changes."""
_MOST_MODULUS = 16
_MOST_PARTS = 64
"""Most parts of which pairs and triples are tried."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the values, one bit each, how to write that the number is among them, and the tokens besides it."""

    mask: int
    cost: int
    text: Callable[[], Expr]


def joined_levels(levels: Sequence[int], hits: Sequence[bool], number: Expr) -> Iterator[Expr]:
    """Junctions of two or three conditions on a number, the cheapest of each kind.

    Parameters
    ----------
    levels
        The values that the number takes, in rising order.
    hits
        Which of them count.
    number
        Its text.
    """
    edges = [k for k in range(1, len(levels)) if hits[k] != hits[k - 1]]
    if not 3 <= len(edges) <= _MOST_EDGES:
        return
    target = sum(1 << k for k, hit in enumerate(hits) if hit)
    full = (1 << len(levels)) - 1
    parts = list(_parts(levels, edges, number))
    inside = [p for p in parts if not p.mask & ~target]
    outside = [p for p in parts if not target & ~p.mask]
    found = _cover(inside, target)
    if found is not None:
        yield builder.disj(*found)
    found = _cover([replace(p, mask=full ^ p.mask) for p in outside], full ^ target)
    if found is not None:
        yield builder.conj(*found)
    best: dict[int, _Part] = {}
    for part in sorted(parts, key=lambda p: p.cost):
        best.setdefault(part.mask, part)
    pairs = [(p, best[target ^ p.mask]) for p in best.values() if target ^ p.mask in best]
    if pairs:
        left, right = min(pairs, key=lambda pair: pair[0].cost + pair[1].cost)
        yield builder.xor(left.text(), right.text())


def _cover(parts: Sequence[_Part], target: int) -> list[Expr] | None:
    """Two or three parts that together are the target, at the least cost."""
    # A part that another one contains at no higher cost is not needed.
    useful: list[_Part] = []
    for part in sorted(parts, key=lambda p: (p.cost, -p.mask.bit_count())):
        if not any(part.mask & ~other.mask == 0 for other in useful):
            useful.append(part)
    useful = useful[:_MOST_PARTS]
    best: tuple[int, tuple[_Part, ...]] | None = None
    for count in (2, 3):
        for chosen in combinations(useful, count):
            price = sum(p.cost for p in chosen)
            if best is not None and price >= best[0]:
                continue
            union = 0
            for part in chosen:
                union |= part.mask
            if union == target:
                best = price, chosen
        if best is not None:
            break
    return None if best is None else [p.text() for p in best[1]]


def _parts(levels: Sequence[int], edges: Sequence[int], number: Expr) -> Iterator[_Part]:
    """Comparisons and intervals that begin and end where the value changes, single values, and residues."""
    count = len(levels)
    full = (1 << count) - 1

    def compared(op: CompareOp, level: int, mask: int) -> _Part:
        return _Part(mask, 2 + (level < 0), lambda: builder.compare(op, number, level))

    for edge in edges:
        above = full >> edge << edge
        yield compared(">=", levels[edge], above)
        yield compared("<=", levels[edge - 1], full ^ above)
    singles = [low for low, high in pairwise(edges) if high == low + 1]
    for place in dict.fromkeys([0, count - 1, *singles]):
        yield compared("==", levels[place], 1 << place)
        yield compared("!=", levels[place], full ^ 1 << place)
    for low, high in combinations(edges, 2):
        if high > low + 1:
            mask = (1 << high) - (1 << low)
            inner = partial(builder.chain, levels[low], "<=", number, "<=", levels[high - 1])
            signs = (levels[low] < 0) + (levels[high - 1] < 0)
            yield _Part(mask, 4 + signs, inner)
            yield _Part(full ^ mask, 5 + signs, lambda inner=inner: builder.negate(inner()))  # type: ignore[misc]
    for modulus in range(2, min(_MOST_MODULUS, levels[-1] - levels[0])):
        residue = builder.mod(number, modulus)
        for rest in range(modulus):
            mask = sum(1 << k for k, level in enumerate(levels) if level % modulus == rest)
            for op, own in (("==", mask), ("!=", full ^ mask)):
                yield _Part(own, 4, partial(builder.compare, op, residue, rest))  # type: ignore[arg-type]
