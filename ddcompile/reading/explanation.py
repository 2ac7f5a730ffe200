"""A rule as a page of numbered sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ddcompile.ir.constants import array_text
from ddcompile.ir.nodes import Constant, Declaration, Literal, Rule, Type
from ddcompile.ir.printer import print_expression, print_statement, print_type
from ddcompile.ir.specialize import free_sizes
from ddcompile.ir.types import Types
from ddcompile.reading.lines import lines_of
from ddcompile.reading.sentences import Sentences
from ddcompile.reading.words import code, listed

__all__ = ["Explanation", "Sentence", "Value", "explain"]

_WIDTH = 100
_ENTRIES = 32
"""Entries of a table that is shown as a whole."""
_KINDS = {
    "bit": ("a bit", "bits"),
    "spin": ("a spin, -1 or 1", "spins, each -1 or 1"),
    "trit": ("a trit, -1, 0 or 1", "trits, each -1, 0 or 1"),
    "int": ("an integer", "integers"),
    "rat": ("an exact rational number", "exact rational numbers"),
    "real": ("a double", "doubles"),
}
"""One value of a kind, and several."""


@dataclass(frozen=True, slots=True)
class Value:
    """An input, a result or a table: its name, its type in the rule language, and the same in words."""

    name: str
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A statement: the tensor that it defines, the statement in the rule language, and the same in words."""

    target: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule in words. `str` gives the page, `report` the same for JSON.

    Attributes
    ----------
    name : str
        The name of the rule.
    sizes : tuple of str
        Its size parameters.
    inputs, results, tables : tuple of Value
        Tables are the constants; of short ones, the words give the entries.
    sentences : tuple of Sentence
        One a statement, in the order of the rule.
    proved : tuple of str
        Lines on what is known to hold, and who says so.
    given : tuple of str
        Those sizes that the inputs do not tell.
    """

    name: str
    sizes: tuple[str, ...]
    inputs: tuple[Value, ...]
    results: tuple[Value, ...]
    tables: tuple[Value, ...]
    sentences: tuple[Sentence, ...]
    proved: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    def saying(self, *lines: str) -> Explanation:
        """The same with lines on what is proved."""
        return replace(self, proved=(*self.proved, *lines))

    def report(self) -> dict[str, Any]:
        """The explanation as JSON-like data."""
        return asdict(self)

    def __str__(self) -> str:
        opening = f"{code(self.name)} takes {_values(self.inputs)} and gives {_values(self.results)}."
        lines = lines_of(opening, _WIDTH)
        told = [code(size) for size in self.sizes if size not in self.given]
        if told:
            lines += lines_of(f"{listed(told)} {'is a size' if len(told) == 1 else 'are sizes'} of its inputs.", _WIDTH)
        if self.given:
            lines += lines_of(f"{listed([code(size) for size in self.given])} is a number that is given.", _WIDTH)
        for table in self.tables:
            lines += lines_of(f"{code(table.name)} is {table.text}.", _WIDTH)
        lines.append("")
        digits = len(str(len(self.sentences)))
        for number, sentence in enumerate(self.sentences, 1):
            lines += lines_of(sentence.text, _WIDTH, f"{number:{digits}}. ", " " * (digits + 2))
        lines += ["", *lines_of(" ".join(["Counting starts at 0.", *self._legend()]), _WIDTH)]
        lines += [line for text in self.proved for line in lines_of(text, _WIDTH)]
        return "\n".join(lines)

    def _legend(self) -> list[str]:
        found = []
        if any("bit" in value.type for value in (*self.inputs, *self.results)):
            found.append("A bit is 0 or 1.")
        if any("wraps around" in sentence.text for sentence in self.sentences):
            found.append("What wraps around has its first element after its last, and its last before its first.")
        return found


def explain(rule: Rule, types: Types) -> Explanation:
    """Put a rule into words.

    Parameters
    ----------
    rule : Rule
        A verified rule.
    types : Types
        What `ddcompile.ir.types.infer` says about it.

    Returns
    -------
    Explanation
    """
    sentences = Sentences(rule, types)
    return Explanation(
        rule.name,
        rule.sizes,
        tuple(_value(d) for d in rule.inputs),
        tuple(_value(d) for d in rule.outputs),
        tuple(_table(c) for c in rule.constants),
        tuple(Sentence(s.target, print_statement(s), sentences.sentence(s)) for s in rule.statements),
        given=free_sizes(rule),
    )


def _value(declared: Declaration | Constant) -> Value:
    return Value(declared.name, print_type(declared.type), _type_words(declared.type))


def _table(constant: Constant) -> Value:
    """A table with its entries, if they are few."""
    value = _value(constant)
    text = f"a table of {value.text}" if constant.type.shape else value.text
    shown = f": {code(array_text(constant.values))}" if constant.values.size <= _ENTRIES else ""
    return replace(value, text=text + shown)


def _type_words(type_: Type) -> str:
    """`a bit`, `28 x 28 bits`, `9 integers from 0 to 9`."""
    one, many = _KINDS[type_.kind]
    limits = f" from {type_.low} to {type_.high}" if type_.low is not None else ""
    if not type_.shape:
        return one + limits
    extents = [print_expression(e) if isinstance(e, Literal) else code(print_expression(e)) for e in type_.shape]
    return f"{' x '.join(extents)} {many}{limits}"


def _values(values: tuple[Value, ...]) -> str:
    return listed([f"{code(value.name)} ({value.text})" for value in values])
