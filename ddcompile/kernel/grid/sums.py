"""Sums of bits with exact weights, and the circuits that compare them.

A sum is added up by carry-save adders: three bits of one weight become one of it and one of twice the weight, until no
weight has more than one. What is asked of the number is then a function of few bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from math import gcd, lcm

from ddcompile.ir.nodes import Number
from ddcompile.kernel.grid.circuits import Circuit, TooLarge

__all__ = ["Form", "added", "coprime", "digits", "holds", "scaled_form", "tested"]

_TABLE = 4
"""Planes up to which the least circuit of a test is searched for over all orders of the planes."""
_PLANES = 64
_RUNS = 1 << 16
"""Numbers that a condition is tried on."""


@dataclass(frozen=True, slots=True)
class Form:
    """A constant and bits, given as gates, times weights that are not 0; sorted by gate."""

    constant: Number = 0
    terms: tuple[tuple[int, Number], ...] = ()

    @property
    def bounds(self) -> tuple[Number, Number]:
        """The least and greatest value if all bits are independent."""
        low = self.constant + sum(weight for _, weight in self.terms if weight < 0)
        return low, self.constant + sum(weight for _, weight in self.terms if weight > 0)


def added(forms: Sequence[Form]) -> Form:
    """The sum of some forms."""
    total: dict[int, Number] = {}
    for form in forms:
        for gate, weight in form.terms:
            total[gate] = total.get(gate, 0) + weight
    terms = tuple(sorted((gate, weight) for gate, weight in total.items() if weight))
    return Form(sum(form.constant for form in forms), terms)


def scaled_form(form: Form, factor: Number) -> Form:
    """A form times a number."""
    if factor == 0:
        return Form()
    return Form(form.constant * factor, tuple((gate, weight * factor) for gate, weight in form.terms))


def holds(circuit: Circuit, tests: Sequence[tuple[Form, str]]) -> int:
    """The gate for whether every form stands in its relation to 0: `<`, `<=`, `>`, `>=`, `==` or `!=`.

    Relations of one sum are tested together.
    """
    parts: dict[tuple[tuple[int, int], ...], list[tuple[Number, Number, str]]] = {}
    result = circuit.one
    for form, relation in tests:
        if not form.terms:
            result = circuit.conjunction(result, circuit.constant(_stands(form.constant, relation)))
            continue
        weights, factor = coprime([weight for _, weight in form.terms])
        terms = tuple(zip((gate for gate, _ in form.terms), weights, strict=True))
        parts.setdefault(terms, []).append((factor, form.constant, relation))
    for terms, relations in parts.items():
        planes, low, high = digits(circuit, terms)

        def condition(value: int, relations: list[tuple[Number, Number, str]] = relations, low: int = low) -> bool:
            return all(_stands(factor * (value + low) + constant, relation) for factor, constant, relation in relations)

        result = circuit.conjunction(result, tested(circuit, planes, high - low, condition))
    return result


def _stands(value: Number, relation: str) -> bool:
    match relation:
        case "<":
            return value < 0
        case "<=":
            return value <= 0
        case ">":
            return value > 0
        case ">=":
            return value >= 0
        case "==":
            return value == 0
    return value != 0


def coprime(weights: Sequence[Number]) -> tuple[tuple[int, ...], Number]:
    """Integers without a common divisor, the first one positive, and the number that they are to be multiplied by."""
    exact = [Fraction(weight) for weight in weights]
    scale = lcm(*(weight.denominator for weight in exact))
    whole = [int(weight * scale) for weight in exact]
    divisor = gcd(*whole) if whole[0] > 0 else -gcd(*whole)
    return tuple(weight // divisor for weight in whole), Fraction(divisor, scale)


def digits(circuit: Circuit, terms: Sequence[tuple[int, int]]) -> tuple[list[int], int, int]:
    """The digits of a sum less its least value, lowest first; its least and greatest value."""
    low = sum(weight for _, weight in terms if weight < 0)
    high = sum(weight for _, weight in terms if weight > 0)
    if (high - low).bit_length() > _PLANES:
        raise TooLarge
    columns: list[deque[int]] = [deque() for _ in range((high - low).bit_length() + 1)]
    for gate, weight in terms:
        bit = gate if weight > 0 else circuit.negation(gate)
        for place in range(abs(weight).bit_length()):
            if abs(weight) >> place & 1:
                columns[place].append(bit)
    planes = []
    for place in range((high - low).bit_length()):
        column = columns[place]
        while len(column) >= 3:
            a, b, c = column.popleft(), column.popleft(), column.popleft()
            half = circuit.difference(a, b)
            column.append(circuit.difference(half, c))
            carry = circuit.disjunction(circuit.conjunction(a, b), circuit.conjunction(half, c))
            columns[place + 1].append(carry)
        if len(column) == 2:
            a, b = column
            columns[place + 1].append(circuit.conjunction(a, b))
            column = deque([circuit.difference(a, b)])
        planes.append(column[0] if column else circuit.zero)
    return planes, low, high


def tested(circuit: Circuit, planes: Sequence[int], most: int, condition: Callable[[int], bool]) -> int:
    """The gate for whether the number that some planes make satisfies a condition; the number is at most `most`."""
    if len(planes) <= _TABLE:
        table = tuple(condition(v) if v <= most else None for v in range(1 << len(planes)))
        orders = permutations(range(len(planes)))
        found = [_decided(circuit, [planes[k] for k in order], _reordered(table, order)) for order in orders]
        return min(found, key=lambda gate: circuit.weight([gate]))
    if most >= _RUNS:
        raise TooLarge
    # Runs of numbers that satisfy the condition.
    result = circuit.zero
    changes = [v for v in range(most + 1) if v == 0 or condition(v) != condition(v - 1)]
    for start, end in zip(changes, [*changes[1:], None], strict=True):
        if condition(start):
            run = _at_least(circuit, planes, start)
            if end is not None:
                run = circuit.conjunction(run, circuit.negation(_at_least(circuit, planes, end)))
            result = circuit.disjunction(result, run)
    return result


def _at_least(circuit: Circuit, planes: Sequence[int], bound: int) -> int:
    found = circuit.one
    for place, plane in enumerate(planes):
        found = circuit.conjunction(plane, found) if bound >> place & 1 else circuit.disjunction(plane, found)
    return found


def _reordered(table: tuple[bool | None, ...], order: Sequence[int]) -> tuple[bool | None, ...]:
    """A table whose place k is the old place order[k]."""
    count = len(order)
    return tuple(table[sum((v >> k & 1) << order[k] for k in range(count))] for v in range(len(table)))


def _decided(circuit: Circuit, planes: Sequence[int], table: tuple[bool | None, ...]) -> int:
    """A circuit of a table by cases of its highest plane; entries that are None may be anything."""
    known = {value for value in table if value is not None}
    if len(known) <= 1:
        return circuit.constant(True in known)
    half = len(table) // 2
    low, high = table[:half], table[half:]
    merged = tuple(b if a is None else a for a, b in zip(low, high, strict=True))
    if all(a is None or b is None or a == b for a, b in zip(low, high, strict=True)):
        return _decided(circuit, planes[:-1], merged)
    return circuit.choice(planes[-1], _decided(circuit, planes[:-1], high), _decided(circuit, planes[:-1], low))
