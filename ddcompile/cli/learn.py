"""`ddcompile learn`: data in, an essence network out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddcompile.cli.learned import counted, learned_report, learned_text, units
from ddcompile.cli.options import FILE, json_option
from ddcompile.cli.output import note, print_json, table
from ddcompile.cli.progress import Progress
from ddcompile.cli.samples import by_label, hint_for, load_samples
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


class _Jobs(click.ParamType):  # type: ignore[type-arg]
    """A number of processes as joblib takes them: not 0, and counted from the number of cores down if below."""

    name = "jobs"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = click.INT.convert(value, param, ctx)
        if not number:
            self.fail("there are no results of 0 processes", param, ctx)
        return int(number)


class _ClassWeight(click.ParamType):  # type: ignore[type-arg]
    """`balanced`, or a weight for each label."""

    name = "class weight"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | dict[str, float]:
        if value == "balanced" or not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        weights = {}
        for part in value.split(","):
            label, equals, number = part.rpartition("=")
            try:
                weights[label.strip()] = float(number)
            except ValueError:
                equals = ""
            if not equals:
                self.fail(f"{part.strip()!r} is not LABEL=WEIGHT, and {value!r} not balanced", param, ctx)
        return weights


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
@click.option("--chained", is_flag=True, help="As --relevance, but of outputs before it as well, where that says more.")
@click.option(
    "--shared",
    is_flag=True,
    help="Look for one local function of which all outputs are shifted copies; with --chained, of outputs before, too.",
)
@click.option("--probabilities", is_flag=True, help="`y` says how much speaks for each label, on a last axis.")
@click.option(
    "--class-weight",
    metavar="WEIGHTS",
    type=_ClassWeight(),
    help="What labels weigh: `balanced`, or such as `no=1,yes=2.5`.",
)
@click.option(
    "--least-part",
    metavar="PART",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Subconcepts whose samples weigh less than this part of all are left out.",
)
@click.option(
    "--kept-margin",
    metavar="PART",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="The part of a subconcept's margin that must remain when differentiae are left out.",
)
@click.option(
    "--price",
    metavar="PRICE",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Of a sample on the wrong side of a plane, where subconcepts cannot be separated.",
)
@click.option(
    "--head",
    type=click.Choice(["argmax", "softmax", "none"]),
    help="What a single output is made for; default: softmax for probabilities, else argmax.",
)
@click.option("--hold-out", metavar="PART", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="0 to 1.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn: samples held out, folds.")
@click.option("--jobs", type=_Jobs(), metavar="N", help="How many processes; -1: one a core.")
@click.option("--time-steps", is_flag=True, help="Print what each step took, on stderr.")
@json_option
def command(
    data: Path,
    output_file: Path | None,
    subconcepts: str | int,
    thresholds: str | int | None,
    relevance: bool,
    chained: bool,
    shared: bool,
    probabilities: bool,
    class_weight: str | dict[str, float] | None,
    least_part: float,
    kept_margin: float,
    price: float,
    head: str | None,
    hold_out: float,
    seed: int,
    jobs: int | None,
    time_steps: bool,
    as_json: bool,
) -> None:
    """Learn an essence network from samples.

    DATA.npz holds `X`, one row a sample, and `y`, its labels: one number or text a sample, or one for each output. If
    both have the same shape with more than two axes, samples are grids; if X alone has, outputs lie along its last
    axis. `weight`, if it is there, says how often each sample counts, and `names` what inputs are called. PART of the
    samples are not learned from, but predicted.

    \b
    Samples, from Python:   numpy.savez("DATA.npz", X=samples, y=labels)
    A network from them:    ddcompile learn DATA.npz -o NET.npz
    The rule, proved:       ddcompile distill NET.npz --head argmax
    """
    import numpy as np

    from ddcompile.files import check_targets, write_files
    from ddcompile.frontends.npz import npz_bytes

    given = load_samples(data, probabilities)
    check_targets(output_file)
    order = np.random.default_rng(seed).permutation(len(given.samples))
    cut = round(hold_out * len(order))
    held, used = np.sort(order[:cut]), np.sort(order[cut:])
    with Progress() as progress:
        classifier = _classifier()(
            subconcepts,
            thresholds=thresholds,
            relevance="chained" if chained else "exact" if relevance else None,
            shared="auto" if shared else None,
            grid=given.grid,
            min_weight_fraction_leaf=least_part,
            kept_margin=kept_margin,
            C=price,
            class_weight=by_label(class_weight, given.labels, str(data)) if class_weight else None,
            targets="probabilities" if probabilities else "labels",
            random_state=seed,
            n_jobs=jobs,
            verbose=progress.begin,
        )
        start = time.perf_counter()
        weights = None if given.weights is None else given.weights[used]
        try:
            classifier.fit(given.samples[used], given.labels[used], weights)
            network = classifier.to_network(head or ("softmax" if probabilities else "argmax"))
        except ValueError as error:
            # The first line says what is wrong; what scikit-learn adds is advice on other estimators.
            message = str(error).split("\n", 1)[0]
            hint = hint_for(given, used, relevance and not (shared or chained))
            raise fail("L002", message, place=str(data), hint=hint) from error
        seconds = time.perf_counter() - start
        rows = {"learned from": used, "held out": held} if cut else {"learned from": used}
        quality = {name: _quality(classifier, given.samples[some], given.labels[some]) for name, some in rows.items()}
    if output_file is not None:
        write_files({output_file: npz_bytes(network)})
    if time_steps:
        steps = [*classifier.timings_.items(), ("total", seconds)]
        table(["step", "seconds"], [[name, f"{took:.3f}"] for name, took in steps], right=(1,), err=True)
    if as_json:
        report = {
            "samples": len(used),
            "largest_error" if probabilities else "accuracy": quality,
            **learned_report(classifier, network),
            "seconds": round(seconds, 3),
            "steps": {name: round(took, 3) for name, took in classifier.timings_.items()},
        }
        print_json(report)
        return
    planes, parts = units(classifier, network)
    has = counted(planes, "differentia", "differentiae"), counted(parts, "subconcept")
    note(f"{data.stem}: {counted(len(used), 'sample')}, {', '.join(has)}")
    for name, value in quality.items():
        what = f"right on samples {name}: {value:.2%}"
        note(f"probabilities of samples {name}: within {value:.4f}" if probabilities else what)
    for line in learned_text(classifier, network, given.names):
        note(line)
    if output_file is None:
        note("note: the network is not saved; -o NET.npz saves it")


def _classifier() -> type[ENNClassifier]:
    try:
        from ddcompile.learn import ENNClassifier
    except ModuleNotFoundError as error:
        hint = "pip install 'ddcompile[learn]'"
        raise fail("U012", f"learning needs the package {error.name}, which is not installed", hint=hint) from error
    return ENNClassifier


def _quality(classifier: ENNClassifier, samples: np.ndarray, labels: np.ndarray) -> float:
    """The part of labels that are right, or the largest error of a probability."""
    import numpy as np

    if classifier.targets == "labels":
        return float((classifier.predict(samples) == labels).mean())
    wanted = labels / labels.sum(axis=-1, keepdims=True)
    found = classifier.predict_proba(samples)
    if wanted.ndim == 2:
        return float(abs(found - wanted).max())
    wanted = wanted[..., 1] if isinstance(found, np.ndarray) else np.moveaxis(wanted, 1, 0)
    return float(abs(np.asarray(found) - wanted).max())
