"""What the lowering of a rule carries along: types, buffers, visible indices, and the function under construction."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from ddcompile.analysis.sized import Sized
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Binding, Expr, Reduce
from ddcompile.ir.traverse import free_indices, reads
from ddcompile.ir.types import Types, ValueType
from ddcompile.kernel.builder import Builder
from ddcompile.kernel.forms import Form
from ddcompile.kernel.nodes import Buffer, Extent, Type
from ddcompile.kernel.reals import Real, Scalar, constant_real
from ddcompile.kernel.values import Value, constant, narrowed

__all__ = ["Context", "Step", "bounds", "drive"]

Result = TypeVar("Result")

Step: TypeAlias = Generator[Expr, Scalar, Scalar]
"""The lowering of one node as a coroutine: it yields subexpressions, is sent their values, and returns its own.

So the interpreter's stack holds one frame however deep an expression is; `drive` keeps the stack of coroutines.
"""


@dataclass(slots=True)
class Context:
    """The state of one lowering.

    Attributes
    ----------
    types : Types
        Of the rule.
    builder : Builder
        The sample function so far.
    buffers : dict of str to Buffer
        Every tensor in memory, tables included.
    scalars : dict of str to Scalar
        Tensors without axes that have no memory.
    indices : dict of str to Value
        The indices that are visible, by their names in the rule.
    unfinished : frozenset of str
        Tensors that the group of statements being lowered defines; what is read of them changes with every step.
    named : dict of int to str
        The reserved name for the accumulator of a reduction, by the id of its node.
    looping : frozenset of int
        The ids of those conditional expressions in the statement being lowered that contain reductions.
    sized : Sized or None
        What is known of the rule if it has sizes.
    sizes : dict of str to Value
        The sizes by their names in the rule.
    """

    types: Types
    builder: Builder
    buffers: dict[str, Buffer]
    scalars: dict[str, Scalar] = field(default_factory=dict)
    indices: dict[str, Value] = field(default_factory=dict)
    unfinished: frozenset[str] = frozenset()
    named: dict[int, str] = field(default_factory=dict)
    looping: frozenset[int] = frozenset()
    sized: Sized | None = None
    sizes: dict[str, Value] = field(default_factory=dict)

    def extent(self, extent: Extent) -> Value:
        """The value of an extent."""
        if isinstance(extent, int):
            return constant(extent)
        return Form.of(extent, self.sizes).value()

    def refined(self, expr: Expr, value: Scalar) -> Scalar:
        """The value with what type inference knows of its range."""
        if isinstance(value, Real):
            return value
        found = self.types.of(expr)
        if found.low is None or found.high is None:
            return value
        low, high = bounds(found, value.exponent)
        low, high = max(low, value.low), min(high, value.high)
        if low > high:
            return value  # in a loop that never runs
        if low == high:
            return constant(low, value.exponent)
        return narrowed(replace(value, low=low, high=high))

    def real_accumulator(self, node: Binding, wanted: str, start: float) -> Real:
        """Declare the variable for the real result of a reduction."""
        name = self.named.pop(id(node), None)
        return self.builder.mutable_real(name or wanted, constant_real(start), is_reserved=name is not None)

    def accumulator(self, node: Binding, wanted: str, start: Value, type_: Type, low: int, high: int) -> Value:
        """Declare the variable for the result of a reduction; `low` and `high` bound all it is ever given."""
        name = self.named.pop(id(node), None)
        return self.builder.mutable(name or wanted, start, type_, low, high, is_reserved=name is not None)

    def home(self, node: Binding) -> int:
        """The outermost block in which a reduction can be computed, without leaving the arm of a branch.

        Of a softmax, it is that of what does not depend on the position.
        """
        here = self.builder.level
        inside = Reduce("max", node.binders, node.body)
        if here == 0 or any(read.tensor in self.unfinished for read in reads(inside)):
            return here
        levels = [self.indices[name].level for name in free_indices(inside)]
        return max(self.builder.branch_level, *levels, 0)


def bounds(found: ValueType, exponent: int) -> tuple[int, int]:
    """The scaled range of a type at an exponent, rounded inwards.

    Raises
    ------
    CompileError
        E010 if the range has no bounds.
    """
    if found.low is None or found.high is None:
        raise fail("E010", "an intermediate value has no bound, so no machine integer holds it")
    shift = exponent - found.exponent
    if shift >= 0:
        return found.low << shift, found.high << shift
    return -(-found.low >> -shift), found.high >> -shift


def drive(visit: Callable[[Context, Expr], Step], context: Context, start: Generator[Expr, Scalar, Result]) -> Result:
    """Run a coroutine, and for each expression that one asks for the coroutine of `visit`, to the end."""
    stack: list[Generator[Expr, Scalar, Any]] = [start]
    answer: Any = None
    while stack:
        try:
            asked = stack[-1].send(answer)
        except StopIteration as stop:
            stack.pop()
            answer = stop.value
        else:
            stack.append(visit(context, asked))
            answer = None
    result: Result = answer
    return result
