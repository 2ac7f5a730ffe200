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
if it is neither, it is the first element.
The program is kept if this does not make it shorter once steps and the elements beside them are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ddcompile.analysis.cost import cost
from ddcompile.analysis.scopes import alpha_key
from ddcompile.ir.affine import Affine, simplify
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Rule, Statement
from ddcompile.ir.traverse import (
    children,
    free_indices,
    reads,
    rewrite,
    substitute,
)
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.dce import Dce
from ddcompile.passes.equal import Equal
from ddcompile.passes.layers import names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, read_names, unchanged, with_statements
from ddcompile.passes.roll import Roll
from ddcompile.passes.rungs import CARRIED, TIME, Match
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
        for rungs in _ladders(rule, types, self.size):
            found = _begun(rungs, equal) or _Ladder(rungs.rungs, rungs.step, rungs.bottom, None, (rungs.bottom,))
            new, witness = _written(rule, found)
            if verify(new):
                continue
            price = _price(rule) if price is None else price
            if _price(new) < price:
                return Rewrite(new, witness)
        return unchanged(rule)


def _price(rule: Rule) -> int:
    """What the program costs once steps are joined, and clauses with those beside them."""
    for each in (Roll(), Widen(), Dce()):
        rule = each(rule).rule
    return cost(rule)


@dataclass(frozen=True, slots=True)
class _Ladder:
    """Statements of which each reads the one before.

    Attributes
    ----------
    rungs
        The statements, lowest first; the last one may be an element of a result.
    step
        What one says at a time, the lowest at 0, of what it reads as carried in.
    bottom
        What the lowest one has in the place of that.
    pad
        What is carried in at first; None if the lowest of `below` is no step.
    """

    rungs: tuple[Statement, ...]
    step: Expr
    bottom: Expr
    pad: int | None = None
    below: tuple[Expr, ...] = field(default=())
    """Values of the steps below the lowest rung, lowest first."""

    @property
    def binders(self) -> tuple[Binder, ...]:
        """The indices of a step besides the time."""
        return self.rungs[0].binders


def _ladders(rule: Rule, types: Types, size: int) -> Iterator[_Ladder]:
    """The longest ladders of at least two rungs."""
    hidden = _hidden(rule, types, size)
    readers: dict[str, list[Statement]] = {}
    for statement in rule.statements:
        if cost(statement) <= size and types.tensor[statement.target].is_bit:
            for name in read_names([statement.value]) & hidden.keys():
                readers.setdefault(name, []).append(statement)
    for lower in hidden.values():
        for upper in readers.get(lower.target, ()):
            ways = (_two(lower, upper), _two(lower, upper, is_last_first=True))
            for found in dict.fromkeys(way for way in ways if way is not None):
                if not _two_below(lower, hidden, found.step):
                    yield _continued(found, hidden, readers)


def _continued(found: _Ladder, hidden: Mapping[str, Statement], readers: Mapping[str, Sequence[Statement]]) -> _Ladder:
    """The ladder with all rungs above."""
    while (top := found.rungs[-1]).target in hidden:
        after = (_two(top, other) for other in readers.get(top.target, ()))
        time = len(found.rungs) - 1
        following = next((f for f in after if f is not None and _continues(f, found, time)), None)
        if following is None:
            break
        found = _Ladder((*found.rungs, following.rungs[1]), found.step, found.bottom)
    return found


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


def _own(statement: Statement) -> Read:
    """An element of a tensor at the indices of its clause."""
    return Read(statement.target, tuple(Index(b.name) for b in statement.binders))


def _two(lower: Statement, upper: Statement, is_last_first: bool = False) -> _Ladder | None:
    """Two statements as a ladder, if the upper one is a later step.

    Of several operands of the lower one that an operand of the upper one may be one step later, it is the first, or the
    last; what is left over is what is carried in.
    """
    if upper.binders != lower.binders or upper.target == lower.target:
        return None
    carried = _own(lower)
    if [n for n in reads(upper.value) if n.tensor == lower.target] != [carried]:
        return None
    match = Match(is_last_first)
    step = match.unified(rewrite(upper.value, lambda n: CARRIED if n == carried else n), lower.value)
    if step is None or match.carried is None or not match.moves:
        return None
    return _Ladder((lower, upper), step, match.carried)


