"""Straight-line procedures over binary64: functions that every engine computes bit for bit alike.

A procedure is data: assignments to fresh names, one operation each, no branches. Every step is total, so that all of
them may be evaluated whatever the argument is. An engine runs or prints a procedure step by step; with IEEE arithmetic,
rounded to nearest even and without contraction, there is nothing left that could differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf, TypeAlias

__all__ = ["ARGUMENT", "KINDS", "Bit", "Integer", "Operation", "Procedure", "Real", "Step", "StepKind", "Trace"]

StepKind: TypeAlias = OneOf["real", "int", "bit"]
Operation: TypeAlias = OneOf[
    "const",
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "lt",
    "eq",
    "and",
    "select",
    "to_int",
    "from_int",
    "isub",
    "half",
    "pow2",
    "exponent",
]

ARGUMENT = "x"
"""The name of the argument of every procedure, a binary64 number."""

KINDS: dict[Operation, StepKind] = {
    "const": "real",
    "add": "real",
    "sub": "real",
    "mul": "real",
    "div": "real",
    "neg": "real",
    "lt": "bit",
    "eq": "bit",
    "and": "bit",
    "select": "real",
    "to_int": "int",
    "from_int": "real",
    "isub": "int",
    "half": "int",
    "pow2": "real",
    "exponent": "int",
}
"""What an operation gives: a binary64 number, an integer of magnitude below 2**31, or a bit."""


@dataclass(frozen=True, slots=True)
class Step:
    """`name = operation(operands)`.

    | operation | operands | gives |
    |---|---|---|
    | const | | the real `value`; it may be infinite or NaN |
    | add, sub, mul, div | two reals | IEEE arithmetic; no divisor is ever 0 |
    | neg | a real | the same with the other sign |
    | lt, eq | two reals | the bit of the comparison; 0 if one is NaN |
    | and | two bits | |
    | select | a bit and two reals | the first if the bit is 1, else the second |
    | to_int | a real, integral, of magnitude below 2**31 | the same as an integer |
    | from_int | an integer | the same as a real |
    | isub | two integers | |
    | half | an integer | the floor of its half |
    | pow2 | an integer k in -1022..1023 | 2**k |
    | exponent | a positive normal real x | the integer e with 2**e <= x < 2**(e + 1) |
    """

    name: str
    operation: Operation
    operands: tuple[str, ...] = ()
    value: float = 0.0

    @property
    def kind(self) -> StepKind:
        """What the step gives."""
        return KINDS[self.operation]


@dataclass(frozen=True, slots=True)
class Procedure:
    """A function of one binary64 number, `x`: steps in order of evaluation, and the name of its result, a real."""

    name: str
    steps: tuple[Step, ...]
    result: str


class Trace:
    """Records the steps of a procedure while its formulas are evaluated on symbols."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._constants: dict[str, str] = {}

    @classmethod
    def argument(cls) -> Real:
        """The argument of a new procedure."""
        return Real(cls(), ARGUMENT)

    def step(self, operation: Operation, *operands: str, value: float = 0.0) -> str:
        """Record one step; its fresh name."""
        name = f"t{len(self.steps)}"
        self.steps.append(Step(name, operation, operands, value))
        return name

    def constant(self, value: float) -> str:
        """The name of a constant, recorded once."""
        key = value.hex()
        if key not in self._constants:
            self._constants[key] = self.step("const", value=value)
        return self._constants[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Symbol:
    trace: Trace
    name: str


class Bit(_Symbol):
    """A bit of a procedure."""

    def __and__(self, other: Bit) -> Bit:
        return Bit(self.trace, self.trace.step("and", self.name, other.name))

    def select(self, then: Real | float, otherwise: Real | float) -> Real:
        """`then` where the bit is 1, `otherwise` elsewhere."""
        names = [_name(self.trace, value) for value in (then, otherwise)]
        return Real(self.trace, self.trace.step("select", self.name, *names))


class Integer(_Symbol):
    """An integer of a procedure."""

    def __sub__(self, other: Integer) -> Integer:
        return Integer(self.trace, self.trace.step("isub", self.name, other.name))

    def half(self) -> Integer:
        """The floor of the half."""
        return Integer(self.trace, self.trace.step("half", self.name))

    def pow2(self) -> Real:
        """2 to this power, in -1022..1023."""
        return Real(self.trace, self.trace.step("pow2", self.name))

    def real(self) -> Real:
        """The same number as a real."""
        return Real(self.trace, self.trace.step("from_int", self.name))


class Real(_Symbol):
    """A real of a procedure; numbers on the other side of an operator become constants."""

    def _step(self, operation: Operation, left: Real | float, right: Real | float) -> str:
        return self.trace.step(operation, _name(self.trace, left), _name(self.trace, right))

    def __add__(self, other: Real | float) -> Real:
        return Real(self.trace, self._step("add", self, other))

    def __sub__(self, other: Real | float) -> Real:
        return Real(self.trace, self._step("sub", self, other))

    def __mul__(self, other: Real | float) -> Real:
        return Real(self.trace, self._step("mul", self, other))

    def __truediv__(self, other: Real | float) -> Real:
        return Real(self.trace, self._step("div", self, other))

    def __neg__(self) -> Real:
        return Real(self.trace, self.trace.step("neg", self.name))

    def __lt__(self, other: Real | float) -> Bit:
        return Bit(self.trace, self._step("lt", self, other))

    def __gt__(self, other: Real | float) -> Bit:
        return Bit(self.trace, self._step("lt", other, self))

    def constant(self, value: float) -> Real:
        """A constant of the same procedure."""
        return Real(self.trace, self.trace.constant(value))

    def equals(self, other: Real | float) -> Bit:
        """Whether the two are equal; a NaN equals nothing."""
        return Bit(self.trace, self._step("eq", self, other))

    def integer(self) -> Integer:
        """The same number as an integer: it is integral, of magnitude below 2**31."""
        return Integer(self.trace, self.trace.step("to_int", self.name))

    def exponent(self) -> Integer:
        """The binary exponent of a positive normal number."""
        return Integer(self.trace, self.trace.step("exponent", self.name))

    def procedure(self, name: str) -> Procedure:
        """The procedure whose result this is."""
        return Procedure(name, tuple(self.trace.steps), self.name)


def _name(trace: Trace, value: Real | float) -> str:
    return value.name if isinstance(value, Real) else trace.constant(value)
