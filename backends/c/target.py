"""The C target: a header and a source file of C99, and a self-test if wanted."""

from __future__ import annotations

from ddcompile.analysis.conditions import condition_text
from ddcompile.backends.c.names import checked_prefix
from ddcompile.backends.c.selftest import selftest
from ddcompile.backends.c.source import CSource
from ddcompile.backends.shared.comments import remarks
from ddcompile.backends.shared.provenance import provenance
from ddcompile.backends.shared.target import EmitOptions, EmittedFile
from ddcompile.backends.shared.templates import render
from ddcompile.ir.nodes import Kind, Rule
from ddcompile.ir.printer import print_statement, print_type
from ddcompile.ir.ranges import SIZE
from ddcompile.ir.specialize import checked_sizes, specialize
from ddcompile.ir.verifier import check
from ddcompile.kernel.lower import machine_types
from ddcompile.kernel.nodes import BitType, Buffer, Kernel, RealType, WordType
from ddcompile.kernel.schedules import check_schedule, scheduled
from ddcompile.kernel.sizes import most_bytes
from ddcompile.kernel.split import split

__all__ = ["CTarget"]

_PACKAGE = "ddcompile.backends.c"
_EXACT = ", finite and taken exactly (sums and products are integers of 2112 bits and more)"


class CTarget:
    """Standalone C99: no malloc, no stdio, no recursion, no globals; integers of any width."""

    name = "c"
    description = "standalone C99, .h and .c: exact integers, reentrant, no libraries"
    kinds: frozenset[Kind] = frozenset({"bit", "spin", "trit", "int", "rat", "real"})

    def emit(self, rule: Rule, options: EmitOptions) -> list[EmittedFile]:
        """Print `<prefix>.h`, `<prefix>.c` and, for a self-test, `<prefix>_test.c`.

        Raises
        ------
        CompileError
            T### if the rule is at fault, E101 for a prefix that C does not take, A016 for a size that the rule does not
            have, and what `ddcompile.kernel.schedules.scheduled` raises.
        """
        prefix = checked_prefix(options.prefix, rule.name)
        header = provenance(rule, options)
        special = specialize(rule, checked_sizes(rule, dict(options.sizes)), partly=True)
        types = check(special)
        remark = remarks(special, machine_types(special, types)) if options.comments else print_statement
        kernel = split(scheduled(special, types, check_schedule(options.schedule), remark))
        types = machine_types(special, types)
        source = CSource(kernel, prefix, comments=options.comments)
        blocks = source.blocks()
        frame = {"prefix": prefix, "provenance": header}
        files = [
            EmittedFile(
                f"{prefix}.h",
                render(
                    _PACKAGE,
                    "header.h.j2",
                    **frame,
                    exponents=[(b.name, b.exponent) for b in kernel.of_role("output") if b.exponent],
                    scratch=source.scratch_fields(),
                    description=_description(special, source),
                    scratch_size=source.declarator(kernel.function["_scratch_size"], restrict=False)
                    if "_scratch_size" in kernel.function
                    else "",
                    sample=source.declarator(kernel.function[""], restrict=False),
                    batch=source.declarator(kernel.batch, restrict=False),
                ),
            ),
            EmittedFile(
                f"{prefix}.c", render(_PACKAGE, "source.c.j2", **frame, includes=source.includes, blocks=blocks)
            ),
        ]
        if options.self_test:
            files.append(EmittedFile(f"{prefix}_test.c", selftest(special, types, source, header)))
        return files


def _description(rule: Rule, source: CSource) -> list[str]:
    """What the parameters are."""
    kernel = source.kernel
    lines = [f"One sample of the rule {rule.name}. Arrays are row-major; inputs and outputs must not overlap."]
    if kernel.sizes:
        lines += _sizes(kernel, source)
    types = {d.name: print_type(d.type) for d in (*rule.inputs, *rule.outputs)}
    for buffer in kernel.parameters:
        lines.append(f"  {source.names[buffer.name]}: {types[buffer.name]}, {_layout(buffer)}")
    if kernel.needs_scratch:
        size = f", {source.prefix}_scratch_size(...) bytes aligned to 8" if kernel.sizes else ""
        lines.append(f"  {source.scratch_name}: memory to work in{size}, one for each thread")
    if kernel.sizes:
        lines.append("Returns 0; or 1 if the sizes are not allowed, and then no array is read or written.")
    return lines


def _sizes(kernel: Kernel, source: CSource) -> list[str]:
    """What the sizes may be."""
    names = ", ".join(source.names[size] for size in kernel.sizes)
    limits = f"{SIZE.low} to {SIZE.high}"
    text = f"  {names}: {limits}" + (" each" if len(kernel.sizes) > 1 else "")
    conditions = [condition_text(condition) for condition in kernel.conditions]
    lines = [text + (f", where {' and '.join(conditions)}" if conditions else "")]
    most = most_bytes(kernel.buffers)
    return [*lines, f"  No array of a sample, or in scratch memory, may have more than {most} bytes."]


def _layout(buffer: Buffer) -> str:
    if buffer.is_sized:
        factors = [text for text in buffer.shape_texts if text != "1"]
        shown = (f"({text})" if " " in text and len(factors) > 1 else text for text in factors)
        count = " * ".join(shown) + " elements"
    else:
        count = f"{buffer.size} element" + "s" * (buffer.size != 1)
    if isinstance(buffer.type, BitType):
        return f"{count}, each 0 or 1"
    if isinstance(buffer.type, RealType):
        return f"{count}" + (_EXACT if buffer.exponent else ", binary64")
    if isinstance(buffer.type, WordType):
        return f"{count}, each a word of 64 bits: element 64 w + k of a row in bit k of its word w"
    text = f"{count} of {buffer.type.width} bits"
    if buffer.type.is_wide:
        text += f", each {buffer.type.words} words of two's complement, least significant first"
    return text + (f", in units of 2^-{buffer.exponent}" if buffer.exponent else "")
