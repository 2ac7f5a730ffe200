"""Syntax errors in the user's words.

The parser tells where it stopped and which tokens would have gone on; here the text before that place is scanned
again for the mistake that people typically make there. Codes:

| code | mistake |
|---|---|
| S001 | something else was expected here |
| S002 | a character that no rule contains |
| S003 | a reserved word used as a name |
| S004 | a bracket that is never closed |
| S005 | a closing bracket without its opening one |
| S006 | a reduction without `:` |
| S007 | a chain of comparisons that the language does not have |
| S008 | not a range of an index |
| S009 | an operator of another language |
| S010 | `=` and `==` confused |
| S011 | a malformed or too large number |
| S012 | malformed data of a constant |
| S014 | a wrong number of arguments |
| S015 | the data of a constant are missing |
| S016 | the text is empty |
| S017 | a range of indices where an expression belongs |
| S018 | an operator is missing |
| S019 | a softmax without the place that is read |
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ddcompile.diagnostics import Diagnostic, Location
from ddcompile.ir.syntax import CALLS, REDUCTIONS, RESERVED
from ddcompile.ir.syntax_context import CLOSING, FUNCTIONS, Context, Piece, context_of, pieces, source_line
from ddcompile.ir.syntax_words import FOREIGN, TYPES, WHOLE, clip, phrase

__all__ = ["explain"]

_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_BOUNDARY = frozenset({",", ":", "="})
_NUMBERS = re.compile(r"[-+0-9eE.,\s\[\]]*+")


class _Mistake(NamedTuple):
    code: str
    message: str
    start: int
    length: int
    hint: str = ""


def explain(text: str, file: str, start: str, position: int, expected: frozenset[str]) -> Diagnostic:
    """Say what is wrong where the parser stopped.

    Parameters
    ----------
    text, file
        The whole text, and the file that it is from.
    start
        What the text should be: a start symbol of the grammar.
    position
        The offset at which the parser stopped; the length of the text if it read everything.
    expected
        Names of the terminals with which it would have gone on.
    """
    mistake = _diagnose(context_of(text, start, position, expected))
    before = text[: mistake.start]
    line, column = before.count("\n") + 1, mistake.start - before.rfind("\n")
    location = Location(file, line, column, line, column + mistake.length)
    return Diagnostic(mistake.code, mistake.message, location, mistake.hint, source_line(text, location))


def _diagnose(context: Context) -> _Mistake:
    found = context.found
    if found is None:
        return _end(context)
    for check in (_brackets, _data, _foreign, _reserved, _equality, _comparison, _colon, _operator):
        mistake = check(context, found)
        if mistake is not None:
            return mistake
    return _unexpected(context, found)


def _at(piece: Piece, code: str, message: str, hint: str = "") -> _Mistake:
    return _Mistake(code, message, piece.start, len(piece.text), hint)


def _end(context: Context) -> _Mistake:
    """The text ends too early."""
    if context.previous is None:
        return _Mistake("S016", f"the text is empty; expected {WHOLE[context.start]}", 0, 1)
    if context.open:
        return _never_closed(context.open[-1].piece)
    message = f"expected {phrase(context.expected)} after `{clip(context.previous.text)}`, but the text ends here"
    return _Mistake("S001", message, context.previous.end, 1)


def _never_closed(opening: Piece) -> _Mistake:
    return _at(opening, "S004", f"`{opening.text}` is never closed", f"close it with `{CLOSING[opening.text]}`")


def _brackets(context: Context, found: Piece) -> _Mistake | None:
    """A bracket that closes nothing or the wrong thing; a statement that begins inside brackets."""
    innermost = context.innermost
    if found.text in CLOSING.values():
        if innermost is None:
            return None if found.text == "}" and context.open else _at(found, "S005", f"`{found.text}` closes nothing")
        opening = innermost.piece
        if CLOSING[opening.text] == found.text:
            return None
        if found.text == "}":
            return _never_closed(opening)
        hint = f"close it with `{CLOSING[opening.text]}`"
        return _at(found, "S005", f"`{found.text}` does not close `{opening.text}`", hint)
    if innermost is None:
        return None
    opening = innermost.piece
    if not context.is_same_line(opening, found) and context.is_statement(found):
        return _never_closed(opening)
    if found.text == "=" and opening.text == "[" and innermost.owner and context.is_first(innermost.owner):
        return _never_closed(opening)
    return None


def _data(context: Context, found: Piece) -> _Mistake | None:
    """Malformed numbers and arrays."""
    if found.text == ".":
        return _at(found, "S011", "a number has digits on both sides of its point", "write 0.5 or 5.0")
    if "ARRAY" not in context.expected:
        return None
    if found.text == "sha256":
        return _at(found, "S012", "malformed name of a side file", "write `sha256:` and 64 hexadecimal digits")
    if found.text != "[":
        return None
    numbers = _NUMBERS.match(context.text, found.start)
    end = numbers.end() if numbers else found.end
    wrong = next(pieces(context.text, end, len(context.text)), None)
    if wrong is None or wrong.text == "}" or context.is_first(wrong):
        return _never_closed(found)
    hint = "rows look like [[1, -2], [0.5, 1e-3]]; a comment cannot stand among them"
    return _Mistake("S012", "an array holds numbers only", end, max(1, wrong.end - end), hint)


def _foreign(context: Context, found: Piece) -> _Mistake | None:
    """Operators of other languages, and characters of none."""
    previous = context.previous
    if found.text == "*" and previous is not None and previous.text == "*" and previous.end == found.start:
        return _Mistake("S009", "`**` is not in the language", previous.start, 2, FOREIGN["**"])
    if found.text in FOREIGN:
        return _at(found, "S009", f"`{found.text}` is not in the language", FOREIGN[found.text])
    if found.kind == "symbol" and len(found.text) == 1 and found.text not in "()[]{}<>=+-*%,:":
        return _at(found, "S002", f"unexpected character {found.text!r}")
    return None


def _reserved(context: Context, found: Piece) -> _Mistake | None:
    """A keyword or function where a name belongs."""
    previous, expected = context.previous, context.expected
    if previous is not None and previous.text in FUNCTIONS and expected == {"LPAR"}:
        hint = f"it is a function: {previous.text}(...); otherwise choose another name"
        return _at(previous, "S003", f"`{previous.text}` is a reserved word, not a name", hint)
    if found.text not in RESERVED or "NAME" not in expected:
        return None
    after = context.following(found)
    is_target = after is not None and after.text in ("=", "[") and "RBRACE" in expected
    is_name = "NUMBER" not in expected and (previous is None or not previous.is_operand_end)
    if is_target or is_name:
        return _at(found, "S003", f"`{found.text}` is a reserved word, not a name", "choose another name")
    return None


def _equality(context: Context, found: Piece) -> _Mistake | None:
    """`==` where a statement defines, and `=` where an expression compares."""
    if "EQUAL" in context.expected and found.text in ("==", ":="):
        return _at(found, "S010", f"a statement defines with `=`, not `{found.text}`")
    is_operand = context.previous is not None and context.previous.is_operand_end and context.is_body
    if found.text == "=" and is_operand and context.expected != {"COLON"}:
        hint = "compare with `==`; begin every statement with `name =` or `name[...] =`"
        return _at(found, "S010", "`=` stands inside an expression", hint)
    return None


def _comparison(context: Context, found: Piece) -> _Mistake | None:
    """A third comparison, or a second one that does not chain."""
    if found.text not in _COMPARISONS or context.previous is None or not context.previous.is_operand_end:
        return None
    depth = 0
    for piece in reversed(context.before):
        depth += (piece.text in CLOSING.values()) - (piece.text in CLOSING)
        if depth < 0 or (depth == 0 and (piece.text in _BOUNDARY or piece.text in RESERVED - FUNCTIONS)):
            return None
        if depth == 0 and piece.text in _COMPARISONS:
            hint = "two of `<` and `<=` may chain, as in 1 <= x < 5; join others with `and`"
            return _at(found, "S007", f"`{found.text}` cannot follow `{piece.text}`", hint)
    return None


def _colon(context: Context, found: Piece) -> _Mistake | None:
    """A reduction whose indices run into its body."""
    innermost = context.innermost
    if innermost is None or "COLON" not in context.expected or innermost.has_colon:
        return None
    function = innermost.function
    if function not in REDUCTIONS - CALLS | {"softmax"}:
        return None
    message = f"`{function}` needs `:` between its indices and its expression"
    hint = f"write {function}(i < 3: x[i])" + ("[0]" if function == "softmax" else "")
    return _at(found, "S006", message, hint)


def _operator(context: Context, found: Piece) -> _Mistake | None:
    """Two operands in a row, also when the second one was taken for the next statement."""
    if not context.is_body or context.expected & {"THEN", "ELSE"}:
        return None
    right, left = found, context.previous
    if context.expected <= {"EQUAL", "LSQB"}:
        target = _target(context.before)
        if not target:
            return None
        right, left = context.before[target], context.before[target - 1]
    elif not context.expected & {"ADDITIVE", "RPAR", "RSQB", "COMMA", "$END"}:
        return None
    if left is None or not left.is_operand_end or not right.is_operand_start or not context.is_same_line(left, right):
        return None
    hint = "a new statement stands on its own line"
    if left.kind == "number" or right.text == "(":
        hint = "write `*` to multiply"
    elif context.innermost is not None:
        hint = "commas separate values"
    elif context.start == "expression":
        hint = ""
    return _at(right, "S018", f"expected an operator between `{left.text}` and `{right.text}`", hint)


def _target(before: list[Piece]) -> int:
    """Where the name begins of which `before` ends with `name` or `name[...]`; 0 if it does not."""
    depth = 0
    for k in range(len(before) - 1, 0, -1):
        text = before[k].text
        depth += (text == "]") - (text == "[")
        if depth == 0 and before[k].kind == "word":
            return k
    return 0


def _unexpected(context: Context, found: Piece) -> _Mistake:
    """Nothing better is known than what the grammar expected."""
    previous = context.previous
    after = f" after `{clip(previous.text)}`" if previous is not None else ""
    message = f"expected {phrase(context.expected)}{after}, found `{clip(found.text)}`"
    if previous is not None and not context.is_same_line(previous, found):
        return _Mistake("S001", message, previous.end, 1, _hint(context, found))
    return _at(found, "S001", message, _hint(context, found))


def _hint(context: Context, found: Piece) -> str:
    expected, previous = context.expected, context.previous
    if previous is None:
        return f"write {WHOLE[context.start]}"
    if expected == {"$END"} and context.start == "rule":
        return "a file holds one rule"
    if "KIND" in expected and found.text in TYPES:
        return f"write `{TYPES[found.text]}`"
    if expected == {"COLON"}:
        return "a name is declared with its type, as in x: bit[3]"
    if found.text == "const":
        return "constants stand before the statements"
    if found.text == "if":
        return "an `if` inside an expression stands in brackets"
    if expected & {"THEN", "ELSE"} or found.text in ("then", "else"):
        return "write `if a then b else c`"
    if expected == {"LSQB"} or (context.innermost is not None and context.innermost.function == "pad"):
        return "pad(x, 0)[i - 1] continues x by 0"
    return ""
