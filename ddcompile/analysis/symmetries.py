"""Sums that a tabulated function depends on: of inputs that may be exchanged, or whose sum or difference says all.

A function of a and b is one of a + b when it does not change where a grows and b falls by the same. For bits that is
the symmetry of both; for sums of bits it joins classes of interchangeable inputs. A function of a - b is one of the
sum of a and the negation of b, such as a bit and another one counted from the other end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcompile.analysis.cones import Member, Table

__all__ = ["merged", "merged_inputs"]


def merged(table: Table) -> Table:
    """The same function over as few sums as merging pairs of them gives; inputs that do not matter are left out.

    Which sums there are, and their order, does not depend on the order of the inputs among equal ones.
    """
    classes, ranges, values = list(table.classes), list(table.ranges), table.values
    for axis in reversed(range(values.ndim)):
        if (values == values.take([0], axis=axis)).all():
            values = np.asarray(values.take(0, axis=axis))
            del classes[axis], ranges[axis]
    for sign in (1, -1):
        first = 0
        while first < len(classes):
            second = first + 1
            while second < len(classes):
                joined = _joined(values, ranges, first, second, sign)
                if joined is None:
                    second += 1
                    continue
                values = joined
                ranges[first] = _sum(ranges[first], ranges[second], sign)
                classes[first] = (*classes[first], *((a, sign * s) for a, s in classes[second]))
                del ranges[second], classes[second]
            first += 1
    for axis, (members, own) in enumerate(zip(classes, ranges, strict=True)):
        classes[axis] = tuple(sorted(members))
        balance = sum(s for _, s in members)
        if balance < 0 or (balance == 0 and classes[axis][0][1] < 0):
            classes[axis] = tuple((a, -s) for a, s in classes[axis])
            ranges[axis] = range(-own[-1], -own[0] + 1, own.step)
            values = np.flip(values, axis)
    order = sorted(range(values.ndim), key=lambda k: _rank(classes[k], ranges[k], values, k))
    return Table(
        tuple(classes[k] for k in order),
        tuple(ranges[k] for k in order),
        np.array(values.transpose(order)),
    )


def merged_inputs(ranges: Sequence[range], values: np.ndarray) -> Table:
    """The same for a function of single inputs: an axis for each, which are called by their numbers."""
    return merged(Table(tuple(((k, 1),) for k in range(len(ranges))), tuple(ranges), values))


def _joined(values: np.ndarray, ranges: Sequence[range], first: int, second: int, sign: int) -> np.ndarray | None:
    """The table over `a + sign * b` in place of a, without b; None if it is not a function of that."""
    if ranges[first].step != ranges[second].step:
        return None
    moved = np.moveaxis(values, (first, second), (0, 1))
    if sign < 0:
        moved = moved[:, ::-1]
    if (moved[1:, :-1] != moved[:-1, 1:]).any():
        return None
    return np.moveaxis(np.concatenate([moved[:, 0], moved[-1, 1:]]), 0, first)


def _sum(first: range, second: range, sign: int) -> range:
    low, high = (second[0], second[-1]) if sign > 0 else (-second[-1], -second[0])
    return range(first[0] + low, first[-1] + high + 1, first.step)


def _rank(members: Sequence[Member], values: range, table: np.ndarray, axis: int) -> tuple[int, int, int]:
    """Larger sums first, then those that change more; then in the order of the inputs."""
    changes = int(np.count_nonzero(np.diff(table, axis=axis)))
    return -len(values), -changes, members[0][0]
