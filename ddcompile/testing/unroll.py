"""Unroll a rule element by element into a circuit of threshold units.

Expressions are evaluated by generators that ask for what they need: another expression or an element of a tensor. One
loop drives them with an explicit stack, so neither deep expressions nor long recurrences meet the recursion limit.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product as box
from typing import TypeAlias

from ddcompile.diagnostics import CompileError, fail
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    CompareOp,
    Constant,
    Expr,
    If,
    Index,
    Literal,
    Number,
    Read,
    Reduce,
    Rule,
    Statement,
    Unary,
)
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import chain_operands
from ddcompile.ir.types import extents, infer
from ddcompile.testing.circuits import Circuit, Form, constant
from ddcompile.testing.inputs import VALUES

__all__ = ["unroll"]

Indices: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Element:
    """A request for an element of a tensor."""

    tensor: str
    position: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request for the value of an expression where its indices have these values."""

    expr: Expr
    indices: Indices


_Request: TypeAlias = _Element | _Ask
_Task: TypeAlias = Generator[_Request, Form, Form]


def unroll(rule: Rule, circuit: Circuit) -> list[Form]:
    """Add a rule to an empty circuit.

    Parameters
    ----------
    rule : Rule
        Without sizes, accepted by the verifier.
    circuit : Circuit
        Gets the inputs, row-major in declared order, and the units.

    Returns
    -------
    list of Form
        The elements of the results, row-major in declared order.

    Raises
    ------
    CompileError
        N301 for an input that is not of bits, spins or trits or a position that depends on the inputs; N302, N304 if it
        takes too many units; N305 for an expression that threshold units do not compute.
    """
    return _Unroller(rule, circuit).run()


