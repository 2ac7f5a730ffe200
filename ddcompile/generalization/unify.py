"""Anti-unification: what several expressions have in common, with holes where their numbers differ.

Two ways are tried. The plain one takes expressions as they are written. The loose one also finds operands that commute
in another order, comparisons written from the other side or with the other strictness, factors of 1 and constants of 0
that are not written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ddcompile.generalization.comparisons import aligned
from ddcompile.generalization.fit import Rounding
from ddcompile.generalization.holes import Hole, Holes, Place, Role, Unlike
from ddcompile.generalization.signatures import Levels, Signatures, flat_terms
from ddcompile.ir.builder import add, mul, sub
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Binding,
    Call,
    Compare,
    CompareOp,
    Expr,
    Index,
    Literal,
    Number,
    Read,
    Reduce,
    Softmax,
    Unary,
)
from ddcompile.ir.printer import describe
from ddcompile.ir.traverse import chain_operands, children, with_children

__all__ = ["Context", "Nodes", "Scopes", "Unifier"]

Nodes: TypeAlias = tuple[Expr, ...]
"""The same part of every program."""
Scopes: TypeAlias = tuple[Levels, ...]
"""The indices in scope there, in every program."""
_Factor: TypeAlias = tuple[int, Expr]
"""A sign, and a number or its hole."""
_Make: TypeAlias = Callable[[list[Expr]], Expr]

_ROUNDING: Mapping[CompareOp, tuple[Rounding, Rounding]] = {
    ">=": ("down", "up"),
    ">": ("up", "down"),
    "<=": ("up", "down"),
    "<": ("down", "up"),
}
"""How a number on the left, or on the right, of a comparison may be rounded where the other side is an integer."""


@dataclass(frozen=True, slots=True)
class Context:
    """What numbers do in one part."""

    role: Role
    rounding: Rounding | None = None
    moduli: tuple[Number, ...] = ()

    @property
    def within(self) -> Context:
        """The same for factors and operands."""
        return VALUE if self.role in ("value", "threshold") else STRUCTURE


STRUCTURE = Context("structure")
VALUE = Context("value")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part that is to be made."""

    nodes: Nodes
    scopes: Scopes
    context: Context


@dataclass(frozen=True, slots=True)
class _Join:
    """Makes an expression of the last parts made."""

    count: int
    make: _Make


