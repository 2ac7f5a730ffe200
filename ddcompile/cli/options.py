"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = [
    "FILE",
    "PASSES_HELP",
    "activation_option",
    "fuse_batch_norm_option",
    "head_option",
    "json_option",
    "print_after_option",
    "rule_argument",
    "size_option",
    "time_passes_option",
]

PASSES_HELP = 'Such as "reroll, collapse-cones{inputs=3}"; default and options: see `ddcompile passes`.'

FILE = click.Path(path_type=Path)
"""A path; whether it can be read or written is found out, and said, where that is tried."""

rule_argument = click.argument("rule", metavar="[FILE.rule|-]", type=FILE, default="-")
"""A rule file; by default, and for `-`, the rule is read from stdin."""

activation_option = click.option(
    "--activation", metavar="NAME", help="Of layers whose file does not say: one name, or one a layer with commas."
)
fuse_batch_norm_option = click.option(
    "--fuse-batch-norm", is_flag=True, help="Merge batch norms that are not exact into layers, which rounds weights."
)
head_option = click.option(
    "--head",
    type=click.Choice(["argmax", "softmax", "sign", "none"]),
    help="On the last layer; default: what the network does, or what fits.",
)
print_after_option = click.option(
    "--print-after", metavar="PASS", help="Print the program after this pass, or after `all`, on stderr."
)
time_passes_option = click.option("--time-passes", is_flag=True, help="Print what each pass took, on stderr.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print a report as JSON on stdout.")


def _sizes(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    sizes = []
    for value in values:
        name, equals, number = value.partition("=")
        if not name or not equals or not number.isascii() or not number.removeprefix("-").isdigit():
            raise click.BadParameter(f"`{value}` is not NAME=NUMBER", context, parameter)
        if int(number) < 1:
            raise click.BadParameter(f"`{value}`: a size is at least 1", context, parameter)
        sizes.append((name, int(number)))
    return tuple(sizes)


size_option = click.option(
    "--size", "sizes", metavar="NAME=NUMBER", multiple=True, callback=_sizes, help="A size of the rule."
)
