"""`ddcompile opt`: a rule in, a rule out, passes in between."""

from __future__ import annotations

from pathlib import Path

import click

from ddcompile.cli.options import FILE, PASSES_HELP, json_option, print_after_option, time_passes_option
from ddcompile.cli.output import PassLog, print_json, warnings_as_notes
from ddcompile.cli.progress import Progress
from ddcompile.diagnostics import CompileError

__all__ = ["command"]


@click.command("opt", short_help="Run passes on a rule.")
@click.argument("rule", metavar="[FILE.rule|-]", type=FILE, default="-")
@click.option("-p", "--passes", metavar="PASSES", help=PASSES_HELP)
@click.option("-o", "output_file", metavar="FILE.rule", type=FILE, help="Where to save the rule; default: stdout.")
@click.option("--certificate", metavar="FILE.json", type=FILE, help="Where to save the certificate.")
@print_after_option
@time_passes_option
@json_option
def command(
    rule: Path,
    passes: str | None,
    output_file: Path | None,
    certificate: Path | None,
    print_after: str | None,
    time_passes: bool,
    as_json: bool,
) -> None:
    """Run passes on a rule, from a file or stdin; the verifier runs after every pass."""
    from ddcompile import driver
    from ddcompile.cli.programs import read_program, verdict_report, write_program
    from ddcompile.files import check_targets
    from ddcompile.frontends.places import at

    log = PassLog.checked(print_after)
    before = read_program(rule)
    check_targets(output_file, certificate)
    try:
        with warnings_as_notes(), Progress(wanted=print_after is None) as log.progress:
            after = driver.optimize(before, passes, observe=log.observer(), begin=log.progress.begin)
    except CompileError as error:
        raise at(error, str(rule)) from None
    write_program(after, output_file, certificate, quiet=as_json)
    if time_passes:
        log.print_times()
    if as_json:
        report = {"name": after.name, "cost_before": before.cost, "cost": after.cost, "passes": log.report()}
        print_json(report | {"rule": str(after)} | verdict_report(after.verdict))
