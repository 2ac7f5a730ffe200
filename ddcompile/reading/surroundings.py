"""What the sentences of a rule need to know: kinds, extents, names in use, and how a statement reads beyond edges.

A read such as `cell[(i - 1) % 16]`, where 16 is the extent of `cell`, is written as `cell[i - 1]` where all reads of
`cell` in the statement are of this kind along this axis; that `cell` wraps around is then said once. The same holds
for `pad(cell, 0)[i - 1]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Expr,
    Index,
    Kind,
    Literal,
    Read,
    Rule,
    Size,
    Softmax,
    Statement,
    Unary,
)
from ddcompile.ir.traverse import free_indices, postorder, reads, rewrite
from ddcompile.ir.types import Types
from ddcompile.reading.words import code, listed, shown

__all__ = ["Edges", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the tensors of a rule.

    Attributes
    ----------
    kinds
        The kind of every tensor.
    extents
        The extents of every tensor; in a rule with sizes, None for those that its clauses do not show.
    names
        All names of tensors, sizes and indices.
    """

    kinds: dict[str, Kind]
    extents: dict[str, tuple[Expr | None, ...]]
    names: frozenset[str]

    @classmethod
    def of(cls, rule: Rule, types: Types) -> Surroundings:
        """Gather them."""
        kinds = {name: type_.kind for name, type_ in types.tensor.items()}
        extents: dict[str, tuple[Expr | None, ...]] = {d.name: d.type.shape for d in rule.inputs}
        extents |= {c.name: c.type.shape for c in rule.constants}
        clauses: dict[str, list[Statement]] = {}
        for statement in rule.statements:
            clauses.setdefault(statement.target, []).append(statement)
        for target, found in clauses.items():
            shape = tuple(_extent([s.positions[axis] for s in found]) for axis in range(len(found[0].positions)))
            extents[target] = shape if rule.sizes else tuple(Literal(n) for n in types.shape[target])
        indices = {b.name for s in rule.statements for b in s.binders}
        return cls(kinds, extents, frozenset({*kinds, *rule.sizes, *indices}))

    def is_bit(self, read: Read) -> bool:
        """Whether what is read is 0 or 1."""
        return self.kinds.get(read.tensor) == "bit" and read.pad in (None, Literal(0), Literal(1))

    def is_integral(self, expr: Expr) -> bool:
        """Whether an expression is an integer by its form."""
        for node in postorder(expr):
            match node:
                case Read(tensor) if self.kinds.get(tensor) in ("rat", "real", None):
                    return False
                case Literal(value) if not isinstance(value, int):
                    return False
                case Unary("real" | "exp" | "log" | "tanh" | "sigmoid") | Softmax():
                    return False
        return True


def _extent(positions: Sequence[Binder | Expr]) -> Expr | None:
    """What all clauses of a tensor go up to along one axis, if that is plain to see."""
    bounds = {p.upper if isinstance(p, Binder) and p.lower == Literal(0) else None for p in positions}
    (bound, *others) = bounds
    return None if others or bound is None or free_indices(bound) else bound


@dataclass(slots=True)
class Edges:
    """How one statement reads tensors beyond their edges."""

    surroundings: Surroundings
    wrapped: dict[str, set[int]] = field(default_factory=dict)
    """The axes along which all reads of a tensor wrap around."""
    padded: dict[str, Expr] = field(default_factory=dict)
    """What the outside of a tensor counts as, where all reads agree."""

    @classmethod
    def of(cls, values: Sequence[Expr], surroundings: Surroundings) -> Edges:
        """Look at all reads of some expressions."""
        wraps: dict[tuple[str, int], set[bool]] = {}
        pads: dict[str, set[Expr]] = {}
        for value in values:
            for read in reads(value):
                if read.pad is not None:
                    pads.setdefault(read.tensor, set()).add(read.pad)
                extents = surroundings.extents.get(read.tensor, ())
                for axis, (position, extent) in enumerate(zip(read.positions, extents, strict=False)):
                    if not isinstance(position, Index | Size | Literal):
                        wraps.setdefault((read.tensor, axis), set()).add(_is_wrapped(position, extent))
        edges = cls(surroundings)
        for (tensor, axis), found in wraps.items():
            if found == {True}:
                edges.wrapped.setdefault(tensor, set()).add(axis)
        edges.padded = {t: next(iter(p)) for t, p in pads.items() if len(p) == 1 and isinstance(next(iter(p)), Literal)}
        return edges

    def plain(self, expr: Expr) -> Expr:
        """The expression without what `notes` say."""
        return rewrite(expr, self._plain)

    def _plain(self, node: Expr) -> Expr:
        if not isinstance(node, Read):
            return node
        axes = self.wrapped.get(node.tensor, set())
        positions = tuple(
            p.left if axis in axes and isinstance(p, Binary) and p.op == "%" else p
            for axis, p in enumerate(node.positions)
        )
        return Read(node.tensor, positions, None if node.tensor in self.padded else node.pad)

    def notes(self) -> list[str]:
        """Sentences on edges."""
        found = []
        for tensor, axes in self.wrapped.items():
            rank = len(self.surroundings.extents[tensor])
            if len(axes) == rank:
                found.append(f"{code(tensor)} wraps around" + (" on all sides." if rank > 1 else "."))
            else:
                along = listed([str(axis) for axis in sorted(axes)])
                found.append(f"{code(tensor)} wraps around along {'axis' if len(axes) == 1 else 'the axes'} {along}.")
        found += [f"What lies outside of {code(t)} counts as {shown(pad)}." for t, pad in self.padded.items()]
        return found


def _is_wrapped(position: Expr, extent: Expr | None) -> bool:
    return isinstance(position, Binary) and position.op == "%" and position.right == extent
