"""What the verifier accepts, and what it says about every fault: whole texts, pinned in tests/golden/verifier."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.ir import verifier
from ddcompile.ir.builder import add, binder, index, read
from ddcompile.ir.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Declaration,
    Expr,
    Index,
    Literal,
    Read,
    Reduce,
    Rule,
    Size,
    Statement,
    Type,
)
from ddcompile.ir.parser import parse
from ddcompile.ir.specialize import specialize
from ddcompile.ir.verifier import check, verify

LEGAL = {
    "life": """
rule life<H, W>(cell: bit[H, W]) -> (next: bit[H, W]) {
  next[i < H, j < W] = 5 <= 2 * sum(di in -1..1, dj in -1..1: cell[(i + di) % H, (j + dj) % W]) - cell[i, j] <= 7
}""",
    "orientation": """
rule orientation(image: bit[28, 28]) -> (class: bit) {
  column[j < 28] = sum(i < 28: image[i, j])
  row[i < 28] = sum(j < 28: image[i, j])
  longer[i < 28, j < 28] = sign(column[i] - row[j])
  total = sum(i < 28, j < 28: longer[i, j])
  vertical = sum(i < 28: 28 * sum(j < 28: longer[i, j]) - 27 * total > 756)
  horizontal = sum(j < 28: 27 * total - 28 * sum(i < 28: longer[i, j]) > 756)
  class = horizontal > vertical
}""",
    "add": """
rule add(x: bit[2, 6]) -> (y: bit[7]) {
  carry[i < 6] = x[0, i] + x[1, i] + pad(carry, 0)[i - 1] >= 2
  y[i < 6] = x[0, i] xor x[1, i] xor pad(carry, 0)[i - 1]
  y[6] = carry[5]
}""",
    "steps": """
rule steps(cell: bit[16]) -> (next: bit[16]) {
  state[0, i < 16] = cell[i]
  state[1 <= t < 7, i < 16] = state[t - 1, i] xor (state[t - 1, (i - 1) % 16] or state[t - 1, (i + 1) % 16])
  next[i < 16] = state[6, i]
}""",
    "antisymmetric": """
rule antisymmetric(x: int[0..9][5]) -> (y: int) {
  d[i < 5, i + 1 <= j < 5] = sign(x[i] - x[j])
  d[i < 5, i <= j < i + 1] = 0
  d[i < 5, j < i] = -d[j, i]
  y = sum(i < 5, j < 5: d[i, j] * i)
}""",
    "gaps": """
rule gaps(x: bit[5]) -> (y: int) {
  d[i < 5, j < i] = x[i] xor x[j]
  y = sum(i < 5, j < i: d[i, j])
}""",
    "gather": """
rule gather(x: bit[5], n: int[-1..3]) -> (y: bit, z: bit) {
  const where: int[3] = [4, 0, 2]
  const count: int[3] = [3, 1, 2]
  y = x[n + 1]
  z = any(i < 3: max(j < count[i]: x[where[i] - j]))
}""",
    "kinds": """
rule kinds(s: spin[3], b: bit) -> (y: spin, z: trit, r: rat, i: int) {
  y = sign(s[0] + s[1] + s[2])
  z = if b then s[0] else 0
  r = 0.5 * s[0]
  i = 2 * b - 1
}""",
    "large sizes only": """
rule inner<N>(x: bit[N]) -> (y: bit[N - 2]) {
  y[i < N - 2] = x[i] and x[i + 2]
}""",
    "reals": """
rule reals(x: real[4], b: bit, n: int) -> (y: real[4], p: real[4], top: int, z: trit) {
  const w: real[4] = [0.1, 2, 3, 18446744073709551617]
  a[0] = n
  a[1 <= t < 4] = 0.5 * a[t - 1] + x[t]
  y[i < 4] = if b then exp(a[i] - n) else pad(w, 0)[i + 1]
  p[u < 4] = softmax(v < 4: tanh(x[v]) + n)[u]
  top = argmax(i < 4: x[i]) * 2
  z = sign(max(x[0], 0.1) - sum(i < 4: abs(-x[i])))
}""",
    "two tensors in a cycle": """
