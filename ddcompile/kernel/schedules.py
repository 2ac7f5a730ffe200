"""Schedules: how a rule is laid out for the machine, and which one is taken.

| schedule | what it does |
|---|---|
| grid | packs bits along the last axis, 64 in a word, and computes a word at a time |
| popcount | counts sums of bits with constant weights in words |
| batch | computes many samples side by side, a lane each, in narrow integers |
| tables | runs gates from constant tables, 64 samples in a word |
| scalar | computes one element after the other |

| code | says |
|---|---|
| E022 | a schedule is unknown, or the rule is not of a form that it takes |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from ddcompile.diagnostics import CompileError, fail
from ddcompile.ir.nodes import Rule, Statement
from ddcompile.ir.printer import print_statement
from ddcompile.ir.types import Types
from ddcompile.kernel.grid.build import build
from ddcompile.kernel.grid.plan import Refused, plan
from ddcompile.kernel.grid.streams import Plan
from ddcompile.kernel.grid.tiles import tiling
from ddcompile.kernel.lanes import Lanes, Unsuited, in_lanes
from ddcompile.kernel.lower import lower, machine_types
from ddcompile.kernel.nodes import Kernel
from ddcompile.kernel.popcount import Counted, counted
from ddcompile.kernel.schedule_names import SCHEDULES, Schedule
from ddcompile.kernel.tables.build import build as build_tables
from ddcompile.kernel.tables.nets import MOST
from ddcompile.kernel.tables.ports import LANES
from ddcompile.kernel.tables.translate import Gates, TooMany, Unsuited as NoGates, is_irregular, translate

__all__ = ["Chosen", "Schedule", "check_schedule", "choose", "scheduled"]

_LANE = 0.16
"""Operations that a term of a sum takes in a lane of the schedule batch, about."""
_NARROWEST = 64
"""Elements in a row from which words are fuller than empty."""
_FIRST_CACHE = 32 << 10
_CACHED = 20_000
"""Gates whose results stay in a cache, whatever their order."""
_EACH = 8
"""Gates for an element of a tensor up to which the schedule tables is taken unasked: long sums are faster otherwise."""
_LARGEST = 1 << 20
"""Bytes of the tensors of all lanes up to which the schedule batch is taken unasked: they should stay in a cache."""

_MOST = 256 << 20
"""Bytes of the tensors of all lanes up to which the schedule batch is taken at all; each thread has its own."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The schedule of a rule.

    Attributes
    ----------
    name
        The schedule.
    reason
        Why, in words.
    plan
        What the schedule grid computes; None for the others.
    kernel
        The kernel for one sample after the other; None for the schedules grid and tables.
    lanes, width
        The sample function of the schedule batch, and how many samples it takes; None for the others.
    gates
        The gates of the schedule tables; None for the others.
    """

    name: Schedule
    reason: str
    plan: Plan | None = None
    kernel: Kernel | None = None
    lanes: Lanes | None = None
    width: int = 0
    gates: Gates | None = None


def check_schedule(name: str) -> Schedule:
    """The schedule of this name.

    Raises
    ------
    CompileError
        E022 if there is none.
    """
    for schedule in SCHEDULES:
        if schedule == name:
            return schedule
    raise fail("E022", f"unknown schedule {name!r}", hint=f"the schedules are {', '.join(SCHEDULES)}")


def choose(rule: Rule, types: Types, schedule: Schedule = "auto") -> Chosen:
    """The schedule for a rule without sizes.

    Raises
    ------
    CompileError
        E022 if the rule is not of a form that the schedule asked for takes, and what `ddcompile.kernel.lower` raises.
    """
    found, reason = _planned(rule, types, schedule)
    if found is not None:
        return Chosen("grid", _described(found), plan=found)
    reasons = [reason] if reason else []
    gates, reason = _gates(rule, types, schedule)
    if gates is not None:
        return Chosen("tables", "; ".join([reason, *reasons]), gates=gates)
    reasons = [reason, *reasons] if reason else reasons
    kernel = lower(rule, types)
    counts = _counted(kernel, types, schedule)
    if counts is not None:
        reason = f"{counts.terms} terms of sums are counted by about {counts.operations} operations"
        return Chosen("popcount", "; ".join([reason, *reasons]), kernel=counts.kernel)
    if schedule in ("auto", "batch"):
        try:
            lanes = in_lanes(kernel)
            width = _width(kernel)
            if schedule == "batch" and width * _bytes(kernel) > _MOST:
                raise Unsuited(f"the tensors of {width} samples take more than {_MOST >> 20} MiB")
            if schedule == "batch" or width * _bytes(kernel) <= _LARGEST:
                reason = "; ".join([f"{width} samples at once, if there are as many", *reasons])
                return Chosen("batch", reason, kernel=kernel, lanes=lanes, width=width)
            reasons.append("the tensors of a sample are large")
        except Unsuited as unsuited:
            if schedule == "batch":
                raise _refused("batch", rule, str(unsuited)) from None
            reasons.append(f"the schedule batch does not take it: {unsuited}")
    return Chosen("scalar", "; ".join(reasons) or "it was asked for", kernel=kernel)


def _planned(rule: Rule, types: Types, schedule: Schedule) -> tuple[Plan | None, str]:
    """What the schedule grid computes, if it is asked for or likely to be faster; else why it is not."""
    if schedule not in ("auto", "grid"):
        return None, ""
    try:
        found = plan(rule, types)
    except Refused as refusal:
        if schedule == "grid":
            raise _refused("grid", rule, str(refusal)) from None
        return None, f"the schedule grid does not take it: {refusal}"
    if schedule == "auto" and found.extents[-1] < _NARROWEST:
        return None, f"rows have {found.extents[-1]} elements, fewer than the {_NARROWEST} of a word"
    return found, ""


def _gates(rule: Rule, types: Types, schedule: Schedule) -> tuple[Gates | None, str]:
    """The gates of the schedule tables, if it is asked for or likely to be faster; what they are."""
    if schedule != "tables" and (schedule != "auto" or not is_irregular(types)):
        return None, ""
    elements = sum(prod(types.shape[name]) for name in types.inferred)
    most = MOST if schedule == "tables" else max(_CACHED, _EACH * elements)
    try:
        found = translate(types, most)
    except NoGates as unsuited:
        if schedule == "tables":
            raise _refused("tables", rule, str(unsuited)) from None
        is_long = isinstance(unsuited, TooMany)
        return None, f"the schedule tables would run more than {most} gates for {elements} elements" if is_long else ""
    return found, f"{found.net.size} gates at most are run from tables, for {64 * LANES} samples at a time"


def _counted(kernel: Kernel, types: Types, schedule: Schedule) -> Counted | None:
    """What the schedule popcount computes, if it is asked for or likely to be faster."""
    if schedule not in ("auto", "popcount"):
        return None
    found = counted(kernel, types)
    if schedule == "popcount" and found is None:
        raise _refused("popcount", types.rule, "it has no long sums of bits with few different weights")
    is_faster = found is not None and found.operations < _LANE * found.terms
    return found if is_faster or schedule == "popcount" else None


def _refused(schedule: str, rule: Rule, reason: str) -> CompileError:
    return fail("E022", f"the schedule {schedule} does not take `{rule.name}`: {reason}", place=rule.name)


def _bytes(kernel: Kernel) -> int:
    """Bytes of all tensors of a sample."""
    return sum(buffer.bytes for buffer in kernel.buffers if buffer.role != "table")


def _width(kernel: Kernel) -> int:
    """How many lanes: as many as keep the tensors in a first cache, but at least a vector of bytes."""
    return 64 if 64 * _bytes(kernel) <= _FIRST_CACHE else 32


def scheduled(
    rule: Rule, types: Types, schedule: Schedule, remark: Callable[[Statement], str] = print_statement
) -> Kernel:
    """The kernel of a rule, possibly with sizes, for code that is printed.

    Parameters
    ----------
    rule, types
        The rule and what `infer` found about it.
    schedule
        The schedule; a rule with sizes is computed one element after the other, and others are refused for it.
    remark
        What the comment above the code of a statement says.

    Raises
    ------
    CompileError
        E022 if the rule is not of a form that the schedule asked for takes, and what `ddcompile.kernel.lower` raises.
    """
    if schedule == "batch":
        raise fail("E022", "the schedule batch is for the JIT alone", place=rule.name, hint="take grid or scalar")
    if rule.sizes:
        if schedule in ("grid", "popcount", "tables"):
            hint = "give " + ", ".join(f"`--size {name}=64`" for name in rule.sizes) + ", or the same by `.at`"
            raise fail("E022", f"the schedule {schedule} takes rules at given sizes", place=rule.name, hint=hint)
        return lower(rule, None, remark)
    found, _ = _planned(rule, types, schedule)
    if found is not None:
        return build(rule, types, found, is_packed=False, workers=1, remark=_text(rule, remark)).kernel
    gates, _ = _gates(rule, types, schedule)
    if gates is not None:
        return build_tables(rule, types, gates, "plain", _text(rule, remark)).kernel
    numbers = machine_types(rule, types)
    kernel = lower(rule, numbers, remark)
    counts = _counted(kernel, numbers, schedule)
    return kernel if counts is None else counts.kernel


def _text(rule: Rule, remark: Callable[[Statement], str]) -> str:
    """A comment about all statements."""
    return "\n".join(remark(statement) for statement in rule.statements)


def _described(found: Plan) -> str:
    """What a plan does, for the reader."""
    parts = []
    for part in found.passes:
        tiles = tiling(found, part)
        steps = f"{part.steps} steps, {tiles.steps} at a time" if part.steps > 1 else "one step"
        strips = f", in {tiles.strips} strips of rows" if tiles.strips > 1 else ""
        parts.append(steps + strips)
    work = sum(part.steps for part in found.passes)
    shape = " x ".join(map(str, found.extents))
    each = max(1, round(found.operations / work))
    return f"bits on a grid of {shape}: about {each} operations for 64 elements a step; {'; then '.join(parts)}"
