"""Sentences on lines of bounded width; short pieces of notation are not torn apart."""

from __future__ import annotations

import re
from textwrap import wrap

__all__ = ["lines_of"]

_KEPT = re.compile(r"`[^`]{1,44}`")
_GLUE = "\0"
"""Stands for a blank at which no line ends."""


def lines_of(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    """Break a text into lines.

    Parameters
    ----------
    text
        One paragraph.
    width
        Characters of a line, unless a word is longer.
    first, later
        What the first line and the others begin with.
    """
    glued = _KEPT.sub(lambda piece: piece[0].replace(" ", _GLUE), text)
    lines = wrap(
        glued, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_GLUE, " ") for line in lines]
