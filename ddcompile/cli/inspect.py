"""`ddcompile inspect`: what a network is, and what of it will be exact."""

from __future__ import annotations

from pathlib import Path

import click

from ddcompile.cli.options import FILE, activation_option, fuse_batch_norm_option, head_option, json_option
from ddcompile.cli.output import note, print_json, print_text
from ddcompile.diagnostics import CompileError

__all__ = ["command"]


@click.command("inspect", short_help="Show a network's layers and what of it will be exact.")
@click.argument("networks", metavar="NETWORK...", nargs=-1, required=True, type=FILE)
@click.option("--input", "inputs", metavar="DECLARATIONS", help='Such as "image: bit[28, 28]"; default: x: bit[n].')
@activation_option
@fuse_batch_norm_option
@head_option
@json_option
def command(
    networks: tuple[Path, ...],
    inputs: str | None,
    activation: str | None,
    fuse_batch_norm: bool,
    head: str | None,
    as_json: bool,
) -> None:
    """Show the layers of a network, the values that they can have, and what will be exact, before distilling it.

    NETWORK is given as to `ddcompile distill`. Sets of numbers are written `least..greatest by step`; they hold for all
    units of a layer together, and may be larger than what is attained. The last column counts the units whose sum may
    be exactly 0 where its sign matters.
    """
    from ddcompile import facts
    from ddcompile.frontends import load_model
    from ddcompile.frontends.places import at

    network = load_model(networks, activation)
    if inputs is None:
        note(f"note: no --input: the network reads `x: {network.kind}[{network.inputs}]`")
    try:
        found = facts.inspect(network, inputs, head, fuse_batch_norm=fuse_batch_norm)
    except CompileError as error:
        raise at(error, str(networks[0])) from None
    if as_json:
        print_json(found.report())
    else:
        print_text(str(found))
