"""Names of tensors and letters of indices: a word for every form, the letters of the axes of inputs."""

from __future__ import annotations

import pytest

from ddcompile.ir.nodes import Read, Rule, Statement
from ddcompile.ir.parser import parse
from ddcompile.ir.traverse import rewrite
from ddcompile.passes.name import Name

DECLARED = "x: bit[6, 7], c: bit[3, 4, 5], v: bit[9], w: int[-3..3][9], s: spin[6, 7], a: bit, b: bit, n: int"


def named(statement: str) -> Rule:
    """A rule with one statement of a tensor `t` over any positions, after the pass."""
    target = statement.partition(" = ")[0]
    place = {"t": "t"}.get(target, "t[" + ", ".join("0" for _ in range(target.count("<"))) + "]")
    rule = parse(f"rule f({DECLARED}) -> (y: int) {{\n  {statement}\n  y = 0 + {place} + {place}\n}}")
    return Name()(rule).rule


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("t = sum(i < 6, j < 7: x[i, j])", "total"),
        ("t[i < 6] = sum(j < 7: x[i, j])", "row"),
        ("t[i < 7] = sum(j < 6: x[j, i])", "column"),
        ("t = sum(j < 7: x[2, j])", "row"),
        ("t[i < 4] = sum(j < 3, k < 5: c[j, i, k])", "plane"),
        ("t[i < 4, j < 5] = sum(k < 3: c[k, i, j])", "line"),
        ("t[i < 7] = sum(j < 6: x[j, (i + j) % 7])", "diagonal"),
        ("t[i < 5] = sum(j < 5: v[i + j])", "window"),
        ("t[i < 9] = sum(j < 3: v[(i + j - 1) % 9])", "neighbours"),
        ("t[i < 6, j < 7] = sum(di in -1..1, dj in -1..1: pad(x, 0)[i + di, j + dj])", "neighbours"),
        ("t[i < 3, j < 3] = sum(k < 2, m < 2: x[2 * i + k, 2 * j + m])", "block"),
        ("t[i < 9] = sum(j < i + 1: v[j])", "prefix"),
        ("t[i < 3] = sum(j < 3: v[i + 3 * j])", "stride"),
        ("t = sum(i < 6: sum(j < 7: x[i, j]) >= 4)", "rows"),
        ("t = sum(i < 5: sum(j < 5: v[i + j]) >= 4)", "windows"),
        ("t = sum(i < 6: 2 * sum(j < 7: x[i, j]) - n > 4)", "rows"),
        ("t = sum(i < 6: 2 * sum(k < 4: x[i, 2 * k]) > sum(j < 7: x[i, j]))", "rows"),
        ("t = sum(i < 9: w[i] > n)", "count"),
        ("t = sum(i < 9: v[i] and a)", "count"),
        ("t[i < 6] = sum(j < 7: x[i, j]) >= 4", "dense_row"),
        ("t[i < 6] = sum(j < 7: x[i, j]) < 4", "sparse_row"),
        ("t[i < 6] = sum(j < 7: x[i, j]) == 4", "exact_row"),
        ("t[i < 6] = 2 <= sum(j < 7: x[i, j]) <= 4", "medium_row"),
        ("t[i < 6] = sum(j < 7: s[i, j]) > 0", "large_row"),
        ("t[i < 9] = sum(j < 3: v[(i + j - 1) % 9]) > 1", "dense_neighbourhood"),
        ("t = sum(i < 9: sign(w[i]))", "balance"),
        ("t = sum(i < 9: v[i]) >= 4", "many"),
        ("t = sum(i < 9: w[i]) <= 4", "small_total"),
        ("t = v[0] + v[1] + v[2] >= 2", "majority"),
        ("t = v[0] + v[1] + v[2] >= 1", "many"),
        ("t = a and b", "both"),
        ("t = a or b or v[0]", "some"),
        ("t = a xor b", "different"),
        ("t = a xor b xor v[0]", "odd"),
        ("t = any(i < 9: v[i])", "some"),
        ("t[i < 9, j < 9] = sign(w[i] - w[j])", "order"),
        ("t = n > w[0]", "n_above_w"),
        ("t = w[0] > w[1]", "greater"),
        ("t = max(i < 9: w[i])", "greatest"),
        ("t = argmax(i < 9: w[i])", "best"),
        ("t = relu(n - 3)", "excess"),
        ("t = relu(sum(i < 3: 2 * w[i]) - 3)", "feature"),
        ("t = abs(n - 3)", "size"),
        ("t = 2 * n + w[0]", "score"),
        ("t = 2 * a + b > n", "active"),
    ],
)
def test_words(statement: str, word: str) -> None:
    rule = named(statement)
    assert rule.statements[0].target == word
    assert Name()(rule).rule == rule


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("t[b < 7] = sum(q < 6: x[q, b])", "column[j < 7] = sum(i < 6: x[i, j])"),
        ("t[q < 4] = sum(b < 3, h < 5: c[b, q, h])", "plane[j < 4] = sum(i < 3, k < 5: c[i, j, k])"),
        ("t[q < 5] = sum(h < 5: v[q + h])", "window[i < 5] = sum(j < 5: v[i + j])"),
        ("t[q < 2] = sum(h < 5: v[h + q] > v[h])", "count[j < 2] = sum(i < 5: v[i + j] > v[i])"),
        ("t[q < 9, h < 9] = sign(w[h] - w[q])", "order[i < 9, j < 9] = sign(w[j] - w[i])"),
        ("t = sum(q < 9: v[q]) + sum(h < 9: w[h])", "score = sum(i < 9: v[i]) + sum(i < 9: w[i])"),
        (
            "t[q < 7] = sum(h in -1..1: pad(x, 0)[2, q + h])",
            "neighbours[j < 7] = sum(dj in -1..1: pad(x, 0)[2, j + dj])",
        ),
        ("t[q < 3, r < 5] = 2 * q - r", "score[i < 3, j < 5] = 2 * i - j"),
        ("t[q < 3, r < 7] = x[q + 1, r] and q > 0", "both[i < 3, j < 7] = x[i + 1, j] and i > 0"),
    ],
)
def test_letters(statement: str, text: str) -> None:
    assert str(named(statement)).splitlines()[1].strip() == text


