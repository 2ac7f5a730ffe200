"""The reference of the rule language, grammars/rule.md: every example in it is what happens."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import ddcompile as dd
from ddcompile.ir import syntax_errors, verifier
from ddcompile.ir.parser import parse, parse_expression
from ddcompile.ir.printer import print_rule
from ddcompile.ir.syntax import RESERVED
from ddcompile.ir.verifier import verify
from ddcompile.runtime import arrays
from ddcompile.testing.differential import ENGINES
from ddcompile.testing.worked import Worked, disagreements, read_lines

PAGE = Path(__file__).parents[2] / "grammars" / "rule.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A rule, and the blocks that stand below it."""

    rule: str
    lines: str = ""
    diagnostics: str = ""
    header: str = ""


def examples() -> list[Example]:
    """The rules of the page in order."""
    found: list[Example] = []
    for kind, text in BLOCK.findall(TEXT):
        text = text.rstrip("\n")
        if kind == "rule":
            found.append(Example(text))
        elif kind == "text" and "error[" in text:
            found[-1] = Example(found[-1].rule, diagnostics=text)
        elif kind == "text":
            found[-1] = Example(found[-1].rule, text, header=found[-1].header)
        elif kind == "c":
            found[-1] = Example(found[-1].rule, header=text)
    return found


RIGHT = [example for example in examples() if not example.diagnostics]
WRONG = [example for example in examples() if example.diagnostics]


def name(example: Example) -> str:
    """The name of its rule, for the report."""
    return example.rule.split()[1].split("(")[0].split("<")[0]


@pytest.mark.parametrize("example", RIGHT, ids=name)
def test_rules_are_legal_and_canonical(example: Example) -> None:
    rule = parse(example.rule)
    assert verify(rule, source=example.rule) == []
    assert print_rule(rule) == example.rule
    assert example.lines


@pytest.mark.parametrize("engine", ["interpreter", *ENGINES])
def test_results_are_those_of_every_engine(engine: str) -> None:
    worked = [Worked(name(example), example.rule, read_lines(example.lines)) for example in RIGHT]
    found = list(disagreements(worked, engine))
    assert not found, "\n\n".join(map(str, found))


@pytest.mark.parametrize("example", WRONG, ids=name)
def test_mistakes_are_told(example: Example) -> None:
    try:
        found = verify(parse(example.rule, "example.rule"), "example.rule", example.rule)
    except dd.CompileError as error:
        found = list(error.diagnostics)
    assert "\n".join(map(str, found)) == example.diagnostics


@pytest.mark.parametrize("example", [example for example in RIGHT if example.header], ids=name)
def test_declarations_are_those_of_the_header(example: Example) -> None:
    (header,) = (file.text for file in dd.emit(dd.parse(example.rule), "c") if file.name.endswith(".h"))
    for line in example.header.splitlines():
        assert line in header.splitlines()


def test_sessions_and_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay: Callable[[str, Path], str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sessions = "".join(text for kind, text in BLOCK.findall(TEXT) if kind == "python")
    test = doctest.DocTestParser().get_doctest(sessions, {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner()
    assert runner.run(test).failed == 0
    for kind, text in BLOCK.findall(TEXT):
        if kind == "console":
            assert replay(text, tmp_path) == text


def test_nothing_is_left_untested() -> None:
    assert {kind for kind, _ in BLOCK.findall(TEXT)} == {"rule", "text", "python", "console", "c"}
    assert TEXT.count("```") == 2 * len(BLOCK.findall(TEXT))


def test_the_table_of_brackets() -> None:
    (table,) = re.findall(r"\| written \| the same as \|\n.*?\n\n", TEXT, re.DOTALL)
    rows = re.findall(r"^\| `(.*)` \| `(.*)` \|$", table, re.MULTILINE)
    assert len(rows) > 5
    for short, long in rows:
        assert parse_expression(short) == parse_expression(long)


def test_the_reserved_words() -> None:
    (words,) = re.findall(r"^((?: {4}[a-z ]+\n)+)", TEXT, re.MULTILINE)
    assert sorted(words.split()) == sorted(RESERVED)


@pytest.mark.parametrize("module", [syntax_errors, verifier, arrays], ids=lambda module: module.__name__)
def test_the_tables_of_diagnostics(module: ModuleType) -> None:
    row = re.compile(r"^\| ([A-Z]\d{3}) \| (.*) \|$", re.MULTILINE)
    documented = row.findall(ast.get_docstring(ast.parse(inspect.getsource(module))) or "")
    letter = documented[0][0][0]
    assert [found for found in row.findall(TEXT) if found[0].startswith(letter)] == documented
