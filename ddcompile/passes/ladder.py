"""Write elements of which each reads the one before as one tensor that begins with nothing carried in.

Before::

    first = x[0] and z[0]
    second = x[1] + z[1] + first >= 2
    third = x[2] + z[2] + second >= 2
    y[3] = x[3] + z[3] + third >= 2

After::

    state[t < 4] = x[t] + z[t] + pad(state, 0)[t - 1] >= 2
    y[3] = state[3]

Two steps are enough: the later one, with an index for the time where it reads the next places, is put in the place of
the earlier one, which says what was carried into that. If this is what a step before would say with 0 or 1 carried in,
by its text or by its table over a few inputs, the tensor begins there; if it is a step itself, one more before;
if it is neither, it is the first element. A rung may be no step, and at some times there may be none
(`ddcompile.passes.missteps`).
The program is kept if this does not make it shorter once steps and the elements beside them are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.ir.affine import Affine
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import children, rewrite, substitute
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.dce import Dce
from ddcompile.passes.equal import Equal
from ddcompile.passes.layers import names_of
from ddcompile.passes.missteps import beyond
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, plain_places, read_names, unchanged, with_statements
from ddcompile.passes.roll import Roll
from ddcompile.passes.rungs import (
    CARRIED,
    TIME,
    Rungs,
    agree,
    at,
    carried_into,
    continued,
    is_inside,
    pad_of,
    two,
)
from ddcompile.passes.widen import Widen

__all__ = ["Ladder"]

_DEEPEST = 8
"""Steps that one value may hold."""


@dataclass(frozen=True, slots=True)
class Ladder(Pass):
    """Write elements of which each reads the one before as one tensor that begins with nothing carried in."""

    name: ClassVar[str] = "ladder"
    depth: int = option(4, "how many levels of elements are written out", high=64)
    terms: int = option(16, "how many terms a sum may have that is written out", high=1024)
    size: int = option(64, "the largest cost of a step", high=100_000)
    statements: int = option(128, "how many statements a program may have", high=1_000_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        if len(rule.statements) > self.statements:
            return unchanged(rule)
        types = infer(rule)
        equal = Equal(rule, types, self.depth, self.terms, self.size)
        price = None
        for ways in _ladders(rule, types, self.size, equal):
            found: Rewrite | None = None
            for rungs in ways:
                new, witness = _written(rule, _begun(rungs, equal))
                if verify(new):
                    continue
                price = _price(rule) if price is None else price
                own = _price(new)
                if own < price:
                    found, price = Rewrite(new, witness), own
            if found is not None:
                return found
        return unchanged(rule)


def _price(rule: Rule) -> int:
    """What the program costs once steps are joined, and clauses with those beside them."""
    for each in (Roll(), Widen(), Dce()):
        rule = each(rule).rule
    return cost(rule)


def _ladders(rule: Rule, types: Types, size: int, equal: Equal) -> Iterator[tuple[Rungs, ...]]:
    """The longest ladders of at least two rungs that are steps, and as they go on where some are none."""
    hidden = _hidden(rule, types, size)
    readers: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        if cost(statement) <= size and types.tensor[statement.target].is_bit:
            for name in read_names([statement.value]) & hidden.keys():
                readers.setdefault(name, []).append(statement)
    for lower in hidden.values():
        for upper in readers.get(lower.target, ()):
            ways = (two(lower, upper), two(lower, upper, is_last_first=True))
            for found in dict.fromkeys(way for way in ways if way is not None):
                if not _two_below(lower, hidden, found.step):
                    steps = continued(found, hidden, readers)
                    yield tuple(dict.fromkeys((steps, beyond(steps, hidden, readers, equal))))


def _hidden(rule: Rule, types: Types, size: int) -> dict[str, Statement]:
    """Bits, or tensors of them, that have one clause, are no results and do not read themselves."""
    counts: dict[str, int] = {}
    for s in rule.statements:
        counts[s.target] = counts.get(s.target, 0) + 1
    results = {d.name for d in rule.outputs}
    return {
        s.target: s
        for s in rule.statements
        if counts[s.target] == 1
        and s.target not in results
        and types.tensor[s.target].is_bit
        and all(isinstance(p, Binder) for p in s.positions)
        and s.target not in read_names([s])
        and cost(s) <= size
    }


def _two_below(lower: Statement, hidden: Mapping[str, Statement], step: Expr) -> bool:
    """Whether a step below is a statement as well, so that the ladder begins there."""
    for name in read_names([lower.value]) & hidden.keys():
        found = two(hidden[name], lower)
        if found is not None and agree(found.step, step, -1):
            return True
    return False


def _begun(ladder: Rungs, equal: Equal) -> Rungs:
    """The ladder with the steps below its lowest rung, down to that into which a constant is carried.

    If there is none, what is carried into the lowest rung is the first element.
    """
    if ladder.pad is not None:
        return ladder
    below: list[Expr] = []
    bottom = ladder.bottom
    for depth in range(1, _DEEPEST + 1):
        below.insert(0, bottom)
        step = at(ladder.step, -depth)
        if not is_inside(step):
            break
        pad = pad_of(bottom, step, ladder.binders, equal)
        if pad is not None:
            return replace(ladder, pad=pad, below=tuple(below))
        carried = carried_into(bottom, step)
        if carried is None:
            break
        bottom = carried
    return replace(ladder, below=(ladder.bottom,))


def _written(rule: Rule, ladder: Rungs) -> tuple[Rule, Witness]:
    """The rule with a tensor for the steps of a ladder, and what it means."""
    names = names_of(rule)
    state = names("state")
    inner = [b.name for b in ladder.binders]
    time = names.indices(1, avoid=[*inner, *_indices(ladder.step)])[0]
    first = len(ladder.below)
    extent = first + len(ladder.rungs)
    own = tuple(Index(n) for n in inner)
    pad = None if ladder.pad is None else Literal(ladder.pad)
    before = Read(state, (Affine.of(-1, {time: 1}).to_expr(), *own), pad)
    step = substitute(ladder.step, {TIME: Affine.of(-first, {time: 1}).to_expr()})
    value = rewrite(rewrite(step, plain_places), lambda n: before if n == CARRIED else n)
    rungs = {first + k: rung for k, rung in enumerate(ladder.rungs) if rung is not None}
    gone = {s.target: k for k, s in rungs.items() if all(isinstance(p, Binder) for p in s.positions)}
    top = ladder.ends[1]
    results = {d.name for d in rule.outputs}
    if top.target in results:
        gone.pop(top.target, None)
    made = [Statement(state, (Literal(0), *ladder.binders), ladder.below[0])] if pad is None else []
    start = len(made)
    for stop in sorted({first + k for k in ladder.others} | {extent}):
        if start < stop:
            made.append(Statement(state, (Binder(time, Literal(start), Literal(stop)), *ladder.binders), value))
        if stop < extent:
            other = rewrite(rungs[stop].value, lambda n: _moved(n, state, gone))
            made.append(Statement(state, (Literal(stop), *ladder.binders), other))
        start = stop + 1
    statements: list[Statement] = []
    for statement in rule.statements:
        if statement is ladder.ends[0]:
            statements += made
        if statement.target in gone:
            continue
        value = statement.value
        if statement is top:
            value = Read(state, (Literal(extent - 1), *own))
        value = rewrite(value, lambda n: _moved(n, state, gone))
        statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
    meanings = [*ladder.below]
    for k, rung in enumerate(ladder.rungs):
        carried = meanings[-1] if rung is None else None
        missing = rewrite(at(ladder.step, k), lambda n, c=carried: c if n == CARRIED else n)  # type: ignore[misc]
        meanings.append(missing if rung is None else _meant(rung))
    witness = tuple(Statement(state, (Literal(k), *ladder.binders), value) for k, value in enumerate(meanings))
    return with_statements(rule, statements), Witness(witness)


def _meant(rung: Statement) -> Read:
    """The element that a rung defines."""
    return Read(rung.target, tuple(Index(p.name) if isinstance(p, Binder) else p for p in rung.positions))


def _indices(value: Expr) -> Sequence[str]:
    """Names of indices in an expression."""
    found: list[str] = []
    work = [value]
    while work:
        node = work.pop()
        found += [b.name for b in getattr(node, "binders", ())]
        work += children(node)
    return found


def _moved(node: Expr, state: str, times: Mapping[str, int]) -> Expr:
    """A read of a rung as one of the new tensor."""
    if isinstance(node, Read) and node.tensor in times:
        return Read(state, (Literal(times[node.tensor]), *node.positions), node.pad, location=node.location)
    return node
