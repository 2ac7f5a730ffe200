"""Golden texts: whole expected outputs, kept in `tests/golden` and rewritten by `pytest --update-golden`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


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
