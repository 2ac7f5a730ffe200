"""`ddcompile explain`: a rule as numbered plain sentences."""

from __future__ import annotations

from pathlib import Path

import click

from ddcompile.cli.options import FILE, json_option, rule_argument, size_option
from ddcompile.cli.output import print_json, print_text
from ddcompile.diagnostics import CompileError

__all__ = ["command"]


@click.command("explain", short_help="Say what a rule computes in numbered plain sentences.")
@rule_argument
@click.option("--certificate", metavar="FILE.json", type=FILE, help="Check it, and say what it proves.")
@click.option("--schedule", is_flag=True, help="Say how the JIT lays it out for the machine, and why.")
@size_option
@json_option
def command(
    rule: Path, certificate: Path | None, schedule: bool, sizes: tuple[tuple[str, int], ...], as_json: bool
) -> None:
    """Say what a rule computes in numbered plain sentences, one a statement.

    Notation is in `backquotes`. What a saved rule says about its origin is repeated; only --certificate checks it.
    """
    from ddcompile import driver
    from ddcompile.cli.programs import read_program
    from ddcompile.frontends.places import at

    program = read_program(rule)
    try:
        if certificate is not None:
            program = driver.certified(program, certificate)
    except CompileError as error:
        raise at(error, str(rule)) from None
    program = program.at(**dict(sizes)) if sizes else program
    found = program.explain()
    if schedule:
        found = found.saying(f"The JIT takes the schedule {program.schedule()}.")
    if as_json:
        print_json(found.report())
    else:
        print_text(str(found))
