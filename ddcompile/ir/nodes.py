"""Nodes of the rule IR: frozen, slotted dataclasses.

Equality is structural and ignores locations. Hashes are computed bottom-up when a node is built and cached;
equality walks with an explicit stack. So neither the number of nodes nor their depth meets the recursion limit,
and the same holds for every walk written with `ddcompile.ir.traverse`.

Extents, bounds and positions are expressions: affine in indices and sizes, optionally `%` an extent, or (for
positions) any int expression whose range lies in the extent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cache
from operator import attrgetter
from typing import Any, Literal as OneOf, Self, TypeAlias

import numpy as np

from ddcompile.diagnostics import Location

__all__ = [
    "Binary",
    "Binder",
    "Binding",
    "Call",
    "Compare",
    "Constant",
    "Declaration",
    "Expr",
    "If",
    "Index",
    "Kind",
    "Literal",
    "Node",
    "Number",
    "Read",
    "Reduce",
    "Rule",
    "Size",
    "Softmax",
    "Statement",
    "Type",
    "Unary",
]

Number: TypeAlias = int | Fraction
Kind: TypeAlias = OneOf["bit", "spin", "trit", "int", "rat", "real"]

UnaryOp: TypeAlias = OneOf["-", "not", "sign", "abs", "relu", "real", "exp", "log", "tanh", "sigmoid"]
BinaryOp: TypeAlias = OneOf["+", "-", "*", "%", "and", "or", "xor"]
CompareOp: TypeAlias = OneOf["<", "<=", ">", ">=", "==", "!="]
CallName: TypeAlias = OneOf["min", "max"]
ReduceOp: TypeAlias = OneOf["sum", "any", "all", "min", "max", "argmax"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Node:
    """Base of all nodes. Two nodes are equal when they are of one class and all fields but `location` are equal."""

    location: Location | None = field(default=None, kw_only=True)
    _hash: int = field(default=0, init=False)
    known_cost: int = field(default=0, init=False)
    """What `ddcompile.analysis.cost` has found out, which passes ask for again and again; 0 before."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((type(self), self._values())))

    def _values(self) -> tuple[Any, ...]:
        """The field values that take part in equality."""
        return _values_of(type(self))(self)  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        stack: list[tuple[Any, Any]] = [(self, other)]
        while stack:
            a, b = stack.pop()
            if a is b:
                continue
            if type(a) is not type(b):
                return False
            if isinstance(a, Node):
                if a._hash != b._hash:
                    return False
                stack.extend(zip(a._values(), b._values(), strict=True))
            elif isinstance(a, tuple):
                if len(a) != len(b):
                    return False
                stack.extend(zip(a, b, strict=True))
            elif a != b:
                return False
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        from ddcompile.ir.pickling import flatten, restore

        return restore, (flatten(self),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        from ddcompile.ir.printer import describe

        return f"<{type(self).__name__} {describe(self)}>"


@cache
def _values_of(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    names = [f.name for f in fields(kind) if f.name not in ("location", "_hash", "known_cost")]
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda node: (get(node),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expr(Node):
    """An expression."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Literal(Expr):
    """An exact number: an integer (any size, may be negative) or the value of a double."""

    value: Number

    def __post_init__(self) -> None:
        value = self.value
        if type(value) is not int:
            exact = Fraction(value)
            plain = Fraction(int(exact.numerator), int(exact.denominator))
            object.__setattr__(self, "value", plain.numerator if plain.denominator == 1 else plain)
        Node.__post_init__(self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Index(Expr):
    """An index bound by a statement's position or a reduction."""

    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Size(Expr):
    """A size parameter of the rule: a positive integer."""

    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Read(Expr):
    """An element of an input, a constant or a statement's tensor; scalars have no positions.

    With `pad`, positions outside the extent read that constant: `pad(x, 0)[i - 1]`.
    """

    tensor: str
    positions: tuple[Expr, ...] = ()
    pad: Expr | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unary(Expr):
    """`-x`, `not x`, or a function of one argument such as `sign(x)`. `-` of a literal is a negative `Literal`."""

    op: UnaryOp
    operand: Expr


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binary(Expr):
    """A binary operator; `%` is floor modulo with a positive constant or size on the right."""

    op: BinaryOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compare(Expr):
    """One comparison of two operands, or a chain of two of `<`, `<=` over three operands. Gives a bit."""

    ops: tuple[CompareOp, ...]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class If(Expr):
    """`if condition then then else otherwise`; the condition is a bit."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(Expr):
    """`min(a, b, ...)` or `max(a, b, ...)` of two or more arguments."""

    function: CallName
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binder(Node):
    """An index and its half-open range `lower <= name < upper`. Later binders may use earlier indices in bounds."""

    name: str
    lower: Expr
    upper: Expr


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reduce(Expr):
    """`sum(i < 3, j < 4: body)` and the like; argmax binds one index and gives the lowest one that wins."""

    op: ReduceOp
    binders: tuple[Binder, ...]
    body: Expr


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Softmax(Expr):
    """`softmax(v < 10: score[v])[u]`: the real exp(score[u] - m) over the sum of all exp(score[v] - m), m the greatest.

    The position is one of the values of the index; the index is not in scope there.
    """

    binder: Binder
    body: Expr
    position: Expr

    @property
    def binders(self) -> tuple[Binder, ...]:
        """The one binder."""
        return (self.binder,)


Binding: TypeAlias = Reduce | Softmax
"""Expressions that bind indices in their body."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Type(Node):
    """A scalar kind, with an inclusive range for `int[lo..hi]`, and a shape (affine in sizes)."""

    kind: Kind
    shape: tuple[Expr, ...] = ()
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Declaration(Node):
    """An input or a result of a rule: `cell: bit[H, W]`."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Constant(Node):
    """A named constant tensor `const W: int[2, 3] = [...]`.

    `values` is a read-only array in canonical form: int64 if all entries are integers that fit, else float64 if all
    entries are doubles that are exact, else objects (int or Fraction). Use `Constant.of` to build one.
    """

    name: str
    type: Type
    values: np.ndarray

    @classmethod
    def of(cls, name: str, values: Any, kind: Kind | None = None, *, location: Location | None = None) -> Constant:
        """Make a constant from anything array-like of exact numbers; the kind defaults to int or rat."""
        array = canonical_array(values)
        if kind is None:
            kind = "int" if is_integral(array) else "rat"
        shape = tuple(Literal(n) for n in array.shape)
        return cls(name, Type(kind, shape), array, location=location)

    def _values(self) -> tuple[Any, ...]:
        return (self.name, self.type, _ArrayKey(self.values))


class _ArrayKey:
    """Compares and hashes an array by shape, dtype and entries."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __hash__(self) -> int:
        data = tuple(self.array.ravel().tolist()) if self.array.dtype == object else self.array.tobytes()
        return hash((self.array.shape, self.array.dtype.str, data))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ArrayKey):
            return NotImplemented
        a, b = self.array, other.array
        return a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b))