def test_computed_tensors_hand_letters_on() -> None:
    rule = parse(
        "rule f(x: bit[6, 7]) -> (y: int, z: int) {\n"
        "  p[a < 7] = sum(b < 6: x[b, a])\n  q[a < 7] = p[a] * p[a]\n  y = max(a < 7: 2 * q[a] - p[a])\n"
        "  z = max(a < 6: sum(b < 7: x[a, b] * p[b]))\n}"
    )
    assert str(Name()(rule).rule).splitlines()[1:-1] == [
        "  column[j < 7] = sum(i < 6: x[i, j])",
        "  product[j < 7] = column[j] * column[j]",
        "  y = max(j < 7: 2 * product[j] - column[j])",
        "  z = max(i < 6: sum(j < 7: x[i, j] * column[j]))",
    ]


def test_constants_are_named_for_what_they_are_to_their_reader() -> None:
    rule = parse(
        "rule f(x: bit[4]) -> (y: bit[3]) {\n  const c: int[3] = [2, 0, 1]\n  const b: int[3] = [1, 2, 2]\n"
        "  const a: int[3, 4] = [[1, 2, 3, 4], [0, 2, 0, 2], [5, 0, 0, 1]]\n  const k: int[2] = [1, 2]\n"
        "  p[u < 3] = sum(v < 4: a[u, v] * x[v]) + b[u]\n  q[u < 3] = sum(v < 2: k[v] * x[u + v])\n"
        "  y[u < 3] = p[c[u]] > q[u]\n}"
    )
    found = Name()(rule).rule
    assert str(found).splitlines()[1:-1] == [
        "  const weight_score: int[3, 4] = [[1, 2, 3, 4], [0, 2, 0, 2], [5, 0, 0, 1]]",
        "  const bias_score: int[3] = [1, 2, 2]",
        "  const kernel_score2: int[2] = [1, 2]",
        "  const place_y: int[3] = [2, 0, 1]",
        "  score[j < 3] = sum(i < 4: weight_score[j, i] * x[i]) + bias_score[j]",
        "  score2[i < 3] = sum(j < 2: kernel_score2[j] * x[i + j])",
        "  y[i < 3] = score[place_y[i]] > score2[i]",
    ]
    assert Name()(found).rule == found


def test_a_constant_is_a_kernel_only_within_one_sum() -> None:
    rule = parse(
        "rule f(x: bit[4]) -> (y: int) {\n  const k: int[3, 4] = [[1, 2, 3, 4], [0, 2, 0, 2], [5, 0, 0, 1]]\n"
        "  y = sum(u < 3: sign(sum(v < 4: k[u, v] * x[v])))\n}"
    )
    assert "const weight_y: " in str(Name()(rule).rule)


def test_letters_that_are_taken_are_not_used() -> None:
    rule = parse(
        "rule f(i: bit[6, 7], k: bit) -> (y: int) {\n  t[a < 6] = sum(b < 7: i[a, b])\n  y = t[0] + t[1] + k\n}"
    )
    assert str(Name()(rule).rule).splitlines()[1] == "  row[j < 6] = sum(l < 7: i[j, l])"


def test_names_do_not_depend_on_names() -> None:
    rule = parse(
        "rule f(x: bit[6, 7]) -> (y: bit) {\n  p[a < 6] = sum(b < 7: x[a, b])\n  q[a < 7] = sum(b < 6: x[b, a])\n"
        "  r[a < 6, b < 7] = sign(p[a] - q[b])\n  y = sum(a < 6, b < 7: r[a, b]) > 0\n}"
    )
    other = {"p": "zz", "q": "active", "r": "row"}
    statements = tuple(
        Statement(
            other.get(s.target, s.target),
            s.positions,
            rewrite(s.value, lambda n: Read(other.get(n.tensor, n.tensor), n.positions) if isinstance(n, Read) else n),
        )
        for s in rule.statements
    )
    renamed = Rule(rule.name, rule.inputs, rule.outputs, statements)
    assert Name()(renamed).rule == Name()(rule).rule


def test_a_rule_with_its_names_stays() -> None:
    rule = parse("rule f(x: bit[6, 7]) -> (y: bit) {\n  row[i < 6] = sum(j < 7: x[i, j])\n  y = row[0] > row[1]\n}")
    assert Name()(rule).rule is rule
