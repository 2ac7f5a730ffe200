"""What README.md shows is what happens. `pytest --update-golden` rewrites the outputs there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import ddcompile as dd
from ddcompile.testing.builders import EXAMPLES
from ddcompile.testing.structures import STRUCTURES

README = Path(__file__).parents[2] / "README.md"
CONSOLE = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
PYTHON = re.compile(r"(?<=```python\n).*?(?=```)", re.DOTALL)


def test_commands(tmp_path: Path, request: pytest.FixtureRequest, replay: Callable[[str, Path], str]) -> None:
    text = README.read_text(encoding="utf-8")
    played = CONSOLE.sub(lambda block: replay(block[0], tmp_path), text)
    if request.config.getoption("--update-golden"):
        README.write_text(played, encoding="utf-8")
    else:
        assert played == text


def test_python(tmp_path: Path, replay: Callable[[str, Path], str]) -> None:
    """The examples run after the commands that make their file."""
    text = README.read_text(encoding="utf-8")
    block = "\n".join(reversed(PYTHON.findall(text)))
    making = re.findall(r"^\$ (python -c .*savez.*)$", text, re.MULTILINE)
    replay("".join(f"$ {command}\n" for command in making), tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout.endswith(" 33\n")
    assert dd.load(tmp_path / "vote.rule").cost == 33


def test_the_rule_that_it_opens_with() -> None:
    """The rule for 28 x 28 images is that for 9 x 9 with other numbers, which takes less time."""
    text = README.read_text(encoding="utf-8")
    shown = re.search(r"(?<=```text\n).*?(?=\n```)", text, re.DOTALL)
    assert shown is not None
    assert str(dd.parse(shown[0])) == shown[0]
    example = EXAMPLES["orientation9"]
    small = dd.distill(example.build(None), example.inputs, example.outputs, example.head, example.name)
    numbers = {"28": "9", "27": "8", "757": "73"}
    assert str(small) == re.sub(r"\b(28|27|757)\b", lambda found: numbers[found[0]], shown[0])


def test_the_tables_of_structures() -> None:
    """Every structure has its row; the numbers are written by the command that the page names."""
    text = README.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| [\d,]+ \|", text, re.MULTILINE)
    described = {name: (case.build.__doc__ or "").splitlines()[0].rstrip(".") for name, case in STRUCTURES.items()}
    assert [(name, said.replace("\\|", "|")) for name, said in rows] == list(described.items())
    sections = re.findall(r"<summary>(\w+): \d+ of (\d+)</summary>", text)
    counts = Counter(case.section for case in STRUCTURES.values())
    assert {name: int(count) for name, count in sections} == counts
