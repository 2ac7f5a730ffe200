"""A rule as gates: every statement at all its points at once, recurrences one step after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from ddcompile.ir.nodes import Binary, Call, Compare, Expr, If, Index, Literal, Read, Reduce, Statement, Unary
from ddcompile.ir.points import ONE_POINT, Points, expand, flat_index, static_value
from ddcompile.ir.schedule import constant_tables
from ddcompile.ir.scopes import own_position
from ddcompile.ir.traverse import children, postorder
from ddcompile.ir.types import Types, ValueType
from ddcompile.kernel.tables.nets import MOST, Literals, Net, TooLarge
from ddcompile.kernel.tables.numbers import Arithmetic, Numbers, constants, of_bits

__all__ = ["Gates", "TooMany", "Unsuited", "is_irregular", "translate"]

_POINTS = 1 << 23
"""Points of a statement with those of its reductions, at most."""
_EACH = 16
"""Points for a gate that is allowed: sums over many more are not even begun, though most of their terms may be 0."""
_STEPS = 1 << 14
"""Steps of all recurrences."""
_DEPTH = 100
"""How deep expressions may nest."""
_ENTRIES = 10
"""Digits of a position that depends on the sample, at most."""
_BITS = 56
"""Bits of a number, at most: with these, constants and digits stay in 64 bits."""


class Unsuited(Exception):
    """What keeps a rule from the schedule, in words."""


class TooMany(Unsuited):
    """There would be more gates than are allowed."""


@dataclass(frozen=True, slots=True)
class Gates:
    """A rule as gates.

    Attributes
    ----------
    net
        The gates. Its inputs are the elements of the rule's inputs, in order.
    results
        The elements of every result.
    """

    net: Net
    results: Mapping[str, Numbers]


def is_irregular(types: Types) -> bool:
    """Whether a rule reads elements of its tensors at places that tables of constants give."""
    tables = constant_tables(types.rule)
    return any(
        isinstance(inner, Read)
        for statement in types.rule.statements
        for node in postorder(statement.value)
        if isinstance(node, Read) and node.tensor not in tables
        for position in node.positions
        for inner in postorder(position)
    )


def translate(types: Types, most: int = MOST) -> Gates:
    """The gates of a rule without sizes, if there are not more than `most`.

    Raises
    ------
    Unsuited
        If it computes with other numbers than integers, if which elements it reads depends on the sample in too many
        ways, or if it would have too many gates.
    """
    rule = types.rule
    for declaration in rule.inputs:
        if declaration.type.kind != "bit":
            raise Unsuited(f"`{declaration.name}` is no tensor of bits")
    for name, found in types.tensor.items():
        if not _is_short(found):
            raise Unsuited(f"`{name}` is no tensor of integers of {_BITS} bits")
    if not sum(prod(types.shape[d.name]) for d in rule.inputs):
        raise Unsuited("it has no inputs")
    try:
        translator = _Translator(types, most)
        translator.run()
    except TooLarge:
        raise TooMany("it has too many gates") from None
    return Gates(translator.net, {d.name: translator.tensors[d.name] for d in rule.outputs})


class _Translator:
    def __init__(self, types: Types, most: int) -> None:
        self.types = types
        self.points = min(_POINTS, _EACH * most)
        self.tables = constant_tables(types.rule)
        self.tensors: dict[str, Numbers] = {}
        self.steps = 0
        sizes = [prod(types.shape[d.name]) for d in types.rule.inputs]
        self.net = Net(sum(sizes), most)
        self.arithmetic = Arithmetic(self.net)
        start = 1
        for declaration, size in zip(types.rule.inputs, sizes, strict=True):
            self.tensors[declaration.name] = of_bits(2 * np.arange(start, start + size, dtype=np.int64))
            start += size
        self._static = _static_nodes(types.rule.statements, self.tables)

    def run(self) -> None:
        """Translate all statements."""
        statements = self.types.rule.statements
        for name in self.types.inferred:
            self.tensors[name] = constants(np.zeros(prod(self.types.shape[name]), dtype=np.int64))
        for position, group in enumerate(self.types.order):
            steps = self.types.recurrences.get(position)
            domains = [self._domain(statements[number]) for number in group]
            if steps is None:
                for domain in domains:
                    self._define(domain.statement, domain.points, domain.where)
            else:
                for domain, which in self._ordered(domains, steps.depth):
                    self._define(domain.statement, domain.points.select(which), domain.where[which])

    def _domain(self, statement: Statement) -> _Domain:
        found = expand(ONE_POINT, statement.binders, self.tables, self.points)
        if found is None:
            raise Unsuited(f"`{statement.target}` has too many elements")
        points = found[0]
        shape = self.types.shape[statement.target]
        columns = np.zeros((points.count, len(shape)), dtype=np.int64)
        where = np.zeros(points.count, dtype=np.int64)
        for axis, (position, extent) in enumerate(zip(statement.positions, shape, strict=True)):
            columns[:, axis] = self._fixed(own_position(position), points)
            where = where * extent + columns[:, axis]
        return _Domain(statement, points, columns, where)

    def _ordered(self, domains: Sequence[_Domain], depth: int) -> Iterator[tuple[_Domain, slice]]:
        """Points with equal leading positions together, in lexicographic order; among them, clauses in text order."""
        slices: dict[tuple[int, ...], list[tuple[_Domain, slice]]] = {}
        for domain in domains:
            prefixes = domain.columns[:, :depth]
            cuts = np.flatnonzero((prefixes[1:] != prefixes[:-1]).any(axis=1)) + 1
            self.steps += len(cuts) + 1
            if self.steps > _STEPS:
                raise Unsuited("its recurrences have too many steps")
            for start, stop in pairwise([0, *cuts.tolist(), len(prefixes)]):
                if start < stop:
                    slices.setdefault(tuple(prefixes[start].tolist()), []).append((domain, slice(start, stop)))
        for key in sorted(slices):
            yield from slices[key]

    def _define(self, statement: Statement, points: Points, where: np.ndarray) -> None:
        if not points.count:
            return
        value = self._value(statement.value, points)
        if self.types.tensor[statement.target].is_bit:
            value = of_bits(self.arithmetic.as_bits(value))
        old = self.tensors[statement.target]
        more = len(value.planes) - len(old.planes)
        tensor = Numbers(old.low, (*old.planes, *(np.zeros_like(old.low) for _ in range(more))))
        tensor.low[where] = value.low
        for place, plane in enumerate(tensor.planes):
            plane[where] = value.plane(place)
        self.tensors[statement.target] = tensor

    # --- expressions -------------------------------------------------------------------------------------------------

    def _fixed(self, expr: Expr, points: Points) -> np.ndarray:
        """The values of an expression that does not depend on the sample."""
        found = static_value(expr, points, self.tables)
        if found is None or found.dtype == object:
            raise Unsuited("its numbers are too large")
        return np.broadcast_to(found, points.count)

    def _value(self, expr: Expr, points: Points, depth: int = 0) -> Numbers:
        """The values of an expression at some points."""
        if depth > _DEPTH:
            raise Unsuited("an expression is nested too deeply")
        range_ = self.types.of(expr)
        if range_.high is None or not _is_short(range_):
            raise Unsuited(f"it computes with other numbers than integers of {_BITS} bits")
        if id(expr) in self._static:
            return constants(self._fixed(expr, points))
        found = self._node(expr, points, depth + 1)
        if range_.is_bit and (len(found.planes) != 1 or found.low.any()):
            return of_bits(self.arithmetic.as_bits(found))
        needed = max(0, range_.high - int(found.low.min(initial=range_.high))).bit_length()
        return Numbers(found.low, found.planes[:needed])

    def _bits(self, expr: Expr, points: Points, depth: int) -> Literals:
        return self.arithmetic.as_bits(self._value(expr, points, depth))

    def _node(self, expr: Expr, points: Points, depth: int) -> Numbers:
        arithmetic = self.arithmetic
        match expr:
            case Read():
                return self._read(expr, points, depth)
            case Unary(op, operand):
                return self._unary(op, self._value(operand, points, depth), self.types.of(expr).kind == "spin")
            case Binary("and" | "or" | "xor" as op, left, right):
                a, b = self._bits(left, points, depth), self._bits(right, points, depth)
                if op == "xor":
                    return of_bits(self.net.difference(a, b))
                return of_bits(self.net.conjunction(a, b) if op == "and" else self.net.disjunction(a, b))
            case Binary("%", left, Literal(int() as modulus)) if modulus & (modulus - 1) == 0 and modulus < 1 << _BITS:
                return arithmetic.remainder(self._value(left, points, depth), modulus.bit_length() - 1)
            case Binary("+" | "-" | "*" as op, left, right):
                x, y = self._value(left, points, depth), self._value(right, points, depth)
                if op == "*":
                    return arithmetic.times(x, y)
                return arithmetic.add(x, y if op == "+" else arithmetic.negated(y))
            case Compare(ops, operands):
                values = [self._value(operand, points, depth) for operand in operands]
                found = [arithmetic.compared(op, x, y) for op, (x, y) in zip(ops, pairwise(values), strict=True)]
                return of_bits(found[0] if len(found) == 1 else self.net.conjunction(*found))
            case If(condition, then, otherwise):
                test = self._bits(condition, points, depth)
                first, second = self._value(then, points, depth), self._value(otherwise, points, depth)
                return arithmetic.choice(test, first, second)
            case Call(name, arguments):
                values = [self._value(argument, points, depth) for argument in arguments]
                found_ = values[0]
                for value in values[1:]:
                    test = arithmetic.compared(">=" if name == "max" else "<=", found_, value)
                    found_ = arithmetic.choice(test, found_, value)
                return found_
            case Reduce():
                return self._reduce(expr, points, depth)
            case Binary("%"):
                raise Unsuited("it has remainders of other numbers than powers of two")
        raise Unsuited(f"{type(expr).__name__.lower()} is not for bits")

    def _unary(self, op: str, x: Numbers, is_spin: bool) -> Numbers:
        arithmetic = self.arithmetic
        match op:
            case "not":
                return of_bits(arithmetic.as_bits(x) ^ 1)
            case "-":
                return arithmetic.negated(x)
            case "sign":
                above = arithmetic.is_natural(Numbers(x.low - 1, x.planes))
                if is_spin:
                    return Numbers(np.full_like(x.low, -1), (np.zeros_like(above), above))
                natural = arithmetic.is_natural(x)
                return Numbers(np.full_like(x.low, -1), (self.net.conjunction(natural, above ^ 1), above))
            case "abs":
                return arithmetic.choice(arithmetic.is_natural(x), x, arithmetic.negated(x))
            case "relu":
                return arithmetic.choice(arithmetic.is_natural(x), x, constants(np.zeros_like(x.low)))
        raise Unsuited(f"`{op}` is not for bits")

    def _read(self, expr: Read, points: Points, depth: int) -> Numbers:
        if expr.tensor in self.tables:
            table = self.types.scaled[expr.tensor].reshape(-1)
            tensor, shape = constants(table), self.types.shape[expr.tensor]
        else:
            tensor, shape = self.tensors[expr.tensor], self.types.shape[expr.tensor]
        if any(id(position) not in self._static for position in expr.positions):
            return self._looked_up(expr, tensor, shape, points, depth)
        positions = [self._fixed(position, points) for position in expr.positions]
        if expr.pad is None:
            where = flat_index(positions, shape)
            if where is None:
                raise Unsuited(f"a read of `{expr.tensor}` is outside of it")
            where = np.broadcast_to(where, points.count)
            return tensor.map(lambda a: a[where])
        padding = self._value(expr.pad, points, depth)
        inside = np.ones(points.count, dtype=bool)
        for position, extent in zip(positions, shape, strict=True):
            inside &= (position >= 0) & (position < extent)
        clipped = [np.clip(position, 0, extent - 1) for position, extent in zip(positions, shape, strict=True)]
        where = flat_index(clipped, shape)
        assert where is not None
        found = tensor.map(lambda a: a[where])
        count = max(len(found.planes), len(padding.planes))
        planes = (np.where(inside, found.plane(k), padding.plane(k)) for k in range(count))
        return Numbers(np.where(inside, found.low, padding.low), tuple(planes))

    def _looked_up(self, expr: Read, tensor: Numbers, shape: tuple[int, ...], points: Points, depth: int) -> Numbers:
        """A read at a position that depends on the sample: a choice among all that it may be."""
        place = constants(np.zeros(points.count, dtype=np.int64))
        for position, extent in zip(expr.positions, shape, strict=True):
            extents = constants(np.full(points.count, extent))
            place = self.arithmetic.add(self.arithmetic.times(place, extents), self._value(position, points, depth))
        digits = len(place.planes)
        if expr.pad is not None or digits > _ENTRIES or points.count << digits > self.points:
            raise Unsuited(f"which element of `{expr.tensor}` is read depends on the sample")
        where = np.clip(place.low[:, None] + np.arange(1 << digits), 0, len(tensor.low) - 1)
        return self.arithmetic.looked_up(tensor.map(lambda a: a[where]), place.planes)

    def _reduce(self, expr: Reduce, points: Points, depth: int) -> Numbers:
        found = expand(points, expr.binders, self.tables, self.points)
        if found is None:
            raise TooMany("a reduction has too many terms")
        inner, owner = found
        counts = np.bincount(owner, minlength=points.count)
        most = int(counts.max(initial=0))
        is_even = bool((counts == most).all())
        if points.count * most > self.points:
            raise TooMany("a reduction has too many terms")
        body = self._value(expr.body, inner, depth) if inner.count else constants(np.zeros(0, dtype=np.int64))
        cells = owner * most + np.arange(inner.count) - (np.cumsum(counts) - counts)[owner]

        def rows(values: np.ndarray, fill: int = 0) -> np.ndarray:
            made = np.full(points.count * most, fill, dtype=np.int64)
            made[cells] = values
            return made.reshape(points.count, most)

        arithmetic = self.arithmetic
        match expr.op:
            case "sum":
                return arithmetic.total(body.map(rows))
            case "all":
                return of_bits(arithmetic.every(rows(arithmetic.as_bits(body), 1)))
            case "any":
                return of_bits(arithmetic.every(rows(arithmetic.as_bits(body) ^ 1, 1)) ^ 1)
        if not is_even:
            raise Unsuited(f"`{expr.op}` is of different numbers of terms")
        terms = body.map(rows)
        op = "<=" if expr.op == "min" else ">="
        what = terms
        if expr.op == "argmax":
            what = constants(rows(np.broadcast_to(inner.index[expr.binders[0].name], inner.count)))
        return arithmetic.folded(terms, lambda x, y: arithmetic.compared(op, x, y), what)


@dataclass(frozen=True, slots=True)
class _Domain:
    """All points of a clause, their positions as one column each, and the numbers of the elements."""

    statement: Statement
    points: Points
    columns: np.ndarray
    where: np.ndarray


def _is_short(found: ValueType) -> bool:
    """Whether values are integers of not too many bits."""
    return found.kind != "real" and not found.exponent and found.is_bounded and found.bits <= _BITS


def _static_nodes(statements: Sequence[Statement], tables: Mapping[str, np.ndarray]) -> frozenset[int]:
    """The nodes of expressions that `static_value` gives, by identity."""
    found: set[int] = set()
    for statement in statements:
        for node in postorder(statement.value):
            match node:
                case Literal(int()) | Index():
                    is_static = True
                case Read(tensor, _, None):
                    is_static = tensor in tables and tables[tensor].dtype != np.float64
                case Unary("-", _) | Binary("+" | "-" | "*" | "%", _, _):
                    is_static = True
                case _:
                    is_static = False
            if is_static and all(id(kid) in found for kid in children(node)):
                found.add(id(node))
    return frozenset(found)
