"""Let a clause define the elements next to it as well, with a pad for what it reads outside, or around the ends.

Before::

    carry[0] = x[0, 0] and x[1, 0]
    carry[1 <= t < 8] = carry[t - 1] + x[0, t] + x[1, t] >= 2

After::

    carry[t < 8] = pad(carry, 0)[t - 1] + x[0, t] + x[1, t] >= 2

A clause beside another one is dropped when the other one says the same there, with 0 or 1 for what it reads outside of
a tensor: the same text once ranges have decided what they can, or the same table over a few inputs. So are all clauses
of a tensor at once when one covers them, and exceptions that its usual value covers::

    y[0] = x[0] + x[1] >= 2
    y[1 <= i < 8] = x[i - 1] + x[i] + x[i + 1] == 2
    y[8] = x[7] + x[8] >= 2
    z[i < 9] = if i == 0 then 0 else pad(x, 0)[i - 1]

becomes::

    y[i < 9] = pad(x, 0)[i - 1] + x[i] + pad(x, 0)[i + 1] == 2
    z[i < 9] = pad(x, 0)[i - 1]

What is read outside may also be the elements at the other end: `y[8] = x[0] + x[8]` beside `y[i < 8] = x[i] + x[i + 1]`
is `y[i < 9] = x[i] + x[(i + 1) % 9]`.

Elements that are others are written under a condition where all other clauses are covered::

    y[i < 4] = x[i] or x[i + 1]
    y[4] = x[0] and x[7]
    y[5 <= i < 8] = x[i] or x[i + 1]

becomes::

    y[i < 8] = if i == 4 then x[0] and x[7] else x[i] or x[i + 1]

Elements at constant positions are written out for this. A clause that could not be read outside of a hidden tensor
takes in what it alone reads::

    every[i < 8] = all(j < i + 2: x[j])
    y[1] = x[0] xor x[1]
    y[2 <= i < 10] = z[i] xor every[i - 2]

becomes::

    y[1 <= i < 10] = z[i] xor all(j < i: x[j])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import Ranges, index_ranges, subexpressions
from ddcompile.ir import builder
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binder, Expr, If, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.equal import Equal, renamed
from ddcompile.passes.fold import folded
from ddcompile.passes.inline import reads_apart, renamed_for
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, sole_clauses, unchanged, with_statements
from ddcompile.passes.selection import condition
from ddcompile.passes.switched import at_place, condition_of, exceptional_places, usual

__all__ = ["Widen", "padded"]


@dataclass(frozen=True, slots=True)
class Widen(Pass):
    """Let a clause define the elements next to it as well, with a pad for what it reads outside."""

    name: ClassVar[str] = "widen"
    depth: int = option(4, "how many levels of elements are written out", high=64)
    terms: int = option(32, "how many terms a sum may have that is written out", high=1024)
    size: int = option(400, "the largest cost of a clause", high=100_000)
    recurrences: int = option(1, "whether clauses may read elements of their own tensor: 0 or 1", low=0, high=1)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        old = rule
        found: Rule | None = rule
        while found is not None:
            rule = found
            found = _shorter(rule, self)
        return unchanged(old) if rule is old else Rewrite(rule)


_MOST_RUNS = 3
"""Clauses of a tensor that may become its only one, those of most elements first."""

_Place: TypeAlias = tuple[str, int]
"""An index and a value of it."""


def _shorter(rule: Rule, options: Widen) -> Rule | None:
    """The program with less clauses, or exceptions to one, where another one covers them; None if there is none."""
    clauses: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        clauses.setdefault(statement.target, []).append(statement)
    if all(len(own) == 1 and not _exceptions(own[0]) for own in clauses.values()):
        return None
    state = _State(rule, infer(rule), options)
    for target, own in clauses.items():
        if not options.recurrences and any(s.target in read_names([s]) for s in own):
            continue
        if len(own) == 1:
            found = [new for new in state.regular(own[0]) if cost(new) < cost(rule) and not verify(new)]
        else:
            found = [new for new in state.joined(own) if cost(new) < cost(rule) and not verify(new)]
            found += _stepwise(rule, target, options)
        if found:
            return min(found, key=cost)
    return None


def _stepwise(rule: Rule, target: str, options: Widen) -> list[Rule]:
    """The program with clauses of a tensor left out, one after the other, that are beside others; none without any."""
    best = rule
    while True:
        state = _State(best, infer(best), options)
        own = [s for s in best.statements if s.target == target]
        shorter = (new for new in state.besides(own) if cost(new) < cost(best) and not verify(new))
        new = next(shorter, None)
        if new is None:
            return [] if best is rule else [best]
        best = new


def _exceptions(statement: Statement) -> list[dict[str, int]]:
    if not isinstance(statement.value, If):
        return []
    return exceptional_places(statement.value, statement.binders)


class _State:
    """A program, and what is asked about its clauses."""

    def __init__(self, rule: Rule, types: Types, options: Widen) -> None:
        self.rule = rule
        self.types = types
        self.options = options
        self.equal = Equal(rule, types, options.depth, options.terms, options.size)
        self.sources = sole_clauses(rule)
        self.uses = Counter(n.tensor for s in rule.statements for n in reads(s.value))

    def joined(self, clauses: Sequence[Statement]) -> Iterator[Rule]:
        """The program with one clause for a tensor, the clause of most elements, and exceptions to it."""
        spans = [[_span(p) for p in s.positions] for s in clauses]
        if any(None in each for each in spans):
            return
        if len(clauses) == 2 and any(_beside(*pair) for pair in (clauses, [*reversed(clauses)])):
            return  # see `besides`
        known = [[span for span in each if span is not None] for each in spans]
        hull = [(min(low for low, _ in axis), max(high for _, high in axis)) for axis in zip(*known, strict=True)]
        order = sorted(range(len(clauses)), key=lambda k: -prod(high - low for low, high in known[k]))
        for run in (clauses[k] for k in order[:_MOST_RUNS]):
            if not all(isinstance(p, Binder) for p in run.positions) or cost(run) > self.options.size:
                continue
            others = [s for s in clauses if s is not run]
            for gone, longer in self._longer(run, lambda s: padded(s, hull, self.types)):
                left = self._uncovered(longer, others)
                if left is None:
                    continue
                if not left:
                    yield self._with(run, longer, [*others, *gone])
                    break
                made = next(padded(self._with_odd(longer, left), hull, self.types))
                yield self._with(run, made, [*others, *gone])

    def _uncovered(self, longer: Statement, clauses: Sequence[Statement]) -> list[Statement] | None:
        """What a clause does not say of others: all of one, or its exceptions, each at its own place.

        None if it does not say anything of any.
        """
        found: list[Statement] = []
        count = 0
        for single in clauses:
            if self.equal.covers(longer, single):
                continue
            places = _exceptions(single)
            if places and self.equal.covers(longer, replace(single, value=usual(single.value))):
                for place in places:
                    positions = tuple(_at(p, place) for p in single.positions)
                    found.append(Statement(single.target, positions, at_place(single.value, place)))
            else:
                count += 1
                found.append(single)
        return found if count < len(clauses) else None

    def _with_odd(self, longer: Statement, odd: Sequence[Statement]) -> Statement:
        """The clause, over indices alone, with what others say, each in its own box."""
        value = longer.value
        names = names_of(self.rule)
        for single in odd:
            own, there = renamed_for(single, longer, (), names)
            indices = iter(own)
            moved: dict[str, Expr] = {}
            where: list[Expr] = []
            back: dict[int, Affine] = {}
            for axis, (mine, other) in enumerate(zip(single.positions, longer.binders, strict=True)):
                low, high = _span(mine) or (0, 0)
                where.append(condition([low], [high], [other]))
                if isinstance(mine, Binder):
                    moved[next(indices)] = Index(other.name)
                else:
                    back[axis] = Affine.of(-low, {other.name: 1})
            there = rewrite(substitute(there, moved), lambda n, b=back: _relative(n, longer.target, b))  # type: ignore[misc]
            value = builder.conditional(builder.conj(*where), there, value)
        return replace(longer, value=value)

    def besides(self, clauses: Sequence[Statement]) -> Iterator[Rule]:
        """The program without a clause that is beside another one."""
        for single in clauses:
            for run in clauses:
                place = _beside(single, run)
                if place is None or max(cost(single), cost(run)) > self.options.size:
                    continue
                for gone, longer in self._longer(run, lambda s, at=place: _widened(s, at, self.types)):  # type: ignore[misc]
                    shorter = cost(longer) < cost(single) + cost(run) + sum(map(cost, gone))
                    if shorter and self.equal.at(single, longer, place):
                        yield self._with(run, longer, [single, *gone])

    def regular(self, statement: Statement) -> Iterator[Rule]:
        """The program with less exceptions to a clause."""
        places = _exceptions(statement)
        if not places:
            return
        value = usual(statement.value)
        plain = replace(statement, value=value)
        for place in reversed(places):
            there = at_place(statement.value, place)
            single = Statement(statement.target, tuple(_at(p, place) for p in statement.positions), there)
            if not self.equal.covers(plain, single):
                value = builder.conditional(condition_of(place, statement.binders), there, value)
        yield self._with(statement, replace(statement, value=value), [])

    def _with(self, run: Statement, longer: Statement, gone: Sequence[Statement]) -> Rule:
        kept = (longer if s is run else s for s in self.rule.statements if not any(s is g for g in gone))
        return with_statements(self.rule, kept)

    def _longer(
        self, run: Statement, widened: Callable[[Statement], Iterator[Statement]]
    ) -> Iterator[tuple[tuple[Statement, ...], Statement]]:
        """The clause with more elements, as it is or with a clause written in that it alone reads, which goes."""
        yield from (((), longer) for longer in widened(run))
        for node, scope in subexpressions(run):
            source = self.sources.get(node.tensor) if isinstance(node, Read) else None
            if not isinstance(node, Read) or source is None or node.pad is not None or self.uses[node.tensor] != 1:
                continue
            if not reads_apart(node, scope):
                continue
            own, value = renamed_for(source, run, scope, names_of(self.rule))
            moved = substitute(value, dict(zip(own, node.positions, strict=True)))
            value = rewrite(run.value, lambda n, r=node, m=moved: m if n == r else n)  # type: ignore[misc]
            value = folded(run, value, {c.name: c for c in self.rule.constants}, self.types)
            taken = Statement(run.target, run.positions, value, location=run.location)
            yield from (((source,), longer) for longer in widened(taken))


def _relative(node: Expr, target: str, back: Mapping[int, Affine]) -> Expr:
    """A read of an element of the tensor itself, by how far it is away on some axes."""
    if not isinstance(node, Read) or node.tensor != target:
        return node
    places = []
    for axis, place in enumerate(node.positions):
        form = affine_of(place) if axis in back else None
        places.append(place if form is None else (form + back[axis]).to_expr())
    return Read(node.tensor, tuple(places), node.pad, location=node.location)


def _span(position: Binder | Expr) -> tuple[int, int] | None:
    """The places of an axis that a position of a clause says; None if they are not known."""
    if isinstance(position, Binder):
        return box_bounds(position)
    match position:
        case Literal(int(place)):
            return place, place + 1
    return None


def _at(position: Binder | Expr, place: Mapping[str, int]) -> Binder | Expr:
    return Literal(place[position.name]) if isinstance(position, Binder) and position.name in place else position


def _beside(single: Statement, run: Statement) -> _Place | None:
    """The index of `run` whose range has the position of `single` at an end, all other positions being the same."""
    names = renamed(single, run)
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


def _widened(run: Statement, place: _Place, types: Types) -> Iterator[Statement]:
    """The clause with one more element, for every pad; without one if it reads nothing outside there."""
    name, value = place
    spans = [(p.name, *(box_bounds(p) or (value, value + 1))) for p in run.binders]
    longer = [(min(low, value), max(high, value + 1)) if n == name else (low, high) for n, low, high in spans]
    yield from padded(run, longer, types, {name: (value, value)})


def padded(
    run: Statement, spans: Sequence[tuple[int, int]], types: Types, at: Ranges | None = None
) -> Iterator[Statement]:
    """The clause over other ranges of its indices, for every pad of what it reads outside there, and around the ends.

    Without a pad if it reads nothing outside; `at` tells where indices are when it does.
    """
    binders = iter(
        b if box_bounds(b) is None else Binder(b.name, Literal(low), Literal(high))
        for b, (low, high) in zip(run.binders, spans, strict=True)
    )
    positions = tuple(next(binders) if isinstance(p, Binder) else p for p in run.positions)
    whole = index_ranges(Statement(run.target, positions, run.value))
    ranges = {**whole, **(at or {})}
    for pad in (0, 1):
        outside = 0

        def step(node: Expr, pad: int = pad) -> Expr:
            nonlocal outside
            if isinstance(node, Read) and node.pad is None and _may_be_outside(node, ranges, types):
                outside += 1
                return Read(node.tensor, node.positions, Literal(pad), location=node.location)
            return node

        yield Statement(run.target, positions, rewrite(run.value, step), location=run.location)
        if not outside:
            return

    def around(node: Expr) -> Expr:
        if isinstance(node, Read) and node.pad is None and node.tensor != run.target:
            extents = types.shape[node.tensor]
            places = tuple(_around(p, n, ranges, whole) for p, n in zip(node.positions, extents, strict=True))
            return Read(node.tensor, places, location=node.location)
        return node

    value = rewrite(run.value, around)
    if value != run.value:
        yield Statement(run.target, positions, value, location=run.location)


def _around(position: Expr, extent: int, ranges: Ranges, whole: Ranges) -> Expr:
    """A position as the one at the other end where it may be outside; an index visits all of the axis, moved."""
    form = affine_of(position)
    if form is None or len(form.names) != 1:
        return position
    (name,) = form.names
    if name not in whole or form.coefficients[name] != 1 or whole[name][1] - whole[name][0] != extent - 1:
        return position
    low, high = form.bounds(ranges)
    return position if 0 <= low <= high < extent else builder.mod(position, extent)


def _may_be_outside(node: Read, ranges: Ranges, types: Types) -> bool:
    """Whether a read is outside of its tensor at some values of indices in their ranges."""
    for position, extent in zip(node.positions, types.shape[node.tensor], strict=True):
        form = affine_of(position)
        if form is None or not form.names <= ranges.keys():
            continue
        low, high = form.bounds(ranges)
        if low < 0 or high >= extent:
            return True
    return False
