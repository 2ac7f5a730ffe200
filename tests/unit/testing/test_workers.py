"""Jobs that die, hang, raise or take too much are told as such, and the others have their results."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from ddcompile.testing.attack import Limits, Lost, outcomes

LIMITS = Limits(seconds=1, patience=60, bytes=2 << 30)

JOBS = """
import os
import signal
import time

import numpy as np


def job(what: str) -> str:
    match what:
        case "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leaves":
            os._exit(3)
        case "raises":
            raise ValueError("no")
        case "hangs":
            while True:
                pass
        case "waits":
            time.sleep(1000)
        case "grows":
            np.ones(4 << 30, dtype=np.uint8)
    return what.upper()
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A function in a module that other processes find: they know the path of this one, but not how tests are found."""
    (tmp_path / "jobs_of_workers.py").write_text(JOBS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "jobs_of_workers", raising=False)
    found: Callable[[str], str] = import_module("jobs_of_workers").job
    return found


def test_lost_jobs_are_told(job: Callable[[str], str]) -> None:
    jobs = ["a", "dies", "b", "leaves", "c", "raises", "grows", "hangs", "d"]
    found = dict(outcomes(job, jobs, 2, LIMITS))
    assert len(found) == len(jobs)
    assert [found[k] for k in (0, 2, 4, 8)] == ["A", "B", "C", "D"]
    lost = [outcome.reason for _, outcome in sorted(found.items()) if isinstance(outcome, Lost)]
    assert lost[:3] == [
        "the process was lost: killed by SIGSEGV",
        "the process was lost: ended with 3",
        "ValueError: no",
    ]
    assert "Memory" in lost[3]
    assert lost[4] == "the process was lost: killed by SIGXCPU"


def test_a_process_that_waits_is_ended(job: Callable[[str], str]) -> None:
    found = dict(outcomes(job, ["waits", "a"], 1, Limits(seconds=20, patience=10.0, bytes=2 << 30)))
    assert found[0] == Lost("the process was lost: nothing after 10 s; killed by SIGKILL")
    assert found[1] == "A"


def test_no_jobs(job: Callable[[str], str]) -> None:
    assert list(outcomes(job, [], 2, LIMITS)) == []
