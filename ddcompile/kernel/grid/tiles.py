"""How a pass goes over the grid: rows as they come, in strips of words, several steps at once.

A pass has a front that moves along the rows. A row is loaded; each stage computes the row that is `delay` behind the
front, and the rows that are still needed stay in rings. Step k + 1 of a recurrence follows step k by `lag` rows, so
that many steps are done while the rows are in the cache. What lies beyond the rows and words of a tile is computed
again by the next one (overlapped tiling, as in Krishnamoorthy et al., "Effective automatic parallelization of stencil
computations", PLDI 2007).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from ddcompile.kernel.grid.circuits import Leaf
from ddcompile.kernel.grid.streams import Pass, Plan

__all__ = ["Reach", "Ring", "Tiling", "rows_of", "tiling"]

_CACHES = ((32 << 10, 1.0), (512 << 10, 1.25), (4 << 20, 2.0))
"""Bytes of rings, and about how many times slower it is to work in them than in a first cache."""
_SLOWEST = 4.0
_MOVES = ((4 << 20, 34), (1 << 62, 73))
"""Bytes of a grid, and how many operations take as long as to load and store a word of it, about."""
_MOST_STEPS = 64
_FEWEST_WORDS = 64
_LANES = 4
"""Words that are computed at once."""

Reach = tuple[tuple[int, int], ...]
"""Along each axis, how far below (not positive) and above (not negative)."""


@dataclass(frozen=True, slots=True)
class Ring:
    """The rows of a stream that are kept.

    Attributes
    ----------
    name
        The stream, or the one that is carried on to it.
    slots
        How many rows, a power of two.
    planes
        The row itself and the planes beside it; those of a carried state come before those of the stream it is
        carried from.
    versions
        For how many steps.
    """

    name: str
    slots: int
    planes: int
    versions: int


@dataclass(frozen=True, slots=True)
class Tiling:
    """A pass in tiles.

    Attributes
    ----------
    steps
        How many steps are done while rows are in the cache; the last pass of a recurrence may do fewer.
    strips
        How many strips the words of a row are divided into, as evenly as can be.
    words
        Words of a row of a ring, those around a strip among them.
    before
        Words of them in front of the strip.
    reach
        What a step needs of any stream around an element.
    needs
        What a step's result needs of every stream around an element; of the states it begins with, `reach`.
    delay
        How far behind the front of its step a stage computes.
    lag
        How far a step is behind the one before.
    rings
        By stream; a state and what it is carried to share one.
    """

    steps: int
    strips: int
    words: int
    before: int
    reach: Reach
    needs: dict[str, Reach]
    delay: dict[str, int]
    lag: int
    rings: dict[str, Ring]


def rows_of(extents: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a grid with an axis of rows, which one of words alone lacks."""
    return extents if len(extents) > 1 else (1, *extents)


def tiling(plan: Plan, part: Pass) -> Tiling:
    """The tiles that a pass is likely to be fastest with."""
    return min(_candidates(plan, part), key=lambda found: found[0])[1]


