"""Bad input on the command line, and the properties of the test suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from lines import Line

from ddcompile.testing.builders import rule30, save

__all__ = ["bad_input", "properties"]

ROOT = Path(__file__).parents[2]
DISTILL = "distill {} --input cell:bit[20] -o out.rule"
CASES: dict[str, str] = {
    "missing file": DISTILL.format("absent.npz"),
    "empty file": DISTILL.format("empty.npz"),
    "text for a network": DISTILL.format("text.npz"),
    "cut file": DISTILL.format("cut.npz"),
    "ragged CSV": "distill ragged.csv --activation sign -o out.rule",
    "textual CSV": "distill words.csv --activation sign -o out.rule",
    "NaN weight": DISTILL.format("nan.npz"),
    "infinite weight": DISTILL.format("infinite.npz"),
    "layers that do not chain": DISTILL.format("chain.npz"),
    "shape that does not fit": "distill good.npz --input cell:bit[21] -o out.rule",
    "declaration that is none": "distill good.npz --input cell:bat[20] -o out.rule",
    "unknown pass": "opt good.rule -p forward,backward -o out.rule",
    "rule that is none": "opt text.npz -o out.rule",
    "wrong shape at run": "run good.rule -i shape.npy -o out.npz",
    "wrong values at run": "run good.rule -i values.npy -o out.npz",
    "unwritable output": "distill good.npz --input cell:bit[20] -o absent/out.rule",
    "unknown target": "emit good.rule -t fortran -o out",
    "certificate that is none": "check good.rule",
}


def bad_input() -> Iterator[Line]:
    """Every way in which input can be bad: exit code 1 or 2, one coded line, no output."""
    with TemporaryDirectory() as folder:
        prepare(Path(folder))
        for title, arguments in CASES.items():
            before = sorted(Path(folder).rglob("*"))
            command = [sys.executable, "-m", "ddcompile", *arguments.split(" ")]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            coded = [line for line in done.stderr.splitlines() if "error[" in line]
            partial = sorted(Path(folder).rglob("*")) != before
            fine = done.returncode in (1, 2) and len(coded) == 1 and "Traceback" not in done.stderr and not partial
            found = f"exit {done.returncode}, {coded[0] if coded else done.stderr[-200:]}"
            yield Line("bad input", title, found + (", files left" if partial else ""), "exit 1 or 2, coded", fine)


def prepare(folder: Path) -> None:
    """The files that the commands read."""
    save(rule30(), folder / "good.npz")
    (folder / "empty.npz").write_bytes(b"")
    (folder / "text.npz").write_text("not a network\n")
    (folder / "cut.npz").write_bytes((folder / "good.npz").read_bytes()[:200])
    (folder / "ragged.csv").write_text("1,2\n3\n0,0\n")
    (folder / "words.csv").write_text("1,two\n3,4\n0,0\n")
    (folder / "good.rule").write_text("rule good(x: bit[4]) -> (y: bit) {\n  y = x[0] or x[3]\n}\n")
    weight, bias = np.ones((20, 20)), np.zeros(20)
    for name, value in (("nan", np.nan), ("infinite", np.inf)):
        weight[3, 4] = value
        arrays = {"0.weight": weight, "0.bias": bias, "0.activation": np.array("sign")}
        np.savez(folder / f"{name}.npz", allow_pickle=False, **arrays)
    arrays = {"0.weight": np.ones((5, 20)), "0.bias": np.zeros(5), "0.activation": np.array("sign")}
    arrays |= {"1.weight": np.ones((2, 6)), "1.bias": np.zeros(2), "1.activation": np.array("sign")}
    np.savez(folder / "chain.npz", allow_pickle=False, **arrays)
    np.save(folder / "shape.npy", np.zeros((2, 5), dtype=np.uint8))
    np.save(folder / "values.npy", np.full((2, 4), 7, dtype=np.uint8))


def properties() -> Iterator[Line]:
    """`parse(print(p)) == p`, and every pass keeps the meaning, is idempotent and proves its steps."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/property"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-4000:], file=sys.stderr)
    yield Line("properties", "tests/property", done.stdout.strip().splitlines()[-1], "passed", done.returncode == 0)
