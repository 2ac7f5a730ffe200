"""Values with the clauses of what they read written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ddcompile.analysis.linear import box_bounds
from ddcompile.analysis.reals import Reals
from ddcompile.ir.nodes import Binder, Binding, Constant, Expr, Index, Literal, Read, Statement
from ddcompile.ir.traverse import free_indices, postorder, reads, rename_indices, rewrite, substitute
from ddcompile.ir.types import Types
from ddcompile.passes.fold import with_places
from ddcompile.passes.rewrite import read_names

__all__ = ["Writer"]


class Writer:
    """Writes the clauses of a program in; remembers what the elements are that it was asked for.

    Parameters
    ----------
    clauses
        Of every tensor.
    levels
        How many statements stand one upon another below each tensor.
    tables
        The constants, by name.
    types
        The types of the program.
    """

    def __init__(
        self,
        clauses: Mapping[str, list[Statement]],
        levels: Mapping[str, int],
        tables: dict[str, Constant],
        types: Types,
    ) -> None:
        self.clauses = clauses
        self.levels = levels
        self.tables = tables
        self.types = types
        self.reals = Reals(types)
        self._read_by: dict[Read, frozenset[Read] | None] = {}
        """What elements without indices read, None where no clause is seen."""
        self._values: dict[Read, Expr] = {}
        """The values of elements without indices, those that bind none."""

    def expanded(self, value: Expr) -> tuple[Expr, set[str]]:
        """The value with the tensors written in that stand highest of those it reads, and their names."""
        top = max((self.levels[name] for name in read_names([value]) if name in self.clauses), default=0)
        return self._with_clauses(value, lambda node: self.levels.get(node.tensor, 0) >= top)

    def closed(self, statement: Statement, value: Expr) -> Expr:
        """The value without what it reads of tensors that are decided by other elements that it reads.

        `a[i] + b[i] > 2 * both[i]` is `a[i] xor b[i]` where `both[i]` is `a[i] and b[i]`.
        """
        atoms = set(reads(value))
        below = {atom: self._reads_of(statement, atom) for atom in atoms}
        decided = {atom for atom, own in below.items() if own is not None and own < atoms}
        return self._with_clauses(value, decided.__contains__)[0] if decided else value

    def _reads_of(self, statement: Statement, atom: Read) -> frozenset[Read] | None:
        if atom in self._read_by:
            return self._read_by[atom]
        deeper, written = self._with_clauses(atom, lambda _: True)
        found = None
        if written:
            found = frozenset(reads(with_places(statement, deeper, self.tables, self.types)))
        if not free_indices(atom):
            self._read_by[atom] = found
        return found

    def _with_clauses(self, value: Expr, is_written: Callable[[Read], bool]) -> tuple[Expr, set[str]]:
        """The value with elements written in whose clause is seen, where it says so, and their names."""
        written: set[str] = set()
        taken = {n.name for n in postorder(value) if isinstance(n, Index)}
        taken |= {b.name for n in postorder(value) if isinstance(n, Binding) for b in n.binders}

        def step(node: Expr) -> Expr:
            if not isinstance(node, Read) or node.pad is not None or not is_written(node):
                return node
            if node in self._values:
                written.add(node.tensor)
                return self._values[node]
            sources = self.clauses.get(node.tensor, [])
            source = next((s for s in sources if _defines(s, node, _whole_axes(sources))), None)
            if source is None or source.target in read_names(sources) or self.reals(source.value):
                return node
            inner = [b.name for n in postorder(source.value) if isinstance(n, Binding) for b in n.binders]
            names = {n: _other(n, taken) for n in dict.fromkeys([*(b.name for b in source.binders), *inner])}
            body = rename_indices(source.value, names)
            written.add(node.tensor)
            places = zip(source.positions, node.positions, strict=True)
            found = substitute(body, {names[p.name]: place for p, place in places if isinstance(p, Binder)})
            if not inner and not free_indices(node):
                self._values[node] = found
            return found

        return rewrite(value, step), written


def _whole_axes(clauses: list[Statement]) -> list[bool]:
    """Whether all clauses of a tensor are over the same places of an axis, axis by axis."""
    found = []
    for positions in zip(*(s.positions for s in clauses), strict=True):
        spans = {box_bounds(p) if isinstance(p, Binder) else None for p in positions}
        found.append(len(clauses) == 1 or (len(spans) == 1 and None not in spans))
    return found


def _defines(clause: Statement, read: Read, is_whole: list[bool]) -> bool:
    """Whether a clause of a tensor visibly defines the element that is read."""
    for position, place, whole in zip(clause.positions, read.positions, is_whole, strict=True):
        if isinstance(position, Binder) and not whole:
            bounds = box_bounds(position)
            if not isinstance(place, Literal) or bounds is None or not bounds[0] <= place.value < bounds[1]:
                return False
        elif not isinstance(position, Binder) and position != place:
            return False
    return True


def _other(name: str, taken: set[str]) -> str:
    fresh, count = f"{name}_", 1
    while fresh in taken:
        count += 1
        fresh = f"{name}_{count}"
    taken.add(fresh)
    return fresh
