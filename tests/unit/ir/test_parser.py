from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError, Location
from ddcompile.grammars import load
from ddcompile.ir.constants import array_sha256
from ddcompile.ir.nodes import (
    Binary,
    Binder,
    Call,
    Compare,
    Constant,
    Declaration,
    Expr,
    If,
    Index,
    Literal,
    Read,
    Reduce,
    Size,
    Softmax,
    Statement,
    Type,
    Unary,
)
from ddcompile.ir.parser import parse, parse_declarations, parse_expression, parse_statements
from ddcompile.ir.syntax import RESERVED
from ddcompile.ir.traverse import postorder

A, B, C, D = (Read(name) for name in "abcd")


def binary(op: str, x: Expr, y: Expr) -> Binary:
    return Binary(op, x, y)  # type: ignore[arg-type]


EXPRESSIONS = {
    "a": A,
    "7": Literal(7),
    "0.5": Literal(Fraction(1, 2)),
    "-7": Literal(-7),
    "- 7": Literal(-7),
    "-(7)": Unary("-", Literal(7)),
    "--7": Unary("-", Literal(-7)),
    "-a": Unary("-", A),
    "a - 7": binary("-", A, Literal(7)),
    "a - -7": binary("-", A, Literal(-7)),
    "-7 * a": binary("*", Literal(-7), A),
    "-a * b": binary("*", Unary("-", A), B),
    "-(a * b)": Unary("-", binary("*", A, B)),
    "a * -b": binary("*", A, Unary("-", B)),
    "a - b - c": binary("-", binary("-", A, B), C),
    "a - (b - c)": binary("-", A, binary("-", B, C)),
    "a * b % c": binary("%", binary("*", A, B), C),
    "a + b * c": binary("+", A, binary("*", B, C)),
    "a < b + c": Compare(("<",), (A, binary("+", B, C))),
    "a <= b < c": Compare(("<=", "<"), (A, B, C)),
    "a < b < c": Compare(("<", "<"), (A, B, C)),
    "(a < b) < c": Compare(("<",), (Compare(("<",), (A, B)), C)),
    "a == b": Compare(("==",), (A, B)),
    "a != b": Compare(("!=",), (A, B)),
    "a >= b": Compare((">=",), (A, B)),
    "a <- b": Compare(("<",), (A, Unary("-", B))),
    "not a < b": Unary("not", Compare(("<",), (A, B))),
    "not a and b": binary("and", Unary("not", A), B),
    "not not a": Unary("not", Unary("not", A)),
    "a and b and c": binary("and", binary("and", A, B), C),
    "a or b and c": binary("or", A, binary("and", B, C)),
    "a xor b and c": binary("xor", A, binary("and", B, C)),
    "a or b xor c": binary("or", A, binary("xor", B, C)),
    "a xor b or c": binary("or", binary("xor", A, B), C),
    "(a or b) xor c": binary("xor", binary("or", A, B), C),
    "if a then b else c": If(A, B, C),
    "if a then b else c + d": If(A, B, binary("+", C, D)),
    "if a then b else if c then d else a": If(A, B, If(C, D, A)),
    "if if a then b else c then d else a": If(If(A, B, C), D, A),
    "(if a then b else c) + d": binary("+", If(A, B, C), D),
    "a[b, 2]": Read("a", (B, Literal(2))),
    "a[b < c]": Read("a", (Compare(("<",), (B, C)),)),
    "pad(a, 0)[b - 1]": Read("a", (binary("-", B, Literal(1)),), Literal(0)),
    "sign(a)": Unary("sign", A),
    "abs(a)": Unary("abs", A),
    "relu(a)": Unary("relu", A),
    "real(a)": Unary("real", A),
    "sigmoid(a)": Unary("sigmoid", A),
    "min(a, b)": Call("min", (A, B)),
    "max(a, b, c)": Call("max", (A, B, C)),
    "max(a < b, c)": Call("max", (Compare(("<",), (A, B)), C)),
    "sum(i < 3: i)": Reduce("sum", (Binder("i", Literal(0), Literal(3)),), Index("i")),
    "max(i < 3: i)": Reduce("max", (Binder("i", Literal(0), Literal(3)),), Index("i")),
    "any(1 <= i < a: i)": Reduce("any", (Binder("i", Literal(1), A),), Index("i")),
    "all(i in -1..1: i)": Reduce("all", (Binder("i", Literal(-1), Literal(2)),), Index("i")),
    "argmax(i in 0..a: i)": Reduce("argmax", (Binder("i", Literal(0), binary("+", A, Literal(1))),), Index("i")),
    "sum(i < 3, j < i: j)": Reduce(
        "sum", (Binder("i", Literal(0), Literal(3)), Binder("j", Literal(0), Index("i"))), Index("j")
    ),
    "softmax(i < 3: i)[a]": Softmax(Binder("i", Literal(0), Literal(3)), Index("i"), A),
    "softmax(i in 1..a: i)[i] + i": binary(
        "+", Softmax(Binder("i", Literal(1), binary("+", A, Literal(1))), Index("i"), Read("i")), Read("i")
    ),
    "sum(i < 3: i) + i": binary("+", Reduce("sum", (Binder("i", Literal(0), Literal(3)),), Index("i")), Read("i")),
    "sum(i < i: 1)": Reduce("sum", (Binder("i", Literal(0), Read("i")),), Literal(1)),
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_construct_gives_its_node(text: str) -> None:
    assert parse_expression(text) == EXPRESSIONS[text]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("007", 7),
        ("1e3", 1000),
        ("1E-2", 0.01),
        ("0.1", 0.1),
        ("5e-324", 5e-324),
        ("18446744073709551617", 2**64 + 1),
    ],
)
def test_numbers_are_exact(text: str, value: float) -> None:
    assert parse_expression(text) == Literal(value)  # type: ignore[arg-type]


