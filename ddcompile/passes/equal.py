"""Whether a clause has at one value of its index what another expression says, elements being written out for this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from ddcompile.analysis.comparisons import integer_terms
from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.scopes import Ranges, index_ranges
from ddcompile.ir.affine import affine_of, simplify
from ddcompile.ir.nodes import Binder, Binding, Constant, Expr, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import free_indices, postorder, reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import Types
from ddcompile.passes.collapse_cones import unrolled
from ddcompile.passes.decided import settled
from ddcompile.passes.extremes import written_sum
from ddcompile.passes.fold import folded
from ddcompile.passes.least import have_same_table
from ddcompile.passes.rewrite import rewrite_sums

__all__ = ["Equal", "renamed"]

_Positions: TypeAlias = "tuple[Binder | Expr, ...]"
"""Those of a clause: they give the ranges of its indices."""


class Equal:
    """Compares clauses with elements of the program written out.

    Parameters
    ----------
    rule, types
        The program.
    depth, terms, size
        How many levels of elements are written out, how many terms a sum may have for this, and the greatest cost.
    """

    def __init__(self, rule: Rule, types: Types, depth: int, terms: int, size: int) -> None:
        self.types, self.depth, self.terms, self.size = types, depth, terms, size
        self.tables: dict[str, Constant] = {c.name: c for c in rule.constants}
        self.clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            self.clauses.setdefault(statement.target, []).append(statement)
        # Candidates are compared with the same clauses, and come to the same values, again and again.
        self._known: dict[tuple[Expr, _Positions], Expr] = {}
        self._reals = Reals(types)
        self._written: dict[tuple[Expr, _Positions], Expr] = {}

    def at(self, single: Statement, longer: Statement, place: tuple[str, int]) -> bool:
        """Whether a clause agrees with another one at a place: a value of one of its indices."""
        index, value = place
        names = {old: new for old, new in renamed(single, longer).items() if old != new}
        ranges = index_ranges(Statement(longer.target, longer.positions, Literal(0)))
        return self._agree(single, names, longer, {index: Literal(value)}, ranges)

    def covers(self, longer: Statement, single: Statement) -> bool:
        """Whether a clause says, at all places of another one, what that says."""
        values: dict[str, Expr] = {}
        positions: list[Binder | Expr] = []
        for mine, other in zip(single.positions, longer.positions, strict=True):
            if isinstance(mine, Binder) and isinstance(other, Binder):
                positions.append(Binder(other.name, mine.lower, mine.upper))
            elif isinstance(mine, Literal) and isinstance(other, Binder):
                values[other.name] = mine
                positions.append(mine)
            elif mine == other:
                positions.append(mine)
            else:
                return False
        here = Statement(longer.target, tuple(positions), longer.value)
        names = {old: new for old, new in renamed(single, longer).items() if old != new}
        return self._agree(single, names, here, values, index_ranges(replace(here, value=Literal(0))))

    def _agree(
        self, single: Statement, names: dict[str, str], longer: Statement, values: dict[str, Expr], ranges: Ranges
    ) -> bool:
        """Whether a clause, under other names, says what another one says at some values of its indices."""
        used = {b.name for n in postorder(single.value) if isinstance(n, Binding) for b in n.binders}
        # Indices of sums that are called like those of the other clause get out of the way.
        taken = {*values, *renamed(single, longer).values()}
        names = names | {n: f"{n}?" for n in used & taken}
        ours = self._settled(rename_indices(single.value, names), ranges)
        theirs = self._settled(substitute(longer.value, values), ranges)
        padded = [n.tensor for n in reads(longer.value) if n.pad is not None]
        over_reals = any(self.types.tensor[n].kind == "real" for n in padded if n in self.types.tensor)
        for _ in range(self.depth):
            ours, theirs = (self._folded(side, longer, ranges) for side in (ours, theirs))
            if over_reals and isinstance(theirs, Literal):
                return False  # the checker does not follow what is done with numbers in the place of reals
            if ours == theirs or have_same_table(ours, theirs, self.types):
                return True
            if max(cost(ours), cost(theirs)) > self.size:
                return False
            ours, theirs = (self._deeper(side, longer, ranges) for side in (ours, theirs))
        return False

    def _settled(self, value: Expr, ranges: Ranges) -> Expr:
        """The value without pads of reads that are visibly inside or outside: the element, or the pad."""

        def step(node: Expr) -> Expr:
            if not isinstance(node, Read) or node.pad is None:
                return node
            if _is_outside(node, self.types):
                return node.pad
            places = tuple(simplify(p) for p in node.positions)
            forms = [affine_of(p) for p in places]
            for form, extent in zip(forms, self.types.shape[node.tensor], strict=True):
                if form is None or not form.names <= ranges.keys():
                    return node
                low, high = form.bounds(ranges)
                if low < 0 or high >= extent:
                    return node
            return Read(node.tensor, places)

        return rewrite(value, step)

    def _folded(self, value: Expr, statement: Statement, ranges: Ranges) -> Expr:
        key = value, statement.positions
        if key not in self._known:
            value = self._settled(unrolled(value, self.terms), ranges)
            value = folded(statement, value, self.tables, self.types)
            value = settled(value, self.types, statement.binders)
            self._known[key] = value if self._reals(value) else rewrite_sums(value, _in_order)
        return self._known[key]

    def _deeper(self, value: Expr, statement: Statement, ranges: Ranges) -> Expr:
        """The value with elements written out that one clause defines, wherever their indices are."""
        key = value, statement.positions
        if key not in self._written:
            self._written[key] = rewrite(unrolled(value, self.terms), lambda node: self._element(node, ranges))
        return self._written[key]

    def _element(self, node: Expr, ranges: Ranges) -> Expr:
        if not isinstance(node, Read) or node.pad is not None:
            return node
        places = [simplify(p) for p in node.positions]
        if not any(isinstance(p, Literal) for p in places or [Literal(0)]):
            return node
        for clause in self.clauses.get(node.tensor, ()):
            values = _placed(clause, places, ranges)
            if values is not None and self.types.tensor[node.tensor].kind != "real":
                return self._settled(substitute(_apart(clause.value, values), values), ranges)
        return node


def _in_order(total: Expr) -> Expr:
    """A sum with its summands in an order that is the same for all sums of these, whatever it is."""
    form = integer_terms(total)
    if form is None:
        return total
    terms, constant = form
    return written_sum(({e: terms[e] for e in sorted(terms, key=hash)}, constant))


def _placed(clause: Statement, places: list[Expr], ranges: Ranges) -> dict[str, Expr] | None:
    """The indices of a clause at a position; None if it does not visibly define it."""
    values: dict[str, Expr] = {}
    for position, place in zip(clause.positions, places, strict=True):
        if not isinstance(position, Binder):
            if position != place:
                return None
            continue
        bounds, form = box_bounds(position), affine_of(place)
        if bounds is None or form is None or not form.names <= ranges.keys():
            return None
        low, high = form.bounds(ranges)
        if not bounds[0] <= low <= high < bounds[1]:
            return None
        values[position.name] = place
    return values


def _apart(value: Expr, values: Mapping[str, Expr]) -> Expr:
    """A value whose own indices are not called like those that are put into it."""
    used = {name for place in values.values() for name in free_indices(place)}
    inner = {b.name for n in postorder(value) if isinstance(n, Binding) for b in n.binders}
    return rename_indices(value, {n: f"{n}?" for n in used & inner}) if used & inner else value


def renamed(single: Statement, run: Statement) -> dict[str, str]:
    """The indices of a clause and those of another one at the same positions."""
    pairs = zip(single.positions, run.positions, strict=True)
    return {a.name: b.name for a, b in pairs if isinstance(a, Binder) and isinstance(b, Binder)}


def _is_outside(node: Expr, types: Types) -> bool:
    """Whether a read is visibly outside of its tensor."""
    if not isinstance(node, Read):
        return False
    places = zip((simplify(p) for p in node.positions), types.shape[node.tensor], strict=True)
    return any(isinstance(p, Literal) and not 0 <= p.value < extent for p, extent in places)
