"""Let a clause define the elements next to it as well, with a pad for what it reads outside.

Before::

    carry[0] = x[0, 0] and x[1, 0]
    carry[1 <= t < 8] = carry[t - 1] + x[0, t] + x[1, t] >= 2

After::

    carry[t < 8] = pad(carry, 0)[t - 1] + x[0, t] + x[1, t] >= 2

The clause of the element before the first one, or after the last, is dropped when the other clause has there, with 0 or
1 for what it reads outside of a tensor, the same text after folding, or the same table over at most four bits. Elements
at constant positions are written out for this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.ir.affine import simplify
from ddcompile.ir.nodes import Binder, Binding, Constant, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import postorder, rename_indices, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.collapse_cones import least, unrolled
from ddcompile.passes.fold import folded
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Widen"]

_BITS = 4


@dataclass(frozen=True, slots=True)
class Widen(Pass):
    """Let a clause define the elements next to it as well, with a pad for what it reads outside."""

    name: ClassVar[str] = "widen"
    depth: int = option(4, "how many levels of elements are written out", high=64)
    terms: int = option(16, "how many terms a sum may have that is written out", high=1024)
    size: int = option(200, "the largest cost of a clause", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        old = rule
        found: Rule | None = rule
        while found is not None:
            rule = found
            found = _shorter(rule, self)
        return unchanged(old) if rule is old else Rewrite(rule)


def _shorter(rule: Rule, options: Widen) -> Rule | None:
    """The program with a clause left out that another one covers; None if there is none."""
    clauses: dict[str, list[int]] = {}
    for number, statement in enumerate(rule.statements):
        clauses.setdefault(statement.target, []).append(number)
    types: Types | None = None
    for numbers in clauses.values():
        for number in numbers if len(numbers) > 1 else ():
            for other in numbers:
                single, run = rule.statements[number], rule.statements[other]
                place = _beside(single, run)
                if place is None or max(cost(single), cost(run)) > options.size:
                    continue
                types = types or infer(rule)
                for longer in _widened(run, place, types):
                    if cost(longer) >= cost(single) + cost(run):
                        continue
                    if not _Equal(rule, types, options).at(single, longer, place):
                        continue
                    statements = [longer if k == other else s for k, s in enumerate(rule.statements) if k != number]
                    new = with_statements(rule, statements)
                    if not verify(new):
                        return new
    return None


_Place: TypeAlias = tuple[str, int]
"""An index and a value of it."""


def _beside(single: Statement, run: Statement) -> _Place | None:
    """The index of `run` whose range has the position of `single` at an end, all other positions being the same."""
    names = _names(single, run)
    found: list[_Place] = []
    for mine, other in zip(single.positions, run.positions, strict=True):
        match mine, other:
            case Literal(int(place)), Binder(name):
                bounds = box_bounds(other)
                if bounds is None or place not in (bounds[0] - 1, bounds[1]):
                    return None
                found.append((name, place))
            case Binder(_, low, high), Binder(_, other_low, other_high):
                if rename_indices(low, names) != other_low or rename_indices(high, names) != other_high:
                    return None
            case Expr(), Expr() if mine == other:
                pass
            case _:
                return None
    return found[0] if len(found) == 1 else None


def _names(single: Statement, run: Statement) -> dict[str, str]:
    pairs = zip(single.positions, run.positions, strict=True)
    return {a.name: b.name for a, b in pairs if isinstance(a, Binder) and isinstance(b, Binder)}


def _widened(run: Statement, place: _Place, types: Types) -> Iterator[Statement]:
    """The clause with one more element, for every pad; without one if it reads nothing outside there."""
    name, value = place
    positions: list[Binder | Expr] = []
    for p in run.positions:
        if isinstance(p, Binder) and p.name == name:
            low, high = box_bounds(p) or (value, value + 1)
            p = Binder(name, Literal(min(low, value)), Literal(max(high, value + 1)))
        positions.append(p)
    for pad in (0, 1):
        padded = 0

        def step(node: Expr, pad: int = pad) -> Expr:
            nonlocal padded
            there = substitute(node, {name: Literal(value)}) if isinstance(node, Read) and node.pad is None else node
            if isinstance(node, Read) and node.pad is None and _is_outside(there, types):
                padded += 1
                return Read(node.tensor, node.positions, Literal(pad), location=node.location)
            return node

        yield Statement(run.target, tuple(positions), rewrite(run.value, step), location=run.location)
        if not padded:
            return


def _is_outside(node: Expr, types: Types) -> bool:
    """Whether a read is visibly outside of its tensor."""
    if not isinstance(node, Read):
        return False
    places = zip((simplify(p) for p in node.positions), types.shape[node.tensor], strict=True)
    return any(isinstance(p, Literal) and not 0 <= p.value < extent for p, extent in places)


class _Equal:
    """Compares clauses with elements of the program written out."""

    def __init__(self, rule: Rule, types: Types, options: Widen) -> None:
        self.types, self.options = types, options
        self.tables: dict[str, Constant] = {c.name: c for c in rule.constants}
        self.clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            self.clauses.setdefault(statement.target, []).append(statement)

    def at(self, single: Statement, longer: Statement, place: _Place) -> bool:
        """Whether a clause agrees with another one at a value of its index."""
        index, value = place
        used = {n.name for n in postorder(single.value) if isinstance(n, Index)} | {b.name for b in single.binders}
        used |= {b.name for n in postorder(single.value) if isinstance(n, Binding) for b in n.binders}
        names = {old: new for old, new in _names(single, longer).items() if old != new}
        if used & {index, *names.values()}:
            return False
        ours = self._settled(rename_indices(single.value, names))
        theirs = self._settled(substitute(longer.value, {index: Literal(value)}))
        for _ in range(self.options.depth):
            pair = [self._folded(longer, side) for side in (ours, theirs)]
            tables = [least(side, self.types, 1 << 30, _BITS) for side in pair]
            if pair[0] == pair[1] or (tables[0] is not None and tables[0] == tables[1]):
                return True
            ours, theirs = self._deeper(ours), self._deeper(theirs)
            if max(cost(ours), cost(theirs)) > self.options.size:
                return False
        return False

    def _settled(self, value: Expr) -> Expr:
        """The value without pads of reads at constant positions: the pad, or the element."""

        def step(node: Expr) -> Expr:
            if not isinstance(node, Read) or node.pad is None:
                return node
            if _is_outside(node, self.types):
                return node.pad
            places = tuple(simplify(p) for p in node.positions)
            return Read(node.tensor, places) if all(isinstance(p, Literal) for p in places) else node

        return rewrite(value, step)

    def _folded(self, statement: Statement, value: Expr) -> Expr:
        return folded(statement, unrolled(value, self.options.terms), self.tables, self.types)

    def _deeper(self, value: Expr) -> Expr:
        """The value with elements at constant positions written out."""

        def step(node: Expr) -> Expr:
            if not isinstance(node, Read) or node.pad is not None:
                return node
            places = [simplify(p) for p in node.positions]
            if not all(isinstance(p, Literal) for p in places):
                return node
            for clause in self.clauses.get(node.tensor, ()):
                values = _placed(clause, places)
                if values is not None and self.types.tensor[node.tensor].kind != "real":
                    return self._settled(substitute(clause.value, values))
            return node

        return rewrite(unrolled(value, self.options.terms), step)


def _placed(clause: Statement, places: list[Expr]) -> dict[str, Expr] | None:
    """The indices of a clause at a position; None if it does not define it."""
    values: dict[str, Expr] = {}
    for position, place in zip(clause.positions, places, strict=True):
        assert isinstance(place, Literal)
        if not isinstance(position, Binder):
            if position != place:
                return None
            continue
        bounds = box_bounds(position)
        if bounds is None or not bounds[0] <= place.value < bounds[1]:
            return None
        values[position.name] = place
    return values
