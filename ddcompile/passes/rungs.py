"""What two steps of a ladder have in common: the same text, but for places that move with the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ddcompile.analysis.scopes import alpha_key
from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binary, Binder, Expr, Index, Literal, Read, Reduce, Statement
from ddcompile.ir.traverse import (
    chain_operands,
    children,
    free_indices,
    reads,
    rename_indices,
    rewrite,
    substitute,
    with_children,
)
from ddcompile.passes.equal import Equal
from ddcompile.passes.rewrite import plain_places

__all__ = [
    "CARRIED", "TIME", "Match", "Rungs",
    "agree", "at", "carried_into", "continued", "is_inside", "own", "pad_of", "two",
]  # fmt: skip

CARRIED = Read("?carried")
"""What a step reads of the one before."""
TIME = "t?"
"""The index of the time."""


class Match:
    """What two expressions have in common: places that differ by a number move with the time."""

    def __init__(self, is_last_first: bool = False) -> None:
        self.is_last_first = is_last_first
        self.carried: Expr | None = None
        """What the earlier one has in the place of what is carried in."""
        self.moves = False

    def unified(self, later: Expr, earlier: Expr) -> Expr | None:
        """The expression over the time that is the earlier one at 0 and the later one at 1; None if there is none."""
        if later == CARRIED:
            self.carried = earlier if self.carried in (None, earlier) else None
            return later if self.carried is not None else None
        if isinstance(later, Read):
            return self._read(later, earlier)
        if isinstance(later, Binary) and later.op in ("+", "and", "or", "xor"):
            return self._operands(later, earlier)
        if isinstance(later, Reduce) and isinstance(earlier, Reduce) and len(later.binders) == len(earlier.binders):
            # Indices of both are called alike.
            names = {b.name: own.name for b, own in zip(earlier.binders, later.binders, strict=True)}
            ends = [(rename_indices(b.lower, names), rename_indices(b.upper, names)) for b in earlier.binders]
            binders = tuple(Binder(own.name, *pair) for own, pair in zip(later.binders, ends, strict=True))
            earlier = Reduce(earlier.op, binders, rename_indices(earlier.body, names))
        kids, others = children(later), children(earlier)
        if type(later) is not type(earlier) or len(kids) != len(others) or with_children(later, others) != earlier:
            return None
        if not kids:
            return later if later == earlier else None
        found = [self.unified(a, b) for a, b in zip(kids, others, strict=True)]
        known = tuple(f for f in found if f is not None)
        return with_children(later, known) if len(known) == len(found) else None

    def _read(self, later: Read, earlier: Expr) -> Expr | None:
        if not isinstance(earlier, Read) or (later.tensor, later.pad) != (earlier.tensor, earlier.pad):
            return None
        places = [self._place(a, b) for a, b in zip(later.positions, earlier.positions, strict=True)]
        known = tuple(p for p in places if p is not None)
        return Read(later.tensor, known, later.pad) if len(known) == len(places) else None

    def _place(self, later: Expr, earlier: Expr) -> Expr | None:
        if later == earlier:
            return later
        match later, earlier:
            case Binary("%", a, Literal() as modulus), Binary("%", b, other) if modulus == other:
                inner = self._place(a, b)
                return None if inner is None else Binary("%", inner, modulus)
        forms = affine_of(later), affine_of(earlier)
        if forms[0] is None or forms[1] is None or not (forms[0] - forms[1]).is_constant:
            return None
        self.moves = True
        return (forms[1] + Affine.of(0, {TIME: (forms[0] - forms[1]).constant})).to_expr()

    def _operands(self, later: Binary, earlier: Expr) -> Expr | None:
        """Operands in any order; what is carried into the earlier one may be several of them."""
        mine, theirs = chain_operands(later.op, later), chain_operands(later.op, earlier)
        left = list(reversed(theirs) if self.is_last_first else theirs)
        found: list[Expr] = []
        carrying = [x for x in mine if CARRIED in reads(x)]
        for operand in (x for x in mine if x not in carrying):
            for other in left:
                new = self.unified(operand, other)
                if new is not None:
                    found.append(new)
                    left.remove(other)
                    break
            else:
                return None
        for operand in carrying:
            if not left:
                return None
            rest = left[0]
            for other in left[1:]:
                rest = Binary(later.op, rest, other)
            new = self.unified(operand, rest)
            if new is None:
                return None
            found.append(new)
            left = []
        if left or not found:
            return None
        result = found[0]
        for operand in found[1:]:
            result = Binary(later.op, result, operand)
        return result


@dataclass(frozen=True, slots=True)
class Rungs:
    """Statements of which each reads the one before.

    Attributes
    ----------
    rungs
        The statements, lowest first; the last one may be an element of a result. None where nothing reads what the
        step says.
    step
        What one says at a time, the lowest at 0, of what it reads as carried in.
    bottom
        What the lowest one has in the place of that.
    pad
        What is carried in at first; None if the lowest of `below` is no step.
    """

    rungs: tuple[Statement | None, ...]
    step: Expr
    bottom: Expr
    pad: int | None = None
    below: tuple[Expr, ...] = field(default=())
    """Values of the steps below the lowest rung, lowest first."""
    others: frozenset[int] = frozenset()
    """Which rungs are no steps, by their numbers."""

    @property
    def binders(self) -> tuple[Binder, ...]:
        """The indices of a step besides the time."""
        return self.ends[0].binders

    @property
    def ends(self) -> tuple[Statement, Statement]:
        """The lowest rung and the highest one."""
        lowest, highest = self.rungs[0], self.rungs[-1]
        assert lowest is not None
        assert highest is not None
        return lowest, highest


def continued(found: Rungs, hidden: Mapping[str, Statement], readers: Mapping[str, Sequence[Statement]]) -> Rungs:
    """The ladder with all rungs above."""
    while (top := found.ends[1]).target in hidden:
        after = (two(top, other) for other in readers.get(top.target, ()))
        time = len(found.rungs) - 1
        following = next((f for f in after if f is not None and _continues(f, found, time)), None)
        if following is None:
            break
        found = replace(found, rungs=(*found.rungs, following.rungs[1]))
    return found


def own(statement: Statement) -> Read:
    """An element of a tensor at the indices of its clause."""
    return Read(statement.target, tuple(Index(b.name) for b in statement.binders))


def two(lower: Statement, upper: Statement, is_last_first: bool = False) -> Rungs | None:
    """Two statements as a ladder, if the upper one is a later step.

    Of several operands of the lower one that an operand of the upper one may be one step later, it is the first, or the
    last; what is left over is what is carried in.
    """
    if upper.binders != lower.binders or upper.target == lower.target:
        return None
    carried = own(lower)
    if [n for n in reads(upper.value) if n.tensor == lower.target] != [carried]:
        return None
    match = Match(is_last_first)
    step = match.unified(rewrite(upper.value, lambda n: CARRIED if n == carried else n), lower.value)
    if step is None or match.carried is None or not match.moves:
        return None
    return Rungs((lower, upper), step, match.carried)


def _continues(above: Rungs, found: Rungs, time: int) -> bool:
    before = found.rungs[-2]
    return before is not None and above.bottom == own(before) and agree(above.step, found.step, time)


def agree(one: Expr, other: Expr, time: int) -> bool:
    """Whether the two steps of a ladder are those of another one from a time on.

    Places move by a number a step, so that two of them say all; one alone is not enough, since it does not tell
    which operand of the lowest rung was taken for what is carried into it.
    """
    return all(_is_same(at(one, k), at(other, time + k)) for k in (0, 1))


def _is_same(one: Expr, other: Expr) -> bool:
    """Whether two expressions differ at most in the names of the indices of their reductions."""
    free = sorted(free_indices(one) | free_indices(other))
    return alpha_key(one, free) == alpha_key(other, free)


def at(step: Expr, time: int) -> Expr:
    """The step at a time."""
    return rewrite(substitute(step, {TIME: Literal(time)}), plain_places)


def carried_into(value: Expr, step: Expr) -> Expr | None:
    """What a value, which is the step of a time, has in the place of what is carried; None if it is not that step."""
    match = Match()
    moved = match.unified(step, value)
    return match.carried if moved is not None and _is_same(at(moved, 0), step) else None


def pad_of(value: Expr, step: Expr, binders: tuple[Binder, ...], equal: Equal) -> int | None:
    """The constant with which the step of a time is this value; None if it is not."""
    if not is_inside(step):
        return None
    ours = Statement("term", (Literal(0), *binders), value)
    for pad in (0, 1):
        first = rewrite(step, lambda n, c=pad: Literal(c) if n == CARRIED else n)  # type: ignore[misc]
        theirs = Statement("term", (Binder(TIME, Literal(0), Literal(1)), *binders), first)
        if equal.at(ours, theirs, (TIME, 0)):
            return pad
    return None


def is_inside(step: Expr) -> bool:
    """Whether nothing is read visibly before the first place of a tensor."""
    return all(
        n.pad is not None or not any(isinstance(p, Literal) and p.value < 0 for p in n.positions) for n in reads(step)
    )
