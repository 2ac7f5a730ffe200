"""What the numbers that a classifier gives are called, as lines of comments: `class 0 is setosa`.

The word says that the line is no remark of somebody about numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

__all__ = ["label_lines", "labels_in"]

_SPACE = "\\u0020"
_LINE = re.compile(r"class (\d+) is(?: (.*))?")


def label_lines(labels: Sequence[str]) -> list[str]:
    """A line for every label, fit for a comment of any target; what is not printable is escaped as in JSON.

    So are spaces at either end, which files of rules do not keep, and what opens or closes a comment of C.
    """
    return [f"class {number} is {_escaped(label)}".rstrip() for number, label in enumerate(labels)]


def labels_in(lines: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
    """The lines of a comment that say other things, and the labels that the others say."""
    rest: list[str] = []
    labels: list[str] = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is not None and match[1] == str(len(labels)):
            labels.append(_unescaped(match[2] or ""))
        else:
            rest.append(line)
    return rest, tuple(labels)


def _escaped(label: str) -> str:
    text = json.dumps(label, ensure_ascii=False)[1:-1].replace("*/", "*\\u002f").replace("/*", "\\u002f*")
    text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    return text if inner == text else _SPACE * before + inner + _SPACE * (len(text) - before - len(inner))


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