def _two_below(lower: Statement, hidden: Mapping[str, Statement], step: Expr) -> bool:
    """Whether a step below is a statement as well, so that the ladder begins there."""
    for name in read_names([lower.value]) & hidden.keys():
        found = _two(hidden[name], lower)
        if found is not None and _agree(found.step, step, -1):
            return True
    return False


def _continues(above: _Ladder, found: _Ladder, time: int) -> bool:
    return above.bottom == _own(found.rungs[-2]) and _agree(above.step, found.step, time)


def _agree(one: Expr, other: Expr, time: int) -> bool:
    """Whether the two steps of a ladder are those of another one from a time on.

    Places move by a number a step, so that two of them say all; one alone is not enough, since it does not tell
    which operand of the lowest rung was taken for what is carried into it.
    """
    return all(_is_same(_at(one, k), _at(other, time + k)) for k in (0, 1))


def _is_same(one: Expr, other: Expr) -> bool:
    """Whether two expressions differ at most in the names of the indices of their reductions."""
    free = sorted(free_indices(one) | free_indices(other))
    return alpha_key(one, free) == alpha_key(other, free)


def _at(step: Expr, time: int) -> Expr:
    return rewrite(substitute(step, {TIME: Literal(time)}), _simple)


def _simple(node: Expr) -> Expr:
    """A read with its positions in their normal form."""
    if not isinstance(node, Read):
        return node
    return Read(node.tensor, tuple(simplify(p) for p in node.positions), node.pad, location=node.location)


def _begun(ladder: _Ladder, equal: Equal) -> _Ladder | None:
    """The ladder with the steps below its lowest rung, down to that into which a constant is carried."""
    below: list[Expr] = []
    bottom = ladder.bottom
    for depth in range(1, _DEEPEST + 1):
        below.insert(0, bottom)
        step = _at(ladder.step, -depth)
        if not _is_inside(step):
            return None
        for pad in (0, 1):
            first = rewrite(step, lambda n, c=pad: Literal(c) if n == CARRIED else n)  # type: ignore[misc]
            ours = Statement("term", (Literal(0), *ladder.binders), bottom)
            theirs = Statement("term", (Binder(TIME, Literal(0), Literal(1)), *ladder.binders), first)
            if equal.at(ours, theirs, (TIME, 0)):
                return _Ladder(ladder.rungs, ladder.step, ladder.bottom, pad, tuple(below))
        match = Match()
        moved = match.unified(_at(ladder.step, 0), bottom)
        if moved is None or match.carried is None or not _is_same(_at(moved, 0), step):
            break
        bottom = match.carried
    return None


def _is_inside(step: Expr) -> bool:
    """Whether nothing is read visibly before the first place of a tensor."""
    return all(
        n.pad is not None or not any(isinstance(p, Literal) and p.value < 0 for p in n.positions) for n in reads(step)
    )


def _written(rule: Rule, ladder: _Ladder) -> tuple[Rule, Witness]:
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
    value = rewrite(rewrite(step, _simple), lambda n: before if n == CARRIED else n)
    made = [Statement(state, (Literal(0), *ladder.binders), ladder.below[0])] if pad is None else []
    made.append(Statement(state, (Binder(time, Literal(len(made)), Literal(extent)), *ladder.binders), value))
    gone = {s.target: first + k for k, s in enumerate(ladder.rungs) if all(isinstance(p, Binder) for p in s.positions)}
    top = ladder.rungs[-1]
    results = {d.name for d in rule.outputs}
    if top.target in results:
        gone.pop(top.target, None)
    statements: list[Statement] = []
    for statement in rule.statements:
        if statement is ladder.rungs[0]:
            statements += made
        if statement.target in gone:
            continue
        value = statement.value
        if statement is top:
            value = Read(state, (Literal(extent - 1), *own))
        value = rewrite(value, lambda n: _moved(n, state, gone))
        statements.append(Statement(statement.target, statement.positions, value, location=statement.location))
    meanings = [
        *(Statement(state, (Literal(k), *ladder.binders), value) for k, value in enumerate(ladder.below)),
        *(Statement(state, (Literal(first + k), *ladder.binders), _meant(s)) for k, s in enumerate(ladder.rungs)),
    ]
    return with_statements(rule, statements), Witness(tuple(meanings))


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
