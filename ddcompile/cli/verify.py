"""`ddcompile verify`: compare a network and a rule, or two rules."""

from __future__ import annotations

from pathlib import Path

import click

from ddcompile.cli.options import FILE, activation_option, fuse_batch_norm_option, head_option, json_option
from ddcompile.cli.output import print_json, print_text

__all__ = ["command"]


@click.command("verify", short_help="Say whether a network and a rule, or two rules, are equal.")
@click.argument("a", metavar="A", type=FILE)
@click.argument("b", metavar="B", type=FILE)
@click.option("--certificate", metavar="FILE.json", type=FILE, help="The steps from A to B, for the checker.")
@fuse_batch_norm_option
@head_option
@activation_option
@json_option
def command(
    a: Path,
    b: Path,
    certificate: Path | None,
    fuse_batch_norm: bool,
    head: str | None,
    activation: str | None,
    as_json: bool,
) -> int:
    """Say whether A and B, a network file and a rule or two rules, are equal on every input.

    Proved by the checker where it can; else on all inputs, up to 20 bits; else tested on many, which is said. The exit
    code is 1 if they differ.
    """
    from ddcompile import driver
    from ddcompile.cli.programs import verdict_report

    verdict = driver.verify(
        a, b, head=head, activation=activation, fuse_batch_norm=fuse_batch_norm, certificate=certificate
    )
    if as_json:
        print_json(verdict_report(verdict))
    else:
        print_text(str(verdict))
    return 0 if verdict or verdict.status == "tested" else 1
