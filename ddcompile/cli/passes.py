"""`ddcompile passes`: what `opt -p` takes."""

from __future__ import annotations

import inspect

import click

from ddcompile.cli.options import json_option
from ddcompile.cli.output import print_json, print_text, table

__all__ = ["command"]


@click.command("passes")
@json_option
def command(as_json: bool) -> None:
    """List the passes, and the default pipeline."""
    from ddcompile.passes.pipeline import DEFAULT, PASSES

    about = {name: _first_sentence(pass_) for name, pass_ in PASSES.items()}
    if as_json:
        print_json({"passes": about, "default": DEFAULT.split(",")})
    else:
        table(["pass", "what it does"], [[name, text] for name, text in about.items()])
        print_text(f"default pipeline: {DEFAULT}")


def _first_sentence(function: object) -> str:
    return (inspect.getdoc(function) or "").split("\n\n", 1)[0].replace("\n", " ")
