"""Importing the package is quick and loads nothing heavy, nor do `--version` and `--help`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ddcompile.testing.imports import import_ratio, loaded_modules

ROOT = Path(__file__).parents[2]
HEAVY = {"lark", "jinja2", "llvmlite", "rich", "torch", "sklearn", "scipy", "hypothesis"}
MOST = 1.3


def test_import_is_as_quick_as_that_of_numpy() -> None:
    ratio, own, numpy = import_ratio("ddcompile", "numpy", rounds=7)
    assert ratio <= MOST, f"{own:.3f} s against {numpy:.3f} s"


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_load_little(argument: str) -> None:
    loaded = loaded_modules(f"from ddcompile.cli import main; main([{argument!r}])")
    assert loaded & (HEAVY | {"numpy"}) == set()


def test_no_recursion_limit_is_raised() -> None:
    folders = ("ddcompile", "backends", "grammars", "tests", "examples")
    for path in [p for folder in folders for p in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "name", None)}
            assert "setrecursionlimit" not in names, path
