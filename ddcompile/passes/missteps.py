"""Ladders that go on beyond a rung that is no step, and beyond times at which there is none.

Where `third` is something else than the others::

    second = x[1] + z[1] + first >= 2
    third = x[2] + w + second >= 2
    fourth = x[3] + z[3] + third >= 2

it is the rung at its time. Above the highest rung, a statement that is the step of a later time is the rung at that
time, what it reads in the place of what is carried is the one before, and at times between there is none. Below the
lowest one, what it reads as carried is the rung before, and a statement that is the step of an earlier time is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Expr, Read, Statement
from ddcompile.ir.traverse import reads, rewrite, substitute
from ddcompile.passes.equal import Equal
from ddcompile.passes.rewrite import plain_places
from ddcompile.passes.rungs import (
    CARRIED,
    TIME,
    Match,
    Rungs,
    at,
    carried_into,
    continued,
    is_inside,
    own,
    pad_of,
)

__all__ = ["beyond"]

_FARTHEST = 8
"""Times that a ladder may go on beyond a rung that is a step."""


def beyond(
    found: Rungs, hidden: Mapping[str, Statement], readers: Mapping[str, Sequence[Statement]], equal: Equal
) -> Rungs:
    """The ladder with rungs above and below that are no steps, as long as steps follow."""
    everyone = {s.target: s for own_readers in readers.values() for s in own_readers} | dict(hidden)
    while found.ends[1].target in hidden and (longer := _above(found, hidden, everyone)) is not None:
        found = continued(longer, hidden, readers)
    while (longer := _below(found, hidden, equal)) is not None:
        found = longer
    return found


def _above(found: Rungs, hidden: Mapping[str, Statement], everyone: Mapping[str, Statement]) -> Rungs | None:
    """The ladder up to the next statement that is a step, if it is not too far."""
    taken = {rung.target for rung in found.rungs if rung is not None}
    top = len(found.rungs) - 1
    pairs = list(_carrying(found, hidden, everyone, taken))
    for time in range(top + 2, top + 1 + _FARTHEST):
        step = at(found.step, time)
        for before, after, value in pairs:
            if _says(value, step):
                gap = (None,) * (time - top - 2)
                return replace(found, rungs=(*found.rungs, *gap, before, after), others=found.others | {time - 1})
    return None


def _carrying(
    found: Rungs, hidden: Mapping[str, Statement], everyone: Mapping[str, Statement], taken: set[str]
) -> Iterator[tuple[Statement, Statement, Expr]]:
    """Pairs of statements that are no rungs, with what the second one says of the first."""
    tensors = {n.tensor for n in reads(found.step)}
    for after in everyone.values():
        if after.target in taken or after.binders != found.binders:
            continue
        for name in sorted({n.tensor for n in reads(after.value)}.intersection(hidden).difference(taken)):
            before = hidden[name]
            mine = [n for n in reads(after.value) if n.tensor == name]
            if before.binders != found.binders or mine != [own(before)]:
                continue
            value = rewrite(after.value, lambda n, c=mine[0]: CARRIED if n == c else n)  # type: ignore[misc]
            if {n.tensor for n in reads(value)} == tensors:
                yield before, after, value


def _says(value: Expr, step: Expr) -> bool:
    """Whether an expression is a step, with operands in any order."""
    match = Match()
    marker = Read("?before")
    earlier = rewrite(step, lambda n: marker if n == CARRIED else n)
    return match.unified(value, earlier) is not None and match.carried == marker and not match.moves


def _below(found: Rungs, hidden: Mapping[str, Statement], equal: Equal) -> Rungs | None:
    """The ladder with one more rung that is a step below, and one that is none if need be."""
    if found.pad is not None:
        return None
    odd = hidden.get(found.bottom.tensor) if isinstance(found.bottom, Read) else None
    if odd is None or found.bottom != own(odd) or odd.binders != found.binders:
        return None
    taken = {rung.target for rung in found.rungs if rung is not None}
    if odd.target in taken:
        return None
    for distance in range(1, _FARTHEST + 1):
        step = _moved(found.step, -distance)
        if not is_inside(at(step, 0)):
            return None
        near = [odd] if distance == 1 else [s for s in hidden.values() if s is not odd and s.target not in taken]
        for first in near:
            if first.binders != found.binders:
                continue
            above = () if distance == 1 else (*(None,) * (distance - 2), odd)
            others = frozenset(k + distance for k in found.others) | ({distance - 1} if above else frozenset())
            longer = replace(found, rungs=(first, *above, *found.rungs), step=step, others=others)
            carried = carried_into(first.value, at(step, 0))
            if carried is not None:
                return replace(longer, bottom=carried)
            pad = pad_of(first.value, at(step, 0), first.binders, equal)
            if pad is not None:
                return replace(longer, pad=pad)
    return None


def _moved(step: Expr, by: int) -> Expr:
    """The step with the times so much later."""
    return rewrite(substitute(step, {TIME: Affine.of(by, {TIME: 1}).to_expr()}), plain_places)
