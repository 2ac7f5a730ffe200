"""`ddcompile generalize`: rules of several sizes in, one rule with sizes out."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ddcompile.cli.options import FILE, json_option
from ddcompile.cli.output import note, print_json, print_text

__all__ = ["command"]


@click.command("generalize", short_help="Make one rule for every size from rules of several sizes.")
@click.argument("rules", metavar="FILE.rule...", nargs=-1, required=True, type=FILE)
@click.option("-o", "output_file", metavar="FILE.rule", type=FILE, help="Where to save the rule; default: stdout.")
@click.option("--hold-out", metavar="FILE.rule", multiple=True, type=FILE, help="Not used, but predicted and compared.")
@click.option("--name", help="The name of the rule; default: that of the first one.")
@click.option("--certificate", metavar="FILE.json", type=FILE, help="Where to save what is proved, for `check`.")
@json_option
def command(
    rules: tuple[Path, ...],
    output_file: Path | None,
    hold_out: tuple[Path, ...],
    name: str | None,
    certificate: Path | None,
    as_json: bool,
) -> None:
    """Make one rule for every size of rules of several sizes, and prove that it is each of them at its size.

    What the given sizes do not determine is marked `assumed`, as a comment.
    """
    from ddcompile import general
    from ddcompile.files import check_targets, write_files

    check_targets(output_file, certificate)
    start = time.perf_counter()
    program = general.generalize(rules, hold_out=hold_out, name=name)
    seconds = time.perf_counter() - start
    known = program.generalization
    assert known is not None
    files: dict[Path, str | bytes] = {}
    if output_file is not None:
        files |= program.files(output_file)
    if certificate is not None:
        files[certificate] = general.record(program)
    write_files(files)
    if as_json:
        report = {"name": program.name, "cost": program.cost, "seconds": round(seconds, 3), "text": str(program)}
        print_json(report | known.to_json())
        return
    if output_file is None:
        print_text(str(program))
    for remark in known.notes:
        note(f"note: {remark}")
    note(f"{program.name}: cost {program.cost:,}: {known}")
