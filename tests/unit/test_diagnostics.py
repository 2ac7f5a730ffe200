"""Diagnostics of the language: every code that can be raised is documented and pinned, and no other is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for top in ("ddcompile", "backends") for path in sorted((ROOT / top).rglob("*.py"))]
TESTS = [path for ending in ("*.py", "*.txt") for path in sorted((ROOT / "tests").rglob(ending))]
RAISED = re.compile(r"\"([A-Z]\d{3})\"")
DOCUMENTED = re.compile(r"^\| ([A-Z]\d{3}) \| ", re.MULTILINE)
GOLDEN = re.compile(r"error\[([A-Z]\d{3})\]")
PINNED = re.compile(r"\b([A-Z]\d{3})\b")


def codes(letter: str, pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """The codes of a family that files name in some way."""
    found = {code for path in paths for code in pattern.findall(path.read_text(encoding="utf-8"))}
    return sorted(code for code in found if code.startswith(letter))


@pytest.mark.parametrize("letter", ["S", "T"])
def test_every_code_of_texts_has_a_golden_report(letter: str) -> None:
    raised = codes(letter, RAISED, SOURCES)
    assert len(raised) > 15
    assert codes(letter, DOCUMENTED, SOURCES) == raised
    folder = {"S": "syntax", "T": "verifier"}[letter]
    reports = sorted((ROOT / "tests" / "golden" / folder).glob("*.txt"))
    assert codes(letter, GOLDEN, reports) == raised


def test_every_code_of_arrays_is_pinned() -> None:
    raised = codes("A", RAISED, SOURCES)
    assert len(raised) > 10
    assert codes("A", DOCUMENTED, SOURCES) == raised
    assert set(raised) <= set(codes("A", PINNED, TESTS))


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "tests" / "golden" / "verifier").glob("*.txt")))
def test_reports_point_at_a_place(name: str) -> None:
    """A report of a text has a line, a caret below it, and columns that agree."""
    text = (ROOT / "tests" / "golden" / "verifier" / f"{name}.txt").read_text(encoding="utf-8")
    for column, line, caret in re.findall(r"^f\.rule:\d+:(\d+): error.*\n  (.*)\n  ( *\^~*)$", text, re.MULTILINE):
        assert caret.index("^") == int(column) - 1
        assert len(caret) <= max(len(line), int(column))
    located = len(re.findall(r"^f\.rule:\d+:\d+: error", text, re.MULTILINE))
    assert located == len(re.findall(r"^  .*\n   *\^~*$", text, re.MULTILINE))
