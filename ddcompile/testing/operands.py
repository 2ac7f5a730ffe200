"""What random expressions are made of: limits, constants, reads that stay inside their extents, and loops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ddcompile.ir.affine import affine_of
from ddcompile.ir.nodes import Binary, BinaryOp, Binder, Constant, Expr, Kind, Literal, Read, Type
from ddcompile.testing.choose import Choose
from ddcompile.testing.values import Extent, IndexRange, Scope, Tensor, Value, hull, join, literal

__all__ = ["REAL_FORMS", "THRESHOLD", "Limits", "Operands", "declared"]

NUMBER_FORMS = (
    "leaf", "add", "subtract", "scale", "sum", "multiply", "negate", "if_number", "sign", "absolute", "relu",
    "extreme", "modulo", "reduce_extreme", "argmax", "bit",
)  # fmt: skip
REAL_FORMS = ("elementary", "softmax")
BIT_FORMS = ("compare", "bit_leaf", "chain", "logic", "invert", "any_all", "if_bit")

WIDE = (2**31, 2**32 + 1, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 10**20, 2**100, 2**127 + 1)
DOUBLES = (0.5, 0.25, -1.5, 0.1, 0.3333, -0.001, 2.0**-40, 123456.789)
SMALL_PATTERNS = ("pointwise", "clauses", "dense", "stencil", "carry", "steps", "together")
PATTERN_NAMES = (*SMALL_PATTERNS, "pointwise", "pointwise", "clauses", "gaps", "history", "grid", "cycle")
INDEX_NAMES = ("i", "j", "k", "l", "m", "n", "p", "q", *(f"i{k}" for k in range(20)))


@dataclass(frozen=True, slots=True)
class Limits:
    """What random rules may contain and how large they get.

    Attributes
    ----------
    tensors : int
        Largest number of tensors that statements define.
    fuel : int
        Size of one expression, roughly its number of operators.
    bits : int
        Ranges wider than this many bits (scaled, for rationals) are not built up further.
    elements, trips : int
        Largest number of elements of a tensor, and of loop iterations for one element.
    sizes : float
        How often rules have size parameters.
    reals : float
        How often rules have reals.
    rationals, wide : bool
        Whether doubles and integers beyond 32 bits occur.
    kinds : tuple of Kind
        Kinds of inputs. In emitted C and LLVM a rat is a double, so what reads one has thousands of bits.
    numbers, bit_forms : tuple of str
        The forms of expressions that occur.
    patterns : tuple of str
        The patterns of statements that occur.
    gathers : bool
        Whether a position may depend on data.
    """

    tensors: int = 4
    fuel: int = 6
    bits: int = 220
    elements: int = 48
    trips: int = 40
    sizes: float = 0.25
    reals: float = 0.25
    rationals: bool = True
    wide: bool = True
    kinds: tuple[Kind, ...] = ("bit", "int", "spin", "trit")
    numbers: tuple[str, ...] = NUMBER_FORMS
    bit_forms: tuple[str, ...] = BIT_FORMS
    patterns: tuple[str, ...] = PATTERN_NAMES
    gathers: bool = True


THRESHOLD = Limits(
    tensors=3,
    fuel=5,
    elements=8,
    trips=12,
    sizes=0.0,
    reals=0.0,
    rationals=False,
    wide=False,
    kinds=("bit", "spin", "trit"),
    patterns=SMALL_PATTERNS,
    gathers=False,
)
"""Small rules over few values: nearly all of them can be unrolled into threshold units."""


class Operands(ABC):
    """Chooses operands over the tensors in `tensors`; constants it invents are collected in `constants`."""

    def __init__(self, choose: Choose, limits: Limits) -> None:
        """Start with no tensors."""
        self.choose = choose
        self.limits = limits
        self.tensors: list[Tensor] = []
        self.constants: list[Constant] = []
        self.sizes: tuple[Extent, ...] = ()
        self.unread: set[str] = set()
        self.is_wide = limits.wide and choose.boolean(0.35)
        """Whether literals are mostly wide, so that sums and products pass 64 and 128 bits."""
        self.is_rational = limits.rationals and choose.boolean(0.3)
        """Whether many literals are doubles."""
        self.is_real = limits.reals > 0 and choose.boolean(limits.reals)
        """Whether there are reals."""

    @abstractmethod
    def bit(self, scope: Scope, fuel: int) -> Value:
        """A bit."""

    @abstractmethod
    def integer(self, scope: Scope, fuel: int) -> Value:
        """A number that is an integer."""

    # ---- leaves -------------------------------------------------------------------------------------------------

    def leaf(self, scope: Scope) -> Value:
        """A literal, an index, a ready-made leaf, or a read of a table or a tensor."""
        what = self.choose.integer(0, 9)
        if what == 1 and self.sizes and self.choose.boolean():
            size = self.choose.choice(self.sizes)
            return Value(size.expr, "int", 1, size.value)
        if what <= 1:
            return self.literal()
        if what == 2 and scope.indices:
            chosen = self.choose.choice(scope.indices)
            return Value(chosen.expr, "int", chosen.low, chosen.high)
        if what <= 5 and scope.leaves:
            return self.choose.choice(scope.leaves)
        if what == 6 and scope.indices:
            return self.read(self.table(max(1, self.choose.choice(scope.indices).high + 1)), scope)
        return self.read(self.choose.choice(self.candidates()), scope)

    def candidates(self) -> list[Tensor]:
        """The readable tensors; half the time only those that nothing has read yet."""
        unread = [tensor for tensor in self.tensors if tensor.name in self.unread]
        return unread if unread and self.choose.boolean() else self.tensors

    def literal(self) -> Value:
        """A literal: mostly a small integer, sometimes a wide one or a double."""
        what = self.choose.integer(0, 9)
        if what >= 6 and self.is_wide:
            return literal(self.choose.choice(WIDE) * self.choose.choice((1, -1)))
        if (what == 5 and self.limits.rationals) or (what <= 2 and self.is_rational):
            return literal(Fraction(self.choose.choice(DOUBLES)))
        return literal(self.choose.integer(-3, 7))

    def table(self, length: int) -> Tensor:
        """A new constant of one axis."""
        return self.constant((length,))

    def constant(self, shape: tuple[int, ...]) -> Tensor:
        """A new constant tensor: small integers, wide ones or doubles."""
        count = int(np.prod(shape))
        odd = 0.3 if self.is_wide else 0.1
        numbers = [
            self.literal() if self.choose.boolean(odd) else literal(self.choose.integer(-2, 2)) for _ in range(count)
        ]
        values = np.empty(count, dtype=object)
        values[:] = [number.low for number in numbers]
        kind: Kind | None = "real" if self.is_real and self.choose.boolean(0.3) else None
        constant = Constant.of(f"w{len(self.constants)}", values.reshape(shape), kind)
        self.constants.append(constant)
        if kind == "real":
            return Tensor(constant.name, kind, tuple(Extent(Literal(n), n) for n in shape), 0, 0)
        low, high = hull(number.low for number in numbers)
        extents = tuple(Extent(Literal(n), n) for n in shape)
        return Tensor(constant.name, constant.type.kind, extents, low, high, max(n.exponent for n in numbers))

    # ---- reads --------------------------------------------------------------------------------------------------

    def read(self, tensor: Tensor, scope: Scope, *, bit: bool = False) -> Value:
        """A read of `tensor`; with `bit`, one that is a bit because the tensor is."""
        self.unread.discard(tensor.name)
        if not tensor.shape:
            return Value(Read(tensor.name), tensor.kind, tensor.low, tensor.high, tensor.exponent)
        if not self.choose.boolean(0.2):
            positions = tuple(self._position(extent, scope) for extent in tensor.shape)
            return Value(Read(tensor.name, positions), tensor.kind, tensor.low, tensor.high, tensor.exponent)
        outside = literal(self.choose.integer(0, 1)) if tensor.kind == "bit" else literal(self.choose.integer(-1, 1))
        positions = tuple(
            self._affine(scope) if self.choose.boolean(0.7) else self._position(extent, scope)
            for extent in tensor.shape
        )
        kind = "bit" if tensor.kind == "bit" else join(tensor.kind, "int")
        low, high = hull((tensor.low, tensor.high, outside.low))
        return Value(Read(tensor.name, positions, outside.expr), kind, low, high, tensor.exponent)

    def _position(self, extent: Extent, scope: Scope) -> Expr:
        """A position that is certain to lie in the extent."""
        what = self.choose.integer(0, 9)
        fitting = [index for index in scope.indices if _fits(index, extent)]
        if fitting and what <= 5:
            return self.choose.choice(fitting).expr
        if scope.indices and what <= 7:
            return Binary("%", self._affine(scope), extent.expr)
        if what == 8 and extent.is_known and scope.indices:
            chosen = self.choose.choice(scope.indices)
            factor = self.choose.choice((2, -1, 1, 3))
            low, high = sorted((factor * chosen.low, factor * chosen.high))
            if chosen.is_known and high - low < extent.value:
                return _shifted(factor, chosen.expr, self.choose.integer(-low, extent.value - 1 - high))
        if what == 8 and not extent.is_known:
            return self._sized_position(extent, scope)
        if what == 9 and self.limits.gathers:
            inner = replace(scope, trips=1)
            if extent.is_known and extent.value >= 2 and self.choose.boolean():
                return self.bit(inner, 1).expr
            return Binary("%", self.integer(inner, 1).expr, extent.expr)
        return Literal(self.choose.integer(0, extent.value - 1) if extent.is_known else 0)

    def _sized_position(self, extent: Extent, scope: Scope) -> Expr:
        """An index, doubled or shifted, that stays inside whatever the sizes are; else the last position."""
        factor = self.choose.choice((1, 2))
        for index in scope.indices:
            room = None if index.extent is None else _room(extent, index.extent, factor)
            if room is not None and room >= 0:
                return _shifted(factor, index.expr, self.choose.integer(0, room))
        return Binary("-", extent.expr, Literal(1))

    def _affine(self, scope: Scope) -> Expr:
        """Any affine form of the indices in scope."""
        if not scope.indices:
            return Literal(self.choose.integer(-1, 4))
        offset = self.choose.integer(-2, 3)
        form = _shifted(self.choose.choice((1, 1, 1, -1, 2)), self.choose.choice(scope.indices).expr, offset)
        if len(scope.indices) > 1 and self.choose.boolean(0.4):
            op: BinaryOp = self.choose.choice(("+", "-"))
            form = Binary(op, form, self.choose.choice(scope.indices).expr)
        return form

    # ---- loops --------------------------------------------------------------------------------------------------

    def index(self, scope: Scope, extent: Extent, low: int = 0) -> IndexRange:
        """A fresh index over `low <= index < extent`, named so that it hides nothing in scope."""
        taken = {index.name for index in scope.indices}
        name = next(name for name in INDEX_NAMES if name not in taken)
        return IndexRange(name, low, extent.value - 1, None if low else extent, extent.is_known)

    def binders(self, scope: Scope, *, may_be_empty: bool) -> tuple[tuple[Binder, ...], Scope]:
        """One or two binders of a reduction, and the scope of its body."""
        binders: list[Binder] = []
        for _ in range(self.choose.choice((1, 1, 2))):
            binder, index, trips = self._binder(scope, may_be_empty=may_be_empty)
            binders.append(binder)
            scope = replace(scope, trips=max(1, scope.trips // trips), indices=(*scope.indices, index))
        return tuple(binders), scope

    def _binder(self, scope: Scope, *, may_be_empty: bool) -> tuple[Binder, IndexRange, int]:
        extents = [extent for tensor in self.tensors for extent in tensor.shape if extent.value <= scope.trips]
        what = self.choose.integer(0, 9)
        outer = [index for index in scope.indices if index.low >= 0 and index.high < scope.trips]
        if what == 9 and outer:
            return self._dependent(scope, self.choose.choice(outer), may_be_empty=may_be_empty)
        if what == 8 and scope.trips >= 4:
            low, high = self.choose.integer(-2, 0), self.choose.integer(0, 1)
            index = replace(self.index(scope, Extent(Literal(high + 1), high + 1)), low=low, extent=None)
            return Binder(index.name, Literal(low), Literal(high + 1)), index, high + 1 - low
        if what >= 3 and extents:
            extent = self.choose.choice(extents)
        else:
            count = self.choose.integer(1, max(1, min(4, scope.trips)))
            extent = Extent(Literal(count), count)
        index = self.index(scope, extent)
        return Binder(index.name, Literal(0), extent.expr), index, extent.value

    def _dependent(self, scope: Scope, outer: IndexRange, *, may_be_empty: bool) -> tuple[Binder, IndexRange, int]:
        """Bounds that depend on an index in scope, or on a table at it."""
        empty = may_be_empty and self.choose.boolean()
        top = outer.high if empty else outer.high + 1
        index = replace(self.index(scope, Extent(Literal(top), max(1, top))), extent=None, is_known=outer.is_known)
        if empty and outer.is_known and outer.low >= 0 and self.choose.boolean():
            bounds = np.array([self.choose.integer(0, max(1, top)) for _ in range(outer.high + 1)])
            constant = Constant.of(f"w{len(self.constants)}", bounds)
            self.constants.append(constant)
            return Binder(index.name, Literal(0), Read(constant.name, (outer.expr,))), index, max(1, top)
        upper = outer.expr if empty else Binary("+", outer.expr, Literal(1))
        return Binder(index.name, Literal(0), upper), index, max(1, top)


def declared(tensor: Tensor) -> Type:
    """The type to declare for an input or a result: its kind, shape and range, unless it is that of a 64-bit word."""
    shape = tuple(extent.expr for extent in tensor.shape)
    is_word = (tensor.low, tensor.high) == (-(2**63), 2**63 - 1)
    if tensor.kind == "int" and not is_word and isinstance(tensor.low, int) and isinstance(tensor.high, int):
        return Type("int", shape, tensor.low, tensor.high)
    return Type(tensor.kind, shape)


def _fits(index: IndexRange, extent: Extent) -> bool:
    if index.extent == extent:
        return True
    return extent.is_known and index.is_known and index.low >= 0 and index.high < extent.value


def _room(extent: Extent, of_index: Extent, factor: int) -> int | None:
    """The largest offset with which a multiple of an index stays inside of an extent; None if there is no largest."""
    outer, inner = affine_of(extent.expr), affine_of(of_index.expr)
    assert outer is not None, "extents are affine"
    assert inner is not None, "extents are affine"
    free = outer - 1 - (inner - 1).scale(factor)
    if any(value < 0 for _, value in free.terms):
        return None
    return int(free.constant + sum(value for _, value in free.terms))


def _shifted(factor: int, index: Expr, offset: int) -> Expr:
    scaled = index if factor == 1 else Binary("*", Literal(factor), index)
    if offset == 0:
        return scaled
    return Binary("+", scaled, Literal(offset)) if offset > 0 else Binary("-", scaled, Literal(-offset))
