"""`ddcompile passes`: what `opt -p` takes."""

from __future__ import annotations

import click

from ddcompile.cli.options import json_option
from ddcompile.cli.output import print_json, print_text, table

__all__ = ["command"]


@click.command("passes", short_help="List the passes and the default pipeline.")
@json_option
def command(as_json: bool) -> None:
    """List the passes with their options, and the default pipeline."""
    from dataclasses import asdict

    from ddcompile.passes.pipeline import APART, DEFAULT, PASSES
    from ddcompile.passes.spec import parse_pipeline

    if as_json:
        about = {n: {"about": p.about(), "options": [asdict(o) for o in p.options()]} for n, p in PASSES.items()}
        named = {"default": DEFAULT, "apart": APART}
        steps = {name: [str(each) for each in parse_pipeline(spec, PASSES)] for name, spec in named.items()}
        print_json({"passes": about, **steps})
        return
    table(["pass", "what it does"], [[name, each.about()] for name, each in PASSES.items()])
    options = [
        [f"{name}{{{o.name}={o.default}}}", f"{o.low}..{o.high}", o.about]
        for name, each in PASSES.items()
        for o in each.options()
    ]
    table(["option", "range", "what it is"], options)
    print_text(f"default pipeline: {DEFAULT}")
    print_text(f"before it, to distill by itself what shares no hidden units: {APART}")