def _candidates(plan: Plan, part: Pass) -> Iterator[tuple[float, Tiling]]:
    extents = rows_of(plan.extents)
    total = -(-extents[-1] // 64)
    needs, reach = _needs(plan, part)
    delay, lag = _delays(plan, part)
    work = plan.work(part) + len(part.stages)
    move = next(cost for size, cost in _MOVES if 8 * total * prod(extents[:-1]) <= size)
    counts = {n for n in (1 << k for k in range(total.bit_length())) if n == 1 or total // n >= _FEWEST_WORDS}
    for steps in range(1, min(part.steps, _MOST_STEPS) + 1):
        rounds = -(-part.steps // steps)
        if steps != -(-part.steps // rounds):
            continue
        before, after = (-(-steps * distance // 64) for distance in (-reach[-1][0], reach[-1][1]))
        rings = _rings(plan, part, delay, lag, steps)
        for strips in sorted(counts):
            own = total // strips + (total % strips > 0)
            words = -(-(own + before + after) // _LANES) * _LANES
            middle = [n + steps * (high - low) for n, (low, high) in zip(extents[1:-1], reach[1:-1], strict=True)]
            held = 8 * words * prod(middle) * sum(r.slots * r.planes * r.versions for r in set(rings.values()))
            slow = next((factor for size, factor in _CACHES if held <= size), _SLOWEST)
            again = (words / own) * (prod(middle) / prod(extents[1:-1]))
            again *= 1 + steps * (reach[0][1] - reach[0][0]) / 2 / extents[0]
            cost = again * (work * slow + move * rounds / part.steps)
            yield cost, Tiling(steps, strips, words, before, reach, needs, delay, lag, rings)


def _around(plan: Plan, leaf: Leaf) -> Reach:
    """What a leaf reads, by offsets of its stream's bits."""
    offset = leaf.offset if len(leaf.offset) > 1 else (0, *leaf.offset)
    found = [(d, d) for d in offset]
    if leaf.plane:
        kept = plan.planes[leaf.stream][leaf.plane - 1]
        within = [other.offset[-1] for other in plan.circuit.leaves([kept])]
        found[-1] = (offset[-1] + min(within), offset[-1] + max(within))
    return tuple(found)


def _needs(plan: Plan, part: Pass) -> tuple[dict[str, Reach], Reach]:
    """What the results need of each stream around an element, and the greatest of that.

    What is loaded need not reach as far as what is made of it: `y[i] = m[i - 3]` where `m[i] = x[i + 3]`, or where m is
    constant.
    """
    rank = len(rows_of(plan.extents))
    nothing: Reach = ((0, 0),) * rank
    needs = dict.fromkeys((*part.results, *(now for now, _ in part.carried)), nothing)
    for stage in reversed(part.stages):
        own = needs[stage.stream]
        for leaf in plan.circuit.leaves([stage.gate]):
            old = needs.get(leaf.stream, nothing)
            around = _around(plan, leaf)
            needs[leaf.stream] = tuple(
                (min(a, n + o), max(b, m + p)) for (a, b), (n, m), (o, p) in zip(old, own, around, strict=True)
            )
    needs = {**dict.fromkeys(part.loads, nothing), **needs}
    reach = tuple((min(r[k][0] for r in needs.values()), max(r[k][1] for r in needs.values())) for k in range(rank))
    return {**needs, **dict.fromkeys(part.loads, reach)}, reach


def _delays(plan: Plan, part: Pass) -> tuple[dict[str, int], int]:
    delay = dict.fromkeys(part.loads, 0)
    for stage in part.stages:
        found = [delay[leaf.stream] + _around(plan, leaf)[0][1] for leaf in plan.circuit.leaves([stage.gate])]
        delay[stage.stream] = max(found, default=0)
    return delay, max((delay[now] for now, _ in part.carried), default=0)


def _rings(plan: Plan, part: Pass, delay: dict[str, int], lag: int, steps: int) -> dict[str, Ring]:
    carried = dict(part.carried)
    states = {before: now for now, before in part.carried}
    span = dict.fromkeys((*part.loads, *(stage.stream for stage in part.stages)), 0)
    for stage in part.stages:
        for leaf in plan.circuit.leaves([stage.gate]):
            rest = delay[stage.stream] - _around(plan, leaf)[0][0]
            span[leaf.stream] = max(span[leaf.stream], rest - delay[leaf.stream])
            if leaf.stream in states:
                now = states[leaf.stream]
                span[now] = max(span[now], lag + rest - delay[now])
    read = {leaf.stream for leaf in plan.circuit.leaves([s.gate for s in part.stages])}
    has_rows = len(plan.extents) > 1
    rings = {}
    for name in span:
        if name in states:
            continue
        before = carried.get(name)
        names = (name,) if before is None else (name, before)
        slots = 1 << max(span[n] for n in names).bit_length()
        planes = 1 + sum(len(plan.planes.get(n, [])) for n in names if n in read)
        versions = steps + 1 if before is not None else 1 if name in part.loads else steps
        rings[name] = Ring(name, slots, planes, versions if has_rows else min(versions, 2))
    return {**rings, **{before: rings[now] for now, before in part.carried}}
