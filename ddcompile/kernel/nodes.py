"""Nodes of the kernel IR: loops over flat buffers, typed scalars, exact integers of any width.

A kernel is a rule in loop form: buffers with element types, one function that computes one sample, and one that does
so for a batch. The C and LLVM back ends both print it.

Semantics
---------
- Types are `BitType` (the values 0 and 1; one byte in memory, holding 0 or 1), `IntType(width)` (signed two's
  complement of `width` bits: 8, 16, 32, 64 or a larger multiple of 64). In memory an element of 8 to 64 bits is that
  machine integer; a wider one is `width / 64` words of 64 bits, least significant first, without padding between
  elements. `F64` is IEEE binary64, and every operation on it is rounded to nearest even, by itself.
- `WORD` is 64 bits that logic, shifts and tests for equality work on at once. Bit k of a word that is packed from a
  buffer of bits is element k of those it is packed from. In memory it is a 64-bit integer of the machine.
- No operation on integers overflows: the lowering picks widths from proved ranges. A printer may rely on it (signed
  arithmetic, `nsw`), whatever the width.
- Expressions are pure and total, and no deeper than `MAX_DEPTH`, so printers may recurse over them; statements may
  nest deeper than Python's stack allows, so walks over statements keep a stack of their own. A printer may
  evaluate both arms of a `Select`; it must not perform a guarded `Load` whose guard is 0.
- A variable is declared before its uses and visible to the end of the enclosing block. No declaration hides another
  that is visible, nor a buffer, but blocks that do not overlap may declare the same name, with another type too.
- `Break` leaves the innermost loop. Loop bounds are evaluated once, before the first pass.
- Buffers are flat. Inputs and outputs never overlap. Scratch buffers are uninitialised and belong to one call of the
  sample function. They live on its stack while they are small; a kernel for which `needs_scratch` holds takes one more
  parameter, a pointer to `scratch_bytes` bytes aligned to 8, in which each scratch buffer starts at `scratch_offsets`.
- Sizes of the rule are scalar parameters (I64) of all functions (see `ddcompile.kernel.sizes`). Extents are then affine
  in them, and `Place` statements say where scratch buffers start. For sizes that are allowed, no index of an element
  that is read or written overflows I64; where the guard of a `Load` is 0, its index may.

Equality is structural. Names are plain identifiers; printers escape keywords.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal as OneOf, TypeAlias

from ddcompile.analysis.conditions import Condition
from ddcompile.kernel.buffers import Buffer, Extent, Role
from ddcompile.kernel.conversions import Answer, Apply, Convert, FromReal, Reinterpret, ToReal
from ddcompile.kernel.scalars import (
    BIT,
    F64,
    I8,
    I16,
    I32,
    I64,
    WORD,
    BitType,
    IntType,
    RealType,
    Type,
    WordType,
    int_type,
)
from ddcompile.kernel.words import Count, Pack, Shift, ShiftOp, Strays

__all__ = [
    "BIT", "F64", "I8", "I16", "I32", "I64", "MAX_DEPTH", "STACK_LIMIT", "WORD", "Answer", "Apply", "Arith",
    "ArithOp", "Assign", "BitType", "Branch", "Break", "Buffer", "Comment", "Compare", "CompareOp", "Const",
    "Convert", "Count", "Declare", "Expr", "Extent", "FromReal", "Function", "IntType", "Invoke", "Kernel", "Load",
    "Logic", "LogicOp", "Loop", "Negate", "Not", "Pack", "Place", "RealType", "Reinterpret", "Return", "Role", "Select",
    "Shift", "ShiftOp", "Spread", "Stmt", "Store", "Strays", "ToReal", "Type", "Var", "WordType", "int_type",
]  # fmt: skip

MAX_DEPTH = 32
"""No expression of a kernel is deeper than this; the lowering names intermediate values instead."""

STACK_LIMIT = 16 * 1024
"""Bytes of scratch up to which the sample function keeps it on its own stack."""


# --- expressions -----------------------------------------------------------------------------------------------------

ArithOp: TypeAlias = OneOf["+", "-", "*", "/", "%", "&", ">>"]
CompareOp: TypeAlias = OneOf["<", "<=", ">", ">=", "==", "!="]
LogicOp: TypeAlias = OneOf["and", "or", "xor"]


@dataclass(frozen=True, slots=True)
class Const:
    """A number; 0 or 1 when the type is `BIT`, below 2**64 when it is `WORD`, the number's 64 bits when it is `F64`."""

    value: int
    type: Type


