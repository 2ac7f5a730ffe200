"""Let sums take in the terms beside them, and sums over the same indices become one.

Before::

    count = sum(i < 11: 2 * sum(j < i + 2: x[j]) >= i + 2)
    y = x[0] + count >= 12
    w[i < 9] = sum(j < i + 1: x[j]) > i
    z = sign(sum(i < 9, j < i: x[i, j]) - sum(i < 9, j < i: x[j, i]))

After::

    y = all(i < 12: 2 * sum(j < i + 1: x[j]) > i)
    w[i < 9] = all(j < i + 1: x[j])
    z = sign(sum(i < 9, j < i: x[i, j] - x[j, i]))

A term goes when a sum beside it has it as the term before its first one, or after its last: the same text after
folding, or the same table over a few inputs. A sum of bits that has to be as great as it can be says that all are
1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from math import gcd
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Compare,
    Expr,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import reads, rename_indices, rewrite
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.equal import Equal
from ddcompile.passes.fold import folded
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.places import has_values
from ddcompile.passes.rebase import at
from ddcompile.passes.rewrite import Rewrite, body_over, unchanged, used_names, with_statements
from ddcompile.passes.sums import Sum, sums_of

__all__ = ["Absorb"]


@dataclass(frozen=True, slots=True)
class Absorb(Pass):
    """Let sums take in the terms beside them, and sums over the same indices become one."""

    name: ClassVar[str] = "absorb"
    depth: int = option(4, "how many levels of elements are written out", high=64)
    terms: int = option(16, "how many terms a sum may have", high=1024)
    size: int = option(200, "the largest cost of a sum", high=100_000)
    sums: int = option(256, "how many sums are looked at", high=1_000_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        new, left = rule, self.sums
        # A new name is that of no tensor of the rule, even if this is gone.
        taken = used_names(rule)
        number = 0
        while number < len(new.statements) and left > 0:
            state = _State(new, self, taken)
            changed = None
            while number < len(new.statements) and left > 0 and changed is None:
                found = state.at(number)
                left -= found is not None
                changed = next((r for r in found or () if cost(r) < cost(new) and not verify(r)), None)
                number += changed is None
            # Scalars may be gone that stand before the statement.
            number = max(0, number - len(new.statements) + len((changed or new).statements))
            new = changed or new
        return unchanged(rule) if new is rule else Rewrite(new)


class _State:
    """A program and what is asked about it."""

    def __init__(self, rule: Rule, options: Absorb, taken: Set[str]) -> None:
        self.rule, self.options, self.taken = rule, options, taken
        self.types = infer(rule)
        self.reals = Reals(self.types)
        self.tables = {c.name: c for c in rule.constants}
        self.uses = Counter(n.tensor for s in rule.statements for n in reads(s.value))
        results = {d.name for d in rule.outputs}
        self.scalars = {
            s.target: k for k, s in enumerate(rule.statements) if not s.positions and s.target not in results
        }
        self.equal = Equal(rule, self.types, options.depth, options.terms, options.size)

    def at(self, number: int) -> Iterator[Rule] | None:
        """Programs with fewer terms in a statement; None if it has no sums to look at."""
        statement = self.rule.statements[number]
        if self.reals(statement.value) or cost(statement.value) > self.options.size:
            return None
        found = [s for s in sums_of(statement.value) if any(isinstance(self._defined(t), Reduce) for t in s.terms)]
        return self._shorter(number, found) if found else None

    def _shorter(self, number: int, sums: list[Sum]) -> Iterator[Rule]:
        statement = self.rule.statements[number]
        for each in sums:
            for change in (*self._whole(statement, each), *self._taken_in(statement, each), *self._joined(each)):
                yield self._changed(number, each.node, change)

    def _defined(self, term: Expr) -> Expr:
        """A term, or what a scalar that is read nowhere else is."""
        match term:
            case Read(name, ()) if name in self.scalars and self.uses[name] == 1:
                return self.rule.statements[self.scalars[name]].value
        return term

    def _changed(self, number: int, node: Expr, change: _Change) -> Rule:
        """The program after a change; a sum that was a scalar stays one, under a new name."""
        names = names_of(self.rule)
        names.taken |= self.taken
        fresh = {name: names(name) for name, value in change.scalars.items() if value is not None}
        statements = []
        for k, s in enumerate(self.rule.statements):
            value = change.scalars.get(s.target, s.value)
            if value is None:
                continue
            if k == number:
                value = rewrite(value, lambda n: change.node if n == node else n)
            if value is not s.value:
                value = folded(s, value, self.tables, self.types)
                value = rewrite(value, lambda n: _read_as(n, fresh))
            statements.append(Statement(fresh.get(s.target, s.target), s.positions, value, location=s.location))
        return with_statements(self.rule, statements)

    def _whole(self, statement: Statement, found: Sum) -> Iterator[_Change]:
        """A comparison of a sum of bits with how many they are, or with 1."""
        if found.op not in (">", ">="):
            return
        indices = {t.name: c for t, c in found.terms.items() if isinstance(t, Index)}
        terms = [t for t in found.terms if not isinstance(t, Index)]
        if len(terms) != 1 or found.terms[terms[0]] != 1:
            return
        (term,) = terms
        own = self._defined(term)
        bound = Affine.of(int(found.op == ">") - found.constant, {name: -c for name, c in indices.items()})
        if not isinstance(own, Reduce) or own.op != "sum" or not self._is_bit(own.body):
            return
        if bound not in (Affine.of(1), _count(own.binders)):
            return
        new = Reduce("any" if bound == Affine.of(1) else "all", own.binders, own.body)
        if own is term:
            yield _Change(new, {})
        elif isinstance(term, Read):
            is_all = found.node is statement.value
            yield _Change(new, {term.tensor: None}) if is_all else _Change(term, {term.tensor: new})

    def _is_bit(self, value: Expr) -> bool:
        match value:
            case Compare() | Binary("and" | "or" | "xor") | Unary("not"):
                return True
            case Read(name, _, pad):
                return self.types.tensor[name].is_bit and pad in (None, Literal(0), Literal(1))
        return False

    def _taken_in(self, statement: Statement, found: Sum) -> Iterator[_Change]:
        """Terms that are a further term of a sum beside them."""
        if not 1 < len(found.terms) <= self.options.terms:
            return
        for term, factor in found.terms.items():
            own = self._defined(term)
            if not isinstance(own, Reduce) or own.op != "sum":
                continue
            for other, weight in found.terms.items():
                longer = (
                    None if other is term or weight != factor else self._longer(statement, own, self._defined(other))
                )
                if longer is None:
                    continue
                scalars: dict[str, Expr | None] = {}
                if isinstance(other, Read) and self._defined(other) is not other:
                    scalars[other.tensor] = None
                kept = {t: c for t, c in found.terms.items() if t is not other}
                if own is term:
                    kept = {longer if t is term else t: c for t, c in kept.items()}
                elif isinstance(term, Read):
                    scalars[term.tensor] = longer
                yield _Change(found.rebuilt(kept), scalars)

    def _longer(self, statement: Statement, own: Reduce, other: Expr) -> Reduce | None:
        """A sum with one more term."""
        if cost(own) + cost(other) > self.options.size:
            return None
        for k, binder in enumerate(own.binders):
            bounds = box_bounds(binder)
            for value in () if bounds is None else (bounds[0] - 1, bounds[1]):
                term = folded(statement, at(own, k, value), self.tables, self.types)
                if not has_values(Statement("term", (), term), self.types.shape):
                    continue
                place = f"{binder.name}?"
                rest = [b for b in own.binders if b is not binder]
                body = rename_indices(builder.reduction("sum", rest, own.body), {binder.name: place})
                run = Statement("term", (Binder(place, Literal(value), Literal(value + 1)),), body)
                if self.equal.at(Statement("term", (Literal(value),), other), run, (place, value)):
                    low, high = bounds or (value, value)
                    wide = Binder(binder.name, Literal(min(low, value)), Literal(max(high, value + 1)))
                    return Reduce("sum", tuple(wide if b is binder else b for b in own.binders), own.body)
        return None

    def _joined(self, found: Sum) -> Iterator[_Change]:
        """Two sums over the same indices; those that have names stay what they are, but for sums over tables."""
        sums = [(t, own) for t in found.terms if (own := self._unnamed(t)) is not None]
        for (first, mine), (second, other) in combinations(sums[: self.options.terms], 2):
            body = body_over(mine.binders, other)
            if body is None or self._are_slices(mine, other):
                continue
            factor, weight = found.terms[first], found.terms[second]
            common = gcd(factor, weight) if factor > 0 else -gcd(factor, weight)
            both = builder.add(builder.mul(factor // common, mine.body), builder.mul(weight // common, body))
            joined = Reduce("sum", mine.binders, both)
            named = [t for t in (first, second) if isinstance(t, Read)]
            holder = named[0] if named else joined
            terms = [(t, c) for t, c in found.terms.items() if t is not second]
            kept = dict((holder, common) if t is first else (t, c) for t, c in terms)
            scalars: dict[str, Expr | None] = {t.tensor: None for t in named[1:]}
            yield _Change(found.rebuilt(kept), scalars | {t.tensor: joined for t in named[:1]})

    def _are_slices(self, first: Reduce, second: Reduce) -> bool:
        """Whether two sums over tables read the same tensors besides: they may be slices of one sum (see `stack`)."""
        names = [{read.tensor for read in reads(own.body)} for own in (first, second)]
        tables = self.tables.keys()
        return all(own & tables for own in names) and names[0] - tables == names[1] - tables

    def _unnamed(self, term: Expr) -> Reduce | None:
        """A sum in another one, or the sum over tables that is read there by its name only."""
        own = self._defined(term)
        if not isinstance(own, Reduce) or own.op != "sum":
            return None
        return own if own is term or any(r.tensor in self.tables for r in reads(own.body)) else None


def _count(binders: Sequence[Binder]) -> Affine | None:
    """How many values the indices of a sum take, if only one of them has bounds that move."""
    count = Affine.of(1)
    for binder in binders:
        ends = affine_of(binder.upper), affine_of(binder.lower)
        if ends[0] is None or ends[1] is None:
            return None
        extent = ends[0] - ends[1]
        if extent.names & {b.name for b in binders} or (extent.names and count.names):
            return None
        if not extent.names and extent.constant <= 0:
            return None
        count = count.scale(extent.constant) if not extent.names else extent.scale(count.constant)
    return count


@dataclass(frozen=True, slots=True)
class _Change:
    """What a sum becomes, and what scalars become that only it reads; None for those that go."""

    node: Expr
    scalars: dict[str, Expr | None]


def _read_as(node: Expr, names: dict[str, str]) -> Expr:
    return Read(names[node.tensor]) if isinstance(node, Read) and node.tensor in names else node
