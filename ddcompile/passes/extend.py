"""Let hidden tensors have the elements that readers take from a pad, where their clause computes the same.

Before::

    full[i < 8] = sum(j < 5: x[i + j]) >= 5
    y[i < 12] = sum(j in -2..2: pad(x, 0)[i + j]) >= 4 xor pad(full, 0)[i - 2]

After::

    full[i < 12] = sum(j < 5: pad(x, 0)[i + j - 2]) >= 5
    y[i < 12] = sum(j in -2..2: pad(x, 0)[i + j]) >= 4 xor full[i]

Units that can never be active at a border are in no network, so that families over windows are smaller than what reads
them; with them, families over the same windows are alike again. That a clause has the value of the pad outside is seen
from its range there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import index_ranges, subexpressions
from ddcompile.ir import builder
from ddcompile.ir.affine import affine_of, simplify
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import postorder, reads, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.dce import dce
from ddcompile.passes.equal import Equal
from ddcompile.passes.fold import folded
from ddcompile.passes.inline import renamed_for
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rebase import shifted, shifts
from ddcompile.passes.rewrite import (
    Rewrite,
    Witness,
    body_over,
    expressions,
    read_names,
    sole_clauses,
    unchanged,
    with_statements,
)
from ddcompile.passes.widen import padded

__all__ = ["Extend"]


@dataclass(frozen=True, slots=True)
class Extend(Pass):
    """Let hidden tensors have the elements that readers take from a pad, where their clause computes the same."""

    name: ClassVar[str] = "extend"
    margin: int = option(8, "how many elements an axis may gain on a side", high=1024)
    terms: int = option(32, "how many terms a sum may have that is written out", high=1024)
    size: int = option(400, "the largest cost of a clause that is written out", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        new, witness = rule, []
        for name in _candidates(rule):
            found = self._extended(new, name)
            if found is not None:
                new = found[0]
                witness.append(found[1])
        return unchanged(rule) if new is rule else Rewrite(new, Witness(tuple(witness)))

    def _extended(self, rule: Rule, name: str) -> tuple[Rule, Statement] | None:
        """The program with a longer tensor, and what that is; None if it is not to be had."""
        types = infer(rule)
        source = next((s for s in rule.statements if s.target == name), None)
        reach = None if source is None else _reach(rule, source)
        if source is None or reach is None or types.tensor[name].kind == "real":
            return None
        pad, spans = reach
        extents = types.shape[name]
        if all(span == (0, extent) for span, extent in zip(spans, extents, strict=True)):
            return None
        if any(low < -self.margin or high > n + self.margin for (low, high), n in zip(spans, extents, strict=True)):
            return None
        equal = Equal(rule, types, 1, self.terms, self.size)
        lows = [low for low, _ in spans]
        ways = [
            _with(rule, longer, lows, types, is_centred)
            for whole in dict.fromkeys((source, _written_in(rule, source)))
            for longer in padded(whole, spans, types)
            if all(equal.at(single, longer, place) for single, place in _outside(longer, extents, pad))
            for is_centred in (False, True)
        ]
        new = min(ways, key=lambda way: cost(way) - _shared(way, name), default=rule)
        if new is rule or cost(new) > cost(rule) + _shared(new, name) or verify(new):
            return None
        (longer,) = (s for s in new.statements if s.target == name)
        places = tuple(builder.add(Index(b.name), low) for b, low in zip(source.binders, lows, strict=True))
        return new, Statement(name, longer.positions, Read(name, places, Literal(pad)))


def _written_in(rule: Rule, source: Statement) -> Statement:
    """The clause with hidden tensors of one clause that it reads written in."""
    found = sole_clauses(rule)
    names = names_of(rule)
    written: dict[Expr, Expr] = {}
    for node, scope in subexpressions(source):
        inner = found.get(node.tensor) if isinstance(node, Read) else None
        if (
            inner is not None
            and isinstance(node, Read)
            and node.pad is None
            and inner.target not in read_names([inner])
        ):
            own, value = renamed_for(inner, source, scope, names)
            written[node] = substitute(value, dict(zip(own, node.positions, strict=True)))
    value = rewrite(source.value, lambda node: written.get(node, node))
    return Statement(source.target, source.positions, value, location=source.location)


def _shared(rule: Rule, name: str) -> int:
    """The cost of the reductions in the clause of a tensor that other clauses have as well, and can share with it."""
    others = [n for s in rule.statements if s.target != name for n in postorder(s.value) if isinstance(n, Reduce)]
    own = [n for s in rule.statements if s.target == name for n in postorder(s.value) if isinstance(n, Reduce)]
    return sum(cost(n) for n in own if any(o.op == n.op and body_over(n.binders, o) == n.body for o in others))


def _candidates(rule: Rule) -> list[str]:
    """Hidden tensors of one clause from 0 on that are read with a pad, the first in the text first."""
    reached = {r.tensor for s in rule.statements for e in expressions(s) for r in reads(e) if r.pad is not None}
    return [
        name
        for name, clause in sole_clauses(rule).items()
        if name in reached and clause.positions and all((box_bounds(b) or (1, 1))[0] == 0 for b in clause.binders)
    ]


def _reach(rule: Rule, source: Statement) -> tuple[int, list[tuple[int, int]]] | None:
    """The pad that a tensor is read with, and from where to where, axis by axis; None if one of these is not known."""
    pads: set[int] = set()
    spans = [bounds for binder in source.binders if (bounds := box_bounds(binder)) is not None]
    for statement in rule.statements:
        ranges = index_ranges(statement)
        for read in (r for e in expressions(statement) for r in reads(e) if r.tensor == source.target):
            forms = [affine_of(p) for p in read.positions]
            if statement is source or any(f is None or not f.names <= ranges.keys() for f in forms):
                return None
            if read.pad is None:
                continue
            if not isinstance(read.pad, Literal) or not isinstance(read.pad.value, int):
                return None
            pads.add(read.pad.value)
            for axis, form in enumerate(forms):
                low, high = form.bounds(ranges) if form is not None else (0, 0)
                spans[axis] = min(spans[axis][0], int(low)), max(spans[axis][1], int(high) + 1)
    return (pads.pop(), spans) if len(pads) == 1 else None


def _outside(longer: Statement, extents: Sequence[int], pad: int) -> Iterator[tuple[Statement, tuple[str, int]]]:
    """For every place of an axis that a longer clause has in addition: the pad there."""
    for axis, (binder, extent) in enumerate(zip(longer.binders, extents, strict=True)):
        low, high = box_bounds(binder) or (0, extent)
        for place in (*range(low, 0), *range(extent, high)):
            positions = [Literal(place) if k == axis else p for k, p in enumerate(longer.positions)]
            yield Statement(longer.target, tuple(positions), Literal(pad)), (binder.name, place)


def _with(rule: Rule, longer: Statement, lows: Sequence[int], types: Types, is_centred: bool) -> Rule:
    """The program with a longer clause, whose first element gets the place 0, and whose sums may count from there."""
    binders, moved = [], {}
    for binder, low in zip(longer.binders, lows, strict=True):
        bounds = box_bounds(binder) or (low, low)
        binders.append(Binder(binder.name, Literal(0), Literal(bounds[1] - low)))
        moved[binder.name] = builder.add(Index(binder.name), low)

    def step(node: Expr) -> Expr:
        if not isinstance(node, Read) or node.tensor != longer.target:
            return node
        places = (simplify(builder.sub(p, low)) for p, low in zip(node.positions, lows, strict=True))
        return Read(node.tensor, tuple(places), location=node.location)

    tables = {c.name: c for c in rule.constants}
    statements = []
    for old in rule.statements:
        if old.target == longer.target:
            value = substitute(longer.value, moved)
            value = rewrite(value, _centred) if is_centred else value
            new = Statement(old.target, tuple(binders), value, location=old.location)
            new = Statement(new.target, new.positions, folded(new, value, tables, types), location=old.location)
        else:
            new = Statement(old.target, old.positions, rewrite(old.value, step), location=old.location)
        statements.append(new)
    return dce(with_statements(rule, statements)).rule


def _centred(node: Expr) -> Expr:
    """A reduction whose indices count from the place of the element that has it: `x[i + k - 1]` becomes `x[i + k]`."""
    if not isinstance(node, Reduce):
        return node
    for k, binder in enumerate(node.binders):
        found = shifts(node, binder.name)
        new = shifted(node, k, found[0]) if len(found) == 1 else None
        node = new if isinstance(new, Reduce) else node
    return node
