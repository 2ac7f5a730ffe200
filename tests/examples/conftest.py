"""Modules of `examples`, which are scripts and no package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def example() -> Iterator[Callable[[str, str], ModuleType]]:
    """Imports a module of an example by the name of the folder and its own; gone again after the tests of a file."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:

        def load(folder: str, module: str) -> ModuleType:
            patch.syspath_prepend(str(EXAMPLES / folder))
            return import_module(module)

        yield load
    for name in set(sys.modules) - before:
        if str(EXAMPLES) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
