"""`ddcompile check`: run the checker on a certificate."""

from __future__ import annotations

from pathlib import Path

import click

from ddcompile.cli.options import FILE, json_option
from ddcompile.cli.output import print_json, print_text

__all__ = ["command"]


@click.command("check", short_help="Check a certificate with the small, separate checker.")
@click.argument("certificate", metavar="FILE.json", type=FILE)
@click.option("--network", metavar="NETWORK", type=FILE, multiple=True, help="Lower it again and compare the start.")
@json_option
def command(certificate: Path, network: tuple[Path, ...], as_json: bool) -> int:
    """Check a certificate: is its last program equal to its first on every input?

    Of a generalization: is the rule, at every size that is given, the program that was given? Of a surrogate: is the
    rule the tree that stands for a model, of which it is only counted how often it gives the model's answer?

    With --network (CSV layers: once for each file), its first program must also be that of the network.

    The exit code is 1 if the checker does not say so.
    """
    from ddcompile import general
    from ddcompile.cli.programs import verdict_report

    verdict = general.check(certificate, network or None)
    if as_json:
        print_json(verdict_report(verdict))
    else:
        print_text(str(verdict))
    return 0 if verdict.is_accepted else 1
