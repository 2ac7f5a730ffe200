"""LLVM text of a whole kernel: tables and functions."""

from __future__ import annotations

from collections.abc import Sequence

from ddcompile.analysis.conditions import condition_text
from ddcompile.backends.llvm.expressions import memory_type, real_text
from ddcompile.backends.llvm.function import FunctionPrinter
from ddcompile.backends.llvm.lanes import LanePrinter
from ddcompile.backends.llvm.runtime import runtime_functions
from ddcompile.backends.shared.words import to_words
from ddcompile.backends.shared.writer import Writer
from ddcompile.ir.ranges import SIZE
from ddcompile.kernel.lanes import Lanes
from ddcompile.kernel.nodes import F64, BitType, Buffer, Kernel, Type
from ddcompile.kernel.routines import routine
from ddcompile.kernel.traverse import applied

__all__ = ["interface", "print_batch", "print_kernel", "symbol"]


def symbol(kernel: Kernel, function: str, prefix: str = "") -> str:
    """The symbol of a function: its name, the kernel's name in it replaced by the prefix."""
    return (prefix or kernel.name) + function.removeprefix(kernel.name)


def print_kernel(
    kernel: Kernel,
    prefix: str = "",
    header: Sequence[str] = (),
    comments: bool = True,
    streams: frozenset[str] = frozenset(),
) -> str:
    """Print a kernel as an LLVM module that names no machine.

    Parameters
    ----------
    kernel : Kernel
        What to print.
    prefix : str
        Replaces the kernel's name in the symbols.
    header : sequence of str
        Lines for comments at the top.
    comments : bool
        Whether the kernel's comments are printed.
    streams : frozenset of str
        Outputs at multiples of 64 bytes of which words are spread past the cache: they do not fit it.
    """
    symbols = {function.name: "@" + symbol(kernel, function.name, prefix) for function in kernel.functions}
    tables = kernel.of_role("table")
    symbols |= {table.name: f"@.{table.name}" for table in tables}
    writer = Writer(indent="  ")
    writer.lines(f"; {line}".rstrip() for line in (*header, *[""][: len(header)], *interface(kernel)))
    writer.line()
    writer.line(f'source_filename = "{prefix or kernel.name}"')
    writer.line()
    for table in tables:
        _table(writer, symbols[table.name], table)
    printer = FunctionPrinter(kernel, symbols, comments, streams)
    for function in kernel.functions:
        writer.lines(printer.print(function))
        writer.line()
    for name in applied(kernel.sample.body):
        writer.lines(printer.print_routine(routine(name)))
        writer.line()
    for (value, type_), name in printer.numbers.items():
        _words(writer, name, [value], type_)
    for lines in runtime_functions(printer.used, printer.remainders):
        writer.lines(lines)
        writer.line()
    if printer.counts:
        writer.line("declare i64 @llvm.ctpop.i64(i64)")
        writer.line()
    _metadata(writer, printer)
    return writer.text()


def print_batch(made: Lanes, lanes: int, prefix: str) -> str:
    """Print the function that computes so many samples at once, `<prefix>_blocks`, as an LLVM module.

    Its parameters are the number of blocks, the kernel's buffers, and memory of `block_bytes`.
    """
    tables = made.kernel.of_role("table")
    symbols = {name: f"@.{name}" for name in (*(table.name for table in tables), *made.parts)}
    writer = Writer(indent="  ")
    for table in tables:
        _table(writer, symbols[table.name], table)
    printer = LanePrinter(symbols, made, lanes)
    inner = f"@{prefix}_lanes"
    functions = [*printer.print_lanes(inner), printer.print_blocks(f"@{prefix}_blocks", inner)]
    for lines in [*functions, *printer.helpers()]:
        writer.lines(lines)
        writer.line()
    _metadata(writer, printer)
    return writer.text()


def interface(kernel: Kernel) -> list[str]:
    """What the sizes may be, and what the pointers that the functions take point to, a line each."""
    lines = []
    if kernel.sizes:
        conditions = [condition_text(condition) for condition in kernel.conditions]
        lines.append(f"sizes {', '.join(kernel.sizes)}: {' and '.join([f'{SIZE.low} to {SIZE.high}', *conditions])}")
    for buffer in kernel.parameters:
        shape = ", ".join(buffer.shape_texts)
        line = f"{buffer.role} {buffer.name}: {buffer.type}" + (f"[{shape}]" if shape else "")
        if isinstance(buffer.type, BitType):
            line += ", bytes 0 and 1"
        elif buffer.type.is_wide:
            line += f", {buffer.type.words} little-endian words each"
        if buffer.exponent:
            line += f", times 2**-{buffer.exponent}"
        lines.append(line)
    if kernel.needs_scratch:
        size = f"{kernel.name}_scratch_size(sizes)" if kernel.sizes else str(kernel.scratch_bytes)
        lines.append(f"scratch: {size} bytes, aligned to 8")
    return lines


def _metadata(writer: Writer, printer: FunctionPrinter) -> None:
    # What a byte that holds a bit may be.
    writer.line("!0 = !{i8 0, i8 2}")
    if printer.metadata:
        writer.line('!1 = !{!"llvm.loop.vectorize.enable", i1 false}')
        writer.lines(printer.metadata)


def _table(writer: Writer, name: str, table: Buffer) -> None:
    """Print a constant array."""
    if table.type.is_wide:
        _words(writer, name, table.values, table.type)
        return
    element = memory_type(table.type)
    _array(writer, name, element, [real_text(n) if table.type == F64 else str(n) for n in table.values])


def _words(writer: Writer, name: str, values: Sequence[int], type_: Type) -> None:
    """Print wide integers as their words."""
    _array(writer, name, "i64", [str(word) for word in to_words(values, type_.words)])


def _array(writer: Writer, name: str, element: str, numbers: list[str]) -> None:
    head = f"{name} = private unnamed_addr constant [{len(numbers)} x {element}] "
    items = [f"{element} {number}" for number in numbers]
    if not items:
        writer.line(head + "zeroinitializer, align 8")
        return
    with writer.block(head + "[", "], align 8"):
        writer.fill(items)
    writer.line()
