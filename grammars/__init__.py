"""The grammars of ddcompile, as texts for lark."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["load"]


@cache
def load(name: str) -> str:
    """Return the text of a grammar, such as `rule.lark`.

    Raises
    ------
    FileNotFoundError
        If there is no grammar of this name.
    """
    return (files(__package__) / name).read_text(encoding="utf-8")
