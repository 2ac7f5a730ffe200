"""Printing and parsing are inverse, brackets are those that are needed, and no text crashes the parser."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings, strategies as st

from ddcompile.diagnostics import CompileError
from ddcompile.ir.nodes import (
    Binary,
    BinaryOp,
    Binder,
    Call,
    Compare,
    CompareOp,
    Constant,
    Declaration,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    ReduceOp,
    Rule,
    Size,
    Softmax,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.parser import parse, parse_expression
from ddcompile.ir.printer import print_expression, print_rule

SIZES = ("H", "W")
TENSORS = ("x", "cell", "in_", "sums", "e1")
INDICES = ("i", "j", "k", "di", "t2")

numbers = st.one_of(
    st.integers(-12, 12),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
).map(lambda value: Literal(value))  # type: ignore[arg-type]


@st.composite
def binders(draw: st.DrawFn, free: tuple[str, ...], depth: int) -> tuple[Binder, ...]:
    """Ranges of some of the names that are not in use; later ones may use earlier ones."""
    names = draw(st.lists(st.sampled_from([n for n in INDICES if n not in free]), min_size=1, max_size=3, unique=True))
    made: list[Binder] = []
    for name in names:
        visible = (*free, *(b.name for b in made))
        bound = st.one_of(st.integers(-3, 3).map(Literal), expressions(visible, depth - 1))
        made.append(Binder(name, draw(st.one_of(st.just(Literal(0)), bound)), draw(bound)))
    return tuple(made)


def leaves(free: tuple[str, ...]) -> st.SearchStrategy[Expr]:
    names = [*map(Index, free), *map(Size, SIZES), *map(Read, TENSORS)]
    return st.one_of(numbers, st.sampled_from(names))


@st.composite
def expressions(draw: st.DrawFn, free: tuple[str, ...] = (), depth: int = 4) -> Expr:
    """Any expression that has a text, with meaning or without."""
    if depth <= 0:
        return draw(leaves(free))
    inner = expressions(free, depth - 1)
    several = st.lists(inner, min_size=1, max_size=3)
    match draw(st.integers(0, 9)):
        case 0:
            return draw(leaves(free))
        case 1:
            return Read(draw(st.sampled_from(TENSORS)), tuple(draw(several)), draw(st.one_of(st.none(), inner)))
        case 2:
            return Unary(draw(st.sampled_from(["-", "not"])), draw(inner))
        case 3:
            return Unary(draw(st.sampled_from(["sign", "abs", "relu", "real", "exp", "sigmoid"])), draw(inner))
        case 4 | 5:
            binary: list[BinaryOp] = ["+", "-", "*", "%", "and", "or", "xor"]
            return Binary(draw(st.sampled_from(binary)), draw(inner), draw(inner))
        case 6:
            if draw(st.booleans()):
                return Compare((draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="])),), (draw(inner), draw(inner)))
            order: list[CompareOp] = ["<", "<="]
            first, second = draw(st.sampled_from(order)), draw(st.sampled_from(order))
            return Compare((first, second), (draw(inner), draw(inner), draw(inner)))
        case 7:
            return If(draw(inner), draw(inner), draw(inner))
        case 8:
            return Call(draw(st.sampled_from(["min", "max"])), (draw(inner), *draw(several)))
        case _:
            if len(free) > 2:
                return draw(leaves(free))
            ranges = draw(binders(free, depth))
            visible = (*free, *(b.name for b in ranges))
            reductions: list[ReduceOp] = ["sum", "any", "all", "min", "max", "argmax"]
            body = draw(expressions(visible, depth - 1))
            if len(ranges) == 1 and draw(st.booleans()):
                return Softmax(ranges[0], body, draw(inner))
            return Reduce(draw(st.sampled_from(reductions)), ranges, body)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    target = draw(st.sampled_from(TENSORS))
    if draw(st.booleans()):
        return Statement(target, (), draw(expressions()))
    ranges = draw(binders((), 2))
    positions: list[Binder | Expr] = list(ranges)
    positions.insert(draw(st.integers(0, len(positions))), Literal(draw(st.integers(-3, 3))))
    return Statement(target, tuple(positions), draw(expressions(tuple(b.name for b in ranges), 3)))


@st.composite
def types(draw: st.DrawFn) -> Type:
    shape = tuple(draw(st.lists(expressions((), 1).filter(lambda e: not isinstance(e, Read)), max_size=3)))
    if draw(st.booleans()):
        return Type("int", shape, draw(st.integers(-9, 0)), draw(st.integers(0, 2**70)))
    return Type(draw(st.sampled_from(["bit", "spin", "trit", "int", "rat", "real"])), shape)


@st.composite
def constants(draw: st.DrawFn) -> Constant:
    shape = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
    count = int(np.prod(shape))
    flat = np.empty(count, dtype=object)
    flat[:] = [literal.value for literal in draw(st.lists(numbers, min_size=count, max_size=count))]
    return Constant.of(draw(st.sampled_from(["w", "E"])), flat.reshape(shape))


rules = st.builds(
    Rule,
    st.sampled_from(["f", "rule_"]),
    st.lists(st.builds(Declaration, st.sampled_from(TENSORS), types()), max_size=2).map(tuple),
    st.lists(st.builds(Declaration, st.sampled_from(TENSORS), types()), min_size=1, max_size=2).map(tuple),
    st.lists(statements(), max_size=4).map(tuple),
    st.lists(constants(), max_size=2).map(tuple),
    st.just(SIZES),
)


@given(rules)
@settings(max_examples=100, deadline=None)
def test_parsing_a_printed_rule_gives_the_rule(rule: Rule) -> None:
    text = print_rule(rule)
    again = parse(text)
    assert again == rule
    assert print_rule(again) == text


@given(expressions())
@settings(max_examples=100, deadline=None)
def test_blanks_do_not_matter(expr: Expr) -> None:
    assert parse_expression(_spread(print_expression(expr)), sizes=SIZES) == expr


def _spread(text: str) -> str:
    """The text with blanks and comments around everything but words, numbers and comparisons."""
    return re.sub(r"(?<![0-9]e)([-+*%()\[\],:]|\.\.)", r" \1 # (a comment\n\t", text)


@given(expressions())
@settings(max_examples=100, deadline=None)
def test_every_bracket_is_needed(expr: Expr) -> None:
    text = print_expression(expr)
    for start, end in _brackets(text):
        less = f"{text[:start]} {text[start + 1 : end]} {text[end + 1 :]}"
        try:
            changed = parse_expression(less, sizes=SIZES) != expr
        except CompileError:
            changed = True
        inside = parse_expression(text[start + 1 : end], sizes=SIZES)
        is_mixed = isinstance(inside, Binary) and inside.op in ("and", "xor")
        assert changed or is_mixed, less


def _brackets(text: str) -> list[tuple[int, int]]:
    """Where brackets open and close that are not those of a function."""
    pairs: list[tuple[int, int]] = []
    opened: list[tuple[int, bool]] = []
    for k, character in enumerate(text):
        if character == "(":
            word = re.search(r"[a-z]*$", text[:k])
            opened.append((k, word is not None and word[0] in ("", "not", "if")))
        elif character == ")":
            start, is_plain = opened.pop()
            if is_plain:
                pairs.append((start, k))
    return pairs


@given(rules, st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_texts_are_refused_politely(rule: Rule, data: st.DataObject) -> None:
    text = print_rule(rule)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        inserted = data.draw(st.text('abifsum()[]{}<>=!+-*/%.,:;#&|019 \n\t"\\\u2264', max_size=3))
        text = text[:at] + inserted + text[at + cut :]
    error = refusal(text)
    if error is None:
        return
    (diagnostic,) = error.diagnostics
    assert re.fullmatch(r"S0\d\d", diagnostic.code)
    where = diagnostic.location
    assert where is not None
    lines = text.split("\n")
    assert 1 <= where.line <= len(lines)
    assert 1 <= where.column <= len(lines[where.line - 1]) + 1
    assert str(error).startswith(f"damaged.rule:{where.line}:{where.column}: error[{diagnostic.code}]: ")
    assert not re.search(r"[A-Z]{3}|__", diagnostic.message)  # no names of tokens


def refusal(text: str) -> CompileError | None:
    """What the parser says about a text, if it is not a rule."""
    try:
        parse(text, "damaged.rule")
    except CompileError as error:
        return error
    return None
