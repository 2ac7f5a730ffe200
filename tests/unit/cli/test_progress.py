"""A line on a terminal while passes run, and nothing elsewhere."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import ddcompile as dd
from ddcompile.cli.progress import Progress


def shown(patience: float, seconds: float, *, wanted: bool = True) -> str:
    """What a console of 80 columns gets while a pass runs until it gets something, but for so many seconds at most."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, color_system=None)
    with Progress(wanted=wanted, console=console, patience=patience) as progress:
        progress.begin("reroll")
        progress.costs(12345)
        end = time.monotonic() + seconds
        while " s" not in file.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    return file.getvalue()


def test_pass_cost_and_time_are_shown() -> None:
    assert re.search(r"reroll  cost 12,345  \d+ s", shown(0.0, 60.0))


@pytest.mark.parametrize(("patience", "wanted"), [(60.0, True), (0.0, False)])
def test_nothing_is_shown_for_short_work_or_where_it_is_not_wanted(patience: float, wanted: bool) -> None:
    assert shown(patience, 0.1, wanted=wanted) == ""


def test_nothing_is_shown_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(patience=0.0) as progress:
        progress.begin("reroll")
        time.sleep(0.2)
    assert capsys.readouterr() == ("", "")


def test_every_pass_is_told_before_it_runs() -> None:
    rule = dd.parse("rule f(x: bit[2]) -> (y: bit) { h = x[0] + x[1] >= 2\n y = h }")
    told: list[str] = []
    dd.driver.optimize(rule, "inline, dce", observe=lambda name, *_: told.append(f"after {name}"), begin=told.append)
    assert told == ["inline", "after inline", "dce", "after dce"]


def test_the_command_shows_it_on_a_terminal(tmp_path: Path) -> None:
    """Pass, cost and seconds come while it runs; at once, as a fast machine is done before a second is over."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(150, 150))
    np.savez(tmp_path / "net.npz", **{"0.weight": weight, "0.bias": np.zeros(150), "0.activation": "sign"})
    ours, theirs = pty.openpty()
    impatient = (
        "import functools, sys, ddcompile.cli, ddcompile.cli.distill as distill\n"
        "distill.Progress = functools.partial(distill.Progress, patience=0.0)\n"
        "sys.exit(ddcompile.cli.main())"
    )
    command = [sys.executable, "-c", impatient, "distill", str(tmp_path / "net.npz"), "-o", str(tmp_path / "n.rule")]
    process = subprocess.Popen(command, stderr=theirs, env=os.environ | {"TERM": "xterm", "COLUMNS": "100"})
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(ours)
    assert process.wait() == 0
    assert re.search(rb"[a-z-]+  cost [\d,]+  \d+ s", text)
