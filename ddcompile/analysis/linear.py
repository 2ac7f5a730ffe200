"""Exact linear forms of tensor elements: the atoms, and the summands of an expression over them.

All arithmetic is on integers: a dyadic rational form is scaled by a power of two, which thresholds do not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from ddcompile.analysis.exact import LIMIT, Exact, bound, exact_integers, objects, plus, times
from ddcompile.ir.nodes import Binary, Binder, Expr, Index, Literal, Read, Reduce, Rule, Statement, Unary
from ddcompile.ir.traverse import postorder
from ddcompile.ir.types import Types

__all__ = ["Atoms", "NotLinear", "Reader", "box_bounds", "is_integral"]

_MAX_AXES = 28


class Atoms:
    """Numbers the elements of inputs and statement tensors, tensor after tensor, row-major inside each."""

    def __init__(self, shape: dict[str, tuple[int, ...]]) -> None:
        self.names = tuple(shape)
        self.shape = shape
        self.offset: dict[str, int] = {}
        total = 0
        for name in self.names:
            self.offset[name] = total
            total += prod(self.shape[name])
        self.count = total
        self._starts = np.array([self.offset[n] for n in self.names], dtype=np.int64)

    @classmethod
    def of_rule(cls, rule: Rule, types: Types) -> Atoms:
        """The atoms of a rule: inputs, then statement tensors in the order of the text."""
        names = dict.fromkeys([*(d.name for d in rule.inputs), *(s.target for s in rule.statements)])
        return cls({name: types.shape[name] for name in names})

    def tensor_of(self, atoms: np.ndarray) -> np.ndarray:
        """The position in `names` of each atom's tensor."""
        return np.searchsorted(self._starts, atoms, side="right") - 1

    def name_of(self, atom: int) -> str:
        """The tensor of an atom."""
        return self.names[int(np.searchsorted(self._starts, atom, side="right")) - 1]

    def place_of(self, atom: int) -> tuple[str, tuple[int, ...]]:
        """The tensor of an atom, and its place there."""
        name = self.name_of(atom)
        shape = self.shape[name]
        return name, tuple(map(int, np.unravel_index(atom - self.offset[name], shape))) if shape else ()

    def tensors_of(self, atoms: np.ndarray) -> list[int]:
        """The positions in `names` of the tensors of some ascending atoms."""
        if not len(atoms):
            return []
        first, last = self.tensor_of(atoms[[0, -1]]).tolist()
        return [first] if first == last else np.unique(self.tensor_of(atoms)).tolist()

    def split(self, parts: Mapping[str, Sequence[tuple[str, tuple[int, ...], np.ndarray]]]) -> tuple[Atoms, np.ndarray]:
        """The atoms with tensors in parts, each by name, shape and places in the old one; and where each atom went."""
        pieces: list[tuple[str, tuple[int, ...], np.ndarray]] = []
        for name in self.names:
            span = np.arange(self.count)[self.slice(name)]
            whole = [(name, self.shape[name], np.arange(len(span)))]
            pieces += [(part, shape, span[chosen]) for part, shape, chosen in parts.get(name, whole)]
        target = Atoms({name: shape for name, shape, _ in pieces})
        moved = np.zeros(self.count, dtype=np.int64)
        for name, _, old in pieces:
            moved[old] = np.arange(len(old)) + target.offset[name]
        return target, moved

    def slice(self, name: str) -> slice:
        """The range of atoms of one tensor."""
        start = self.offset[name]
        return slice(start, start + prod(self.shape[name]))


def is_integral(types: Types, tensor: str) -> bool:
    """Whether a tensor's elements are integers."""
    return types.tensor[tensor].is_integral


def box_bounds(binder: Binder) -> tuple[int, int] | None:
    """The bounds of a binder with literal bounds, else None."""
    match binder:
        case Binder(_, Literal(int() as low), Literal(int() as high)):
            return low, high
    return None


class NotLinear(Exception):
    """The expression is outside what this analysis reads."""