def test_integers_may_have_more_digits_than_python_converts() -> None:
    assert parse_expression("-" + "9" * 5000) == Literal(1 - 10**5000)
    (constant,), _ = parse_statements(f"const w: int[2] = [1, {'9' * 5000}]")
    assert constant.values.tolist()[1] == 10**5000 - 1


def test_names_are_indices_sizes_or_tensors() -> None:
    assert parse_expression("i + H + x", indices="i", sizes="H") == binary(
        "+", binary("+", Index("i"), Size("H")), Read("x")
    )


def test_an_index_is_visible_from_its_position_to_the_end_of_its_statement() -> None:
    _, (clause, after) = parse_statements("y[i < 3, j < i] = x[i, j]\nz = i")
    assert clause == Statement(
        "y",
        (Binder("i", Literal(0), Literal(3)), Binder("j", Literal(0), Index("i"))),
        Read("x", (Index("i"), Index("j"))),
    )
    assert after == Statement("z", (), Read("i"))


def test_a_whole_rule() -> None:
    rule = parse(
        """
        # a comment
        rule shift<N>(x: bit[N + 1], k: int[0..9][2]) -> (y: bit[N]) {
          const w: rat[2] = [0.5, -1]  # another one
          const c: int = -5
          y[i < N] = x[i + 1]
          y[0] = w[0] * c > k[1]
        }
        """
    )
    n = Size("N")
    assert (rule.name, rule.sizes) == ("shift", ("N",))
    assert rule.inputs == (
        Declaration("x", Type("bit", (binary("+", n, Literal(1)),))),
        Declaration("k", Type("int", (Literal(2),), 0, 9)),
    )
    assert rule.outputs == (Declaration("y", Type("bit", (n,))),)
    assert rule.constants == (Constant.of("w", [0.5, -1]), Constant.of("c", -5))
    assert [s.target for s in rule.statements] == ["y", "y"]
    assert rule.statements[1].positions == (Literal(0),)


def test_a_rule_may_have_no_inputs_and_no_statements() -> None:
    rule = parse("rule f() -> (y: bit) {}")
    assert (rule.inputs, rule.statements) == ((), ())


def test_declarations_alone() -> None:
    image, y = parse_declarations("image: bit[28, N], y: int[-3..5]", sizes=("N",))
    assert image == Declaration("image", Type("bit", (Literal(28), Size("N"))))
    assert y == Declaration("y", Type("int", (), -3, 5))
    assert parse_declarations("") == ()


def test_every_node_knows_its_place() -> None:
    rule = parse("rule f(x: bit[2]) -> (y: int) {\n  y = (x[0] +\n    x[1]) * 3\n}", "f.rule")
    assert rule.location == Location("f.rule", 1, 1, 4, 2)
    assert rule.inputs[0].location == Location("f.rule", 1, 8, 1, 17)
    assert rule.inputs[0].type.location == Location("f.rule", 1, 11, 1, 17)
    (statement,) = rule.statements
    assert statement.location == Location("f.rule", 2, 3, 3, 14)
    product = statement.value
    assert isinstance(product, Binary)
    assert product.location == Location("f.rule", 2, 7, 3, 14)
    assert product.left.location == Location("f.rule", 2, 7, 3, 10)
    assert product.right.location == Location("f.rule", 3, 13, 3, 14)
    text = "if a then -b else sum(i in -1..c, 0 <= j < 3: min(pad(x, 0)[i], not j, sign(3)))"
    assert all(node.location is not None for node in postorder(parse_expression(text)))


