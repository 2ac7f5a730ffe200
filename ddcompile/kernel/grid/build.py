"""A plan as a kernel.

    life_phase(worker, phase, lower, upper)    rows lower to upper - 1 of a phase, by one of the threads
    life()                                     all phases of one sample
    life_batch(n)                              n samples

The phases follow one another; the parts of one may be computed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ddcompile.ir.nodes import Rule
from ddcompile.ir.types import Types
from ddcompile.kernel.dce import eliminate_dead_code
from ddcompile.kernel.grid.arithmetic import TRUE, both, compare, modulo, number, plus, times
from ddcompile.kernel.grid.code import Code
from ddcompile.kernel.grid.memory import Grid
from ddcompile.kernel.grid.rings import ring_buffers
from ddcompile.kernel.grid.rows import PassCode
from ddcompile.kernel.grid.streams import Pass, Plan
from ddcompile.kernel.grid.tiles import Tiling, tiling
from ddcompile.kernel.lower import batch_function
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import (
    BIT,
    I64,
    WORD,
    Buffer,
    Expr,
    Function,
    Invoke,
    Kernel,
    Loop,
    Role,
    Stmt,
    Var,
)
from ddcompile.kernel.traverse import loads, stores

__all__ = ["Built", "build"]


@dataclass(frozen=True, slots=True)
class _Round:
    """Phases that share their code: those from `first` to `last`."""

    part: int
    steps: int
    first: int
    last: int


def _rounds(parts: tuple[Pass, ...], tiles: list[Tiling]) -> list[_Round]:
    """The phases: a recurrence takes several if it has more steps than are done at once."""
    found: list[_Round] = []
    phase = 0
    for number_, (part, tile) in enumerate(zip(parts, tiles, strict=True)):
        count = -(-part.steps // tile.steps)
        last = part.steps - (count - 1) * tile.steps
        cuts = [(0, 0, tile.steps if count > 1 else last)]
        cuts += [(1, count - 2, tile.steps)] if count > 2 else []
        cuts += [(count - 1, count - 1, last)] if count > 1 else []
        found += [_Round(number_, steps, phase + first, phase + end) for first, end, steps in cuts]
        phase += count
    return found


@dataclass(frozen=True, slots=True)
class Built:
    """A kernel, and how a team of threads may share its phases.

    Attributes
    ----------
    kernel
        The kernel.
    phases
        How many phases there are.
    units
        Into how many parts a phase can be divided: rows, or strips of a grid of one axis.
    strays
        The words of the last output, which are 0 before the call and after it if all inputs are bits; 0 without it.
    """

    kernel: Kernel
    phases: int
    units: int
    strays: int


def build(
    rule: Rule, types: Types, plan: Plan, *, is_packed: bool, workers: int, checks: bool = False, remark: str = ""
) -> Built:
    """The kernel of a plan.

    Parameters
    ----------
    rule, types
        The rule and what `infer` found about it.
    plan
        Its plan.
    is_packed
        Whether inputs and results are words.
    workers
        How many threads may work on one sample, each with rings of its own, if it can be divided so.
    checks
        Whether the kernel finds out whether inputs are bits, if it can.
    remark
        A comment at the beginning.
    """
    return _Build(rule, types, plan, is_packed, workers, checks, remark).run()


class _Build:
    def __init__(
        self, rule: Rule, types: Types, plan: Plan, is_packed: bool, workers: int, checks: bool, remark: str
    ) -> None:
        self.rule, self.plan, self.is_packed, self.remark = rule, plan, is_packed, remark
        self.shapes = types.shape
        self.tiles = [tiling(plan, part) for part in plan.passes]
        self.rounds = _rounds(plan.passes, self.tiles)
        self.phases = self.rounds[-1].last + 1
        self.units = plan.extents[0] if len(plan.extents) > 1 else self.tiles[-1].strips
        self.workers = min(workers, self.units)
        declared = [d.name for d in (*rule.inputs, *rule.outputs)]
        self.names = Names([*declared, rule.name, f"{rule.name}_phase", f"{rule.name}_batch"])
        self.buffers = [self._interface(d.name, "input") for d in rule.inputs]
        self.buffers += [self._interface(d.name, "output") for d in rule.outputs]
        self.strays = ""
        if checks and not is_packed and self._reads_all():
            self.strays = self.names.fresh("strays")
            self.buffers.append(Buffer(self.strays, "output", WORD, (self.workers,)))
        self.size = prod(plan.extents[:-1]) * -(-plan.extents[-1] // 64)
        """Words of a grid between phases."""
        most = max((len(part.results) for part in plan.passes), default=0)
        self.between = Buffer(self.names.fresh("between"), "scratch", WORD, (2 * most * self.size,))
        self.most = most

    def _interface(self, name: str, role: Role) -> Buffer:
        shape = self.shapes[name]
        if self.is_packed:
            return Buffer(name, role, WORD, (*shape[:-1], -(-shape[-1] // 64)))
        return Buffer(name, role, BIT, shape)

    def _reads_all(self) -> bool:
        """Whether the first pass loads every element of every input, and rows have as many as a word."""
        left = {buffer.name: buffer.size for buffer in self.buffers if buffer.role == "input"}
        for buffer, _, stream in self.plan.inputs:
            extents = self.plan.streams[stream].extents
            if stream in self.plan.passes[0].loads and extents[-1] >= 64:
                left[buffer] -= prod(extents)
        return not any(left.values())

    def run(self) -> Built:
        rings = [
            ring_buffers(self.plan, part, tile, self.workers, self.names.fresh)
            for part, tile in zip(self.plan.passes, self.tiles, strict=True)
        ]
        reserved = [*(b.name for b in self.buffers), self.between.name, *(b.name for r in rings for b in r.values())]
        code = Code([*reserved, self.rule.name])
        worker, phase, lower, upper = (code.parameter(n) for n in ("worker", "phase", "lower", "upper"))
        if self.remark:
            code.remark(self.remark)
        for round_ in self.rounds:
            within = both(compare(">=", phase, round_.first), compare("<=", phase, round_.last))
            test = within if len(self.rounds) > 1 else TRUE
            part, tile = self.plan.passes[round_.part], self.tiles[round_.part]
            with code.branch(test):
                PassCode(
                    code, self.plan, part, tile, round_.steps, rings[round_.part],
                    self._sources(round_, phase), self._sinks(round_, phase), worker, self.workers,
                    self.strays if round_.first == 0 else "",
                ).emit(lower, upper)  # fmt: skip
        body = eliminate_dead_code(code.body, frozenset(b.name for b in self.buffers if b.role == "output"))
        used = {load.buffer for load in loads(body)} | {store.buffer for store in stores(body)}
        scratch = {b.name: b for b in (self.between, *(b for r in rings for b in r.values())) if b.name in used}
        buffers = (*self.buffers, *scratch.values())
        name = self.rule.name
        functions = (
            Function(f"{name}_phase", (worker, phase, lower, upper), body),
            Function(name, (), self._sample()),
            batch_function(name, self.buffers),
        )
        return Built(Kernel(name, buffers, functions), self.phases, self.units, self.workers if self.strays else 0)

    # --- memory ------------------------------------------------------------------------------------------------------

    def _between(self, stream: str, position: int, phase: Expr) -> Grid:
        """The grid that a phase leaves to the next."""
        start = times(modulo(phase, 2), self.most * self.size)
        return Grid(self.between.name, True, plus(start, position * self.size), self.plan.streams[stream].extents[-1])

    def _outside(self, buffer: str, place: int, stream: str) -> Grid:
        """A grid of an input or result."""
        extents = self.plan.streams[stream].extents
        row = -(-extents[-1] // 64) if self.is_packed else extents[-1]
        return Grid(buffer, self.is_packed, number(place * prod(extents[:-1]) * row), extents[-1])

    def _sources(self, round_: _Round, phase: Expr) -> dict[str, Grid]:
        part = self.plan.passes[round_.part]
        if round_.first == 0:
            return {stream: self._outside(buffer, place, stream) for buffer, place, stream in self.plan.inputs}
        return {stream: self._between(stream, k, plus(phase, 1)) for k, stream in enumerate(part.loads)}

    def _sinks(self, round_: _Round, phase: Expr) -> dict[str, list[Grid]]:
        part = self.plan.passes[round_.part]
        if round_ is not self.rounds[-1]:
            return {stream: [self._between(stream, k, phase)] for k, stream in enumerate(part.results)}
        found: dict[str, list[Grid]] = {}
        for buffer, place, stream in self.plan.results:
            found.setdefault(stream, []).append(self._outside(buffer, place, stream))
        return found

    # --- functions ---------------------------------------------------------------------------------------------------

    def _sample(self) -> tuple[Stmt, ...]:
        """All phases, one after the other."""
        if self.phases == 1:
            return (self._invoke(number(0)),)
        phase = Var(Names([*(b.name for b in self.buffers), self.rule.name]).fresh("phase"), I64)
        return (Loop(phase, number(0), number(self.phases), (self._invoke(phase),)),)

    def _invoke(self, phase: Expr) -> Invoke:
        here = (number(0),) * len(self.buffers)
        return Invoke(f"{self.rule.name}_phase", here, (number(0), phase, number(0), number(self.units)))
