"""Run the command line in this process, in an empty folder with a few files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcompile.cli import main

RULES = {
    "vote": """\
rule vote(x: bit[3]) -> (y: bit) {
  y = sum(i < 3: x[i]) >= 2
}
""",
    "ring": """\
rule ring<N>(cell: bit[N]) -> (next: bit[N]) {
  next[i < N] = cell[(i - 1) % N] xor cell[(i + 1) % N]
}
""",
    "split": """\
rule split(a: int[0..9], b: trit[2]) -> (total: int, half: rat) {
  total = a + b[0] - b[1]
  half = 0.5 * a
}
""",
}


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: rules, a network of one unit as .npz and as CSV, some inputs."""
    monkeypatch.chdir(tmp_path)
    for name, text in RULES.items():
        Path(f"{name}.rule").write_text(text)
    np.savez("vote.npz", **{"0.weight": [[0.3333, 0.3334, 0.3332]], "0.bias": [-0.5], "0.activation": "step"})
    Path("vote.csv").write_text("0.3333\n0.3334\n0.3332\n-0.5\n")
    np.save("x.npy", np.array([[0, 1, 1], [1, 0, 0]], dtype=np.uint8))
    np.save("cell.npy", np.array([0, 0, 1, 0, 0], dtype=np.uint8))
    np.savez("ab.npz", a=[3, 4], b=[[1, 0], [-1, 1]])
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call it with the arguments of a command."""

    def call(*arguments: str | Path) -> Outcome:
        status = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Outcome(int(status), captured.out, captured.err)

    return call
