"""Boolean circuits over the bits of a neighbourhood: gates are numbers, equal gates are one gate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal as OneOf, TypeAlias

__all__ = ["Circuit", "Gate", "Leaf", "TooLarge"]

_MOST = 20_000
"""Gates that a circuit may have while it is built."""


class TooLarge(Exception):
    """A circuit would have too many gates."""


@dataclass(frozen=True, slots=True, order=True)
class Leaf:
    """The bit of a stream at an offset from the element that is computed, along every axis of the grid."""

    stream: str
    plane: int
    offset: tuple[int, ...]


GateOp: TypeAlias = OneOf["and", "or", "xor"]
Gate: TypeAlias = Leaf | int | tuple[GateOp, int, int] | tuple[OneOf["not"], int]
"""A leaf, a constant, or what an operator makes of other gates."""


class Circuit:
    """Gates under construction; a gate is known by its number, and reads gates of lower numbers only."""

    def __init__(self) -> None:
        self.gates: list[Gate] = []
        self._number: dict[Gate, int] = {}
        self.zero = self._add(0)
        self.one = self._add(1)

    def _add(self, gate: Gate) -> int:
        found = self._number.get(gate)
        if found is None:
            if len(self.gates) >= _MOST:
                raise TooLarge
            found = self._number[gate] = len(self.gates)
            self.gates.append(gate)
        return found

    def leaf(self, leaf: Leaf) -> int:
        """The gate that reads a bit."""
        return self._add(leaf)

    def constant(self, value: bool) -> int:
        """The gate of a constant."""
        return self.one if value else self.zero

    def negation(self, a: int) -> int:
        """The other bit."""
        if a in (self.zero, self.one):
            return self.zero + self.one - a
        gate = self.gates[a]
        if isinstance(gate, tuple) and gate[0] == "not":
            return gate[1]
        return self._add(("not", a))

    def _are_opposite(self, a: int, b: int) -> bool:
        return self.gates[a] == ("not", b) or self.gates[b] == ("not", a)

    def conjunction(self, a: int, b: int) -> int:
        """Whether both bits are 1."""
        if a > b:
            a, b = b, a
        if a == self.zero or self._are_opposite(a, b):
            return self.zero
        if a in (self.one, b):
            return b
        return self._add(("and", a, b))

    def disjunction(self, a: int, b: int) -> int:
        """Whether a bit is 1."""
        if a > b:
            a, b = b, a
        if a == self.one or b == self.one or self._are_opposite(a, b):
            return self.one
        if a in (self.zero, b):
            return b
        return self._add(("or", a, b))

    def difference(self, a: int, b: int) -> int:
        """Whether the bits differ; a negation of an operand moves to the result."""
        flipped = False
        sides = []
        for side in (a, b):
            gate = self.gates[side]
            if side == self.one:
                flipped, side = not flipped, self.zero
            elif isinstance(gate, tuple) and gate[0] == "not":
                flipped, side = not flipped, gate[1]
            sides.append(side)
        low, high = sorted(sides)
        if low == high:
            found = self.zero
        elif low == self.zero:
            found = high
        else:
            found = self._add(("xor", low, high))
        return self.negation(found) if flipped else found

    def choice(self, condition: int, then: int, otherwise: int) -> int:
        """`then` where the condition is 1, else `otherwise`."""
        if then == otherwise or condition == self.one:
            return then
        if condition == self.zero:
            return otherwise
        if self._are_opposite(then, otherwise):
            return self.difference(condition, otherwise)
        if then in (self.zero, self.one):
            other = self.negation(condition)
            return self.disjunction(condition, otherwise) if then == self.one else self.conjunction(other, otherwise)
        if otherwise in (self.zero, self.one):
            other = self.negation(condition)
            return self.disjunction(other, then) if otherwise == self.one else self.conjunction(condition, then)
        return self.difference(otherwise, self.conjunction(condition, self.difference(then, otherwise)))

    def operands(self, number: int) -> tuple[int, ...]:
        """The gates that a gate reads."""
        gate = self.gates[number]
        return gate[1:] if isinstance(gate, tuple) else ()

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """The gates that some gates depend on, and themselves, every one after those it reads."""
        wanted = set(outputs)
        for number in range(max(wanted, default=0), -1, -1):
            if number in wanted:
                wanted.update(self.operands(number))
        return sorted(wanted)

    def leaves(self, outputs: Iterable[int]) -> list[Leaf]:
        """What some gates depend on."""
        return sorted(gate for n in self.needed(outputs) if isinstance(gate := self.gates[n], Leaf))

    def weight(self, outputs: Iterable[int]) -> int:
        """Operations on words that compute some gates: one a gate, three for a neighbour within the row.

        Reading a word of memory counts as one.
        """
        total = 0
        for number in self.needed(outputs):
            gate = self.gates[number]
            if isinstance(gate, Leaf):
                total += 1 if gate.offset[-1] % 64 == 0 else 4
            else:
                total += isinstance(gate, tuple)
        return total
