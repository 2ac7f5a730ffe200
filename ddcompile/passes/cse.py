"""Give an expression that occurs more than once a name, where that makes the text shorter.

Before::

    a[i < 9] = 9 * sum(j < 9: x[i, j]) > sum(k < 9, l < 9: x[k, l])
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > sum(i < 9, j < 9: x[i, j])

After::

    shared = sum(k < 9, l < 9: x[k, l])
    a[i < 9] = 9 * sum(j < 9: x[i, j]) > shared
    b[j < 9] = 9 * sum(i < 9: x[i, j]) > shared

Expressions are compared up to the names of indices, across statements; the ranges of their free indices must agree.
A range of a reduction may begin below 0, where tensors have no elements: it is moved to begin there.
The expression whose name saves most is named first; then the statements that read it are looked at again. What only
says where something is read, `(i + 1) % 8`, gets no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import ClassVar, TypeAlias

from ddcompile.analysis.cost import cost
from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.scopes import alpha_key, ambiguous_indices, ordered_free, subexpressions
from ddcompile.ir import builder
from ddcompile.ir.nodes import Binder, Expr, Index, Literal, Read, Rule, Size, Statement
from ddcompile.ir.traverse import children, postorder, reads, rewrite, substitute
from ddcompile.passes.layers import Names, names_of
from ddcompile.passes.options import Pass, option
from ddcompile.passes.rewrite import Rewrite, read_names, unchanged, with_statements

__all__ = ["Cse"]

_Key: TypeAlias = tuple[Expr, tuple[tuple[int, int], ...]]
_Use: TypeAlias = tuple[Expr, tuple[Binder, ...]]


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
        statements = state.statements()
        if len(statements) == len(rule.statements):
            return unchanged(rule)
        return Rewrite(with_statements(rule, statements))


class _State:
    """The statements, the expressions in them that could be shared, and what sharing them would save.

    A statement is known by its rank; ranks are in the order of the text, with room between any two of them.
    """

    def __init__(self, rule: Rule, size: int) -> None:
        self._size = size
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
                self._name(key, names("shared"))
                return True
        return False

    def _name(self, key: _Key, name: str) -> None:
        uses = self._uses[key]
        first = min(uses)
        expr, binders = uses[first][0]
        changed: dict[_Key, None] = {}
        for rank, found in list(uses.items()):
            value = self._at[rank].value
            for own, own_binders in found:
                read = _read(name, own_binders)
                value = rewrite(value, lambda n, e=own, r=read: r if n == e else n)  # type: ignore[misc]
            old = self._at[rank]
            changed |= self._forget(rank)
            self._at[rank] = Statement(old.target, old.positions, value, location=old.location)
            changed |= self._note(rank)
        rank = (self._before[first] + first) / 2
        self._at[rank] = _statement(name, binders, expr)
        self._before[rank], self._before[first] = self._before[first], rank
        changed |= self._note(rank)
        for each in sorted(changed, key=self._first):
            self._weigh(each)

    def _first(self, key: _Key) -> Fraction:
        return min(self._uses.get(key, ()), default=Fraction(0))

    def _note(self, rank: Fraction) -> dict[_Key, None]:
        """Take note of the expressions in a statement."""
        found = list(_candidates(self._at[rank], self._size))
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
        count = sum(map(len, uses.values()))
        saved = 0
        if count > 1:
            expr, binders = uses[min(uses)][0]
            saved = count * (cost(expr) - cost(_read("x", binders))) - cost(_statement("x", binders, expr))
        self._savings[key] = saved
        if saved > 0:
            self._count += 1
            entry = (-saved, min(uses), self._count, key)
            if sift:
                heappush(self._heap, entry)
            else:
                self._heap.append(entry)


def _candidates(statement: Statement, size: int) -> Iterator[tuple[_Key, _Use]]:
    """The expressions in a statement that could be shared, outermost first, and what makes two of them equal."""
    if statement.target in read_names([statement]):
        return
    ambiguous = ambiguous_indices(statement)
    sizes = _sizes(statement.value)
    for expr, scope in subexpressions(statement):
        if isinstance(expr, Literal | Index | Size | Read) or not children(expr) or sizes[id(expr)] > size:
            continue
        # Where something is read is said in place: maps of indices have no names.
        if not any(True for _ in reads(expr)):
            continue
        own = ordered_free(expr)
        if not ambiguous.isdisjoint(own):
            continue
        binders = tuple(next(b for b in scope if b.name == n) for n in own)
        bounds = [box_bounds(b) for b in binders]
        if all(b is not None for b in bounds):
            yield (alpha_key(expr, own), tuple(b for b in bounds if b is not None)), (expr, binders)


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


def _read(name: str, binders: tuple[Binder, ...]) -> Read:
    """The element of the named expression for the indices in scope."""
    return Read(name, tuple(builder.sub(Index(b.name), _start(b)) for b in binders))


def _statement(name: str, binders: tuple[Binder, ...], expr: Expr) -> Statement:
    """The expression under its name, over ranges that do not begin below 0."""
    starts = {b.name: _start(b) for b in binders if _start(b)}
    moved = tuple(
        Binder(b.name, *(builder.sub(end, starts[b.name]) for end in (b.lower, b.upper))) if b.name in starts else b
        for b in binders
    )
    back: dict[str, Expr] = {n: builder.add(Index(n), start) for n, start in starts.items()}
    return Statement(name, moved, substitute(expr, back) if back else expr)
