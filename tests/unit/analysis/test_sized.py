"""Rules with sizes: what is proved for all sizes holds at every one, and what is asked of sizes is not too much."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from ddcompile.analysis.conditions import condition_text
from ddcompile.analysis.sized import Sized, analyse
from ddcompile.diagnostics import CompileError
from ddcompile.ir.parser import parse
from ddcompile.ir.specialize import specialize
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import check, verify
from ddcompile.testing.generate import Limits, rule_from_seed

RULES = sorted((Path(__file__).parents[2] / "golden" / "kernel").glob("sized_*.rule"))
CONDITIONS = {"sized_tail": ["N >= 6"], "sized_clauses": ["V >= 100"]}


def sizes_of(rule_sizes: tuple[str, ...], most: int) -> list[dict[str, int]]:
    return [dict(zip(rule_sizes, v, strict=True)) for v in product(range(1, most), repeat=len(rule_sizes))]


def is_allowed(sized: Sized, sizes: dict[str, int]) -> bool:
    return all(any(form.evaluate(sizes) >= 0 for form in condition) for condition in sized.conditions)


def assert_holds_at(sized: Sized, sizes: dict[str, int]) -> None:
    special = specialize(sized.types.rule, sizes)
    assert verify(special) == [], sizes
    types = infer(special)
    for name, shape in types.shape.items():
        found = tuple(form.evaluate(sizes) for form in sized.shape[name])
        assert found == shape or all(a >= b for a, b in zip(found, shape, strict=True)), (name, sizes)
        assert types.tensor[name].is_within(sized.types.tensor[name]) or not sized.types.tensor[name].is_bounded


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rule_is_legal_for_all_sizes_that_are_allowed(path: Path) -> None:
    rule = parse(path.read_text(encoding="utf-8"), path.name)
    check(rule)
    sized = analyse(rule)
    assert [condition_text(condition) for condition in sized.conditions] == CONDITIONS.get(path.stem, [])
    tried = [*sizes_of(rule.sizes, 8), {"V": 99, "C": 2}, {"V": 100, "C": 1}]
    for sizes in tried:
        if set(sizes) == set(rule.sizes):
            if is_allowed(sized, sizes):
                assert_holds_at(sized, sizes)
            else:
                assert verify(specialize(rule, sizes)) != [], sizes


@pytest.mark.parametrize("seed", range(150))
def test_random_rule_is_legal_for_all_sizes_that_are_allowed(seed: int) -> None:
    rule = rule_from_seed(seed, Limits(sizes=1.0))
    assert rule.sizes
    try:
        sized = analyse(rule)
    except CompileError as error:
        codes = [d.code for d in error.diagnostics]
        if not set(codes) <= {"E034"}:
            pytest.fail(str(error))
        return
    allowed = [sizes for sizes in sizes_of(rule.sizes, 7) if is_allowed(sized, sizes)]
    for sizes in allowed:
        assert_holds_at(sized, sizes)


FAULTS = {
    "E030": "y[i < N] = x[i - M]",
    "E031": "y[i < N] = x[i]  y[i in M - 1..M] = 0",
    "E032": "y[i < N] = max(j < i: x[j]) == 1",
    "E033": "y[i < N] = x[i] xor any(j < M: y[i - j])",
    "E034": "y[i < N] = x[i] and sum(j < N: x[j])",
}


@pytest.mark.parametrize("code", FAULTS)
def test_what_cannot_be_shown_is_reported(code: str) -> None:
    rule = parse(f"rule r<N, M>(x: bit[N], z: bit[M]) -> (y: bit[N]) {{ {FAULTS[code]} }}", "f.rule")
    with pytest.raises(CompileError) as caught:
        analyse(rule)
    assert [d.code for d in caught.value.diagnostics] == [code]
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.location is not None
    assert "for all sizes" in diagnostic.message
    assert diagnostic.hint == "give the sizes as numbers: `--size N=8`, or `program.at(N=8)`"


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("rule r<N>(x: bit[N - 2]) -> (y: bit) { y = x[0] }", ["N >= 3"]),
        ("rule r<N, M>(x: bit[N], z: bit[M]) -> (y: bit[M]) { y[i < M] = x[i] xor z[i] }", ["N >= M"]),
        ("rule r<N, M>(x: bit[N], z: bit[M]) -> (y: bit) { y = x[M - 1] and z[N - 1] }", ["N >= M", "M >= N"]),
        ("rule r<N>(x: bit[N]) -> (y: bit[N]) { y[i < 3] = x[i]  y[3 <= i < N] = 0 }", ["N >= 3"]),
        ("rule r<N>(x: bit[N]) -> (y: bit) { a[0] = x[0]  a[1 <= i < N - 3] = x[i]  y = a[0] }", ["N >= 4"]),
        ("rule r<N>(x: bit[N]) -> (y: int[N]) { y[i < N] = (i + 2) % (N - 1) + x[i] }", ["N >= 2"]),
        ("rule r<N>(x: bit[N]) -> (y: bit) { y = max(4 <= i < N: x[i]) }", ["N >= 5"]),
        ("rule r<N, M>(x: bit[N], z: bit[M]) -> (y: bit) { y = any(i < N - 1, j < M - 1: x[i + 5] xor z[j]) }", None),
    ],
)
def test_conditions(text: str, conditions: list[str] | None) -> None:
    rule = parse(text)
    sized = analyse(rule)
    shown = [condition_text(condition) for condition in sized.conditions]
    if conditions is not None:
        assert shown == conditions
    for sizes in sizes_of(rule.sizes, 9):
        if is_allowed(sized, sizes):
            assert_holds_at(sized, sizes)


def test_many_clauses() -> None:
    clauses = " ".join(f"y[{k}] = x[{k}]" for k in range(300))
    sized = analyse(parse(f"rule r<N>(x: bit[N]) -> (y: bit[300]) {{ {clauses} }}"))
    assert [condition_text(condition) for condition in sized.conditions] == ["N >= 300"]


def test_more_clauses_than_can_be_looked_at() -> None:
    clauses = " ".join(f"y[{2 * k}] = x[{k}]" for k in range(500))
    with pytest.raises(CompileError, match="E031"):
        analyse(parse(f"rule r<N>(x: bit[N]) -> (y: bit[N]) {{ {clauses} }}"))
