"""Where the rows lie that a pass keeps: rings of rows, for every thread and every step."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ddcompile.kernel.grid.streams import Pass, Plan
from ddcompile.kernel.grid.tiles import Ring, Tiling, rows_of
from ddcompile.kernel.nodes import WORD, Buffer

__all__ = ["MARGIN", "middle", "ring_buffers", "versions"]

MARGIN = 8
"""Words before and behind the rows of a ring, which neighbours of the outermost words may lie in."""
_APART = 512
"""Words between the rings of two threads, at least: a processor fetches what follows up to the end of a page, from
another one if it has it."""


def ring_buffers(plan: Plan, part: Pass, tiles: Tiling, workers: int, names: Callable[[str], str]) -> dict[str, Buffer]:
    """The memory of the rings, by stream."""
    made: dict[str, Buffer] = {}
    for ring in tiles.rings.values():
        if ring.name not in made:
            size = workers * versions(plan, tiles, ring, workers) * _words(plan, tiles, ring) + 2 * MARGIN
            made[ring.name] = Buffer(names(f"{ring.name}_rows"), "scratch", WORD, (size,))
    return {stream: made[ring.name] for stream, ring in tiles.rings.items()}


def versions(plan: Plan, tiles: Tiling, ring: Ring, workers: int) -> int:
    """How many versions of a ring each thread has room for."""
    return ring.versions + (0 if workers == 1 else -(-_APART // _words(plan, tiles, ring)))


def middle(plan: Plan, tiles: Tiling) -> list[int]:
    """The extents in a ring of the axes between rows and words."""
    extents = rows_of(plan.extents)
    return [n + tiles.steps * (high - low) for n, (low, high) in zip(extents[1:-1], tiles.reach[1:-1], strict=True)]


def _words(plan: Plan, tiles: Tiling, ring: Ring) -> int:
    """Words of a version of a ring."""
    return ring.slots * ring.planes * tiles.words * prod(middle(plan, tiles))
