"""Let a clause define the elements next to it as well, with a pad for what it reads outside.

Before::

    carry[0] = x[0, 0] and x[1, 0]
    carry[1 <= t < 8] = carry[t - 1] + x[0, t] + x[1, t] >= 2

After::

    carry[t < 8] = pad(carry, 0)[t - 1] + x[0, t] + x[1, t] >= 2

The clause of the element before the first one, or after the last, is dropped when the other clause has there, with 0 or
1 for what it reads outside of a tensor, the same text after folding, or the same table over at most four bits. Elements
at constant positions are written out for this. A clause that could not be read outside of a hidden tensor takes in what
it alone reads::

    every[i < 8] = all(j < i + 2: x[j])
    y[1] = x[0] xor x[1]
    y[2 <= i < 10] = z[i] xor every[i - 2]

becomes::

    y[1 <= i < 10] = z[i] xor all(j < i: x[j])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import Ranges, index_ranges, subexpressions
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binder, Expr, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.equal import Equal, renamed
from ddcompile.passes.fold import folded
from ddcompile.passes.inline import reads_apart, renamed_for
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, unchanged, with_statements

__all__ = ["Widen"]


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


_Place: TypeAlias = tuple[str, int]
"""An index and a value of it."""


def _shorter(rule: Rule, options: Widen) -> Rule | None:
    """The program with a clause left out that another one covers; None if there is none."""
    clauses: dict[str, list[int]] = {}
    for number, statement in enumerate(rule.statements):
        clauses.setdefault(statement.target, []).append(number)
    types: Types | None = None
    uses = Counter(n.tensor for s in rule.statements for n in reads(s.value))
    for numbers in clauses.values():
        for number in numbers if len(numbers) > 1 else ():
            for other in numbers:
                single, run = rule.statements[number], rule.statements[other]
                place = _beside(single, run)
                if place is None or max(cost(single), cost(run)) > options.size:
                    continue
                types = types or infer(rule)
                for gone, longer in _longer(rule, run, place, types, uses):
                    if cost(longer) >= cost(single) + cost(run) + sum(map(cost, gone)):
                        continue
                    equal = Equal(rule, types, options.depth, options.terms, options.size)
                    if not equal.at(single, longer, place):
                        continue
                    statements = [longer if s is run else s for s in rule.statements if s is not single]
                    new = with_statements(rule, [s for s in statements if s not in gone])
                    if not verify(new):
                        return new
    return None


def _longer(
    rule: Rule, run: Statement, place: _Place, types: Types, uses: Mapping[str, int]
) -> Iterator[tuple[tuple[Statement, ...], Statement]]:
    """The clause with one more element, as it is or with a clause written in that it alone reads, which goes."""
    yield from (((), longer) for longer in _widened(run, place, types))
    results = {d.name for d in rule.outputs}
    for node, scope in subexpressions(run):
        if not isinstance(node, Read) or uses[node.tensor] != 1 or node.tensor in results or node.pad is not None:
            continue
        sources = [s for s in rule.statements if s.target == node.tensor]
        if len(sources) != 1 or not all(isinstance(p, Binder) for p in sources[0].positions):
            continue
        if not reads_apart(node, scope):
            continue
        own, value = renamed_for(sources[0], run, scope, names_of(rule))
        moved = substitute(value, dict(zip(own, node.positions, strict=True)))
        value = rewrite(run.value, lambda n, r=node, m=moved: m if n == r else n)  # type: ignore[misc]
        value = folded(run, value, {c.name: c for c in rule.constants}, types)
        taken = Statement(run.target, run.positions, value, location=run.location)
        yield from (((sources[0],), longer) for longer in _widened(taken, place, types))


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
    positions: list[Binder | Expr] = []
    for p in run.positions:
        if isinstance(p, Binder) and p.name == name:
            low, high = box_bounds(p) or (value, value + 1)
            p = Binder(name, Literal(min(low, value)), Literal(max(high, value + 1)))
        positions.append(p)
    ranges = {**index_ranges(run), name: (value, value)}
    for pad in (0, 1):
        padded = 0

        def step(node: Expr, pad: int = pad) -> Expr:
            nonlocal padded
            if isinstance(node, Read) and node.pad is None and _may_be_outside(node, ranges, types):
                padded += 1
                return Read(node.tensor, node.positions, Literal(pad), location=node.location)
            return node

        yield Statement(run.target, tuple(positions), rewrite(run.value, step), location=run.location)
        if not padded:
            return


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
