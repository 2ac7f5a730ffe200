"""The parts that random rules are put together from: inputs, shapes, scopes, values, tensors as they get defined."""

from __future__ import annotations

from dataclasses import replace

from ddcompile.ir.nodes import Binary, Binder, Declaration, Expr, Kind, Literal, Rule, Size, Statement
from ddcompile.ir.specialize import undetermined_sizes
from ddcompile.testing.choose import Choose
from ddcompile.testing.expressions import Expressions
from ddcompile.testing.operands import Limits, declared
from ddcompile.testing.values import LARGEST_SIZE, Extent, Scope, Tensor, Value, hull, join

__all__ = ["RuleBuilder", "over"]

INPUT_NAMES = ("x", "y", "z")
SIZE_NAMES = ("N", "M")
TENSOR_NAMES = ("a", "b", "c", "d", "e", "f", "g", "h")
NATURAL: dict[Kind, tuple[int, int]] = {
    "bit": (0, 1), "spin": (-1, 1), "trit": (-1, 1), "int": (0, 9), "rat": (-8, 8), "real": (0, 0),
}  # fmt: skip
RANGES = ((0, 9), (-5, 5), (0, 255), (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1), (0, 2**64 - 1), (-(10**25), 10**30))


class RuleBuilder:
    """A rule under construction: what is defined so far, and ways to define more."""

    def __init__(self, choose: Choose, limits: Limits) -> None:
        """Choose the inputs; nothing else is defined yet."""
        self.choose = choose
        self.limits = limits
        self.grow = Expressions(choose, limits)
        self.sizes = SIZE_NAMES[: choose.choice((1, 1, 2))] if limits.sizes and choose.boolean(limits.sizes) else ()
        self.extents = _extents(self.sizes)
        """Extents that use sizes, bare sizes first."""
        self.grow.sizes = self.extents[: len(self.sizes)]
        self.statements: list[Statement] = []
        self.defined: dict[str, Tensor] = {}
        self.hidden = 0
        """Tensors that only certain statements may read."""
        self.is_ordered = False
        """Whether the order of the statements has a meaning."""
        self.inputs = self._inputs()
        self.grow.tensors = list(self.inputs)

    def _inputs(self) -> list[Tensor]:
        found = []
        for name in INPUT_NAMES[: self.choose.integer(1, len(INPUT_NAMES))]:
            kind = self.choose.choice(self.limits.kinds)
            if self.grow.is_real and self.choose.boolean(0.3):
                kind = "real"
            low, high = NATURAL[kind]
            if kind == "int":
                low, high = self.choose.choice(RANGES if self.limits.wide else RANGES[:2])
            found.append(Tensor(name, kind, self.shape(), low, high))
        if self.sizes and not self._determined(found):
            found[0] = replace(found[0], shape=self.extents[: len(self.sizes)])
        return found

    def _determined(self, found: list[Tensor]) -> bool:
        """Whether the shapes of inputs have one solution: sizes are solved from them."""
        inputs = tuple(Declaration(tensor.name, declared(tensor)) for tensor in found)
        return not undetermined_sizes(Rule("sizes", inputs, (), (), (), self.sizes))

    def shape(self, least: int = 0) -> tuple[Extent, ...]:
        """A shape of up to three axes within the limit on elements."""
        shape: list[Extent] = []
        room = self.limits.elements
        for _ in range(max(least, self.choose.choice((1, 0, 1, 2, 2, 3)))):
            known = [extent for tensor in self.grow.tensors for extent in tensor.shape]
            if self.extents and self.choose.boolean(0.6):
                extent = self.choose.choice(self.extents)
            elif known and self.choose.boolean():
                extent = self.choose.choice(known)
            else:
                count = self.choose.integer(1, 5)
                extent = Extent(Literal(count), count)
            if extent.value > room:
                break
            room //= extent.value
            shape.append(extent)
        while len(shape) < least:
            shape.append(Extent(Literal(1), 1))
        return tuple(shape)

    def scope(self, shape: tuple[Extent, ...]) -> tuple[tuple[Binder, ...], Scope]:
        """Binders over a whole shape, and the scope of the value."""
        scope = Scope(self.limits.trips)
        for extent in shape:
            scope = replace(scope, indices=(*scope.indices, self.grow.index(scope, extent)))
        binders = tuple(over(index.name, extent) for index, extent in zip(scope.indices, shape, strict=True))
        return binders, scope

    def value(self, scope: Scope, kind: Kind | None = None) -> Value:
        """A value, mostly of as many bits as numbers."""
        if kind == "bit" or (kind is None and self.choose.boolean(0.2 if self.grow.is_wide else 0.4)):
            return self.grow.bit(scope, self.limits.fuel)
        return self.grow.number(scope, self.limits.fuel)

    def define(self, name: str, shape: tuple[Extent, ...], *values: Value) -> None:
        """Make the tensor readable, now that all its clauses are there."""
        low, high = hull(bound for value in values for bound in (value.low, value.high))
        kind = join(*(value.kind for value in values))
        tensor = Tensor(name, kind, shape, low, high, max(value.exponent for value in values))
        self.defined[name] = tensor
        self.grow.tensors.append(tensor)
        self.grow.unread.add(name)

    def clause(self, name: str, positions: tuple[Binder | Expr, ...], value: Value) -> None:
        """Add a statement."""
        self.statements.append(Statement(name, positions, value.expr))

    def hide(self) -> str:
        """A name for a tensor that will not be defined for everyone."""
        name = self.name()
        self.hidden += 1
        return name

    def name(self, ahead: int = 0) -> str:
        """A name for the next tensor, or for one after it."""
        number = len(self.defined) + self.hidden + ahead
        return TENSOR_NAMES[number] if number < len(TENSOR_NAMES) else f"a{number}"


def _extents(sizes: tuple[str, ...]) -> tuple[Extent, ...]:
    """The sizes themselves, and affine forms of them."""
    bare = [Extent(Size(name), LARGEST_SIZE) for name in sizes]
    grown = [Extent(Binary("+", Size(name), Literal(1)), LARGEST_SIZE + 1) for name in sizes]
    doubled = [Extent(Binary("*", Literal(2), Size(name)), 2 * LARGEST_SIZE) for name in sizes[:1]]
    joined = [Extent(Binary("+", Size(sizes[0]), Size(sizes[1])), 2 * LARGEST_SIZE)] if len(sizes) > 1 else []
    return (*bare, *grown, *doubled, *joined)


def over(name: str, extent: Extent) -> Binder:
    """An index over a whole extent."""
    return Binder(name, Literal(0), extent.expr)
