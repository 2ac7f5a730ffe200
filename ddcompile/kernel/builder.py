"""Builds the statements of one kernel function: open blocks, names, and where a named value belongs.

A value is named in the outermost block in which it can be evaluated, so what does not change in a loop moves out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal as OneOf, TypeVar

from ddcompile.diagnostics import fail
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    F64,
    I32,
    I64,
    MAX_DEPTH,
    Assign,
    Branch,
    Declare,
    FromReal,
    IntType,
    Loop,
    Stmt,
    Type,
    Var,
    int_type,
)
from ddcompile.kernel.reals import Real, Scalar, to_real
from ddcompile.kernel.values import Value, constant, convert

__all__ = ["Builder", "index_type"]

_S = TypeVar("_S", bound=Value | Real)

_MAX_BLOCKS = 100
"""Nesting that every C compiler takes: C99 5.2.4.1 grants 127 levels."""

_SHALLOW = MAX_DEPTH - 12
"""Deeper values are named before they become operands; no step of the lowering adds more than 12 levels."""


@dataclass(slots=True)
class _Block:
    kind: OneOf["function", "loop", "branch"]
    statements: list[Stmt] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    inner: set[str] = field(default_factory=set)
    """Names declared in blocks of it that are closed."""


class Builder:
    """Statements under construction.

    Parameters
    ----------
    reserved
        Names that no variable may take.
    has_sizes
        Whether the function has sizes as parameters; then all indices have their type.
    """

    def __init__(self, reserved: Iterable[str], *, has_sizes: bool = False) -> None:
        self._names = Names(reserved)
        self._has_sizes = has_sizes
        self._blocks = [_Block("function")]
        self._behind: list[list[_Block]] = []
        """The open blocks that come after the place where code goes (see `at`), outermost first."""

    @property
    def level(self) -> int:
        """The number of open blocks around the place where code goes, the function itself not counted."""
        return len(self._blocks) - 1

    @property
    def branch_level(self) -> int:
        """The level of the innermost open arm of a branch, 0 if none is open."""
        return max((k for k, block in enumerate(self._blocks) if block.kind == "branch"), default=0)

    @property
    def has_room(self) -> bool:
        """Whether a branch may open here, leaving levels for the loops in it."""
        return len(self._blocks) < _MAX_BLOCKS // 2

    @property
    def body(self) -> tuple[Stmt, ...]:
        """The statements of the function."""
        return tuple(self._blocks[0].statements)

    def emit(self, stmt: Stmt) -> None:
        """Add a statement to the innermost block."""
        self._blocks[-1].statements.append(stmt)

    @contextmanager
    def at(self, level: int) -> Iterator[None]:
        """Let code of the `with` body go to the end of an outer block, before what is open in it."""
        blocks = self._blocks
        self._blocks = blocks[: level + 1]
        self._behind.append(blocks[level + 1 :])
        yield
        self._behind.pop()
        self._blocks = blocks

    # --- variables ---------------------------------------------------------------------------------------------------

    def _declare(self, name: str, value: _S, level: int, *, mutable: bool) -> _S:
        block = self._blocks[level]
        block.names.append(name)
        expr = value.expr
        if isinstance(expr, FromReal) and not mutable:
            # The double is named, so that what compares it still can.
            variable = Var(name, F64)
            block.statements.append(Declare(variable, expr.operand))
            return replace(value, expr=replace(expr, operand=variable), level=level, depth=2)
        variable = Var(name, expr.type)
        block.statements.append(Declare(variable, expr, mutable))
        return replace(value, expr=variable, level=level, depth=1)

    def fresh(self, wanted: str) -> str:
        """A name that no variable has or gets."""
        return self._names.fresh(wanted)

    def define(self, name: str, value: _S) -> _S:
        """Give a value a name that is reserved for it, in the innermost block."""
        return self._declare(name, value, self.level, mutable=False)

    def mutable(
        self, wanted: str, start: Value, type_: Type, low: int, high: int, *, is_reserved: bool = False
    ) -> Value:
        """Declare an exact variable of the innermost block; `low` and `high` bound all it is ever given.

        It gets just the name wanted if that is reserved for it.
        """
        name = wanted if is_reserved else self._free_name(wanted)
        declared = self._declare(name, convert(start, type_), self.level, mutable=True)
        return replace(declared, low=low, high=high)

    def mutable_real(self, wanted: str, start: Real, *, is_reserved: bool = False) -> Real:
        """Declare a real variable of the innermost block."""
        return self._declare(wanted if is_reserved else self._free_name(wanted), start, self.level, mutable=True)

    def _free_name(self, wanted: str) -> str:
        """A name for a variable of the innermost block: none that a block behind the place where code goes declares."""
        taken = {name for blocks in self._behind for block in blocks for name in block.inner}
        refused = []
        name = self._names.fresh(wanted)
        while name in taken:
            refused.append(name)
            name = self._names.fresh(wanted)
        for other in refused:
            self._names.release(other)
        return name

    def assign(self, variable: Scalar, value: Scalar) -> None:
        """Give a mutable variable a new value."""
        assert isinstance(variable.expr, Var)
        if isinstance(variable, Real) or isinstance(value, Real):
            new = to_real(value).expr
        else:
            new = convert(value, variable.expr.type).expr
        if new != variable.expr:
            self.emit(Assign(variable.expr, new))

    def atom(self, value: _S) -> _S:
        """The value as something that may be repeated: itself, or a variable in the block where it belongs."""
        if value.is_atom:
            return value
        return self._declare(self._names.numbered("t"), value, value.level, mutable=False)

    def shallow(self, value: _S) -> _S:
        """The value as an operand: itself, or a variable if it is deep."""
        return value if value.depth <= _SHALLOW else self.atom(value)

    def hoisted(self, value: _S) -> _S:
        """The value as a part of an innermost expression: named if it can move out of a loop."""
        return self.atom(value) if value.level < self.level else self.shallow(value)

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _open(self, kind: OneOf["loop", "branch"]) -> _Block:
        if len(self._blocks) >= _MAX_BLOCKS:
            raise fail(
                "E012",
                f"the rule nests more than {_MAX_BLOCKS} loops",
                hint="define an inner part of the expression as a tensor of its own",
            )
        block = _Block(kind)
        self._blocks = [*self._blocks, block]
        return block

    def _close(self) -> tuple[Stmt, ...]:
        block = self._blocks[-1]
        self._blocks = self._blocks[:-1]
        for name in block.names:
            self._names.release(name)
        self._blocks[-1].inner |= {*block.names, *block.inner}
        return tuple(block.statements)

    @contextmanager
    def loop(self, wanted: str, lower: Value, upper: Value, *, may_break: bool = False) -> Iterator[Value]:
        """Open a loop over a half-open range that may have a step, and give its index.

        A single step needs no loop, unless its code may break.
        """
        if lower.number is not None and upper.number == lower.number + 1 and not may_break:
            yield constant(lower.number)
            return
        low, high = lower.low, upper.high - 1
        type_ = index_type(min(low, lower.low, upper.low), max(lower.high, upper.high))
        if self._has_sizes:
            type_ = I64
        block = self._open("loop")
        index = Var(self._names.fresh(wanted), type_)
        block.names.append(index.name)
        yield Value(index, low, high, level=self.level, is_index=self._has_sizes)
        body = self._close()
        if body:
            self.emit(Loop(index, convert(lower, type_).expr, convert(upper, type_).expr, body))

    @contextmanager
    def branch(self, condition: Value) -> Iterator[_Otherwise]:
        """Open a branch; the second arm begins where the answer's `otherwise` is called."""
        self._open("branch")
        arms = _Otherwise(self)
        yield arms
        last = self._close()
        then, otherwise = (last, ()) if arms.then is None else (arms.then, last)
        if then or otherwise:
            self.emit(Branch(condition.expr, then, otherwise))


class _Otherwise:
    """Switches an open branch to its second arm."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self.then: tuple[Stmt, ...] | None = None

    def otherwise(self) -> None:
        """Begin the second arm."""
        self.then = self._builder._close()
        self._builder._open("branch")


def index_type(low: int, high: int) -> IntType:
    """The type of indices in a range: I32 where that does, so subscripts need no conversions in C; else I64."""
    width = int_type(low, high).width
    if width > 64:
        raise fail("E013", f"an index runs from {low} to {high}, beyond 64 bits")
    return I32 if width <= 32 else I64
