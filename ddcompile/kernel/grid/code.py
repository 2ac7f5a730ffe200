"""The statements of a function under construction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import I64, Assign, Branch, Comment, Const, Declare, Expr, Loop, Stmt, Var

__all__ = ["Code"]


class Code:
    """Statements, in blocks of which the innermost one is open; every variable has a name of its own."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._names = Names(reserved)
        self._blocks: list[list[Stmt]] = [[]]

    def apart(self) -> Code:
        """Other code in which no name is one of this code, whichever comes first."""
        other = Code(())
        other._names = self._names
        return other

    def name(self, wanted: str) -> str:
        """A name that no variable has or gets."""
        return self._names.fresh(wanted)

    @property
    def body(self) -> tuple[Stmt, ...]:
        """The statements of the outermost block."""
        return tuple(self._blocks[0])

    def parameter(self, wanted: str) -> Var:
        """A parameter of the function, an integer."""
        return Var(self._names.fresh(wanted), I64)

    def emit(self, stmt: Stmt) -> None:
        """Add a statement."""
        self._blocks[-1].append(stmt)

    def remark(self, text: str) -> None:
        """Add a comment."""
        self.emit(Comment(text))

    def named(self, wanted: str, value: Expr) -> Expr:
        """A value under a name, unless it is as short."""
        return value if isinstance(value, Const | Var) else self.declared(wanted, value)

    def declared(self, wanted: str, value: Expr, *, mutable: bool = False) -> Var:
        """A new variable."""
        variable = Var(self._names.fresh(wanted), value.type)
        self.emit(Declare(variable, value, mutable))
        return variable

    def assign(self, variable: Var, value: Expr) -> None:
        """Give a mutable variable a new value."""
        self.emit(Assign(variable, value))

    @contextmanager
    def loop(self, wanted: str, lower: Expr, upper: Expr, *, is_parallel: bool = False) -> Iterator[Expr]:
        """A loop over a half-open range of 64-bit integers; a single step needs none."""
        if isinstance(lower, Const) and isinstance(upper, Const) and upper.value <= lower.value + 1:
            self._blocks.append([])
            yield lower
            body = self._blocks.pop()
            self._blocks[-1] += body if upper.value > lower.value else []
            return
        index = Var(self._names.fresh(wanted), I64)
        self._blocks.append([])
        yield index
        inner = self._blocks.pop()
        if inner:
            self.emit(Loop(index, lower, upper, tuple(inner), is_parallel))

    @contextmanager
    def branch(self, condition: Expr) -> Iterator[_Arms]:
        """Statements for where a bit is 1; after `otherwise` of what it gives, for where it is 0."""
        arms = _Arms(self)
        self._blocks.append([])
        yield arms
        last = self._blocks.pop()
        then, other = (last, []) if arms.then is None else (arms.then, last)
        if isinstance(condition, Const):
            self._blocks[-1] += then if condition.value else other
        elif then or other:
            self.emit(Branch(condition, tuple(then), tuple(other)))


class _Arms:
    """The arms of a branch."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self.then: list[Stmt] | None = None

    def otherwise(self) -> None:
        """Begin the second arm."""
        self.then = self._code._blocks.pop()
        self._code._blocks.append([])
