"""`ddcompile run`: evaluate a rule on arrays from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddcompile.cli.options import FILE, rule_argument, size_option
from ddcompile.diagnostics import CompileError, fail
from ddcompile.engines import ENGINES, compiled
from ddcompile.kernel.schedule_names import SCHEDULES

if TYPE_CHECKING:
    import numpy as np

    from ddcompile.ir.nodes import Rule

__all__ = ["command"]


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
    repeated = _repeated(special, steps, schedule) if engine == "jit" and steps > 1 else None
    if repeated is not None:
        special, steps = repeated, 1
    run = compiled(special, engine, jobs, schedule)
    for _ in range(steps):
        arrays = _listed(special, run(arrays))
    if target is None:
        print_results(special, arrays)
    else:
        write_results(target, special, arrays)


def _check_iterable(rule: Rule, place: str) -> None:
    if len(rule.inputs) != 1 or len(rule.outputs) != 1 or rule.inputs[0].type != rule.outputs[0].type:
        message = "--steps needs one input and one result of one type"
        raise fail("U009", message, place=place)


def _repeated(rule: Rule, steps: int, schedule: str) -> Rule | None:
    """The rule for so many steps at once, if these can be kept in the cache."""
    from ddcompile.ir.verifier import check
    from ddcompile.kernel.schedules import check_schedule, choose
    from ddcompile.program import Program
    from ddcompile.repetition import iterate

    found = iterate(Program(rule), steps).rule
    wanted = check_schedule(schedule)
    return found if wanted != "scalar" and choose(found, check(found)).plan is not None else None


def _listed(rule: Rule, results: Any) -> list[np.ndarray]:
    return [results] if len(rule.outputs) == 1 else list(results)