@dataclass(frozen=True, slots=True)
class Var:
    """A declared scalar, a loop index or a scalar parameter."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Load:
    """Element `index` of a buffer. With a guard: `default` where the bit `guard` is 0, and then nothing is read.

    `type` is the element type of the buffer and the type of `default`.
    """

    buffer: str
    index: Expr
    type: Type
    guard: Expr | None = None
    default: Expr | None = None


@dataclass(frozen=True, slots=True)
class Negate:
    """The negative of an integer, or a real number with the other sign."""

    operand: Expr
    type: IntType | RealType


@dataclass(frozen=True, slots=True)
class Arith:
    """Two integers, or two real numbers, give one of their type; `+ - *` take both, `/` reals, the others integers.

    `%` is the remainder of a division that truncates toward zero, and its right side is proved positive; its left side
    is not wider than 64 bits unless it is proved nonnegative. `&` works on the two's complement bits. `>>` gives the
    floor of the left side over 2 to the power of the right one, a `Const`; both are of a machine type.
    """

    op: ArithOp
    left: Expr
    right: Expr
    type: IntType | RealType


@dataclass(frozen=True, slots=True)
class Compare:
    """Compare two operands of one type, giving a bit; bits and words compare with `==` and `!=` only.

    Of real numbers, the zeros are equal; with a NaN, `!=` gives 1 and the others 0.
    """

    op: CompareOp
    left: Expr
    right: Expr

    @property
    def type(self) -> BitType:
        """Always a bit."""
        return BIT


@dataclass(frozen=True, slots=True)
class Logic:
    """Two bits give a bit, two words a word."""

    op: LogicOp
    left: Expr
    right: Expr

    @property
    def type(self) -> BitType | WordType:
        """A bit or a word, as the operands are."""
        return WORD if isinstance(self.left.type, WordType) else BIT


@dataclass(frozen=True, slots=True)
class Not:
    """The other bit, or the word of the other bits."""

    operand: Expr

    @property
    def type(self) -> BitType | WordType:
        """A bit or a word, as the operand is."""
        return WORD if isinstance(self.operand.type, WordType) else BIT


@dataclass(frozen=True, slots=True)
class Select:
    """`then` where the bit `condition` is 1, else `otherwise`; both arms have the type `type`."""

    condition: Expr
    then: Expr
    otherwise: Expr
    type: Type


Expr: TypeAlias = (
    Const | Var | Load | Negate | Arith | Compare | Logic | Not | Shift | Pack | Strays | Count | Select
    | Convert | ToReal | FromReal | Reinterpret | Apply | Answer
)  # fmt: skip


# --- statements ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comment:
    """Lines for the reader: what the rule's statement says that the next statements compute."""

    text: str


@dataclass(frozen=True, slots=True)
class Declare:
    """Declare a scalar and give it a value; only a mutable one is assigned later."""

    variable: Var
    value: Expr
    mutable: bool = False


@dataclass(frozen=True, slots=True)
class Assign:
    """Give a mutable scalar a new value."""

    variable: Var
    value: Expr


