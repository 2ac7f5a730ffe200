"""What a kernel of a rule with sizes has beside the function for one sample.

    life_allowed(H, W) -> bit            whether the sizes are allowed
    life_scratch_size(H, W) -> i64       bytes of scratch memory, -1 if the sizes are not allowed
    life_sample(H, W)                    one sample, for sizes that are allowed
    life(H, W) -> i32                    the same; 1 if the sizes are not allowed, else 0
    life_batch(H, W, n) -> i32           n samples

Sizes are allowed if they lie in 1..2**31 - 1, satisfy the conditions under which the rule is proved legal, and all
buffers together have at most 2**62 bytes, shared evenly. This is computed in integers that hold it, however wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from ddcompile.analysis.conditions import Condition
from ddcompile.ir.ranges import SIZE
from ddcompile.kernel.builder import Builder
from ddcompile.kernel.forms import Form
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    BIT,
    I32,
    I64,
    Answer,
    Branch,
    Buffer,
    Const,
    Declare,
    Expr,
    Extent,
    Function,
    Invoke,
    Loop,
    Place,
    Return,
    Stmt,
    Var,
)
from ddcompile.kernel.values import Value, compare, constant, convert, fitting, logic, multiply, negation

__all__ = ["allowed", "batch", "entry", "most_bytes", "parameters", "place_scratch", "scratch_size", "size_values"]

_BYTES = 1 << 62


def most_bytes(buffers: Sequence[Buffer]) -> int:
    """Bytes that each of a kernel's buffers may have."""
    return _BYTES // max(1, sum(buffer.role != "table" for buffer in buffers))


def size_values(names: Sequence[str]) -> dict[str, Value]:
    """The sizes as values, for code that runs where they are allowed."""
    assert SIZE.low is not None
    assert SIZE.high is not None
    return {name: Value(Var(name, I64), SIZE.low, SIZE.high, is_index=True) for name in names}


def parameters(names: Sequence[str]) -> tuple[Var, ...]:
    """The scalar parameters that the sizes are."""
    return tuple(Var(name, I64) for name in names)


def allowed(name: str, sizes: Sequence[str], conditions: Sequence[Condition], buffers: Sequence[Buffer]) -> Function:
    """The function that decides whether sizes are allowed."""
    builder = Builder((*sizes, name))
    for variable in parameters(sizes):
        given = Value(variable, I64.low, I64.high, is_index=True)
        ends = compare("<", given, constant(SIZE.low or 1)), compare(">", given, constant(SIZE.high or 0))
        _refuse(builder, logic("or", *ends))
    values = size_values(sizes)
    for condition in conditions:
        tests = [compare("<", Form.of(form, values).value(), constant(0)) for form in condition]
        _refuse(builder, reduce(lambda a, b: logic("and", a, b), tests))
    most: dict[tuple[Extent, ...], int] = {}
    for buffer in buffers:
        share = most_bytes(buffers) // buffer.type.bytes
        most[buffer.shape] = min(share, most.get(buffer.shape, share))
    for shape, share in most.items():
        count = reduce(lambda a, b: builder.shallow(multiply(a, b)), _extents(shape, values), constant(1))
        _refuse(builder, compare(">", count, constant(share)))
    builder.emit(Return(Const(1, BIT)))
    return Function(f"{name}_allowed", parameters(sizes), builder.body, BIT, takes_buffers=False)


def _refuse(builder: Builder, test: Value) -> None:
    """Leave with 0 if a bit is 1."""
    if test.number != 0:
        builder.emit(Branch(test.expr, (Return(Const(0, BIT)),)))


def _extents(shape: Sequence[Extent], sizes: dict[str, Value]) -> list[Value]:
    return [constant(n) if isinstance(n, int) else Form.of(n, sizes).value() for n in shape]


def _elements(buffer: Buffer, sizes: dict[str, Value]) -> Value:
    """The number of elements of a buffer, for sizes that are allowed."""
    return reduce(lambda a, b: fitting("*", a, b, I64), _extents(buffer.shape, sizes), constant(1))


def place_scratch(
    names: Sequence[str], buffers: Sequence[Buffer], starts: Mapping[str, str]
) -> tuple[tuple[Stmt, ...], Expr]:
    """Say where scratch buffers start, and how many bytes they take, for sizes that are allowed.

    Parameters
    ----------
    starts
        A name for the start of every buffer.
    """
    builder = Builder(starts.values())
    values = size_values(names)
    end = constant(0)
    for buffer in buffers:
        start = end if end.is_atom else builder.define(starts[buffer.name], end)
        builder.emit(Place(buffer.name, convert(start, I64).expr))
        size = fitting("*", constant(buffer.type.bytes), _elements(buffer, values), I64)
        if buffer.type.bytes % 8:
            size = fitting("&", fitting("+", size, constant(7), I64), constant(-8), I64)
        end = fitting("+", start, size, I64)
    return builder.body, convert(end, I64).expr


def scratch_size(name: str, sizes: Sequence[str], buffers: Sequence[Buffer], starts: Mapping[str, str]) -> Function:
    """The function that says how much scratch memory is needed."""
    statements, end = place_scratch(sizes, buffers, starts)
    bytes_ = Var(Names([*starts.values(), *sizes, name]).fresh("bytes"), I64)
    body = [*(statement for statement in statements if not isinstance(statement, Place)), Declare(bytes_, end)]
    refused = Branch(_refused(name, sizes), (Return(Const(-1, I64)),))
    body = [refused, *body, Return(bytes_)]
    return Function(f"{name}_scratch_size", parameters(sizes), tuple(body), I64, takes_buffers=False)


def entry(name: str, sizes: Sequence[str], buffers: Sequence[Buffer]) -> Function:
    """One sample, for any sizes."""
    offsets = tuple(Const(0, I64) for buffer in buffers)
    body = (_reject(name, sizes), Invoke(f"{name}_sample", offsets, parameters(sizes)), Return(Const(0, I32)))
    return Function(name, parameters(sizes), body, I32)


def batch(name: str, sizes: Sequence[str], buffers: Sequence[Buffer]) -> Function:
    """Many samples, one after the other in memory, for any sizes."""
    names = Names([*(b.name for b in buffers), name, *sizes])
    count, sample = Var(names.fresh("n"), I64), Var(names.fresh("sample"), I64)
    values = size_values(sizes)
    number = Value(sample, 0, I64.high, is_index=True)
    offsets = [convert(fitting("*", _elements(b, values), number, I64), I64).expr for b in buffers]
    loop = Loop(sample, Const(0, I64), count, (Invoke(f"{name}_sample", tuple(offsets), parameters(sizes)),))
    body = (_reject(name, sizes), loop, Return(Const(0, I32)))
    return Function(f"{name}_batch", (*parameters(sizes), count), body, I32)


def _reject(name: str, sizes: Sequence[str]) -> Stmt:
    return Branch(_refused(name, sizes), (Return(Const(1, I32)),))


def _refused(name: str, sizes: Sequence[str]) -> Expr:
    return negation(Value(Answer(f"{name}_allowed", parameters(sizes), BIT), 0, 1)).expr
