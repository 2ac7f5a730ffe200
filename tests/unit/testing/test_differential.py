"""The comparison of engines must notice wrong results, wrong types and failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from ddcompile.ir.parser import parse
from ddcompile.testing import differential
from ddcompile.testing.differential import Case, assert_engines_agree, assert_equivalent

RULE = parse("rule count(x: bit[3]) -> (y: int) { y = sum(i < 3: x[i]) }")


def _engine(results: Sequence[object]) -> object:
    def run(cases: Sequence[Case]) -> Iterator[object]:
        yield from results

    return run


@pytest.mark.parametrize(
    ("result", "report"),
    [
        ((np.array([0, 1, 1, 2, 1, 2, 2, 2]),), "x = [1, 1, 1]\nexpected: 3\nfound:    2"),
        ((np.zeros(8, dtype=np.int8),), "found:    int8 of shape (8,)"),
        ((np.zeros(7, dtype=np.int64),), "found:    int64 of shape (7,)"),
        (ZeroDivisionError("by zero"), "found:    ZeroDivisionError: by zero"),
    ],
    ids=["value", "dtype", "shape", "error"],
)
def test_engines_that_disagree_are_reported(result: object, report: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(differential.ENGINES, "python", _engine([result]))
    with pytest.raises(AssertionError) as caught:
        assert_engines_agree(RULE, engines=["python"])
    text = str(caught.value)
    assert text.startswith("python disagrees with the interpreter on\nrule count(x: bit[3]) -> (y: int) {")
    assert report in text


def test_equal_rules_pass_and_unequal_rules_fail() -> None:
    same = parse("rule count(x: bit[3]) -> (y: int) { y = x[2] + x[1] + x[0] }")
    other = parse("rule count(x: bit[3]) -> (y: int) { y = x[2] + x[1] - x[0] }")
    assert_equivalent(RULE, same)
    with pytest.raises(AssertionError, match=r"x = \[1, 0, 0\]\nexpected: 1\nfound:    -1\nthe other rule:"):
        assert_equivalent(RULE, other)


def test_rules_without_inputs_have_one_sample() -> None:
    assert_engines_agree(parse("rule f() -> (y: int[2], z: bit) { y[i < 2] = i + 3 z = 1 }"))
