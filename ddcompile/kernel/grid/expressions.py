"""The value of an expression of the rule at any element of the grid, as a sum of gates.

Positions are an index of the grid plus a number, wrapped or not; what indices of reductions stand for is written out.
A tensor of numbers between the bits of the grid is written where it is read.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import ceil, floor
from typing import TypeAlias

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import (
    Binary,
    Call,
    Compare,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Unary,
)
from ddcompile.kernel.grid.circuits import Circuit, TooLarge
from ddcompile.kernel.grid.sums import Form, added, holds, scaled_form

__all__ = ["Environment", "Place", "Refused", "Translator"]

_TERMS = 4096
"""Points of a reduction that are written out."""
_PRODUCTS = 256
_RELATIONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Refused(Exception):
    """What keeps a rule from the schedule, in words."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position along an axis of the grid: the element's own plus a number."""

    axis: int
    offset: int = 0
    wraps: bool = False
    """Whether it wraps around at the end of the axis."""


Environment: TypeAlias = Mapping[str, Place | int]
"""What indices stand for."""

Reader: TypeAlias = Callable[[Read, tuple[Place | int, ...]], Form]
"""Gives the value of a read at known positions."""


class Translator:
    """Translates expressions into one circuit.

    Parameters
    ----------
    circuit
        Where the gates go.
    read
        Gives the values of tensors.
    is_bit
        Whether an expression of the rule has only the values 0 and 1.
    summed
        What becomes of a sum that a reduction gives (see `ddcompile.kernel.grid.sharing`).
    compared
        What becomes of a sum before it is compared.
    modulus
        The extent of an axis that positions wrap around at.
    reaches
        The gate that says whether the element's own position along an axis is at least a number.
    """

    def __init__(
        self,
        circuit: Circuit,
        read: Reader,
        is_bit: Callable[[Expr], bool],
        summed: Callable[[Form], Form],
        compared: Callable[[Form], Form],
        modulus: Callable[[int], int],
        reaches: Callable[[int, int], int],
    ) -> None:
        self.circuit = circuit
        self._read = read
        self._is_bit = is_bit
        self._summed = summed
        self._compared = compared
        self._modulus = modulus
        self._reaches = reaches

    def bit(self, expr: Expr, environment: Environment) -> int:
        """The gate of an expression that is 0 or 1."""
        return self.as_bit(self.form(expr, environment))

    def as_bit(self, form: Form) -> int:
        """The gate of a number that is 0 or 1."""
        if not form.terms:
            return self.circuit.constant(form.constant == 1)
        if len(form.terms) == 1:
            (gate, weight), constant = form.terms[0], form.constant
            if (weight, constant) == (1, 0):
                return gate
            if (weight, constant) == (-1, 1):
                return self.circuit.negation(gate)
        return holds(self.circuit, [(added([self._compared(form), Form(-1)]), ">=")])

    def form(self, expr: Expr, environment: Environment) -> Form:
        """The value of an expression; its depth is that of the rule's text."""
        match expr:
            case Literal(value):
                return Form(value)
            case Index():
                return Form(self._number(expr, environment))
            case Read(_, positions):
                return self._read(expr, tuple(self.place(p, environment) for p in positions))
            case Unary(op, operand):
                return self._unary(op, operand, environment)
            case Binary("and" | "or" | "xor" as op, left, right):
                return _of(self._logic(op, self.bit(left, environment), self.bit(right, environment)))
            case Binary("%", _, _):
                return Form(self._number(expr, environment))
            case Binary("*", left, right):
                return self._product(self.form(left, environment), self.form(right, environment))
            case Binary("+", left, right):
                return added([self.form(left, environment), self.form(right, environment)])
            case Binary("-", left, right):
                return added([self.form(left, environment), scaled_form(self.form(right, environment), -1)])
            case Compare(ops, operands) if self._has_index(operands, environment):
                pairs = zip(operands, operands[1:], ops, strict=False)
                parts = [self._position(Binary("-", a, b), op, environment) for a, b, op in pairs]
                return _of(reduce(self.circuit.conjunction, parts))
            case Compare(ops, operands):
                forms = [self.form(operand, environment) for operand in operands]
                sides = zip(forms, forms[1:], ops, strict=False)
                tests = [(self._compared(added([a, scaled_form(b, -1)])), op) for a, b, op in sides]
                return _of(holds(self.circuit, tests))
            case If(condition, then, otherwise):
                return self._choice(self.bit(condition, environment), expr, then, otherwise, environment)
            case Call(name, arguments):
                forms = [self.form(argument, environment) for argument in arguments]
                return self._extreme(name, forms)
            case Reduce(op, _, body):
                return self._reduced(op, list(self._points(expr, environment)), body)
        raise Refused(f"{type(expr).__name__.lower()} has no form in bits")

    def _has_index(self, operands: Sequence[Expr], environment: Environment) -> bool:
        """Whether all are numbers plus indices, and one is an index of the grid."""
        forms = [affine_of(operand) for operand in operands]
        return all(form is not None for form in forms) and any(
            isinstance(environment[name], Place) for form in forms if form is not None for name, _ in form.terms
        )

    def _position(self, difference: Expr, op: str, environment: Environment) -> int:
        """The gate of a comparison of a position with numbers: their difference with 0."""
        form = affine_of(difference)
        assert form is not None
        factor, constant, axis = Fraction(0), Fraction(form.constant), 0
        for name, own in form.terms:
            where = environment[name]
            if isinstance(where, int):
                constant += own * where
            elif factor or where.wraps or where.axis < 0:
                raise Refused("an index of the grid is used as a number")
            else:
                factor, constant, axis = Fraction(own), constant + own * where.offset, where.axis
        if not factor:
            return self.circuit.constant(_RELATIONS[op](constant, 0))
        first = ceil(-constant / factor) if factor > 0 else floor(constant / -factor) + 1
        is_whole = factor * (first - (factor < 0)) + constant == 0
        least = self._reaches(axis, first)
        after = self._reaches(axis, first + (1 if factor > 0 else -1)) if is_whole else least
        if factor < 0:
            least, after = self.circuit.negation(least), self.circuit.negation(after)
        # At least 0, and above 0.
        match op:
            case ">=" | "<":
                return least if op == ">=" else self.circuit.negation(least)
            case ">" | "<=":
                return after if op == ">" else self.circuit.negation(after)
        equal = self.circuit.conjunction(least, self.circuit.negation(after))
        return equal if op == "==" else self.circuit.negation(equal)

    def _logic(self, op: str, left: int, right: int) -> int:
        if op == "and":
            return self.circuit.conjunction(left, right)
        return self.circuit.disjunction(left, right) if op == "or" else self.circuit.difference(left, right)

    def _unary(self, op: str, operand: Expr, environment: Environment) -> Form:
        value = self.form(operand, environment)
        if op == "not":
            return _of(self.circuit.negation(self.as_bit(value)))
        if op == "-":
            return scaled_form(value, -1)
        if op not in ("sign", "abs", "relu"):
            raise Refused(f"`{op}` has no form in bits")
        low, high = value.bounds
        above = self._is_above(value) if high > 0 else self.circuit.zero
        below = self._is_above(scaled_form(value, -1)) if low < 0 else self.circuit.zero
        if op == "sign":
            return added([_of(above), scaled_form(_of(below), -1)])
        positive = value if low >= 0 else self._times(above, value)
        if op == "relu" or low >= 0:
            return positive
        return added([positive, scaled_form(self._times(below, value), -1)])

    def _is_above(self, form: Form) -> int:
        return holds(self.circuit, [(self._compared(form), ">")])

    def _times(self, gate: int, form: Form) -> Form:
        """A bit times a number."""
        parts = [scaled_form(_of(gate), form.constant)] if form.constant else []
        return added([*parts, *(scaled_form(_of(self.circuit.conjunction(gate, g)), w) for g, w in form.terms)])

    def _product(self, left: Form, right: Form) -> Form:
        if len(left.terms) * len(right.terms) > _PRODUCTS:
            raise TooLarge
        parts = [scaled_form(right, left.constant)]
        return added([*parts, *(scaled_form(self._times(gate, right), weight) for gate, weight in left.terms)])

    def _choice(self, condition: int, whole: Expr, then: Expr, otherwise: Expr, environment: Environment) -> Form:
        if condition in (self.circuit.zero, self.circuit.one):
            return self.form(then if condition == self.circuit.one else otherwise, environment)
        first, second = self.form(then, environment), self.form(otherwise, environment)
        if self._is_bit(whole):
            return _of(self.circuit.choice(condition, self.as_bit(first), self.as_bit(second)))
        return added([second, self._times(condition, added([first, scaled_form(second, -1)]))])

    def _extreme(self, name: str, forms: list[Form]) -> Form:
        result = forms[0]
        for form in forms[1:]:
            gap = added([form, scaled_form(result, -1)])
            better = self._is_above(gap if name == "max" else scaled_form(gap, -1))
            result = added([result, self._times(better, gap)])
        return result

    def _reduced(self, op: str, points: list[Environment], body: Expr) -> Form:
        if op in ("any", "all"):
            bits = [self.bit(body, point) for point in points]
            result = self.circuit.constant(op == "all")
            for bit in bits:
                result = self._logic("and" if op == "all" else "or", result, bit)
            return _of(result)
        forms = [self.form(body, point) for point in points]
        if op == "sum":
            return self._summed(added(forms))
        if op in ("min", "max") and forms:
            return self._extreme(op, forms)
        raise Refused(f"`{op}` has no form in bits")

    def _points(self, reduction: Reduce, environment: Environment) -> list[Environment]:
        """What indices stand for at every point of a reduction."""
        found: list[dict[str, Place | int]] = [dict(environment)]
        for binder in reduction.binders:
            following = []
            for point in found:
                low, high = self._number(binder.lower, point), self._number(binder.upper, point)
                if len(found) * max(0, high - low) > _TERMS:
                    raise Refused(f"a reduction has more than {_TERMS} terms")
                following += [{**point, binder.name: k} for k in range(low, high)]
            found = following
        return list(found)

    def place(self, expr: Expr, environment: Environment) -> Place | int:
        """A position: a number, or one along an axis of the grid."""
        if isinstance(expr, Binary) and expr.op == "%" and isinstance(expr.right, Literal):
            inner = self.place(expr.left, environment)
            if isinstance(inner, int):
                return inner % int(expr.right.value)
            if expr.right.value != self._modulus(inner.axis):
                raise Refused("a position wraps around elsewhere than at the end of its axis")
            return Place(inner.axis, inner.offset, wraps=True)
        form = affine_of(expr)
        if form is None or not form.is_integral:
            raise Refused("a position is no index plus a number")
        offset, axes = int(form.constant), []
        for name, factor in form.terms:
            where = environment[name]
            if isinstance(where, int):
                offset += where * int(factor)
            else:
                axes.append((where, factor))
        if not axes:
            return offset
        if len(axes) > 1 or axes[0][1] != 1:
            raise Refused("a position is no index plus a number")
        return Place(axes[0][0].axis, axes[0][0].offset + offset, axes[0][0].wraps)

    def _number(self, expr: Expr, environment: Environment) -> int:
        found = self.place(expr, environment)
        if isinstance(found, Place):
            raise Refused("an index of the grid is used as a number")
        return found


def _of(gate: int) -> Form:
    """A gate as a number."""
    return Form(0, ((gate, 1),))