class Reader:
    """Reads one statement: the axes in scope and the tables of the rule."""

    def __init__(self, rule: Rule, types: Types, atoms: Atoms, statement: Statement) -> None:
        self.atoms = atoms
        self.constants = {c.name: c for c in rule.constants}
        self.ranges: dict[str, tuple[int, int]] = {}
        self.axis: dict[str, int] = {}
        for binder in statement.binders:
            self.bind(binder)
        self.domain_axes = len(self.axis)
        self.starts: dict[str, np.ndarray] = {}
        self.inside: dict[str, np.ndarray] = {}
        summed = [b for node in postorder(statement.value) if isinstance(node, Reduce) for b in node.binders]
        moving = [b for b in summed if any(isinstance(n, Read) for e in (b.lower, b.upper) for n in postorder(e))]
        for binder in summed:
            if binder in moving:
                self.axis.setdefault(binder.name, len(self.axis))
            else:
                self.bind(binder)
        for binder in dict.fromkeys(moving):
            self.follow(binder)

    def bind(self, binder: Binder) -> None:
        """Let an index run over its literal range."""
        bounds = box_bounds(binder)
        if bounds is None or self.ranges.get(binder.name, bounds) != bounds or bounds[1] < bounds[0]:
            raise NotLinear
        self.ranges[binder.name] = bounds
        self.axis.setdefault(binder.name, len(self.axis))
        if len(self.axis) > _MAX_AXES:
            raise NotLinear

    def follow(self, binder: Binder) -> None:
        """Let an index run between entries of tables: over the longest of these ranges, and inside its own."""
        ends = [self.constant(end) for end in (binder.lower, binder.upper)]
        low, high = (np.zeros(0) if e is None or e.exponent else e.values for e in ends)
        if binder.name in self.ranges or not low.dtype == high.dtype == np.int64:
            raise NotLinear
        counts = high - low
        self.ranges[binder.name] = 0, max(int(counts.max()), 0)
        steps = self.index(binder.name)
        self.inside[binder.name] = (steps < counts).astype(np.int64)
        # Outside, any place of some range does.
        reached = np.broadcast_to(low, counts.shape)[counts > 0][:1].sum()
        self.starts[binder.name] = np.where(steps < counts, low, reached - steps)

    def full_shape(self, names: Sequence[str]) -> tuple[int, ...]:
        """The extents of some indices on their axes, 1 on the others."""
        shape = [1] * len(self.axis)
        for name in names:
            low, high = self.ranges[name]
            shape[self.axis[name]] = high - low
        return tuple(shape)

    def index(self, name: str) -> np.ndarray:
        """The values of an index along its axis."""
        low, high = self.ranges[name]
        steps = np.arange(low, high, dtype=np.int64).reshape(self.full_shape([name]))
        return steps + self.starts[name] if name in self.starts else steps

    def constant(self, expr: Expr) -> Exact | None:
        """The value of an expression that reads constants and indices only; None when it reads a tensor."""
        stack: list[Exact] = []
        for node in postorder(expr):
            match node:
                case Literal(value):
                    array, exponent = exact_integers(objects([value]))  # type: ignore[list-item]
                    if bound(array) < LIMIT:
                        array = array.astype(np.int64)
                    stack.append(Exact(array.reshape((1,) * len(self.axis)), exponent))
                case Index(name) if name in self.ranges:
                    stack.append(Exact(self.index(name)))
                case Unary("-", _):
                    stack.append(times(Exact(np.full((1,) * len(self.axis), -1)), stack.pop()))
                case Binary("+" | "-" | "*" | "%" as op, _, _):
                    right, left = stack.pop(), stack.pop()
                    if op == "*":
                        stack.append(times(left, right))
                    elif op == "%":
                        if left.exponent or right.exponent or (right.values <= 0).any():
                            raise NotLinear
                        stack.append(Exact(left.values % right.values))
                    else:
                        stack.append(plus(left, right, 1 if op == "+" else -1))
                case Read(name, positions, None) if name in self.constants:
                    places = stack[len(stack) - len(positions) :]
                    del stack[len(stack) - len(positions) :]
                    table, exponent = exact_integers(self.constants[name].values)
                    if positions:
                        table = table[tuple(self.in_range(p, n) for p, n in zip(places, table.shape, strict=True))]
                    else:
                        table = table.reshape((1,) * len(self.axis))
                    stack.append(Exact(table, exponent))
                case Read():
                    return None
                case _:
                    raise NotLinear
        return stack[0]

    @staticmethod
    def in_range(place: Exact, extent: int) -> np.ndarray:
        """Positions as words, all inside an extent."""
        values = place.values
        if place.exponent or values.dtype == object or (values < 0).any() or (values >= extent).any():
            raise NotLinear
        return values

    def terms(self, expr: Expr) -> list[tuple[Exact, np.ndarray | None]]:
        """The summands of a linear expression: a coefficient, and the atoms it multiplies or None."""
        one = Exact(np.ones((1,) * len(self.axis), dtype=np.int64))
        work: list[tuple[Expr, Exact, frozenset[str]]] = [(expr, one, frozenset())]
        found: list[tuple[Exact, np.ndarray | None]] = []
        while work:
            node, factor, summed = work.pop()
            match node:
                case Binary("+", left, right):
                    work += [(right, factor, summed), (left, factor, summed)]
                    continue
                case Binary("-", left, right):
                    minus = Exact(-factor.values, factor.exponent)
                    work += [(right, minus, summed), (left, factor, summed)]
                    continue
                case Unary("-", operand):
                    work.append((operand, Exact(-factor.values, factor.exponent), summed))
                    continue
                case Reduce("sum", binders, body):
                    for inside in (self.inside[b.name] for b in binders if b.name in self.inside):
                        factor = times(factor, Exact(inside))
                    work.append((body, factor, summed | {b.name for b in binders}))
                    continue
                case Read(name, positions, pad) if name not in self.constants:
                    found += self.read(name, positions, pad, factor, summed)
                    continue
            value = self.constant(node)
            if value is not None:
                found.append((self.spread(times(factor, value), None, summed), None))
                continue
            match node:
                case Binary("*", left, right):
                    a = self.constant(left)
                    b = self.constant(right) if a is None else None
                    if a is not None:
                        work.append((right, times(factor, a), summed))
                    elif b is not None:
                        work.append((left, times(factor, b), summed))
                    else:
                        raise NotLinear
                case _:
                    raise NotLinear
        return found

    def read(
        self, name: str, positions: tuple[Expr, ...], pad: Expr | None, factor: Exact, summed: frozenset[str]
    ) -> list[tuple[Exact, np.ndarray | None]]:
        """The summands of a read with a factor: the elements inside, and what pads the others."""
        shape = self.atoms.shape[name]
        atom = np.zeros((1,) * len(self.axis), dtype=np.int64)
        inside = np.ones((1,) * len(self.axis), dtype=bool)
        for position, extent in zip(positions, shape, strict=True):
            place = self.constant(position)
            if place is None or place.exponent or place.values.dtype == object:
                raise NotLinear
            inside = inside & (place.values >= 0) & (place.values < extent)
            atom = atom * extent + place.values
        found: list[tuple[Exact, np.ndarray | None]] = []
        if not inside.all():
            fill = None if pad is None else self.constant(pad)
            if fill is None:
                raise NotLinear
            outside = times(times(factor, fill), Exact((~inside).astype(np.int64)))
            found.append((self.spread(outside, None, summed), None))
            factor = times(factor, Exact(inside.astype(np.int64)))
            atom = np.where(inside, atom, 0)
        atom = atom + self.atoms.offset[name]
        found.append((self.spread(factor, atom, summed), atom))
        return found

    def spread(self, factor: Exact, atom: np.ndarray | None, summed: frozenset[str]) -> Exact:
        """Multiply by the trip counts of reductions that neither the coefficient nor the atom depends on."""
        count = 1
        for name in summed:
            axis = self.axis[name]
            if factor.values.shape[axis] == 1 and (atom is None or atom.shape[axis] == 1):
                low, high = self.ranges[name]
                count *= high - low
        if count == 1:
            return factor
        return times(factor, Exact(np.full((1,) * len(self.axis), count, dtype=np.int64)))
