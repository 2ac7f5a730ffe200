"""A rule to be compiled in this process, and finding its code on disk if it has been compiled before.

The key of code is a hash of the rule's canonical text, of how it is asked for, of the processor, and of the versions of
this package and of LLVM; so it is found without lowering anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from ddcompile.backends.llvm.artifact import Artifact
from ddcompile.backends.llvm.compile import host, native_code, versions
from ddcompile.backends.llvm.lanes import block_bytes
from ddcompile.backends.llvm.module import print_batch, print_kernel
from ddcompile.backends.llvm.team import team_lines
from ddcompile.ir.constants import array_sha256
from ddcompile.ir.nodes import Rule
from ddcompile.ir.printer import print_rule
from ddcompile.ir.ranges import ValueType
from ddcompile.ir.types import Types, infer
from ddcompile.ir.verifier import check
from ddcompile.kernel.grid.build import build
from ddcompile.kernel.nodes import BIT, Kernel
from ddcompile.kernel.schedule_names import Layout
from ddcompile.kernel.schedules import Chosen, Schedule, choose
from ddcompile.kernel.split import split
from ddcompile.kernel.tables.build import build as build_tables
from ddcompile.runtime import cache

__all__ = ["PREFIX", "Request"]

PREFIX = "ddcompile_rule"
"""The sample function's symbol, whatever the rule is called: no library has it."""
_STREAMED = 8 << 20
"""Bytes of a result from which it is not kept in a cache."""
_PACKAGES = (
    "ddcompile.ir", "ddcompile.analysis", "ddcompile.kernel", "ddcompile.kernel.grid", "ddcompile.kernel.tables",
    "ddcompile.backends.shared", "ddcompile.backends.llvm",
)  # fmt: skip
"""All that takes part in compiling."""


@dataclass(frozen=True)
class Request:
    """What code is asked for.

    Attributes
    ----------
    rule
        A rule without sizes.
    rationals
        The types of its rational inputs, by name.
    n_jobs
        How many threads may share a sample.
    schedule
        The schedule.
    layout
        How bits are given and taken, if the schedule takes them so; else they are `plain`.
    """

    rule: Rule
    rationals: tuple[tuple[str, ValueType], ...]
    n_jobs: int
    schedule: Schedule
    layout: Layout

    def artifact(self) -> Artifact:
        """The code.

        Raises
        ------
        CompileError
            As `ddcompile.backends.llvm.jit.compile_jit` says.
        """
        found = cache.read(self._key("rule"))
        if found is not None:
            return Artifact.from_bytes(found)
        artifact = self._compiled()
        cache.write(self._key("rule"), artifact.to_bytes())
        return artifact

    def blocks(self) -> bytes:
        """The code of the function `<PREFIX>_blocks` for many samples at once, of a rule that has it."""
        found = cache.read(self._key("blocks"))
        if found is None:
            lanes = self._chosen.lanes
            assert lanes is not None
            found = native_code(print_batch(lanes, self._chosen.width, PREFIX))
            cache.write(self._key("blocks"), found)
        return found

    def _key(self, part: str) -> str:
        return cache.key_of(part, self._text_hash, versions(), cache.fingerprint(*_PACKAGES), *host())

    @cached_property
    def _text_hash(self) -> str:
        large = {c.name: array_sha256(c.values) for c in self.rule.constants if c.values.dtype != object}
        how = f"{self.n_jobs} {self.schedule} {self.layout} {self.rationals}"
        return sha256(f"{how}\n{print_rule(self.rule, large)}".encode()).hexdigest()

    @cached_property
    def _types(self) -> Types:
        return infer(self.rule, dict(self.rationals)) if self.rationals else check(self.rule)

    @cached_property
    def _chosen(self) -> Chosen:
        return choose(self.rule, self._types, self.schedule)

    def _compiled(self) -> Artifact:
        chosen, types = self._chosen, self._types
        phases = units = strays = blocks = 0
        grain = chosen.width or 1
        layout: Layout = "plain"
        if chosen.plan is not None:
            layout = "packed" if self.layout == "packed" else "plain"
            built = build(
                self.rule, types, chosen.plan, is_packed=layout == "packed", workers=self.n_jobs, checks=True
            )
            kernel, phases, units, strays = built.kernel, built.phases, built.units, built.strays
        elif chosen.gates is not None:
            layout = self.layout
            tables = build_tables(self.rule, types, chosen.gates, layout)
            kernel, grain = tables.kernel, tables.block
        else:
            assert chosen.kernel is not None
            kernel = split(chosen.kernel)
            blocks = 0 if chosen.lanes is None else block_bytes(chosen.lanes.kernel, chosen.width)
        text = print_kernel(kernel, PREFIX, comments=False, streams=_streams(kernel) if phases else frozenset())
        if phases and self.n_jobs > 1:
            pointers = len(kernel.parameters) + kernel.needs_scratch
            text += "\n".join(team_lines(f"@{PREFIX}_team", f"@{PREFIX}_phase", pointers)) + "\n"
        return Artifact(
            buffers=kernel.parameters[:-1] if strays else kernel.parameters,
            strays=strays,
            scratch_bytes=kernel.scratch_bytes if kernel.needs_scratch else None,
            tensor={d.name: types.tensor[d.name] for d in self.rule.outputs},
            shape={d.name: types.shape[d.name] for d in self.rule.outputs},
            schedule=chosen.name,
            layout=layout,
            phases=phases,
            units=units,
            width=chosen.width,
            grain=grain,
            block_bytes=blocks,
            code=native_code(text),
        )


def _streams(kernel: Kernel) -> frozenset[str]:
    """Results of the schedule grid that are larger than a cache, and of which rows begin where words do."""
    outputs = kernel.of_role("output")
    return frozenset(b.name for b in outputs if b.bytes >= _STREAMED and b.type == BIT and b.extents[-1] % 64 == 0)
