"""Gates as a kernel.

    net_block(count)     count samples, at most 64 a lane, side by side
    net()                one sample
    net_batch(n)         n samples, block by block

The block is a loop over runs of gates, and in it one loop for each kind of gate, in which places come from a table. So
the code does not depend on the number of gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import Types
from ddcompile.kernel.grid.arithmetic import at_most, compare, minus, number, plus, times
from ddcompile.kernel.grid.code import Code
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    I64,
    WORD,
    Arith,
    Buffer,
    Convert,
    Expr,
    Function,
    IntType,
    Invoke,
    Kernel,
    Load,
    Logic,
    Loop,
    Not,
    Store,
    Var,
    int_type,
)
from ddcompile.kernel.schedule_names import Layout
from ddcompile.kernel.tables.order import KINDS, OPERANDS, Order, ordered
from ddcompile.kernel.tables.ports import LANES, Port, input_port, load_input, result_port, store_result, wanted
from ddcompile.kernel.tables.translate import Gates

__all__ = ["Tables", "build"]


@dataclass(frozen=True, slots=True)
class Tables:
    """A kernel that runs gates from tables.

    Attributes
    ----------
    kernel
        The kernel. In the layout `sliced`, what it takes for a sample is 64 of them; their numbers follow one another.
    block
        Samples of the kernel that are computed side by side.
    gates, runs, slots
        The number of gates, of runs of gates of one kind, and of rows of memory that they need.
    """

    kernel: Kernel
    block: int
    gates: int
    runs: int
    slots: int


def build(rule: Rule, types: Types, gates: Gates, layout: Layout, remark: str = "") -> Tables:
    """The kernel of some gates.

    Parameters
    ----------
    rule, types
        The rule and what `infer` found about it.
    gates
        Its gates.
    layout
        How inputs and results of bits lie in memory.
    remark
        A comment at the beginning.
    """
    names = Names([*types.tensor, rule.name, f"{rule.name}_block", f"{rule.name}_batch"])
    row = 0
    inputs: list[Port] = []
    for declaration in rule.inputs:
        inputs.append(input_port(types, declaration, row, layout))
        row += inputs[-1].rows
    results: list[Port] = []
    lows: list[Buffer] = []
    for declaration in rule.outputs:
        found = gates.results[declaration.name]
        low = names.fresh(f"{declaration.name}_low")
        results.append(result_port(types, declaration, found, row, layout, low))
        row += results[-1].rows
        if results[-1].low:
            lows.append(Buffer(low, "table", I64, (len(found.low),), 0, tuple(found.low.tolist())))
    places = np.concatenate([port.row + np.arange(port.size) for port in inputs])
    ends = [wanted(port, gates.results[port.buffer.name]) for port in results]
    literals, kept = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    order = ordered(gates.net, places, row, literals, kept)
    block = LANES if layout == "sliced" else 64 * LANES
    memory = Buffer(names.fresh("rows"), "scratch", WORD, (order.slots * LANES,))
    tables = [*_tables(order, names), *lows]
    buffers = [port.buffer for port in (*inputs, *results)]
    code = Code([*(b.name for b in (*buffers, *tables, memory)), rule.name])
    count = code.parameter("count")
    if remark:
        code.remark(remark)
    for port in inputs:
        load_input(code, port, memory.name, count)
    _run(code, order, tables[: len(tables) - len(lows)], memory.name)
    for port in results:
        store_result(code, port, memory.name, count, in_words=layout == "sliced")
    functions = (
        Function(f"{rule.name}_block", (count,), code.body),
        Function(rule.name, (), (Invoke(f"{rule.name}_block", (number(0),) * len(buffers), (number(1),)),)),
        _batch(rule.name, buffers, block),
    )
    used = tables if order.runs else lows
    kernel = Kernel(rule.name, (*buffers, *used, memory), functions)
    return Tables(kernel, block, order.gates, len(order.runs), order.slots)


def _tables(order: Order, names: Names) -> list[Buffer]:
    """What is constant: the kind, the first row and the length of every run, and where results and operands lie."""
    columns = {
        "kinds": [run.kind for run in order.runs],
        "starts": [run.start for run in order.runs],
        "counts": [run.count for run in order.runs],
        "places": (order.places * LANES).tolist(),
    }
    return [
        Buffer(names.fresh(name), "table", int_type(min(values, default=0), max(values, default=0)), (len(values),), 0,
               tuple(values))
        for name, values in columns.items()
    ]  # fmt: skip


def _number(table: Buffer, index: Expr) -> Expr:
    """An entry of a table as a 64-bit integer."""
    assert isinstance(table.type, IntType)
    found = Load(table.name, index, table.type)
    return found if table.type == I64 else Convert(found, I64)


def _run(code: Code, order: Order, tables: Sequence[Buffer], memory: str) -> None:
    """Compute all gates."""
    if not order.runs:
        return
    kinds, starts, counts, places = tables
    with code.loop("run", number(0), number(len(order.runs))) as run:
        kind = code.named("kind", _number(kinds, run))
        start = code.named("start", _number(starts, run))
        count = code.named("gates", _number(counts, run))
        for which in sorted({run.kind for run in order.runs}):
            results, operands = (2 if which >= KINDS.index("full") else 1), OPERANDS[which]
            length = results + operands
            with (
                code.branch(compare("==", kind, which)),
                code.loop("gate", number(0), count) as gate,
            ):
                at = code.named("at", plus(start, times(gate, length)))
                where = [code.declared("place", _number(places, plus(at, k))) for k in range(length)]
                with code.loop("l", number(0), number(LANES), is_parallel=True) as lane:
                    read = [code.declared("bits", Load(memory, plus(place, lane), WORD)) for place in where[results:]]
                    for place, value in zip(where[:results], _computed(which, read), strict=True):
                        code.emit(Store(memory, plus(place, lane), value))


def _computed(kind: int, read: Sequence[Expr]) -> list[Expr]:
    """The results of a gate."""
    a, b = read[:2]
    match KINDS[kind]:
        case "and":
            return [Logic("and", a, b)]
        case "and not":
            return [Logic("and", a, Not(b))]
        case "nor":
            return [Not(Logic("or", a, b))]
        case "xor":
            return [Logic("xor", a, b)]
    first = Not(a) if KINDS[kind] == "full not" else a
    half, c = Logic("xor", first, b), read[2]
    return [Logic("xor", half, c), Logic("or", Logic("and", first, b), Logic("and", half, c))]


def _batch(name: str, buffers: Sequence[Buffer], block: int) -> Function:
    """All samples, block by block."""
    names = Names([*(b.name for b in buffers), name])
    count, index = Var(names.fresh("n"), I64), Var(names.fresh("block"), I64)
    blocks = Arith(">>", plus(count, block - 1), number(block.bit_length() - 1), I64)
    offsets = tuple(times(index, block * b.size) for b in buffers)
    length = at_most(minus(count, times(index, block)), block)
    loop = Loop(index, number(0), blocks, (Invoke(f"{name}_block", offsets, (length,)),))
    return Function(f"{name}_batch", (count,), (loop,))
