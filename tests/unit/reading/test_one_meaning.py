"""Statements that say the same in words mean the same: random expressions, compared on many inputs."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from ddcompile.ir.nodes import Binary, Binder, Call, Compare, Expr, If, Index, Literal, Read, Reduce, Statement, Unary
from ddcompile.ir.parser import parse
from ddcompile.ir.printer import print_statement
from ddcompile.ir.types import infer
from ddcompile.reading.sentences import Sentences

RULE = parse(
    "rule r(a: bit, b: bit, x: bit[3], n: int[0..2], v: int[-1..1][3]) -> (y: int) {\n"
    "  y = 0\n}"
)
LETTERS = "ijklpqrt"


class Maker:
    """Random expressions over the inputs of `RULE`."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def number(self, depth: int, scope: list[str]) -> Expr:
        kinds = ("literal", "scalar", "element", "index", "binary", "reduce", "reduce", "if", "unary", "call")
        kind = self.random.choice(kinds if depth else kinds[:4])
        if kind == "literal":
            return Literal(self.random.randrange(-1, 4))
        if kind == "scalar":
            return Read("n")
        if kind == "element":
            return Read("v", (self.position(scope),))
        if kind == "index":
            return Index(self.random.choice(scope)) if scope else Read("n")
        if kind == "binary":
            return Binary(self.random.choice("+-*"), self.number(depth - 1, scope), self.number(depth - 1, scope))
        if kind == "if":
            return If(self.bit(depth - 1, scope), self.number(depth - 1, scope), self.number(depth - 1, scope))
        if kind == "unary":
            return Unary(self.random.choice(("sign", "abs", "relu", "-")), self.number(depth - 1, scope))
        if kind == "call":
            count = self.random.choice((2, 3))
            return Call(self.random.choice(("min", "max")), tuple(self.number(depth - 1, scope) for _ in range(count)))
        op = self.random.choice(("sum", "sum", "sum", "max", "min", "argmax"))
        binders = self.binders(scope, 1 if op == "argmax" else self.random.choice((1, 1, 2)))
        inner = [*scope, *(b.name for b in binders)]
        of_bits = op in ("sum", "argmax") and self.random.random() < 0.5
        return Reduce(op, binders, self.bit(depth - 1, inner) if of_bits else self.number(depth - 1, inner))

    def bit(self, depth: int, scope: list[str]) -> Expr:
        kinds = ("scalar", "element", "not", "binary", "binary", "mixed", "compare", "chain", "quantified", "if")
        kind = self.random.choice(kinds if depth else kinds[:2])
        if kind == "scalar":
            return Read(self.random.choice("ab"))
        if kind == "element":
            return Read("x", (self.position(scope),))
        if kind == "not":
            return Unary("not", self.bit(depth - 1, scope))
        if kind in ("binary", "mixed"):
            left = self.bit(depth - 1, scope)
            if kind == "mixed":
                left = Binary(self.random.choice(("and", "or", "xor")), left, self.bit(depth - 1, scope))
            return Binary(self.random.choice(("and", "or", "xor")), left, self.bit(depth - 1, scope))
        if kind == "compare":
            op = self.random.choice(("<", "<=", ">", ">=", "==", "!="))
            return Compare((op,), (self.number(depth - 1, scope), self.number(depth - 1, scope)))
        if kind == "chain":
            ends = Literal(self.random.randrange(-1, 2)), Literal(self.random.randrange(1, 4))
            ops = self.random.choice(("<", "<=")), self.random.choice(("<", "<="))
            return Compare(ops, (ends[0], self.number(depth - 1, scope), ends[1]))
        if kind == "quantified":
            binders = self.binders(scope, self.random.choice((1, 1, 2)))
            inner = [*scope, *(b.name for b in binders)]
            return Reduce(self.random.choice(("any", "all")), binders, self.bit(depth - 1, inner))
        return If(self.bit(depth - 1, scope), self.bit(depth - 1, scope), self.bit(depth - 1, scope))

    def binders(self, scope: list[str], count: int) -> tuple[Binder, ...]:
        names = [letter for letter in LETTERS if letter not in scope][:count]
        ends = [(Literal(self.random.choice((0, 0, 0, 1))), Literal(self.random.choice((2, 3, 3)))) for _ in names]
        return tuple(Binder(name, low, high) for name, (low, high) in zip(names, ends, strict=True))

    def position(self, scope: list[str]) -> Expr:
        kind = self.random.randrange(6)
        if not scope or kind == 5:
            return Literal(self.random.randrange(3))
        index = Index(self.random.choice(scope))
        return index if kind < 4 else Binary("%", Binary("+", index, Literal(self.random.choice((1, 2)))), Literal(3))


def test_no_sentence_has_two_meanings(brute_force: Any) -> None:
    numbers = np.random.default_rng(0)
    shapes = [(0, 2, ()), (0, 2, ()), (0, 2, 3), (0, 3, ()), (-1, 2, 3)]
    samples = [[np.asarray(numbers.integers(low, high, shape)) for low, high, shape in shapes] for _ in range(30)]
    meanings = [brute_force(RULE, sample) for sample in samples]
    sentences = Sentences(RULE, infer(RULE))
    maker = Maker(0)
    known: dict[str, tuple[list[int], str]] = {}
    repeated = 0
    for count in range(4000):
        value = (maker.bit if count % 2 else maker.number)(maker.random.choice((1, 1, 2, 2, 3)), [])
        statement = Statement("y", (), value)
        text = sentences.sentence(statement)
        found = [int(meaning.value(value, {})) for meaning in meanings]
        repeated += text in known and known[text][1] != print_statement(statement)
        before = known.setdefault(text, (found, print_statement(statement)))
        assert before[0] == found, f"{text}\n{before[1]}\n{print_statement(statement)}"
    assert repeated > 20, "hardly any two statements read alike: the test says nothing"
