"""The meaning of every construct: rules with results worked out by hand, in tests/golden/meaning, in every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_rule
from ddcompile.ir.verifier import verify
from ddcompile.testing.differential import ENGINES
from ddcompile.testing.worked import disagreements, read_worked

FOLDER = Path(__file__).parents[2] / "golden" / "meaning"
FILES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", FILES)
def test_examples_are_legal_and_survive_printing(name: str) -> None:
    for example in read_worked((FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
        assert not verify(example.rule, source=example.text)
        assert parse(print_rule(example.rule)) == example.rule
        assert example.lines


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("engine", ["interpreter", *ENGINES])
def test_engine_gives_what_was_worked_out(name: str, engine: str) -> None:
    examples = read_worked((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))
    found = list(disagreements(examples, engine))
    assert not found, "\n\n".join(map(str, found))
