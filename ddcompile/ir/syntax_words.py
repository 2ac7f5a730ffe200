"""Words for what a syntax error expected, and for operators that the language does not have."""

from __future__ import annotations

__all__ = ["FOREIGN", "TYPES", "WHOLE", "clip", "phrase"]

FOREIGN = {
    "/": "there is no division: multiply both sides of the comparison by the divisor",
    "//": "there is no division: multiply both sides of the comparison by the divisor",
    "÷": "there is no division: multiply both sides of the comparison by the divisor",
    "**": "there is no power: write x * x",
    "^": "write `xor` for exclusive or, x * x for a square",
    "&": "write `and`",
    "&&": "write `and`",
    "∧": "write `and`",
    "|": "write `or`",
    "||": "write `or`",
    "\N{LOGICAL OR}": "write `or`",
    "!": "write `not`",
    "~": "write `not`",
    "¬": "write `not`",
    "⊕": "write `xor`",
    "?": "write `if a then b else c`",
    ";": "a new line separates statements, a comma declarations",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "\N{MULTIPLICATION SIGN}": "write `*`",
    "·": "write `*`",
    "\N{MINUS SIGN}": "write `-`",
    "→": "write `->`",
    "∑": "write `sum(i < 3: x[i])`",
    "Σ": "write `sum(i < 3: x[i])`",
}
"""Operators and characters of other languages, and what to write instead."""

TYPES = {"bool": "bit", "boolean": "bit", "integer": "int", "float": "real", "double": "real", "rational": "rat"}
"""Types of other languages."""

_EXPRESSION = frozenset({"NUMBER", "MINUS", "NOT", "IF", "FUNCTION", "PAD", "SOFTMAX", "LPAR", "NAME"})
_OPERATORS = frozenset({"ADDITIVE", "MULTIPLICATIVE", "ORDER", "EQUALITY", "AND", "XOR", "OR"})
_SPOKEN = {
    "NAME": "a name",
    "KIND": "a type (bit, spin, trit, int, rat or real)",
    "NUMBER": "a number",
    "ARRAY": "an array such as [1, 2]",
    "IN": "",
    "SHA256": "",
    "MINUS": "",
    "CONST": "",
    "RULE": "`rule`",
    "THEN": "`then`",
    "ELSE": "`else`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LESSTHAN": "`<`",
    "MORETHAN": "`>`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "ARROW": "`->`",
    "DOTS": "`..`",
    "$END": "the end of the text",
}
WHOLE = {
    "rule": "a rule, such as rule f(x: bit[3]) -> (y: bit) { y = x[0] }",
    "expression": "an expression",
    "declaration_list": "declarations, such as image: bit[28, 28]",
}
"""What a whole text should be, by the start symbol of the grammar."""


def clip(text: str) -> str:
    """A short form of a token for a message."""
    return text if len(text) <= 30 else text[:27] + "..."


def phrase(expected: frozenset[str]) -> str:
    """The expected tokens in words: `an expression`, "`)` or an operator"."""
    rest = set(expected)
    words: list[str] = []
    if {"NUMBER", "LPAR"} <= rest:
        words.append("an expression")
        rest -= _EXPRESSION
    is_operator = "ADDITIVE" in rest or len(rest & _OPERATORS) > 1
    if is_operator:
        rest -= _OPERATORS | {"LSQB"}
    if {"NAME", "RBRACE"} <= rest:
        rest -= {"NAME", "CONST"}
        words.append("a statement")
    if "ORDER" in rest:  # only in the range of an index
        rest.discard("ORDER")
        words.append("`<`")
    words += [text for name, text in _SPOKEN.items() if name in rest and text]
    if is_operator:
        words.append("an operator")
    if len(words) < 2:
        return "".join(words) or "nothing more"
    return ", ".join(words[:-1]) + " or " + words[-1]
