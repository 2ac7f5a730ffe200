"""`ddcompile distill`: a network file in, a proved rule out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from ddcompile.cli.options import (
    FILE,
    PASSES_HELP,
    fuse_batch_norm_option,
    head_option,
    json_option,
    print_after_option,
    time_passes_option,
)
from ddcompile.cli.output import PassLog, headline, note, print_json, warnings_as_notes
from ddcompile.cli.progress import Progress
from ddcompile.diagnostics import CompileError, fail

__all__ = ["command"]


@click.command("distill")
@click.argument("networks", metavar="NETWORK...", nargs=-1, required=True, type=FILE)
@click.option("--input", "inputs", metavar="DECLARATIONS", help='Such as "image: bit[28, 28]"; default: x: bit[n].')
@click.option(
    "--output",
    "outputs",
    metavar="DECLARATIONS",
    help='Such as "next: bit[6, 6]"; default: y, of the shape that shows in what its elements depend on.',
)
@click.option("--activation", metavar="NAME", help="Of layers whose file does not say; one name, or one a layer.")
@fuse_batch_norm_option
@head_option
@click.option("--name", help="The name of the rule; default: that of the file.")
@click.option("--via", type=click.Choice(["tree"]), help="Compile what stands for the network: a tree of its answers.")
@click.option("--samples", metavar="FILE", type=FILE, help="For a tree: inputs to ask about; .npy or .npz.")
@click.option("--queries", type=click.IntRange(1), help="For a tree: how many questions at most; default: 200,000.")
@click.option("--splits", type=click.IntRange(0), help="For a tree: how many splits at most; default: 127.")
@click.option("-p", "--passes", metavar="PASSES", help=PASSES_HELP)
@click.option("-o", "output_file", metavar="FILE.rule", type=FILE, help="Where to save the rule; default: stdout.")
@click.option("--certificate", metavar="FILE.json", type=FILE, help="Where to save the certificate.")
@print_after_option
@time_passes_option
@json_option
def command(
    networks: tuple[Path, ...],
    inputs: str | None,
    outputs: str | None,
    activation: str | None,
    fuse_batch_norm: bool,
    head: str | None,
    name: str | None,
    via: str | None,
    samples: Path | None,
    queries: int | None,
    splits: int | None,
    passes: str | None,
    output_file: Path | None,
    certificate: Path | None,
    print_after: str | None,
    time_passes: bool,
    as_json: bool,
) -> None:
    """Compile a network to a rule that is proved equal to it.

    NETWORK is one .npz or .onnx file, or CSV files, one a layer in order: a row of numbers for every input, one number
    a unit, and a last row for the bias. Or it is an ensemble of trees: what XGBoost saves as JSON, LightGBM as text.

    With `--via tree`, the network is only asked for its answers, and a tree is grown from them: a surrogate, of which
    nothing is proved but how often it agreed is counted.
    """
    from ddcompile import driver
    from ddcompile.cli.programs import verdict_report, write_program
    from ddcompile.files import check_targets
    from ddcompile.frontends import load_model
    from ddcompile.frontends.places import at

    log = PassLog.checked(print_after)
    start = time.perf_counter()
    network = load_model(networks, activation)
    bounds = {"samples": samples, "queries": queries, "splits": splits}
    if via is None and any(value is not None for value in bounds.values()):
        raise fail("U016", "--samples, --queries and --splits are for --via tree", place="distill")
    if via is not None and fuse_batch_norm:
        raise fail("U016", "--fuse-batch-norm is not for --via tree, which asks the model as it is", place="distill")
    check_targets(output_file, certificate)
    if inputs is None:
        note(f"note: no --input: the network reads `x: {network.kind}[{network.inputs}]`")
    try:
        tree = None if via is None else _tree(inputs, bounds)
        with warnings_as_notes(), Progress(wanted=print_after is None) as log.progress:
            begin = log.progress.begin
            observe = log.observer()
            program = driver.distill(
                network,
                inputs,
                outputs,
                head,
                name,
                fuse_batch_norm=fuse_batch_norm,
                passes=passes,
                via=tree,
                observe=observe,
                begin=begin,
            )
    except CompileError as error:
        raise at(error, str(networks[0])) from None
    seconds = time.perf_counter() - start
    if passes is None and not log.rows:
        note("note: too large to be taken apart, or tables of trees: the rule is the network as it was lowered")
    write_program(program, output_file, certificate, quiet=as_json)
    if time_passes:
        log.print_times()
    if as_json:
        report = {
            "name": program.name,
            "cost": program.cost,
            "parameters": network.parameters,
            "network_sha256": network.sha256,
            "seconds": round(seconds, 3),
            "passes": log.report(),
            "rule": str(program),
            "labels": list(program.labels),
            "rounded": program.rounded,
        }
        print_json(report | verdict_report(program.verdict))
    else:
        note(f"{program.name}: {network.parameters:,} parameters, cost {program.cost:,}: {headline(program.verdict)}")


def _tree(inputs: str | None, bounds: dict[str, Any]) -> Any:
    """How the tree is to be grown: what was given of it, else as it is by default."""
    from ddcompile.cli.arrays import load_arrays
    from ddcompile.frontends.declarations import parsed_declarations
    from ddcompile.surrogates import tree_options

    given = {name: value for name, value in bounds.items() if value is not None}
    if "samples" in given:
        path = given["samples"]
        loaded = load_arrays(path)
        names = ["x"] if inputs is None else [d.name for d in parsed_declarations(inputs, "input")]
        if isinstance(loaded, dict):
            missing = [name for name in names if name not in loaded]
            if missing:
                held = ", ".join(loaded) or "nothing"
                raise fail("A022", f"the input `{missing[0]}` is missing; the file holds {held}", place=str(path))
            arrays = [loaded[name] for name in names]
            loaded = arrays[0] if len(names) == 1 else arrays  # type: ignore[assignment]
        given["samples"] = loaded
    return tree_options(**given)