rule cycle(x: bit[4]) -> (b: bit[4]) {
  a[0] = x[0]
  a[1 <= t < 4] = b[t - 1] xor x[t]
  b[t < 4] = not a[t]
}""",
}

ILLEGAL = {
    "T001": ["y = foo", "y = iamge[0, 0]", "y = any(j < 3: image[i, j])"],
    "T002": ["y = 0; image[i < 3, j < 3] = 0"],
    "T003": [
        "y = any(y < 3: image[y, 0])",
        "y = any(i < 3: any(i < 3: image[i, i]))",
        "y = a[0, 0]; a[i < 3, i < 3] = 0",
    ],
    "T010": ["y = image[0]", "y = image", "y = a[0]; a = image[0, 0]"],
    "T011": ["y = a[0]; a[0] = 0; a[1, 2] = 0"],
    "T012": [
        "y = any(i < 3: image[i, i + 1])",
        "y = image[0, -1]",
        "y = image[0, n]",
        "y = any(i < 3, j < i: image[j, i - j + 1])",
        "const w: int[2] = [0, 7]; y = any(i < 2: image[0, w[i]])",
        "y = any(i < 4: softmax(j < 3: image[0, j])[i] > 0)",
        "y = softmax(1 <= j < 3: image[0, j])[n % 3] > 0",
        "y = any(i < 3: softmax(i <= j < 3: image[0, j])[0] > 0)",
    ],
    "T013": [
        "y = a[1, 1]; a[i < 3, j < i] = image[i, j]",
        "y = any(i < 3: a[i]); a[0] = 0; a[2] = 1",
        "y = a[n]; a[0] = 0; a[10] = 1",
        "y = a[1]; a[2] = 1",
    ],
    "T014": [
        "y = a[0]; a[i < 3] = 0; a[2] = 1",
        "y = a[0, 0]; a[i < 3, j < i + 1] = 0; a[i < 3, i <= j < 3] = 1",
        "y = 0; y = 1",
    ],
    "T015": [
        "y = a[0]; a[-1] = 0; a[0] = 0",
        "y = a[0]; a[i in -1..1] = 0",
        "y = a[0, 0]; a[i < 3, i - 1 <= j < 3] = 0",
    ],
    "T016": ["a = 0"],
    "T019": [
        "y = a[0, 0]; a[i < 3, j < i * i] = 0",
        "y = a[0, 0]; a[i < 3, j < i % 2 + 1] = 0",
        "y = a[0]; a[i < 0.5] = 0",
        "y = a[0]; a[i < 2 * 0.5] = 0",
    ],
    "T020": [
        "y = any(i < n: image[0, 0])",
        "y = sum(i < max(1, 2): 0)",
        "y = any(i < 2, j < image[i, 0]: 1)",
        "const w: real[2] = [1, 2]; y = any(i < 2, j < w[i]: 1)",
        "const w: rat = 1; y = any(i < w: 1)",
        "y = softmax(i < n: image[0, 0])[0] > 0",
    ],
    "T021": [
        "y = image[0.5, 0]",
        "y = image[0, r]",
        "y = image[0, real(n)]",
        "const w: real[1] = [0]; y = image[0, w[0]]",
        "y = softmax(i < 3: image[0, i])[exp(0)] > 0",
    ],
    "T023": [
        "y = a[0]; a[i < 10000000000000] = 0",
        "y = a[0, 0]; a[0, 0] = 0; a[1, 100000000] = 0",
        "y = a[0]; a[0] = 0; a[1000000000000000000000] = 1",
        "y = a[0]; a[i < 1000000000000000000000] = 0",
        "y = any(i < 1000000000000000000000: image[0, 0])",
        "y = any(i < 100000, j < 100000: image[0, 0])",
        "y = softmax(i < 1000000000: image[0, 0])[0] > 0",
    ],
    "T024": ["y = pad(image, n)[0, 3]"],
    "T025": [
        "y = pad(a, 0)[n]; a[i < 0] = 0",
        "y = 0; a[i < 3, j < 0] = i; a[1, 2 <= j < 2] = 1",
        "y = 0; a[-3] = 0",
        "y = 0; a[i in -5..-3, j < 2] = 0",
    ],
    "T030": [
        "y = n and 1",
        "y = not n",
        "y = n + 1 or image[0, 0]",
        "y = image[0, 0] xor 0.5",
        "y = if n then 1 else 0",
        "y = any(i < 3: n)",
        "y = all(i < 3: -image[i, i])",
        "y = not exp(n)",
        "y = if real(n) then 1 else 0",
    ],
    "T031": ["y = n % 0 > 0", "y = n % n > 0", "y = n % -3 > 0", "y = n % (2 - 2) > 0", "y = n % real(2) > 0"],
    "T032": ["y = 0.5 % 2 > 0", "y = r % 3 > 0", "y = tanh(n) % 3 > 0"],
    "T034": ["y = n", "y = 2 * image[0, 0]", "y = r", "y = -1", "y = real(0)", "y = softmax(i < 3: n)[0]"],
    "T035": [
        "const w: bit[2] = [1, 2]; y = w[0]",
        "const w: spin[2] = [1, 0]; y = w[0] > 0",
        "const w: int[0..3] = -1; y = w > 0",
        "const w: int = 0.5; y = w > 0",
    ],
    "T036": ["const w: bit[3] = [1, 0]; y = w[0]", "const w: bit = [1]; y = w"],
    "T040": [
        "y = max(i < 0: image[i, i])",
        "y = any(i < 3: min(j < i: image[i, j]))",
        "y = argmax(2 <= i < 2: image[i, i])",
        "y = any(i < 3: softmax(j < i: image[0, j])[0] > 0)",
    ],
    "T041": ["y = argmax(i < 3, j < 3: image[i, j]) > 0"],
    "T050": [
        "y = not y",
        "y = a[0]; a[i < 3] = a[i]",
        "y = a[0]; a[i < 3] = not pad(a, 0)[i + 1]",
        "y = a[0, 0]; a[i < 3, j < 3] = not pad(a, 0)[i, (j + 1) % 3]",
        "y = a[0]; a[i < 3] = not a[n % 3]",
    ],
    "T051": ["y = a; a = not y"],
    "T052": [
        "y = a[0]; a[t < 3] = b[t]; b[t < 3] = a[t]",
        "y = a[0]; b[t < 3] = a[t]; a[0] = 0; a[1 <= t < 3] = b[t - 1]",
        "y = a[0]; a[0] = 0; a[1 <= t < 3] = b[n % 3]; b[t < 3] = a[t]",
    ],
    "T053": ["y = a[0] > 0; a[0] = 1; a[1 <= t < 9999] = 0.5 * a[t - 1]"],
}

HEADERS = {
    "T002": [
        "rule f(x: bit, x: bit) -> (y: bit) { y = x }",
        "rule f(x: bit) -> (x: bit) { a = x }",
        "rule f(x: bit) -> (y: bit, y: bit) { y = x }",
        "rule f<x>(x: bit[x]) -> (y: bit) { y = x[0] }",
    ],
    "T006": [
        "rule f<N>(x: bit) -> (y: bit) { y = x }",
        "rule f<H, W>(x: bit[H + W]) -> (y: bit) { y = x[0] }",
        "rule f<N>(x: bit) -> (y: bit[N]) { y[i < N] = x }",
        "rule f<N, T>(x: bit[N + T]) -> (y: bit) { y = T > 3 }",
    ],
    "T007": ["rule f(x: bit) -> () { a = x }"],
    "T012": ["rule f<N>(x: bit[N]) -> (y: bit[N]) { y[i < N] = x[i + 1] }"],
    "T014": ["rule f<N>(x: bit[N]) -> (y: bit[N]) { y[i < N] = x[i] y[N - 1] = 0 }"],
    "T016": ["rule f(x: bit) -> (y: bit[3]) { y[0] = x y[2] = x }", "rule f(x: bit) -> (y: bit, z: bit) { y = x }"],
    "T017": [
        "rule f(x: bit[3]) -> (y: bit[3]) { y[i < 2] = x[i] }",
        "rule f(x: bit[3]) -> (y: bit) { y[0] = x[0] }",
        "rule f<H, W>(x: bit[H, W]) -> (y: bit[W, H]) { y[i < H, j < W] = x[i, j] }",
    ],
    "T018": [
        "rule f(x: bit[0]) -> (y: bit) { y = 0 }",
        "rule f<N>(x: bit[N, N * N]) -> (y: bit) { y = x[0, 0] }",
        "rule f<N>(x: bit[N, 0 - N]) -> (y: bit) { y = 0 }",
        "rule f(x: bit[3 - 4]) -> (y: bit) { y = 0 }",
        "rule f<N>(x: bit[2 * (0.5 * N)]) -> (y: bit) { y = x[0] }",
    ],
    "T031": ["rule f<N>(x: int[0..9][N]) -> (y: int) { y = x[0] % (N - N) }"],
    "T039": ["rule f(x: int[3..2]) -> (y: bit) { y = x > 0 }"],
}


def _rule(value: Expr, **parts: Any) -> Rule:
    """A rule that no text gives: `y = value` over x: bit[3]."""
    rule = Rule(
        "f",
        (Declaration("x", Type("bit", (Literal(3),))),),
        (Declaration("y", Type("int")),),
        (Statement("y", (), value),),
    )
    return replace(rule, **parts)


X0 = read("x", 0)
BUILT: dict[str, list[Rule]] = {
    "T001": [_rule(Index("i")), _rule(Size("N")), _rule(read("x", Size("N")))],
    "T004": [
        _rule(X0, name="sum"),
        _rule(X0, inputs=(Declaration("x", Type("bit", (Literal(3),))), Declaration("a b", Type("bit")))),
        _rule(Reduce("sum", (binder("if", 3),), read("x", index("if")))),
    ],
    "T020": [_rule(Reduce("sum", (binder("i", Compare(("<",), (Literal(0), Literal(1)))),), X0))],
    "T024": [_rule(Read("y", (), Literal(0)))],
    "T033": [
        _rule(Compare(("<", ">"), (X0, X0, X0))),
        _rule(Compare(("<", "<", "<"), (X0, X0, X0, X0))),
        _rule(Compare(("<",), (X0, X0, X0))),
    ],
    "T037": [
        _rule(Literal(Fraction(1, 3))),
        _rule(Literal(Fraction(2**80 + 1, 2))),
        _rule(read("w", 1), constants=(Constant.of("w", [1, Fraction(1, 3)]),)),
    ],
    "T039": [
        _rule(X0, outputs=(Declaration("y", Type("bit", (), 0, 1)),)),
        _rule(X0, outputs=(Declaration("y", Type("int", (), 0, None)),)),
    ],
    "T041": [_rule(Reduce("sum", (), X0))],
    "T042": [_rule(Call("min", (X0,)))],
}


def _text(body: str) -> str:
    """A rule with a line for each statement; `;` separates them in the tables above."""
    lines = "".join(f"  {line}\n" for line in body.split("; "))
    return f"rule f(image: bit[3, 3], n: int[0..9], r: rat) -> (y: bit) {{\n{lines}}}"


@pytest.mark.parametrize("name", LEGAL)
def test_legal_rules_have_no_faults(name: str) -> None:
    rule = parse(LEGAL[name])
    assert verify(rule, source=LEGAL[name]) == []
    assert check(rule).order


@pytest.mark.parametrize("code", sorted({*ILLEGAL, *HEADERS, *BUILT}))
def test_faults_are_told(code: str, golden: Callable[[str, str], None]) -> None:
    parts: list[str] = []
    for text in [*map(_text, ILLEGAL.get(code, ())), *HEADERS.get(code, ())]:
        found = verify(parse(text), "f.rule", text)
        assert code in {diagnostic.code for diagnostic in found}, text
        parts += [text, "", *map(str, found), "", ""]
    for rule in BUILT.get(code, ()):
        found = verify(rule)
        assert code in {diagnostic.code for diagnostic in found}
        parts += [f"{rule!r}", "", *map(str, found), "", ""]
    golden(f"verifier/{code}.txt", "\n".join(parts))


def test_every_code_has_a_case() -> None:
    documented = set(re.findall(r"^\| (T\d{3}) \|", verifier.__doc__ or "", re.MULTILINE))
    assert documented == {*ILLEGAL, *HEADERS, *BUILT}


def test_all_faults_are_collected_in_the_order_of_the_text() -> None:
    text = "rule f(x: bit[3]) -> (y: bit) {\n  a = foo\n  y = bar + x[0, 0]\n  b = x[0] % 0\n}"
    found = verify(parse(text), "f.rule", text)
    assert [(d.code, d.location.line if d.location else 0) for d in found] == [
        ("T001", 2),
        ("T001", 3),
        ("T010", 3),
        ("T031", 4),
    ]
    with pytest.raises(CompileError, match="T031"):
        check(parse(text))


def test_a_fault_without_a_location_names_its_statement() -> None:
    (found,) = verify(_rule(Call("min", (X0,))))
    assert str(found).startswith("`y`: error[T042]: ")


def test_sizes_are_named() -> None:
    (found,) = verify(parse(HEADERS["T012"][0]))
    assert found.message.endswith("(at N = 6)")


def test_a_rule_that_is_legal_for_some_sizes_is_checked_at_the_others_when_they_are_known() -> None:
    rule = parse(LEGAL["large sizes only"])
    assert verify(rule) == []
    assert verify(specialize(rule, {"N": 3})) == []
    assert {d.code for d in verify(specialize(rule, {"N": 2}))} == {"T018"}


def test_constants_with_gaps_in_their_types_are_found_in_objects() -> None:
    rule = _rule(read("w", 0), constants=(Constant("w", Type("int", (Literal(1),), 0, 9), np.array([2**70], object)),))
    assert [d.code for d in verify(rule)] == ["T035"]


def test_many_clauses_are_checked_in_linear_time() -> None:
    clauses = [Statement("a", (Literal(k),), read("x", k % 3)) for k in range(20_000)]
    rule = _rule(read("a", 19_999), statements=(*clauses, Statement("y", (), read("a", 19_999))))
    started = time.process_time()
    assert verify(rule) == []
    double = _rule(X0, statements=(*clauses, clauses[77], Statement("y", (), read("a", 5))))
    assert [d.code for d in verify(double)] == ["T014"]
    assert time.process_time() - started < 60


def test_depth_meets_no_limit() -> None:
    expr: Expr = X0
    for k in range(10_000):
        expr = Binary("+", expr, Reduce("sum", (binder(f"i{k}", 1),), X0)) if k % 2 else add(1, expr)
    assert verify(_rule(expr)) == []
    for k in range(5_000):
        expr = Reduce("sum", (binder(f"j{k}", 1),), expr)
    assert verify(_rule(expr)) == []
    assert [d.code for d in verify(_rule(Binary("and", expr, Read("x"))))] == ["T010"]


def test_sizes_whose_extents_are_differences_are_found() -> None:
    assert verify(parse("rule f<H, W>(x: bit[H + W], y: bit[H - W]) -> (z: bit) { z = x[H] and y[H - W - 1] }")) == []
    assert verify(parse("rule f<A, B>(x: bit[A - 2 * B], y: bit[B - 2]) -> (z: bit) { z = x[0] and y[0] }")) == []
    found = verify(parse("rule f<H, W>(a: bit[H - W], b: bit[W - H], c: bit[H]) -> (z: bit) { z = c[0] }"))
    assert [d.code for d in found] == ["T018"] * len(found)
    assert found
