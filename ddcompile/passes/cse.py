"""Give an expression that occurs more than once a name, where that makes the text shorter.

Before::

    a[i < 9] = 9 * sum(j < 9: x[i, j]) > sum(k < 9, l < 9: x[k, l])
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > sum(i < 9, j < 9: x[i, j])

After::

    shared = sum(k < 9, l < 9: x[k, l])
    a[i < 9] = 9 * sum(j < 9: x[i, j]) > shared
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > shared

Expressions are compared up to the names of indices, across statements; the ranges of their free indices must agree. A
range of a reduction may begin below 0, where tensors have no elements: it is moved to begin there. An expression that
reads other tensors at places of its own, as `sum(j < 4: x[(i + 1) % 9, j])` does, is taken for one over all places of
that axis as well: `shared[(i + 1) % 9]`. Recurrences have no such places: their later elements are not known yet. What
statements of a recurrence share of its own steps is part of it, over the step, before the first of these statements.
The expression whose name saves most is named first; then the statements that read it are looked at again. What only
says where something is read, `(i + 1) % 8`, gets no name. An expression that is all the value of a statement has a name
already, that of its tensor: later statements read that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ambiguous_indices, ordered_free, subexpressions
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Binding, Expr, Index, Literal, Read, Rule, Size, Statement
from ddcompile.ir.traverse import (
    children,
    free_indices,
    postorder,
    reads,
    rename_indices,
    rewrite,
    substitute,
    with_children,
)
from ddcompile.ir.types import infer
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.recurrences import cycles, recurrences
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements

__all__ = ["Cse"]

_Key: TypeAlias = tuple[Expr, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True)
class _Use:
    """An expression in a statement, and the one that could have a name: over these indices, read at these places."""

    own: Expr
    named: Expr
    binders: tuple[Binder, ...]
    places: tuple[Expr, ...]

    def read(self, name: str) -> Read:
        """The element of the named expression that it is."""
        return Read(name, tuple(builder.sub(p, _start(b)) for p, b in zip(self.places, self.binders, strict=True)))


@dataclass(frozen=True, slots=True)
class Cse(Pass):
    """Give an expression that occurs more than once a name, where that makes the text shorter."""

    name: ClassVar[str] = "cse"
    size: int = option(200, "how many nodes an expression may have that gets a name", high=100_000)

    def __call__(self, rule: Rule) -> Rewrite:
        """Rewrite a program."""
        state = _State(rule, self.size)
        names = names_of(rule)
        while state.name_best(names):
            pass
        new = with_statements(rule, state.statements())
        return unchanged(rule) if new == rule else Rewrite(new)


class _State:
    """The statements, the expressions in them that could be shared, and what sharing them would save.

    A statement is known by its rank; ranks are in the order of the text, with room between any two of them.
    """

    def __init__(self, rule: Rule, size: int) -> None:
        self._size = size
        types = infer(rule)
        left_out = {s.target for s in rule.statements if not _is_whole(s)} | recurrences(rule, types).keys()
        self._shapes = {n: shape for n, shape in types.shape.items() if n not in left_out}
        """Tensors that have all elements, which are known before a statement that reads any of them."""
        clauses = Counter(s.target for s in rule.statements)
        self._whole = {name for name in self._shapes if clauses[name] == 1}
        """Those of one clause."""
        self._cycles = cycles(rule, types)
        self._at: dict[Fraction, Statement] = {}
        self._before: dict[Fraction, Fraction] = {}
        """The rank of the statement before each one, that of the first one is before them all."""
        self._uses: dict[_Key, dict[Fraction, list[_Use]]] = {}
        self._keys: dict[Fraction, list[_Key]] = {}
        self._savings: dict[_Key, int] = {}
        self._heap: list[tuple[int, Fraction, int, _Key]] = []
        self._count = 0
        for number, statement in enumerate(rule.statements, 1):
            rank = Fraction(number)
            self._at[rank] = statement
            self._before[rank] = Fraction(number - 1)
            self._note(rank)
        for key in self._uses:
            self._weigh(key, sift=False)
        heapify(self._heap)

    def statements(self) -> list[Statement]:
        """The statements in order."""
        return [self._at[rank] for rank in sorted(self._at)]

    def name_best(self, names: Names) -> bool:
        """Name the expression whose naming saves most, the first in the text of several; False if none saves."""
        while self._heap:
            saved, _, _, key = heappop(self._heap)
            if self._savings.get(key) == -saved:
                definition = self._definition(key)
                if definition is not None and self._saved_by(key, definition[0]) == -saved:
                    self._read_by_name(key, *definition)
                else:
                    self._name(key, names("shared"), names)
                return True
        return False

    def _definition(self, key: _Key) -> tuple[Fraction, _Use] | None:
        """The first statement whose value is the expression, over the same indices."""
        for rank in sorted(self._uses[key]):
            statement = self._at[rank]
            for use in self._uses[key][rank] if statement.target in self._whole else ():
                is_value = use.own is statement.value and use.named is use.own
                if is_value and sorted(b.name for b in use.binders) == sorted(b.name for b in statement.binders):
                    return rank, use
        return None

    def _read_by_name(self, key: _Key, defined: Fraction, own: _Use) -> None:
        """Let later statements read the tensor whose value an expression is."""
        statement = self._at[defined]
        indices = [b.name for b in own.binders]
        axes = [indices.index(b.name) for b in statement.binders]
        changed: dict[_Key, None] = {}
        for rank in self._later(key, defined):
            found = self._uses[key][rank]
            changed |= self._replace(
                rank, {use.own: Read(statement.target, tuple(use.places[a] for a in axes)) for use in found}
            )
        for each in sorted(changed, key=self._first):
            self._weigh(each)

    def _saved_by(self, key: _Key, defined: Fraction) -> int:
        """What reading an expression by the name that a statement gives it saves."""
        uses = self._uses[key]
        return sum(_saved(use) for rank in self._later(key, defined) for use in uses[rank])

    def _later(self, key: _Key, defined: Fraction) -> list[Fraction]:
        """The statements that may read an expression by the name that an earlier one gives it."""
        return [rank for rank in self._uses[key] if rank > defined and not self._is_inside(key, rank)]

    def _is_inside(self, key: _Key, rank: Fraction) -> bool:
        """Whether an expression of a statement reads what is evaluated together with that."""
        return not self._cycle(rank).isdisjoint(read_names([self._uses[key][rank][0].named]))

    def _replace(self, rank: Fraction, reads: Mapping[Expr, Read]) -> dict[_Key, None]:
        """Write reads for expressions of a statement; the expressions whose uses have changed."""
        old = self._at[rank]
        changed = self._forget(rank)
        value = rewrite(old.value, lambda n: reads.get(n, n))
        self._at[rank] = Statement(old.target, old.positions, value, location=old.location)
        return changed | self._note(rank)

    def _name(self, key: _Key, name: str, names: Names) -> None:
        uses = self._uses[key]
        # What is part of a cycle is written before the first statement of the cycle that reads it.
        inside = [rank for rank in uses if self._is_inside(key, rank)]
        first = min(inside or uses)
        named = uses[first][0]
        if inside:
            cycle = self._cycle(first) | {name}
            self._cycles.update(dict.fromkeys(cycle, cycle))
        changed: dict[_Key, None] = {}
        for rank, found in list(uses.items()):
            changed |= self._replace(rank, {use.own: use.read(name) for use in found})
        rank = (self._before[first] + first) / 2
        self._at[rank] = _legible(_statement(name, named.binders, named.named), names)
        self._before[rank], self._before[first] = self._before[first], rank
        changed |= self._note(rank)
        for each in sorted(changed, key=self._first):
            self._weigh(each)

    def _cycle(self, rank: Fraction) -> frozenset[str]:
        return self._cycles.get(self._at[rank].target, frozenset())

    def _first(self, key: _Key) -> Fraction:
        return min(self._uses.get(key, ()), default=Fraction(0))

    def _note(self, rank: Fraction) -> dict[_Key, None]:
        """Take note of the expressions in a statement."""
        found = list(_candidates(self._at[rank], self._size, self._shapes, self._cycle(rank)))
        for key, use in found:
            self._uses.setdefault(key, {}).setdefault(rank, []).append(use)
        self._keys[rank] = [key for key, _ in found]
        return dict.fromkeys(self._keys[rank])

    def _forget(self, rank: Fraction) -> dict[_Key, None]:
        changed = dict.fromkeys(self._keys.pop(rank))
        for key in changed:
            del self._uses[key][rank]
        return changed

    def _weigh(self, key: _Key, *, sift: bool = True) -> None:
        """Compute what naming an expression would save."""
        uses = self._uses[key]
        saved = 0
        if sum(map(len, uses.values())) > 1:
            named = uses[min(uses)][0]
            saved = sum(_saved(use) for found in uses.values() for use in found)
            saved -= cost(_statement("x", named.binders, named.named))
            definition = self._definition(key)
            if definition is not None:
                saved = max(saved, self._saved_by(key, definition[0]))
        self._savings[key] = saved
        if saved > 0:
            self._count += 1
            entry = (-saved, min(uses), self._count, key)
            if sift:
                heappush(self._heap, entry)
            else:
                self._heap.append(entry)


def _saved(use: _Use) -> int:
    return cost(use.own) - cost(use.read("x"))


def _is_whole(statement: Statement) -> bool:
    """Whether a clause defines all elements of a box that begins at 0."""
    bounds = [box_bounds(p) if isinstance(p, Binder) else None for p in statement.positions]
    return all(b is not None and b[0] == 0 for b in bounds)


_PLACE = "?"
"""What names of indices begin with that stand for places, until the statement has names of its own."""


def _candidates(
    statement: Statement, size: int, shapes: Mapping[str, tuple[int, ...]], cycle: frozenset[str]
) -> Iterator[tuple[_Key, _Use]]:
    """The expressions in a statement that could be shared, outermost first, and what makes two of them equal.

    What reads the cycle of tensors that the statement is part of belongs to that as well, so its first index has to be
    the step; what reads the very tensor stays where it is.
    """
    step = next((b.name for b in statement.positions[:1] if isinstance(b, Binder)), None)
    ambiguous = ambiguous_indices(statement)
    sizes = _sizes(statement.value)
    for expr, scope in subexpressions(statement):
        if isinstance(expr, Literal | Index | Size | Read) or not children(expr) or sizes[id(expr)] > size:
            continue
        # Where something is read is said in place: maps of indices have no names.
        read = read_names([expr])
        if not read:
            continue
        own = ordered_free(expr)
        if not ambiguous.isdisjoint(own):
            continue
        is_inner = not cycle.isdisjoint(read)
        if is_inner and (step not in own or statement.target in read):
            continue
        if is_inner:
            own.sort(key=lambda index: index != step)
        binders = tuple(next(b for b in scope if b.name == n) for n in own)
        bounds = [box_bounds(b) for b in binders]
        if not all(b is not None for b in bounds):
            continue
        key = alpha_key(expr, own), tuple(b for b in bounds if b is not None)
        yield key, _Use(expr, expr, binders, tuple(Index(n) for n in own))
        wide = None if is_inner else _over_axes(expr, own, shapes)
        if wide is not None:
            names = [b.name for b in wide.binders]
            other = alpha_key(wide.named, names), tuple((0, b.upper.value) for b in wide.binders)  # type: ignore[attr-defined]
            if other != key:
                yield other, wide


def _over_axes(expr: Expr, own: list[str], shapes: Mapping[str, tuple[int, ...]]) -> _Use | None:
    """The expression for all places of the axes where its free indices say where something is read.

    None if they say anything else, or more places than there are indices, or what is read may be padded, or tables and
    inputs say where.
    """
    places: dict[Expr, tuple[str, int]] = {}

    def over_all(node: Expr) -> Expr:
        if not isinstance(node, Read):
            return with_children(node, tuple(map(over_all, children(node))))
        positions = list(node.positions)
        for axis, position in enumerate(positions):
            free = free_indices(position)
            is_plain = node.pad is None and node.tensor in shapes and not any(True for _ in reads(position))
            if free and free <= set(own) and is_plain:
                extent = shapes[node.tensor][axis]
                name, least = places.get(position, (f"{_PLACE}{len(places)}", extent))
                places[position] = name, min(least, extent)
                positions[axis] = Index(name)
        return Read(node.tensor, tuple(positions), node.pad, location=node.location)

    named = over_all(expr)
    if not places or len(places) > len(own) or not free_indices(named).isdisjoint(own):
        return None
    binders = tuple(Binder(name, Literal(0), Literal(extent)) for name, extent in places.values())
    return _Use(expr, named, binders, tuple(places))


def _sizes(root: Expr) -> dict[int, int]:
    """How many nodes each subexpression has, by its identity."""
    sizes: dict[int, int] = {}
    for node in postorder(root):
        sizes[id(node)] = 1 + sum(sizes[id(kid)] for kid in children(node))
    return sizes


def _start(binder: Binder) -> int:
    """The first element of an index, if it is below 0."""
    bounds = box_bounds(binder)
    return 0 if bounds is None else min(bounds[0], 0)


def _statement(name: str, binders: tuple[Binder, ...], expr: Expr) -> Statement:
    """The expression under its name, over ranges that do not begin below 0."""
    starts = {b.name: _start(b) for b in binders if _start(b)}
    moved = tuple(
        Binder(b.name, *(builder.sub(end, starts[b.name]) for end in (b.lower, b.upper))) if b.name in starts else b
        for b in binders
    )
    back: dict[str, Expr] = {n: builder.add(Index(n), start) for n, start in starts.items()}
    return Statement(name, moved, substitute(expr, back) if back else expr)


def _legible(statement: Statement, names: Names) -> Statement:
    """The statement with names for indices that stand for places."""
    bound = [b.name for n in postorder(statement.value) if isinstance(n, Binding) for b in n.binders]
    chosen = names.indices(len(statement.binders), avoid=bound)
    new = {b.name: n for b, n in zip(statement.binders, chosen, strict=True) if b.name.startswith(_PLACE)}
    if not new:
        return statement
    positions = tuple(Binder(new[b.name], b.lower, b.upper) for b in statement.binders)
    return Statement(statement.target, positions, rename_indices(statement.value, new))
