"""`ddcompile targets`: what `emit -t` takes."""

from __future__ import annotations

import click

from ddcompile.cli.options import json_option
from ddcompile.cli.output import print_json, table

__all__ = ["command"]


@click.command("targets")
@json_option
def command(as_json: bool) -> None:
    """List the targets."""
    from ddcompile.backends.shared.registry import targets

    found = targets().values()
    if as_json:
        print_json({t.name: {"description": t.description, "kinds": sorted(t.kinds)} for t in found})
    else:
        table(["target", "what it gives"], [[t.name, t.description] for t in found])