@dataclass(frozen=True, slots=True)
class Store:
    """Write element `index` of an output or scratch buffer; the value has the buffer's element type."""

    buffer: str
    index: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Spread:
    """Write the bits of a word to elements `index` to `index + 63` of an output or scratch buffer of bits."""

    buffer: str
    index: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Loop:
    """Run `body` for `index` = lower, lower + 1, ..., upper - 1; bounds have the type of the index.

    The passes of a parallel loop may run in any order, or at once: what one writes no other reads or writes.
    """

    index: Var
    lower: Expr
    upper: Expr
    body: tuple[Stmt, ...]
    is_parallel: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """Run `then` if the bit `condition` is 1, else `otherwise`."""

    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class Break:
    """Leave the innermost loop."""


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call a function without a result of this kernel.

    Its scalar parameters are given by `scalars`; its k-th buffer parameter is the caller's k-th buffer parameter
    advanced by `offsets[k]` elements. Scratch memory, where the kernel needs it, is handed on as it is.
    """

    function: str
    offsets: tuple[Expr, ...]
    scalars: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Say that a scratch buffer starts `offset` bytes (I64, a multiple of 8) into the scratch memory."""

    buffer: str
    offset: Expr


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the function with its result."""

    value: Expr


Stmt: TypeAlias = Comment | Declare | Assign | Store | Spread | Loop | Branch | Break | Invoke | Place | Return


# --- kernels ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Function:
    """A function: scalar parameters first, then the kernel's inputs and outputs in declared order.

    One with `takes_buffers` unset takes scalars alone. One with a result type ends with a `Return`.
    """

    name: str
    scalars: tuple[Var, ...]
    body: tuple[Stmt, ...]
    result: Type | None = None
    takes_buffers: bool = True


@dataclass(frozen=True)
class Kernel:
    """A rule in loop form.

    `functions` are the sample function, named like the kernel, and the batch function, named `<name>_batch`, whose last
    scalar parameter `n` (I64, nonnegative) counts samples; sample s of a buffer starts at element s * size. With sizes
    there are more functions (see `ddcompile.kernel.sizes`); `conditions` are what `sizes` must satisfy.
    """

    name: str
    buffers: tuple[Buffer, ...]
    functions: tuple[Function, ...]
    sizes: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @cached_property
    def function(self) -> dict[str, Function]:
        """Functions by what follows the kernel's name in theirs: "", "_batch", and with sizes "_sample" and others."""
        return {f.name.removeprefix(self.name): f for f in self.functions}

    @property
    def sample(self) -> Function:
        """The function that computes one sample; with sizes, one that trusts them."""
        return self.function["_sample" if self.sizes else ""]

    @cached_property
    def parts(self) -> tuple[Function, ...]:
        """The functions that a long sample function was split into (see `ddcompile.kernel.split`)."""
        return tuple(f for suffix, f in self.function.items() if suffix.startswith("_part"))

    @property
    def phase(self) -> Function | None:
        """The function that the threads of a team share the work of a sample by (see `ddcompile.kernel.grid`)."""
        return self.function.get("_phase")

    @property
    def block(self) -> Function | None:
        """The function that computes so many samples, side by side, as the batch function takes at a time."""
        return self.function.get("_block")

    @property
    def batch(self) -> Function:
        """The function that computes n samples, one after the other in memory."""
        return self.function["_batch"]

    def of_role(self, *roles: Role) -> tuple[Buffer, ...]:
        """The buffers of these roles in declared order."""
        return tuple(b for b in self.buffers if b.role in roles)

    @cached_property
    def parameters(self) -> tuple[Buffer, ...]:
        """Inputs, then outputs: the buffer parameters of every function."""
        return self.of_role("input") + self.of_role("output")

    @cached_property
    def buffer(self) -> dict[str, Buffer]:
        """Buffers by name."""
        return {b.name: b for b in self.buffers}

    @cached_property
    def scratch_offsets(self) -> dict[str, int]:
        """Where each scratch buffer starts in the scratch memory, in bytes; every start is a multiple of 8."""
        offsets: dict[str, int] = {}
        end = 0
        for buffer in self.of_role("scratch"):
            offsets[buffer.name] = end
            end += -(-buffer.bytes // 8) * 8
        return offsets

    @cached_property
    def scratch_bytes(self) -> int:
        """Bytes of scratch memory that one call needs, a multiple of 8; of a kernel whose buffers have no sizes."""
        return sum(-(-b.bytes // 8) * 8 for b in self.of_role("scratch"))

    @cached_property
    def needs_scratch(self) -> bool:
        """Whether the caller supplies the scratch memory: it may be too large for the stack, or parts share it."""
        limit = 0 if self.parts or self.phase is not None or self.block is not None else STACK_LIMIT
        return any(b.is_sized for b in self.of_role("scratch")) or self.scratch_bytes > limit
