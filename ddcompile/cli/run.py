"""`ddcompile run`: evaluate a rule on arrays from a file."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddcompile.cli.options import FILE, rule_argument, size_option
from ddcompile.diagnostics import CompileError, fail
from ddcompile.engines import ENGINES, compiled
from ddcompile.kernel.schedule_names import SCHEDULES, Schedule

if TYPE_CHECKING:
    import numpy as np

    from ddcompile.ir.nodes import Rule

__all__ = ["command"]

_ELEMENTS = 1 << 14
"""Elements of all states of a rule whose steps are done together."""


@click.command("run", short_help="Evaluate a rule on the arrays of a file.")
@rule_argument
@click.option("-i", "--inputs", "source", required=True, metavar="IN.npy|IN.npz", type=FILE, help="The inputs.")
@click.option("-o", "target", metavar="OUT.npz", type=FILE, help="Where to save the results; default: JSON on stdout.")
@click.option("--engine", type=click.Choice(list(ENGINES)), default="jit", show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Threads, for jit.")
@click.option("--schedule", type=click.Choice(SCHEDULES), default="auto", show_default=True, help="For jit.")
@size_option
@click.option("--steps", type=click.IntRange(0), default=1, show_default=True, help="Apply the rule so many times.")
def command(
    rule: Path,
    source: Path,
    target: Path | None,
    engine: str,
    jobs: int,
    schedule: str,
    sizes: tuple[tuple[str, int], ...],
    steps: int,
) -> None:
    """Evaluate a rule on the arrays of a file: one an input, by name, batch axes first."""
    from ddcompile.cli.arrays import print_results, read_inputs, write_results
    from ddcompile.cli.programs import read_program
    from ddcompile.runtime.arrays import prepare

    if jobs > 1 and engine != "jit":
        raise click.UsageError(f"--jobs is for the engine jit, not {engine}")
    if schedule != "auto" and engine != "jit":
        raise click.UsageError(f"--schedule is for the engine jit, not {engine}")
    generic = read_program(rule).at(**dict(sizes)).rule
    inputs = read_inputs(source, generic)
    try:
        prepared = prepare(generic, inputs)
    except CompileError as error:
        raise CompileError(replace(d, place=str(source)) for d in error.diagnostics) from None
    special = prepared.rule
    if steps != 1:
        _check_iterable(special, str(rule))
    arrays = [a.reshape((*prepared.batch_shape, *a.shape[1:])) for a in prepared.arrays]
    rounds = _rounds(special, steps, schedule) if engine == "jit" else [(special, steps)]
    for own, times in rounds:
        run = compiled(own, engine, jobs, schedule)
        for _ in range(times):
            arrays = _listed(own, run(arrays))
    if target is None:
        print_results(special, arrays)
    else:
        write_results(target, special, arrays)


def _check_iterable(rule: Rule, place: str) -> None:
    if len(rule.inputs) != 1 or len(rule.outputs) != 1 or rule.inputs[0].type != rule.outputs[0].type:
        message = "--steps needs one input and one result of one type"
        raise fail("U009", message, place=place)


def _rounds(rule: Rule, steps: int, schedule: str) -> list[tuple[Rule, int]]:
    """Rules to apply one after the other, and how often each: many steps at once, if their states fit in a cache."""
    from ddcompile.ir.types import extents
    from ddcompile.kernel.schedules import check_schedule
    from ddcompile.program import Program
    from ddcompile.repetition import iterate

    wanted = check_schedule(schedule)
    if steps < 2:
        return [(rule, steps)]
    program = Program(rule)
    together = iterate(program, steps).rule
    if wanted != "scalar" and _schedule_of(together, wanted) == "grid":
        return [(together, 1)]
    many = min(steps, _ELEMENTS // prod(extents(rule.inputs[0].type)))
    if many > 1 and wanted == "auto":
        together = iterate(program, many).rule
        if _schedule_of(together, wanted):
            return [(together, steps // many), (rule, steps % many)]
    return [(rule, steps)]


def _schedule_of(rule: Rule, wanted: Schedule) -> str:
    """The schedule that is taken for a rule; "" if there is none."""
    from ddcompile.ir.verifier import check
    from ddcompile.kernel.schedules import choose

    try:
        return choose(rule, check(rule), wanted).name
    except CompileError:
        return ""


def _listed(rule: Rule, results: Any) -> list[np.ndarray]:
    return [results] if len(rule.outputs) == 1 else list(results)
