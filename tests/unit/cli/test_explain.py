"""`ddcompile explain`: the page, the report, and what it says about proofs."""

from __future__ import annotations

from typing import Any

import ddcompile


def test_explain_prints_numbered_sentences(run: Any) -> None:
    outcome = run("explain", "vote.rule")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (
        "`vote` takes `x` (3 bits) and gives `y` (a bit).\n\n"
        "1. `y` is 1 if `x` has at least 2 ones, else 0.\n\n"
        "Counting starts at 0. A bit is 0 or 1.\n"
    )


def test_explain_reports_json(run: Any) -> None:
    report = run("explain", "ring.rule", "--json").json
    assert report["sizes"] == ["N"]
    assert report["inputs"] == [{"name": "cell", "type": "bit[N]", "text": "`N` bits"}]
    assert report["sentences"] == [
        {
            "target": "next",
            "rule": "next[i < N] = cell[(i - 1) % N] xor cell[(i + 1) % N]",
            "text": "For each `i < N`, `next[i]` is 1 if `cell[i - 1]` differs from `cell[i + 1]`, else 0. "
            "`cell` wraps around.",
        }
    ]


def test_explain_says_what_is_proved(run: Any) -> None:
    network = ["distill", "vote.npz", "--input", "x: bit[3]"]
    assert run(*network, "-o", "found.rule", "--certificate", "found.json").status == 0
    sha256 = ddcompile.load_network("vote.npz").sha256
    said = run("explain", "found.rule").out.replace("\n", " ")
    assert said.endswith(f"The file says: Distilled by ddcompile {ddcompile.__version__}, proved. Network: {sha256} ")
    said = run("explain", "found.rule", "--certificate", "found.json").out
    assert said.endswith(f"The checker says: proved (2 obligations) against the network {sha256[:12]}.\n")


def test_explain_says_which_schedule_is_taken(run: Any) -> None:
    said = run("explain", "ring.rule", "--schedule", "--size", "N=640").out
    assert "The JIT takes the schedule grid: bits on a grid of 640: about " in said
    said = run("explain", "vote.rule", "--schedule").out.replace("\n", " ")
    assert "The JIT takes the schedule batch: 64 samples at once, if there are as many; the schedule grid does" in said
    assert "not take it: `y` has no axis" in said
    outcome = run("explain", "ring.rule", "--schedule")
    assert (outcome.status, outcome.out) == (1, "")
    hint = "give `--size N=64`, or the same by `.at`"
    assert outcome.err == f"ring: error[E022]: a schedule is for given sizes\n  hint: {hint}\n"
