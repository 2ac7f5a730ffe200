"""Write a tensor that is read once where it is read, and fuse a tensor into the only reduction over it.

Before::

    wide[i < 9] = 2 * sum(j < 9: x[i, j]) > 9
    tall[j < 9] = 2 * sum(i < 9: x[i, j]) > 9
    y = sum(i < 9: wide[i]) > sum(j < 9: tall[j])

After::

    wide = sum(i < 9: 2 * sum(j < 9: x[i, j]) > 9)
    tall = sum(j < 9: 2 * sum(i < 9: x[i, j]) > 9)
    y = wide > tall

Only where no element is computed more often than before: the read's positions are distinct indices (plus constants, or
wrapped) and use every index in scope. Statements do not grow beyond a size that can be read, exceptions aside; what is
all the value of its reader takes its place.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.analysis.scopes import subexpressions
from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binary, Binder, Binding, Expr, If, Index, Literal, Read, Reduce, Rule, Statement
from ddcompile.ir.traverse import free_indices, postorder, reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import infer
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, Witness, expressions, plain_places, read_names, unchanged, with_statements

__all__ = ["Inline", "reads_apart", "renamed_for"]


@dataclass(frozen=True, slots=True)
class Inline(Pass):
    """Write a tensor that is read once where it is read, and fuse a tensor into the only reduction over it."""

    name: ClassVar[str] = "inline"
    size: int = option(24, "the largest cost of a statement after something was written into it")
    body: int = option(32, "the same where it is all that a sum adds up")

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        state = _State(rule)
        if not state.settle(names_of(rule), self):
            return unchanged(rule)
        return Rewrite(state.rule(), Witness())


_Change: TypeAlias = dict[int, Statement | None]
"""New statements by their numbers; None for one that goes."""


class _State:
    """The statements by their numbers, who reads what, and the tensors that are still to be looked at."""

    def __init__(self, rule: Rule) -> None:
        self._old = rule
        self._results = {d.name for d in rule.outputs}
        self._statements = dict(enumerate(rule.statements))
        self._places: dict[str, list[int]] = {}
        self._clauses: dict[str, list[int]] = {}
        for number, statement in self._statements.items():
            self._add(number, statement)
        self._work = [numbers[0] for numbers in self._clauses.values()]
        self._waiting = set(self._work)

    def rule(self) -> Rule:
        """The program as it is now."""
        return with_statements(self._old, self._statements.values())

    def settle(self, names: Names, options: Inline) -> bool:
        """Write tensors into their readers, the first in the text first, until nothing changes any more."""
        changed = False
        heapify(self._work)
        while self._work:
            number = heappop(self._work)
            self._waiting.discard(number)
            change = self._change(number, names, options)
            if change is not None and self._saved(change) >= 0:
                self._apply(change)
                changed = True
        return changed

    def _change(self, number: int, names: Names, options: Inline) -> _Change | None:
        source = self._statements.get(number)
        if source is None or source.target in self._results or len(self._clauses[source.target]) != 1:
            return None
        places = sorted(self._places.get(source.target, ()))
        if not places or number in places or not all(isinstance(p, Binder) for p in source.positions):
            return None
        if len(places) > 1 and not _is_copy(source):
            return None
        readers = {place: self._statements[place] for place in places}
        if any(reader.target in read_names([reader]) for reader in readers.values()):
            return None
        if len(places) == 1 and source.binders:
            fused = _fused(source, readers[places[0]], names, self.rule)
            if fused is not None:
                return {number: fused[0], places[0]: fused[1]}
        written = _written(source, readers, options, names)
        return None if written is None else {number: None, **written}

    def _saved(self, change: _Change) -> int:
        """How much shorter the text gets."""
        before = sum(cost(self._statements[number]) for number in change)
        return before - sum(cost(new) for new in change.values() if new is not None)

    def _apply(self, change: _Change) -> None:
        touched: set[str] = set()
        for number, new in change.items():
            old = self._statements[number]
            touched |= {old.target, *_reads(old)}
            for name in _reads(old):
                self._places[name].remove(number)
            self._clauses[old.target].remove(number)
            if new is None:
                del self._statements[number]
            else:
                self._statements[number] = new
                self._add(number, new)
                touched |= {new.target, *_reads(new)}
        for name in touched:
            for number in self._clauses.get(name, ())[:1]:
                if number not in self._waiting:
                    self._waiting.add(number)
                    heappush(self._work, number)

    def _add(self, number: int, statement: Statement) -> None:
        for name in _reads(statement):
            self._places.setdefault(name, []).append(number)
        insort(self._clauses.setdefault(statement.target, []), number)


def _reads(statement: Statement) -> list[str]:
    """The tensors that a statement reads, once for each read."""
    return [node.tensor for expr in expressions(statement) for node in reads(expr)]


def _is_copy(source: Statement) -> bool:
    """Whether a tensor is another's element or a literal, which may be written anywhere."""
    return isinstance(source.value, Literal | Read) and getattr(source.value, "pad", None) is None


