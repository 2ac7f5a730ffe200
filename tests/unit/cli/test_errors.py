"""Every bad input: its exit code, its line on stderr, nothing on stdout, and no file that was not there.

The expected messages are in `tests/golden/cli/errors_*.txt`, as a transcript of the commands.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

COMMANDS: dict[str, list[str]] = {
    "distill": [
        "distill no.npz",
        "distill vote.csv no.csv",
        "distill vote.rule -o y.rule",
        "distill cut.npz",
        "distill bad.csv -o y.rule",
        "distill nan.csv",
        "distill vote.csv vote.csv --activation step",
        "distill one.csv two.csv",
        "distill one.csv two.csv --activation gelu",
        "distill vote.npz --input 'x: bit[2, 2]'",
        "distill vote.npz --input 'x: bits[3]'",
        "distill vote.npz --output 'y: bit[2]'",
        "distill vote.npz --output 'y: spin'",
        "distill vote.npz --head softmax",
        "distill vote.npz --head argmax",
        "distill vote.npz --name sum",
        "distill vote.npz -p unroll",
        "distill vote.npz -o taken",
        "distill vote.npz -o no/x.rule",
        "distill vote.npz -o y.rule --certificate taken",
    ],
    "learn": [
        "learn no.npz",
        "learn vote.csv",
        "learn vote.npz",
        "learn rows.npz",
        "learn one_label.npz -o y.npz",
        "learn reals.npz --relevance -o y.npz",
        "learn two_by_two.npz -o taken",
        "learn two_by_two.npz --subconcepts few",
        "learn two_by_two.npz --hold-out 1",
        "learn two_by_two.npz --class-weight balance",
        "learn two_by_two.npz --class-weight 0=1,yes=2",
        "learn two_by_two.npz --class-weight 0=0,1=1",
        "learn two_by_two.npz --price 0",
        "learn two_by_two.npz --probabilities",
        "learn weighted.npz",
        "learn negative.npz -o y.npz",
        "learn named.npz",
        "learn missing.npz",
        "learn infinite.npz",
        "learn measured.npz",
        "learn words.npz",
        "learn empty.npz",
    ],
    "others": [
        "inspect no.npz",
        "inspect vote.npz --input 'x: bit[2]'",
        "inspect vote.npz --head softmax",
        "inspect one.csv two.csv",
        "verify vote.npz vote.npz",
        "verify vote.npz ring5.rule",
        "check no.json",
        "check vote.rule",
    ],
    "generalize": [
        "generalize no.rule",
        "generalize vote.rule vote.npz",
        "generalize vote.rule split.rule",
        "generalize ring.rule -o y.rule",
        "generalize ring5.rule ring6.rule ring7.rule --certificate taken",
        "generalize ring5.rule ring6.rule odd7.rule -o y.rule",
        "generalize bound5.rule bound6.rule bound7.rule bound8.rule -o y.rule --certificate y.json",
        "generalize ring5.rule ring6.rule ring7.rule --hold-out odd7.rule",
        "generalize ring5.rule odd5.rule",
        "check damaged.json",
    ],
    "opt": [
        "opt no.rule",
        "opt vote.npz",
        "opt syntax.rule",
        "opt types.rule",
        "opt vote.rule -p cse,unroll",
        "opt vote.rule -p 'cse, inline{sise=3}'",
        "opt vote.rule -p 'inline{size=3'",
        "distill vote.npz -o y.rule -p 'collapse-cones{inputs=9}'",
        "opt ring.rule",
    ],
    "emit": [
        "emit vote.rule -t rust -o out",
        "emit vote.rule -t python -o no/out",
        "emit vote.rule -t python -o x.npy",
        "emit vote.rule -t python -o out --prefix json",
        "emit vote.rule -t c -o out --size N=3",
        "emit ring.rule -t c -o out --size H=3",
        "emit ring.rule -t llvm -o out --size H=3",
        "emit ring.rule -t python -o out --size H=3",
        "emit ring.rule -t c -o out --schedule popcount",
        "emit ring.rule -t llvm -o out --schedule tables",
    ],
    "run": [
        "run vote.rule -i no.npy",
        "run vote.rule -i vote.csv -o y.npz",
        "run vote.rule -i objects.npy",
        "run vote.rule -i cut.npy",
        "run split.rule -i x.npz",
        "run split.rule -i x.npy",
        "run vote.rule -i more.npz",
        "run vote.rule -i two.npy -o y.npz",
        "run vote.rule -i cell.npy",
        "run vote.rule -i x.npy -o no/y.npz",
        "run split.rule -i ab.npz -o y.npy --engine interpreter",
        "run vote.rule -i x.npy --steps 2",
    ],
}

USAGE = {
    "distill": "NETWORK",
    "distill vote.npz --head max": "--head",
    "distill vote.npz --fast": "--fast",
    "compile vote.npz": "compile",
    "emit vote.rule -t c": "-o",
    "emit ring.rule -t c -o out --size N=big": "`N=big` is not NAME=NUMBER",
    "emit ring.rule -t c -o out --size N=0": "`N=0`: a size is at least 1",
    "emit ring.rule -t c -o out --size N=-2": "`N=-2`: a size is at least 1",
    "opt vote.rule --print-after x": "there is no pass `x`; there is all, isolate, ",
    "opt vote.rule --print-after folds": "there is no pass `folds`; there is fold",
    "run vote.rule -i x.npy --engine gpu": "--engine",
    "run vote.rule -i x.npy --engine c --jobs 2": "--jobs is for the engine jit, not c",
    "run vote.rule -i x.npy --engine c --schedule grid": "--schedule is for the engine jit, not c",
    "emit vote.rule -t python -o out --schedule grid": "--schedule is for the targets c and llvm, not python",
    "run vote.rule -i x.npy --steps -1": "--steps",
    "generalize": "FILE.rule",
    "demo x": "no demo `x`; there are orientation, ",
}


@pytest.fixture
def files(folder: Path) -> Path:
    """The files that the commands name."""
    (folder / "taken").mkdir()
    (folder / "cut.npz").write_bytes((folder / "vote.npz").read_bytes()[:90])
    (folder / "cut.npy").write_bytes((folder / "x.npy").read_bytes()[:-1])
    (folder / "bad.csv").write_text("1,2\n3,x\n")
    (folder / "nan.csv").write_text("nan\n0\n")
    (folder / "one.csv").write_text("1\n1\n")
    (folder / "two.csv").write_text("1\n1\n")
    (folder / "syntax.rule").write_text("rule a(x: bit) -> (y: bit) {\n  y = x @ x\n}\n")
    (folder / "types.rule").write_text("rule a(x: bit) -> (y: bit) {\n  y = z\n}\n")
    for n in (5, 6, 7):
        ring = (folder / "ring.rule").read_text().replace("<N>", "").replace("N", str(n))
        (folder / f"ring{n}.rule").write_text(ring)
        (folder / f"odd{n}.rule").write_text(ring.replace("xor", "and"))
    for n, bound in ((5, 2), (6, 3), (7, 5), (8, 7)):
        text = f"rule most(x: bit[{n}]) -> (y: bit) {{\n  y = sum(i < {n}: x[i]) >= {bound}\n}}\n"
        (folder / f"bound{n}.rule").write_text(text)
    (folder / "damaged.json").write_text('{"format": "ddcompile generalization", "rule": "x"}')
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.savez("rows.npz", X=square, y=[0, 1])
    np.savez("one_label.npz", X=square, y=[1, 1, 1, 1])
    np.savez("reals.npz", X=square / 3, y=[0, 1, 1, 0])
    np.savez("two_by_two.npz", X=square, y=[0, 1, 1, 0])
    np.savez("weighted.npz", X=square, y=[0, 1, 1, 0], weight=[1, 2])
    np.savez("named.npz", X=square, y=[0, 1, 1, 0], names=["left", "middle", "right"])
    np.savez("negative.npz", X=square, y=[0, 1, 1, 0], weight=[1, 2, -1, 0])
    np.savez("missing.npz", X=np.where(square, np.nan, 0), y=[0, 1, 1, 0])
    np.savez("infinite.npz", X=np.where(square, np.inf, 0), y=[0, 1, 1, 0])
    np.savez("measured.npz", X=square, y=[0.1, 1.2, 1.7, 0.2])
    np.savez("empty.npz", X=square[:0], y=square[:0, 0])
    np.savez("words.npz", X=np.where(square, "yes", "no"), y=[0, 1, 1, 0])
    np.save("objects.npy", np.array([None]), allow_pickle=True)
    np.save("two.npy", np.array([[0, 2, 1]]))
    np.savez("x.npz", x=[0, 1, 1])
    np.savez("more.npz", x=[0, 1, 1], z=[1])
    return folder


@pytest.mark.parametrize("group", COMMANDS)
def test_bad_input(group: str, files: Path, run: Any, golden: Any) -> None:
    before = sorted(files.rglob("*"))
    transcript = ""
    for command in COMMANDS[group]:
        outcome = run(*shlex.split(command))
        assert outcome.out == ""
        assert sorted(files.rglob("*")) == before, command
        transcript += f"$ ddcompile {command}\n{outcome.err}[{outcome.status}]\n\n"
    golden(f"cli/errors_{group}.txt", transcript)


@pytest.mark.parametrize("command", USAGE)
def test_bad_usage(command: str, files: Path, run: Any) -> None:
    before = sorted(files.rglob("*"))
    outcome = run(*shlex.split(command))
    first, hint = outcome.err.splitlines()
    assert (outcome.status, outcome.out) == (2, "")
    assert ": error[U010]: " in first
    assert USAGE[command] in first
    assert hint.startswith("  hint: ddcompile")
    assert sorted(files.rglob("*")) == before
