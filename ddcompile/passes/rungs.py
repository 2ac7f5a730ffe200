"""What two steps of a ladder have in common: the same text, but for places that move with the time."""

from __future__ import annotations

from ddcompile.ir.affine import Affine, affine_of
from ddcompile.ir.nodes import Binary, Binder, Expr, Literal, Read, Reduce
from ddcompile.ir.traverse import chain_operands, children, reads, rename_indices, with_children

__all__ = ["CARRIED", "TIME", "Match"]

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
