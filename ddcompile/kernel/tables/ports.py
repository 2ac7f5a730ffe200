"""Inputs and results of gates: from samples to words of 64 samples, and back.

The elements of an input lie in rows of memory, `LANES` words wide: bit k of word l of row e is element e of sample
64 l + k. Samples in memory are the other way round, so squares of 64 x 64 bits are turned, all lanes at once: for 32,
16, 8, 4, 2 and 1, the bits of row k that are so many places higher change places with lower ones of the row so many
further.

Of a result, `width` bits side by side belong to one element: 1 of a tensor of bits, else as
many bytes as hold its digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

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
from ddcompile.kernel.schedule_names import Layout
from ddcompile.kernel.tables.numbers import Numbers

__all__ = ["LANES", "Port", "input_port", "load_input", "result_port", "store_result"]

LANES = 8
"""Words in a row: what is computed at a time is for 64 times as many samples."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or a result.

    Attributes
    ----------
    buffer
        Its memory.
    layout
        How elements lie there.
    row
        Its first row.
    rows
        How many rows it has.
    size
        The number of elements of a sample.
    length
        How many elements lie side by side in memory, in words if they are packed.
    width
        Bits that belong to an element.
    digits
        How many of them are digits.
    low
        The table of what is added to the digits; "" for bits.
    """

    buffer: Buffer
    layout: Layout
    row: int
    rows: int
    size: int
    length: int
    width: int = 1
    digits: int = 1
    low: str = ""

    @property
    def words(self) -> int:
        """Words in which so many elements lie as lie side by side."""
        return -(-self.length * self.width // 64)


def _port(types: Types, declaration: Declaration, role: Role, row: int, layout: Layout) -> Port:
    """A port of as many rows as there are elements."""
    shape, type_ = types.shape[declaration.name], interface_type(types.tensor[declaration.name])
    size = prod(shape)
    if type_ == BIT and layout == "packed" and shape:
        length = shape[-1]
        buffer = Buffer(declaration.name, role, WORD, (*shape[:-1], -(-length // 64)))
        return Port(buffer, "packed", row, size, size, length)
    if layout == "sliced":
        shape = shape if type_ == BIT else (64, *shape)
    is_sliced = layout == "sliced" and type_ == BIT
    buffer = Buffer(declaration.name, role, WORD if is_sliced else type_, shape)
    return Port(buffer, "sliced" if is_sliced else "plain", row, size, size, size)


def input_port(types: Types, declaration: Declaration, row: int, layout: Layout) -> Port:
    """The port of an input of bits."""
    port = _port(types, declaration, "input", row, layout)
    match port.layout:
        case "sliced":
            return port
        case "packed":
            # The words at the end of the elements that lie side by side reach into the rows behind.
            return replace(port, rows=port.size + 63)
    return replace(port, rows=max(port.size, 64))


def result_port(types: Types, declaration: Declaration, found: Numbers, row: int, layout: Layout, low: str) -> Port:
    """The port of a result."""
    port = _port(types, declaration, "output", row, layout)
    if declaration.type.kind != "bit":
        digits = len(found.planes)
        port = replace(port, width=next(w for w in (8, 16, 32, 64) if digits <= w), digits=digits, low=low)
    if port.layout == "sliced":
        return port
    blocks = port.size // max(1, port.length)
    return replace(port, rows=64 * blocks * port.words)


def wanted(port: Port, found: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """The literals of a result, and the rows in which they are wanted."""
    elements = np.arange(port.size, dtype=np.int64)
    rows = port.row + port.width * elements
    if port.layout == "packed":
        block, place = np.divmod(elements, port.length)
        rows = port.row + 64 * port.words * block + place
    planes = [found.plane(place) for place in range(port.digits)]
    if not planes:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(planes), np.concatenate([rows + place for place in range(port.digits)])


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
    match port.layout:
        case "sliced":
            with code.loop("e", number(0), number(size)) as e, code.loop("l", number(0), number(LANES)) as lane:
                group = at_most(lane, minus(count, 1))
                found = Load(name, plus(times(group, size), e), WORD)
                code.emit(Store(memory, plus(times(plus(e, port.row), LANES), lane), found))
        case "packed":
            words = port.words
            with (
                code.loop("r", number(0), number(size // port.length)) as r,
                code.loop("w", number(0), number(words)) as w,
            ):
                row = code.named("row", plus(plus(times(r, port.length), times(w, 64)), port.row))
                place = code.named("place", plus(times(r, words), w))
                for sample, here in _square(code, row, count):
                    word_ = Load(name, plus(times(sample, size // port.length * words), place), WORD)
                    code.emit(Store(memory, here, word_))
                _turn(code, memory, row)
        case "plain":
            with code.loop("chunk", number(0), number(-(-size // 64))) as chunk:
                first = code.named("first", at_most(times(chunk, 64), max(0, size - 64)))
                row = code.named("row", plus(first, port.row))
                for sample, here in _square(code, row, count):
                    start = code.named("start", plus(times(sample, size), first))
                    value = Pack(name, start) if size >= 64 else _few(code, name, start, size)
                    code.emit(Store(memory, here, value))
                _turn(code, memory, row)


def _square(code: Code, row: Expr, count: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Inside of loops over 64 rows from some row on: a sample, and the place of its word."""
    with code.loop("k", number(0), number(64)) as k, code.loop("l", number(0), number(LANES)) as lane:
        sample = code.named("sample", at_most(plus(times(lane, 64), k), minus(count, 1)))
        yield sample, plus(times(plus(row, k), LANES), lane)


