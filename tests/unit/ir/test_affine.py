from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from ddcompile.ir.affine import Affine, affine_of, simplify
from ddcompile.ir.nodes import Binary, Expr, Index, Literal
from ddcompile.ir.parser import parse_expression
from ddcompile.ir.printer import print_expression
from ddcompile.ir.traverse import children


def read(text: str) -> Expr:
    return parse_expression(text, indices=("i", "j", "k", "di"), sizes=("H", "W"))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("7", "7"),
        ("i", "i"),
        ("di - 1 + i", "i + di - 1"),
        ("H - 1 - i", "H - i - 1"),
        ("W + H + j + i", "i + j + H + W"),
        ("27 - i", "27 - i"),
        ("-i", "-i"),
        ("-(i + 3) * 2", "-2 * i - 6"),
        ("(2 * i + 1) * 0.5", "i + 0.5"),
        ("i - i", "0"),
        ("i - (j - (i - 2))", "2 * i - j - 2"),
        ("3 - i - j", "3 - i - j"),
        ("-3 - i", "-i - 3"),
        ("2 * 3 * i", "6 * i"),
        ("7 % 5 + i", "i + 2"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    form = affine_of(read(text))
    assert form is not None
    assert print_expression(form.to_expr()) == canonical
    assert affine_of(form.to_expr()) == form


@pytest.mark.parametrize(
    "text", ["i * j", "i * H", "i % 3", "x", "x[i]", "abs(i)", "i < 3", "sum(k < 3: k)", "i * (i % 2)"]
)
def test_other_expressions_are_not_affine(text: str) -> None:
    assert affine_of(read(text)) is None


@pytest.mark.parametrize("position", ["i", "1 + q[i]", "(i % 2) * q[i] - 1", "if i > 2 then i else 3"])
def test_what_lies_below_a_read_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, position: str) -> None:
    expr, below = read(f"j - q[{position}] * 2"), read(position)
    asked: list[Expr] = []

    def counted(node: Expr) -> tuple[Expr, ...]:
        asked.append(node)
        return children(node)

    monkeypatch.setattr("ddcompile.ir.affine.children", counted)
    assert affine_of(expr) is None
    assert below not in asked


def test_parts_of_a_form() -> None:
    form = affine_of(read("2 * i - H + 5"))
    assert form is not None
    assert form.constant == 5
    assert form.coefficients == {"i": 2, "H": -1}
    assert form.sizes == {"H"}
    assert form.names == {"i", "H"}
    assert (form.coefficient("i"), form.coefficient("j")) == (2, 0)
    assert form.is_integral
    assert not form.is_constant
    assert form == Affine.of(5, {"H": -1, "i": 2, "j": 0}, ("H", "W"))
    assert hash(form) == hash(Affine.of(5, {"i": 2, "H": -1}, ("H",)))
    assert not Affine.of(Fraction(1, 2)).is_integral


def test_arithmetic() -> None:
    i, j = Affine.of(0, {"i": 1}), Affine.of(0, {"j": 1})
    assert i + 1 - i == Affine.of(1)
    assert (i + j).scale(2) - j == Affine.of(0, {"i": 2, "j": 1})
    assert -(i - 3) == Affine.of(3, {"i": -1})
    assert (i.scale(2) + j).substitute({"i": j + 1, "j": i}) == Affine.of(2, {"i": 1, "j": 2})
    assert (i.scale(2) - j + 1).evaluate({"i": 3, "j": 4}) == 3
    assert (i.scale(2) - j + 1).bounds({"i": (0, 3), "j": (-1, 4)}) == (-3, 8)
    assert i.scale(Fraction(1, 2)).evaluate({"i": 4}) == 2


def test_a_coefficient_that_is_no_double_has_no_text() -> None:
    with pytest.raises(ValueError, match="literal"):
        print_expression(Affine.of(0, {"i": Fraction(1, 3)}).to_expr())


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("x[i + 1 + 1]", "x[i + 2]"),
        ("x[(i + 30) % 28, 0 + j]", "x[(i + 2) % 28, j]"),
        ("(27 * i + 29 * j) % 28", "(j - i) % 28"),
        ("(i - 1 + 28) % 28", "(i - 1) % 28"),
        ("(28 * i + 3) % 28", "3"),
        ("(i + H) % H", "(i + H) % H"),
        ("(i + 0.5) % 1", "(i + 0.5) % 1"),
        ("((i - 1) % 16 + 1) % 16", "i % 16"),
        ("(j - 3 * ((i + 9) % 32)) % 16", "(j - 3 * i + 5) % 16"),
        ("((i - 1) % 12 + 1) % 16", "((i - 1) % 12 + 1) % 16"),
        ("sum(k < 2 + 2: x[k + 1 - 1] + (2 * i - i))", "sum(k < 4: x[k] + i)"),
        ("if i + 0 < 3 then not x else pad(x, 1 - 1)[i - -1]", "if i < 3 then not x else pad(x, 0)[i + 1]"),
        ("x", "x"),
    ],
)
def test_simplify(text: str, simple: str) -> None:
    assert print_expression(simplify(read(text))) == simple
    assert simplify(read(simple)) == read(simple)


def test_depth_takes_no_recursion() -> None:
    expr: Expr = Index("i")
    for k in range(20_000):
        expr = Binary("+" if k % 3 else "-", expr, Literal(k))
    form = affine_of(expr)
    assert form == Affine.of(sum(k if k % 3 else -k for k in range(20_000)), {"i": 1})
    assert form is not None
    assert simplify(expr) == form.to_expr()


names = st.sampled_from(["i", "j", "di", "H"])
affine_forms = st.builds(
    lambda constant, terms: Affine.of(constant, terms, ("H",)),
    st.integers(-50, 50),
    st.dictionaries(names, st.integers(-4, 4)),
)


@given(
    affine_forms,
    affine_forms,
    st.integers(-3, 3),
    st.fixed_dictionaries({n: st.integers(-9, 9) for n in "ijH"} | {"di": st.integers(-9, 9)}),
)
@settings(max_examples=200, deadline=None)
def test_forms_compute_what_they_say(a: Affine, b: Affine, factor: int, at: dict[str, int]) -> None:
    assert (a + b.scale(factor)).evaluate(at) == a.evaluate(at) + factor * b.evaluate(at)
    assert affine_of(a.to_expr()) == a
    modulus = Binary("%", a.to_expr(), Literal(7))
    simple = simplify(modulus)
    inner = affine_of(simple.left) if isinstance(simple, Binary) and simple.op == "%" else affine_of(simple)
    assert inner is not None
    assert inner.evaluate(at) % 7 == a.evaluate(at) % 7
    low, high = a.bounds({n: (min(v, 0), max(v, 0)) for n, v in at.items()})
    assert low <= a.evaluate(at) <= high