def _written(
    source: Statement, readers: dict[int, Statement], options: Inline, names: Names
) -> dict[int, Statement] | None:
    """The readers with `source` written into them; None if one of them forbids it."""
    written = {}
    is_copy = _is_copy(source)
    for place, old in readers.items():
        reader = old
        while found := _first_read(source.target, reader):
            node, scope = found
            if node.pad is not None or not (is_copy or reads_apart(node, scope)):
                return None
            value = renamed_for(source, reader, scope, names)
            moved = rewrite(substitute(value[1], dict(zip(value[0], node.positions, strict=True))), plain_places)
            new = rewrite(reader.value, lambda n, r=node, m=moved: m if n == r else n)  # type: ignore[misc]
            reader = Statement(reader.target, reader.positions, new, location=reader.location)
            if is_copy:
                continue
            most = options.body if _is_body(node, old.value) else options.size
            if node != old.value and _usual_cost(reader) > max(most, _usual_cost(old)):
                return None
            break
        if source.target in read_names([reader]):
            return None
        written[place] = reader
    return written


def _first_read(tensor: str, reader: Statement) -> tuple[Read, tuple[Binder, ...]] | None:
    """A read of a tensor, with the indices in whose scope it is."""
    return next(((n, scope) for n, scope in subexpressions(reader) if isinstance(n, Read) and n.tensor == tensor), None)


def _usual_cost(statement: Statement) -> int:
    """What a statement costs but for its exceptions, which a reader may skip."""

    def step(node: Expr) -> Expr:
        return node.otherwise if isinstance(node, If) and next(reads(node.condition), None) is None else node

    return cost(Statement(statement.target, statement.positions, rewrite(statement.value, step)))


def _is_body(read: Read, value: Expr) -> bool:
    """Whether a value has a sum of a read."""
    return any(isinstance(n, Reduce) and n.op in ("sum", "any", "all") and n.body == read for n in postorder(value))


def reads_apart(node: Read, scope: tuple[Binder, ...]) -> bool:
    """Whether different values of the indices in scope read different elements."""
    used = []
    for position in node.positions:
        inner, extent = position, None
        if isinstance(position, Binary) and position.op == "%" and isinstance(position.right, Literal):
            inner, extent = position.left, position.right.value
        form = affine_of(inner)
        if form is None or len(form.names) != 1:
            if form is None or form.names:
                return False
            continue
        (name,) = form.names
        binder = next((b for b in scope if b.name == name), None)
        bounds = None if binder is None else box_bounds(binder)
        if (
            binder is None
            or abs(form.coefficient(name)) != 1
            or (extent is not None and (bounds is None or bounds[1] - bounds[0] > extent))
        ):
            return False
        used.append(name)
    return len(set(used)) == len(used) and set(used) == {b.name for b in scope}


def renamed_for(
    source: Statement, reader: Statement, scope: tuple[Binder, ...], names: Names
) -> tuple[list[str], Expr]:
    """The indices and value of `source` with names that do not meet those of the reader."""
    taken = {b.name for b in scope} | {b.name for b in reader.binders}
    for node in postorder(reader.value):
        if isinstance(node, Binding):
            taken |= {b.name for b in node.binders}
    own = [b.name for b in source.binders]
    inner = [b.name for n in postorder(source.value) if isinstance(n, Binding) for b in n.binders]
    wanted = list(dict.fromkeys([*own, *inner]))
    free = iter(names.indices(len(wanted), avoid=taken | set(wanted)))
    new = {n: (next(free) if n in taken else n) for n in wanted}
    return [new[n] for n in own], rename_indices(source.value, new)


def _fused(
    source: Statement, reader: Statement, names: Names, rule: Callable[[], Rule]
) -> tuple[Statement, Statement] | None:
    """Turn `t[i] = e` whose only use is `reduce(i: t[i])` into a scalar `t = reduce(i: e)`, and its reader."""
    for node, _ in subexpressions(reader):
        if not isinstance(node, Reduce) or not isinstance(node.body, Read) or node.body.tensor != source.target:
            continue
        if node.op not in ("sum", "any", "all", "min", "max") or node.body.pad is not None:
            return None
        own = [b.name for b in source.binders]
        positions = [p.name if isinstance(p, Index) else "" for p in node.body.positions]
        inner = {b.name: box_bounds(b) for b in node.binders}
        if sorted(positions) != sorted(inner):
            return None
        is_whole = all(inner[p] == box_bounds(b) is not None for p, b in zip(positions, source.binders, strict=True))
        if is_whole and (positions == list(inner) or not Reals(infer(rule()))(node)):
            fused = Reduce(node.op, source.binders, source.value)
        else:
            # Reals are added, and compared, in the order of the indices of the reader.
            if any(free_indices(end) - inner.keys() for b in node.binders for end in (b.lower, b.upper)):
                return None
            taken = {b.name for n in postorder(source.value) if isinstance(n, Binding) for b in n.binders}
            free = iter(names.indices(len(own), avoid={*taken, *own, *inner}))
            new = {p: next(free) for p in inner}
            binders = tuple(
                Binder(new[b.name], rename_indices(b.lower, new), rename_indices(b.upper, new)) for b in node.binders
            )
            value = rename_indices(source.value, {o: new[p] for o, p in zip(own, positions, strict=True)})
            fused = Reduce(node.op, binders, value)
        name = names(source.target)
        scalar = Statement(name, (), fused)
        scalar_read = Read(name)
        value = rewrite(reader.value, lambda n, t=node, r=scalar_read: r if n == t else n)  # type: ignore[misc]
        return scalar, Statement(reader.target, reader.positions, value, location=reader.location)
    return None
