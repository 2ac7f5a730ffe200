"""Gates under construction, many at a time.

What a gate reads is a literal: twice the number of a gate, plus 1 for the other bit. So a negation is no gate. Gate 0
is the constant 0, the gates that follow are the inputs. All functions take arrays of literals of one shape, or of
shapes that NumPy broadcasts, and give one; equal gates of one call are one gate, and a gate of which the result is a
constant or a literal that is there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf, TypeAlias

import numpy as np

__all__ = ["MOST", "ONE", "ZERO", "Batch", "Literals", "Net", "Op", "TooLarge"]

Literals: TypeAlias = np.ndarray
"""An array of literals, int64."""
Op: TypeAlias = OneOf["and", "xor", "full"]
"""`full` is the full adder: a batch of n gates gives n sums, and after them n carries."""

ZERO, ONE = 0, 1
"""The literals of the constants."""
MOST = 1 << 24
"""Gates that a rule may have."""


class TooLarge(Exception):
    """A rule would have too many gates."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Gates of one kind that were made at once, and so do not read one another.

    Attributes
    ----------
    op
        What they compute.
    operands
        The literals that they read, an array an operand. Of a full adder only the first may be negated.
    first
        The number of the first result; the others follow.
    """

    op: Op
    operands: tuple[Literals, ...]
    first: int

    @property
    def count(self) -> int:
        """The number of gates."""
        return len(self.operands[0])


class Net:
    """Gates under construction.

    Parameters
    ----------
    inputs
        The number of inputs; input k is gate k + 1.
    most
        The number of gates beyond which it raises `TooLarge`.
    """

    def __init__(self, inputs: int, most: int = MOST) -> None:
        self.inputs = inputs
        self.most = most
        self.batches: list[Batch] = []
        self.count = inputs + 1
        """The number of results so far, with the constant and the inputs."""
        self.size = 0
        """The number of gates so far, whether anything depends on them or not."""

    def gates(self, op: Op, *operands: Literals) -> Literals:
        """New gates as they are, one for every element; the literals of their (first) results.

        Raises
        ------
        TooLarge
            If there are too many gates.
        """
        found = self.added(op, *operands)
        if self.count > MOST or self.size > self.most:
            raise TooLarge
        return found

    def added(self, op: Op, *operands: Literals) -> Literals:
        """The same, however many gates there are: for copies of results, of which there are no more than results."""
        batch = Batch(op, operands, self.count)
        self.count += batch.count * (2 if op == "full" else 1)
        self.size += batch.count
        self.batches.append(batch)
        return 2 * np.arange(batch.first, batch.first + batch.count, dtype=np.int64)

    def _distinct(self, op: Op, low: Literals, high: Literals) -> Literals:
        if len(low) == 1:
            return self.gates(op, low, high)
        keys, numbers = np.unique(low << 32 | high, return_inverse=True)
        return self.gates(op, keys >> 32, keys & 0xFFFFFFFF)[numbers.reshape(-1)]

    def conjunction(self, a: Literals, b: Literals) -> Literals:
        """Whether both bits are 1."""
        low, high = np.minimum(a, b), np.maximum(a, b)
        are_opposite = low ^ 1 == high
        found = np.where((low == ZERO) | are_opposite, ZERO, high)
        is_gate = (low > ONE) & (low != high) & ~are_opposite
        if is_gate.any():
            found[is_gate] = self._distinct("and", low[is_gate], high[is_gate])
        return found

    def disjunction(self, a: Literals, b: Literals) -> Literals:
        """Whether a bit is 1."""
        return self.conjunction(a ^ 1, b ^ 1) ^ 1

    def difference(self, a: Literals, b: Literals) -> Literals:
        """Whether the bits differ."""
        flipped = (a ^ b) & 1
        a, b = a & ~1, b & ~1
        low, high = np.minimum(a, b), np.maximum(a, b)
        found = np.where(low == high, ZERO, high)
        is_gate = (low > ONE) & (low != high)
        if is_gate.any():
            found[is_gate] = self._distinct("xor", low[is_gate], high[is_gate])
        result: Literals = found ^ flipped
        return result

    def choice(self, condition: Literals, then: Literals, otherwise: Literals) -> Literals:
        """`then` where the condition is 1, else `otherwise`."""
        condition, then, otherwise = np.broadcast_arrays(condition, then, otherwise)
        found = then.copy()
        are_opposite, are_other = then ^ 1 == otherwise, (then ^ otherwise) > 1
        if are_opposite.any():
            found[are_opposite] = self.difference(condition[are_opposite], otherwise[are_opposite])
        if are_other.any():
            c = condition[are_other]
            one, other = self.conjunction(c, then[are_other]), self.conjunction(c ^ 1, otherwise[are_other])
            found[are_other] = self.disjunction(one, other)
        return found

    def full(self, a: Literals, b: Literals, c: Literals) -> tuple[Literals, Literals]:
        """The sum of three bits: its digits, the lower one first."""
        a, b, c = np.broadcast_arrays(a, b, c)
        total, carry = np.empty_like(a), np.empty_like(a)
        nodes = np.sort(np.stack([a, b, c]) >> 1, axis=0)
        is_full = (nodes[0] > 0) & (nodes[0] != nodes[1]) & (nodes[1] != nodes[2])
        if is_full.any():
            total[is_full], carry[is_full] = self._adders(np.stack([a[is_full], b[is_full], c[is_full]]))
        if not is_full.all():
            rest = ~is_full
            x, y, z = a[rest], b[rest], c[rest]
            half = self.difference(x, y)
            total[rest] = self.difference(half, z)
            carry[rest] = self.disjunction(self.conjunction(x, y), self.conjunction(half, z))
        return total, carry

    def _adders(self, operands: np.ndarray) -> tuple[Literals, Literals]:
        """Full adders; the operands along the first axis."""
        negated = (operands & 1).sum(axis=0)
        flipped = (negated >= 2).astype(np.int64)
        # The majority of the other bits is the other bit of the majority.
        operands = np.sort(operands ^ flipped, axis=0)
        order = np.argsort(-(operands & 1), axis=0, kind="stable")
        first, second, third = np.take_along_axis(operands, order, axis=0)
        sums = self.gates("full", first, second, third)
        carries = sums + 2 * len(first)
        # A gate's sum is of its operands as they are read, of which one may be negated.
        return sums ^ flipped, carries ^ flipped
