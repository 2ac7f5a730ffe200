"""What the back ends share: brackets, line widths, words, names, targets by name, provenance."""

from __future__ import annotations

import numpy as np
import pytest
from jinja2 import UndefinedError

from ddcompile.backends.shared.memory import input_memory, output_memory, output_values, scaled_values
from ddcompile.backends.shared.printer import Notation, Operator, Text, atom, infix, prefix
from ddcompile.backends.shared.provenance import provenance, rule_sha256
from ddcompile.backends.shared.registry import names, target, targets
from ddcompile.backends.shared.target import EmitOptions, Target
from ddcompile.backends.shared.templates import render
from ddcompile.backends.shared.words import from_words, to_words
from ddcompile.backends.shared.writer import Writer, fill
from ddcompile.diagnostics import CompileError
from ddcompile.ir.parser import parse
from ddcompile.kernel.names import Names
from ddcompile.kernel.nodes import BIT, I64, Buffer, IntType

NOTATION = Notation(
    {
        "+": infix("+", 6),
        "-": infix("-", 6),
        "*": infix("*", 7),
        "and": Operator("{} & {}", 3, (9, 9), chains=True),
        "neg": prefix("-", 8, 9),
        "if": Operator("{} ? {} : {}", 1, (2, 2, 1)),
    }
)
A, B, C = atom("a"), atom("b"), atom("c")


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        (NOTATION.apply("-", NOTATION.apply("-", A, B), C), "a - b - c"),
        (NOTATION.apply("-", A, NOTATION.apply("-", B, C)), "a - (b - c)"),
        (NOTATION.apply("*", NOTATION.apply("+", A, B), C), "(a + b) * c"),
        (NOTATION.apply("+", NOTATION.apply("*", A, B), C), "a * b + c"),
        (NOTATION.apply("neg", NOTATION.apply("neg", A)), "-(-a)"),
        (NOTATION.apply("and", NOTATION.apply("and", A, B), C), "a & b & c"),
        (NOTATION.apply("and", A, NOTATION.apply("and", B, C)), "a & (b & c)"),
        (NOTATION.apply("and", NOTATION.apply("+", A, B), C), "(a + b) & c"),
        (
            NOTATION.apply("if", A, NOTATION.apply("if", A, B, C), NOTATION.apply("if", B, C, A)),
            "a ? (a ? b : c) : b ? c : a",
        ),
    ],
)
def test_brackets_where_precedence_needs_them(printed: Text, text: str) -> None:
    assert str(printed) == text


def test_fill_keeps_lines_within_the_width() -> None:
    items = [str(k) for k in range(50)]
    lines = list(fill(items, 20))
    assert max(map(len, lines)) <= 20
    assert " ".join(lines) == ", ".join(items)
    assert list(fill([], 20)) == []
    assert list(fill(["x" * 30, "y"], 20)) == ["x" * 30 + ",", "y"]


def test_writer_indents_and_wraps() -> None:
    writer = Writer(indent="  ", width=16)
    with writer.block("f {", "}"):
        writer.line("a")
        writer.line()
        writer.wrapped("alpha + beta + gamma")
        writer.fill(["10", "20", "30", "40", "50"])
    assert writer.text() == "f {\n  a\n\n  alpha + beta +\n    gamma\n  10, 20, 30,\n  40, 50\n}\n"


@pytest.mark.parametrize("words", [1, 2, 3])
def test_words_hold_twos_complement(words: int) -> None:
    top = 1 << (64 * words - 1)
    values = [0, 1, -1, top - 1, -top, -12345]
    array = to_words(values, words)
    assert array.shape == (len(values) * words,)
    assert from_words(array, words) == values
    with pytest.raises(OverflowError):
        to_words([top], words)


def test_memory_of_buffers_round_trips() -> None:
    wide = Buffer("x", "output", IntType(128), (2,))
    values = np.array([[2**100, -1], [0, -(2**127)]], dtype=object)
    memory = input_memory(wide, values)
    assert memory.dtype == np.uint64
    assert output_memory(wide, 2).shape == memory.shape
    assert output_values(wide, memory, 2).tolist() == values.tolist()
    bits = Buffer("b", "input", BIT, (3,))
    assert input_memory(bits, np.array([[1, 0, 1]])).dtype == np.uint8
    half = Buffer("h", "output", I64, (2,), exponent=1)
    assert scaled_values(half, np.array([[1.5, -2.0]])) == [3, -4]


def test_names_are_unique_and_not_reserved() -> None:
    found = Names(["x"])
    assert [found.fresh("x"), found.fresh("x"), found.fresh("y")] == ["x_2", "x_3", "y"]
    assert [found.numbered("t"), found.numbered("t")] == ["t1", "t2"]
    found.release("y")
    assert found.fresh("y") == "y"


def test_targets_by_name() -> None:
    assert names() == ("c", "llvm", "python")
    found = targets()
    assert tuple(found) == names()
    assert all(isinstance(t, Target) and t.name == name for name, t in found.items())
    with pytest.raises(CompileError, match=r"E001\]: unknown target 'pyhton'\n  hint: did you mean python\?"):
        target("pyhton")
    with pytest.raises(CompileError, match="hint: the targets are c, llvm, python"):
        target("fortran")


def test_provenance_names_hashes_and_verdict() -> None:
    rule = parse("rule r(x: bit) -> (y: bit) { y = not x }")
    lines = provenance(rule, EmitOptions(network_sha256="ab" * 32, verdict="proved"))
    assert lines[1:] == (f"rule sha256: {rule_sha256(rule)}", f"network sha256: {'ab' * 32}", "verdict: proved")
    assert len(provenance(rule, EmitOptions())) == 2


def test_template_with_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("ddcompile.backends.c", "source.c.j2", prefix="p")
