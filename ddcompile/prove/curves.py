"""Piecewise linear functions of one integer: what thresholds and relus of one form P, and P itself, add up to.

A curve is a list of pieces; each holds from its start to before the start of the next, the first from minus infinity.
Sums of curves are curves, and so are relus of them, so that `max(-1, min(P, 1))` and `sign(P)` over integers have one
normal form, whatever P is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ddcompile.prove.intervals import Interval
from ddcompile.prove.nodes import Node

__all__ = ["Curve", "Jump", "Piece", "curve_of", "extremes", "jumps", "positive", "rectified", "units_curve"]


@dataclass(frozen=True, slots=True)
class Piece:
    """`slope * P + const` for all integers P from `start` on; without a start, for all."""

    start: int | None
    slope: int
    const: int


Curve = Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Jump:
    """At P = `start`, `rise` is added, and `slope` for every further unit."""

    start: int
    rise: int
    slope: int


def curve_of(slope: int, const: int, steps: Mapping[int, int], ramps: Mapping[int, int]) -> Curve:
    """`slope * P + const` plus `steps[t] * [P >= t]` plus `ramps[t] * max(P - t, 0)` for all t."""
    pieces = [Piece(None, slope, const)]
    for start in sorted(steps.keys() | ramps.keys()):
        turn = ramps.get(start, 0)
        slope += turn
        const += steps.get(start, 0) - turn * start
        pieces.append(Piece(start, slope, const))
    return pieces


def units_curve(nodes: Sequence[Node], units: Mapping[int, int], slope: int = 0, const: int = 0) -> Curve:
    """`slope * P + const` plus thresholds and relus of P, by variable with their coefficients."""
    steps: dict[int, int] = {}
    ramps: dict[int, int] = {}
    for v, c in units.items():
        node = nodes[v]
        bound = int(node.number)
        if node.kind == "step":
            steps[bound] = c
        elif node.falls:  # max(t - P, 0) = t - P + max(P - t, 0)
            bound = -bound
            slope, const = slope - c, const + c * bound
            ramps[bound] = c
        else:
            ramps[bound] = c
    return curve_of(slope, const, steps, ramps)


def rectified(curve: Curve, low: int | None, high: int | None) -> Curve:
    """The positive part of a curve over low..high."""
    result: list[Piece] = []
    for piece, first, last in _within(curve, low, high):
        signs: list[tuple[int | None, bool]] = []
        if piece.slope == 0:
            signs.append((first, piece.const > 0))
        else:
            rising = piece.slope > 0
            # The first integer where the sign is another: above 0 where the piece rises, else at most 0.
            root = -piece.const // piece.slope + 1 if rising else -(-piece.const // -piece.slope)
            if first is None or first < root:
                signs.append((first, not rising))
            if last is None or root <= last:
                signs.append((root if first is None else max(root, first), rising))
        result += [Piece(start, piece.slope, piece.const) if above else Piece(start, 0, 0) for start, above in signs]
    return _opened(result)


def positive(curve: Curve, low: int | None, high: int | None, *, strict: bool) -> Curve:
    """1 where a curve is at least 0 (if `strict`, above 0), else 0, over low..high."""
    above = [Piece(p.start, p.slope, p.const + (0 if strict else 1)) for p in curve]
    result: list[Piece] = []
    for piece in rectified(above, low, high):
        bit = int(piece.slope != 0 or piece.const > 0)
        if not result or result[-1].const != bit:
            result.append(Piece(piece.start, 0, bit))
    return result


def jumps(curve: Curve) -> Iterator[Jump]:
    """How each piece differs from the one before it, continued."""
    for before, piece in pairwise(curve):
        assert piece.start is not None
        turn = piece.slope - before.slope
        rise = turn * piece.start + piece.const - before.const
        if rise or turn:
            yield Jump(piece.start, rise, turn)


def extremes(curve: Curve, low: int | None, high: int | None) -> Interval:
    """The least and the greatest value of a curve over low..high; None where there is none."""
    least: list[int | None] = []
    most: list[int | None] = []
    for piece, first, last in _within(curve, low, high):
        ends = [None if end is None else piece.slope * end + piece.const for end in (first, last)]
        if piece.slope == 0:
            ends = [piece.const, piece.const]
        rising = ends if piece.slope >= 0 else ends[::-1]
        least.append(rising[0])
        most.append(rising[1])
    down = None if None in least else min(v for v in least if v is not None)
    up = None if None in most else max(v for v in most if v is not None)
    return down, up


def _within(curve: Curve, low: int | None, high: int | None) -> Iterator[tuple[Piece, int | None, int | None]]:
    """The pieces that meet low..high, and the first and last integer of each there."""
    for k, piece in enumerate(curve):
        following = curve[k + 1].start if k + 1 < len(curve) else None
        first = piece.start if low is None else low if piece.start is None else max(low, piece.start)
        last = high if following is None else following - 1 if high is None else min(high, following - 1)
        if first is None or last is None or first <= last:
            yield piece, first, last


def _opened(pieces: list[Piece]) -> Curve:
    """The first piece continued downwards, and equal neighbours joined."""
    result = [Piece(None, pieces[0].slope, pieces[0].const)]
    for piece in pieces[1:]:
        if (piece.slope, piece.const) != (result[-1].slope, result[-1].const):
            result.append(piece)
    return result