@dataclass(slots=True)
class Unifier:
    """Makes common expressions of the parts of several programs; the first one gives the names.

    Attributes
    ----------
    signatures, colors
        Of the programs, to tell which operands belong together.
    renames : list of dict
        For every program, what its tensors are called in the first one.
    holes : Holes
        Grows.
    is_loose : bool
        Whether operands may commute, and so on.
    place : int
        The statement at hand.
    """

    signatures: Signatures
    colors: list[dict[str, int]]
    renames: list[dict[str, str]]
    holes: Holes
    is_loose: bool
    place: Place = -1

    def expression(self, nodes: Nodes, scopes: Scopes, context: Context) -> Expr:
        """The common expression.

        Raises
        ------
        Unlike
            If the expressions differ in more than numbers.
        """
        done: list[Expr] = []
        tasks: list[_Part | _Join] = [_Part(nodes, scopes, context)]
        while tasks:
            task = tasks.pop()
            if isinstance(task, _Join):
                kids = done[len(done) - task.count :]
                del done[len(done) - task.count :]
                done.append(task.make(kids))
                continue
            parts, make = self._step(task)
            tasks.append(_Join(len(parts), make))
            tasks.extend(reversed(parts))
        return done[0]

    def binders(self, binders: tuple[Binder, ...], scopes: Scopes) -> tuple[Binder, Scopes]:
        """The common range of one index of every program, and the scopes with it."""
        lower = self.expression(tuple(b.lower for b in binders), scopes, STRUCTURE)
        upper = self.expression(tuple(b.upper for b in binders), scopes, STRUCTURE)
        return Binder(binders[0].name, lower, upper), _with_binders(binders, scopes)

    def _step(self, part: _Part) -> tuple[list[_Part], _Make]:
        """The parts of a part, and how the whole is made of them."""
        nodes, scopes, context = part.nodes, part.scopes, part.context
        base = nodes[0]
        if all(isinstance(node, Literal) for node in nodes):
            number = self._number([n.value for n in nodes if isinstance(n, Literal)], context)
            return [], lambda _: number
        if self.is_loose and any(_is_sum(node) for node in nodes):
            return self._sum(part)
        if any(_head(node) != _head(base) for node in nodes) and not (
            self.is_loose and all(isinstance(node, Compare) and len(node.ops) == 1 for node in nodes)
        ):
            raise _unlike(nodes)
        match base:
            case Index():
                levels = {scope.get(n.name) for n, scope in zip(nodes, scopes, strict=True) if isinstance(n, Index)}
                if len(levels) > 1:
                    raise _unlike(nodes)
                return [], lambda _: base
            case Read():
                return self._read(part)
            case Compare():
                return self._compare(part)
            case Binary("%"):
                return self._modulo(part)
            case Binary("+" | "-") | Unary("-"):
                kept = context if context.role == "offset" else context.within
                return self._children(part, kept)
            case Binary("and" | "or" | "xor" as op) if self.is_loose:
                operands = [chain_operands(op, node) for node in nodes]
                return self._matched(part, operands), lambda kids: _chain(op, kids)
            case Call() if self.is_loose:
                operands = [list(children(node)) for node in nodes]
                return self._matched(part, operands), lambda kids: with_children(base, tuple(kids))
            case Reduce() | Softmax():
                return self._binding(part)
        return self._children(part, context.within)

    def _number(self, values: Sequence[Number], context: Context) -> Expr:
        return self.holes.number(Hole(tuple(values), context.role, context.rounding, context.moduli), self.place)

    def _signed(self, values: Sequence[int], context: Context) -> _Factor:
        """A factor, or what is added; subtracted if it is nowhere positive."""
        is_negative = max(values) <= 0 and context.rounding is None
        sign = -1 if is_negative else 1
        return sign, self._number([sign * v for v in values], context)

    def _children(self, part: _Part, context: Context) -> tuple[list[_Part], _Make]:
        base = part.nodes[0]
        columns = zip(*(children(node) for node in part.nodes), strict=True)
        parts = [_Part(column, part.scopes, context) for column in columns]
        return parts, lambda kids: with_children(base, tuple(kids))

    def _read(self, part: _Part) -> tuple[list[_Part], _Make]:
        base = part.nodes[0]
        assert isinstance(base, Read)
        for names, node in zip(self.renames, part.nodes, strict=True):
            if isinstance(node, Read) and names.get(node.tensor) != base.tensor:
                raise _unlike(part.nodes)
        columns = list(zip(*(children(node) for node in part.nodes), strict=True))
        padded = 0 if base.pad is None else 1
        parts = [_Part(column, part.scopes, VALUE if k < padded else STRUCTURE) for k, column in enumerate(columns)]
        return parts, lambda kids: with_children(base, tuple(kids))

    def _modulo(self, part: _Part) -> tuple[list[_Part], _Make]:
        """Below a modulus that differs, numbers that are added count modulo it only."""
        base = part.nodes[0]
        lefts, moduli = zip(*(children(node) for node in part.nodes), strict=True)
        values = tuple(m.value for m in moduli if isinstance(m, Literal))
        within = part.context.within
        context = Context("offset", moduli=values) if len(set(values)) > 1 and len(values) == len(moduli) else within
        parts = [_Part(lefts, part.scopes, context), _Part(moduli, part.scopes, STRUCTURE)]
        return parts, lambda kids: with_children(base, tuple(kids))

    def _compare(self, part: _Part) -> tuple[list[_Part], _Make]:
        base = part.nodes[0]
        assert isinstance(base, Compare)
        if self.is_loose and len(base.ops) == 1:
            return self._loose_compare(part, base)
        columns = list(zip(*(children(node) for node in part.nodes), strict=True))
        parts = []
        for k, column in enumerate(columns):
            is_number = all(isinstance(node, Literal) for node in column)
            op, side = (base.ops[k], 0) if k == 0 else (base.ops[k - 1], 1)
            parts.append(_Part(column, part.scopes, self._threshold(op, side) if is_number else VALUE))
        return parts, lambda kids: with_children(base, tuple(kids))

    def _threshold(self, op: CompareOp, side: int) -> Context:
        return Context("threshold", _ROUNDING[op][side]) if op in _ROUNDING else VALUE

    def _loose_compare(self, part: _Part, base: Compare) -> tuple[list[_Part], _Make]:
        """One comparison: the terms of both sides together, each on the side where the first program has it."""
        op = base.ops[0]
        found = [aligned(node, op) for node in part.nodes if isinstance(node, Compare)]
        terms = [sides.terms for sides in found]
        order = self._order(part, [[node for _, node in each] for each in terms])
        parts, factors, lefts = [], [], []
        for k, (factor, _) in enumerate(terms[0]):
            chosen = [each[row[k]] for each, row in zip(terms, order, strict=True)]
            parts.append(_Part(tuple(node for _, node in chosen), part.scopes, VALUE))
            lefts.append(k < found[0].left)
            sign = 1 if lefts[-1] else -1
            factors.append(self._signed([sign * f for f, _ in chosen], VALUE))
            assert factor, "terms have factors"
        side = 1 if any(lefts) or not lefts else 0
        is_alone = lefts.count(side == 0) == 0
        sign = 1 if side else -1
        context = self._threshold(op, side) if is_alone else VALUE
        constant = self._signed([sign * s.constant for s in found], context)

        def make(kids: list[Expr]) -> Expr:
            sides = [_sum_of(factors, kids, [is_left == (k == 0) for is_left in lefts]) for k in (0, 1)]
            sides[side] = _plus(sides[side], constant, Literal(1))
            return Compare((op,), (sides[0], sides[1]))

        return parts, make

    def _sum(self, part: _Part) -> tuple[list[_Part], _Make]:
        flat = [flat_terms(node) for node in part.nodes]
        terms = [found for found, _ in flat]
        order = self._order(part, [[node for _, node in each] for each in terms])
        within = part.context.within
        parts, factors = [], []
        for k in range(len(terms[0])):
            chosen = [each[row[k]] for each, row in zip(terms, order, strict=True)]
            parts.append(_Part(tuple(node for _, node in chosen), part.scopes, within))
            factors.append(self._signed([factor for factor, _ in chosen], within))
        context = part.context if part.context.role == "offset" or not parts else within
        constant = self._signed([value for _, value in flat], context)
        return parts, lambda kids: _plus(_sum_of(factors, kids, [True] * len(kids)), constant, Literal(1))

    def _matched(self, part: _Part, operands: list[list[Expr]]) -> list[_Part]:
        order = self._order(part, operands)
        rows = [[each[k] for k in row] for each, row in zip(operands, order, strict=True)]
        return [_Part(column, part.scopes, part.context.within) for column in zip(*rows, strict=True)]

    def _order(self, part: _Part, operands: list[list[Expr]]) -> list[list[int]]:
        """For every program, which operand is the first, second, ... of the first program, by their signatures."""
        if len({len(each) for each in operands}) > 1:
            raise _unlike(part.nodes)
        marks = [
            [self.signatures.of(node, scope, colors) for node in each]
            for each, scope, colors in zip(operands, part.scopes, self.colors, strict=True)
        ]
        order = []
        for own in marks:
            places: dict[int, list[int]] = {}
            for place in reversed(range(len(own))):
                places.setdefault(own[place], []).append(place)
            if any(mark not in places for mark in marks[0]) or sorted(own) != sorted(marks[0]):
                raise _unlike(part.nodes)
            order.append([places[mark].pop() for mark in marks[0]])
        return order

    def _binding(self, part: _Part) -> tuple[list[_Part], _Make]:
        base = part.nodes[0]
        nodes = [node for node in part.nodes if isinstance(node, Binding)]
        scopes = part.scopes
        parts: list[_Part] = []
        for binders in zip(*(node.binders for node in nodes), strict=True):
            parts.append(_Part(tuple(b.lower for b in binders), scopes, STRUCTURE))
            parts.append(_Part(tuple(b.upper for b in binders), scopes, STRUCTURE))
            scopes = _with_binders(binders, scopes)
        columns = list(zip(*(children(node)[len(parts) :] for node in nodes), strict=True))
        context = part.context.within
        parts.append(_Part(columns[0], scopes, context))
        parts += [_Part(column, part.scopes, STRUCTURE) for column in columns[1:]]
        return parts, lambda kids: with_children(base, tuple(kids))


