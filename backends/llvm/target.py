"""The LLVM target: a rule as an LLVM module, in text or as object code for this machine."""

from __future__ import annotations

import re
from dataclasses import replace

from ddcompile.backends.llvm.compile import object_code
from ddcompile.backends.llvm.module import print_kernel
from ddcompile.backends.shared.comments import remarks
from ddcompile.backends.shared.provenance import provenance
from ddcompile.backends.shared.target import EmitOptions, EmittedFile
from ddcompile.diagnostics import fail
from ddcompile.ir.nodes import Kind, Rule
from ddcompile.ir.printer import print_statement
from ddcompile.ir.specialize import checked_sizes, specialize
from ddcompile.ir.verifier import check
from ddcompile.kernel.schedules import check_schedule, scheduled

__all__ = ["LLVMTarget", "emit_object"]

_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN = frozenset({"main", "memcmp", "memcpy", "memmove", "memset"})
"""Functions that LLVM or the system calls by name."""


class LLVMTarget:
    """Prints a rule as LLVM text for any little-endian machine.

    The module defines `void <prefix>(inputs..., results...)` for one sample and `void <prefix>_batch(i64 n, ...)` for n
    samples one after the other, all arguments pointers to row-major arrays: bits as bytes 0 and 1, spins and trits as
    `i8`, other integers and scaled rationals as `i64` or, beyond that, as little-endian two's complement words. A
    kernel with much intermediate data takes the pointer to its scratch memory last.

    Sizes stay parameters unless the options give them: `i32 <prefix>(i64 H, i64 W, inputs..., results...)` and
    `i32 <prefix>_batch(i64 H, i64 W, i64 n, ...)` give 0, or 1 if the sizes are not allowed and nothing was done;
    `i64 <prefix>_scratch_size(i64 H, i64 W)` gives bytes, or -1.
    """

    name = "llvm"
    description = "an LLVM module (.ll) with a sample and a batch function"
    kinds: frozenset[Kind] = frozenset({"bit", "spin", "trit", "int", "rat", "real"})

    def emit(self, rule: Rule, options: EmitOptions) -> list[EmittedFile]:
        """Print `rule` as `<prefix>.ll`.

        Raises
        ------
        CompileError
            T### if the rule is not valid, E0## if it has numbers without bounds, is not shown to be valid for all sizes
            or is not of a form that the schedule takes, E201 if the prefix is no symbol, A016 if a size is given that
            the rule does not have.
        """
        return [EmittedFile(f"{_prefix(rule, options)}.ll", _text(rule, options))]


def emit_object(rule: Rule, options: EmitOptions) -> bytes:
    """Compile `rule` to the object code of this machine's architecture, position independent, for any of its models.

    The functions are those of the module that `LLVMTarget` prints.

    Raises
    ------
    CompileError
        As `LLVMTarget.emit`.
    """
    return object_code(_text(rule, replace(options, comments=False)))


def _text(rule: Rule, options: EmitOptions) -> str:
    special = specialize(rule, checked_sizes(rule, dict(options.sizes)), partly=True)
    types = check(special)
    remark = remarks(special, types) if options.comments else print_statement
    kernel = scheduled(special, types, check_schedule(options.schedule), remark)
    return print_kernel(kernel, _prefix(rule, options), provenance(rule, options), options.comments)


def _prefix(rule: Rule, options: EmitOptions) -> str:
    """The name of the sample function."""
    if options.prefix and not _SYMBOL.fullmatch(options.prefix):
        raise fail("E201", f"prefix {options.prefix!r} is no symbol", hint="use letters, digits and underscores")
    name = options.prefix or rule.name
    return f"{name}_rule" if name in _TAKEN else name
