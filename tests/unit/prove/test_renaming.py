"""Tensors that are only renamed keep their meaning without being evaluated; near misses do not."""

from __future__ import annotations

import pytest

from ddcompile.ir.parser import parse
from ddcompile.passes.rewrite import Witness
from ddcompile.prove import steps
from ddcompile.prove.checker import check_step

OLD = """rule f(x: bit[4]) -> (y: int) {
  const w: int[4] = [1, 2, 3, 4]
  const v: int[4] = [1, 2, 3, 5]
  h[i < 4] = sum(j < 4: w[j] * x[(i + j) % 4]) >= 5
  g[i < 4] = sum(j < 4: v[j] * x[(i + j) % 4]) >= 5
  y = sum(i < 4: h[i]) + 2 * sum(i < 4: g[i])
}"""


def witness(text: str) -> Witness:
    rule = parse(f"rule w(h: bit[4], g: bit[4]) -> (y: bit) {{ {text}\n y = 0 }}")
    return Witness(tuple(s for s in rule.statements if s.target != "y"), rule.constants)


def evaluated(monkeypatch: pytest.MonkeyPatch, new: str, copies: str, old: str = OLD) -> tuple[bool, set[str]]:
    """Whether the step is proved, and which tensors were evaluated for it."""
    seen: set[str] = set()
    compare = steps._compare

    def follow(decider, tensor, *rest):  # type: ignore[no-untyped-def]
        seen.add(tensor)
        compare(decider, tensor, *rest)

    monkeypatch.setattr(steps, "_compare", follow)
    return bool(check_step(parse(old), parse(new), witness(copies) if copies else None)), seen


COPIES = "a[p < 4] = h[p]\n b[p < 4] = g[p]"


def test_names_of_tensors_indices_and_constants_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    new = """rule f(x: bit[4]) -> (y: int) {
  const other: int[4] = [1, 2, 3, 5]
  const first: int[4] = [1, 2, 3, 4]
  b[k < 4] = sum(i < 4: other[i] * x[(k + i) % 4]) >= 5
  a[j < 4] = sum(i < 4: first[i] * x[(j + i) % 4]) >= 5
  y = sum(k < 4: a[k]) + 2 * sum(i < 4: b[i])
}"""
    assert evaluated(monkeypatch, new, COPIES) == (True, set())


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("const first: int[4] = [1, 2, 3, 4]", "const first: int[4] = [1, 2, 3, 5]", {"a"}),
        ("first[i] * x[(j + i) % 4]", "first[i] * x[(j - i) % 4]", {"a"}),
        ("first[i] * x[(j + i) % 4]", "first[j] * x[(j + i) % 4]", {"a"}),
        ("a[j < 4] = sum(i < 4", "a[j < 4] = sum(i < 3", {"a"}),
        ("sum(k < 4: a[k]) + 2", "sum(k < 4: b[k]) + 2", {"y"}),
    ],
)
def test_what_differs_is_evaluated_and_refused(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, names: set[str]
) -> None:
    text = """rule f(x: bit[4]) -> (y: int) {
  const other: int[4] = [1, 2, 3, 5]
  const first: int[4] = [1, 2, 3, 4]
  b[k < 4] = sum(i < 4: other[i] * x[(k + i) % 4]) >= 5
  a[j < 4] = sum(i < 4: first[i] * x[(j + i) % 4]) >= 5
  y = sum(k < 4: a[k]) + 2 * sum(i < 4: b[i])
}"""
    assert old in text
    proved, seen = evaluated(monkeypatch, text.replace(old, new), COPIES)
    assert not proved
    assert seen <= names


@pytest.mark.parametrize(
    "copies",
    [
        "a[p < 4] = g[p]\n b[p < 4] = h[p]",
        "a[p < 4] = h[(p + 1) % 4]\n b[p < 4] = g[p]",
        "a[p < 4] = 1 - h[p]\n b[p < 4] = g[p]",
    ],
)
def test_a_witness_that_is_no_copy_is_evaluated(monkeypatch: pytest.MonkeyPatch, copies: str) -> None:
    new = """rule f(x: bit[4]) -> (y: int) {
  const w: int[4] = [1, 2, 3, 4]
  const v: int[4] = [1, 2, 3, 5]
  a[i < 4] = sum(j < 4: w[j] * x[(i + j) % 4]) >= 5
  b[i < 4] = sum(j < 4: v[j] * x[(i + j) % 4]) >= 5
  y = sum(i < 4: a[i]) + 2 * sum(i < 4: b[i])
}"""
    proved, seen = evaluated(monkeypatch, new, copies)
    assert not proved
    assert seen


def test_indices_are_told_apart_by_their_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    old = """rule f(x: bit[3, 3]) -> (y: int[3]) {
  y[i < 3] = sum(j < 3: x[i, j] + sum(k < 3: x[j, k])) + sum(j < 3: x[j, i])
}"""
    renamed = old.replace("k < 3: x[j, k]", "l < 3: x[j, l]").replace("j < 3: x[j, i]", "k < 3: x[k, i]")
    assert evaluated(monkeypatch, renamed, "", old) == (True, set())
    proved, seen = evaluated(monkeypatch, old.replace("x[j, k]", "x[i, k]"), "", old)
    assert not proved
    assert seen


BIASED = """rule f(x: bit[4]) -> (y: trit[3]) {
  const w: int[3, 4] = [[1, 2, 3, 4], [4, 3, 2, 1], [1, -1, 1, -1]]
  const b: int[3] = [0, 0, 0]
  y[i < 3] = sign(sum(j < 4: w[i, j] * x[j]) + b[i])
}"""
UNBIASED = BIASED.replace(" + b[i]", "").replace("  const b: int[3] = [0, 0, 0]\n", "")


def test_added_zeros_are_not_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluated(monkeypatch, UNBIASED, "", BIASED) == (True, set())
    assert evaluated(monkeypatch, BIASED, "", UNBIASED) == (True, set())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[0, 0, 0]", "[0, 0, 1]"),
        ("+ b[i]", "* b[i]"),
        ("sum(j < 4: w[i, j] * x[j]) + b[i]", "b[i] - sum(j < 4: w[i, j] * x[j])"),
        ("sum(j < 4: w[i, j] * x[j]) + b[i]", "w[i, 0] + b[i]"),
        ("w[i, j] * x[j]", "(w[i, j] + b[i]) * x[3 - j]"),
    ],
)
def test_what_is_not_an_added_zero_is_evaluated(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    assert old in BIASED
    proved, seen = evaluated(monkeypatch, UNBIASED, "", BIASED.replace(old, new))
    assert not proved
    assert seen == {"y"}


def test_zeros_added_to_doubles_may_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (text.replace("x: bit", "x: real").replace("y: trit", "y: real") for text in (BIASED, UNBIASED))
    old, new = (text.replace("sign(", "relu(") for text in (old, new))
    assert "y" in evaluated(monkeypatch, new, "", old)[1]


def test_zeros_at_places_that_tensors_tell_are_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluated(monkeypatch, BIASED.replace("b[i]", "b[x[i]]"), "", UNBIASED) == (True, {"y"})


def test_zeros_do_not_hide_a_cycle() -> None:
    old = """rule f(x: bit[3]) -> (y: int) {
  const z: int[2] = [0, 0]
  a[i < 3] = 2 * x[i]
  c[i < 3] = a[i] >= 1
  y = sum(i < 3: c[i])
}"""
    assert not check_step(parse(old), parse(old.replace("2 * x[i]", "2 * x[i] + z[c[i]]")), verify=False)
