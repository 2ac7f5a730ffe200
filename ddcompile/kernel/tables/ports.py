"""Inputs and results of gates: from samples to words of 64 samples, and back.

The elements of an input lie in rows of memory, `LANES` words wide: bit k of word l of row e is element e of sample
64 l + k. Samples in memory are the other way round, so squares of 64 x 64 bits are turned, all lanes at once: for 32,
16, 8, 4, 2 and 1, the bits of row k that are so many places higher change places with lower ones of the row so many
further.

Of a result, `width` bits side by side belong to one element: 1 of a tensor of bits, else as
many bytes as hold its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf, TypeAlias

import numpy as np

from ddcompile.ir.nodes import Declaration
from ddcompile.ir.types import Types
from ddcompile.kernel.grid.arithmetic import at_most, minus, number, ones, plus, times, word
from ddcompile.kernel.grid.code import Code
from ddcompile.kernel.lower import interface_type
from ddcompile.kernel.nodes import (
    BIT,
    I64,
    WORD,
    Arith,
    Buffer,
    Compare,
    Convert,
    Expr,
    IntType,
    Load,
    Logic,
    Pack,
    Role,
    Shift,
    Spread,
    Store,
)
from ddcompile.kernel.tables.numbers import Numbers

__all__ = ["LANES", "Layout", "Port", "input_port", "load_input", "result_port", "store_result"]

LANES = 8
"""Words in a row: what is computed at a time is for 64 times as many samples."""

Layout: TypeAlias = OneOf["plain", "sliced"]
"""How bits lie in memory: a byte each, or 64 samples of an element in a word."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or a result.

    Attributes
    ----------
    buffer
        Its memory.
    row
        Its first row.
    rows
        How many rows it has.
    size
        The number of elements.
    is_sliced
        Whether 64 samples of an element are a word in memory.
    width
        Bits that belong to an element.
    digits
        How many of them are digits.
    low
        The table of what is added to the digits; "" for bits.
    """

    buffer: Buffer
    row: int
    rows: int
    size: int
    is_sliced: bool
    width: int = 1
    digits: int = 1
    low: str = ""


def _buffer(types: Types, declaration: Declaration, role: Role, is_sliced: bool) -> Buffer:
    shape = types.shape[declaration.name]
    type_ = WORD if is_sliced else interface_type(types.tensor[declaration.name])
    return Buffer(declaration.name, role, type_, shape)


def input_port(types: Types, declaration: Declaration, row: int, layout: Layout) -> Port:
    """The port of an input of bits."""
    is_sliced = layout == "sliced"
    buffer = _buffer(types, declaration, "input", is_sliced)
    return Port(buffer, row, max(buffer.size, 64), buffer.size, is_sliced)


def result_port(types: Types, declaration: Declaration, found: Numbers, row: int, layout: Layout, low: str) -> Port:
    """The port of a result."""
    is_bit = declaration.type.kind == "bit"
    is_sliced = layout == "sliced" and is_bit
    buffer = _buffer(types, declaration, "output", is_sliced)
    width, digits = 1, 1
    if not is_bit:
        digits = len(found.planes)
        width = next(w for w in (8, 16, 32, 64) if digits <= w)
    rows = buffer.size if is_sliced else -(-buffer.size * width // 64) * 64
    return Port(buffer, row, rows, buffer.size, is_sliced, width, digits, "" if is_bit else low)


def wanted(port: Port, found: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """The literals of a result, and the rows in which they are wanted."""
    elements = port.row + port.width * np.arange(port.size, dtype=np.int64)
    planes = [found.plane(place) for place in range(port.digits)]
    if not planes:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(planes), np.concatenate([elements + place for place in range(port.digits)])


def load_input(code: Code, port: Port, memory: str, count: Expr) -> None:
    """Read the samples of a block.

    Parameters
    ----------
    code
        Where statements go.
    port
        The input.
    memory
        The name of the rows.
    count
        The number of samples, or of words of them.
    """
    name, size = port.buffer.name, port.size
    if port.is_sliced:
        with code.loop("e", number(0), number(size)) as e, code.loop("l", number(0), number(LANES)) as lane:
            group = at_most(lane, minus(count, 1))
            word_ = Load(name, plus(times(group, size), e), WORD)
            code.emit(Store(memory, plus(times(plus(e, port.row), LANES), lane), word_))
        return
    chunks = -(-size // 64)
    with code.loop("chunk", number(0), number(chunks)) as chunk:
        first = code.named("first", at_most(times(chunk, 64), max(0, size - 64)))
        row = code.named("row", plus(first, port.row))
        with code.loop("k", number(0), number(64)) as k, code.loop("l", number(0), number(LANES)) as lane:
            sample = at_most(plus(times(lane, 64), k), minus(count, 1))
            start = code.named("start", plus(times(sample, size), first))
            value = Pack(name, start) if size >= 64 else _few(code, name, start, size)
            code.emit(Store(memory, plus(times(plus(row, k), LANES), lane), value))
        _turn(code, memory, row)


def _few(code: Code, name: str, start: Expr, size: int) -> Expr:
    """Less than 64 bits as a word."""
    found = code.declared("bits", word(0), mutable=True)
    with code.loop("e", number(0), number(size)) as e:
        bit = Convert(Load(name, plus(start, e), BIT), WORD)
        code.assign(found, Logic("or", found, Shift("<<", bit, e)))
    return found


def store_result(code: Code, port: Port, memory: str, count: Expr) -> None:
    """Write the samples of a block; parameters as those of `load_input`."""
    name, size = port.buffer.name, port.size
    if port.is_sliced:
        with code.loop("g", number(0), count) as group, code.loop("e", number(0), number(size)) as e:
            value = Load(memory, plus(times(plus(e, port.row), LANES), group), WORD)
            code.emit(Store(name, plus(times(group, size), e), value))
        return
    each = 64 // port.width
    chunks, rest = divmod(size, each)
    for lower, upper, length in ((0, chunks, each), (chunks, chunks + 1, rest)):
        if not length:
            continue
        with code.loop("chunk", number(lower), number(upper)) as chunk:
            row = code.named("row", plus(times(chunk, 64), port.row))
            if port.digits:
                _turn(code, memory, row)
            lanes = Arith(">>", plus(count, 63), number(6), I64)
            with code.loop("l", number(0), lanes) as lane:
                full = code.named("full", at_most(minus(count, times(lane, 64)), 64))
                with code.loop("k", number(0), full) as k:
                    sample = code.named("sample", plus(times(lane, 64), k))
                    found = code.declared("found", Load(memory, plus(times(plus(row, k), LANES), lane), WORD))
                    first = code.named("first", plus(times(sample, size), times(chunk, each)))
                    _spread(code, port, found, first, times(chunk, each), length)


def _spread(code: Code, port: Port, found: Expr, first: Expr, element: Expr, length: int) -> None:
    """Write elements that lie side by side in a word."""
    name, type_ = port.buffer.name, port.buffer.type
    if type_ == BIT and length == 64:
        code.emit(Spread(name, first, found))
        return
    with code.loop("j", number(0), number(length)) as j:
        digits = Logic("and", Shift(">>", found, times(j, port.width)), word(ones(port.digits)))
        if type_ == BIT:
            value: Expr = Compare("!=", digits, word(0))
        else:
            assert isinstance(type_, IntType)
            value = plus(Convert(digits, I64), Load(port.low, plus(element, j), I64))
            value = value if type_ == I64 else Convert(value, type_)
        code.emit(Store(name, plus(first, j), value))


def _turn(code: Code, memory: str, row: Expr) -> None:
    """Turn squares of bits that begin at a row."""
    for distance in (32, 16, 8, 4, 2, 1):
        lowest = word(((1 << 64) - 1) // ((1 << distance) + 1))
        shift = number(distance)
        with code.loop("k", number(0), number(32 // distance)) as block, code.loop("m", number(0), shift) as m:
            near = code.named("near", times(plus(plus(times(block, 2 * distance), m), row), LANES))
            with code.loop("l", number(0), number(LANES), is_parallel=True) as lane:
                here, there = plus(near, lane), plus(plus(near, lane), LANES * distance)
                a = code.declared("a", Load(memory, here, WORD))
                b = code.declared("b", Load(memory, there, WORD))
                moved = Logic("xor", Shift(">>", a, shift), b)
                swapped = code.declared("swapped", Logic("and", moved, lowest))
                code.emit(Store(memory, there, Logic("xor", b, swapped)))
                code.emit(Store(memory, here, Logic("xor", a, Shift("<<", swapped, shift))))
