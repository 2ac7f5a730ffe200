"""The text of a pipeline, such as `reroll, collapse-cones{inputs=3}`, to passes. The grammar is `pipeline.lark`.

| code | mistake |
|---|---|
| P001 | there is no such pass |
| P003 | not the text of a pipeline |
| P004 | the pass has no such option, or it is given twice |
| P005 | the value of an option is not of its type |
| P006 | the value of an option is out of its range |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken

from ddcompile.diagnostics import CompileError, Diagnostic, Location
from ddcompile.grammars import load
from ddcompile.passes.options import Option, Pass, Turns

__all__ = ["parse_pipeline"]

_SPOKEN = {
    "NAME": "a name",
    "VALUE": "a value",
    "COMMA": "`,`",
    "EQUAL": "`=`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "STAR": "`*`",
    "$END": "the end",
}


def parse_pipeline(text: str, known: Mapping[str, type[Pass]]) -> tuple[Pass | Turns, ...]:
    """Read a pipeline.

    Parameters
    ----------
    text
        Names of passes with commas, each with its options in braces: `cse, collapse-cones{inputs=3, depth=2}`; passes
        that take turns until a turn changes nothing in brackets: `(combine, narrow)*, cse`.
    known
        Every pass by its name.

    Raises
    ------
    CompileError
        P001, P003 to P006, with the place in the text.
    """
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None
    return tuple(_step(child, text, known) for child in _trees(tree))


@cache
def _grammar() -> Lark:
    return Lark(load("pipeline.lark"), parser="lalr", start="pipeline", maybe_placeholders=False)


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _step(tree: Tree[Token], text: str, known: Mapping[str, type[Pass]]) -> Pass | Turns:
    if tree.data == "turns":
        return Turns(tuple(_pass(child, text, known) for child in _trees(tree)))
    return _pass(tree, text, known)


def _pass(tree: Tree[Token], text: str, known: Mapping[str, type[Pass]]) -> Pass:
    name, *options = tree.scan_values(lambda v: isinstance(v, Token))
    if name not in known:
        hint = _close(name, known) or f"passes: {', '.join(sorted(known))}"
        raise _fault("P001", f"there is no pass `{name}`", name, text, hint)
    chosen = known[name]
    declared = {o.name: o for o in chosen.options()}
    values: dict[str, int] = {}
    for key, value in zip(options[::2], options[1::2], strict=True):
        if key not in declared:
            hint = _close(key, declared) or (f"options: {', '.join(declared)}" if declared else "it takes no options")
            raise _fault("P004", f"`{name}` has no option `{key}`", key, text, hint)
        if key in values:
            raise _fault("P004", f"`{key}` is given twice", key, text, "")
        values[key] = _value(declared[key], value, text)
    return chosen(**values)


def _value(option: Option, value: Token, text: str) -> int:
    hint = f"{option.name} is {option.about}; default: {option.default}"
    if not re.fullmatch(r"[-+]?[0-9]{1,99}", value):
        raise _fault("P005", f"`{option.name}` takes an integer, not `{value}`", value, text, hint)
    if not option.low <= int(value) <= option.high:
        message = f"`{option.name}` lies in {option.low}..{option.high}, which `{value}` does not"
        raise _fault("P006", message, value, text, hint)
    return int(value)


def _close(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"did you mean `{close[0]}`?" if close else ""


def _unexpected(error: UnexpectedInput, text: str) -> CompileError:
    known = vars(error)  # the LALR parser sets more than lark's types declare
    accepted = sorted(known["interactive_parser"].accepts())
    words = [_SPOKEN[name] for name in accepted]
    wanted = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    start = len(text) if isinstance(error, UnexpectedToken) and error.token.type == "$END" else error.pos_in_stream
    assert start is not None
    found = "the text ends" if start >= len(text) else f"found `{text[start]}`"
    hint = "write passes like `reroll, collapse-cones{inputs=3}`"
    return _at("P003", f"expected {wanted}, {found}", start, 1, text, hint)


def _fault(code: str, message: str, token: Token, text: str, hint: str) -> CompileError:
    assert token.start_pos is not None
    return _at(code, message, token.start_pos, len(token), text, hint)


def _at(code: str, message: str, start: int, length: int, text: str, hint: str) -> CompileError:
    before = text[:start]
    line, column = before.count("\n") + 1, start - before.rfind("\n")
    location = Location("pipeline", line, column, line, column + length)
    return CompileError(Diagnostic(code, message, location, hint, text.split("\n")[line - 1]))
