"""Golden texts: whole expected outputs, kept in `tests/golden` and rewritten by `pytest --update-golden`; and seeds.

No test depends on chance: each starts with the same state of the generators that need no seed, and Hypothesis draws the
same examples every time (`pytest --hypothesis-profile=chance` draws others), in its own time.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

GOLDEN = Path(__file__).parent / "golden"

# What is tested is compiling; the processes that tests start are told so too.
os.environ["DDCOMPILE_CACHE"] = "off"

settings.register_profile("chance", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("chance"), derandomize=True)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@dataclass(frozen=True)
class Golden:
    """Compares a text with a file of `tests/golden`, the whole of it; files end with one newline."""

    update: bool

    def __call__(self, name: str, actual: str) -> None:
        path = GOLDEN / name
        actual = actual.rstrip("\n") + "\n"
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, encoding="utf-8", newline="\n")
            return
        assert path.exists(), f"there is no golden file {name}; make it with --update-golden"
        assert actual == path.read_text(encoding="utf-8")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Call it with the name of a file below `tests/golden` and the text that it should hold."""
    return Golden(bool(request.config.getoption("--update-golden")))


@pytest.fixture
def replay() -> Callable[[str, Path], str]:
    """Call it with the text of a console and a folder: the commands of the text, each with what it prints there."""
    return _replay


def _replay(block: str, folder: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    played = ""
    for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
        done = subprocess.run(
            ["bash", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PATH": path},
            timeout=100,
            check=True,
            text=True,
        )
        played += f"$ {command}\n{done.stdout}"
    return played
