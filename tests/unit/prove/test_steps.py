"""Every kind of step that the checker accepts, each beside a minimally wrong one that it declines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Case:
    """A right step; `wrong` replaces one piece of text in the new rule or the witness."""

    rule: str
    header: str
    old: str
    new: str
    wrong: tuple[str, str]
    witness: str = ""


def text(header: str, body: str) -> str:
    return f"rule r{header} {{\n{body}\n}}"


CASES = {
    "no bits differ where all are equal": Case(
        "a",
        "(x: bit[15], z: bit[15]) -> (y: bit)",
        "y = sum(k < 15: x[k] xor z[k]) <= 0",
        "y = all(k < 15: x[k] == z[k])",
        ("k < 15", "k < 14"),
    ),
    "linear forms": Case(
        "a",
        "(x: int[0..9][3]) -> (y: rat)",
        "y = 2 * (x[0] + x[1]) - 0.5 * x[2]",
        "y = sum(i < 3: 2 * x[i]) - 2.5 * x[2]",
        ("2.5", "2.25"),
    ),
    "order and brackets": Case(
        "a", "(x: bit[4]) -> (y: int)", "y = x[0] - (x[1] - x[2])", "y = x[2] + x[0] - x[1]", ("- x[1]", "- x[3]")
    ),
    "sign is odd": Case(
        "a",
        "(x: int[3]) -> (y: trit)",
        "y = sign(x[0] - 2 * x[1] + 3)",
        "y = -sign(4 * x[1] - 2 * x[0] - 6)",
        ("- 6", "- 5"),
    ),
    "positive scaling of comparisons": Case(
        "a",
        "(x: bit[3]) -> (y: bit)",
        "y = 0.3 * x[0] + 0.3 * x[1] + 0.3 * x[2] > 0.45",
        "y = x[0] + x[1] + x[2] >= 2",
        (">= 2", ">= 1"),
    ),
    "a tree of maxima": Case(
        "a",
        "(x: int[0..9][8]) -> (y: int)",
        "a[i < 4] = max(x[2 * i], x[2 * i + 1])\nb[i < 2] = max(a[2 * i], a[2 * i + 1])\ny = max(b[0], b[1])",
        "y = max(i < 8: x[i])",
        ("i < 8", "i < 7"),
    ),
    "minima in another order": Case(
        "a",
        "(x: int[0..9][5]) -> (y: int)",
        "a = min(x[4], x[1])\nb = min(x[0], a, x[2])\ny = min(x[3], b, a)",
        "c = min(x[2], x[3])\ny = min(min(c, x[1]), min(x[0], x[4], c))",
        ("min(c, x[1])", "max(c, x[1])"),
    ),
    "a maximum of minima": Case(
        "a",
        "(x: int[0..9][6]) -> (y: int)",
        "a = min(x[0], x[1])\nb = min(x[2], x[3])\nm = max(a, b)\ny = max(m, x[4], x[5])",
        "c = min(x[1], x[0])\nd = max(x[4], c)\ny = max(x[5], d, min(x[3], x[2]))",
        ("min(x[3], x[2])", "max(x[3], x[2])"),
    ),
    "what one has more, and the larger one": Case(
        "a",
        "(x: int[0..9][4]) -> (y: int)",
        "e[i < 2] = relu(x[2 * i] - x[2 * i + 1])\ny = relu(x[1] - x[3] + e[0] - e[1]) + x[3] + e[1]",
        "l[i < 2] = max(x[2 * i], x[2 * i + 1])\ny = max(l[0], l[1])",
        ("x[2 * i + 1])", "x[2 * i])"),
        "l[i < 2] = e[i] + x[2 * i + 1]",
    ),
    "permuted units": Case(
        "a",
        "(x: bit[4]) -> (y: bit)",
        "h[i < 4] = x[i] and x[(i + 1) % 4]\ny = 2 * h[0] + h[1] + h[2] + h[3] >= 3",
        "g[i < 4] = x[3 - i] and x[(4 - i) % 4]\ny = 2 * g[3] + g[0] + g[1] + g[2] >= 3",
        ("2 * g[3]", "2 * g[2]"),
        "const where: int[4] = [3, 2, 1, 0]\ng[i < 4] = h[where[i]]",
    ),
    "wrong permutation in the witness": Case(
        "a",
        "(x: bit[4]) -> (y: int)",
        "h[i < 4] = x[i] and x[(i + 1) % 4]\ny = sum(i < 4: (i + 1) * h[i])",
        "g[i < 4] = x[3 - i] and x[(4 - i) % 4]\ny = sum(i < 4: (4 - i) * g[i])",
        ("[3, 2, 1, 0]", "[3, 1, 2, 0]"),
        "const where: int[4] = [3, 2, 1, 0]\ng[i < 4] = h[where[i]]",
    ),
    "duplicates and copies": Case(
        "a",
        "(x: trit[3]) -> (y: trit)",
        "h[u < 3] = sign((1 - 2 * (u % 2)) * sum(i < 3: x[i]))\ny = sign(h[0] - 2 * h[1] + h[2])",
        "h = sign(sum(i < 3: x[i]))\ny = h",
        ("y = h", "y = 0 - h"),
        "h = h[0]",
    ),
    "a sign without ties as a bit": Case(
        "a",
        "(x: bit[3]) -> (y: bit)",
        "h[u < 2] = sign(2 * x[u] + 2 * x[u + 1] - 3)\ny = h[0] + h[1] > 0",
        "h[u < 2] = x[u] + x[u + 1] >= 2\ny = h[0] + h[1] >= 2",
        ("h[0] + h[1] >= 2", "h[0] + h[1] >= 1"),
        "h[u < 2] = h[u] > 0",
    ),
    "a tie that is kept": Case(
        "a",
        "(x: bit[4]) -> (y: trit)",
        "h = sign(0.25 * (x[0] + x[1]) - 0.25 * (x[2] + x[3]))\ny = h",
        "h = sign(x[0] + x[1] - x[2] - x[3])\ny = h",
        ("- x[3]", "- x[3] - 0.5"),
    ),
    "argmax of two": Case(
        "a",
        "(x: bit[4]) -> (y: bit)",
        "s[0] = 0.7 * (x[0] + x[1]) - 0.6 * (x[2] + x[3])\n"
        "s[1] = 0.7 * (x[2] + x[3]) - 0.6 * (x[0] + x[1])\ny = argmax(u < 2: s[u])",
        "y = x[2] + x[3] > x[0] + x[1]",
        (">", ">="),
    ),
    "common subexpressions": Case(
        "a",
        "(x: bit[3, 3]) -> (y: bit[3])",
        "y[i < 3] = sum(j < 3: x[i, j]) > sum(k < 3, j < 3: x[k, j]) - 4",
        "total = sum(i < 3: row[i])\nrow[i < 3] = sum(j < 3: x[i, j])\ny[i < 3] = row[i] > total - 4",
        ("total - 4", "total - 3"),
    ),
    "intervals": Case(
        "a",
        "(x: bit[5]) -> (y: bit)",
        "y = 2 <= sum(i < 5: x[i]) <= 3",
        "s = sum(i < 5: x[i])\ny = s >= 2 and not s > 3",
        ("s > 3", "s >= 3"),
    ),
    "minimum and relu": Case(
        "a",
        "(x: int[2]) -> (y: int)",
        "y = min(x[0], x[1]) + abs(x[0])",
        "y = x[0] - relu(x[0] - x[1]) + max(x[0], -x[0])",
        ("x[0] - x[1]", "x[1] - x[0]"),
    ),
    "modulo": Case(
        "a",
        "(x: int[3]) -> (y: int)",
        "y = (x[0] + (5 * x[1] + x[2]) % 10) % 5",
        "y = (x[0] + x[2]) % 5",
        ("% 5", "% 10"),
    ),
    "gathers": Case(
        "a",
        "(x: int[0..3]) -> (y: int)",
        "y = if x == 0 then 5 else if x == 1 then 7 else if x == 2 then 7 else -1",
        "const t: int[4] = [5, 7, 7, -1]\ny = t[x]",
        ("5, 7, 7", "5, 7, 6"),
    ),
    "uneven weights": Case(
        "b",
        "(x: bit[5]) -> (y: bit)",
        "y = 0.31 * x[0] + 0.29 * x[1] + 0.3 * x[2] + 0.28 * x[3] - 0.3 * x[4] > 0.5",
        "y = x[0] + x[1] + x[2] + x[3] - x[4] >= 2",
        (">= 2", ">= 3"),
    ),
    "uneven weights with a tie": Case(
        "b",
        "(x: trit[3]) -> (y: trit)",
        "y = sign(3 * x[0] + 5 * x[1] - 8 * x[2])",
        "y = sign(x[0] + 2 * x[1] - 3 * x[2])",
        ("3 * x[2]", "2 * x[2]"),
    ),
    "several step functions": Case(
        "b",
        "(x: bit[6]) -> (y: int)",
        "y = sum(u < 2: 1.1 * x[3 * u] + 0.9 * x[3 * u + 1] + x[3 * u + 2] > 1.5)",
        "y = sum(u < 2: sum(i < 3: x[3 * u + i]) >= 2)",
        (">= 2", ">= 3"),
    ),
    "argmax of three": Case(
        "b",
        "(x: bit[3]) -> (y: int)",
        "y = argmax(u < 3: (if u == 0 then 0.5 else if u == 1 then 0.9 else 0.7) * x[u])",
        "y = argmax(u < 3: (if u == 0 then 1 else if u == 1 then 3 else 2) * x[u])",
        ("then 3", "then 1"),
    ),
    "a layer below": Case(
        "b",
        "(x: bit[6]) -> (y: bit)",
        "h[u < 4] = 1.1 * x[u] + 0.9 * x[u + 1] + x[u + 2] > 1.5\n"
        "y = 0.5 * h[0] + 0.4 * h[1] + 0.6 * h[2] + 0.5 * h[3] > 0.85",
        "y = sum(u < 4: sum(i < 3: x[u + i]) >= 2) >= 2",
        ("x[u + i]) >= 2", "x[u + i]) >= 1"),
    ),
    "logic as a threshold": Case(
        "c",
        "(x: bit[3]) -> (y: bit)",
        "y = x[0] and x[1] or x[1] and x[2] or x[0] and x[2]",
        "y = x[0] + x[1] + x[2] >= 2",
        (">= 2", ">= 1"),
    ),
    "counts that all are exact": Case(
        "a",
        "(x: bit[3, 3]) -> (y: bit)",
        "y = sum(i < 3: sum(j < 3: x[i, j]) == 1) + sum(j < 3: sum(i < 3: x[i, j]) == 1) >= 6",
        "y = all(i < 3: sum(j < 3: x[i, j]) == 1 and sum(j < 3: x[j, i]) == 1)",
        ("x[j, i]) == 1", "x[j, i]) == 2"),
    ),
    "units as a formula": Case(
        "c",
        "(x: bit[3]) -> (y: bit)",
        "h[0] = x[0] - x[1] - x[2] > 0.5\nh[1] = x[1] - x[0] > 0.5\nh[2] = x[2] - x[0] > 0.5\n"
        "y = h[0] + h[1] + h[2] > 0.5",
        "y = x[0] xor (x[1] or x[2])",
        ("xor", "or"),
    ),
    "maximum of numbers": Case(
        "c",
        "(x: int[0..9][3]) -> (y: int)",
        "y = max(x[0], max(x[1], x[2]))",
        "y = x[0] + relu(x[1] - x[0]) + relu(x[2] - x[0] - relu(x[1] - x[0]))",
        ("x[2] - x[0]", "x[2] - x[1]"),
    ),
    "parity of many": Case(
        "d",
        "(x: bit[40]) -> (y: bit)",
        "y = sum(i < 40: x[i]) % 4 >= 3",
        "y = (sum(i < 40: x[i]) - 1) % 4 == 2",
        ("== 2", "== 1"),
    ),
    "two classes of inputs": Case(
        "d",
        "(x: bit[30]) -> (y: bit)",
        "y = sum(i < 15: x[i]) >= 8 and sum(i < 15: x[i + 15]) >= 8",
        "y = min(sum(i < 15: x[i]), sum(i < 15: x[i + 15])) > 7",
        ("> 7", "> 8"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_right_step_is_proved(name: str, prove: Any) -> None:
    case = CASES[name]
    verdict = prove(text(case.header, case.old), text(case.header, case.new), case.witness)
    assert verdict.status == "proved", str(verdict)
    assert verdict.obligations.get(case.rule), str(verdict)


@pytest.mark.parametrize("name", CASES)
def test_wrong_step_is_declined(name: str, prove: Any) -> None:
    case = CASES[name]
    assert case.wrong[0] in case.new + case.witness
    new, witness = case.new.replace(*case.wrong), case.witness.replace(*case.wrong)
    verdict = prove(text(case.header, case.old), text(case.header, new), witness)
    assert verdict.status == "failed"
    assert verdict.failure is not None


def test_counterexample_is_shown(prove: Any) -> None:
    header = "(x: bit[3], z: spin) -> (y: bit)"
    verdict = prove(text(header, "y = z + 2 * x[1] > 2"), text(header, "y = x[1] and z >= -1"))
    assert str(verdict).splitlines()[0] == (
        "failed: y: its definition is not shown equal to its meaning: they differ (for example at x[1] = 1, z = -1)"
    )


@pytest.mark.parametrize(
    ("new", "witness", "reason"),
    [
        ("h = x[0]\ny = h", "y = h", "the witness gives y another meaning"),
        ("h = x[0]\ny = h", "x[i < 2] = x[1 - i]", "the witness gives x another meaning"),
        ("h = x[0]\ny = h", "g = h", "which is no tensor of the new program"),
        ("g[i < 2] = x[i]\ny = g[0]", "g[i < 3] = x[i % 2]", "another shape"),
        ("g[i < 2] = x[i]\ny = g[0]", "g[1] = x[1]", "its meaning is not defined"),
        ("g[i < 2] = x[i]\ny = g[0]", "g[i < 2] = x[i + 1]", "outside"),
        ("g[i < 2] = x[i]\ny = g[0]", "g[i < 2] = nothing[i]", "there is no tensor nothing"),
        ("g[i < 2] = x[i]\ny = g[0]", "g[i < 2] = x[0 + i] and h + 1", "not known to be 0 or 1"),
        ("g[i < 2] = x[i]\ny = g[0]", "g[i < 2] = x[i]\ng[0] = x[0]", "two clauses"),
    ],
)
def test_bad_witness(new: str, witness: str, reason: str, prove: Any) -> None:
    header = "(x: bit[2]) -> (y: bit)"
    verdict = prove(text(header, "h = x[0]\ny = h"), text(header, new), witness)
    assert verdict.status == "failed"
    assert reason in str(verdict)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("(z: bit[2]) -> (y: bit)", "the inputs have different names"),
        ("(x: trit[2]) -> (y: bit)", "x is declared with different types"),
        ("(x: bit[3]) -> (y: bit)", "x is declared with different types"),
        ("(x: bit[2]) -> (z: bit)", "the results have different names"),
        ("(x: bit[2]) -> (y: int)", "y is declared with different types"),
        ("(x: bit[2], z: bit) -> (y: bit)", "the inputs have different names"),
    ],
)
def test_other_interface(header: str, reason: str, prove: Any) -> None:
    body = "y = x[0] >= x[1]"
    new = text(header, body.replace("y", header[-7]) if "(z: bit)" in header[12:] else body.replace("x", header[1]))
    verdict = prove(text("(x: bit[2]) -> (y: bit)", body), new)
    assert verdict.status == "failed"
    assert reason in str(verdict)


def test_invalid_program_is_declined(prove: Any) -> None:
    header = "(x: bit[2]) -> (y: bit)"
    verdict = prove(text(header, "y = x[0]"), text(header, "h = x[2]\ny = x[0]"))
    assert verdict.status == "failed"


def test_unchanged_statements_are_counted(prove: Any) -> None:
    header = "(x: bit[9]) -> (y: bit)"
    old = text(header, "h[i < 8] = x[i] xor x[i + 1]\ny = sum(i < 8: h[i]) >= 3")
    new = text(header, "h[i < 8] = x[i] xor x[i + 1]\ny = sum(i < 8: h[i]) > 2")
    assert prove(old, new).obligations == {"a": 9}


def test_meaning_of_a_reused_name(prove: Any) -> None:
    """A tensor of the old name and shape means the old tensor, unless the witness says otherwise."""
    header = "(x: bit[2]) -> (y: bit)"
    old, new = text(header, "h = x[0]\ny = h"), text(header, "h = not x[0]\ny = not h")
    assert prove(old, new).status == "failed"
    assert prove(old, new, "h = 1 - h").status == "proved"


def test_deep_and_long_expressions(prove: Any) -> None:
    header = "(x: bit[4]) -> (y: int)"
    terms = " + ".join(f"x[{k % 4}]" for k in range(4_000))
    nested = "abs(" * 2_000 + "x[0]" + ")" * 2_000
    old = text(header, f"y = {terms} + {nested}")
    assert prove(old, text(header, "y = 1000 * sum(i < 4: x[i]) + x[0]")).status == "proved"
    assert prove(old, text(header, "y = 1000 * sum(i < 4: x[i]) + x[1]")).status == "failed"


def test_large_weights(prove: Any) -> None:
    """Weights far beyond 64 bits stay exact."""
    header = "(x: bit[3]) -> (y: bit)"
    big = 3**90
    old = text(header, f"y = {big} * x[0] + {big + 1} * x[1] - {2 * big + 1} * x[2] >= 0")
    assert prove(old, text(header, "y = x[0] + x[1] >= 2 * x[2]")).status == "proved"
    worse = text(header, f"y = {big} * x[0] + {big + 1} * x[1] - {2 * big + 1} * x[2] > 0")
    assert prove(old, worse).status == "failed"