def _few(code: Code, name: str, start: Expr, size: int) -> Expr:
    """Less than 64 bits as a word."""
    found = code.declared("bits", word(0), mutable=True)
    with code.loop("e", number(0), number(size)) as e:
        bit = Convert(Load(name, plus(start, e), BIT), WORD)
        code.assign(found, Logic("or", found, Shift("<<", bit, e)))
    return found


def store_result(code: Code, port: Port, memory: str, count: Expr, *, in_words: bool) -> None:
    """Write the samples of a block; parameters as those of `load_input`, and whether words of samples are counted."""
    name, size = port.buffer.name, port.size
    if port.layout == "sliced":
        with code.loop("g", number(0), count) as group, code.loop("e", number(0), number(size)) as e:
            value = Load(memory, plus(times(plus(e, port.row), LANES), group), WORD)
            code.emit(Store(name, plus(times(group, size), e), value))
        return
    if not size:
        return
    samples = times(count, 64) if in_words else count
    each = 64 // port.width
    full, rest = divmod(port.length, each)
    with code.loop("r", number(0), number(size // port.length)) as r:
        for lower, upper, length in ((0, full, each), (full, full + 1, rest)):
            if not length:
                continue
            with code.loop("w", number(lower), number(upper)) as w:
                row = code.named("row", plus(times(plus(times(r, port.words), w), 64), port.row))
                if port.digits:
                    _turn(code, memory, row)
                lanes = Arith(">>", plus(samples, 63), number(6), I64)
                with code.loop("l", number(0), lanes) as lane:
                    last = code.named("last", at_most(minus(samples, times(lane, 64)), 64))
                    with code.loop("k", number(0), last) as k:
                        sample = code.named("sample", plus(times(lane, 64), k))
                        found = code.declared("found", Load(memory, plus(times(plus(row, k), LANES), lane), WORD))
                        if port.layout == "packed":
                            place = plus(plus(times(sample, size // port.length * port.words), times(r, port.words)), w)
                            code.emit(Store(name, place, Logic("and", found, word(ones(length)))))
                            continue
                        first = code.named("first", plus(times(sample, size), times(w, each)))
                        _spread(code, port, found, first, times(w, each), length)


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