class _Unroller:
    def __init__(self, rule: Rule, circuit: Circuit) -> None:
        self.rule = rule
        self.circuit = circuit
        self.constants = {declared.name: declared for declared in rule.constants}
        self.shape = infer(rule).shape
        self.known: dict[_Element, Form] = {}
        self.clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            self.clauses.setdefault(statement.target, []).append(statement)
        for declaration in rule.inputs:
            values = VALUES.get(declaration.type.kind)
            if values is None:
                message = f"{declaration.name} is {declaration.type.kind}; networks are made for bit, spin and trit"
                raise fail("N301", message, location=declaration.location)
            for position in box(*map(range, extents(declaration.type))):
                self.known[_Element(declaration.name, position)] = circuit.input(values)

    def run(self) -> list[Form]:
        return [
            self._drive(_Element(declaration.name, position))
            for declaration in self.rule.outputs
            for position in box(*map(range, extents(declaration.type)))
        ]

    def _drive(self, root: _Element) -> Form:
        """Evaluate an element. The stack holds the tasks that wait, each for the one above it."""
        if root in self.known:
            return self.known[root]
        stack: list[tuple[_Task, _Request]] = [(self._task(root), root)]
        answer: Form | None = None
        while stack:
            task, request = stack[-1]
            try:
                wanted = next(task) if answer is None else task.send(answer)
            except StopIteration as stop:
                stack.pop()
                answer = stop.value
                if isinstance(request, _Element):
                    self.known[request] = stop.value
                continue
            answer = self.known.get(wanted) if isinstance(wanted, _Element) else None
            if answer is None:
                stack.append((self._task(wanted), wanted))
        return self.known[root]

    def _task(self, request: _Request) -> _Task:
        if isinstance(request, _Element):
            return self._element(request)
        return self._value(request.expr, request.indices)

    # ---- elements -----------------------------------------------------------------------------------------------

    def _element(self, element: _Element) -> _Task:
        for statement in self.clauses.get(element.tensor, ()):
            indices = yield from self._bound(statement, element.position)
            if indices is not None:
                return (yield _Ask(statement.value, indices))
        raise fail("N305", f"no clause defines {element.tensor}[{', '.join(map(str, element.position))}]")

    def _bound(
        self, statement: Statement, position: tuple[int, ...]
    ) -> Generator[_Request, Form, dict[str, int] | None]:
        """The indices with which a clause defines an element, or None if it does not."""
        indices: dict[str, int] = {}
        for place, at in zip(statement.positions, position, strict=True):
            if isinstance(place, Binder):
                lower = yield from self._integer(place.lower, indices)
                upper = yield from self._integer(place.upper, indices)
                if not lower <= at < upper:
                    return None
                indices[place.name] = at
            elif at != (yield from self._integer(place, indices)):
                return None
        return indices

    def _integer(self, expr: Expr, indices: Indices) -> Generator[_Request, Form, int]:
        form = yield _Ask(expr, indices)
        if form.terms or not isinstance(form.constant, int):
            message = f"the position or bound {print_expression(expr)} depends on the inputs"
            raise fail("N301", message, location=expr.location)
        return form.constant

    def _points(self, reduce: Reduce, indices: Indices) -> Generator[_Request, Form, list[dict[str, int]]]:
        points = [dict(indices)]
        for binder in reduce.binders:
            longer = []
            for point in points:
                lower = yield from self._integer(binder.lower, point)
                upper = yield from self._integer(binder.upper, point)
                longer += [{**point, binder.name: value} for value in range(lower, upper)]
            points = longer
        return points

    # ---- expressions --------------------------------------------------------------------------------------------

    def _value(self, expr: Expr, indices: Indices) -> _Task:
        match expr:
            case Literal(value):
                return constant(value)
            case Index(name):
                return constant(indices[name])
            case Read():
                return (yield from self._read(expr, indices))
            case Unary(op, operand):
                return self._unary(op, (yield _Ask(operand, indices)), expr)
            case Binary("and" | "or" as op, _, _):
                bits = []
                for part in chain_operands(op, expr):
                    bits.append((yield _Ask(part, indices)))
                return self.circuit.conjunction(bits) if op == "and" else self.circuit.disjunction(bits)
            case Binary(op, left, right):
                a = yield _Ask(left, indices)
                b = yield _Ask(right, indices)
                return self._binary(op, a, b, expr)
            case Compare(ops, operands):
                forms = []
                for operand in operands:
                    forms.append((yield _Ask(operand, indices)))
                return self._compare(ops, forms)
            case If(condition, then, otherwise):
                c = yield _Ask(condition, indices)
                if not c.terms:
                    return (yield _Ask(then if c.constant else otherwise, indices))
                a = yield _Ask(then, indices)
                b = yield _Ask(otherwise, indices)
                return b + self.circuit.product(c, a - b)
            case Call(name, arguments):
                forms = []
                for argument in arguments:
                    forms.append((yield _Ask(argument, indices)))
                return self._extreme(name, forms)
            case Reduce(op, _, body):
                points = yield from self._points(expr, indices)
                forms = []
                for point in points:
                    forms.append((yield _Ask(body, point)))
                return self._reduce(op, forms, [point[expr.binders[0].name] for point in points], expr)
        raise _beyond(expr)

    def _read(self, expr: Read, indices: Indices) -> _Task:
        position = []
        for place in expr.positions:
            position.append((yield from self._integer(place, indices)))
        at = tuple(position)
        shape = self.shape[expr.tensor]
        if expr.pad is not None and not all(0 <= p < extent for p, extent in zip(at, shape, strict=True)):
            return (yield _Ask(expr.pad, indices))
        table = self.constants.get(expr.tensor)
        if table is not None:
            return constant(_entry(table, at))
        return (yield _Element(expr.tensor, at))

    def _unary(self, op: str, form: Form, expr: Expr) -> Form:
        match op:
            case "-":
                return form.scaled(-1)
            case "not":
                return constant(1) - form
            case "sign":
                return self.circuit.sign(form)
            case "abs":
                return self.circuit.function(form, lambda v: v if v > 0 else -v)
            case "relu":
                return self.circuit.function(form, lambda v: v if v > 0 else 0)
        raise _beyond(expr)

    def _binary(self, op: str, a: Form, b: Form, expr: Expr) -> Form:
        match op:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return self.circuit.product(a, b)
            case "xor":
                return self.circuit.parity(a, b)
            case "%" if not b.terms:
                modulus = b.constant
                return self.circuit.function(a, lambda v: v % modulus)
        raise _beyond(expr)

    def _compare(self, ops: tuple[CompareOp, ...], forms: list[Form]) -> Form:
        bits = [self._comparison(op, a, b) for op, a, b in zip(ops, forms, forms[1:], strict=False)]
        if len(bits) == 1:
            return bits[0]
        least = self.circuit.bounds(forms[2] - forms[0])[0]
        if least > 0 or (least == 0 and ops == ("<=", "<=")):
            # An interval that is not empty: no value fails both comparisons.
            return bits[0] + bits[1].plus(-1)
        return self.circuit.conjunction(bits)

    def _comparison(self, op: CompareOp, a: Form, b: Form) -> Form:
        step = self.circuit.step
        match op:
            case "<":
                return step(b - a)
            case ">":
                return step(a - b)
            case "<=":
                return constant(1) - step(a - b)
            case ">=":
                return constant(1) - step(b - a)
            case "==":
                return constant(1) - step(a - b) - step(b - a)
            case "!=":
                return step(a - b) + step(b - a)

    def _extreme(self, name: str, forms: list[Form]) -> Form:
        best = forms[0]
        wanted = -1 if name == "min" else 1
        for form in forms[1:]:
            best = best + self.circuit.function(form - best, lambda v: v if v * wanted > 0 else 0)
        return best

    def _reduce(self, op: str, forms: list[Form], at: list[int], expr: Expr) -> Form:
        match op:
            case "sum":
                total = constant(0)
                for form in forms:
                    total = total + form
                return total
            case "any":
                return self.circuit.disjunction(forms) if forms else constant(0)
            case "all":
                return self.circuit.conjunction(forms) if forms else constant(1)
            case "min" | "max":
                return self._extreme(op, forms)
            case "argmax":
                total = constant(0)
                for k, form in enumerate(forms):
                    earlier = [self._comparison(">", form, other) for other in forms[:k]]
                    later = [self._comparison(">=", form, other) for other in forms[k + 1 :]]
                    total = total + self.circuit.conjunction([*earlier, *later]).scaled(at[k])
                return total
        raise _beyond(expr)


def _entry(table: Constant, position: tuple[int, ...]) -> Number:
    exact = Fraction(table.values[position].item() if table.values.dtype != object else table.values[position])
    return exact.numerator if exact.denominator == 1 else exact


def _beyond(expr: Expr) -> CompileError:
    return fail("N305", f"threshold units do not compute {print_expression(expr)}", location=expr.location)
