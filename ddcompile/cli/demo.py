"""`ddcompile demo`: a network, its rule, its proof, and four engines, in a few seconds."""

from __future__ import annotations

import sys
import time

import click

from ddcompile.cli.output import headline, note, print_text, table, warnings_as_notes

__all__ = ["command"]

_SAMPLES = 1000


@click.command("demo", short_help="Distill an example network, prove the rule, and run it.")
@click.argument("name", default="orientation")
@click.option("--samples", "count", type=click.IntRange(2), default=_SAMPLES, show_default=True, help="Inputs to run.")
def command(name: str, count: int) -> int:
    """Distill an example network, print its rule and proof, and run it on every engine.

    NAME is orientation (the default), orientation9, rule30, two-of-three or random-ties. The exit code is 1 if the
    rule is not proved or an engine disagrees with the network.
    """
    from ddcompile import demo
    from ddcompile.testing.builders import EXAMPLES

    known = {key.replace("_", "-"): example for key, example in EXAMPLES.items()}
    example = known.get(name.replace("_", "-"))
    if example is None:
        raise click.UsageError(f"no demo `{name}`; there are {', '.join(known)}")
    network = example.build(None)
    layers = " -> ".join(map(str, (network.inputs, *(layer.units for layer in network.layers))))
    print_text(f"{name}: {example.about}.\n")
    print_text(f"network  {layers} units, {network.parameters:,} parameters, sha256 {network.sha256[:16]}...")
    with _Progress() as progress, warnings_as_notes():
        start = time.perf_counter()
        program = demo.distilled(example, network, progress.follow)
        seconds = time.perf_counter() - start
    print_text(f"\n{str(program).rstrip()}\n\n")
    print_text(f"cost     {demo.dense_cost(program):,} as a dense program, {program.cost:,} as this rule")
    print_text(f"time     {seconds:.1f} s to distill and to prove")
    print_text(f"proof    {str(program.verdict).replace(chr(10), chr(10) + '       ')}")
    flat = demo.samples(example, network, count)
    runs = demo.race(program.rule, network, example.head, flat)
    table(
        ["engine", "seconds to start", "inputs/s", f"equal on {count:,} inputs"],
        [
            [run.engine, "", "", run.missing]
            if run.missing
            else [run.engine, f"{run.ready:.3f}", f"{count / run.seconds:,.0f}", "yes" if run.agrees else "NO"]
            for run in runs
        ],
        right=(1, 2),
    )
    fine = bool(program.verdict) and all(run.agrees or run.missing for run in runs)
    if not fine:
        note(f"the rule is {headline(program.verdict)}; see which engines disagree above")
    return 0 if fine else 1


class _Progress:
    """Shows which passes are done, on a terminal."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()

    def __enter__(self) -> _Progress:
        if self.shown:
            click.echo("distilling ...", err=True, nl=False)
        return self

    def follow(self, name: str, rule: object, seconds: float) -> None:
        """Called after every pass."""
        if self.shown:
            click.echo(f" {name}", err=True, nl=False)

    def __exit__(self, *exception: object) -> None:
        if self.shown:
            click.echo("", err=True)
