"""Letters for indices: that of the axis they go along, `i` for the first axis of an input, `j` for its second.

An index goes along the axis of an input on which it stands, or along that on which the indices of a computed tensor
stand: in `column[j] = sum(i < 8: x[i, j])`, so in `column[j]` too. An index that stands on several takes the first that
is free; one that is added to others comes after one that stands alone; one that stands on none, or comes second, takes
the next letter. Offsets that are added to `i` are called `di`, steps of time `t`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binary, Binder, Binding, Expr, Index, Literal, Reduce, Rule, Softmax, Statement
from ddcompile.ir.traverse import children, postorder, reads, rename_indices, with_children

__all__ = ["LETTERS", "with_letters"]

LETTERS = "ijklmnpqrsabcefgh"
_TIME = "t"


def with_letters(
    rule: Rule, statements: Sequence[Statement], tensors: set[str], timed: Container[str] = ()
) -> list[Statement]:
    """Statements, each after those it reads, with letters for their indices; no name in `tensors` is one.

    The first positions of the tensors in `timed` are steps of time.
    """
    letters = [n for n in (*LETTERS, *(f"{c}{k}" for k in range(1, 60) for c in LETTERS)) if n not in tensors]
    axes: dict[str, list[int | None]] = {d.name: list(range(len(d.type.shape))) for d in rule.inputs}
    renamed = []
    for statement in statements:
        unique = _unique(statement)
        found = _Axes.of(unique, axes)
        own = axes.setdefault(unique.target, [None] * len(unique.positions))
        for place, position in enumerate(unique.positions):
            is_time = not place and unique.target in timed
            if isinstance(position, Binder) and own[place] is None and not is_time:
                own[place] = next(iter(found.all(position.name)), None)
        renamed.append(_lettered(unique, _Chooser(found, letters, tensors), unique.target in timed))
    return renamed


def _unique(statement: Statement) -> Statement:
    """The statement with another name, no letter, for every index that is bound."""
    own = {b.name: f"?{k}" for k, b in enumerate(statement.binders)}
    count = len(own)

    def choose(binder: Binder, body: Expr, scope: dict[str, str]) -> str:
        nonlocal count
        count += 1
        return f"?{count - 1}"

    return _renamed(statement, own, choose)


@dataclass(frozen=True, slots=True)
class _Axes:
    """The axes along which the indices of a statement go, in ascending order."""

    alone: dict[str, list[int]]
    added: dict[str, list[int]]
    """Where an index is part of a sum."""

    @classmethod
    def of(cls, statement: Statement, axes: dict[str, list[int | None]]) -> _Axes:
        alone: dict[str, set[int]] = {}
        added: dict[str, set[int]] = {}
        for read in reads(statement.value):
            for axis, position in zip(axes.get(read.tensor, ()), read.positions, strict=False):
                if axis is None:
                    continue
                if isinstance(position, Index):
                    alone.setdefault(position.name, set()).add(axis)
                    continue
                bare = position.left if isinstance(position, Binary) and position.op == "%" else position
                form = affine_of(bare)
                for name in form.names if form is not None else ():
                    added.setdefault(name, set()).add(axis)
        return cls({n: sorted(found) for n, found in alone.items()}, {n: sorted(found) for n, found in added.items()})

    def all(self, name: str) -> list[int]:
        """All of one index, those on which it stands alone first."""
        return [*self.alone.get(name, ()), *self.added.get(name, ())]

    @property
    def claimed(self) -> set[int]:
        """The first choice of every index that stands alone somewhere."""
        return {axes[0] for axes in self.alone.values()}


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Chooses letters for the indices of one statement."""

    axes: _Axes
    letters: list[str]
    tensors: set[str]

    def letter(self, name: str, used: Iterable[str]) -> str:
        """The letter of an axis along which an index goes, else the next one that no axis claims."""
        taken = set(used)
        claimed = {self.letters[axis] for axis in self.axes.claimed if axis < len(self.letters)}
        for axes, others in ((self.axes.alone, set()), (self.axes.added, claimed)):
            for axis in axes.get(name, ()):
                if axis < len(self.letters) and self.letters[axis] not in taken | others:
                    return self.letters[axis]
        claimed |= {self.letters[found[0]] for found in self.axes.added.values() if found[0] < len(self.letters)}
        free = [n for n in self.letters if n not in taken]
        return next((n for n in free if n not in claimed), free[0])

    def inner(self, binder: Binder, body: Expr, scope: dict[str, str]) -> str:
        """`di` for an offset that is added to `i`, else a letter."""
        if isinstance(binder.lower, Literal) and binder.lower.value < 0:
            for node in postorder(body):
                form = affine_of(node) if isinstance(node, Binary) else None
                if form is not None and binder.name in form.names and len(form.names) == 2:
                    (other,) = form.names - {binder.name}
                    offset = f"d{scope.get(other, '?')}"
                    if "?" not in offset and offset not in self.tensors and offset not in scope.values():
                        return offset
        return self.letter(binder.name, scope.values())


def _lettered(statement: Statement, chooser: _Chooser, is_timed: bool) -> Statement:
    own: dict[str, str] = {}
    first = statement.positions[0] if is_timed else None
    if isinstance(first, Binder) and _TIME not in chooser.tensors:
        own[first.name] = _TIME
    for binder in statement.binders:
        if binder.name not in own:
            own[binder.name] = chooser.letter(binder.name, own.values())
    return _renamed(statement, own, chooser.inner)


def _renamed(
    statement: Statement, own: dict[str, str], choose: Callable[[Binder, Expr, dict[str, str]], str]
) -> Statement:
    """The statement with names for its own indices and, chosen from outside inwards, for those of reductions."""
    positions = tuple(
        Binder(own[p.name], rename_indices(p.lower, own), rename_indices(p.upper, own), location=p.location)
        if isinstance(p, Binder)
        else p
        for p in statement.positions
    )
    results: list[Expr] = []
    stack: list[tuple[Expr, dict[str, str], bool]] = [(statement.value, own, False)]
    while stack:
        node, scope, done = stack.pop()
        kids = children(node)
        if done or not kids:
            built = results[len(results) - len(kids) :]
            del results[len(results) - len(kids) :]
            results.append(_rebuilt(node, built, scope))
            continue
        if isinstance(node, Binding):
            scope = dict(scope)
            for binder in node.binders:
                scope[binder.name] = choose(binder, node.body, scope)
        stack.append((node, scope, True))
        stack += [(kid, scope, False) for kid in reversed(kids)]
    return Statement(statement.target, positions, results[0], location=statement.location)


def _rebuilt(node: Expr, kids: list[Expr], names: dict[str, str]) -> Expr:
    match node:
        case Index(old):
            return Index(names.get(old, old), location=node.location)
        case Reduce(op, binders, _):
            new = tuple(Binder(names[b.name], kids[2 * k], kids[2 * k + 1]) for k, b in enumerate(binders))
            return Reduce(op, new, kids[-1], location=node.location)
        case Softmax(binder, _, _):
            return Softmax(Binder(names[binder.name], kids[0], kids[1]), kids[2], kids[3], location=node.location)
    return with_children(node, tuple(kids))
