"""`ddcompile learn`: what it writes and reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")


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
        "all outputs share one local function",
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
    assert lines[3] == "note: its scores are to be distilled with `--head argmax`; 0 is no, 1 is yes"


def test_thresholds(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).normal(size=(200, 3))
    np.savez("reals.npz", X=points, y=(points[:, 0] > 0.5) & (points[:, 2] < 0.25))
    outcome = run("learn", "reals.npz", "--thresholds", "auto", "--relevance", "-o", "net.npz")
    assert outcome.err.splitlines()[1:] == [
        "right on samples learned from: 100.00%",
        "note: its scores are to be distilled with `--head argmax`",
        'note: it reads numbers; to be distilled with `--input "x: real[3]"`',
    ]
    outcome = run("distill", "net.npz", "--input", "x: real[3]", "--head", "argmax", "--json")
    assert outcome.json["verdict"]["status"] == "proved"
    assert "= [0.5, 0.18]" in outcome.json["rule"]


def test_report_as_json(run: Any, folder: Path) -> None:
    points = np.random.default_rng(0).integers(0, 2, (80, 9))
    np.savez("sums.npz", X=points, y=points[:, [1, 4]] ^ points[:, [2, 6]])
    report = run("learn", "sums.npz", "--relevance", "--subconcepts", "samples", "--json").json
    assert report["samples"] == 80
    assert report["subconcepts"] == 8
    assert report["accuracy"] == {"learned from": 1.0}
    assert not report["is_shared"]


def test_grids_keep_their_shape(run: Any, folder: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 2, (10, 5, 6))
    np.savez("grid.npz", X=cells, y=np.roll(cells, 1, 1) & np.roll(cells, 1, 2))
    assert run("learn", "grid.npz", "--shared", "-o", "net.npz").status == 0
    rule = run("distill", "net.npz", "--input", "cell: bit[5, 6]", "--output", "next: bit[5, 6]").out
    assert "cell[(i - 1) % 5, j] and cell[i, (j - 1) % 6]" in rule
