"""`ddcompile emit`: print a rule for a target."""

from __future__ import annotations

from pathlib import Path

import click

from ddcompile.cli.options import FILE, rule_argument, size_option
from ddcompile.cli.output import note
from ddcompile.diagnostics import CompileError
from ddcompile.kernel.schedule_names import SCHEDULES

__all__ = ["command"]


@click.command("emit")
@rule_argument
@click.option("-t", "--target", required=True, metavar="TARGET", help="One of `ddcompile targets`.")
@click.option("-o", "folder", metavar="DIR", type=FILE, required=True, help="The folder for the files.")
@click.option("--prefix", default="", help="Of symbols, and stem of file names; default: the name of the rule.")
@size_option
@click.option("--schedule", type=click.Choice(SCHEDULES), default="scalar", show_default=True, help="For c and llvm.")
@click.option("--self-test", is_flag=True, help="Add a main that checks golden vectors.")
@click.option("--no-comments", is_flag=True, help="Leave out the statements of the rule as comments.")
@click.option("--certificate", metavar="FILE.json", type=FILE, help="Check it, and name its network and verdict.")
def command(
    rule: Path,
    target: str,
    folder: Path,
    prefix: str,
    sizes: tuple[tuple[str, int], ...],
    schedule: str,
    self_test: bool,
    no_comments: bool,
    certificate: Path | None,
) -> None:
    """Print a rule as source code for a target."""
    from ddcompile import driver
    from ddcompile.cli.programs import read_program
    from ddcompile.files import write_files
    from ddcompile.frontends.places import at

    if target == "python" and schedule != "scalar":
        raise click.UsageError("--schedule is for the targets c and llvm, not python")
    program = read_program(rule)
    options = {
        "prefix": prefix,
        "sizes": sizes,
        "schedule": schedule,
        "self_test": self_test,
        "comments": not no_comments,
    }
    try:
        if certificate is not None:
            program = driver.certified(program, certificate)
        files = program.emit(target, **options)
    except CompileError as error:
        raise at(error, "target" if error.diagnostics[0].code == "E001" else str(rule)) from None
    write_files({folder / file.name: file.text for file in files}, folder)
    for file in files:
        note(f"wrote {folder / file.name}")
