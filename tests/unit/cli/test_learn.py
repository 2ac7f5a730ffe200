"""`ddcompile learn`: what it writes and reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

STEPS = ["thresholds", "shared function", "relevant inputs", "subconcepts", "network", "probabilities"]


@pytest.fixture
def ring(folder: Path) -> Path:
    """Twelve transitions of an automaton."""
    cells = np.random.default_rng(0).integers(0, 2, (12, 16))
    np.savez("ring.npz", X=cells, y=np.roll(cells, 1, 1) ^ (cells | np.roll(cells, -1, 1)))
    return folder


def test_what_is_learned_is_distilled(run: Any, ring: Path) -> None:
    outcome = run("learn", "ring.npz", "--shared", "-o", "net.npz")
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.splitlines() == [
        "ring: 12 samples, 32 differentiae, 48 subconcepts",
        "right on samples learned from: 100.00%",
        "all outputs share one function of the cells at -1, 0, 1; edges meet "
        "(proved that no fewer explain the samples)",
    ]
    outcome = run("distill", "net.npz", "--input", "cell: bit[16]", "--output", "next: bit[16]", "--json")
    assert outcome.json["verdict"]["status"] == "proved"
    assert "cell[(i - 1) % 16] xor (cell[i] or cell[(i + 1) % 16])" in outcome.json["rule"]


def test_labels_and_samples_held_out(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).integers(0, 2, (100, 5))
    np.savez("votes.npz", X=points, y=np.where(points.sum(axis=1) > 2, "yes", "no"))
    outcome = run("learn", "votes.npz", "--hold-out", "0.2", "-o", "net.npz")
    lines = outcome.err.splitlines()
    assert lines[0].startswith("votes: 80 samples, ")
    assert lines[1] == "right on samples learned from: 100.00%"
    assert lines[2].startswith("right on samples held out: ")
    assert lines[3] == "note: what it gives is to be distilled with `--head argmax`; 0 is no, 1 is yes"


def test_thresholds(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).normal(size=(200, 3))
    np.savez("reals.npz", X=points, y=(points[:, 0] > 0.5) & (points[:, 2] < 0.25))
    outcome = run("learn", "reals.npz", "--thresholds", "auto", "--relevance", "-o", "net.npz")
    assert outcome.err.splitlines()[1:] == [
        "right on samples learned from: 100.00%",
        "it reads 2 of 3 thresholds: x[0] > 0.5, x[2] > 0.18 (proved that no fewer explain the samples)",
        "note: what it gives is to be distilled with `--head argmax`",
        "note: it reads reals: `x: real[3]`, where `--input` is not given",
    ]
    outcome = run("distill", "net.npz", "--head", "argmax", "--json")
    assert outcome.json["verdict"]["status"] == "proved"
    assert "class = x[0] > 0.5 and not x[2] > 0.18" in outcome.json["rule"]


def test_report_as_json(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).integers(0, 2, (80, 9))
    np.savez("sums.npz", X=points, y=points[:, [1, 4]] ^ points[:, [2, 6]])
    report = run("learn", "sums.npz", "--relevance", "--subconcepts", "samples", "--json").json
    assert report["samples"] == 80
    assert report["subconcepts"] == 6
    assert report["accuracy"] == {"learned from": 1.0}
    assert not report["is_shared"]


def test_grids_keep_their_shape(run: Any, folder: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 2, (10, 5, 6))
    np.savez("grid.npz", X=cells, y=np.roll(cells, 1, 1) & np.roll(cells, 1, 2))
    assert run("learn", "grid.npz", "--shared", "-o", "net.npz").status == 0
    rule = run("distill", "net.npz", "--input", "cell: bit[5, 6]", "--output", "next: bit[5, 6]").out
    assert "cell[(i - 1) % 5, j] and cell[i, (j - 1) % 6]" in rule


def test_weights_of_samples_and_labels(run: Any, folder: Path) -> None:
    points = np.tile(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), (2, 1))
    labels = np.array(["no", "no", "no", "yes", "no", "yes", "yes", "yes"])
    np.savez("both.npz", X=points, y=labels, weight=[1, 1, 1, 1, 2, 2, 2, 2])
    outcome = run("learn", "both.npz", "--class-weight", "no=1, yes=2", "-o", "net.npz", "--time-steps")
    lines = outcome.err.splitlines()
    assert [line.split("  ")[0].strip() for line in lines[3:10]] == [*STEPS, "total"]
    assert [line for line in lines[10:] if line.strip()] == [
        "both: 8 samples, 1 differentia, 2 subconcepts",
        "right on samples learned from: 75.00%",
        "note: 2 samples were left out: equal samples have another label",
        "note: what it gives is to be distilled with `--head argmax`; 0 is no, 1 is yes",
    ]
    assert "class = x[0] or x[1]" in run("distill", "net.npz", "--head", "argmax").out


def test_probabilities(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).integers(0, 2, (80, 6))
    certain = points[:, 0] | points[:, 4]
    np.savez("soft.npz", X=points, y=np.stack([np.ones(80), np.where(certain, 0.99, 0.2)], axis=1))
    outcome = run("learn", "soft.npz", "--probabilities", "--relevance", "--hold-out", "0.25", "-o", "net.npz")
    assert outcome.err.splitlines() == [
        "soft: 60 samples, 1 differentia, 2 subconcepts",
        "probabilities of samples learned from: within 0.0002",
        "probabilities of samples held out: within 0.0002",
        "it reads 2 of 6 inputs: 0, 4 (proved that no fewer explain the samples)",
        "note: what it gives is to be distilled with `--head softmax`",
    ]
    rule = run("distill", "net.npz", "--head", "softmax").out
    assert "* (x[0] or x[4])" in rule


def test_probabilities_on_a_grid(run: Any, folder: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 2, (20, 4, 5))
    right = np.roll(cells, -1, 2)
    np.savez("grid.npz", X=cells, y=np.stack([4 - 3 * right, 1 + 3 * right], axis=-1))
    report = run("learn", "grid.npz", "--probabilities", "--shared", "--json").json
    assert report["largest_error"]["learned from"] < 1e-9
    assert report["offsets"] == [[0, 1]]
    assert report["relevance"] == [{"inputs": [1], "is_consistent": True, "is_smallest": True}]
    assert list(report["steps"]) == STEPS


def test_outputs_that_share_nothing(run: Any, folder: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 2, (60, 5))
    after = cells[:, [0, 3, 1, 0, 1]] & cells[:, [2, 3, 4, 1, 0]]
    after[0, 4] ^= 1
    np.savez("mixed.npz", X=cells, y=after)
    lines = run("learn", "mixed.npz", "--shared", "--relevance").err.splitlines()
    assert lines[2] == "outputs do not look like copies of one local function"
    assert lines[3].startswith("outputs read 1 to 2 of 5 inputs (proved that no fewer explain the samples; of 1 ")


@pytest.mark.parametrize(("more", "expected"), [((), "red, blue"), (("--thresholds", "1"), "red > 0.5, blue > 0.5")])
def test_inputs_have_their_names(run: Any, folder: Path, more: tuple[str, ...], expected: str) -> None:
    points = np.random.default_rng(0).integers(0, 2, (60, 4))
    np.savez("named.npz", X=points, y=points[:, 0] & points[:, 2], names=["red", "green", "blue", "grey"])
    lines = run("learn", "named.npz", "--relevance", *more).err.splitlines()
    of_all = "thresholds" if more else "inputs"
    assert f"it reads 2 of 4 {of_all}: {expected} (proved that no fewer explain the samples)" in lines


def _points() -> tuple[np.ndarray, np.ndarray]:
    points = np.random.default_rng(0).integers(0, 2, (60, 4))
    return points, points[:, 0] & points[:, 2]


def test_nothing_is_saved_without_a_file(run: Any, folder: Path) -> None:
    points, labels = _points()
    np.savez("d.npz", X=points, y=labels)
    assert run("learn", "d.npz").err.splitlines()[-1] == "note: the network is not saved; -o NET.npz saves it"
    assert "not saved" not in run("learn", "d.npz", "-o", "net.npz").err


def test_one_is_not_many(run: Any, folder: Path) -> None:
    y = np.zeros((40, 2), dtype=int)
    y[19:, 0] = 1
    np.savez("d.npz", X=np.repeat([[0], [1]], 20, axis=0), y=y)
    lines = run("learn", "d.npz", "--relevance", "-o", "net.npz").err.splitlines()
    assert lines[1:] == [
        "right on samples learned from: 98.75%",
        "outputs read 0 to 1 of 1 input (proved that no fewer explain the samples; of 1 output some samples say "
        "otherwise)",
        "note: 1 sample was left out: equal samples have another label",
    ]


def test_samples_that_thresholds_make_equal(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).normal(size=(60, 4))
    np.savez("d.npz", X=points, y=(points[:, 0] > 0) ^ (points[:, 1] > 1))
    lines = run("learn", "d.npz", "--thresholds", "1").err.splitlines()
    assert lines[2].endswith(" were left out: samples on the same sides of all thresholds have another label")


@pytest.mark.parametrize(
    ("changed", "options", "message", "hint"),
    [
        (
            {"X": np.where(np.arange(60)[:, None] > [9, 6, 60, 60], np.nan, 0.5)},
            (),
            "L002]: Input X contains NaN.",
            "the first is in row 7 of X, counted from 0; leave such rows out",
        ),
        ({"y": np.zeros(60)}, (), "L002]: ENNClassifier needs two labels to tell apart; y has one class, 0.0", ""),
        (
            {},
            ("--hold-out", "0.99"),
            "L002]: ENNClassifier needs two labels to tell apart; y has one class, 1",
            "1 of 60 samples are learned from; hold out fewer",
        ),
        (
            {"X": _points()[0] / 2},
            ("--relevance",),
            "L002]: relevance and shared are for inputs that are whole numbers, or have thresholds",
            "--thresholds auto makes bits of numbers",
        ),
        ({"X": np.zeros((0, 4)), "y": np.zeros(0)}, (), "L001]: there are no samples", ""),
        ({"weight": np.full(60, "a")}, (), "L001]: weight must hold numbers, not <U1", ""),
    ],
)
def test_what_cannot_be_learned_from(
    run: Any, folder: Path, changed: dict[str, Any], options: tuple[str, ...], message: str, hint: str
) -> None:
    points, labels = _points()
    np.savez("d.npz", **{"X": points, "y": labels, **changed})
    outcome = run("learn", "d.npz", *options, "-o", "net.npz")
    assert outcome.status == 1
    assert outcome.err.splitlines() == [f"d.npz: error[{message}", *([f"  hint: {hint}"] if hint else [])]
    assert not Path("net.npz").exists()


def test_files_that_are_none(run: Any, folder: Path) -> None:
    Path("d.csv").write_text("a,y\n1,0\n", encoding="utf-8")
    assert run("learn", "d.csv").err.splitlines()[1] == "  hint: numpy.savez(file, X=samples, y=labels)"
    assert run("learn", "none.npz").err.splitlines() == ["none.npz: error[A020]: no such file"]


def test_no_processes(run: Any, folder: Path) -> None:
    outcome = run("learn", "d.npz", "--jobs", "0")
    assert (outcome.status, "'--jobs': there are no results of 0 processes" in outcome.err) == (2, True)


def test_outputs_that_read_outputs(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).integers(0, 2, (200, 8))
    half = points[:, :6].sum(axis=1) >= 3
    np.savez("said.npz", X=points, y=np.stack([half, half & points[:, 7]], axis=1))
    lines = run("learn", "said.npz", "--chained", "-o", "net.npz").err.splitlines()
    assert lines[1:3] == [
        "right on samples learned from: 100.00%",
        "outputs read 2 to 6 of 8 inputs and outputs before them (proved that no fewer explain the samples)",
    ]
    report = run("distill", "net.npz", "--json").json
    assert (report["verdict"]["status"], "sum(i < 6: x[i]) >= 3" in report["rule"]) == ("proved", True)


def test_digits_along_a_line(run: Any, folder: Path) -> None:
    x = np.arange(256)[:, None] >> np.array([[0, 1, 2, 3, 4, 5, 6, 7]]) & 1
    x = x.reshape(-1, 2, 4)
    sums = (x @ (1 << np.arange(4))).sum(axis=1)
    np.savez("sums.npz", X=x, y=sums[:, None] >> np.arange(5) & 1)
    lines = run("learn", "sums.npz", "--chained", "--shared", "-o", "net.npz").err.splitlines()
    assert lines == [
        "sums: 256 samples, 4 differentiae, 6 subconcepts",
        "right on samples learned from: 100.00%",
        "all outputs share one function of 3 inputs, outputs before them or made-up bits; 5 bits are made up",
    ]
    outcome = run("distill", "net.npz", "--input", "x: bit[2, 4]", "--output", "y: bit[5]", "--json")
    assert outcome.json["verdict"]["status"] == "proved"
    assert "carry" in outcome.json["rule"]
    report = run("learn", "sums.npz", "--chained", "--shared", "--json").json
    assert (report["is_recurrence"], report["made_up_bits"], report["contradicted"]) == (True, 5, 0)


def test_parts_of_little_weight(run: Any, folder: Path) -> None:
    points = np.arange(40)[:, None]
    np.savez("d.npz", X=points, y=(points[:, 0] >= 20) ^ (points[:, 0] == 5))
    how = "learn", "d.npz", "--subconcepts", "separable"
    assert run(*how).err.splitlines()[1] == "right on samples learned from: 100.00%"
    assert run(*how, "--least-part", "0.1").err.splitlines()[1] == "right on samples learned from: 97.50%"


@pytest.mark.parametrize(("low", "high", "kind"), [(-1, 2, "trit"), (0, 5, "int[0..4]")])
def test_what_is_read_is_said(run: Any, folder: Path, low: int, high: int, kind: str) -> None:
    points = np.random.default_rng(0).integers(low, high, (60, 4))
    np.savez("d.npz", X=points, y=points[:, 0] > points[:, 1])
    last = run("learn", "d.npz", "-o", "net.npz").err.splitlines()[-1]
    assert last == f"note: it reads inputs that are {kind}: `x: {kind}[4]`, where `--input` is not given"
    assert f"(x: {kind}[4])" in run("distill", "net.npz", "--head", "argmax", "--json").json["rule"]
