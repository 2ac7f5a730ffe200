"""Expressions in words: a number as a noun, a bit as something that is so.

What would nest too deeply gets a name, and is told of behind: "`28 * s - total` is at least 757, where `s` is the sum
of row i of `longer`".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    CompareOp,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Size,
    Softmax,
    Unary,
)
from ddcompile.ir.traverse import chain_operands, children, with_children
from ddcompile.reading.elements import Elements, elements_of
from ddcompile.reading.ranges import range_words, ranges_words
from ddcompile.reading.surroundings import Surroundings
from ddcompile.reading.words import Phrase, code, count, flipped, listed, opposite, relation, shown

__all__ = ["Phrases"]


@dataclass(slots=True)
class Phrases:
    """Puts the expressions of one statement into words; it remembers what got a name."""

    known: Surroundings
    taken: set[str]
    told: list[str] = field(default_factory=list)
    """What the names mean: "`s` is the sum of ..."."""
    names: dict[Expr, str] = field(default_factory=dict)

    def is_bit(self, expr: Expr) -> bool:
        """Whether an expression is 0 or 1 by its form."""
        match expr:
            case Compare() | Binary("and" | "or" | "xor") | Unary("not") | Reduce("any" | "all") | Literal(0 | 1):
                return True
            case Binary("%", operand, Literal(2)):
                return self.known.is_integral(operand)
            case Read():
                return self.known.is_bit(expr)
            case If(_, then, otherwise):
                return self.is_bit(then) and self.is_bit(otherwise)
        return False

    def statement(self, target: str, value: Expr) -> str:
        """What a tensor is, as a sentence: `y` is the sum of ...; if ..., `y` is ...; else `y` is ...."""
        parts = []
        while isinstance(value, If) and not (self._is_atom(value.then) and self._is_atom(value.otherwise)):
            then = value.then if not isinstance(value.then, If) else Read(self._name(value.then))
            parts.append(f"if {self.condition(value.condition).text}, {target} {self._predicate(then)}")
            value = value.otherwise
        return "; else ".join([*parts, f"{target} {self._predicate(value)}"])

    def _predicate(self, value: Expr) -> str:
        """What something is: `is 1 if ..., else 0`, `is the sum of ...`."""
        match value:
            case Literal() | Read() | Index() | Size():
                return f"is {self.number(value).text}"
            case If(condition, then, otherwise):
                return f"is {self._choice(condition, then, otherwise)}"
            case _ if self.is_bit(value):
                return f"is 1 if {self.condition(value).text}, else 0"
        return f"is {self.number(value).text}"

    def _is_atom(self, value: Expr) -> bool:
        """Whether it takes no words."""
        return isinstance(value, Literal | Index | Size) or (isinstance(value, Read) and not _is_compound(value))

    def _choice(self, condition: Expr, then: Expr, otherwise: Expr) -> str:
        parts = [f"{self._term(then)} if {self.condition(condition).text}"]
        while isinstance(otherwise, If):
            parts.append(f"else {self._term(otherwise.then)} if {self.condition(otherwise.condition).text}")
            otherwise = otherwise.otherwise
        return ", ".join([*parts, f"else {self._term(otherwise)}"])

    # Numbers

    def number(self, expr: Expr) -> Phrase:
        """An expression as a noun."""
        match expr:
            case Reduce("sum", binders, body):
                return self._sum(binders, body)
            case Reduce("max" | "min" as op, binders, body):
                word = "greatest" if op == "max" else "least"
                elements = self._elements(body, binders)
                if elements is not None:
                    return Phrase(f"the {word} of {elements.text}")
                return Phrase(f"the {word} {self._formula(body)} over {ranges_words(binders)}")
            case Reduce("argmax", binders, body):
                (binder,) = binders
                if self.is_bit(body):
                    found = f"the lowest {range_words(binder)} for which {self.condition(body).text}"
                    return Phrase(f"{found}, or {shown(binder.lower)} if there is none", is_open=True)
                return Phrase(
                    f"the {range_words(binder)} with the greatest {self._formula(body)} (the lowest on a tie)"
                )
            case Unary("sign", operand):
                return Phrase(f"the sign (1, 0 or -1) of {self._term(operand)}")
            case Unary("abs", operand):
                return Phrase(f"the absolute value of {self._term(operand)}")
            case Unary("relu", operand):
                return Phrase(f"the larger of 0 and {self._term(operand)}")
            case Unary("exp" | "log" | "tanh" | "sigmoid" as op, operand):
                return Phrase(f"the {op} of {self._term(operand)}")
            case Call(function, arguments):
                two = len(arguments) == 2
                word = ("larger" if two else "greatest") if function == "max" else ("smaller" if two else "least")
                return Phrase(f"the {word} of {listed([self._formula(a) for a in arguments])}")
            case Softmax(binder, body, position):
                where = shown(self._plain(position))
                return Phrase(f"the softmax of {self._formula(body)} over {range_words(binder)}, at {where}")
        return Phrase(self._formula(expr))

    def _sum(self, binders: Sequence[Binder], body: Expr) -> Phrase:
        """`the number of ones in ...`, `the number of i < 8 for which ...`, `the sum of ... over ...`."""
        elements = self._elements(body, binders)
        if elements is not None:
            return Phrase(f"the {'number of ones in' if self.is_bit(body) else 'sum of'} {elements.text}")
        if self.is_bit(body):
            return Phrase(f"the number of {_cases(binders)} for which {self.condition(body).text}", is_open=True)
        if isinstance(body, If) and body.otherwise == Literal(0):
            cases = f"those {_cases(binders)} for which {self.condition(body.condition).text}"
            return Phrase(f"the sum of {self._formula(body.then)} over {cases}", is_open=True)
        return Phrase(f"the sum of {self._formula(body)} over {ranges_words(binders)}")

    def _elements(self, body: Expr, binders: Sequence[Binder]) -> Elements | None:
        return elements_of(body, binders, self.known) if isinstance(body, Read) else None

    def _term(self, expr: Expr) -> str:
        """A noun that may stand in the middle of a sentence."""
        phrase = self.number(expr) if not self.is_bit(expr) or isinstance(expr, Read | Literal) else None
        if isinstance(expr, If) or phrase is None or phrase.is_open:
            return code(self._name(expr))
        return phrase.text

    def _formula(self, expr: Expr) -> str:
        """Notation, with names for what is none."""
        return shown(self._plain(expr))

    def _plain(self, expr: Expr) -> Expr:
        match expr:
            case Reduce() | Softmax() | If() | Compare() | Binary("and" | "or" | "xor") | Unary("not"):
                return Read(self._name(expr))
        return with_children(expr, tuple(self._plain(kid) for kid in children(expr)))

    def _name(self, expr: Expr) -> str:
        """A name for an expression that is told of behind the sentence."""
        if expr in self.names:
            return self.names[expr]
        stem = "s" if isinstance(expr, Reduce) and expr.op == "sum" else "k" if isinstance(expr, Reduce) else "b"
        if isinstance(expr, Reduce) and expr.op == "sum" and self.is_bit(expr.body):
            stem = "n"
        name, tries = stem, 1
        while name in self.taken:
            tries += 1
            name = f"{stem}{tries}"
        self.taken.add(name)
        self.names[expr] = name
        place = len(self.told)
        self.told.append("")
        self.told[place] = f"{code(name)} {self._predicate(expr)}"
        return name

    # Conditions

    def condition(self, expr: Expr, holds: bool = True) -> Phrase:
        """A bit as what is so when it is 1, or when it is 0 unless `holds`."""
        match expr:
            case Unary("not", operand):
                return self.condition(operand, not holds)
            case Compare(ops, operands):
                return self._comparison(ops, operands, holds)
            case Binary("and" | "or" as op):
                return self._junction(op, chain_operands(op, expr), holds)
            case Binary("xor"):
                return self._parity(chain_operands("xor", expr), holds)
            case Reduce("any" | "all" as op, binders, body):
                return self._quantified(op, binders, body, holds)
            case Binary("%", operand, Literal(2)) if self.is_bit(expr):
                word = "odd" if holds else "even"
                counted = self._counted(operand, f"an {word} number of")
                return counted or Phrase(f"{self._term(operand)} is {word}")
        return Phrase(f"{self._term(expr)} is {int(holds)}")

    def _quantified(self, op: str, binders: Sequence[Binder], body: Expr, holds: bool) -> Phrase:
        elements = self._elements(body, binders)
        if elements is not None and elements.ends is not None:
            word = "and" if (op == "all") == holds else "or"
            return Phrase(_together(list(elements.ends), word, int(holds)), joins=word if word == "or" else "")
        if elements is not None:
            found = {
                ("any", True): "a one",
                ("all", True): "no zero",
                ("any", False): "no one",
                ("all", False): "a zero",
            }
            return Phrase(f"{elements.text} {elements.verb('has', 'have')} {found[op, holds]}")
        every = (op == "all") == holds
        inner = self.condition(body, holds)
        return Phrase(f"for {'every' if every else 'some'} {_cases(binders, 1)}, {inner.text}", is_open=True)

    def _junction(self, op: str, items: list[Expr], holds: bool) -> Phrase:
        """Conditions of which all hold, or one; bits that are all 1 are told of together."""
        word = op if holds else {"and": "or", "or": "and"}[op]
        groups: dict[int, list[str]] = {}
        others: list[Expr] = []
        for item in items:
            bare, value = (item.operand, not holds) if isinstance(item, Unary) and item.op == "not" else (item, holds)
            if isinstance(bare, Read) and not _is_compound(bare):
                groups.setdefault(int(value), []).append(shown(bare))
            else:
                others.append(item)
        phrases = [Phrase(_together(names, word, value)) for value, names in groups.items()]
        phrases += [self.condition(item, holds) for item in others]
        if len(phrases) == 1:
            return Phrase(phrases[0].text, joins=word if word == "or" else "")
        texts = [p.closed if p.joins != word else p.text for p in phrases[:-1]]
        last = phrases[-1]
        texts.append(f"({last.text})" if last.joins not in ("", word) else last.text)
        return Phrase(f" {word} ".join(texts), last.is_open, word)

    def _parity(self, items: list[Expr], holds: bool) -> Phrase:
        """Of how many conditions an odd number holds."""
        if all(isinstance(item, Read) and not _is_compound(item) for item in items):
            names = [shown(item) for item in items]
            if len(names) == 2:
                return Phrase(f"{names[0]} {'differs from' if holds else 'equals'} {names[1]}")
            return Phrase(f"an {'odd' if holds else 'even'} number of {listed(names)} are 1")
        phrases = [self.condition(item) for item in items]
        texts = "; ".join([*(f"({p.text})" if p.is_open else p.text for p in phrases[:-1]), phrases[-1].text])
        if len(items) == 2:
            many = "exactly one of these holds" if holds else "both or none of these hold"
        else:
            many = f"an {'odd' if holds else 'even'} number of these hold"
        return Phrase(f"{many}: {texts}", is_open=True)

    def _comparison(self, ops: tuple[CompareOp, ...], operands: tuple[Expr, ...], holds: bool) -> Phrase:
        if len(ops) == 2:
            return self._between(ops, operands, holds)
        (op,), (left, right) = ops, operands
        if isinstance(left, Literal) and not isinstance(right, Literal):
            op, left, right = flipped(op), right, left
        op = op if holds else opposite(op)
        if _is_plain(right) and (found := self._counted(left, count(op, shown(right)))) is not None:
            return found
        if self.is_bit(left) and isinstance(right, Literal) and right.value in (0, 1) and op in ("==", "!="):
            return self.condition(left, (op == "==") == bool(right.value))
        if self.is_bit(left) and self.is_bit(right) and op in ("<", ">"):
            a, b = self._term(left), self._term(right)
            return Phrase(f"{a} is {int(op == '>')} and {b} is {int(op == '<')}", joins="and")
        return Phrase(f"{self._term(left)} {relation(op)} {self._term(right)}")

    def _between(self, ops: tuple[CompareOp, ...], operands: tuple[Expr, ...], holds: bool) -> Phrase:
        """A chain of two comparisons."""
        low, value, high = operands
        if ops == ("<=", "<=") and holds and _is_plain(low) and _is_plain(high):
            found = self._counted(value, f"{shown(low)} to {shown(high)}")
            return found or Phrase(f"{self._term(value)} is from {shown(low)} to {shown(high)}")
        ends = [f"{relation(op)} {self._term(end)}" for op, end in ((flipped(ops[0]), low), (ops[1], high))]
        text = f"{self._term(value)} {ends[0]} and {ends[1].removeprefix('is ')}"
        return Phrase(text) if holds else Phrase(f"it is not so that {text}", is_open=True)

    def _counted(self, value: Expr, many: str) -> Phrase | None:
        """`row i of x has at least 3 ones`; None if the value is no number of things."""
        is_one = many.endswith(" 1") and not many.endswith(" to 1")
        match value:
            case Reduce("sum", binders, body) if self.is_bit(body):
                elements = self._elements(body, binders)
                if elements is not None:
                    ones = "one" if is_one else "ones"
                    return Phrase(f"{elements.text} {elements.verb('has', 'have')} {many} {ones}")
                cases = _cases(binders, 1 if is_one else 2)
                return Phrase(f"for {many} {cases}, {self.condition(body).text}", is_open=True)
            case Binary("+"):
                items = chain_operands("+", value)
                if all(isinstance(i, Read) and self.is_bit(i) and not _is_compound(i) for i in items):
                    them = listed([shown(i) for i in items])
                    return Phrase(f"{many.removesuffix(' of')} of {them} {'is' if is_one else 'are'} 1")
        return None


def _cases(binders: Sequence[Binder], number: int = 2) -> str:
    """What a condition holds for: `i < 8`, `pairs (i < 8, j < i)`."""
    one, many = {1: ("", ""), 2: ("pair ", "pairs ")}.get(len(binders), ("choice of ", "choices of "))
    ranges = ", ".join(range_words(b) for b in binders)
    return ranges if len(binders) == 1 else f"{one if number == 1 else many}({ranges})"


def _together(names: list[str], word: str, value: int) -> str:
    """Bits that have one value, all or one of them."""
    if len(names) == 1:
        return f"{names[0]} is {value}"
    if word == "or":
        return f"{listed(names, 'or')} is {value}"
    return f"{listed(names)} are {'both' if len(names) == 2 else 'all'} {value}"


def _is_plain(expr: Expr) -> bool:
    """A number or a name."""
    return isinstance(expr, Literal | Size | Index) or (isinstance(expr, Read) and not expr.positions)


def _is_compound(read: Read) -> bool:
    """Whether a read has more than notation in its positions."""
    stack: list[Expr] = list(read.positions)
    while stack:
        node = stack.pop()
        if isinstance(node, Reduce | If | Softmax | Compare):
            return True
        stack += children(node)
    return False
