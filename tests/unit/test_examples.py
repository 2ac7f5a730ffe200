"""Short versions of the experiments in `examples`: every line of their tables says that all is well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
EXAMPLES = Path(__file__).parents[2] / "examples"


def printed(folder: str, *arguments: str) -> list[str]:
    """The lines that a script prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=EXAMPLES / folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_arithmetic_digit_by_digit() -> None:
    tasks = ("add", "compare", "gray", "times_3")
    lines = printed("arithmetic", "steps.py", "--tasks", *tasks, "--seeds", "3", "--digits", "512")
    for task, line in zip(tasks, lines[1:], strict=False):
        assert line.split()[0] == task
        assert line.split()[-3:] == ["yes"] * 3
        assert "3/3" in line
        assert float(line.split()[-4]) <= 1.5


def test_arithmetic_of_whole_numbers() -> None:
    tasks = ("gray", "times_3")
    lines = printed("arithmetic", "whole.py", "--tasks", *tasks, "--digits", "512")
    for task, line in zip(tasks, lines[2:], strict=False):
        assert line.split()[:3] == [task, "yes", "yes"]
        assert line.endswith("yes")


def test_majority_and_maximum_of_many_numbers() -> None:
    lines = printed("arithmetic", "many.py", "--numbers", "11", "--digits", "64")
    assert lines[-3:-1] == [f"{what} of 11 numbers, 64 digits: right" for what in ("majority", "maximum")]