def _with_binders(binders: tuple[Binder, ...], scopes: Scopes) -> Scopes:
    return tuple({**scope, b.name: len(scope)} for b, scope in zip(binders, scopes, strict=True))


def _is_sum(node: Expr) -> bool:
    match node:
        case Binary("+" | "-") | Unary("-") | Binary("*", Literal(int())):
            return True
    return False


def _head(node: Expr) -> tuple[object, ...]:
    """What must be equal in all programs."""
    match node:
        case Read(_, positions, pad):
            return "read", len(positions), pad is None
        case Binary(op) | Unary(op):
            return type(node).__name__, op
        case Compare(ops, _):
            return ("compare", *ops)
        case Call(function, arguments):
            return function, len(arguments)
        case Reduce(op, binders, _):
            return "reduce", op, len(binders)
    return (type(node).__name__,)


def _unlike(nodes: Nodes) -> Unlike:
    texts = list(dict.fromkeys(describe(node, 60) for node in nodes))
    return Unlike(" against ".join(f"`{text}`" for text in texts[:3]))


def _chain(op: str, operands: list[Expr]) -> Expr:
    result = operands[0]
    for operand in operands[1:]:
        match op:
            case "and" | "or" | "xor":
                result = Binary(op, result, operand)
    return result


def _sum_of(factors: list[_Factor], terms: list[Expr], chosen: list[bool]) -> Expr:
    """The sum of the chosen terms, each with its factor."""
    result: Expr = Literal(0)
    for factor, term, is_chosen in zip(factors, terms, chosen, strict=True):
        if is_chosen:
            result = _plus(result, factor, term)
    return result


def _plus(total: Expr, factor: _Factor, term: Expr) -> Expr:
    sign, number = factor
    return add(total, mul(number, term)) if sign > 0 else sub(total, mul(number, term))
