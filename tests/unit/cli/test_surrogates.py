"""`ddcompile distill --via tree`: what it writes, says and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")


@pytest.fixture
def smooth(folder: Path) -> Path:
    """A tanh network whose two scores are +-(x0 + 2 x1 - 1.5), squashed."""
    weights = {"0.weight": [[1, 2.0]], "0.bias": [-1.5], "0.activation": "tanh"}
    np.savez("smooth.npz", **weights, **{"1.weight": [[-1.0], [1]], "1.bias": [0, 0.0], "1.activation": "identity"})
    return folder


def test_a_smooth_network_becomes_a_surrogate(run: Any, smooth: Path) -> None:
    arguments = ["--via", "tree", "--queries", "20000", "--certificate", "s.json", "-o", "s.rule"]
    outcome = run("distill", "smooth.npz", "--input", "x: bit[2]", *arguments)
    assert outcome.status == 0
    assert "surrogate: agrees with network" in outcome.err
    assert "on 10,000 of 10,000 queries held out (95% sure: 0.999631 to 1.000000)" in outcome.err
    assert "proved" not in outcome.err
    assert Path("s.rule").read_text().splitlines()[-2] == "  class = x[1]"
    checked = run("check", "s.json")
    assert (checked.status, checked.out.startswith("surrogate: agrees with network")) == (0, True)
    assert run("check", "s.json", "--network", "smooth.npz").status == 1


def test_samples_of_reals(run: Any, smooth: Path) -> None:
    points = np.random.default_rng(0).normal(size=(200, 2))
    np.save("points.npy", points)
    np.savez("named.npz", x=points, y=points)
    arguments = ["distill", "smooth.npz", "--input", "x: real[2]", "--via", "tree", "--splits", "10"]
    outcome = run(*arguments, "--samples", "points.npy", "--json")
    assert outcome.json["verdict"]["status"] == "surrogate"
    assert outcome.json["verdict"]["surrogate"]["low"] > 0.85
    assert outcome.json["verdict"]["surrogate"]["limit"] == "10 splits"
    assert run(*arguments, "--samples", "named.npz").out == outcome.json["rule"] + "\n"


def test_what_is_refused(run: Any, smooth: Path) -> None:
    np.savez("other.npz", z=np.zeros((3, 2)))
    outcome = run("distill", "smooth.npz", "--input", "x: real[2]", "--via", "tree")
    assert outcome.status == 1
    assert "error[L015]: `x` is real, without a range" in outcome.err
    outcome = run("distill", "smooth.npz", "--input", "x: real[2]", "--via", "tree", "--samples", "other.npz")
    assert "error[A022]: the input `x` is missing; the file holds z" in outcome.err
    outcome = run("distill", "smooth.npz", "--splits", "3")
    assert (outcome.status, "error[U016]" in outcome.err) == (1, True)
    assert run("distill", "smooth.npz", "--via", "forest").status == 2