def is_integral(array: np.ndarray) -> bool:
    """Whether every entry of a canonical array is an integer."""
    return array.dtype == np.int64 or (array.dtype == object and set(map(type, array.ravel().tolist())) <= {int})


def canonical_array(values: Any) -> np.ndarray:
    """Exact numbers as the smallest of int64, float64 and object arrays that holds them exactly; read-only.

    Raises
    ------
    ValueError
        If an entry is not finite or the array is ragged.
    """
    result: np.ndarray
    array = np.asarray(values)
    if array.dtype.kind == "f" and not isinstance(values, np.ndarray | np.generic | float):
        # Lists that mix floats and wide integers: numpy would have rounded the integers.
        array = np.asarray(values, dtype=object)
    if array.dtype.kind in "biu" and array.dtype != np.uint64:
        result = array.astype(np.int64)
    elif array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        result = array.astype(np.float64)
        if not np.isfinite(result).all():
            raise ValueError("entries must be finite")
        if (np.abs(result) < 2.0**62).all() and (result == np.rint(result)).all():
            result = result.astype(np.int64)
        else:
            result = result + 0.0  # -0.0 becomes 0.0
    else:
        flat = np.asarray(values, dtype=object).ravel().tolist()
        if not set(map(type, flat)) <= {int}:
            flat = [_exact(v) for v in flat]
        result = np.empty(len(flat), dtype=object)
        result[:] = flat
        result = result.reshape(array.shape)
        if set(map(type, flat)) <= {int}:
            if not flat or (min(flat) >= -(2**63) and max(flat) < 2**63):
                result = result.astype(np.int64)
        elif all(_is_double(v) for v in flat):
            result = result.astype(np.float64)
    if result.dtype == np.float64 and (result == np.rint(result)).all():
        return canonical_array(np.array([int(v) for v in result.ravel()], dtype=object).reshape(result.shape))
    result = np.ascontiguousarray(result).reshape(array.shape)
    result.flags.writeable = False
    return result


def _exact(value: Any) -> Number:
    exact = Fraction(value)
    return exact.numerator if exact.denominator == 1 else exact


def _is_double(value: Number) -> bool:
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Statement(Node):
    """One clause: `target[positions] = value`. A position is a `Binder` or an affine constant."""

    target: str
    positions: tuple[Binder | Expr, ...]
    value: Expr

    @property
    def binders(self) -> tuple[Binder, ...]:
        """The positions that bind an index, in order."""
        return tuple(p for p in self.positions if isinstance(p, Binder))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rule(Node):
    """A whole rule: sizes, inputs, results, constants, and statements in order."""

    name: str
    inputs: tuple[Declaration, ...]
    outputs: tuple[Declaration, ...]
    statements: tuple[Statement, ...]
    constants: tuple[Constant, ...] = ()
    sizes: tuple[str, ...] = ()

    def __str__(self) -> str:
        from ddcompile.ir.printer import print_rule

        return print_rule(self)