def test_threads_do_not_mix_files() -> None:
    def file_of(name: str) -> str:
        rules = [parse("rule f(x: bit) -> (y: bit) { y = x and x }", name) for _ in range(20)]
        files = {r.statements[0].value.location.file for r in rules if r.statements[0].value.location}
        return ",".join(files)

    names = [f"{k}.rule" for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(file_of, names)) == names


def test_reserved_words_of_the_grammar_are_those_of_the_language() -> None:
    found = re.search(r"NAME: /\(\?!\(\?:([a-z|]+)\)", load("rule.lark"))
    assert found is not None
    assert set(found[1].split("|")) == RESERVED


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words_are_no_names_but_may_begin_names(word: str) -> None:
    for text in (f"{word} = 1", f"y = sum({word} < 3: 1)", f"y = x[0] * {word}"):
        with pytest.raises(CompileError) as error:
            parse_statements(text)
        assert error.value.diagnostics[0].code in ("S001", "S003", "S004", "S006")
    for name in (word + "s", word + "_", word + "1", "_" + word):
        assert parse_expression(f"if {name} then {name} else {name}") == If(Read(name), Read(name), Read(name))


@pytest.mark.parametrize("text", ["if a thenb else c", "if a then b elsec", "a andb", "sum(i inx..3: i)"])
def test_keywords_end_where_words_end(text: str) -> None:
    assert parse_expression("nota") == Read("nota")
    with pytest.raises(CompileError):
        parse_expression(text)


@pytest.mark.parametrize(
    ("opening", "closing", "depth"),
    [
        ("(", ")", 100_000),
        ("a - ", "", 20_000),
        ("a - (", ")", 100_000),
        ("not ", "", 20_000),
        ("x[", "]", 20_000),
        ("sum(i < 3: ", ")", 20_000),
        ("if a then b else ", "", 20_000),
    ],
)
def test_depth_does_not_meet_the_recursion_limit(opening: str, closing: str, depth: int) -> None:
    expr = parse_expression(opening * depth + "a" + closing * depth)
    assert expr.location == Location("", 1, 1, 1, depth * len(opening + closing) + 2)


def test_an_error_in_the_depth_is_reported() -> None:
    depth = 20_000
    with pytest.raises(CompileError) as error:
        parse_expression("(" * depth + "a" + ")" * (depth - 1))
    assert error.value.diagnostics[0].code == "S004"


def test_many_statements() -> None:
    count = 20_000
    text = "\n".join(f"  y[{k}] = x[{k}] > 1" for k in range(count))
    rule = parse(f"rule f(x: int[{count}]) -> (y: bit[{count}]) {{\n{text}\n}}")
    assert len(rule.statements) == count
    assert rule.statements[-1].location == Location("", count + 1, 3, count + 1, 26)


def test_side_files_are_found_by_hash() -> None:
    values = np.array([[1, 2], [3, 4]])
    digest = array_sha256(values)
    text = f"rule f(x: int) -> (y: int) {{ const w: int[2, 2] = sha256:{digest} y = w[x, 0] }}"
    assert parse(text, constants={digest: values}).constants == (Constant.of("w", values),)
    with pytest.raises(CompileError, match=r"S015.*`w` are in a side file"):
        parse(text)


def test_arrays_end_where_the_next_statement_begins() -> None:
    constants, (statement,) = parse_statements("const w: int[2, 1] = [[1],\n  [2]]\ne[0] = w[1, 0]")
    assert constants == (Constant.of("w", [[1], [2]]),)
    assert statement == Statement("e", (Literal(0),), Read("w", (Literal(1), Literal(0))))


def test_mixed_arrays_lose_nothing() -> None:
    (constant,), _ = parse_statements("const w: rat[3] = [9007199254740993, 0.5, -1e300]")
    assert constant.values.tolist() == [2**53 + 1, 0.5, int(-1e300)]


def test_large_arrays_are_read_fast() -> None:
    row = "[" + ", ".join(str(k % 19 - 9) for k in range(784)) + "]"
    text = f"const w: int[784, 784] = [{', '.join([row] * 784)}]"
    started = time.process_time()
    (constant,), _ = parse_statements(text)
    assert constant.values.shape == (784, 784)
    assert time.process_time() - started < 5
