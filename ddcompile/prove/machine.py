"""The stack machine that evaluates one element of one clause to a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ddcompile.prove import logic
from ddcompile.prove.code import (
    Apply,
    Close,
    Code,
    Collect,
    For,
    Linear,
    Next,
    Open,
    Push,
    PushIndex,
    ReadElement,
)
from ddcompile.prove.elements import ConstantTable, Table, name_of
from ddcompile.prove.forms import Decline, Form, Value, as_form, as_number, normal, subtract, total
from ddcompile.prove.operators import result
from ddcompile.prove.store import Store

__all__ = ["Machine", "Pending"]

GATHER_LIMIT = 4096
"""Most elements that a position with unknown value may select from."""


ROUND_LIMIT = 1 << 17
"""Most rounds of loops for one element; sums that are evaluated with whole arrays have none."""
TOTAL_LIMIT = 1 << 21
"""Most rounds of loops for all elements."""


class Pending(Exception):
    """An element is needed that is not evaluated yet."""

    def __init__(self, tensor: str, flat: int) -> None:
        super().__init__(tensor, flat)
        self.tensor, self.flat = tensor, flat


class Machine:
    """Evaluates clauses over tables of meanings."""

    def __init__(self, store: Store, scope: Mapping[str, Table], constants: Mapping[str, ConstantTable]) -> None:
        self.store = store
        self.scope = scope
        self.constants = constants
        self.trace: list[tuple[str, int]] | None = None
        """Elements of the scope that were read, while it is a list."""
        self._rounds = 0

    def run(self, code: Code, indices: Sequence[int]) -> Form:
        """The value of a clause where its own indices have the given values.

        Raises
        ------
        Decline
            If the definition cannot be followed, or reads something undefined.
        Pending
            If an element of a pending table is needed.
        """
        instructions = code.instructions
        env = [*indices, *[0] * (len(code.slots) - len(indices))]
        stack: list[Value] = []
        loops: list[list[int]] = []
        most = min(self._rounds + ROUND_LIMIT, TOTAL_LIMIT)
        collected: list[list[Value]] = []
        place = 0
        while place < len(instructions):
            instruction = instructions[place]
            place += 1
            match instruction:
                case Push(value):
                    stack.append(value)
                case PushIndex(slot):
                    stack.append(env[slot])
                case ReadElement(tensor, rank, padded):
                    positions = stack[len(stack) - rank :]
                    del stack[len(stack) - rank :]
                    pad = stack.pop() if padded else None
                    stack.append(self._read(tensor, positions, pad))
                case Apply(operator, count):
                    operands = stack[len(stack) - count :]
                    del stack[len(stack) - count :]
                    stack.append(self._spanned(operator(self.store, operands)))
                case Open():
                    collected.append([])
                case For(slot, end):
                    upper, lower = _integer(stack.pop()), _integer(stack.pop())
                    if lower < upper:
                        loops.append([slot, lower, upper, place, env[slot]])
                        env[slot] = lower
                    else:
                        place = end[0]
                case Next():
                    self._rounds += 1
                    if self._rounds > most:
                        what = "an element" if most < TOTAL_LIMIT else "all elements together"
                        limit = ROUND_LIMIT if most < TOTAL_LIMIT else TOTAL_LIMIT
                        raise Decline(f"the loops of {what} take more than {limit} rounds, which are not followed")
                    loop = loops[-1]
                    loop[1] += 1
                    if loop[1] < loop[2]:
                        env[loop[0]] = loop[1]
                        place = loop[3]
                    else:
                        env[loop[0]] = loop[4]
                        loops.pop()
                case Collect():
                    collected[-1].append(stack.pop())
                case Close(operator):
                    stack.append(self._spanned(operator(self.store, collected.pop())))
                case Linear(plan, end):
                    names = {name: env[slot] for name, slot in code.slots.items() if name not in plan.names}
                    form = plan.run(names, self.scope, self.constants, self.trace)
                    if form is not None:
                        stack.append(self._spanned(result(form)))
                        place = end[0]
        return as_form(stack[0])

    def _spanned(self, value: Value) -> Value:
        return self.store.spanned(value) if isinstance(value, Form) else value

    def _read(self, tensor: str, positions: Sequence[Value], pad: Value | None) -> Value:
        constant = self.constants.get(tensor)
        shape = constant.shape if constant is not None else self.scope[tensor].shape
        if len(positions) != len(shape):
            raise Decline(f"{tensor} is read with {len(positions)} positions")
        for axis, p in enumerate(positions):
            if isinstance(p, Form):
                return self._select(tensor, positions, axis, shape[axis], pad)
        flat = 0
        for p, extent in zip(positions, shape, strict=True):
            position = _integer(p)
            if not 0 <= position < extent:
                if pad is not None:
                    return pad
                raise Decline(f"{tensor} is read at {[_integer(q) for q in positions]}, outside its extent")
            flat = flat * extent + position
        if constant is not None:
            return constant.value(flat)
        table = self.scope[tensor]
        if self.trace is not None:
            self.trace.append((tensor, flat))
        form = table.forms[flat]
        if form is None:
            if table.pending:
                raise Pending(tensor, flat)
            raise Decline(f"{name_of(tensor, shape, flat)} is read but not defined")
        return form

    def _select(self, tensor: str, positions: Sequence[Value], axis: int, extent: int, pad: Value | None) -> Value:
        """A read at a position of unknown value: a sum over all it may take."""
        form = normal(as_form(positions[axis]))
        low, high = self.store.bounds(form)
        if form.exp or not self.store.integral(form) or low is None or high is None:
            raise Decline(f"a position of {tensor} is not known to be an integer in a finite range")
        if pad is None:  # the verifier has shown that the position lies inside
            low, high = max(low, 0), min(high, extent - 1)
        if not 0 <= high - low < GATHER_LIMIT:
            raise Decline(f"a position of {tensor} has too many values")
        items: list[Form] = []
        for p in range(low, high + 1):
            item = as_form(self._read(tensor, [*positions[:axis], p, *positions[axis + 1 :]], pad))
            items.append(item)
        parts = [items[0]]
        for p, (before, item) in enumerate(pairwise(items), low + 1):
            reached = self.store.at_least(subtract(form, Form({}, p)))
            parts.append(logic.multiply(self.store, reached, subtract(item, before)))
        return result(total(parts))


def _integer(value: Value) -> int:
    number = as_number(value) if isinstance(value, Form) else value
    if not isinstance(number, int):
        raise Decline("a bound or position that is no constant integer")
    return number
