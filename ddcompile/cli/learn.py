"""`ddcompile learn`: data in, an essence network out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ddcompile.cli.options import FILE, json_option
from ddcompile.cli.output import note, print_json
from ddcompile.diagnostics import fail

if TYPE_CHECKING:
    import numpy as np

    from ddcompile.learn import ENNClassifier

__all__ = ["command"]


class _NumberOr(click.ParamType):  # type: ignore[type-arg]
    """A number above 0, or one of some names."""

    name = "number"

    def __init__(self, *names: str) -> None:
        self._names = names

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> str | int:
        if isinstance(value, int) or value in self._names:
            return value
        if not value.isdecimal() or not int(value):
            self.fail(f"{value!r} is neither a number above 0 nor one of {', '.join(self._names)}", param, ctx)
        return int(value)


@click.command("learn")
@click.argument("data", metavar="DATA.npz", type=FILE)
@click.option("-o", "output_file", metavar="NET.npz", type=FILE, help="Where to save the network.")
@click.option(
    "--subconcepts",
    metavar="SPLIT",
    type=_NumberOr("auto", "separable", "samples"),
    default="auto",
    show_default=True,
    help="How the samples of each label are split: a number of parts in all; `separable`: until planes tell parts of "
    "different labels apart; `samples`: one a sample.",
)
@click.option(
    "--thresholds",
    metavar="CUTS",
    type=_NumberOr("auto"),
    help="Learn from whether inputs are above thresholds: `auto`, those that tell of labels; or a number an input.",
)
@click.option("--relevance", is_flag=True, help="Let each output read only the fewest inputs that explain it.")
@click.option("--shared", is_flag=True, help="Look for one local function of which all outputs are shifted copies.")
@click.option("--hold-out", metavar="PART", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="0 to 1.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn: the samples held out.")
@click.option("--jobs", type=int, help="How many processes; -1: one a core.")
@json_option
def command(
    data: Path,
    output_file: Path | None,
    subconcepts: str | int,
    thresholds: str | int | None,
    relevance: bool,
    shared: bool,
    hold_out: float,
    seed: int,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Learn an essence network from samples.

    DATA.npz holds `X`, one row a sample, and `y`, its labels: one number or text a sample, or as many bits as there are
    outputs. If both have the same shape with more than two axes, samples are grids. PART of the samples are not learned
    from, but predicted.
    """
    import numpy as np

    from ddcompile.files import write_files
    from ddcompile.frontends.npz import npz_bytes

    samples, labels, grid = _data(data)
    classifier = _classifier()(
        subconcepts,
        thresholds=thresholds,
        relevance="exact" if relevance else None,
        shared="auto" if shared else None,
        grid=grid,
        random_state=seed,
        n_jobs=jobs,
    )
    order = np.random.default_rng(seed).permutation(len(samples))
    held, used = np.sort(order[: round(hold_out * len(order))]), np.sort(order[round(hold_out * len(order)) :])
    start = time.perf_counter()
    try:
        classifier.fit(samples[used], labels[used])
        network = classifier.to_network()
    except ValueError as error:
        raise fail("L002", str(error), place=str(data)) from error
    seconds = time.perf_counter() - start
    if output_file is not None:
        write_files({output_file: npz_bytes(network)})
    right = {"learned from": used, "held out": held}
    accuracy = {
        name: float((classifier.predict(samples[rows]) == labels[rows]).mean())
        for name, rows in right.items()
        if len(rows)
    }
    first = 0 if thresholds is None else 1
    differentiae, parts = network.layers[first].units, network.layers[first + 1].units
    if as_json:
        report = {
            "samples": len(used),
            "accuracy": accuracy,
            "differentiae": differentiae,
            "subconcepts": parts,
            "parameters": network.parameters,
            "network_sha256": network.sha256,
            "contradicted": classifier.contradicted_,
            "is_shared": classifier.shared_ is not None,
            "seconds": round(seconds, 3),
        }
        print_json(report)
        return
    note(f"{data.stem}: {len(used):,} samples, {differentiae:,} differentiae, {parts:,} subconcepts")
    for name, part in accuracy.items():
        note(f"right on samples {name}: {part:.2%}")
    if classifier.shared_ is not None:
        note("all outputs share one local function")
    if classifier.contradicted_:
        note(f"note: {classifier.contradicted_:,} samples were left out: equal samples have another label")
    if network.head == "argmax" and output_file is not None:
        note(f"note: its scores are to be distilled with `--head argmax`{_labels(classifier)}")
    if thresholds is not None and output_file is not None:
        note(f"note: it reads numbers; to be distilled with `--input \"x: real[{network.inputs}]\"`")


def _classifier() -> type[ENNClassifier]:
    try:
        from ddcompile.learn import ENNClassifier
    except ModuleNotFoundError as error:
        hint = "pip install 'ddcompile[learn]'"
        raise fail("U012", f"learning needs the package {error.name}, which is not installed", hint=hint) from error
    return ENNClassifier


def _labels(classifier: ENNClassifier) -> str:
    """What the numbers of the labels stand for, if they are not the labels."""
    classes = list(classifier.classes_)
    if classes == list(range(len(classes))):
        return ""
    return "; " + ", ".join(f"{k} is {label}" for k, label in enumerate(classes))


def _data(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[int, ...] | None]:
    """Flat samples, labels, and the shape of the grid if both lie in one."""
    from ddcompile.cli.arrays import load_arrays

    arrays = load_arrays(path)
    if not isinstance(arrays, dict) or not {"X", "y"} <= set(arrays):
        held = f"it holds {', '.join(arrays)}" if isinstance(arrays, dict) else "it holds one array without a name"
        hint = "numpy.savez(file, X=samples, y=labels)"
        raise fail("L001", f"the file must hold the arrays X and y; {held}", place=str(path), hint=hint)
    samples, labels = arrays["X"], arrays["y"]
    if samples.ndim < 2 or labels.ndim < 1 or len(samples) != len(labels):
        message = f"X has shape {samples.shape} and y {labels.shape}; both must have one row a sample, X of many inputs"
        raise fail("L001", message, place=str(path))
    grid = samples.shape[1:] if samples.shape == labels.shape and samples.ndim > 2 else None
    flat = labels if labels.ndim == 1 else labels.reshape(len(labels), -1)
    return samples.reshape(len(samples), -1), flat, grid
