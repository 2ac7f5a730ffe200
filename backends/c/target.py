"""The C target: a header and a source file of C99, and a self-test if wanted."""

from __future__ import annotations

from ddcompile.backends.c.names import checked_prefix
from ddcompile.backends.c.selftest import selftest
from ddcompile.backends.c.source import CSource
from ddcompile.backends.shared.provenance import provenance
from ddcompile.backends.shared.target import EmitOptions, EmittedFile
from ddcompile.backends.shared.templates import render
from ddcompile.ir.nodes import Kind, Rule
from ddcompile.ir.printer import print_type
from ddcompile.ir.specialize import specialize
from ddcompile.ir.verifier import check
from ddcompile.kernel.lower import lower, machine_types
from ddcompile.kernel.nodes import BitType, Buffer, RealType

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
            T### if the rule is at fault, E101 for a prefix that C does not take, and what `kernel.lower` raises.
        """
        prefix = checked_prefix(options.prefix, rule.name)
        header = provenance(rule, options)
        special = specialize(rule, dict(options.sizes)) if options.sizes else rule
        types = check(special)
        types = machine_types(special, types)
        kernel = lower(special, types)
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
                    sample=source.declarator(kernel.sample, restrict=False),
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
    lines = [f"One sample of the rule {rule.name}. Arrays are row-major; inputs and outputs must not overlap."]
    types = {d.name: print_type(d.type) for d in (*rule.inputs, *rule.outputs)}
    for buffer in source.kernel.parameters:
        lines.append(f"  {source.names[buffer.name]}: {types[buffer.name]}, {_layout(buffer)}")
    if source.kernel.needs_scratch:
        lines.append(f"  {source.scratch_name}: memory to work in, one for each thread")
    return lines


def _layout(buffer: Buffer) -> str:
    count = f"{buffer.size} element" + "s" * (buffer.size != 1)
    if isinstance(buffer.type, BitType):
        return f"{count}, each 0 or 1"
    if isinstance(buffer.type, RealType):
        return f"{count}" + (_EXACT if buffer.exponent else ", binary64")
    text = f"{count} of {buffer.type.width} bits"
    if buffer.type.is_wide:
        text += f", each {buffer.type.words} words of two's complement, least significant first"
    return text + (f", in units of 2^-{buffer.exponent}" if buffer.exponent else "")
